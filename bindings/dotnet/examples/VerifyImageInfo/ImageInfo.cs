using System.Text.Json;

namespace VerifyImageInfo;

/// <summary>One image to verify: what a person calls it, and where it is.</summary>
/// <param name="Name">The repository, for the report.</param>
/// <param name="Reference"><c>registry/repository@digest</c>.</param>
internal sealed record ImageToVerify(string Name, string Reference);

/// <summary>The images of an image-info file: every manifest list and every platform.</summary>
internal static class ImageInfo
{
    /// <summary>Reads the file. Unknown members are passed over; a file without any digest is an
    /// error, because a check of nothing must not pass.</summary>
    /// <exception cref="InvalidDataException">The file names no image, or one that cannot be asked for.</exception>
    internal static IReadOnlyList<ImageToVerify> Read(string path, string? registry, string? prefix)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        var found = new List<ImageToVerify>();
        foreach (JsonElement repository in Items(document.RootElement, "repos"))
        {
            foreach (JsonElement image in Items(repository, "images"))
            {
                if (image.TryGetProperty("manifest", out JsonElement list))
                {
                    Add(list);
                }

                foreach (JsonElement platform in Items(image, "platforms"))
                {
                    Add(platform);
                }
            }
        }

        if (found.Count == 0)
        {
            throw new InvalidDataException($"`{path}` has no digest of any image");
        }

        return found.DistinctBy(image => image.Reference).ToList();

        void Add(JsonElement holder)
        {
            if (holder.ValueKind != JsonValueKind.Object
                || !holder.TryGetProperty("digest", out JsonElement digest)
                || digest.GetString() is not { Length: > 0 } text)
            {
                return;
            }

            found.Add(Image(text, registry, prefix));
        }
    }

    private static ImageToVerify Image(string digest, string? registry, string? prefix)
    {
        int slash = digest.IndexOf('/');
        int at = digest.IndexOf('@');
        if (slash <= 0 || at <= slash)
        {
            throw new InvalidDataException($"`{digest}` is not registry/repository@digest");
        }

        string repository = digest[(slash + 1)..at];
        return new ImageToVerify(repository, $"{registry ?? digest[..slash]}/{prefix}{repository}{digest[at..]}");
    }

    private static IEnumerable<JsonElement> Items(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : Enumerable.Empty<JsonElement>();
}
