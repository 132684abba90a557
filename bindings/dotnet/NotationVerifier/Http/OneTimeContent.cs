using System.Net;

namespace NotationVerifier;

/// <summary>A body with a secret: a redirect that keeps the method would send it to another server, so
/// it goes out once.</summary>
internal sealed class OneTimeContent : HttpContent
{
    private readonly HttpContent inner;
    private int sent;

    internal OneTimeContent(HttpContent inner)
    {
        this.inner = inner;
        Headers.ContentType = inner.Headers.ContentType;
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        Interlocked.Exchange(ref sent, 1) == 0
            ? inner.CopyToAsync(stream, context)
            : throw new HttpRequestException("the token server redirects a request that carries a credential: it is not followed");

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = inner.Headers.ContentLength ?? 0;
        return inner.Headers.ContentLength is not null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
