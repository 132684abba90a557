using System.Globalization;

namespace NotationVerifier;

/// <summary>A moment as a report states it.</summary>
/// <param name="Text">RFC 3339, with as many digits for the year as it takes: a signature may
/// expire in the year 10000, which <see cref="DateTimeOffset"/> cannot hold.</param>
public readonly record struct Moment(string Text)
{
    /// <summary>The moment, or <c>null</c> where it is outside of what .NET can hold.</summary>
    public DateTimeOffset? Value =>
        DateTimeOffset.TryParse(Text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset value)
            ? value
            : null;

    /// <summary>The RFC 3339 text.</summary>
    /// <returns><see cref="Text"/>.</returns>
    public override string ToString() => Text ?? string.Empty;
}
