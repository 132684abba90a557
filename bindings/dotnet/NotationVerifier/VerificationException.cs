namespace NotationVerifier;

/// <summary>Why nothing could be evaluated.</summary>
public enum VerificationErrorKind
{
    /// <summary>A defect of this library or of the native one, or two that do not belong together.</summary>
    Internal = 0,

    /// <summary>The caller's arguments are wrong: reference, scope, option.</summary>
    Usage,

    /// <summary>A trust policy is missing, malformed or breaks a rule of the specification.</summary>
    TrustPolicy,

    /// <summary>No statement of the trust policy applies to the artifact.</summary>
    PolicyNotApplicable,

    /// <summary>A trust store or a certificate could not be read.</summary>
    TrustStore,

    /// <summary>The artifact, a manifest or a blob could not be had or is malformed.</summary>
    Artifact,

    /// <summary>A bound stopped the work.</summary>
    LimitExceeded,

    /// <summary>Reading from the file system or the network failed.</summary>
    Io,

    /// <summary>A handler or a delegate of the program threw: see the inner exception.</summary>
    Host,

    /// <summary>A payload or a signature cannot be used: it is malformed, not intact, or of something else.</summary>
    Signing,
}

/// <summary>Nothing could be evaluated. A signature that was evaluated and found bad is not an
/// exception: it is a <see cref="VerificationReport"/> that is not trusted.</summary>
public sealed class VerificationException : Exception
{
    /// <summary>Says that nothing could be evaluated.</summary>
    /// <param name="kind">The class of the failure.</param>
    /// <param name="message">What failed, and what to change.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public VerificationException(VerificationErrorKind kind, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Kind = kind;
    }

    /// <summary>The class of the failure.</summary>
    public VerificationErrorKind Kind { get; }

    /// <summary>The causes that the native library names, the nearest first.</summary>
    public IReadOnlyList<string> Causes { get; init; } = Array.Empty<string>();
}
