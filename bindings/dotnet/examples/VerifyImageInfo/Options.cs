using System.Globalization;

namespace VerifyImageInfo;

/// <summary>The command line.</summary>
internal sealed record Options
{
    internal required string ImageInfo { get; init; }

    internal string? Config { get; init; }

    internal string? Registry { get; init; }

    internal string? RepositoryPrefix { get; init; }

    internal string? JUnit { get; init; }

    internal int Concurrency { get; init; } = 8;

    internal static Options Parse(string[] arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int at = 0; at < arguments.Length; at++)
        {
            switch (arguments[at])
            {
                case "--image-info" or "--config" or "--registry" or "--repo-prefix" or "--junit" or "--concurrency" when at + 1 < arguments.Length:
                    values[arguments[at]] = arguments[++at];
                    break;
                default:
                    throw new ArgumentException($"`{arguments[at]}` is not an option, or has no value");
            }
        }

        return new Options
        {
            ImageInfo = values.GetValueOrDefault("--image-info") ?? throw new ArgumentException("--image-info FILE is missing"),
            Config = values.GetValueOrDefault("--config"),
            Registry = values.GetValueOrDefault("--registry"),
            RepositoryPrefix = values.GetValueOrDefault("--repo-prefix"),
            JUnit = values.GetValueOrDefault("--junit"),
            Concurrency = values.TryGetValue("--concurrency", out string? count) && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
                : count is null ? 8 : throw new ArgumentException($"`{count}` is not a number"),
        };
    }
}
