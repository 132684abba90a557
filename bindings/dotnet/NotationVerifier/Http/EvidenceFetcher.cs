using System.Collections.Concurrent;
using System.Net.Http.Headers;

namespace NotationVerifier;

/// <summary>What came of a request: octets, or why there are none.</summary>
internal readonly record struct Fetched(byte[]? Content, string? Failure);

/// <summary>Fetches OCSP answers and CRLs, each once for all images that need it at the same time, and
/// keeps them for a while. The core judges whether an answer is fresh.</summary>
internal sealed class EvidenceFetcher : IDisposable
{
    private readonly RevocationOptions options;
    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Lazy<HttpClient> own;
    private readonly CancellationTokenSource disposed = new();
    private long kept;

    internal EvidenceFetcher(RevocationOptions options)
    {
        this.options = options;
        own = new Lazy<HttpClient>(() => EvidenceClient.Create(options.AllowPrivateAddresses));
    }

    public void Dispose()
    {
        disposed.Cancel();
        if (own.IsValueCreated)
        {
            own.Value.Dispose();
        }
    }

    /// <summary>Fetches what <paramref name="need"/> asks for.</summary>
    internal async Task<Fetched> FetchAsync(HttpNeed need, HttpClient? callers, CancellationToken cancellationToken)
    {
        if (options.Mode == RevocationMode.Offline)
        {
            return new Fetched(null, "fetching is switched off (offline)");
        }

        if (EvidenceClient.Refusal(need.Uri, options.AllowPrivateAddresses) is { } refusal)
        {
            return new Fetched(null, refusal);
        }

        // A client that sends its credentials with everything would send them to whom a certificate names.
        HttpClient client = options.Client
            ?? (callers is { DefaultRequestHeaders.Authorization: null } ? callers : own.Value);
        string key = need.Key;
        Entry entry = entries.GetOrAdd(key, _ => new Entry(() => GetAsync(client, need)));
        if (entry.IsOld)
        {
            var fresh = new Entry(() => GetAsync(client, need));
            Forget(key, entry);
            entry = entries.GetOrAdd(key, fresh);
        }

        Fetched fetched = await entry.Flight.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        Keep(key, entry, fetched);
        return fetched;
    }

    private void Keep(string key, Entry entry, Fetched fetched)
    {
        if (fetched.Content is not { } content)
        {
            // The next image asks again.
            Forget(key, entry);
        }
        else if (entry.Settle(options.KeepFor, content.Length)
            && Interlocked.Add(ref kept, content.Length) > options.KeepBytes)
        {
            foreach ((string oldKey, Entry old) in entries)
            {
                if (old.IsSettled)
                {
                    Forget(oldKey, old);
                }
            }
        }
    }

    private void Forget(string key, Entry entry)
    {
        if (entries.TryRemove(new KeyValuePair<string, Entry>(key, entry)))
        {
            Interlocked.Add(ref kept, -entry.Octets);
        }
    }

    /// <summary>Its own time-out: whoever waits may give up, the others do not.</summary>
    private async Task<Fetched> GetAsync(HttpClient client, HttpNeed need)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(disposed.Token);
        timeout.CancelAfter(options.Timeout);
        try
        {
            using HttpRequestMessage request = need.Message();
            RequestPurpose.MarkEvidence(request);
            using HttpResponseMessage response =
                await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return new Fetched(null, $"`{need.Uri}` answered {(int)response.StatusCode}");
            }

            byte[] content = await BoundedContent.ReadAsync(response.Content, need.MostOctets, timeout.Token).ConfigureAwait(false);
            return new Fetched(content, null);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return new Fetched(null, $"`{need.Uri}` could not be fetched: {HttpNeed.Told(error)}");
        }
        catch (OperationCanceledException)
        {
            return new Fetched(null, $"`{need.Uri}` did not answer within {options.Timeout.TotalSeconds:0.#} s");
        }
    }

    private sealed class Entry(Func<Task<Fetched>> fetch)
    {
        private long until = long.MaxValue;
        private int octets;

        internal Lazy<Task<Fetched>> Flight { get; } = new(fetch);

        internal bool IsSettled => Volatile.Read(ref until) != long.MaxValue;

        internal bool IsOld => Environment.TickCount64 >= Volatile.Read(ref until);

        internal int Octets => IsSettled ? Volatile.Read(ref octets) : 0;

        /// <summary>Counts it in, once.</summary>
        internal bool Settle(TimeSpan keepFor, int length)
        {
            Volatile.Write(ref octets, length);
            return Interlocked.CompareExchange(ref until, Environment.TickCount64 + (long)keepFor.TotalMilliseconds, long.MaxValue) == long.MaxValue;
        }
    }
}
