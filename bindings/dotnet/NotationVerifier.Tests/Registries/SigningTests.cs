using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using NUnit.Framework;

namespace NotationVerifier.Tests.Registries;

/// <summary>The signing side of an image build, with real registries and a signing service that is another
/// process.</summary>
public sealed class SigningTests
{
    private static readonly WritePayloadsOptions Build7 = new() { UserMetadata = new Dictionary<string, string> { ["build"] = "7" } };
    private static readonly AttachOptions Quick = new() { Settle = TimeSpan.FromMilliseconds(300) };

    /// <summary>What hangs is a failure. Generous: a busy machine takes long.</summary>
    private static readonly TimeSpan Ages = TimeSpan.FromSeconds(120);

    [Test]
    public async Task FromImageInfoToVerifiedImages([Values("olareg", Fixture.Debian)] string kind)
    {
        using var build = new BuildFixture(Access.Anyone, kind);
        using Verifier verifier = Verifier.FromDirectory(build.Config);
        var seen = new Collector();
        SigningReport written = await verifier.WritePayloadsAsync(build.Payloads, build.List, Build7, seen);
        AllAre(written, SigningStatus.Written);
        Assert.That(seen.All, Is.EquivalentTo(written.Images));
        Assert.That(written.Images.Select(image => image.Digest), Is.EqualTo(build.Digests));
        Assert.That(written.Images.Select(image => image.Reference), Is.EqualTo(build.Digests.Select(build.Reference)));
        Assert.That(written.MapPath, Is.EqualTo(build.Map));
        Assert.That(written.Images.All(image => File.Exists(Path.Combine(build.Payloads, image.PayloadFile!))));
        using (JsonDocument document = JsonDocument.Parse(written.Json))
        {
            Assert.That(document.RootElement.GetProperty("kind").GetString(), Is.EqualTo("payloads"));
            Assert.That(document.RootElement.GetProperty("counts").GetProperty("written").GetInt32(), Is.EqualTo(BuildFixture.Images));
        }

        // Nothing is attached before it is signed.
        SigningReport early = await verifier.AttachAsync(build.Map, Quick);
        AllAre(early, SigningStatus.Failed);
        Assert.That(early.IsComplete, Is.False);
        Assert.That(early.Missing.Count(), Is.EqualTo(BuildFixture.Images));
        Assert.That(early.Images.All(image => image.Error is { Kind: VerificationErrorKind.Usage } && image.Reason.Contains("not signed yet")));

        build.SignInPlace();
        AllAre(await verifier.WritePayloadsAsync(build.Payloads, build.List, Build7), SigningStatus.Signed);
        AllAre(await verifier.AttachAsync(build.Map, Quick with { DryRun = true }), SigningStatus.WouldAttach);
        using var client = new HttpClient();
        Assert.That((await verifier.VerifyImageAsync(client, build.Reference(build.Digests[0]))).Status, Is.EqualTo(ArtifactStatus.Unsigned));
        SigningReport attached = await verifier.AttachAsync(build.Map, Quick);
        AllAre(attached, SigningStatus.Attached);
        SigningReport again = await verifier.AttachAsync(build.Map, Quick);
        AllAre(again, SigningStatus.AlreadyAttached);
        SigningReport pairs = await verifier.AttachAsync(
            written.Images.Select(image => new SignatureFile(image.Reference, Path.Combine(build.Payloads, image.PayloadFile!))), Quick);
        AllAre(pairs, SigningStatus.AlreadyAttached);
        string[] Signatures(SigningReport report) => report.Images.Select(image => image.SignatureDigest!).ToArray();
        Assert.That(Signatures(again), Is.EqualTo(Signatures(attached)));
        Assert.That(Signatures(pairs), Is.EqualTo(Signatures(attached)));

        // The same in the eyes of the session that HttpClient drives.
        int trusted = 0;
        var options = new VerifyImagesOptions { Image = new VerifyImageOptions { UserMetadata = Build7.UserMetadata } };
        await foreach (ImageResult image in verifier.VerifyImagesAsync(client, attached.Images.Select(image => image.Reference), options))
        {
            Assert.That(image.IsTrusted, image.Reason);
            Assert.That(image.Report!.Signatures.Single(one => one.Verdict == Verdict.Trusted).ManifestDigest, Is.EqualTo(attached.Images[image.Index].SignatureDigest));
            trusted++;
        }

        Assert.That(trusted, Is.EqualTo(BuildFixture.Images));

        // What the manifest states is what the envelope has.
        SigningResult first = attached.Images[0];
        byte[] envelope = File.ReadAllBytes(Path.Combine(build.Payloads, written.Images[0].PayloadFile!));
        using var request = new HttpRequestMessage(HttpMethod.Get, build.Manifest(first.SignatureDigest!));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/vnd.oci.image.manifest.v1+json"));
        using HttpResponseMessage response = await client.SendAsync(request);
        using (JsonDocument manifest = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync()))
        {
            string stated = manifest.RootElement.GetProperty("annotations").GetProperty("io.cncf.notary.x509chain.thumbprint#S256").GetString()!;
            using JsonDocument list = JsonDocument.Parse(stated);
            Assert.That(verifier.GetThumbprints(envelope), Is.EqualTo(list.RootElement.EnumerateArray().Select(one => one.GetString())).And.Count.EqualTo(3));
        }

