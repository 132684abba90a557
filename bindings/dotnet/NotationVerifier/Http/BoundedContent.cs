using System.Buffers;

namespace NotationVerifier;

/// <summary>Reads bodies no further than allowed.</summary>
internal static class BoundedContent
{
    /// <summary>The body, or an exception where it has more than <paramref name="most"/> octets.</summary>
    internal static async Task<byte[]> ReadAsync(HttpContent content, int most, CancellationToken cancellationToken)
    {
        byte[] body = await ReadStartAsync(content, most + 1L, cancellationToken).ConfigureAwait(false);
        return body.Length <= most
            ? body
            : throw new HttpRequestException($"the answer has more than {most} octets");
    }

    /// <summary>The first <paramref name="most"/> octets of the body. What the server claims about its
    /// length never sizes memory.</summary>
    internal static async Task<byte[]> ReadStartAsync(HttpContent content, long most, CancellationToken cancellationToken)
    {
        await using Stream stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var kept = new MemoryStream();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (kept.Length < most)
            {
                int room = (int)Math.Min(buffer.Length, most - kept.Length);
                int read = await stream.ReadAsync(buffer.AsMemory(0, room), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                kept.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return kept.ToArray();
    }
}
