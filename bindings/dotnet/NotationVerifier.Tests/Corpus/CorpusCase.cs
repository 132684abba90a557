using System.Text.Json;

namespace NotationVerifier.Tests.Corpus;

/// <summary>One golden case: <c>case.json</c>, and the folder that its files are in.</summary>
internal sealed record CorpusCase(string Folder, JsonElement Json)
{
    internal string Id => Json.GetProperty("id").GetString()!;

    internal string Kind => Json.GetProperty("kind").GetString()!;

    internal JsonElement Expected => Json.GetProperty("expected");

    /// <summary>What is there instead of the reference's verdict, where it was decided otherwise.</summary>
    internal JsonElement? Decision => Member(Json, "decision");

    /// <summary>The level of the reference's layout run was <c>skip</c>: its words tell, not its exit code.</summary>
    internal bool ExpectsSkipped =>
        (Member(Expected, "skipped")?.GetBoolean() ?? false)
        || (Member(Expected, "output")?.GetString()?.Contains("skip signature verification", StringComparison.Ordinal) ?? false);

    internal static CorpusCase Read(string folder)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        return new CorpusCase(folder, document.RootElement.Clone());
    }

    internal static JsonElement? Member(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    internal string? Text(string name) => Member(Json, name)?.GetString();

    internal string FilePath(string name) => Path.GetFullPath(Path.Combine(Folder, name));

    internal byte[] FileBytes(string name) =>
        File.ReadAllBytes(FilePath(Text(name) ?? throw new InvalidDataException($"the case names no `{name}`")));

    internal IReadOnlyDictionary<string, string> Map(string name) => MapOf(Json, name);

    internal static IReadOnlyDictionary<string, string> MapOf(JsonElement element, string name)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Member(element, name) is { } members)
        {
            foreach (JsonProperty member in members.EnumerateObject())
            {
                map[member.Name] = member.Value.GetString()!;
            }
        }

        return map;
    }
}
