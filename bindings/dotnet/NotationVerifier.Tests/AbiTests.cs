using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace NotationVerifier.Tests;

/// <summary>What this assembly believes of the native library, held against its header.</summary>
public sealed class AbiTests
{
    private static string Include(string name) => File.ReadAllText(Path.Combine(TestEnvironment.Repository(), "include", name));

    private static string Source(string name) =>
        File.ReadAllText(Path.Combine(TestEnvironment.Repository(), "bindings", "dotnet", "NotationVerifier", "Native", name));

    [Test]
    public void EveryImportedFunctionIsExported()
    {
        var exported = Include("symbols.txt").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        List<string> imported = Regex.Matches(Source("NativeMethods.DllImport.cs"), @"\bnv_\w+(?=\()").Select(match => match.Value).ToList();
        Assert.That(imported, Has.Count.GreaterThanOrEqualTo(25));
        Assert.That(imported, Is.Unique);
        Assert.That(imported.Where(name => !exported.Contains(name)), Is.Empty);
    }

    [Test]
    public void TheTwoWaysToImportDeclareTheSame()
    {
        static string Plain(string source) => source
            .Replace("#if !LIBRARY_IMPORT", "#if LIBRARY_IMPORT", StringComparison.Ordinal)
            .Replace("[DllImport(Library, ExactSpelling = true)]", "[LibraryImport(Library)]", StringComparison.Ordinal)
            .Replace("static extern", "static partial", StringComparison.Ordinal)
            .Replace("the runtime binds them", "a source generator of the SDK binds them", StringComparison.Ordinal);
        Assert.That(Plain(Source("NativeMethods.DllImport.cs")), Is.EqualTo(Source("NativeMethods.LibraryImport.cs")));
    }

    [Test]
    public void ParametersAreAsManyAsInTheHeader()
    {
        string header = Regex.Replace(Include("notation_verifier.h"), @"/\*.*?\*/|//[^\n]*", " ", RegexOptions.Singleline);
        int compared = 0;
        foreach (Match match in Regex.Matches(Source("NativeMethods.DllImport.cs"), @"\b(nv_\w+)\(([^)]*)\)"))
        {
            Match declared = Regex.Match(header, $@"\b{match.Groups[1].Value}\s*\(([^)]*)\)");
            Assert.That(declared.Success, match.Groups[1].Value);
            static int Count(string parameters) => parameters.Trim() is "" or "void" ? 0 : parameters.Split(',').Length;
            Assert.That(Count(match.Groups[2].Value), Is.EqualTo(Count(declared.Groups[1].Value)), match.Groups[1].Value);
            compared++;
        }

        Assert.That(compared, Is.GreaterThanOrEqualTo(25));
    }

