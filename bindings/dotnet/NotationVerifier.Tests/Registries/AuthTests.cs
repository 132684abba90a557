using System.Net;
using System.Net.Http.Headers;
using NUnit.Framework;

namespace NotationVerifier.Tests.Registries;

/// <summary>Log-ins: at real registries with TLS, and what a hostile one is not given.</summary>
public sealed class AuthTests
{
    private static RegistryCredential Robot(string password = Programs.Password) => RegistryCredential.FromPassword(Programs.UserName, password);

    [Test]
    public async Task ATokenServerIsAskedOnceForManyImages()
    {
        using var fixture = new Fixture(Access.Tokens, tls: true, signed: 60, unsigned: 0);
        using Verifier verifier = Verifier.FromDirectory(fixture.Config);
        await fixture.TokensAsync();
        var asked = new System.Collections.Concurrent.ConcurrentBag<string>();
        var handler = new RegistryAuthHandler(
            (registry, _) =>
            {
                asked.Add(registry);
                return ValueTask.FromResult<RegistryCredential?>(Robot());
            },
            fixture.Sender());
        handler.AllowedTokenHosts.Add(fixture.TokenAddress!);
        using var client = new HttpClient(handler);
        int trusted = 0;
        await foreach (ImageResult result in verifier.VerifyImagesAsync(client, fixture.Signed, new VerifyImagesOptions { Concurrency = 16, Image = new VerifyImageOptions { PlainHttp = false } }))
        {
            Assert.That(result.IsTrusted, result.Reason);
            trusted++;
        }

        Assert.That(trusted, Is.EqualTo(60));
        int repositories = fixture.Signed.Select(image => image[..image.IndexOf('@', StringComparison.Ordinal)]).Distinct().Count();
        Assert.That(repositories, Is.LessThan(10));
        Assert.That(await fixture.TokensAsync(), Is.EqualTo(repositories), "one repository needs one token");
        Assert.That(asked.Distinct(), Is.EqualTo(new[] { fixture.Address }));
    }

    [Test]
    public async Task ATokenServerElsewhereGetsNoCredentialUnlessItIsAllowed()
    {
        using var fixture = new Fixture(Access.Tokens, tls: true, signed: 1, unsigned: 0);
        using Verifier verifier = Verifier.FromDirectory(fixture.Config);
        using var client = new HttpClient(new RegistryAuthHandler((_, _) => ValueTask.FromResult<RegistryCredential?>(Robot()), fixture.Sender()));
        VerificationReport report = await verifier.VerifyImageAsync(client, fixture.Signed[0], new VerifyImageOptions { PlainHttp = false });
        Assert.That(report.Status, Is.EqualTo(ArtifactStatus.LookupFailed), "a token for anybody does not open it");
    }

    [Test]
    public async Task APasswordIsAskedForAndAWrongOneIsNotUnsigned()
    {
        using var fixture = new Fixture(Access.Password, tls: true, signed: 2, unsigned: 1);
        using Verifier verifier = Verifier.FromDirectory(fixture.Config);
        var tls = new VerifyImageOptions { PlainHttp = false };
        using var client = new HttpClient(new RegistryAuthHandler((_, _) => ValueTask.FromResult<RegistryCredential?>(Robot()), fixture.Sender()));
        VerificationReport good = await verifier.VerifyImageAsync(client, fixture.Signed[0], tls);
        Assert.That(good.IsTrusted, good.Reason);
        Assert.That((await verifier.VerifyImageAsync(client, fixture.Unsigned[0], tls)).Status, Is.EqualTo(ArtifactStatus.Unsigned));

        foreach (RegistryCredential? wrong in new[] { Robot("wrong"), null })
        {
            using var other = new HttpClient(new RegistryAuthHandler((_, _) => ValueTask.FromResult(wrong), fixture.Sender()));
            VerificationReport bad = await verifier.VerifyImageAsync(other, fixture.Signed[0], tls);
            Assert.That(bad.Status, Is.EqualTo(ArtifactStatus.LookupFailed));
            Assert.That(bad.Reason, Does.Contain("401"));
        }

        using var throws = new HttpClient(new RegistryAuthHandler((_, _) => throw new InvalidTimeZoneException("the vault"), fixture.Sender()));
        Assert.ThrowsAsync<InvalidTimeZoneException>(() => verifier.VerifyImageAsync(throws, fixture.Signed[0], tls));
        Assert.That(Robot().ToString(), Does.Not.Contain(Programs.Password));
    }

