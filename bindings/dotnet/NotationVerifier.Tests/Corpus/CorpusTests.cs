using System.Text.Json;
using NUnit.Framework;

namespace NotationVerifier.Tests.Corpus;

/// <summary>The golden cases, judged here: 1,026 verdicts of the reference through .NET.</summary>
public sealed class CorpusTests
{
    private const int Known = 1026;

    [Test]
    public async Task EveryCaseHasTheVerdictOfTheReference()
    {
        string corpus = Path.Combine(TestEnvironment.Shared(), "corpus");
        IReadOnlyDictionary<string, string> exceptions = Exceptions();
        List<CorpusCase> cases = Directory.EnumerateDirectories(Path.Combine(corpus, "cases"))
            .Where(folder => File.Exists(Path.Combine(folder, "case.json")))
            .Select(CorpusCase.Read)
            .ToList();
        using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(corpus, "index.json")));
        Assert.That(cases, Has.Count.EqualTo(index.RootElement.GetProperty("cases").GetArrayLength()), "cases that the index lists");

        var problems = new List<string>();
        int agree = 0;
        int excepted = 0;
        foreach (CorpusCase one in cases)
        {
            string? difference = (await CorpusRunner.RunAsync(one)).Difference(one);
            switch (difference, exceptions.ContainsKey(one.Id))
            {
                case (null, false):
                    agree++;
                    break;
                case (null, true):
                    problems.Add($"{one.Id}: agrees, although an exception is recorded");
                    break;
                case (not null, true):
                    excepted++;
                    break;
                default:
                    problems.Add($"{one.Id}: {difference}");
                    break;
            }
        }

        TestContext.Progress.WriteLine($"corpus through .NET: {cases.Count} cases, {agree} agree, {excepted} excepted, {problems.Count} differ");
        Assert.That(problems, Is.Empty, string.Join('\n', problems.Take(40)));
        Assert.That(cases, Has.Count.GreaterThanOrEqualTo(Known));
        Assert.That(agree, Is.EqualTo(cases.Count - exceptions.Count));
    }

    /// <summary>Evidence that is there beforehand is what an answer would be, in calls that HttpClient drives
    /// too. Looked at are the cases that nobody can settle without evidence.</summary>
    [Test]
    public async Task EvidenceThatIsThereBeforehandSettlesRevocation()
    {
        string cases = Path.Combine(TestEnvironment.Shared(), "corpus", "cases");
        int settled = 0;
        int trusted = 0;
        int contradictions = 0;
        var differences = new List<string>();
        foreach (string folder in Directory.EnumerateDirectories(cases).Where(folder => File.Exists(Path.Combine(folder, "case.json"))))
        {
            CorpusCase one = CorpusCase.Read(folder);
            IReadOnlyList<string> files = one.Kind is "oci" or "blob" ? CorpusEvidence.Files(one) : Array.Empty<string>();
            if (files.Count == 0 || (await CorpusRunner.RunAsync(one)).Difference(one) is not null)
            {
                continue;
            }

            CorpusAnswer without = await CorpusRunner.RunAsync(one, new CorpusEvidence.Cut(), Array.Empty<string>());
            if (without.Difference(one) is null)
            {
                continue;
            }

            CorpusAnswer with;
            try
            {
                with = await CorpusRunner.RunAsync(one, new CorpusEvidence.Cut(), files);
            }
            catch (VerificationException error)
            {
                with = new CorpusAnswer { Detail = error.Message };
            }

            settled++;
            trusted += with.Pass ? 1 : 0;
            // A file does not say of which responder it is. Where two contradict each other it counts
            // that the certificate is revoked.
            bool contradict = one.Id == "revocation-ocsp-first-good-second-revoked";
            string? difference = with.Difference(one);
            if (contradict)
            {
                Assert.That(with.Detail, Does.Contain("is revoked"), one.Id);
                contradictions++;
            }
            else if (difference is not null)
            {
                differences.Add($"{one.Id}: {difference}");
            }
        }

        TestContext.Progress.WriteLine($"evidence beforehand: {settled} cases, {trusted} trusted, {differences.Count} differ");
        Assert.That(differences, Is.Empty, string.Join('\n', differences.Take(40)));
        Assert.That(contradictions, Is.EqualTo(1));
        Assert.That(settled, Is.GreaterThanOrEqualTo(21));
        Assert.That(trusted, Is.GreaterThanOrEqualTo(20));
    }

    /// <summary>The exceptions of the Rust runner, and no others: the two must agree case by case.</summary>
    private static IReadOnlyDictionary<string, string> Exceptions()
    {
        string path = Path.Combine(TestEnvironment.Repository(), "tests", "corpus", "exceptions.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetString()!);
    }
}
