namespace NotationVerifier;

/// <summary>One of many images.</summary>
public sealed record ImageResult
{
    /// <summary>Its place among the references that were given, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The reference that was given.</summary>
    public required string Reference { get; init; }

    /// <summary>What was found; <c>null</c> where nothing could be evaluated.</summary>
    public VerificationReport? Report { get; init; }

    /// <summary>Why nothing could be evaluated; <c>null</c> where there is a report.</summary>
    public VerificationException? Error { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether a signature passed every check that the policy enforces.</summary>
    public bool IsTrusted => Report is { IsTrusted: true };

    /// <summary>Why it is not trusted, for a person; empty where it is.</summary>
    public string Reason => Report?.Reason ?? Error?.Message ?? string.Empty;
}

/// <summary>How far a run over many images is.</summary>
/// <param name="Done">Images that are through.</param>
/// <param name="Trusted">Those of them that are trusted.</param>
/// <param name="Latest">The one that was last.</param>
public sealed record ImagesProgress(int Done, int Trusted, ImageResult Latest);
