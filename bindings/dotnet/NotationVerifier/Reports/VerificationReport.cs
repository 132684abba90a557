namespace NotationVerifier;

/// <summary>What a verification found for one artifact or blob.</summary>
/// <remarks>A rejection is such a value, not an exception. An exception says that nothing could be
/// evaluated: see <see cref="VerificationException"/>.</remarks>
public sealed record VerificationReport
{
    /// <summary>The verdict. Only <see cref="Verdict.Trusted"/> says that a signature passed.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Where the artifact stands: tells unsigned from rejected and from a failed look-up.</summary>
    public required ArtifactStatus Status { get; init; }

    /// <summary>Whether a signature passed every check that the policy enforces.</summary>
    public bool IsTrusted => Verdict == Verdict.Trusted;

    /// <summary>What the caller called it.</summary>
    public required string Subject { get; init; }

    /// <summary>The name of the statement of the trust policy that applied.</summary>
    public required string PolicyStatement { get; init; }

    /// <summary>Its level: <c>strict</c>, <c>permissive</c>, <c>audit</c> or <c>skip</c>.</summary>
    public required string PolicyLevel { get; init; }

    /// <summary>The moment as of which everything was judged.</summary>
    public required Moment VerifiedAt { get; init; }

    /// <summary>The artifact. Its digest is that of bytes that were hashed here: use it, not the tag,
    /// for whatever comes next. <c>null</c> where the artifact could not be resolved, and for blobs.</summary>
    public ArtifactDescriptor? Artifact { get; init; }

    /// <summary>The blob, where one was hashed.</summary>
    public BlobDigest? Blob { get; init; }

    /// <summary>The signatures that were looked at, in order.</summary>
    public required IReadOnlyList<SignatureResult> Signatures { get; init; }

    /// <summary>Why look-ups failed, for a person; empty where none did.</summary>
    public required IReadOnlyList<string> LookupFailures { get; init; }

    /// <summary>What a person should know beside the verdict.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The whole report: the same JSON document as that of <c>notation-verify --output json</c>.</summary>
    public required string Json { get; init; }

    /// <summary>The first trusted signature, or <c>null</c>.</summary>
    public SignatureResult? TrustedSignature => Signatures.FirstOrDefault(signature => signature.Verdict == Verdict.Trusted);

    /// <summary>Why it is not trusted, in one line for a person; empty where it is.</summary>
    public string Reason
    {
        get
        {
            switch (Status)
            {
                case ArtifactStatus.Verified:
                    return string.Empty;
                case ArtifactStatus.Skipped:
                    return $"the policy statement `{PolicyStatement}` exempts it: nothing was verified";
                case ArtifactStatus.Unsigned:
                    return "it has no signature";
                default:
                    var reasons = LookupFailures.Concat(Signatures.Select(signature => signature.FailureDetail).OfType<string>());
                    return string.Join("; ", reasons.Distinct());
            }
        }
    }
}

/// <summary>The content that a signature is about.</summary>
/// <param name="MediaType">Its media type.</param>
/// <param name="Digest"><c>algorithm:hexadecimal</c>.</param>
/// <param name="Size">Octets.</param>
public sealed record ArtifactDescriptor(string MediaType, string Digest, long Size);

/// <summary>A blob that was hashed.</summary>
/// <param name="Digest"><c>algorithm:hexadecimal</c>.</param>
/// <param name="Size">Octets.</param>
public sealed record BlobDigest(string Digest, ulong Size);

/// <summary>One signature of an artifact.</summary>
public sealed record SignatureResult
{
    /// <summary>The verdict on this signature.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>How far it came.</summary>
    public required SignatureState State { get; init; }

    /// <summary>The digest of the signature manifest, where there is one.</summary>
    public string? ManifestDigest { get; init; }

    /// <summary>The digest of the envelope, where it is known.</summary>
    public string? EnvelopeDigest { get; init; }

