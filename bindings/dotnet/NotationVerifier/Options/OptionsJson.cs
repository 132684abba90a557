using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace NotationVerifier;

/// <summary>Options and requests as the JSON that the native library reads. It refuses members that it
/// does not know.</summary>
internal static class OptionsJson
{
    internal static byte[] Verifier(VerifierOptions options) => Write(json =>
    {
        Moment(json, options.At);
        if (options.PortableCryptography)
        {
            json.WriteString("cryptography", "portable");
        }

        json.WriteStartObject("limits");
        VerifierLimits limits = options.Limits;
        Number(json, "signatures", limits.Signatures);
        Number(json, "referrerPages", limits.ReferrerPages);
        Number(json, "referrers", limits.Referrers);
        Number(json, "manifestBytes", limits.ManifestBytes);
        Number(json, "envelopeBytes", limits.EnvelopeBytes);
        Number(json, "ocspResponseBytes", limits.OcspResponseBytes);
        Number(json, "evidenceBytes", limits.EvidenceBytes);
        Number(json, "evidenceRounds", limits.EvidenceRounds);
        Number(json, "artifactBytes", limits.ArtifactBytes);
        Number(json, "blobBytes", limits.BlobBytes);
        Number(json, "cachedChains", limits.CachedChains);
        json.WriteEndObject();

        RevocationOptions revocation = options.Revocation;
        json.WriteStartObject("revocation");
        json.WriteString("mode", revocation.Mode == RevocationMode.Offline ? "offline" : "online");
        long timeout = (long)revocation.Timeout.TotalMilliseconds;
        json.WriteNumber("ocspTimeoutMs", timeout);
        json.WriteNumber("crlTimeoutMs", timeout);
        json.WriteBoolean("allowPrivateAddresses", revocation.AllowPrivateAddresses);
        List(json, "preload", revocation.Preload);
        json.WriteEndObject();

        Registry(json, options.Registry);
    });

    internal static byte[] Image(string reference, VerifyImageOptions options) => Write(json =>
    {
        json.WriteString("reference", reference);
        Common(json, options);
        Number(json, "maxSignatures", options.MaxSignatures);
        json.WriteBoolean("allSignatures", options.AllSignatures);
        json.WriteString("platforms", options.AllPlatforms ? "all" : "named");
        if (options.PlainHttp is { } plain)
        {
            json.WriteBoolean("plainHttp", plain);
        }
    });

    internal static byte[] Layout(string path, string reference, string scope, VerifyLayoutOptions options) => Write(json =>
    {
        json.WriteString("path", path);
        json.WriteString("reference", reference);
        json.WriteString("scope", scope);
        Common(json, options);
        Number(json, "maxSignatures", options.MaxSignatures);
        json.WriteBoolean("allSignatures", options.AllSignatures);
        json.WriteString("platforms", options.AllPlatforms ? "all" : "named");
    });

    internal static byte[] Blob(VerifyBlobOptions options) => Write(json =>
    {
        json.WriteString("name", options.Name);
        json.WriteString("envelopeMediaType", options.EnvelopeMediaType);
        Text(json, "policyName", options.PolicyName);
        Text(json, "mediaType", options.MediaType);
        Common(json, options);
    });

    internal static byte[] Envelope(ArtifactDescriptor target, VerifyEnvelopeOptions options) => Write(json =>
    {
        json.WriteString("envelopeMediaType", options.EnvelopeMediaType);
        Text(json, "reference", options.Reference);
        Text(json, "scope", options.Scope);
        json.WriteStartObject("target");
        json.WriteString("mediaType", target.MediaType);
        json.WriteString("digest", target.Digest);
        json.WriteNumber("size", target.Size);
        Map(json, "annotations", options.Annotations);
        json.WriteEndObject();
        Common(json, options);
    });

    internal static byte[] Resolve(string reference) => Write(json => json.WriteString("reference", reference));

    internal static byte[] Payloads(string directory, ImageList images, WritePayloadsOptions options) => Write(json =>
    {
        json.WriteString("directory", directory);
        List(json, "references", images.References);
        Text(json, "from", images.File);
        Text(json, "registryOverride", images.RegistryOverride);
        Text(json, "repoPrefix", images.RepositoryPrefix);
        Map(json, "userMetadata", options.UserMetadata);
        json.WriteBoolean("skipValid", options.SkipValid);
        json.WriteBoolean("replace", options.Replace);
        Moment(json, options.At);
        json.WriteNumber("concurrency", options.Concurrency);
        Number(json, "timeoutMs", (long?)options.Timeout?.TotalMilliseconds);
    });

    internal static byte[] Attach(string? map, IReadOnlyList<SignatureFile> signatures, AttachOptions options) => Write(json =>
    {
        Text(json, "map", map);
        json.WriteStartArray("pairs");
        foreach (SignatureFile one in signatures)
        {
            json.WriteStartObject();
            json.WriteString("reference", one.Reference);
            json.WriteString("envelope", one.Path);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("manifestForm", options.LegacyManifests ? "legacy" : "artifact-type");
        json.WriteBoolean("dryRun", options.DryRun);
        Number(json, "settleMs", (long?)options.Settle?.TotalMilliseconds);
        json.WriteNumber("concurrency", options.Concurrency);
        Number(json, "timeoutMs", (long?)options.Timeout?.TotalMilliseconds);
    });

    internal static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Registry(Utf8JsonWriter json, RegistryOptions registry)
    {
        json.WriteStartObject("registry");
        List(json, "plainHttp", registry.PlainHttpHosts);
        List(json, "caFiles", registry.CertificateAuthorityFiles);
        List(json, "allowedRealms", registry.AllowedTokenHosts);
        json.WriteBoolean("loopbackHttps", registry.LoopbackHttps);
        json.WriteString("credentials", registry.Credentials is null && registry.DockerLogin ? "docker" : "none");
        Number(json, "concurrency", registry.Concurrency);
        Number(json, "referrersPerSecond", registry.ReferrersPerSecond);
        Number(json, "attempts", registry.Attempts);
        Number(json, "attemptTimeoutMs", (long?)registry.AttemptTimeout?.TotalMilliseconds);
        json.WriteEndObject();
    }

    private static void List(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void Common(Utf8JsonWriter json, VerifyOptions options)
    {
        Map(json, "userMetadata", options.UserMetadata);
        Moment(json, options.At);
    }

    private static void Map(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> map)
    {
        json.WriteStartObject(name);
        foreach ((string key, string value) in map)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void Moment(Utf8JsonWriter json, DateTimeOffset? moment) =>
        Text(json, "at", moment?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));

    private static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
    }
}
