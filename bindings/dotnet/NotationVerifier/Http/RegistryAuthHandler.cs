using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace NotationVerifier;

/// <summary>Logs in to registries: basic authentication, and bearer tokens of token servers
/// (distribution's token specification).</summary>
/// <remarks>
/// <para>Put it in front of the handler that sends: <c>new HttpClient(new RegistryAuthHandler(credentials,
/// new SocketsHttpHandler()))</c>. One instance serves many requests at once; of those that need the
/// same token, one asks for it.</para>
/// <para>A credential goes to the registry that it is for (scheme, host and port), and to a token
/// server with the same host and port or one that <see cref="AllowedTokenHosts"/> has, over TLS. It
/// goes without TLS only to this machine. Redirects get none.</para>
/// <para>Requests for revocation evidence pass through untouched.</para>
/// </remarks>
public sealed class RegistryAuthHandler : DelegatingHandler
{
    /// <summary>An answer of a token server is read no further. Real ones are below 20 KiB.</summary>
    private const int MostTokenOctets = 1024 * 1024;

    /// <summary>Tokens kept: one for each repository.</summary>
    private const int MostTokens = 10_000;

    private readonly RegistryCredentialProvider credentials;
    private readonly ConcurrentDictionary<string, Lazy<Task<Token>>> tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> basic = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource disposed = new();