        // What is signed well gets no payload; by other user metadata it does.
        SigningReport valid = await verifier.WritePayloadsAsync(build.Payloads, build.List, Build7 with { SkipValid = true });
        AllAre(valid, SigningStatus.Valid);
        Assert.That(Signatures(valid), Is.EqualTo(Signatures(attached)));
        SigningReport nothing = await verifier.AttachAsync(build.Map, Quick);
        Assert.That(nothing.Images, Is.Empty);
        Assert.That(nothing.IsComplete);
        var build8 = new WritePayloadsOptions { UserMetadata = new Dictionary<string, string> { ["build"] = "8" }, SkipValid = true };
        SigningReport other = await verifier.WritePayloadsAsync(build.Payloads, build.List, build8);
        AllAre(other, SigningStatus.Failed);
        Assert.That(other.Images[0].Reason, Does.Contain("neither the payload nor a signature of it"));
        AllAre(await verifier.WritePayloadsAsync(build.Payloads, build.List, build8 with { Replace = true }), SigningStatus.Written);
    }

    [Test]
    public async Task ASignatureOfSomethingElseIsNotAttached()
    {
        using var build = new BuildFixture();
        using Verifier verifier = Verifier.FromDirectory(build.Config);
        SigningReport written = await verifier.WritePayloadsAsync(build.Payloads, build.List);
        build.SignInPlace();
        string envelope = Path.Combine(build.Payloads, written.Images[0].PayloadFile!);
        SigningReport report = await verifier.AttachAsync(new[] { new SignatureFile(written.Images[1].Reference, envelope) });
        Assert.That(report.Missing.Single().Error!.Kind, Is.EqualTo(VerificationErrorKind.Signing));
        byte[] broken = File.ReadAllBytes(envelope);
        broken[^1] ^= 1;
        File.WriteAllBytes(envelope, broken);
        SigningReport rest = await verifier.AttachAsync(build.Map, Quick);
        Assert.That(rest.Images.Select(image => image.Status), Is.EqualTo(new[] { SigningStatus.Failed, SigningStatus.Attached, SigningStatus.Attached }));
        Assert.That(rest.Missing.Single().Error!.Kind, Is.EqualTo(VerificationErrorKind.Signing));
        Assert.That(Assert.Throws<VerificationException>(() => verifier.GetThumbprints(broken))!.Kind, Is.EqualTo(VerificationErrorKind.Signing));
    }

    [Test]
    public async Task AbsentIsKnownAndAFailedLookUpIsNot()
    {
        using var build = new BuildFixture();
        using Verifier verifier = Verifier.FromDirectory(build.Config, new VerifierOptions { Registry = new RegistryOptions { Attempts = 1 } });
        ResolvedImage image = await verifier.ResolveAsync(build.Tagged("list"));
        Assert.That(image.Reference, Is.EqualTo(build.Reference(build.Digests[0])));
        Assert.That(image.Descriptor.Digest, Is.EqualTo(build.Digests[0]));
        Assert.That(image.Descriptor.MediaType, Is.EqualTo("application/vnd.oci.image.index.v1+json"));
        Assert.That(image.Descriptor.Size, Is.GreaterThan(100));
        Assert.That(await verifier.ResolveAsync(image.Reference), Is.EqualTo(image));

        VerificationErrorKind Kind(string reference) => Assert.ThrowsAsync<VerificationException>(() => verifier.ResolveAsync(reference))!.Kind;
        Assert.That(Kind(build.Tagged("none")), Is.EqualTo(VerificationErrorKind.Artifact));
        Assert.That(Kind("127.0.0.1:9/app:1"), Is.EqualTo(VerificationErrorKind.Io));
        Assert.That(Kind("app"), Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Kind($"{build.Address}/app"), Is.EqualTo(VerificationErrorKind.Usage));
    }

    [Test]
    public async Task CredentialsComeFromTheDelegate([Values(nameof(Access.Password), nameof(Access.Tokens))] string access)
    {
        using var build = new BuildFixture(Enum.Parse<Access>(access));
        var asked = new System.Collections.Concurrent.ConcurrentBag<string>();
        Verifier With(RegistryCredentialProvider credentials) => Verifier.FromDirectory(build.Config, new VerifierOptions
        {
            Registry = new RegistryOptions
            {
                Credentials = credentials,
                LoopbackHttps = true,
                CertificateAuthorityFiles = new[] { build.AuthorityFile },
                AllowedTokenHosts = build.TokenAddress is { } tokens ? new[] { tokens } : Array.Empty<string>(),
                Attempts = 1,
            },
        });
        using (Verifier verifier = With(async (registry, token) =>
        {
            asked.Add(registry);
            await Task.Delay(10, token);
            return RegistryCredential.FromPassword(Programs.UserName, Programs.Password);
        }))
        {
            AllAre(await verifier.WritePayloadsAsync(build.Payloads, build.List), SigningStatus.Written);
            build.SignInPlace();
            AllAre(await verifier.AttachAsync(build.Map), SigningStatus.Attached);
            AllAre(await verifier.WritePayloadsAsync(build.Payloads, build.List, new WritePayloadsOptions { SkipValid = true }), SigningStatus.Valid);
            Assert.That((await verifier.ResolveAsync(build.Tagged("list"))).Descriptor.Digest, Is.EqualTo(build.Digests[0]));
        }

        Assert.That(asked.Distinct(), Is.EqualTo(new[] { build.Address }));

        // A wrong one, none, and a delegate that throws: failed, never absent.
        string reference = build.Tagged("list");
        foreach ((RegistryCredentialProvider credentials, string said) in new (RegistryCredentialProvider, string)[]
        {
            ((_, _) => ValueTask.FromResult<RegistryCredential?>(RegistryCredential.FromPassword(Programs.UserName, "open barley")), string.Empty),
            ((_, _) => ValueTask.FromResult<RegistryCredential?>(null), string.Empty),
            ((_, _) => throw new InvalidTimeZoneException("the vault is shut"), "the vault is shut"),
            (async (_, _) =>
            {
                await Task.Yield();
                throw new InvalidTimeZoneException("the vault burns");
            }, "the vault burns"),
        })
        {
            using Verifier verifier = With(credentials);
            VerificationException error = Assert.ThrowsAsync<VerificationException>(() => verifier.ResolveAsync(reference))!;
            Assert.That(error.Kind, Is.EqualTo(VerificationErrorKind.Io), error.Message);
            Assert.That(error.Message, Does.Contain(said));
            Assert.That(error.Message, Does.Not.Contain("open barley"));
        }

        // Cancelling reaches a delegate that waits, and only when nobody else needs its answer.
        using var entered = new SemaphoreSlim(0);
        using var stop = new CancellationTokenSource();
        using (Verifier verifier = With(async (_, token) =>
        {
            entered.Release();
            await Task.Delay(Timeout.Infinite, token);
            return null;
        }))
        {
            Task<ResolvedImage> waiting = verifier.ResolveAsync(reference, stop.Token);
            Assert.That(await entered.WaitAsync(Ages));
            stop.Cancel();
            Assert.CatchAsync<OperationCanceledException>(() => waiting.WaitAsync(Ages));
        }
    }

    [Test]
    public async Task CancellingEndsACallThatWaitsForARegistry()
    {
        // It takes connections, and never says a word.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        string address = $"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}";
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        string folder = Directory.CreateTempSubdirectory("notation-cancel-").FullName;
        try
        {
            using var stop = new CancellationTokenSource();
            var seen = new Collector();
            ImageList images = ImageList.FromReferences(Enumerable.Range(0, 40).Select(index => $"{address}/app-{index}:1"));
            Task<SigningReport> payloads = verifier.WritePayloadsAsync(folder, images, null, seen, stop.Token);
            Task<ResolvedImage> resolved = verifier.ResolveAsync($"{address}/app:1", stop.Token);
            using TcpClient connection = await silent.AcceptTcpClientAsync().WaitAsync(Ages);
            Assert.That(payloads.IsCompleted || resolved.IsCompleted, Is.False);
            stop.Cancel();
            Assert.CatchAsync<OperationCanceledException>(() => payloads.WaitAsync(Ages));
            Assert.CatchAsync<OperationCanceledException>(() => resolved.WaitAsync(Ages));
            Assert.That(seen.All, Has.Count.EqualTo(40), "each image is told of");
            Assert.That(seen.All.All(image => image.Status == SigningStatus.NotDone && image.Reason.Length > 0));

            // Before it begins, and by time.
            Assert.CatchAsync<OperationCanceledException>(() => verifier.ResolveAsync($"{address}/app:1", stop.Token));
            Assert.CatchAsync<OperationCanceledException>(() => verifier.AttachAsync("map", null, null, stop.Token));
            SigningReport late = await verifier.WritePayloadsAsync(folder, images, new WritePayloadsOptions { Timeout = TimeSpan.FromMilliseconds(200) }).WaitAsync(Ages);
            Assert.That(late.Missing.Count(image => image.Status == SigningStatus.NotDone), Is.EqualTo(40));
            Assert.That(late.Images[0].Reason, Does.Contain("time-out"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task ProgressThatThrowsEndsTheRunAndReachesTheCaller()
    {
        using var build = new BuildFixture();
        using Verifier verifier = Verifier.FromDirectory(build.Config);
        var thrower = new Thrower();
        InvalidTimeZoneException error = Assert.ThrowsAsync<InvalidTimeZoneException>(
            () => verifier.WritePayloadsAsync(build.Payloads, build.List, new WritePayloadsOptions { Concurrency = 1 }, thrower))!;
        Assert.That(error.Message, Is.EqualTo("the progress"));
        Assert.That(thrower.Calls, Is.EqualTo(1), "it is not called again");
        AllHavePayloads(await verifier.WritePayloadsAsync(build.Payloads, build.List));
        build.SignInPlace();
        Assert.ThrowsAsync<InvalidTimeZoneException>(() => verifier.AttachAsync(build.Map, Quick, thrower));
        Assert.That((await verifier.AttachAsync(build.Map, Quick)).IsComplete);
    }

    [Test]
    public async Task EachImageIsThereAsItIsDone()
    {
        using var build = new BuildFixture();
        using Verifier verifier = Verifier.FromDirectory(build.Config);
        var one = new WritePayloadsOptions { Concurrency = 1 };
        await foreach (SigningResult image in verifier.WritePayloadsEachAsync(build.Payloads, build.List, one))
        {
            Assert.That(image.IsDone, image.Reason);
            break;
        }

        // Leaving early ends the run, and the next one finds what was written.
        var seen = new List<SigningResult>();
        await foreach (SigningResult image in verifier.WritePayloadsEachAsync(build.Payloads, build.List, one))
        {
            seen.Add(image);
        }

        Assert.That(seen.Select(image => image.Index), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(seen[0].Status, Is.EqualTo(SigningStatus.Kept));
        build.SignInPlace();
        seen.Clear();
        await foreach (SigningResult image in verifier.AttachEachAsync(build.Map, Quick))
        {
            seen.Add(image);
        }

        Assert.That(seen.Select(image => image.Status), Is.EqualTo(Enumerable.Repeat(SigningStatus.Attached, BuildFixture.Images)));

        // Cancelled, every image is told of before the exception comes.
        using var stop = new CancellationTokenSource();
        seen.Clear();
        Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (SigningResult image in verifier.AttachEachAsync(build.Map, new AttachOptions { Concurrency = 1 }, stop.Token))
            {
                seen.Add(image);
                stop.Cancel();
            }

            // All may have been done by then.
            stop.Token.ThrowIfCancellationRequested();
        });
        Assert.That(seen, Has.Count.EqualTo(BuildFixture.Images));

        // What cannot begin is an exception of the enumeration.
        Assert.ThrowsAsync<VerificationException>(async () =>
        {
            await foreach (SigningResult _ in verifier.AttachEachAsync(Path.Combine(build.Payloads, "none.json")))
            {
            }
        });
    }

    [Test]
    public async Task ManyAtOnceAttachOneSignatureEach([Values("olareg", Fixture.Debian)] string kind)
    {
        using var build = new BuildFixture(Access.Anyone, kind);
        using Verifier verifier = Verifier.FromDirectory(build.Config);
        AllAre(await verifier.WritePayloadsAsync(build.Payloads, build.List), SigningStatus.Written);
        build.SignInPlace();
        SigningReport[] reports = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => verifier.AttachAsync(build.Map, Quick)));
        Assert.That(reports.All(report => report.IsComplete), string.Join('\n', reports.SelectMany(report => report.Missing).Select(image => image.Reason)));
        using var client = new HttpClient();
        foreach (string digest in build.Digests)
        {
            VerificationReport report = await verifier.VerifyImageAsync(client, build.Reference(digest), new VerifyImageOptions { AllSignatures = true });
            Assert.That(report.IsTrusted, report.Reason);
            Assert.That(report.Signatures, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public void WhatCannotBeginIsAnException()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        string folder = Path.Combine(Path.GetTempPath(), $"notation-none-{Guid.NewGuid():N}");
        VerificationErrorKind Kind(Func<Task> call) => Assert.ThrowsAsync<VerificationException>(() => call())!.Kind;
        Assert.That(Kind(() => verifier.WritePayloadsAsync(folder, ImageList.FromReferences(Array.Empty<string>()))), Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Kind(() => verifier.WritePayloadsAsync(folder, ImageList.FromReferences(new[] { "app" }))), Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Kind(() => verifier.WritePayloadsAsync(folder, ImageList.FromFile(Path.Combine(folder, "image-info.json")))), Is.EqualTo(VerificationErrorKind.Io));
        Assert.That(Kind(() => verifier.WritePayloadsAsync(folder, ImageList.FromReferences(new[] { "a.example/b:c" }), new WritePayloadsOptions { Concurrency = 0 })), Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Kind(() => verifier.AttachAsync(Path.Combine(folder, "payload-map.json"))), Is.EqualTo(VerificationErrorKind.Io));
        Assert.That(Kind(() => verifier.AttachAsync(Array.Empty<SignatureFile>())), Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(Directory.Exists(folder), Is.False);
        verifier.Dispose();
        Assert.Throws<ObjectDisposedException>(() => verifier.ResolveAsync("a.example/b:c"));
        Assert.Throws<ObjectDisposedException>(() => verifier.GetThumbprints(Demo.Envelope));
        Assert.That(default(SigningStatus), Is.EqualTo(SigningStatus.Failed));
    }

    private static void AllAre(SigningReport report, SigningStatus status)
    {
        Assert.That(report.Images, Has.Count.EqualTo(BuildFixture.Images));
        Assert.That(report.Images.Select(image => image.Status), Is.All.EqualTo(status), string.Join('\n', report.Images.Select(image => image.Reason)));
        Assert.That(report.IsComplete, Is.EqualTo(status is not (SigningStatus.Failed or SigningStatus.NotDone)));
    }

    private static void AllHavePayloads(SigningReport report)
    {
        Assert.That(report.Images, Has.Count.EqualTo(BuildFixture.Images));
        Assert.That(report.Images.All(image => image.Status is SigningStatus.Written or SigningStatus.Kept));
    }

    private sealed class Thrower : IProgress<SigningProgress>
    {
        internal int Calls { get; private set; }

        public void Report(SigningProgress value)
        {
            Calls++;
            throw new InvalidTimeZoneException("the progress");
        }
    }

    /// <summary>Unlike <see cref="Progress{T}"/> it is told at once.</summary>
    private sealed class Collector : IProgress<SigningProgress>
    {
        internal List<SigningResult> All { get; } = new();

        public void Report(SigningProgress value)
        {
            All.Add(value.Latest);
            Assert.That(value.Done, Is.EqualTo(All.Count));
            Assert.That(value.Missing, Is.EqualTo(All.Count(image => !image.IsDone)));
        }
    }
}
