// Checks what `dotnet pack` makes of NotationVerifier.csproj, with the engine of MSBuild
// and the packing library of NuGet, but without an SDK: sdk/ stands in for that.
//
//   PackCheck PROJECT SDK-FOLDER COMPILED-FOLDER SCRATCH-FOLDER
//
// COMPILED-FOLDER has NotationVerifier.dll and .xml.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Evaluation;
using Microsoft.Build.Framework;
using NuGet.Frameworks;
using NuGet.Packaging;
using NuGet.Packaging.Licenses;
using NuGet.Versioning;

public static class PackCheck
{
    private static readonly Dictionary<string, string> Libraries = new()
    {
        ["linux-x64"] = "libnotation_verifier.so",
        ["linux-arm64"] = "libnotation_verifier.so",
        ["linux-musl-x64"] = "libnotation_verifier.so",
        ["linux-musl-arm64"] = "libnotation_verifier.so",
        ["osx-x64"] = "libnotation_verifier.dylib",
        ["osx-arm64"] = "libnotation_verifier.dylib",
        ["win-x64"] = "notation_verifier.dll",
        ["win-arm64"] = "notation_verifier.dll",
    };

    public static int Main(string[] arguments)
    {
        (string project, string compiled, string scratch) = (arguments[0], arguments[2], arguments[3]);
        Environment.SetEnvironmentVariable("MSBuildSDKsPath", Path.GetFullPath(arguments[1]));
        string[] all = Libraries.Keys.ToArray();
        int scenarios = 0;
        // Which libraries are there, what the packer says, which platforms are missed.
        void Scenario(string[] present, string? expected, params string[] missing)
        {
            string folder = Path.Combine(scratch, $"{++scenarios}");
            foreach (string rid in present)
            {
                string native = Path.Combine(folder, "runtimes", rid, "native");
                Directory.CreateDirectory(native);
                File.WriteAllText(Path.Combine(native, Libraries[rid]), $"the library for {rid}");
            }
            string package = Path.Combine(folder, "package.nupkg");
            var properties = new Dictionary<string, string>
            {
                ["NativeLibraries"] = Path.Combine(folder, "runtimes"),
                ["PackageOutput"] = package,
                ["Compiled"] = Path.GetFullPath(compiled),
                ["PackCheck"] = typeof(PackCheck).Assembly.Location,
            };
            if (expected is not null)
            {
                properties["ExpectedRids"] = expected;
            }
            var log = new ErrorLog();
            using var projects = new ProjectCollection(properties);
            bool packed = new Project(project, properties, null, projects).CreateProjectInstance().Build(["Pack"], [log]);
            string said = string.Join("\n", log.Errors);
            string named = string.Join("`, `", missing);
            Require(packed == (missing.Length == 0), $"scenario {scenarios}: packed: {packed}; {said}");
            Require(packed || said.StartsWith($"there is no native library for `{named}`: `{folder}", StringComparison.Ordinal),
                $"scenario {scenarios}: {said}");
            Require(File.Exists(package) == packed, $"scenario {scenarios}: a package although packing failed");
            if (packed)
            {
                Contents(package, expected?.Split(';') ?? all);
            }
        }

        Scenario(all, null);
        Scenario([], null, all);
        Scenario(all.Where(rid => rid != "win-arm64").ToArray(), null, "win-arm64");
        Scenario(["linux-x64"], "linux-x64");
        Scenario(["linux-x64", "win-x64"], "linux-x64;win-x64");
        Scenario(["linux-x64"], "linux-x64;osx-arm64", "osx-arm64");
        // Nothing is packed for a platform that was not asked for, although it is there.
        Scenario(all, "linux-musl-arm64");
        Console.WriteLine($"package: {scenarios} scenarios, packed or refused as expected");
        return 0;
    }

