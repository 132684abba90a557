using System.Text.Json;

namespace NotationVerifier.Tests.Corpus;

/// <summary>One case through the public API, as an application would do it.</summary>
internal static class CorpusRunner
{
    private static readonly string[] Named = { "integrity", "authenticity", "authenticTimestamp", "expiry", "revocation" };

    /// <summary>Runs <paramref name="one"/>; that nothing can be evaluated is an answer too.</summary>
    internal static Task<CorpusAnswer> RunAsync(CorpusCase one) => RunAsync(one, new CorpusEvidence(one), Array.Empty<string>());

    /// <summary>The same with other servers, and with evidence that is there beforehand.</summary>
    internal static async Task<CorpusAnswer> RunAsync(CorpusCase one, HttpMessageHandler servers, IReadOnlyList<string> preload)
    {
        using var world = new CorpusWorld(one);
        using var client = new HttpClient(servers);
        var revocation = new RevocationOptions { Client = client, AllowPrivateAddresses = true, Preload = preload };
        try
        {
            return one.Kind switch
            {
                "oci" or "dn" => await EnvelopeAsync(one, world, revocation).ConfigureAwait(false),
                "blob" => await BlobAsync(one, world, revocation).ConfigureAwait(false),
                "policy" => await PolicyAsync(one, world).ConfigureAwait(false),
                "truststore" => TrustStore(one, world),
                "layout" => await LayoutAsync(one, world).ConfigureAwait(false),
                _ => throw new InvalidDataException($"unknown kind `{one.Kind}`"),
            };
        }
        catch (VerificationException error) when (error.Kind is not (VerificationErrorKind.Internal or VerificationErrorKind.Host))
        {
            return new CorpusAnswer { Detail = error.Message };
        }
    }

    private static Verifier Open(CorpusWorld world, RevocationOptions? revocation = null) => Verifier.FromDirectory(
        world.Config,
        new VerifierOptions { Revocation = revocation ?? new RevocationOptions { AllowPrivateAddresses = true } });

    private static async Task<CorpusAnswer> EnvelopeAsync(CorpusCase one, CorpusWorld world, RevocationOptions revocation)
    {
        using Verifier verifier = Open(world, revocation);
        JsonElement target = one.Json.GetProperty("target");
        VerificationReport report = await verifier.VerifyEnvelopeAsync(
            one.FileBytes("signature"),
            new ArtifactDescriptor(
                CorpusCase.Member(target, "mediaType")?.GetString() ?? string.Empty,
                CorpusCase.Member(target, "digest")?.GetString() ?? string.Empty,
                CorpusCase.Member(target, "size")?.GetInt64() ?? 0),
            new VerifyEnvelopeOptions
            {
                EnvelopeMediaType = one.Text("envelope_media_type") ?? string.Empty,
                Reference = one.Text("artifact_reference") ?? string.Empty,
                UserMetadata = one.Map("user_metadata"),
                Annotations = CorpusCase.MapOf(target, "annotations"),
            }).ConfigureAwait(false);
        return CorpusAnswer.Of(report);
    }

    private static async Task<CorpusAnswer> BlobAsync(CorpusCase one, CorpusWorld world, RevocationOptions revocation)
    {
        using Verifier verifier = Open(world, revocation);
        await using FileStream blob = File.OpenRead(one.FilePath(one.Text("blob")!));
        VerificationReport report = await verifier.VerifyBlobAsync(
            blob,
            one.FileBytes("signature"),
            new VerifyBlobOptions
            {
                Name = one.Id,
                EnvelopeMediaType = one.Text("envelope_media_type") ?? string.Empty,
                PolicyName = one.Text("blob_policy_name"),
                MediaType = one.Text("blob_media_type"),
                UserMetadata = one.Map("user_metadata"),
            }).ConfigureAwait(false);
        return CorpusAnswer.Of(report);
    }

    private static async Task<CorpusAnswer> LayoutAsync(CorpusCase one, CorpusWorld world)
    {
        using Verifier verifier = Open(world);
        VerificationReport report = await verifier.VerifyLayoutAsync(
            world.Copy(one.FilePath(one.Text("layout")!)),
            (one.Text("layout_reference") ?? string.Empty).TrimStart('@', ':'),
            one.Text("layout_scope") ?? string.Empty,
            new VerifyLayoutOptions
            {
                UserMetadata = one.Map("user_metadata"),
                MaxSignatures = CorpusCase.Member(one.Json, "max_signatures")?.GetInt32(),
            }).ConfigureAwait(false);
        return CorpusAnswer.Of(report);
    }

    /// <summary>Which statement applies shows in the report of a signature that is none.</summary>
    private static async Task<CorpusAnswer> PolicyAsync(CorpusCase one, CorpusWorld world)
    {
        using Verifier verifier = Open(world);
        VerifierDescription description = verifier.Describe();
        byte[] nothing = "no envelope"u8.ToArray();
        VerificationReport report;
        IReadOnlyList<PolicyStatement>? statements;
        if (one.Text("policy_type") == "blob")
        {
            statements = description.BlobStatements;
            if (one.Text("blob_policy_name") is not { } name)
            {
                return Answer(statements is not null);
            }

            using var blob = new MemoryStream();
            report = await verifier.VerifyBlobAsync(
                blob,
                nothing,
                new VerifyBlobOptions { EnvelopeMediaType = "application/cose", PolicyName = name == "-" ? null : name }).ConfigureAwait(false);
        }
        else
        {
            statements = description.OciStatements;
            if (one.Text("artifact_reference") is not { } reference)
            {
                return Answer(statements is not null);
            }

            report = await verifier.VerifyEnvelopeAsync(
                nothing,
                new ArtifactDescriptor("application/vnd.oci.image.manifest.v1+json", "sha256:" + new string('0', 64), 1),
                new VerifyEnvelopeOptions { EnvelopeMediaType = "application/cose", Reference = reference }).ConfigureAwait(false);
        }

        PolicyStatement selected = statements!.Single(statement => statement.Name == report.PolicyStatement);
        return new CorpusAnswer
        {
            Pass = true,
            Skipped = report.Verdict == Verdict.Skipped,
            SelectedPolicy = report.PolicyStatement,
            Enforcement = Named.ToDictionary(check => check, check => selected.Enforcement.GetValueOrDefault(check, "skip")),
        };
    }

    private static CorpusAnswer Answer(bool pass) => new() { Pass = pass, Detail = "there is no such policy" };

    /// <summary>A store is loaded where a policy names it.</summary>
    private static CorpusAnswer TrustStore(CorpusCase one, CorpusWorld world)
    {
        string store = one.Text("load_store")!;
        File.WriteAllText(
            Path.Combine(world.Config, "trustpolicy.oci.json"),
            $$"""
            {"version": "1.0", "trustPolicies": [{"name": "all", "registryScopes": ["*"],
              "signatureVerification": {"level": "strict"}, "trustStores": [{{JsonSerializer.Serialize(store)}}],
              "trustedIdentities": ["*"]}]}
            """);
        using Verifier verifier = Open(world);
        TrustStoreDescription loaded = verifier.Describe().TrustStores.Single(found => found.Name == store);
        return new CorpusAnswer
        {
            Pass = loaded.Error is null,
            Detail = loaded.Error ?? string.Empty,
            Certificates = loaded.Certificates.Select(certificate => certificate.Sha256).ToList(),
        };
    }
}
