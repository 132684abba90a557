namespace NotationVerifier;

/// <summary>How a <see cref="Verifier"/> works. What is not set has the default of the native library.</summary>
public sealed record VerifierOptions
{
    /// <summary>Verify as of this moment instead of now. Reports say so.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Use the portable cryptography even where the processor has something faster.</summary>
    public bool PortableCryptography { get; init; }

    /// <summary>Bounds that differ from the default ones.</summary>
    public VerifierLimits Limits { get; init; } = new();

    /// <summary>How OCSP answers and CRLs are fetched.</summary>
    public RevocationOptions Revocation { get; init; } = new();

    /// <summary>How registries are asked by the calls that the native library drives:
    /// <see cref="Verifier.ResolveAsync"/>, <see cref="Verifier.WritePayloadsAsync"/> and
    /// <see cref="O:NotationVerifier.Verifier.AttachAsync"/>.</summary>
    public RegistryOptions Registry { get; init; } = new();
}

/// <summary>Bounds on what a verification may read and count; <c>null</c> is the default, which is meant
/// for everyone.</summary>
public sealed record VerifierLimits
{
    /// <summary>Signatures evaluated for one artifact.</summary>
    public int? Signatures { get; init; }

    /// <summary>Pages of referrers read for one artifact, empty ones included.</summary>
    public int? ReferrerPages { get; init; }

    /// <summary>Referrers listed for one artifact.</summary>
    public int? Referrers { get; init; }

    /// <summary>Octets of a manifest or an index.</summary>
    public int? ManifestBytes { get; init; }

    /// <summary>Octets of a signature envelope.</summary>
    public int? EnvelopeBytes { get; init; }

    /// <summary>Octets of an OCSP answer.</summary>
    public int? OcspResponseBytes { get; init; }

    /// <summary>Octets of a CRL.</summary>
    public int? EvidenceBytes { get; init; }

    /// <summary>Rounds of fetching evidence for one artifact.</summary>
    public int? EvidenceRounds { get; init; }

    /// <summary>Octets fetched for one artifact in total.</summary>
    public long? ArtifactBytes { get; init; }

    /// <summary>Octets of a blob; 0 is no bound.</summary>
    public long? BlobBytes { get; init; }

    /// <summary>Certificate chains kept for the next signature of the same signer.</summary>
    public int? CachedChains { get; init; }
}

/// <summary>Where OCSP answers and CRLs may come from.</summary>
public enum RevocationMode
{
    /// <summary>From the network, and from what is kept.</summary>
    Online = 0,

    /// <summary>Nothing is asked for; what is there is in <see cref="RevocationOptions.Preload"/>.</summary>
    Offline,
}

/// <summary>How OCSP answers and CRLs are fetched.</summary>
public sealed record RevocationOptions
{
    /// <summary>Where they may come from.</summary>
    public RevocationMode Mode { get; init; }

    /// <summary>Who fetches them. <c>null</c>: the client that a call is given, unless that sends
    /// credentials with everything; else one of this library. The program disposes of it.</summary>
    public HttpClient? Client { get; init; }

    /// <summary>How long one request may take, with its redirects.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an answer is kept for the next image of the same signer. The library judges
    /// its freshness each time; this is about how soon news arrives.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Octets of answers that are kept.</summary>
    public long KeepBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Ask responders on this machine and in private networks too. The addresses are out of
    /// certificates.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>CRLs and OCSP answers that are there beforehand, files or folders. What is current of them is
    /// used before anybody is asked, in every call; with <see cref="RevocationMode.Offline"/> what has
    /// expired too, so that the report says since when.</summary>
    public IReadOnlyList<string> Preload { get; init; } = Array.Empty<string>();
}
