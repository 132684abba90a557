namespace NotationVerifier.Tests;

/// <summary>The demo data of this repository: a signed image, a replaced one, and who is trusted.</summary>
internal static class Demo
{
    internal const string Scope = "registry.example/demo/app";

    internal static string Folder => Path.Combine(TestEnvironment.Repository(), "tests", "demo");

    internal static string Config => Path.Combine(Folder, "config");

    internal static string Layout => Path.Combine(Folder, "layout");

    internal static string Tampered => Path.Combine(Folder, "tampered");

    /// <summary>The envelope of the signed image.</summary>
    internal static byte[] Envelope => Blobs.Single(blob => blob.Length > 0 && blob[0] == 0xd2);

    /// <summary>The signed image.</summary>
    internal static ArtifactDescriptor Target
    {
        get
        {
            using var index = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Layout, "index.json")));
            var entry = index.RootElement.GetProperty("manifests").EnumerateArray()
                .Single(one => one.TryGetProperty("annotations", out var annotations) && annotations.TryGetProperty("org.opencontainers.image.ref.name", out var name) && name.GetString() == "v1");
            return new ArtifactDescriptor(
                entry.GetProperty("mediaType").GetString()!,
                entry.GetProperty("digest").GetString()!,
                entry.GetProperty("size").GetInt64());
        }
    }

    /// <summary>The same trust, from memory.</summary>
    internal static TrustMaterial Material
    {
        get
        {
            var material = new TrustMaterial { OciPolicy = File.ReadAllBytes(Path.Combine(Config, "trustpolicy.json")) };
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Config, "truststore", "x509", "ca", "demo")))
            {
                material.AddCertificates("ca:demo", File.ReadAllBytes(file));
            }

            return material;
        }
    }

    private static IEnumerable<byte[]> Blobs =>
        Directory.EnumerateFiles(Path.Combine(Layout, "blobs", "sha256")).Select(File.ReadAllBytes);
}
