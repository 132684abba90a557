namespace NotationVerifier;

/// <content>Around a signing service. The native library asks the registries, with the options of
/// <see cref="VerifierOptions.Registry"/>; nothing here signs.</content>
public sealed partial class Verifier
{
    /// <summary>Asks a registry what it has under a reference. It says nothing about signatures.</summary>
    /// <param name="reference"><c>registry/repository:tag</c> or <c>registry/repository@digest</c>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The image by digest, with media type and size; its octets were hashed here.</returns>
    /// <exception cref="VerificationException">With <see cref="VerificationErrorKind.Artifact"/> where the
    /// registry says that there is no such image, with <see cref="VerificationErrorKind.Io"/> where the
    /// look-up failed, which says nothing of the image.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<ResolvedImage> ResolveAsync(string reference, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(reference);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Resolve(reference);
        return NativeCall.RunAsync(credentials, cancel => SigningCalls.Resolve(handle, request, cancel), cancellationToken);
    }

    /// <summary>The thumbprints of the certificate chain of an envelope, as its signature manifest states
    /// them (<c>io.cncf.notary.x509chain.thumbprint#S256</c>).</summary>
    /// <param name="envelope">The envelope, COSE or JWS. It must be intact; whether anybody trusts it is not
    /// looked at.</param>
    /// <returns>SHA-256 in lower-case hexadecimal, the signing certificate's first.</returns>
    /// <exception cref="VerificationException">The envelope is not intact.</exception>
    public IReadOnlyList<string> GetThumbprints(ReadOnlySpan<byte> envelope)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        return SigningCalls.Thumbprints(handle, envelope);
    }

    /// <summary>Writes one payload file for each image, for a service that signs files in place, and beside
    /// them <c>payload-map.json</c>, which says which file is for which image.</summary>
    /// <param name="directory">Where they go; it is made where it is missing.</param>
    /// <param name="images">The images, manifest lists included.</param>
    /// <param name="options">How they are written; <c>null</c> is the default.</param>
    /// <param name="progress">Told after each image, also of a run that is cancelled. What it throws ends
    /// the run and reaches the caller.</param>
    /// <param name="cancellationToken">Ends the run. What was written is found by the next one.</param>
    /// <returns>What became of each image: see <see cref="SigningReport.IsComplete"/>.</returns>
    /// <exception cref="VerificationException">The run could not begin, or the map could not be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before every image was done.</exception>
    public Task<SigningReport> WritePayloadsAsync(
        string directory,
        ImageList images,
        WritePayloadsOptions? options = null,
        IProgress<SigningProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(images);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Payloads(directory, images, options ?? new WritePayloadsOptions());
        return NativeCall.RunAsync(credentials, cancel => SigningCalls.WritePayloads(handle, request, progress, cancel), cancellationToken);
    }

    /// <summary>Attaches the signatures of a payload map to their images, each once: what is there already is
    /// left as it is, so after a failure the call is simply made again. An envelope must be intact and of
    /// exactly its image; whether a policy trusts it is for those who verify.</summary>
    /// <param name="map">The map that <see cref="WritePayloadsAsync"/> wrote; the envelopes are in place of
    /// the payloads beside it, or in files with <c>.sig</c>, <c>.cose</c> or <c>.jws</c> after their names.</param>
    /// <param name="options">How they are attached; <c>null</c> is the default.</param>
    /// <param name="progress">Told after each image, also of a run that is cancelled. What it throws ends
    /// the run and reaches the caller.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>What became of each image: see <see cref="SigningReport.IsComplete"/>.</returns>
    /// <exception cref="VerificationException">The run could not begin.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before every image was done.</exception>
    public Task<SigningReport> AttachAsync(
        string map,
        AttachOptions? options = null,
        IProgress<SigningProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(map);
        return AttachAsync(map, Array.Empty<SignatureFile>(), options, progress, cancellationToken);
    }

    /// <summary>Attaches signatures to images; the rest as for a map.</summary>
    /// <param name="signatures">Images and the files of their envelopes; at least one.</param>
    /// <param name="options">How they are attached; <c>null</c> is the default.</param>
    /// <param name="progress">Told after each image.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>What became of each image: see <see cref="SigningReport.IsComplete"/>.</returns>
    /// <exception cref="VerificationException">The run could not begin.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before every image was done.</exception>
    public Task<SigningReport> AttachAsync(
        IEnumerable<SignatureFile> signatures,
        AttachOptions? options = null,
        IProgress<SigningProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signatures);
        return AttachAsync(null, signatures.ToArray(), options, progress, cancellationToken);
    }

    private Task<SigningReport> AttachAsync(
        string? map,
        SignatureFile[] signatures,
        AttachOptions? options,
        IProgress<SigningProgress>? progress,
        CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Attach(map, signatures, options ?? new AttachOptions());
        return NativeCall.RunAsync(credentials, cancel => SigningCalls.Attach(handle, request, progress, cancel), cancellationToken);
    }
}
