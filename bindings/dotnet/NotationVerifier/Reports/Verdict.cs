namespace NotationVerifier;

/// <summary>Whether an artifact, or one signature, is to be trusted.</summary>
/// <remarks>The value of a variable that nobody set is <see cref="Rejected"/>.</remarks>
public enum Verdict
{
    /// <summary>No signature passed, or there is none: do not run it.</summary>
    Rejected = 0,

    /// <summary>A signature passed every check that the policy enforces.</summary>
    Trusted = 1,

    /// <summary>The policy exempts the artifact (level <c>skip</c>): nothing was verified.</summary>
    Skipped = 2,
}

/// <summary>Where an artifact stands after all its signatures.</summary>
public enum ArtifactStatus
{
    /// <summary>There are signatures, and none is trusted.</summary>
    Rejected = 0,

    /// <summary>A signature is trusted.</summary>
    Verified = 1,

    /// <summary>The look-up worked, and there is no signature.</summary>
    Unsigned = 2,

    /// <summary>A look-up failed, so nothing is known. Never the same as <see cref="Unsigned"/>.</summary>
    LookupFailed = 3,

    /// <summary>The policy's level is <c>skip</c>.</summary>
    Skipped = 4,
}

/// <summary>How far one signature came.</summary>
public enum SignatureState
{
    /// <summary>Its manifest or descriptor is bad.</summary>
    Unusable = 0,

    /// <summary>Its checks ran: see <see cref="SignatureResult.Checks"/>.</summary>
    Evaluated = 1,

    /// <summary>It could not be fetched.</summary>
    Unavailable = 2,
}

/// <summary>What a verification level does with a failed check.</summary>
public enum CheckAction
{
    /// <summary>A failure rejects the signature.</summary>
    Enforce = 0,

    /// <summary>A failure is reported and does not reject.</summary>
    Log = 1,

    /// <summary>The check is not done.</summary>
    Skip = 2,
}

/// <summary>How one check ended.</summary>
public enum CheckOutcome
{
    /// <summary>It failed.</summary>
    Failed = 0,

    /// <summary>It passed.</summary>
    Passed = 1,

    /// <summary>It was not done, because the level skips it.</summary>
    Skipped = 2,

    /// <summary>It was not reached: an enforced check before it failed.</summary>
    NotEvaluated = 3,
}
