using System.Buffers;
using System.Security.Cryptography;

namespace NotationVerifier;

/// <summary>Fetches what a session needs until it is done.</summary>
internal sealed class SessionDriver(SessionHandle session, EvidenceFetcher evidence, HttpClient? client, Stream? blob, long? blobBytes)
{
    /// <summary>Of an answer that is no success the beginning is enough: it says what is wrong.</summary>
    private const int MostErrorOctets = 64 * 1024;

    internal async Task<VerificationReport> RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!session.Step(out uint status))
            {
                return session.Report(status);
            }

            Need[] needs = session.Needs();
            if (needs.Length == 0)
            {
                throw new VerificationException(VerificationErrorKind.Internal, "the native session needs something and does not say what");
            }

            // All at the same time; the session is used again when all are there.
            Action[] supplies = await Task.WhenAll(needs.Select(need => FetchAsync(need, cancellationToken))).ConfigureAwait(false);
            foreach (Action supply in supplies)
            {
                supply();
            }
        }
    }

    private async Task<Action> FetchAsync(Need need, CancellationToken cancellationToken)
    {
        if (need.Kind == NativeNeedKind.BlobDigest)
        {
            return await HashAsync(need, cancellationToken).ConfigureAwait(false);
        }

        if (need.Http is not { } http)
        {
            return () => session.SupplyFailed(need.Id, $"`{need.What}` is nothing that can be asked for over HTTP");
        }

        if (need.IsEvidence)
        {
            Fetched fetched = await evidence.FetchAsync(http, client, cancellationToken).ConfigureAwait(false);
            return fetched.Content is { } content
                ? () => session.SupplyContent(need.Id, content)
                : () => session.SupplyFailed(need.Id, fetched.Failure ?? "it could not be fetched");
        }

        return client is null
            ? () => session.SupplyFailed(need.Id, "there is no HttpClient")
            : await SendAsync(need.Id, http, client, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends one request of the registry protocol. What cannot be had is an answer too: the
    /// policy judges it. What else a handler of the program throws goes to who called.</summary>
    private async Task<Action> SendAsync(ulong need, HttpNeed http, HttpClient sender, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (sender.Timeout != Timeout.InfiniteTimeSpan)
        {
            // The client's own covers the headers only.
            timeout.CancelAfter(sender.Timeout);
        }

        try
        {
            using HttpRequestMessage request = http.Message();
            using HttpResponseMessage response =
                await sender.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            int status = (int)response.StatusCode;
            string headers = HttpNeed.Lines(response);
            byte[] body = status == 200
                ? await BoundedContent.ReadAsync(response.Content, http.MostOctets, timeout.Token).ConfigureAwait(false)
                : await BoundedContent.ReadStartAsync(response.Content, MostErrorOctets, timeout.Token).ConfigureAwait(false);
            return () => session.SupplyHttp(need, status, headers, body);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return () => session.SupplyFailed(need, $"`{http.Uri}` could not be fetched: {HttpNeed.Told(error)}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return () => session.SupplyFailed(need, $"`{http.Uri}` did not answer in time");
        }
    }

    private async Task<Action> HashAsync(Need need, CancellationToken cancellationToken)
    {
        HashAlgorithmName? algorithm = need.What switch
        {
            "sha256" => HashAlgorithmName.SHA256,
            "sha384" => HashAlgorithmName.SHA384,
            "sha512" => HashAlgorithmName.SHA512,
            _ => null,
        };
        if (algorithm is not { } name || blob is null)
        {
            return () => session.SupplyFailed(need.Id, $"`{need.What}` of the blob cannot be computed");
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(name);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        long size = 0;
        try
        {
            int read;
            while ((read = await blob.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                size += read;
                if (blobBytes is > 0 && size > blobBytes)
                {
                    return () => session.SupplyFailed(need.Id, $"it has more than {blobBytes} octets (`BlobBytes`)");
                }

                hash.AppendData(buffer, 0, read);
            }
        }
        catch (IOException error)
        {
            return () => session.SupplyFailed(need.Id, error.Message);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        byte[] digest = hash.GetHashAndReset();
        return () => session.SupplyBlobDigest(need.Id, digest, size);
    }
}