    /// <summary>CVE-2026-48978, CVE-2025-27403: who may see the credentials of a registry.</summary>
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://registry.example/token", "credential")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://tokens.registry.example/token", "credential", "tokens.registry.example")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://tokens.registry.example:444/token", "anybody", "tokens.registry.example")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://elsewhere.example/token", "anybody")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://registry.example.attacker.example/token", "anybody")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://registry.example:444/token", "anybody")]
    [TestCase("https://registry-1.docker.io/v2/app/manifests/v1", "https://auth.docker.io/token", "credential")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://auth.docker.io/token", "anybody")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "http://registry.example/token", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "http://169.254.169.254/latest", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://169.254.169.254/latest", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://[fd00::1]/token", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://localhost/token", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://metadata.google.internal/token", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "https://user@registry.example/token", "nothing")]
    [TestCase("https://registry.example/v2/app/manifests/v1", "file:///etc/passwd", "nothing")]
    [TestCase("http://registry.example/v2/app/manifests/v1", "http://registry.example/token", "nothing")]
    [TestCase("http://127.0.0.1:5000/v2/app/manifests/v1", "http://127.0.0.1:5000/token", "credential")]
    public async Task CredentialsGoWhereTheyBelong(string address, string realm, string expected, string? allowed = null)
    {
        string? given = "nothing";
        var registry = new Between(new SocketsHttpHandler(), (request, _, _) =>
        {
            if (request.RequestUri!.AbsolutePath.StartsWith("/v2/", StringComparison.Ordinal))
            {
                var refusal = new HttpResponseMessage(HttpStatusCode.Unauthorized) { RequestMessage = request };
                refusal.Headers.TryAddWithoutValidation("WWW-Authenticate", $"Bearer realm=\"{realm}\",service=\"s\",scope=\"repository:everything:push\"");
                bool good = request.Headers.Authorization?.Parameter == "t";
                return Task.FromResult(good ? new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request } : refusal);
            }

            given = request.Headers.Authorization is null ? "anybody" : "credential";
            Assert.That(request.RequestUri.Query, Is.EqualTo("?service=s&scope=repository%3Aapp%3Apull"), "what is needed and no more");
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{\"token\":\"t\"}") });
        });
        var handler = new RegistryAuthHandler((_, _) => ValueTask.FromResult<RegistryCredential?>(Robot()), registry);
        if (allowed is not null)
        {
            handler.AllowedTokenHosts.Add(allowed);
        }

        using var client = new HttpClient(handler);
        if (expected == "nothing")
        {
            Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(address));
        }
        else
        {
            using HttpResponseMessage answer = await client.GetAsync(address);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }

        Assert.That(given, Is.EqualTo(expected));
    }

    [Test]
    public async Task BasicCredentialsStayWithTheRegistryThatAsked()
    {
        // Without TLS, after a redirect, for evidence: nothing.
        var seen = new List<string>();
        HttpStatusCode status = HttpStatusCode.Unauthorized;
        Uri? redirected = null;
        var registry = new Between(new SocketsHttpHandler(), (request, _, _) =>
        {
            seen.Add($"{request.RequestUri} {request.Headers.Authorization?.Scheme ?? "none"}");
            if (redirected is not null)
            {
                request.RequestUri = redirected;
            }

            var refusal = new HttpResponseMessage(status) { RequestMessage = request };
            refusal.Headers.TryAddWithoutValidation("WWW-Authenticate", "Basic realm=\"x\"");
            return Task.FromResult(refusal);
        });
        using var client = new HttpClient(new RegistryAuthHandler((_, _) => ValueTask.FromResult<RegistryCredential?>(Robot()), registry));
        await client.GetAsync("http://registry.example/v2/");
        Assert.That(seen, Is.EqualTo(new[] { "http://registry.example/v2/ none" }));

        seen.Clear();
        redirected = new Uri("https://elsewhere.example/v2/");
        await client.GetAsync("https://registry.example/v2/");
        Assert.That(seen, Is.EqualTo(new[] { "https://registry.example/v2/ none" }));

        seen.Clear();
        redirected = null;
        using (var evidence = new HttpRequestMessage(HttpMethod.Get, "https://registry.example/crl"))
        {
            RequestPurpose.MarkEvidence(evidence);
            await client.SendAsync(evidence);
        }

        Assert.That(seen, Is.EqualTo(new[] { "https://registry.example/crl none" }));

        seen.Clear();
        await client.GetAsync("https://registry.example/v2/");
        Assert.That(seen, Is.EqualTo(new[] { "https://registry.example/v2/ none", "https://registry.example/v2/ Basic" }));
    }

    /// <summary>GHSA-vh4v-2xq2-g5cg: where a redirect leads to another port, nothing goes along.</summary>
    [Test]
    public async Task ARedirectGetsNoCredential()
    {
        using HttpListener storage = Listen(out string storageAddress);
        using HttpListener registry = Listen(out string registryAddress);
        string? atStorage = "not asked";
        int atRegistry = 0;
        Task serving = Task.WhenAll(
            ServeAsync(registry, 2, context =>
            {
                bool given = context.Request.Headers["Authorization"] is not null;
                atRegistry += given ? 1 : 0;
                context.Response.StatusCode = given ? 307 : 401;
                context.Response.Headers[given ? "Location" : "WWW-Authenticate"] = given ? $"{storageAddress}blob" : "Basic realm=\"x\"";
            }),
            ServeAsync(storage, 1, context => atStorage = context.Request.Headers["Authorization"]));
        using var client = new HttpClient(new RegistryAuthHandler((_, _) => ValueTask.FromResult<RegistryCredential?>(Robot()), new SocketsHttpHandler()));
        using HttpResponseMessage answer = await client.GetAsync($"{registryAddress}v2/app/blobs/x");
        await serving;
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(atRegistry, Is.EqualTo(1));
        Assert.That(atStorage, Is.Null);
    }

    private static HttpListener Listen(out string address)
    {
        // Another process may take the port in between.
        for (int attempt = 0; ; attempt++)
        {
            var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            socket.Start();
            address = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndpoint).Port}/";
            socket.Stop();
            var listener = new HttpListener { Prefixes = { address } };
            try
            {
                listener.Start();
                return listener;
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                listener.Close();
            }
        }
    }

    private static async Task ServeAsync(HttpListener listener, int requests, Action<HttpListenerContext> answer)
    {
        for (int request = 0; request < requests; request++)
        {
            HttpListenerContext context = await listener.GetContextAsync();
            answer(context);
            context.Response.Close();
        }
    }

    [TestCase("Bearer realm=\"https://a/b?c=d\",service=s , scope=\"x y\"", "Bearer realm=https://a/b?c=d service=s scope=x y")]
    [TestCase("Basic realm=\"x\", Bearer realm=\"y\"", "Basic realm=x|Bearer realm=y")]
    [TestCase("Negotiate, bearer realm = \"a\\\"b\"", "Negotiate|bearer realm=a\"b")]
    [TestCase("Bearer realm=\"open", "Bearer")]
    [TestCase("", "")]
    [TestCase("\"", "")]
    [TestCase("Bearer realm=\"a\",realm=\"b\"", "Bearer realm=a")]
    public void ChallengesAreRead(string header, string expected)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.Unauthorized);
        response.Headers.TryAddWithoutValidation("WWW-Authenticate", header);
        string read = string.Join('|', Challenge.Parse(response).Select(challenge =>
            string.Join(' ', challenge.Parameters.Select(pair => $"{pair.Key}={pair.Value}").Prepend(challenge.Scheme))));
        Assert.That(read, Is.EqualTo(expected));
    }

    [Test]
    public async Task EvidenceIsAskedForWithoutCredentialsAndNotInside()
    {
        int calls = 0;
        using var loggedIn = new HttpClient(new Between(new SocketsHttpHandler(), (_, _, _) =>
        {
            calls++;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
        }));
        loggedIn.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        var need = new HttpNeed("GET", new Uri("http://127.0.0.1:9/crl"), string.Empty, Array.Empty<byte>(), 1000);
        using (var inside = new EvidenceFetcher(new RevocationOptions { AllowPrivateAddresses = true }))
        {
            Fetched fetched = await inside.FetchAsync(need, loggedIn, CancellationToken.None);
            Assert.That(fetched.Failure, Does.Contain("could not be fetched"));
        }

        Assert.That(calls, Is.Zero, "that client sends its credentials with everything");
        loggedIn.DefaultRequestHeaders.Authorization = null;
        using (var outside = new EvidenceFetcher(new RevocationOptions()))
        {
            foreach (string address in new[] { "http://127.0.0.1:9/crl", "http://localhost/crl", "http://10.1.2.3/", "http://[::1]/", "http://169.254.169.254/", "ftp://crl.example/" })
            {
                var refused = new HttpNeed("GET", new Uri(address), string.Empty, Array.Empty<byte>(), 1000);
                Assert.That((await outside.FetchAsync(refused, loggedIn, CancellationToken.None)).Content, Is.Null, address);
            }

            Assert.That(calls, Is.Zero);
            var fine = new HttpNeed("GET", new Uri("http://crl.example/crl"), string.Empty, Array.Empty<byte>(), 1000);
            Assert.That((await outside.FetchAsync(fine, loggedIn, CancellationToken.None)).Content, Is.Not.Null);
            Assert.That((await outside.FetchAsync(fine, loggedIn, CancellationToken.None)).Content, Is.Not.Null);
            Assert.That(calls, Is.EqualTo(1), "it is kept");
        }
    }
}
