using System.Text.Json;

namespace NotationVerifier.Tests.Corpus;

/// <summary>What this verifier said of a case, in the corpus's terms, and whether that is right.</summary>
internal sealed record CorpusAnswer
{
    internal bool Pass { get; init; }

    internal bool Skipped { get; init; }

    /// <summary><c>check(action)+</c> where it passed, <c>-</c> where it failed.</summary>
    internal IReadOnlyList<string> Validations { get; init; } = Array.Empty<string>();

    internal string Detail { get; init; } = string.Empty;

    internal string? SelectedPolicy { get; init; }

    internal IReadOnlyDictionary<string, string>? Enforcement { get; init; }

    internal IReadOnlyList<string>? Certificates { get; init; }

    /// <summary>The reference has no entry for the checks that compare the payload, and one for
    /// authenticity and identity together.</summary>
    internal static CorpusAnswer Of(VerificationReport report)
    {
        var validations = new List<(string Check, CheckAction Action, bool Passed)>();
        foreach (CheckResult check in report.Signatures.SelectMany(signature => signature.Checks))
        {
            if (check.Outcome is not (CheckOutcome.Passed or CheckOutcome.Failed))
            {
                continue;
            }

            bool passed = check.Outcome == CheckOutcome.Passed;
            switch (check.Check)
            {
                case "trustedIdentity" when validations.Count > 0:
                    var last = validations[^1];
                    validations[^1] = last with { Passed = last.Passed && passed };
                    break;
                case "integrity" or "authenticity" or "expiry" or "authenticTimestamp" or "revocation":
                    validations.Add((check.Check, check.Action, passed));
                    break;
            }
        }

        return new CorpusAnswer
        {
            Pass = report.Status is ArtifactStatus.Verified or ArtifactStatus.Skipped,
            Skipped = report.Status == ArtifactStatus.Skipped,
            Validations = validations.Select(one => Validation(one.Check, one.Action.ToString().ToLowerInvariant(), one.Passed)).ToList(),
            Detail = report.Reason,
        };
    }

    /// <summary>How the answer differs from what the case expects, or <c>null</c>.</summary>
    internal string? Difference(CorpusCase one)
    {
        string verdict = Pass ? "pass" : "fail";
        if (one.Decision is { } decision)
        {
            string? wanted = CorpusCase.Member(decision, "overall")?.GetString();
            return wanted is null || wanted == verdict ? null : $"decided {wanted}, here {verdict}: {Detail}";
        }

        JsonElement expected = one.Expected;
        if (expected.GetProperty("overall").GetString() is { } overall && overall != verdict)
        {
            return $"expected {overall}, here {verdict}: {Detail}";
        }

        if (one.ExpectsSkipped != Skipped)
        {
            return $"expected skipped: {one.ExpectsSkipped}, here: {Skipped}";
        }

        if (one.Kind != "layout" && CorpusCase.Member(expected, "validations") is { } list)
        {
            var wanted = list.EnumerateArray()
                .Select(entry => Validation(entry.GetProperty("type").GetString()!, entry.GetProperty("action").GetString()!, entry.GetProperty("ok").GetBoolean()))
                .ToList();
            if (!wanted.SequenceEqual(Validations))
            {
                return $"expected {string.Join(' ', wanted)}, here {string.Join(' ', Validations)}: {Detail}";
            }
        }

        if (CorpusCase.Member(expected, "selected_policy")?.GetString() is { } selected && selected != SelectedPolicy)
        {
            return $"expected statement `{selected}`, here `{SelectedPolicy}`";
        }

        if (CorpusCase.Member(expected, "enforcement") is not null)
        {
            string Listed(IReadOnlyDictionary<string, string> map) => string.Join(' ', map.OrderBy(pair => pair.Key, StringComparer.Ordinal));
            string wanted = Listed(CorpusCase.MapOf(expected, "enforcement"));
            string here = Enforcement is null ? "nothing" : Listed(Enforcement);
            if (wanted != here)
            {
                return $"expected enforcement {wanted}, here {here}";
            }
        }

        if (CorpusCase.Member(expected, "certificates") is { } certificates
            && !certificates.EnumerateArray().Select(entry => entry.GetString()!).SequenceEqual(Certificates ?? Array.Empty<string>()))
        {
            return $"expected {certificates.GetArrayLength()} certificates, here {string.Join(' ', Certificates ?? Array.Empty<string>())}";
        }

        return null;
    }

    private static string Validation(string check, string action, bool passed) => $"{check}({action}){(passed ? '+' : '-')}";
}
