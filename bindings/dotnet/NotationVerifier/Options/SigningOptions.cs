namespace NotationVerifier;

/// <summary>Which images: references, or a file that names them.</summary>
public sealed class ImageList
{
    private ImageList(IReadOnlyList<string> references, string? file, string? registryOverride, string? repositoryPrefix)
    {
        References = references;
        File = file;
        RegistryOverride = registryOverride;
        RepositoryPrefix = repositoryPrefix;
    }

    internal IReadOnlyList<string> References { get; }

    internal string? File { get; }

    internal string? RegistryOverride { get; }

    internal string? RepositoryPrefix { get; }

    /// <summary>Images by reference.</summary>
    /// <param name="references"><c>registry/repository@digest</c> or <c>registry/repository:tag</c>.</param>
    /// <returns>The list.</returns>
    public static ImageList FromReferences(IEnumerable<string> references)
    {
        ArgumentNullException.ThrowIfNull(references);
        return new ImageList(references.ToArray(), null, null, null);
    }

    /// <summary>The images of a file: one reference a line, or the <c>image-info.json</c> of an image
    /// build with every manifest list and platform in it that has a digest.</summary>
    /// <param name="path">The file. One that is missing or names no image is an error.</param>
    /// <param name="registryOverride">The registry where the images are now, if not where the file says.</param>
    /// <param name="repositoryPrefix">A text before each repository, for example <c>staging/</c>.</param>
    /// <returns>The list.</returns>
    public static ImageList FromFile(string path, string? registryOverride = null, string? repositoryPrefix = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new ImageList(Array.Empty<string>(), path, registryOverride, repositoryPrefix);
    }
}

/// <summary>How payloads are written.</summary>
public sealed record WritePayloadsOptions
{
    /// <summary>User metadata: annotations of each payload.</summary>
    public IReadOnlyDictionary<string, string> UserMetadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Give no payload to images that have a signature which is valid by the verifier's policy
    /// and has the user metadata. One that is broken, expired, revoked or not trusted does not count,
    /// and a look-up that failed is a failure.</summary>
    public bool SkipValid { get; init; }

    /// <summary>The moment at which <see cref="SkipValid"/> judges; <c>null</c> is that of the verifier.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Write over files that have the name of a payload and hold neither that payload nor a
    /// signature of it.</summary>
    public bool Replace { get; init; }

    /// <summary>Images at the same time, at least 1.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>The time for the whole run; what is not done by then is <see cref="SigningStatus.NotDone"/>.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>How signatures are attached.</summary>
public sealed record AttachOptions
{
    /// <summary>Check everything, and write nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Make manifests without artifact type, for registries that refuse one.</summary>
    public bool LegacyManifests { get; init; }

    /// <summary>How long a list of referrers that clients keep (no referrers API) must stay as it was
    /// written; <c>null</c> is the default of the native library.</summary>
    public TimeSpan? Settle { get; init; }

    /// <summary>Signatures at the same time, at least 1.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>The time for the whole run; what is not done by then is <see cref="SigningStatus.NotDone"/>.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>An image and the file of its signature.</summary>
/// <param name="Reference"><c>registry/repository@digest</c> or <c>registry/repository:tag</c>.</param>
/// <param name="Path">The envelope, COSE or JWS.</param>
public sealed record SignatureFile(string Reference, string Path);
