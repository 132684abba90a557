namespace NotationVerifier;

/// <summary>Verifies Notary Project signatures.</summary>
/// <remarks>
/// <para>Make one for the whole process: it keeps what verifications share (certificate chains,
/// revocation evidence), and any number of threads may use it.</para>
/// <para>A rejection is a <see cref="VerificationReport"/>. A <see cref="VerificationException"/> says that
/// nothing could be evaluated: wrong arguments, no policy that applies, a defect.</para>
/// </remarks>
public sealed partial class Verifier : IDisposable
{
    private readonly VerifierHandle handle;
    private readonly VerifierOptions options;
    private readonly EvidenceFetcher evidence;
    private readonly CredentialCallback? credentials;

    private Verifier(VerifierHandle handle, VerifierOptions options, CredentialCallback? credentials)
    {
        this.handle = handle;
        this.options = options;
        this.credentials = credentials;
        evidence = new EvidenceFetcher(options.Revocation);
    }

    /// <summary>A verifier from a Notation configuration directory: the trust policies that are there
    /// and the trust stores that they name.</summary>
    /// <param name="directory">The directory; <c>null</c> is that of the user who runs the process.</param>
    /// <param name="options">How it works; <c>null</c> is the default.</param>
    /// <returns>The verifier.</returns>
    /// <exception cref="VerificationException">The directory or a policy in it cannot be used.</exception>
    /// <exception cref="DllNotFoundException">The native library is missing.</exception>
    public static Verifier FromDirectory(string? directory = null, VerifierOptions? options = null)
    {
        options ??= new VerifierOptions();
        CredentialCallback? credentials = CredentialCallback.Of(options.Registry);
        return new Verifier(VerifierFactory.FromDirectory(directory, options, credentials), options, credentials);
    }

    /// <summary>A verifier from trust policies and certificates in memory.</summary>
    /// <param name="material">Policies and certificates; they are copied.</param>
    /// <param name="options">How it works; <c>null</c> is the default.</param>
    /// <returns>The verifier.</returns>
    /// <exception cref="VerificationException">A policy or a certificate cannot be used.</exception>
    /// <exception cref="DllNotFoundException">The native library is missing.</exception>
    public static Verifier FromMemory(TrustMaterial material, VerifierOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(material);
        options ??= new VerifierOptions();
        CredentialCallback? credentials = CredentialCallback.Of(options.Registry);
        return new Verifier(VerifierFactory.FromMemory(material, options, credentials), options, credentials);
    }

    /// <summary>What the verifier goes by: statements of the policies, trust stores, what was passed over.</summary>
    /// <returns>The description.</returns>
    public VerifierDescription Describe()
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        bool held = false;
        try
        {
            // The text lives as long as the verifier.
            handle.DangerousAddRef(ref held);
            return VerifierDescription.Read(NativeMethods.nv_verifier_description_json(handle).Octets.ToArray());
        }
        finally
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>Verifies an image in a registry.</summary>
    /// <param name="client">Sends the requests: its handlers, retries, rate limits and credentials apply.
    /// <see cref="RegistryAuthHandler"/> logs in where the program has nothing for that.</param>
    /// <param name="reference"><c>registry/repository@digest</c> or <c>registry/repository:tag</c>.</param>
    /// <param name="options">How it is verified; <c>null</c> is the default.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <returns>The report.</returns>
    /// <exception cref="VerificationException">Nothing could be evaluated.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<VerificationReport> VerifyImageAsync(
        HttpClient client,
        string reference,
        VerifyImageOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(reference);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Image(reference, options ?? new VerifyImageOptions());
        return DriveAsync(() => SessionHandle.ForImage(handle, request), client, null, cancellationToken);
    }

    /// <summary>Verifies a blob with its detached signature. The blob is read as a stream, once.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="envelope">The signature.</param>
    /// <param name="options">How it is verified.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <returns>The report.</returns>
    /// <exception cref="VerificationException">Nothing could be evaluated.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<VerificationReport> VerifyBlobAsync(
        Stream blob,
        ReadOnlyMemory<byte> envelope,
        VerifyBlobOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blob);
        ArgumentNullException.ThrowIfNull(options);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Blob(options);
        return DriveAsync(() => SessionHandle.ForBlob(handle, request, envelope.Span), null, blob, cancellationToken);
    }

    /// <summary>Verifies an envelope at hand against the descriptor of an artifact.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="target">The artifact.</param>
    /// <param name="options">How it is verified.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <returns>The report.</returns>
    /// <exception cref="VerificationException">Nothing could be evaluated.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<VerificationReport> VerifyEnvelopeAsync(
        ReadOnlyMemory<byte> envelope,
        ArtifactDescriptor target,
        VerifyEnvelopeOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Envelope(target, options);
        return DriveAsync(() => SessionHandle.ForEnvelope(handle, request, envelope.Span), null, null, cancellationToken);
    }

    /// <summary>Verifies an image in an OCI image layout. The native library reads the files and fetches
    /// revocation evidence itself.</summary>
    /// <param name="path">The layout: a directory or a tar archive.</param>
    /// <param name="reference">Tag or digest.</param>
    /// <param name="scope">What selects the policy statement: <c>registry/repository</c>.</param>
    /// <param name="options">How it is verified; <c>null</c> is the default.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The report.</returns>
    /// <exception cref="VerificationException">Nothing could be evaluated.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<VerificationReport> VerifyLayoutAsync(
        string path,
        string reference,
        string scope,
        VerifyLayoutOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(reference);
        ArgumentNullException.ThrowIfNull(scope);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        byte[] request = OptionsJson.Layout(path, reference, scope, options ?? new VerifyLayoutOptions());
        return Task.Run(() => VerifierFactory.VerifyLayout(handle, request), cancellationToken).WaitAsync(cancellationToken);
    }

    /// <summary>Frees the native verifier once no call uses it.</summary>
    public void Dispose()
    {
        evidence.Dispose();
        handle.Dispose();
    }

    private async Task<VerificationReport> DriveAsync(Func<SessionHandle> start, HttpClient? client, Stream? blob, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using SessionHandle session = start();
        var driver = new SessionDriver(session, evidence, client, blob, options.Limits.BlobBytes);
        return await driver.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
