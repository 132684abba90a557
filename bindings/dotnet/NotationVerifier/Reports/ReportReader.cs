using System.Text;
using System.Text.Json;

namespace NotationVerifier;

/// <summary>Reads the JSON of a report. By hand: serializers need reflection or a source generator.</summary>
internal static class ReportReader
{
    /// <summary>The report, or an exception where the document is not one: nothing is ever guessed.</summary>
    internal static VerificationReport Read(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            return Report(document.RootElement, Encoding.UTF8.GetString(utf8.Span));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new VerificationException(
                VerificationErrorKind.Internal,
                $"the native library gave a report that this version cannot read: {error.Message}",
                error);
        }
    }

    private static VerificationReport Report(JsonElement root, string json)
    {
        string version = Required(root, "schemaVersion");
        if (!version.StartsWith("1.", StringComparison.Ordinal))
        {
            throw new FormatException($"its schema version is `{version}`, and 1 is understood");
        }

        JsonElement policy = root.GetProperty("policy");
        JsonElement artifact = root.GetProperty("artifact");
        JsonElement blob = root.GetProperty("blob");
        var report = new VerificationReport
        {
            Json = json,
            Verdict = ReadVerdict(Required(root, "verdict")),
            Status = Required(root, "status") switch
            {
                "verified" => ArtifactStatus.Verified,
                "unsigned" => ArtifactStatus.Unsigned,
                "rejected" => ArtifactStatus.Rejected,
                "lookup-failed" => ArtifactStatus.LookupFailed,
                "skipped" => ArtifactStatus.Skipped,
                var other => throw new FormatException($"the status `{other}` is not known"),
            },
            VerifiedAt = new Moment(Required(root, "verifiedAt")),
            Subject = Required(root.GetProperty("subject"), "name"),
            PolicyStatement = Required(policy, "statement"),
            PolicyLevel = Required(policy, "level"),
            Artifact = artifact.ValueKind == JsonValueKind.Null
                ? null
                : new ArtifactDescriptor(Required(artifact, "mediaType"), Required(artifact, "digest"), artifact.GetProperty("size").GetInt64()),
            Blob = blob.ValueKind == JsonValueKind.Null
                ? null
                : new BlobDigest(Required(blob, "digest"), blob.GetProperty("size").GetUInt64()),
            Signatures = List(root.GetProperty("signatures"), Signature),
            LookupFailures = List(root.GetProperty("lookupFailures"), Text),
            Warnings = List(root.GetProperty("warnings"), Text),
        };
        bool trusted = report.Signatures.Any(signature => signature.Verdict == Verdict.Trusted);
        if (report.IsTrusted != (report.Status == ArtifactStatus.Verified) || (report.IsTrusted && !trusted))
        {
            throw new FormatException("its verdict, its status and its signatures disagree");
        }

        return report;
    }

    private static Verdict ReadVerdict(string text) => text switch
    {
        "trusted" => Verdict.Trusted,
        "rejected" => Verdict.Rejected,
        "skipped" => Verdict.Skipped,
        _ => throw new FormatException($"the verdict `{text}` is not known"),
    };

    private static SignatureResult Signature(JsonElement element)
    {
        JsonElement content = element.GetProperty("content");
        return new SignatureResult
        {
            Verdict = ReadVerdict(Required(element, "verdict")),
            State = Required(element, "state") switch
            {
                "evaluated" => SignatureState.Evaluated,
                "unusable" => SignatureState.Unusable,
                "unavailable" => SignatureState.Unavailable,
                var other => throw new FormatException($"the state `{other}` is not known"),
            },
            ManifestDigest = Optional(element, "manifestDigest"),
            EnvelopeDigest = Optional(element, "envelopeDigest"),
            MediaType = Optional(element, "mediaType"),
            Reason = Optional(element, "reason"),
            Detail = Optional(element, "detail"),
            Checks = List(element.GetProperty("checks"), Check),
            Content = content.ValueKind == JsonValueKind.Null ? null : Content(content),
        };
    }

    private static CheckResult Check(JsonElement element)
    {
        JsonElement certificate = element.GetProperty("certificate");
        return new CheckResult
        {
            Check = Required(element, "check"),
            Action = Required(element, "action") switch
            {
                "enforce" => CheckAction.Enforce,
                "log" => CheckAction.Log,
                "skip" => CheckAction.Skip,
                var other => throw new FormatException($"the action `{other}` is not known"),
            },
            Outcome = Required(element, "result") switch
            {
                "passed" => CheckOutcome.Passed,
                "failed" => CheckOutcome.Failed,
                "skipped" => CheckOutcome.Skipped,
                "not-evaluated" => CheckOutcome.NotEvaluated,
                var other => throw new FormatException($"the result `{other}` is not known"),
            },
            Detail = Optional(element, "detail"),
            Reason = Optional(element, "reason"),
            Remedy = Optional(element, "remedy"),
            Url = Optional(element, "url"),
            Certificate = certificate.ValueKind == JsonValueKind.Null ? null : Certificate(certificate),
        };
    }

    internal static CertificateSummary Certificate(JsonElement element)
    {
        JsonElement position = element.GetProperty("position");
        return new CertificateSummary(
            position.ValueKind == JsonValueKind.Null ? null : position.GetInt32(),
            Required(element, "subject"),
            Required(element, "issuer"),
            Required(element, "serialNumber"),
            Required(element, "sha256"),
            new Moment(Required(element, "notBefore")),
            new Moment(Required(element, "notAfter")));
    }

    private static SignatureContent Content(JsonElement element)
    {
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        JsonElement payload = element.GetProperty("payload");
        if (payload.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty annotation in payload.GetProperty("annotations").EnumerateObject())
            {
                annotations[annotation.Name] = Text(annotation.Value);
            }
        }

        return new SignatureContent
        {
            MediaType = Required(element, "mediaType"),
            Algorithm = Required(element, "algorithm"),
            SigningScheme = Required(element, "signingScheme"),
            SigningTime = Time(element, "signingTime"),
            AuthenticSigningTime = Time(element, "authenticSigningTime"),
            Expiry = Time(element, "expiry"),
            HasTimestamp = element.GetProperty("hasTimestamp").GetBoolean(),
            SigningAgent = Optional(element, "signingAgent"),
            Annotations = annotations,
            Certificates = List(element.GetProperty("certificates"), Certificate),
        };
    }

    private static Moment? Time(JsonElement element, string name) =>
        Optional(element, name) is { } text ? new Moment(text) : null;

    private static string Text(JsonElement element) =>
        element.GetString() ?? throw new FormatException("a text is null");

    private static string Required(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"`{name}` is null");

    private static string? Optional(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static T[] List<T>(JsonElement array, Func<JsonElement, T> read)
    {
        var items = new T[array.GetArrayLength()];
        int next = 0;
        foreach (JsonElement element in array.EnumerateArray())
        {
            items[next++] = read(element);
        }

        return items;
    }
}
