using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace NotationVerifier.Tests.Registries;

/// <summary>Who may pull.</summary>
internal enum Access
{
    Anyone,
    Password,
    Tokens,
}

/// <summary>A registry with signed and unsigned images, and the configuration that trusts their signer.</summary>
internal sealed class Fixture : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("notation-registry-").FullName;
    private readonly bool tls;
    private readonly Server? tokens;
    private readonly Server registry;

    internal Fixture(Access access, bool tls, int signed, int unsigned, string kind = "olareg")
    {
        this.tls = tls;
        string authority = Path.Combine(folder, "authority");
        Programs.Run("authority", authority);
        string File(string name) => Path.Combine(authority, name);
        string[] encrypted = tls ? new[] { "-cert", File("server.pem"), "-key", File("server.key") } : Array.Empty<string>();
        var arguments = new List<string> { "serve", "-kind", kind };
        arguments.AddRange(encrypted);
        if (access == Access.Password)
        {
            arguments.AddRange(new[] { "-htpasswd", File("htpasswd") });
        }
        else if (access == Access.Tokens)
        {
            tokens = new Server(new[] { "token", "-htpasswd", File("htpasswd"), "-sign-cert", File("token.pem"), "-sign-key", File("token.key") }.Concat(encrypted).ToArray());
            arguments.AddRange(new[] { "-token-realm", $"{Scheme}://{tokens.Address}/token", "-token-roots", File("token.pem") });
        }

        registry = kind == Debian ? DebianServer(folder) : new Server(arguments.ToArray());
        var push = new List<string> { "bench-push", "-registry", registry.Address, "-out", Path.Combine(folder, "out"), "-signed", $"{signed}", "-unsigned", $"{unsigned}" };
        if (tls)
        {
            push.AddRange(new[] { "-ca", File("ca.pem") });
        }

        if (access != Access.Anyone)
        {
            push.Add("-account");
        }

        Programs.Run(push.ToArray());
        Signed = Lines("signed.txt");
        Unsigned = Lines("unsigned.txt");
        Authority = new X509Certificate2(File("ca.pem"));
    }

    /// <summary>Debian's package of distribution v2: it has no referrers API, so signatures are found by
    /// the tag of the image's digest.</summary>
    internal const string Debian = "docker-registry";

    internal string Address => registry.Address;

    internal string? TokenAddress => tokens?.Address;

    internal IReadOnlyList<string> Signed { get; }

    internal IReadOnlyList<string> Unsigned { get; }

    internal string Config => Path.Combine(folder, "out", "notation");

    private string Scheme => tls ? "https" : "http";

    private X509Certificate2 Authority { get; }

    public void Dispose()
    {
        registry.Dispose();
        tokens?.Dispose();
        Authority.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>What sends, with trust in the authority of this registry and in no other.</summary>
    internal SocketsHttpHandler Sender()
    {
        var handler = new SocketsHttpHandler();
        if (tls)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { Authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            };
        }

        return handler;
    }

    /// <summary>How many requests there were since the last call, by method and kind.</summary>
    internal async Task<string> CountsAsync()
    {
        using var client = new HttpClient(Sender());
        return await client.GetStringAsync($"{Scheme}://{Address}/-/counts");
    }

    /// <summary>How many tokens were issued since the last call.</summary>
    internal async Task<int> TokensAsync()
    {
        using var client = new HttpClient(Sender());
        return int.Parse(await client.GetStringAsync($"{Scheme}://{TokenAddress}/-/issued"));
    }

    /// <summary>Debian's registry, with its files in <paramref name="folder"/>.</summary>
    internal static Server DebianServer(string folder)
    {
        string? program = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':')
            .Select(path => Path.Combine(path, Debian))
            .FirstOrDefault(File.Exists);
        TestEnvironment.Require(program is not null, "REQUIRE_REGISTRIES", $"`{Debian}`, a package of Debian, is missing");
        string configuration = Path.Combine(folder, "config.yml");
        File.WriteAllText(configuration, $"version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {folder}/storage\nhttp:\n  addr: 127.0.0.1:0\n");
        return new Server(program!, new[] { "serve", configuration });
    }

    private string[] Lines(string name) =>
        File.ReadAllLines(Path.Combine(folder, "out", name)).Where(line => line.Length > 0).ToArray();
}
