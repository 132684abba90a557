namespace NotationVerifier;

/// <summary>Trust policies and certificates from memory.</summary>
public sealed class TrustMaterial
{
    private readonly List<(string Store, byte[] Certificates)> stores = new();

    /// <summary>The trust policy for OCI artifacts, of the form of <c>trustpolicy.oci.json</c>.</summary>
    public ReadOnlyMemory<byte>? OciPolicy { get; set; }

    /// <summary>The trust policy for blobs, of the form of <c>trustpolicy.blob.json</c>.</summary>
    public ReadOnlyMemory<byte>? BlobPolicy { get; set; }

    internal IReadOnlyList<(string Store, byte[] Certificates)> Stores => stores;

    /// <summary>Adds certificates to a trust store.</summary>
    /// <param name="store">As trust policies name it: <c>ca:acme</c>, <c>signingAuthority:acme</c>,
    /// <c>tsa:acme</c>.</param>
    /// <param name="certificates">PEM, or DER certificates one after the other.</param>
    /// <returns>The same material, to go on with.</returns>
    public TrustMaterial AddCertificates(string store, ReadOnlySpan<byte> certificates)
    {
        ArgumentException.ThrowIfNullOrEmpty(store);
        stores.Add((store, certificates.ToArray()));
        return this;
    }
}