    /// <summary>The media type of the envelope, where it is known.</summary>
    public string? MediaType { get; init; }

    /// <summary>The stable class of what makes it unusable.</summary>
    public string? Reason { get; init; }

    /// <summary>Why it is unusable or unavailable, for a person.</summary>
    public string? Detail { get; init; }

    /// <summary>Every check, in the order in which they ran.</summary>
    public required IReadOnlyList<CheckResult> Checks { get; init; }

    /// <summary>What was signed, and by whom; only where the integrity check passed.</summary>
    public SignatureContent? Content { get; init; }

    /// <summary>Why it is not trusted, for a person: the first enforced failure; <c>null</c> where it is.</summary>
    public string? FailureDetail =>
        Verdict == Verdict.Trusted
            ? null
            : Detail ?? Checks.FirstOrDefault(check => check is { Action: CheckAction.Enforce, Outcome: CheckOutcome.Failed })?.Detail;
}

/// <summary>One check of the specification.</summary>
public sealed record CheckResult
{
    /// <summary>The specification's name, for example <c>authenticTimestamp</c>. There may be new ones.</summary>
    public required string Check { get; init; }

    /// <summary>What the level does with a failure.</summary>
    public required CheckAction Action { get; init; }

    /// <summary>How it ended.</summary>
    public required CheckOutcome Outcome { get; init; }

    /// <summary>What was found, for a person.</summary>
    public string? Detail { get; init; }

    /// <summary>The stable class of a failure, for example <c>cert-revoked</c>. There may be new ones.</summary>
    public string? Reason { get; init; }

    /// <summary>What to change, where a person can change something.</summary>
    public string? Remedy { get; init; }

    /// <summary>The address that was asked, where one was.</summary>
    public string? Url { get; init; }

    /// <summary>The certificate that it is about, where it is about one.</summary>
    public CertificateSummary? Certificate { get; init; }
}

/// <summary>A certificate, as a person recognises it.</summary>
/// <param name="Position">Place in the chain; 0 is the signing certificate.</param>
/// <param name="Subject">RFC 4514 text.</param>
/// <param name="Issuer">RFC 4514 text.</param>
/// <param name="SerialNumber">Hexadecimal.</param>
/// <param name="Sha256">SHA-256 of the DER encoding, hexadecimal.</param>
/// <param name="NotBefore">Start of validity.</param>
/// <param name="NotAfter">End of validity, inclusive.</param>
public sealed record CertificateSummary(
    int? Position,
    string Subject,
    string Issuer,
    string SerialNumber,
    string Sha256,
    Moment NotBefore,
    Moment NotAfter);

/// <summary>What was signed, and by whom.</summary>
public sealed record SignatureContent
{
    /// <summary><c>application/cose</c> or <c>application/jose+json</c>.</summary>
    public required string MediaType { get; init; }

    /// <summary>The signature algorithm, for example <c>ES256</c>.</summary>
    public required string Algorithm { get; init; }

    /// <summary><c>notary.x509</c> or <c>notary.x509.signingAuthority</c>.</summary>
    public required string SigningScheme { get; init; }

    /// <summary>What the signer claims.</summary>
    public Moment? SigningTime { get; init; }

    /// <summary>What a signing authority states.</summary>
    public Moment? AuthenticSigningTime { get; init; }

    /// <summary>When the signature itself expires.</summary>
    public Moment? Expiry { get; init; }

    /// <summary>Whether there is a time-stamp.</summary>
    public required bool HasTimestamp { get; init; }

    /// <summary>The software that signed, as it calls itself. It is not signed.</summary>
    public string? SigningAgent { get; init; }

    /// <summary>The signed annotations (user metadata).</summary>
    public required IReadOnlyDictionary<string, string> Annotations { get; init; }

    /// <summary>The chain, the signing certificate first.</summary>
    public required IReadOnlyList<CertificateSummary> Certificates { get; init; }
}
