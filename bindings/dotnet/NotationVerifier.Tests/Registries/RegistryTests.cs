using System.Net;
using NUnit.Framework;

namespace NotationVerifier.Tests.Registries;

/// <summary>A real registry, asked with the HttpClient of the program.</summary>
public sealed class RegistryTests
{
    private Fixture open = null!;

    [OneTimeSetUp]
    public void Start() => open = new Fixture(Access.Anyone, tls: false, signed: 12, unsigned: 3);

    [OneTimeTearDown]
    public void Stop() => open?.Dispose();

    [Test]
    public async Task SignedUnsignedAndMissingAreDifferent([Values("olareg", Fixture.Debian)] string kind)
    {
        using var fixture = new Fixture(Access.Anyone, tls: false, signed: 2, unsigned: 1, kind);
        using Verifier verifier = Verifier.FromDirectory(fixture.Config);
        using var client = new HttpClient(fixture.Sender());
        VerificationReport signed = await verifier.VerifyImageAsync(client, fixture.Signed[0]);
        Assert.That(signed.IsTrusted, signed.Reason);
        Assert.That(fixture.Signed[0], Does.EndWith(signed.Artifact!.Digest));
        VerificationReport unsigned = await verifier.VerifyImageAsync(client, fixture.Unsigned[0]);
        Assert.That(unsigned.Status, Is.EqualTo(ArtifactStatus.Unsigned));
        string nothing = fixture.Signed[0][..fixture.Signed[0].IndexOf('@')] + "@sha256:" + new string('0', 64);
        VerificationReport missing = await verifier.VerifyImageAsync(client, nothing);
        Assert.That(missing.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
        Assert.That(missing.Reason, Does.Contain("does not exist"));
    }

    [Test]
    public async Task SomebodyElsesTrustRejects()
    {
        using Verifier verifier = Verifier.FromMemory(new TrustMaterial
        {
            OciPolicy = """
                {"version": "1.0", "trustPolicies": [{"name": "other", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
                  "trustStores": ["ca:demo"], "trustedIdentities": ["*"]}]}
                """u8.ToArray(),
        }.AddCertificates("ca:demo", File.ReadAllBytes(Directory.EnumerateFiles(Path.Combine(Demo.Config, "truststore", "x509", "ca", "demo")).First())));
        using var client = new HttpClient(open.Sender());
        VerificationReport report = await verifier.VerifyImageAsync(client, open.Signed[0]);
        Assert.That(report.Status, Is.EqualTo(ArtifactStatus.Rejected));
        Assert.That(report.Signatures.Single().Checks.Single(check => check.Outcome == CheckOutcome.Failed).Reason, Is.EqualTo("not-trusted"));
    }

    [TestCase("/manifests/", HttpStatusCode.TooManyRequests)]
    [TestCase("/referrers/", HttpStatusCode.TooManyRequests)]
    [TestCase("/referrers/", HttpStatusCode.Unauthorized)]
    [TestCase("/referrers/", HttpStatusCode.Forbidden)]
    [TestCase("/referrers/", HttpStatusCode.InternalServerError)]
    [TestCase("/referrers/", HttpStatusCode.ServiceUnavailable)]
    [TestCase("/blobs/", HttpStatusCode.BadGateway)]
    public async Task AFailedLookUpIsNeverUnsigned(string part, HttpStatusCode status)
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        using var client = new HttpClient(Between.Answer(open.Sender(), part, status));
        VerificationReport report = await verifier.VerifyImageAsync(client, open.Signed[0]);
        Assert.That(report.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
        Assert.That(report.Reason, Does.Contain(((int)status).ToString()));
    }

    [Test]
    public async Task WhatANetworkDoesIsALookUpThatFailed()
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        using var broken = new HttpClient(new Between(open.Sender(), (_, _, _) => throw new HttpRequestException("the cable was cut")));
        VerificationReport cut = await verifier.VerifyImageAsync(broken, open.Signed[0]);
        Assert.That(cut.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
        Assert.That(cut.Reason, Does.Contain("the cable was cut"));

        using var slow = new HttpClient(new Between(open.Sender(), async (_, send, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return await send();
        }))
        { Timeout = TimeSpan.FromMilliseconds(50) };
        VerificationReport late = await verifier.VerifyImageAsync(slow, open.Signed[0]);
        Assert.That(late.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
        Assert.That(late.Reason, Does.Contain("in time"));
    }

    [Test]
    public async Task OtherBytesThanTheDigestNamesAreRefused()
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        using var client = new HttpClient(new Between(open.Sender(), async (request, send, _) =>
        {
            HttpResponseMessage response = await send();
            if (request.RequestUri!.AbsolutePath.Contains("/blobs/", StringComparison.Ordinal))
            {
                byte[] body = await response.Content.ReadAsByteArrayAsync();
                body[^1] ^= 1;
                response.Content = new ByteArrayContent(body);
            }

            return response;
        }));
        VerificationReport report = await verifier.VerifyImageAsync(client, open.Signed[0]);
        Assert.That(report.Verdict, Is.EqualTo(Verdict.Rejected));
        Assert.That(report.Signatures.Single().Reason, Is.EqualTo("content-mismatch"));
    }

    [Test]
    public void CancellingEndsAVerificationAndARun()
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        using var stop = new CancellationTokenSource();
        using var client = new HttpClient(new Between(open.Sender(), async (_, send, token) =>
        {
            stop.Cancel();
            await Task.Delay(Timeout.Infinite, token);
            return await send();
        }));
        Assert.CatchAsync<OperationCanceledException>(() => verifier.VerifyImageAsync(client, open.Signed[0], null, stop.Token));
        Assert.CatchAsync<OperationCanceledException>(() => verifier.VerifyImageAsync(client, open.Signed[0], null, stop.Token), "cancelled before");

        using var later = new CancellationTokenSource();
        int seen = 0;
        using var quick = new HttpClient(open.Sender());
        Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (ImageResult result in verifier.VerifyImagesAsync(quick, Endless(), new VerifyImagesOptions { Concurrency = 2 }, null, later.Token))
            {
                Assert.That(result.IsTrusted, result.Reason);
                if (++seen == 5)
                {
                    later.Cancel();
                }
            }
        });
        Assert.That(seen, Is.GreaterThanOrEqualTo(5));
    }

    [Test]
    public async Task LeavingTheEnumerationEndsTheRun()
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        int requests = 0;
        using var client = new HttpClient(new Between(open.Sender(), (_, send, _) =>
        {
            Interlocked.Increment(ref requests);
            return send();
        }));
        await foreach (ImageResult result in verifier.VerifyImagesAsync(client, Endless(), new VerifyImagesOptions { Concurrency = 3 }))
        {
            if (result.Index >= 4)
            {
                break;
            }
        }

        int after = Volatile.Read(ref requests);
        await Task.Delay(200);
        Assert.That(Volatile.Read(ref requests), Is.EqualTo(after), "nothing goes on behind the caller's back");
    }

    [Test]
    public async Task CallbacksThatThrowReachTheCallerAndSpareTheOthers()
    {
        using Verifier verifier = Verifier.FromDirectory(open.Config);
        string victim = open.Signed[3];
        string digest = victim[(victim.IndexOf('@') + 1)..];
        using var client = new HttpClient(new Between(open.Sender(), (request, send, _) =>
            request.RequestUri!.AbsolutePath.EndsWith(digest, StringComparison.Ordinal) ? throw new InvalidTimeZoneException("a defect of the program") : send()));
        Assert.That(
            Assert.ThrowsAsync<InvalidTimeZoneException>(() => verifier.VerifyImageAsync(client, victim))!.Message,
            Is.EqualTo("a defect of the program"));

        var results = new List<ImageResult>();
        await foreach (ImageResult result in verifier.VerifyImagesAsync(client, open.Signed.Append("not a reference").Append(null!)))
        {
            results.Add(result);
        }

        Assert.That(results, Has.Count.EqualTo(14));
        ImageResult thrown = results.Single(result => result.Reference == victim);
        Assert.That(thrown.Report, Is.Null);
        Assert.That(thrown.IsTrusted, Is.False);
        Assert.That(thrown.Error!.Kind, Is.EqualTo(VerificationErrorKind.Host));
        Assert.That(thrown.Error.InnerException, Is.InstanceOf<InvalidTimeZoneException>());
        Assert.That(results.Single(result => result.Index == 12).Error!.Kind, Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(results.Single(result => result.Index == 13).Error!.Kind, Is.EqualTo(VerificationErrorKind.Usage));
        Assert.That(results.Count(result => result.IsTrusted), Is.EqualTo(11));

        // The list itself, and who is told.
        IEnumerable<string> Broken()
        {
            yield return open.Signed[0];
            throw new InvalidTimeZoneException("the list");
        }

        Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await foreach (ImageResult _ in verifier.VerifyImagesAsync(client, Broken()))
            {
            }
        });
        Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await foreach (ImageResult _ in verifier.VerifyImagesAsync(client, open.Signed, null, new Thrower()))
            {
            }
        });
    }

    [Test]
    public async Task AThousandImagesShareOneVerifier()
    {
        const int Images = 1000;
        const int Concurrency = 16;
        using var fixture = new Fixture(Access.Anyone, tls: false, signed: Images, unsigned: 0);
        using Verifier verifier = Verifier.FromDirectory(fixture.Config);
        int running = 0;
        int most = 0;
        using var client = new HttpClient(new Between(fixture.Sender(), async (_, send, _) =>
        {
            int now = Interlocked.Increment(ref running);
            int before;
            while (now > (before = Volatile.Read(ref most)) && Interlocked.CompareExchange(ref most, now, before) != before)
            {
            }

            try
            {
                return await send();
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }));
        await fixture.CountsAsync();
        var progress = new Collector();
        var indexes = new HashSet<int>();
        int pulled = 0;
        int furthest = 0;
        IEnumerable<string> References()
        {
            foreach (string reference in fixture.Signed)
            {
                pulled++;
                furthest = Math.Max(furthest, pulled - Volatile.Read(ref progress.Done));
                yield return reference;
            }
        }

        await foreach (ImageResult result in verifier.VerifyImagesAsync(client, References(), new VerifyImagesOptions { Concurrency = Concurrency }, progress))
        {
            Assert.That(result.IsTrusted, result.Reason);
            Assert.That(fixture.Signed[result.Index], Is.EqualTo(result.Reference));
            Assert.That(indexes.Add(result.Index));
        }

        Assert.That(indexes, Has.Count.EqualTo(Images));
        Assert.That(progress.Done, Is.EqualTo(Images));
        Assert.That(progress.Trusted, Is.EqualTo(Images));
        Assert.That(most, Is.LessThanOrEqualTo(2 * Concurrency), "each image has two requests at a time");
        Assert.That(furthest, Is.LessThanOrEqualTo((2 * Concurrency) + 2), "references are read when there is room");
        TestContext.Progress.WriteLine($"1,000 images: at most {most} requests at a time, {await fixture.CountsAsync()}");
    }

    private IEnumerable<string> Endless()
    {
        while (true)
        {
            foreach (string reference in open.Signed)
            {
                yield return reference;
            }
        }
    }

    private sealed class Thrower : IProgress<ImagesProgress>
    {
        public void Report(ImagesProgress value) => throw new InvalidTimeZoneException("the progress");
    }

    /// <summary>Unlike <see cref="Progress{T}"/> it is told at once.</summary>
    private sealed class Collector : IProgress<ImagesProgress>
    {
        internal int Done;
        internal int Trusted;

        public void Report(ImagesProgress value)
        {
            Assert.That(value.Done, Is.EqualTo(Done + 1));
            Volatile.Write(ref Done, value.Done);
            Trusted = value.Trusted;
        }
    }
}
