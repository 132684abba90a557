namespace NotationVerifier;

/// <summary>How one image ended in <see cref="Verifier.WritePayloadsAsync"/> or
/// <see cref="O:NotationVerifier.Verifier.AttachAsync"/>. None of it says that a signature is trusted,
/// apart from <see cref="Valid"/>.</summary>
public enum SigningStatus
{
    /// <summary>The image does not have what the call is for.</summary>
    Failed = 0,

    /// <summary>The run ended first: run it again.</summary>
    NotDone,

    /// <summary>The payload was written.</summary>
    Written,

    /// <summary>The file was there with the same payload, and was not touched.</summary>
    Kept,

    /// <summary>The file holds an intact signature of the payload: it is to be attached.</summary>
    Signed,

    /// <summary>The image has a signature that is valid by the verifier's policy, and gets no payload.</summary>
    Valid,

    /// <summary>The signature is attached now.</summary>
    Attached,

    /// <summary>The signature was attached before, by this library or another program.</summary>
    AlreadyAttached,

    /// <summary>The signature would be attached (<see cref="AttachOptions.DryRun"/>).</summary>
    WouldAttach,
}

/// <summary>One image.</summary>
public sealed record SigningResult
{
    /// <summary>Its place among the images, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The image, by digest where that is known.</summary>
    public required string Reference { get; init; }

    /// <summary>The digest of the image; <c>null</c> where it is not known.</summary>
    public string? Digest { get; init; }

    /// <summary>How it ended.</summary>
    public required SigningStatus Status { get; init; }

    /// <summary>The name of the payload file in its directory; <c>null</c> where there is none, and when
    /// signatures are attached.</summary>
    public string? PayloadFile { get; init; }

    /// <summary>The digest of the signature manifest that the image has, or would have.</summary>
    public string? SignatureDigest { get; init; }

    /// <summary>Why it failed; <c>null</c> where it did not.</summary>
    public VerificationException? Error { get; init; }

    /// <summary>Why the image does not have what the call is for; empty where it has.</summary>
    public string Reason { get; init; } = string.Empty;

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Whether the image has what the call is for.</summary>
    public bool IsDone => Status is not (SigningStatus.Failed or SigningStatus.NotDone);
}

/// <summary>How far a run is.</summary>
/// <param name="Done">Images that are through.</param>
/// <param name="Missing">Those of them that do not have what the call is for.</param>
/// <param name="Latest">The one that was last.</param>
public sealed record SigningProgress(int Done, int Missing, SigningResult Latest);

/// <summary>What all images came to.</summary>
public sealed record SigningReport
{
    /// <summary>The images, in their order.</summary>
    public required IReadOnlyList<SigningResult> Images { get; init; }

    /// <summary>What a person should know of what was passed over.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The whole report, as the command prints it (<c>--output json</c>).</summary>
    public required string Json { get; init; }

    /// <summary>The payload map for <see cref="O:NotationVerifier.Verifier.AttachAsync"/>; <c>null</c> when
    /// signatures are attached.</summary>
    public string? MapPath { get; init; }

    /// <summary>Whether every image has what the call is for.</summary>
    public bool IsComplete => Images.All(image => image.IsDone);

    /// <summary>The images that do not have it.</summary>
    public IEnumerable<SigningResult> Missing => Images.Where(image => !image.IsDone);
}

/// <summary>What a registry has under a reference.</summary>
/// <param name="Reference">The reference by digest: use this, and not the tag, for whatever comes next.</param>
/// <param name="Descriptor">Media type, digest and size of the manifest or list of manifests.</param>
public sealed record ResolvedImage(string Reference, ArtifactDescriptor Descriptor);
