using NUnit.Framework;

namespace NotationVerifier.Tests;

/// <summary>Each kind of verification on the demo data, and what misuse gives.</summary>
public sealed class VerifierTests
{
    private static readonly VerifyEnvelopeOptions Cose = new() { EnvelopeMediaType = "application/cose", Scope = Demo.Scope };

    [Test]
    public async Task ALayoutIsVerifiedAndAReplacedImageIsRejected()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        VerificationReport good = await verifier.VerifyLayoutAsync(Demo.Layout, "v1", Demo.Scope);
        Assert.That(good.Verdict, Is.EqualTo(Verdict.Trusted));
        Assert.That(good.IsTrusted);
        Assert.That(good.Status, Is.EqualTo(ArtifactStatus.Verified));
        Assert.That(good.Artifact, Is.EqualTo(Demo.Target));
        Assert.That(good.PolicyStatement, Is.EqualTo("demo-images"));
        Assert.That(good.PolicyLevel, Is.EqualTo("strict"));
        Assert.That(good.Reason, Is.Empty);
        SignatureResult signature = good.TrustedSignature!;
        Assert.That(signature.Checks.Select(check => check.Check), Does.Contain("authenticity").And.Contain("targetDescriptor"));
        Assert.That(signature.Content!.Certificates[0].Subject, Does.Contain("Demo Release Signing"));
        Assert.That(signature.Content.SigningTime!.Value.Value, Is.Not.Null);