    [Test]
    public void NumbersAreThoseOfTheHeader()
    {
        string header = Include("notation_verifier.h");
        void Same(string name, uint value) => Assert.That(
            Regex.Match(header, $@"#define {name} (\d+)").Groups[1].Value, Is.EqualTo(value.ToString()), name);
        uint version = uint.Parse(Regex.Match(header, @"#define NV_ABI_VERSION (\d+)").Groups[1].Value);
        Assert.That(NativeAbi.Check(version), Is.Null, "the interface of the header is one that this assembly takes");
        Same("NV_TRUSTED", NativeStatus.Trusted);
        Same("NV_DONE", NativeStatus.Done);
        Same("NV_NEEDS", NativeStatus.Needs);
        Same("NV_REJECTED", NativeStatus.Rejected);
        Same("NV_UNSIGNED", NativeStatus.Unsigned);
        Same("NV_LOOKUP_FAILED", NativeStatus.LookupFailed);
        Same("NV_SKIPPED", NativeStatus.Skipped);
        Same("NV_ERROR_ARGUMENT", NativeStatus.ErrorArgument);
        Same("NV_ERROR_USAGE", NativeStatus.ErrorUsage);
        Same("NV_ERROR_STATE", NativeStatus.ErrorState);
        Same("NV_ERROR_TRUST_POLICY", NativeStatus.ErrorTrustPolicy);
        Same("NV_ERROR_POLICY_NOT_APPLICABLE", NativeStatus.ErrorPolicyNotApplicable);
        Same("NV_ERROR_TRUST_STORE", NativeStatus.ErrorTrustStore);
        Same("NV_ERROR_ARTIFACT", NativeStatus.ErrorArtifact);
        Same("NV_ERROR_LIMIT_EXCEEDED", NativeStatus.ErrorLimitExceeded);
        Same("NV_ERROR_IO", NativeStatus.ErrorIo);
        Same("NV_ERROR_CANCELLED", NativeStatus.ErrorCancelled);
        Same("NV_NOT_ALL_DONE", NativeStatus.NotAllDone);
        Same("NV_ERROR_SIGNING", NativeStatus.ErrorSigning);
        Same("NV_SIGNING_WRITTEN", NativeSigningState.Written);
        Same("NV_SIGNING_KEPT", NativeSigningState.Kept);
        Same("NV_SIGNING_SIGNED", NativeSigningState.Signed);
        Same("NV_SIGNING_VALID", NativeSigningState.Valid);
        Same("NV_SIGNING_ATTACHED", NativeSigningState.Attached);
        Same("NV_SIGNING_ALREADY_ATTACHED", NativeSigningState.AlreadyAttached);
        Same("NV_SIGNING_WOULD_ATTACH", NativeSigningState.WouldAttach);
        Same("NV_SIGNING_FAILED", NativeSigningState.Failed);
        Same("NV_SIGNING_NOT_DONE", NativeSigningState.NotDone);
        Same("NV_NEED_BLOB_DIGEST", NativeNeedKind.BlobDigest);
        Same("NV_NEED_OCSP", NativeNeedKind.Ocsp);
        Same("NV_NEED_CRL", NativeNeedKind.Crl);
    }

    [Test]
    public void StructuresHaveTheSizeThatTheOtherSideAsserts()
    {
        Assert.That(Unsafe.SizeOf<NativeText>(), Is.EqualTo(2 * IntPtr.Size));
        Assert.That(Unsafe.SizeOf<NativeOctets>(), Is.EqualTo(2 * IntPtr.Size));
        Assert.That(Unsafe.SizeOf<NativeNeed>(), Is.EqualTo(24 + (10 * IntPtr.Size)));
        Assert.That(Unsafe.SizeOf<NativeSigningResult>(), Is.EqualTo(24 + (9 * IntPtr.Size)));
        static string Native(string name) => File.ReadAllText(Path.Combine(TestEnvironment.Repository(), "bindings", "c", "src", name));
        Assert.That(Native("need.rs"), Does.Contain("size_of::<nv_need>() == 24 + 10 * POINTER"));
        Assert.That(Native("signing.rs"), Does.Contain("size_of::<nv_signing_result>() == 24 + 9 * POINTER"));
    }

    [Test]
    public void AnotherVersionOfTheInterfaceIsRefused()
    {
        Assert.That(NativeAbi.Check(NativeAbi.Version), Is.Null);
        Assert.That(NativeAbi.Check(NativeAbi.Version + 1), Is.Null, "something was added");
        Assert.That(NativeAbi.Check(NativeAbi.Version - 1), Is.InstanceOf<VerificationException>(), "something is missing");
        Assert.That(NativeAbi.Check(NativeAbi.Version + (1 << 16)), Is.InstanceOf<VerificationException>(), "another major version");
        NativeLibraryLoader.Ensure();
        Assert.That(NativeMethods.nv_abi_version() >> 16, Is.EqualTo(NativeAbi.Version >> 16));
    }

    [Test]
    public void ThePackageHasThePlatformsThatTheErrorNames()
    {
        string folder = Path.Combine(TestEnvironment.Repository(), "bindings", "dotnet", "NotationVerifier");
        string project = File.ReadAllText(Path.Combine(folder, "NotationVerifier.csproj"));
        string[] packed = Regex.Match(project, @">([^<]+)</ExpectedRids>").Groups[1].Value.Split(';');
        Assert.That(packed, Has.Length.EqualTo(8));
        string loader = Source("NativeLibraryLoader.cs");
        Assert.That(packed.Where(rid => !Regex.IsMatch(loader, $@"\b{rid}\b")), Is.Empty);
    }
}
