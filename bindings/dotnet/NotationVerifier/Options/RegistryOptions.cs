namespace NotationVerifier;

/// <summary>How registries are asked by the calls that the native library drives. Its client has
/// connections, retries, rate limits and proxies of its own; the program's <see cref="HttpClient"/> is
/// not used. What is <c>null</c> has the default of the native library.</summary>
public sealed record RegistryOptions
{
    /// <summary>Who the program is at each registry. It is called from threads of the native library,
    /// also from several at once, and what it throws makes the look-up fail with that message. Its
    /// token is cancelled when each call that could wait for the answer was cancelled or is over.
    /// <c>null</c>: see <see cref="DockerLogin"/>.</summary>
    public RegistryCredentialProvider? Credentials { get; init; }

    /// <summary>Without <see cref="Credentials"/>: use what <c>docker login</c> left, helpers included.</summary>
    public bool DockerLogin { get; init; } = true;

    /// <summary>Registries (<c>host:port</c>, <c>*.host</c>) that are asked without TLS. Those on this
    /// machine always are, unless <see cref="LoopbackHttps"/>.</summary>
    public IReadOnlyList<string> PlainHttpHosts { get; init; } = Array.Empty<string>();

    /// <summary>Ask registries on this machine with TLS too.</summary>
    public bool LoopbackHttps { get; init; }

    /// <summary>Files with certificates (PEM) of authorities that are believed beside those of the system.</summary>
    public IReadOnlyList<string> CertificateAuthorityFiles { get; init; } = Array.Empty<string>();

    /// <summary>Token servers that may see credentials although they have another name than the registry.</summary>
    public IReadOnlyList<string> AllowedTokenHosts { get; init; } = Array.Empty<string>();

    /// <summary>Requests to one registry at the same time.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Lists of referrers asked of one registry in a second.</summary>
    public int? ReferrersPerSecond { get; init; }

    /// <summary>How often a request is sent that failed for a reason that may pass.</summary>
    public int? Attempts { get; init; }

    /// <summary>How long one attempt may take. Waiting for its turn is not counted.</summary>
    public TimeSpan? AttemptTimeout { get; init; }
}
