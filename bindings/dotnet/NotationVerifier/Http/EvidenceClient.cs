using System.Net;
using System.Net.Sockets;

namespace NotationVerifier;

/// <summary>Which addresses revocation evidence may come from. They are out of certificates: a
/// certificate of an attacker must not lead requests into a private network.</summary>
internal static class EvidenceClient
{
    private const int MostRedirects = 5;

    /// <summary>A client without credentials, cookies or handlers of the program.</summary>
    internal static HttpClient Create(bool allowPrivate)
    {
        var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxAutomaticRedirections = MostRedirects,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (!allowPrivate)
        {
            // What a name leads to is known when it is connected to, after redirects too.
            handler.ConnectCallback = ConnectAsync;
        }

        return new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Why <paramref name="uri"/> is not asked, or <c>null</c>.</summary>
    internal static string? Refusal(Uri uri, bool allowPrivate)
    {
        if (uri.Scheme is not ("http" or "https"))
        {
            return $"the address `{uri}` is neither http nor https";
        }

        if (allowPrivate)
        {
            return null;
        }

        bool inside = uri.IsLoopback
            || uri.IdnHost.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(uri.IdnHost, out IPAddress? address) && IsPrivate(address));
        return inside ? Inside(uri.Host) : null;
    }

    /// <summary>Addresses that are not of the public Internet (IANA's special-purpose registries).</summary>
    internal static bool IsPrivate(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        byte[] octets = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return octets[0] switch
            {
                0 or 10 or 127 => true,
                100 => octets[1] is >= 64 and <= 127,
                169 => octets[1] == 254,
                172 => octets[1] is >= 16 and <= 31,
                192 => octets[1] == 168 || (octets[1] == 0 && octets[2] is 0 or 2),
                198 => octets[1] is 18 or 19 || (octets[1] == 51 && octets[2] == 100),
                203 => octets[1] == 0 && octets[2] == 113,
                >= 224 => true,
                _ => false,
            };
        }

        // 2000::/3 is what is assigned to the public; of that, 2001:db8::/32 is for documents, and
        // 2002::/16 and 64:ff9b::/96 carry IPv4 addresses.
        return (octets[0] & 0xe0) != 0x20
            || (octets[0], octets[1], octets[2], octets[3]) == (0x20, 0x01, 0x0d, 0xb8)
            || (octets[0], octets[1]) == (0x20, 0x02);
    }

    private static string Inside(string host) =>
        $"`{host}` is on this machine or in a private network: allow it with RevocationOptions.AllowPrivateAddresses";

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        string host = context.DnsEndPoint.Host;
        IPAddress[] found = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        IPAddress[] allowed = found.Where(address => !IsPrivate(address)).ToArray();
        if (allowed.Length == 0)
        {
            throw new HttpRequestException(Inside(host));
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