    private static void Contents(string package, string[] rids)
    {
        using var reader = new PackageArchiveReader(package);
        string[] expected =
        [
            "NotationVerifier.nuspec", "README.md", "lib/net8.0/NotationVerifier.dll", "lib/net8.0/NotationVerifier.xml",
            .. rids.Select(rid => $"runtimes/{rid}/native/{Libraries[rid]}"),
        ];
        string[] found = reader.GetFiles()
            .Where(file => !file.StartsWith("package/", StringComparison.Ordinal) && !file.StartsWith("_rels/", StringComparison.Ordinal)
                && file != "[Content_Types].xml")
            .ToArray();
        Require(found.Order(StringComparer.Ordinal).SequenceEqual(expected.Order(StringComparer.Ordinal)),
            $"the package has: {string.Join(", ", found)}");
        foreach (string rid in rids)
        {
            using var text = new StreamReader(reader.GetStream($"runtimes/{rid}/native/{Libraries[rid]}"));
            string content = text.ReadToEnd();
            Require(content == $"the library for {rid}", $"{rid} has {content}");
        }
        NuspecReader about = reader.NuspecReader;
        Require(about.GetId() == "NotationVerifier" && about.GetReadme() == "README.md", "id or readme");
        Require(about.GetLicenseMetadata()?.LicenseExpression is WithOperator or LogicalOperator, "the licence is no expression");
        Require(about.GetDependencyGroups().Single() is { Packages: var packages } group
            && group.TargetFramework == NuGetFramework.Parse("net8.0") && !packages.Any(), "the library depends on something");
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            Console.WriteLine(otherwise);
            Environment.Exit(1);
        }
    }

    private sealed class ErrorLog : ILogger
    {
        public List<string> Errors { get; } = [];
        public string? Parameters { get; set; }
        public LoggerVerbosity Verbosity { get; set; }

        public void Initialize(IEventSource eventSource) =>
            eventSource.ErrorRaised += (_, error) => Errors.Add(error.Message ?? "");

        public void Shutdown()
        {
        }
    }
}

/// <summary>MSBuild's task of this name, which comes with an SDK.</summary>
public sealed class Error : ITask
{
    public IBuildEngine BuildEngine { get; set; } = null!;
    public ITaskHost? HostObject { get; set; }
    public string Text { get; set; } = "";

    public bool Execute()
    {
        BuildEngine.LogErrorEvent(new BuildErrorEventArgs("", "", "", 0, 0, 0, 0, Text, "", nameof(Error)));
        return false;
    }
}

/// <summary>Packs what the SDK's own task would pack, with the library that it uses.</summary>
public sealed class WritePackage : ITask
{
    public IBuildEngine BuildEngine { get; set; } = null!;
    public ITaskHost? HostObject { get; set; }
    public string Output { get; set; } = "";
    public string Id { get; set; } = "";
    public string Version { get; set; } = "";
    public string Description { get; set; } = "";
    public string Tags { get; set; } = "";
    public string License { get; set; } = "";
    public string Readme { get; set; } = "";
    public string Framework { get; set; } = "";
    public string Root { get; set; } = "";
    public ITaskItem[] Files { get; set; } = [];

    public bool Execute()
    {
        var builder = new PackageBuilder
        {
            Id = Id,
            Version = NuGetVersion.Parse(Version),
            Description = Description,
            Readme = Readme,
            LicenseMetadata = new LicenseMetadata(
                LicenseType.Expression, License, NuGetLicenseExpression.Parse(License), [], LicenseMetadata.CurrentVersion),
        };
        builder.Authors.Add(Id);
        builder.Tags.AddRange(Tags.Split(';'));
        builder.DependencyGroups.Add(new PackageDependencyGroup(NuGetFramework.Parse(Framework), []));
        foreach (ITaskItem file in Files)
        {
            string source = Path.GetFullPath(file.ItemSpec, Root);
            builder.Files.Add(new PhysicalPackageFile
            {
                SourcePath = source,
                TargetPath = Path.Combine(file.GetMetadata("PackagePath").TrimStart('/'), Path.GetFileName(source)),
            });
        }
        using FileStream output = File.Create(Output);
        builder.Save(output);
        return true;
    }
}
