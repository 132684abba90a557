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

    /// <summary>The exceptions of the Rust runner, and no others: the two must agree case by case.</summary>
    private static IReadOnlyDictionary<string, string> Exceptions()
    {
        string path = Path.Combine(TestEnvironment.Repository(), "tests", "corpus", "exceptions.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetString()!);
    }
}