    /// <summary>A handler that asks <paramref name="credentials"/>.</summary>
    /// <param name="credentials">Asked where a registry wants a log-in; may be asked from several
    /// threads at once.</param>
    /// <param name="innerHandler">Who sends; <c>null</c> where a factory sets it.</param>
    public RegistryAuthHandler(RegistryCredentialProvider credentials, HttpMessageHandler? innerHandler = null)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        this.credentials = credentials;
        if (innerHandler is not null)
        {
            InnerHandler = innerHandler;
        }
    }

    /// <summary>Hosts of token servers, beside the registry's own, that may be given its credentials:
    /// <c>host</c>, or <c>host:port</c> where the port is not 443. That of Docker Hub is known.</summary>
    public ISet<string> AllowedTokenHosts { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>How long a token server may take.</summary>
    public TimeSpan TokenTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Uri? uri = request.RequestUri;
        if (uri is null || RequestPurpose.IsEvidence(request) || request.Headers.Authorization is not null)
        {
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }

        string origin = Origin(uri);
        string scope = RepositoryScope(uri);
        AuthenticationHeaderValue? sent = await KnownAsync(origin, scope, uri, cancellationToken).ConfigureAwait(false);
        request.Headers.Authorization = sent;
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // A handler further out may send the same message again, and that must log in anew.
            request.Headers.Authorization = null;
        }

        // A body can be sent once; redirects lead to servers that this is not for.
        if (response.StatusCode != HttpStatusCode.Unauthorized
            || request.Content is not null
            || response.RequestMessage?.RequestUri is not { } answered
            || Origin(answered) != origin)
        {
            return response;
        }

        AuthenticationHeaderValue? answer;
        try
        {
            answer = await AnswerAsync(Challenge.Parse(response), sent, origin, scope, uri, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            response.Dispose();
            throw;
        }

        if (answer is null)
        {
            return response;
        }

        response.Dispose();
        using var again = new HttpRequestMessage(request.Method, uri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var header in request.Headers)
        {
            again.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        foreach (var option in request.Options)
        {
            ((IDictionary<string, object?>)again.Options)[option.Key] = option.Value;
        }

        again.Headers.Authorization = answer;
        return await base.SendAsync(again, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            disposed.Cancel();
        }

        base.Dispose(disposing);
    }

    /// <summary>What earlier requests found out.</summary>
    private async Task<AuthenticationHeaderValue?> KnownAsync(string origin, string scope, Uri uri, CancellationToken cancellationToken)
    {
        if (tokens.TryGetValue(Key(origin, scope), out Lazy<Task<Token>>? flight))
        {
            try
            {
                Token token = await WaitAsync(Key(origin, scope), flight, cancellationToken).ConfigureAwait(false);
                if (token.Until > Environment.TickCount64)
                {
                    return new AuthenticationHeaderValue("Bearer", token.Value);
                }
            }
            catch (HttpRequestException)
            {
                // Another request failed to get it; this one asks the registry what it wants.
            }

            Forget(Key(origin, scope), flight);
        }

        return basic.ContainsKey(origin) && await CredentialAsync(uri, cancellationToken).ConfigureAwait(false) is { Password: not null } credential
            ? credential.Basic
            : null;
    }

    private async Task<AuthenticationHeaderValue?> AnswerAsync(
        IReadOnlyList<Challenge> challenges,
        AuthenticationHeaderValue? sent,
        string origin,
        string scope,
        Uri uri,
        CancellationToken cancellationToken)
    {
        if (challenges.FirstOrDefault(challenge => challenge.Is("Bearer")) is { } bearer)
        {
            string key = Key(origin, scope);
            if (sent?.Scheme == "Bearer" && tokens.TryGetValue(key, out Lazy<Task<Token>>? old)
                && old.IsValueCreated && old.Value.IsCompletedSuccessfully && old.Value.Result.Value == sent.Parameter)
            {
                // It was revoked, or allows less than this needs.
                Forget(key, old);
            }

            if (tokens.Count >= MostTokens)
            {
                tokens.Clear();
            }

            Lazy<Task<Token>> flight = tokens.GetOrAdd(key, _ => new Lazy<Task<Token>>(() => FetchAsync(bearer, scope, uri)));
            Token token = await WaitAsync(key, flight, cancellationToken).ConfigureAwait(false);
            return new AuthenticationHeaderValue("Bearer", token.Value);
        }

        if (challenges.Any(challenge => challenge.Is("Basic")) && sent is null && MayCarrySecrets(uri)
            && await CredentialAsync(uri, cancellationToken).ConfigureAwait(false) is { Password: not null } credential)
        {
            basic[origin] = true;
            return credential.Basic;
        }

        return null;
    }

    /// <summary>Waits for a token; one that could not be had is not kept.</summary>
    private async Task<Token> WaitAsync(string key, Lazy<Task<Token>> flight, CancellationToken cancellationToken)
    {
        try
        {
            return await flight.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            Forget(key, flight);
            throw new HttpRequestException($"no token came within {TokenTimeout.TotalSeconds:0} s", error);
        }
        finally
        {
            if (flight.Value.IsFaulted)
            {
                Forget(key, flight);
            }
        }
    }

    /// <summary>Asks the token server. Its own time-out: whoever waits may give up, the others do not.</summary>
    private async Task<Token> FetchAsync(Challenge challenge, string scope, Uri registry)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(disposed.Token);
        timeout.CancelAfter(TokenTimeout);
        CancellationToken cancellationToken = timeout.Token;
        Uri realm = Realm(challenge, registry);
        challenge.Parameters.TryGetValue("service", out string? service);
        if (scope.Length == 0 && challenge.Parameters.TryGetValue("scope", out string? asked))
        {
            scope = asked;
        }

        // Anybody's token may do: a registry with public images and a token server elsewhere.
        bool withheld = !MayHaveCredentials(realm, registry);
        RegistryCredential? credential = withheld ? null : await CredentialAsync(registry, cancellationToken).ConfigureAwait(false);
        using HttpRequestMessage request = TokenRequest(realm, service, scope, credential);
        using HttpResponseMessage response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            string hint = withheld
                ? $"; it was sent no credentials: add `{realm.Authority}` to AllowedTokenHosts if it belongs to the registry"
                : string.Empty;
            throw new HttpRequestException(
                $"the token server `{Origin(realm)}` of `{Origin(registry)}` answered {(int)response.StatusCode}{hint}", null, response.StatusCode);
        }

        byte[] body = await BoundedContent.ReadAsync(response.Content, MostTokenOctets, cancellationToken).ConfigureAwait(false);
        return Token.Parse(body, Origin(realm));
    }

    private static HttpRequestMessage TokenRequest(Uri realm, string? service, string scope, RegistryCredential? credential)
    {
        var parameters = new List<KeyValuePair<string, string>>();
        if (service is not null)
        {
            parameters.Add(new("service", service));
        }

        if (scope.Length > 0)
        {
            parameters.Add(new("scope", scope));
        }

        if (credential?.IdentityToken is { } identity)
        {
            parameters.Add(new("grant_type", "refresh_token"));
            parameters.Add(new("client_id", "notation-verifier"));
            parameters.Add(new("refresh_token", identity));
            return new HttpRequestMessage(HttpMethod.Post, realm) { Content = new OneTimeContent(new FormUrlEncodedContent(parameters)) };
        }

        var address = new StringBuilder(realm.GetLeftPart(UriPartial.Query));
        foreach ((string name, string value) in parameters)
        {
            address.Append(address.ToString().Contains('?') ? '&' : '?').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address.ToString()));
        request.Headers.Authorization = credential?.Basic;
        return request;
    }

    /// <summary>The address of the token server: never plainer than the registry, never a way to
    /// another network (CVE-2026-48978).</summary>
    private Uri Realm(Challenge challenge, Uri registry)
    {
        if (!challenge.Parameters.TryGetValue("realm", out string? text)
            || !Uri.TryCreate(text, UriKind.Absolute, out Uri? realm)
            || realm.Scheme is not ("https" or "http")
            || realm.UserInfo.Length > 0)
        {
            throw new HttpRequestException($"`{Origin(registry)}` wants a token and names no usable address for it");
        }

        bool same = SameAuthority(realm, registry);
        bool local = realm.IsLoopback && registry.IsLoopback;
        if (realm.Scheme == "http" && !(registry.Scheme == "http" && local))
        {
            throw new HttpRequestException($"`{Origin(registry)}` names `{Origin(realm)}` for tokens, which is not encrypted");
        }

        bool inside = realm.HostNameType != UriHostNameType.Dns || realm.IsLoopback || realm.Host.StartsWith("metadata.", StringComparison.Ordinal);
        if (inside && !same && !local && !AllowedTokenHosts.Contains(realm.Authority))
        {
            throw new HttpRequestException($"`{Origin(registry)}` names `{Origin(realm)}` for tokens, which is an address inside a network and none of the registry");
        }

        return realm;
    }

    private bool MayHaveCredentials(Uri realm, Uri registry) =>
        MayCarrySecrets(realm)
        && (SameAuthority(realm, registry)
            || AllowedTokenHosts.Contains(realm.Authority)
            || (realm.Authority, registry.Authority) is ("auth.docker.io", "registry-1.docker.io") or ("gitlab.com", "registry.gitlab.com"));

    private static bool MayCarrySecrets(Uri uri) => uri.Scheme == "https" || uri.IsLoopback;

    private static bool SameAuthority(Uri one, Uri other) => one.Authority.Equals(other.Authority, StringComparison.OrdinalIgnoreCase);

    private ValueTask<RegistryCredential?> CredentialAsync(Uri uri, CancellationToken cancellationToken) =>
        credentials(uri.Authority, cancellationToken);

    private void Forget(string key, Lazy<Task<Token>> flight) => tokens.TryRemove(new KeyValuePair<string, Lazy<Task<Token>>>(key, flight));

    private static string Key(string origin, string scope) => origin + " " + scope;

    private static string Origin(Uri uri) => $"{uri.Scheme}://{uri.IdnHost.ToLowerInvariant()}:{uri.Port}";

    /// <summary><c>repository:NAME:pull</c> of an address of the distribution API, else nothing.</summary>
    private static string RepositoryScope(Uri uri)
    {
        string path = uri.AbsolutePath;
        if (!path.StartsWith("/v2/", StringComparison.Ordinal))
        {
            return string.Empty;
        }

        foreach (string part in new[] { "/manifests/", "/blobs/", "/referrers/", "/tags/" })
        {
            int at = path.LastIndexOf(part, StringComparison.Ordinal);
            if (at > 3)
            {
                return $"repository:{path[4..at]}:pull";
            }
        }

        return string.Empty;
    }

    private sealed record Token(string Value, long Until)
    {
        /// <summary>What is not said lives 60 s (distribution's token specification); a little less, so
        /// that it does not end on its way.</summary>
        internal static Token Parse(byte[] body, string server)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(body);
                JsonElement root = document.RootElement;
                string? value = Text(root, "token") ?? Text(root, "access_token");
                if (value is null || value.Length == 0 || value.Any(one => one is <= ' ' or > '~'))
                {
                    throw new HttpRequestException($"the token server `{server}` answered without a token");
                }

                double seconds = root.TryGetProperty("expires_in", out JsonElement life) && life.ValueKind == JsonValueKind.Number ? life.GetDouble() : 60;
                return new Token(value, Environment.TickCount64 + (long)(Math.Clamp(seconds, 0, 3600) * 900));
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException)
            {
                throw new HttpRequestException($"the token server `{server}` answered with something else than a token", error);
            }
        }

        private static string? Text(JsonElement root, string name) =>
            root.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
    }
}
