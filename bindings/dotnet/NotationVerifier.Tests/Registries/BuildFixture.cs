using System.Text.Json;

namespace NotationVerifier.Tests.Registries;

/// <summary>A registry with a manifest list and its two images, as an image build leaves them before they
/// are signed: its image-info.json names another registry, and no prefix. And a signing service.</summary>
internal sealed class BuildFixture : IDisposable
{
    internal const int Images = 3;
    internal const string Prefix = "staging/";
    private const string Repository = "dotnet/app";

    private readonly string folder = Directory.CreateTempSubdirectory("notation-build-").FullName;
    private readonly Server? tokens;
    private readonly Server registry;

    internal BuildFixture(Access access = Access.Anyone, string kind = "olareg")
    {
        // Credentials travel with TLS.
        bool tls = access != Access.Anyone;
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
            arguments.AddRange(new[] { "-token-realm", $"https://{tokens.Address}/token", "-token-roots", File("token.pem") });
        }

        registry = kind == Fixture.Debian ? Fixture.DebianServer(folder) : new Server(arguments.ToArray());
        string[] push = new[] { "push", "-registry", registry.Address }
            .Concat(tls ? new[] { "-ca", File("ca.pem"), "-account" } : Array.Empty<string>()).ToArray();
        string[] platforms = Push(push, Order("image", "amd", "\"text\":\"amd\""), Order("image", "arm", "\"text\":\"arm\""));
        string list = Push(push, Order("index", "list", $"\"manifests\":[\"{platforms[0]}\",\"{platforms[1]}\"]")).Single();
        Digests = new[] { list, platforms[0], platforms[1] };
        string Name(string digest) => $"registry.example/{Repository}@{digest}";
        System.IO.File.WriteAllText(
            ImageInfo,
            $$"""
            {"schemaVersion": "2.0", "repos": [{"repo": "{{Repository}}", "images": [{
              "manifest": {"digest": "{{Name(list)}}", "sharedTags": ["1"]},
              "platforms": [{"digest": "{{Name(platforms[0])}}"}, {"digest": "{{Name(platforms[1])}}"}, {"simpleTags": []}]}]}]}
            """);
        Programs.Run("notation", Config);
        AuthorityFile = File("ca.pem");
    }

    /// <summary>The manifest list, and its images.</summary>
    internal IReadOnlyList<string> Digests { get; }

    internal string Address => registry.Address;

    internal string? TokenAddress => tokens?.Address;

    internal string AuthorityFile { get; }

    internal string ImageInfo => Path.Combine(folder, "image-info.json");

    internal string Config => Path.Combine(folder, "notation");

    internal string Payloads => Path.Combine(folder, "payloads");

    internal string Map => Path.Combine(Payloads, "payload-map.json");

    /// <summary>The images of the build, where they are.</summary>
    internal ImageList List => ImageList.FromFile(ImageInfo, Address, Prefix);

    internal string Reference(string digest) => $"{Address}/{Prefix}{Repository}@{digest}";

    internal string Tagged(string tag) => $"{Address}/{Prefix}{Repository}:{tag}";

    internal string Manifest(string digest) => $"http://{Address}/v2/{Prefix}{Repository}/manifests/{digest}";

    /// <summary>The signing service: another process, which knows files and nothing of registries.</summary>
    internal void SignInPlace(string key = "ec") =>
        Programs.Run("sign-files", "-keys", Path.Combine(Config, "localkeys"), "-key", key, Payloads);

    public void Dispose()
    {
        registry.Dispose();
        tokens?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static string Order(string operation, string tag, string more) =>
        $$"""{"op":"{{operation}}","repository":"{{Prefix}}{{Repository}}","tag":"{{tag}}",{{more}}}""";

    private static string[] Push(string[] arguments, params string[] orders) => Programs.Talk(arguments, orders).Select(line =>
    {
        using JsonDocument answer = JsonDocument.Parse(line);
        return answer.RootElement.GetProperty("digests").EnumerateArray().Single().GetString()!;
    }).ToArray();
}