        VerificationReport bad = await verifier.VerifyLayoutAsync(Demo.Tampered, "v1", Demo.Scope);
        Assert.That(bad.Verdict, Is.EqualTo(Verdict.Rejected));
        Assert.That(bad.Status, Is.EqualTo(ArtifactStatus.Rejected));
        Assert.That(bad.Reason, Does.Contain("another artifact"));
        CheckResult failed = bad.Signatures.Single().Checks.Single(check => check.Outcome == CheckOutcome.Failed);
        Assert.That(failed.Reason, Is.EqualTo("target-mismatch"));
        Assert.That(failed.Remedy, Is.Not.Empty);
    }

    [Test]
    public async Task TrustFromMemoryIsTheSame()
    {
        using Verifier verifier = Verifier.FromMemory(Demo.Material);
        Assert.That((await verifier.VerifyLayoutAsync(Demo.Layout, "v1", Demo.Scope)).IsTrusted);
        VerifierDescription description = verifier.Describe();
        Assert.That(description.OciStatements!.Single().TrustStores, Is.EqualTo(new[] { "ca:demo" }));
        Assert.That(description.BlobStatements, Is.Null);
        Assert.That(description.TrustStores.Single().Certificates, Is.Not.Empty);

        using Verifier nobody = Verifier.FromMemory(new TrustMaterial { OciPolicy = Demo.Material.OciPolicy });
        VerificationReport report = await nobody.VerifyLayoutAsync(Demo.Layout, "v1", Demo.Scope);
        Assert.That(report.Verdict, Is.EqualTo(Verdict.Rejected), "nobody is trusted");
    }

    [Test]
    public async Task AnEnvelopeAtHandIsVerifiedAgainstItsArtifactOnly()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        byte[] envelope = Demo.Envelope;
        Assert.That((await verifier.VerifyEnvelopeAsync(envelope, Demo.Target, Cose)).IsTrusted);
        ArtifactDescriptor other = Demo.Target with { Digest = "sha256:" + new string('a', 64) };
        Assert.That((await verifier.VerifyEnvelopeAsync(envelope, other, Cose)).Verdict, Is.EqualTo(Verdict.Rejected));
        envelope[^1] ^= 1;
        VerificationReport tampered = await verifier.VerifyEnvelopeAsync(envelope, Demo.Target, Cose);
        Assert.That(tampered.Signatures.Single().Checks[0].Reason, Is.EqualTo("signature-mismatch"));
        VerificationReport required = await verifier.VerifyEnvelopeAsync(
            Demo.Envelope, Demo.Target, Cose with { UserMetadata = new Dictionary<string, string> { ["build"] = "1" } });
        Assert.That(required.Verdict, Is.EqualTo(Verdict.Rejected), "it does not have the metadata");
    }

    [Test]
    public async Task ABlobIsReadOnceAndAChangedOneIsRejected()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        byte[] envelope = File.ReadAllBytes(Path.Combine(Demo.Folder, "blob", "notes.txt.jws.sig"));
        byte[] content = File.ReadAllBytes(Path.Combine(Demo.Folder, "blob", "notes.txt"));
        var options = new VerifyBlobOptions { Name = "notes.txt", EnvelopeMediaType = "application/jose+json" };
        using var blob = new MemoryStream(content);
        VerificationReport good = await verifier.VerifyBlobAsync(blob, envelope, options);
        Assert.That(good.IsTrusted, good.Reason);
        Assert.That(good.Subject, Is.EqualTo("notes.txt"));
        Assert.That(good.Blob!.Size, Is.EqualTo((ulong)content.Length));
        Assert.That(blob.Position, Is.EqualTo(content.Length));

        content[0] ^= 1;
        using var changed = new MemoryStream(content);
        Assert.That((await verifier.VerifyBlobAsync(changed, envelope, options)).Verdict, Is.EqualTo(Verdict.Rejected));

        using Verifier bounded = Verifier.FromDirectory(Demo.Config, new VerifierOptions { Limits = new VerifierLimits { BlobBytes = 3 } });
        using var large = new MemoryStream(content);
        VerificationReport stopped = await bounded.VerifyBlobAsync(large, envelope, options);
        Assert.That(stopped.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
        Assert.That(stopped.Reason, Does.Contain("BlobBytes"));
    }

    [Test]
    public async Task AMomentIsARequestOrAnOption()
    {
        var past = new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);
        using Verifier verifier = Verifier.FromDirectory(Demo.Config, new VerifierOptions { At = past });
        VerificationReport then = await verifier.VerifyEnvelopeAsync(Demo.Envelope, Demo.Target, Cose);
        Assert.That(then.VerifiedAt.Value, Is.EqualTo(past));
        Assert.That(then.IsTrusted, Is.False, "no certificate was valid");
        VerificationReport now = await verifier.VerifyEnvelopeAsync(Demo.Envelope, Demo.Target, Cose with { At = DateTimeOffset.UtcNow });
        Assert.That(now.IsTrusted, now.Reason);
    }

    [Test]
    public void WhatCannotBeEvaluatedIsAnException()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        VerificationException Fails(Func<Task> call) => Assert.ThrowsAsync<VerificationException>(() => call())!;

        VerificationException scope = Fails(() => verifier.VerifyLayoutAsync(Demo.Layout, "v1", "registry.example/other"));
        Assert.That(scope.Kind, Is.EqualTo(VerificationErrorKind.PolicyNotApplicable));
        Assert.That(scope.Message, Does.Contain("registry.example/other"));
        VerificationException both = Fails(() => verifier.VerifyEnvelopeAsync(Demo.Envelope, Demo.Target, Cose with { Reference = "registry.example/demo/app:v1" }));
        Assert.That(both.Kind, Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Fails(() => verifier.VerifyLayoutAsync("/nowhere", "v1", Demo.Scope)).Message, Does.Contain("/nowhere"));

        VerificationException missing = Assert.Throws<VerificationException>(() => Verifier.FromDirectory("/nowhere"))!;
        Assert.That(missing.Message, Does.Contain("/nowhere"));
        var broken = new TrustMaterial { OciPolicy = "{}"u8.ToArray() };
        Assert.That(Assert.Throws<VerificationException>(() => Verifier.FromMemory(broken))!.Kind, Is.EqualTo(VerificationErrorKind.TrustPolicy));
        var store = Demo.Material.AddCertificates("ca:demo", "no certificate"u8);
        Assert.That(Assert.Throws<VerificationException>(() => Verifier.FromMemory(store))!.Kind, Is.EqualTo(VerificationErrorKind.TrustStore));
        var name = Demo.Material.AddCertificates("demo", "no certificate"u8);
        Assert.That(Assert.Throws<VerificationException>(() => Verifier.FromMemory(name))!.Kind, Is.EqualTo(VerificationErrorKind.Usage));
    }

    [Test]
    public void MisuseIsAnException()
    {
        Verifier verifier = Verifier.FromDirectory(Demo.Config);
        using var client = new HttpClient();
        Assert.Throws<ArgumentNullException>(() => _ = verifier.VerifyImageAsync(null!, "registry.example/demo/app:v1"));
        Assert.Throws<ArgumentException>(() => _ = verifier.VerifyImageAsync(client, string.Empty));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = verifier.VerifyImagesAsync(client, Array.Empty<string>(), new VerifyImagesOptions { Concurrency = 0 }));
        Assert.Throws<ArgumentNullException>(() => Verifier.FromMemory(null!));
        foreach (string wrong in new[] { "app", "registry.example/demo/app", "registry.example/demo/app@sha256:12", "registry.example/demo/app:v1\u0000", "registry.example/\ud800:v1" })
        {
            Assert.ThrowsAsync<VerificationException>(() => verifier.VerifyImageAsync(client, wrong), wrong);
        }

        verifier.Dispose();
        verifier.Dispose();
        Assert.Throws<ObjectDisposedException>(() => verifier.Describe());
        Assert.Throws<ObjectDisposedException>(() => _ = verifier.VerifyLayoutAsync(Demo.Layout, "v1", Demo.Scope));
        Assert.Throws<ObjectDisposedException>(() => _ = verifier.VerifyImageAsync(client, "registry.example/demo/app:v1"));
    }
}
