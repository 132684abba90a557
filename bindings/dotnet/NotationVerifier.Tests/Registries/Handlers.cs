using System.Net;

namespace NotationVerifier.Tests.Registries;

/// <summary>Does something to requests on their way: an injected fault, or a count.</summary>
internal sealed class Between(HttpMessageHandler inner, Func<HttpRequestMessage, Func<Task<HttpResponseMessage>>, CancellationToken, Task<HttpResponseMessage>> what)
    : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        what(request, () => base.SendAsync(request, cancellationToken), cancellationToken);

    /// <summary>Answers requests whose path has <paramref name="part"/> with a status of its own.</summary>
    internal static Between Answer(HttpMessageHandler inner, string part, HttpStatusCode status) => new(inner, (request, send, _) =>
        request.RequestUri!.AbsolutePath.Contains(part, StringComparison.Ordinal)
            ? Task.FromResult(new HttpResponseMessage(status) { RequestMessage = request })
            : send());
}
