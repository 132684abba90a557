using System.Text.Json;

namespace NotationVerifier;

/// <summary>What a <see cref="Verifier"/> goes by.</summary>
public sealed record VerifierDescription
{
    /// <summary>Statements of the trust policy for OCI artifacts; <c>null</c> where there is none.</summary>
    public IReadOnlyList<PolicyStatement>? OciStatements { get; init; }

    /// <summary>Statements of the trust policy for blobs; <c>null</c> where there is none.</summary>
    public IReadOnlyList<PolicyStatement>? BlobStatements { get; init; }

    /// <summary>The trust stores that the policies name.</summary>
    public required IReadOnlyList<TrustStoreDescription> TrustStores { get; init; }

    /// <summary>What a person should know: for example what does not count in a trust store.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    internal static VerifierDescription Read(byte[] utf8)
    {
        using JsonDocument document = JsonDocument.Parse(utf8);
        JsonElement root = document.RootElement;
        JsonElement policies = root.GetProperty("policies");
        return new VerifierDescription
        {
            OciStatements = Statements(policies.GetProperty("oci")),
            BlobStatements = Statements(policies.GetProperty("blob")),
            TrustStores = root.GetProperty("trustStores").EnumerateObject().Select(Store).ToList(),
            Warnings = Texts(root.GetProperty("warnings")),
        };
    }

    private static List<PolicyStatement>? Statements(JsonElement list) =>
        list.ValueKind == JsonValueKind.Null
            ? null
            : list.EnumerateArray().Select(statement => new PolicyStatement(
                statement.GetProperty("name").GetString()!,
                statement.GetProperty("level").GetString()!,
                statement.GetProperty("enforcement").EnumerateObject().ToDictionary(action => action.Name, action => action.Value.GetString()!),
                Texts(statement.GetProperty("trustStores")))).ToList();

    private static TrustStoreDescription Store(JsonProperty store) => new(
        store.Name,
        store.Value.GetProperty("certificates").EnumerateArray().Select(ReportReader.Certificate).ToList(),
        store.Value.GetProperty("error").GetString());

    private static List<string> Texts(JsonElement list) => list.EnumerateArray().Select(text => text.GetString()!).ToList();
}

/// <summary>One statement of a trust policy.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Level">Its level: <c>strict</c>, <c>permissive</c>, <c>audit</c> or <c>skip</c>.</param>
/// <param name="Enforcement">What it does with a failed check, by the name of the check; empty for
/// <c>skip</c>.</param>
/// <param name="TrustStores">The trust stores that it names.</param>
public sealed record PolicyStatement(
    string Name,
    string Level,
    IReadOnlyDictionary<string, string> Enforcement,
    IReadOnlyList<string> TrustStores);

/// <summary>One trust store.</summary>
/// <param name="Name">As policies name it, for example <c>ca:acme</c>.</param>
/// <param name="Certificates">Its certificates.</param>
/// <param name="Error">Why it cannot be used; <c>null</c> where it can.</param>
public sealed record TrustStoreDescription(string Name, IReadOnlyList<CertificateSummary> Certificates, string? Error);
