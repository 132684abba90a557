using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace NotationVerifier;

/// <summary>One thing that a session needs, copied: the session may go on meanwhile.</summary>
internal sealed class Need
{
    internal Need(in NativeNeed need)
    {
        Id = need.Id;
        Kind = need.Kind;
        What = need.What.ToString();
        if (need.Method.Octets.Length > 0 && Uri.TryCreate(need.Url.ToString(), UriKind.Absolute, out Uri? uri))
        {
            Http = new HttpNeed(
                need.Method.ToString(),
                uri,
                need.Headers.ToString(),
                need.Body.ToArray(),
                (int)Math.Min(need.MostOctets, int.MaxValue - 1));
        }
    }

    internal ulong Id { get; }

    internal uint Kind { get; }

    /// <summary>Tag, digest, address, or the name of a hash algorithm.</summary>
    internal string What { get; }

    /// <summary>The request that brings it, where there is one.</summary>
    internal HttpNeed? Http { get; }

    internal bool IsEvidence => Kind is NativeNeedKind.Ocsp or NativeNeedKind.Crl;
}

/// <summary>An HTTP request that can be sent as it is.</summary>
internal sealed class HttpNeed(string method, Uri uri, string headers, byte[] body, int mostOctets)
{
    internal Uri Uri => uri;

    internal int MostOctets => mostOctets;

    /// <summary>The same for requests that get the same answer.</summary>
    internal string Key => $"{method} {uri.OriginalString} {Convert.ToHexString(SHA256.HashData(body))}";

    internal HttpRequestMessage Message()
    {
        var message = new HttpRequestMessage(new HttpMethod(method), Uri);
        if (body.Length > 0)
        {
            message.Content = new ByteArrayContent(body);
        }

        foreach (string line in headers.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = line.IndexOf(':');
            string name = line[..colon];
            string value = line[(colon + 1)..].Trim();
            if (!message.Headers.TryAddWithoutValidation(name, value))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return message;
    }

    /// <summary>The headers of an answer as lines.</summary>
    internal static string Lines(HttpResponseMessage response)
    {
        var lines = new StringBuilder();
        foreach (HttpHeadersNonValidated headers in new[] { response.Headers.NonValidated, response.Content.Headers.NonValidated })
        {
            foreach (var header in headers)
            {
                foreach (string value in header.Value)
                {
                    lines.Append(header.Key).Append(": ").Append(value.ReplaceLineEndings(" ")).Append('\n');
                }
            }
        }

        return lines.ToString();
    }

    /// <summary>An error with its causes, for a person.</summary>
    internal static string Told(Exception error)
    {
        var told = new StringBuilder(error.Message);
        for (Exception? cause = error.InnerException; cause is not null; cause = cause.InnerException)
        {
            if (!told.ToString().Contains(cause.Message, StringComparison.Ordinal))
            {
                told.Append(": ").Append(cause.Message);
            }
        }

        return told.ToString();
    }
}
