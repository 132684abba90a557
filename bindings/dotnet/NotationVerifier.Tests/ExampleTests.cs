using System.Diagnostics;
using System.Xml.Linq;
using NotationVerifier.Tests.Registries;
using NUnit.Framework;

namespace NotationVerifier.Tests;

/// <summary>The example as a process: what the verify step of an image build sees.</summary>
public sealed class ExampleTests
{
    private string folder = null!;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("notation-example-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void AnImageInfoFileInJUnitAndExitCodeOut()
    {
        using var fixture = new Fixture(Access.Password, tls: false, signed: 5, unsigned: 1);
        string good = ImageInfo("good.json", fixture.Signed);
        string junit = Path.Combine(folder, "junit.xml");
        string[] common = { "--config", fixture.Config, "--registry", fixture.Address, "--junit", junit };
        var robot = new Dictionary<string, string> { ["REGISTRY_USER"] = Programs.UserName, ["REGISTRY_PASSWORD"] = Programs.Password };

        (int code, string output) = Run(Host(), robot, common.Append("--image-info").Append(good));
        Assert.That(code, Is.Zero, output);
        Assert.That(output, Does.Contain("5 of 5 images are trusted"));
        XElement suite = XDocument.Load(junit).Root!.Element("testsuite")!;
        Assert.That(suite.Elements("testcase").Count(), Is.EqualTo(5));
        Assert.That((string?)suite.Attribute("failures"), Is.EqualTo("0"));

        string bad = ImageInfo("bad.json", fixture.Signed.Concat(fixture.Unsigned));
        (code, output) = Run(Host(), robot, common.Append("--image-info").Append(bad));
        Assert.That(code, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("it has no signature"));
        suite = XDocument.Load(junit).Root!.Element("testsuite")!;
        Assert.That((string?)suite.Attribute("tests"), Is.EqualTo("6"));
        Assert.That(suite.Elements("testcase").Single(one => one.Element("failure") is not null).Attribute("name")!.Value, Is.EqualTo(fixture.Unsigned[0]));

        // Nobody logged in: nothing is known, which is not the same as unsigned.
        (code, output) = Run(Host(), new Dictionary<string, string>(), common.Append("--image-info").Append(good));
        Assert.That(code, Is.EqualTo(3), output);
        suite = XDocument.Load(junit).Root!.Element("testsuite")!;
        Assert.That((string?)suite.Attribute("errors"), Is.EqualTo("5"));
    }

    [TestCase("{\"repos\":[]}", "no digest of any image")]
    [TestCase("{\"repos\":[{\"images\":[{\"manifest\":{\"digest\":\"app\"}}]}]}", "registry/repository@digest")]
    [TestCase("nothing", "error: ")]
    [TestCase(null, "Could not find file")]
    public void AFileThatNamesNothingIsWrongUsage(string? content, string expected)
    {
        string file = Path.Combine(folder, "image-info.json");
        if (content is not null)
        {
            File.WriteAllText(file, content);
        }

        (int code, string output) = Run(Host(), new Dictionary<string, string>(), new[] { "--image-info", file });
        Assert.That(code, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain(expected));
    }

    [Test]
    public void AMissingNativeLibraryIsNamed()
    {
        (int code, string output) = Run(CopyWithout(), new Dictionary<string, string>(), Demanding());
        Assert.That(code, Is.EqualTo(3), output);
        Assert.That(output, Does.Contain("is missing: looked for").And.Contain("runtimes").And.Contain("linux-musl-arm64"));
    }

    [TestCase("0x00020001u", "has version 2.1")]
    [TestCase("0x00000000u", "has version 0.0")]
    [TestCase(null, "of another version")]
    public void ANativeLibraryOfAnotherVersionIsRefused(string? version, string expected)
    {
        string source = Path.Combine(folder, "other.c");
        File.WriteAllText(source, version is null ? "unsigned other(void) { return 1; }" : $"unsigned nv_abi_version(void) {{ return {version}; }}");
        string program = CopyWithout();
        string library = Path.Combine(Path.GetDirectoryName(program)!, "libnotation_verifier.so");
        bool compiled = false;
        try
        {
            using Process compiler = Process.Start("cc", new[] { "-shared", "-fPIC", "-o", library, source });
            compiler.WaitForExit();
            compiled = compiler.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no compiler.
        }

        TestEnvironment.Require(compiled, "REQUIRE_DOTNET", "there is no C compiler for Linux");
        (int code, string output) = Run(program, new Dictionary<string, string>(), Demanding());
        Assert.That(code, Is.EqualTo(3), output);
        Assert.That(output, Does.Contain(expected));
    }

    /// <summary>A command line that gets as far as the native library.</summary>
    private string[] Demanding() => new[] { "--image-info", ImageInfo("one.json", new[] { "registry.example/app@sha256:" + new string('0', 64) }) };

    private static string Host()
    {
        string program = Path.Combine(TestContext.CurrentContext.TestDirectory, "VerifyImageInfo.dll");
        TestEnvironment.Require(File.Exists(program), "REQUIRE_DOTNET", "the example is not beside the tests");
        return program;
    }

    /// <summary>The example in a folder that has no native library.</summary>
    private string CopyWithout()
    {
        string program = Host();
        foreach (string name in new[] { "VerifyImageInfo.dll", "VerifyImageInfo.runtimeconfig.json", "NotationVerifier.dll" })
        {
            File.Copy(Path.Combine(Path.GetDirectoryName(program)!, name), Path.Combine(folder, name), overwrite: true);
        }

        return Path.Combine(folder, "VerifyImageInfo.dll");
    }

    /// <summary>As the build tool writes it: manifest lists and platforms, some without a digest, members
    /// that nobody knows.</summary>
    private string ImageInfo(string name, IEnumerable<string> references)
    {
        string path = Path.Combine(folder, name);
        // The registry is another one now.
        string[] digests = references.Select(reference => $"elsewhere.example{reference[reference.IndexOf('/')..]}").ToArray();
        string platforms = string.Join(',', digests.Skip(1).Select(digest => $$"""{"digest": "{{digest}}", "simpleTags": ["v1"], "osType": "Linux"}"""));
        File.WriteAllText(path, $$"""
            {"schemaVersion": "2.0", "repos": [
              {"repo": "bench/app", "images": [
                {"productVersion": "1", "manifest": {"digest": "{{digests[0]}}", "sharedTags": ["latest"]}, "platforms": [{{platforms}}]},
                {"platforms": [{"simpleTags": ["no digest"]}]}]},
              {"repo": "empty"}]}
            """);
        return path;
    }

    private static (int Code, string Output) Run(string program, Dictionary<string, string> environment, IEnumerable<string> arguments)
    {
        string? root = Environment.GetEnvironmentVariable("DOTNET_ROOT");
        var start = new ProcessStartInfo(root is null ? "dotnet" : Path.Combine(root, "dotnet"), arguments.Prepend(program))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("REGISTRY_USER");
        start.Environment.Remove("REGISTRY_PASSWORD");
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
