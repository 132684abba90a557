namespace NotationVerifier;

/// <summary>How one artifact is verified.</summary>
public record VerifyOptions
{
    /// <summary>Annotations that the signed payload must have.</summary>
    public IReadOnlyDictionary<string, string> UserMetadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Verify as of this moment; <c>null</c> is that of the verifier.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>How one image is verified.</summary>
public record VerifyImageOptions : VerifyOptions
{
    /// <summary>The most signatures to evaluate; <c>null</c> is the bound of the verifier.</summary>
    public int? MaxSignatures { get; init; }

    /// <summary>Evaluate the signatures after a trusted one too.</summary>
    public bool AllSignatures { get; init; }

    /// <summary>Verify every platform manifest of an index too, and the index as one with them.</summary>
    public bool AllPlatforms { get; init; }

    /// <summary>Ask the registry without TLS; <c>null</c>: only one on this machine.</summary>
    public bool? PlainHttp { get; init; }
}

/// <summary>How many images are verified.</summary>
public sealed record VerifyImagesOptions
{
    /// <summary>Images at the same time, at least 1. Each waits for its registry most of the time.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>How each of them is verified.</summary>
    public VerifyImageOptions Image { get; init; } = new();
}

/// <summary>How an image in an OCI layout is verified.</summary>
public sealed record VerifyLayoutOptions : VerifyOptions
{
    /// <summary>The most signatures to evaluate; <c>null</c> is the bound of the verifier.</summary>
    public int? MaxSignatures { get; init; }

    /// <summary>Evaluate the signatures after a trusted one too.</summary>
    public bool AllSignatures { get; init; }

    /// <summary>Verify every platform manifest of an index too, and the index as one with them.</summary>
    public bool AllPlatforms { get; init; }
}

/// <summary>How a blob is verified.</summary>
public sealed record VerifyBlobOptions : VerifyOptions
{
    /// <summary>What a person calls the blob; for the report.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>The media type of the envelope: <c>application/jose+json</c> or <c>application/cose</c>.</summary>
    public required string EnvelopeMediaType { get; init; }

    /// <summary>The statement of the blob trust policy; <c>null</c> is the global one.</summary>
    public string? PolicyName { get; init; }

    /// <summary>The media type that the signature must state; <c>null</c> is any.</summary>
    public string? MediaType { get; init; }
}

/// <summary>What an envelope at hand is about.</summary>
public sealed record VerifyEnvelopeOptions : VerifyOptions
{
    /// <summary>The media type of the envelope: <c>application/jose+json</c> or <c>application/cose</c>.</summary>
    public required string EnvelopeMediaType { get; init; }

    /// <summary>The artifact's reference, <c>registry/repository@digest</c>; selects the policy statement.
    /// Give this or <see cref="Scope"/>.</summary>
    public string? Reference { get; init; }

    /// <summary>What selects the policy statement, <c>registry/repository</c>, for artifacts that are
    /// not in a registry.</summary>
    public string? Scope { get; init; }

    /// <summary>Annotations of the artifact's descriptor.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
