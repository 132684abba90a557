namespace NotationVerifier;

/// <summary>Tells handlers what a request is for.</summary>
public static class RequestPurpose
{
    private static readonly HttpRequestOptionsKey<bool> Evidence = new("NotationVerifier.Evidence");

    /// <summary>Whether a request is for revocation evidence (OCSP, CRL): it goes to an address out of
    /// a certificate, so a handler must not give it credentials.</summary>
    /// <param name="request">A request that a handler was given.</param>
    /// <returns><c>true</c> where it is.</returns>
    public static bool IsEvidence(HttpRequestMessage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Options.TryGetValue(Evidence, out bool evidence) && evidence;
    }

    internal static void MarkEvidence(HttpRequestMessage request) => request.Options.Set(Evidence, true);
}
