using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace NotationVerifier;

/// <summary>One challenge of a <c>WWW-Authenticate</c> header (RFC 9110 section 11.6.1).</summary>
internal sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>More challenges, or parameters of one, than a server needs.</summary>
    private const int Most = 32;

    internal bool Is(string scheme) => Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>The challenges of one answer, as far as they can be read.</summary>
    internal static IReadOnlyList<Challenge> Parse(HttpResponseMessage response)
    {
        var found = new List<Challenge>();
        if (response.Headers.NonValidated.TryGetValues("WWW-Authenticate", out var values))
        {
            foreach (string value in values)
            {
                Read(value, found);
            }
        }

        return found;
    }

    private static void Read(string text, List<Challenge> found)
    {
        int at = 0;
        Dictionary<string, string>? parameters = null;
        while (found.Count <= Most && Token(text, ref at, out string? word))
        {
            int before = at;
            Skip(text, ref at, ' ');
            if (parameters is not null && at < text.Length && text[at] == '=')
            {
                at++;
                Skip(text, ref at, ' ');
                if (parameters.Count >= Most || !Value(text, ref at, out string? value))
                {
                    return;
                }

                parameters.TryAdd(word, value);
            }
            else
            {
                at = before;
                parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                found.Add(new Challenge(word, parameters));
            }
        }
    }

    private static bool Token(string text, ref int at, [NotNullWhen(true)] out string? token)
    {
        while (at < text.Length && (text[at] is ' ' or '\t' or ','))
        {
            at++;
        }

        int start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || "!#$%&'*+-.^_`|~".Contains(text[at])))
        {
            at++;
        }

        token = at > start ? text[start..at] : null;
        return token is not null;
    }

    private static bool Value(string text, ref int at, [NotNullWhen(true)] out string? value)
    {
        if (at >= text.Length || text[at] != '"')
        {
            return Token(text, ref at, out value);
        }

        var unquoted = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                at++;
                value = unquoted.ToString();
                return true;
            }

            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            unquoted.Append(text[at]);
        }

        value = null;
        return false;
    }

    private static void Skip(string text, ref int at, char one)
    {
        while (at < text.Length && text[at] == one)
        {
            at++;
        }
    }
}
