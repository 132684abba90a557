using System.Text.Json;

namespace NotationVerifier.Tests.Corpus;

/// <summary>The files that a case needs, laid out as a configuration directory that goes away with it.</summary>
internal sealed class CorpusWorld : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("notation-corpus-").FullName;

    internal CorpusWorld(CorpusCase one)
    {
        // One level down, so that `../outside` of a store stays in the folder that is deleted.
        Config = Path.Combine(root, "notation");
        string stores = Path.Combine(Config, "truststore", "x509");
        Directory.CreateDirectory(stores);
        WritePolicy(one);
        WriteStores(one, stores);
    }

    internal string Config { get; }

    public void Dispose() => Directory.Delete(root, recursive: true);

    /// <summary>A copy of a layout: running a case must not change it.</summary>
    internal string Copy(string layout)
    {
        string copy = Path.Combine(root, "layout-copy");
        CopyTree(new DirectoryInfo(layout), copy);
        return copy;
    }

    private static void CopyTree(DirectoryInfo from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (FileSystemInfo entry in from.EnumerateFileSystemInfos())
        {
            string target = Path.Combine(to, entry.Name);
            if (entry.LinkTarget is { } link)
            {
                File.CreateSymbolicLink(target, link);
            }
            else if (entry is DirectoryInfo directory)
            {
                CopyTree(directory, target);
            }
            else
            {
                File.Copy(entry.FullName, target);
            }
        }
    }

    private void WritePolicy(CorpusCase one)
    {
        bool blob = one.Kind == "blob" || one.Text("policy_type") == "blob";
        string path = Path.Combine(Config, blob ? "trustpolicy.blob.json" : "trustpolicy.oci.json");
        string? source = one.Text("trust_policy_file") is { } name ? one.FilePath(name) : null;
        switch (one.Text("trust_policy_fs"))
        {
            case "missing":
                return;
            case "directory":
                Directory.CreateDirectory(path);
                return;
            case "symlink":
                string real = Path.Combine(Config, "real-policy.json");
                if (source is not null)
                {
                    File.Copy(source, real);
                }

                File.CreateSymbolicLink(path, real);
                return;
        }

        if (source is not null)
        {
            File.Copy(source, path);
        }
        else if (CorpusCase.Member(one.Json, "trust_policy") is { } policy)
        {
            File.WriteAllText(path, policy.GetRawText());
        }
    }

    private static void WriteStores(CorpusCase one, string stores)
    {
        if (CorpusCase.Member(one.Json, "trust_stores") is { } lists)
        {
            foreach (JsonProperty list in lists.EnumerateObject())
            {
                string[] parts = list.Name.Split(':', 2);
                (string kind, string name) = parts.Length == 2 ? (parts[0], parts[1]) : ("ca", list.Name);
                string store = Path.Combine(stores, kind, name);
                Directory.CreateDirectory(store);
                foreach (JsonElement file in list.Value.EnumerateArray())
                {
                    string source = one.FilePath(file.GetString()!);
                    File.Copy(source, Path.Combine(store, Path.GetFileName(source)), overwrite: true);
                }
            }
        }

        if (CorpusCase.Member(one.Json, "trust_store_fs") is not { } objects)
        {
            return;
        }

        foreach (JsonElement item in objects.EnumerateArray())
        {
            string path = Path.Combine(stores, item.GetProperty("path").GetString()!);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            switch (item.GetProperty("type").GetString())
            {
                case "dir":
                    Directory.CreateDirectory(path);
                    break;
                case "file":
                    File.Copy(one.FilePath(item.GetProperty("source").GetString()!), path, overwrite: true);
                    break;
                case "symlink":
                    File.CreateSymbolicLink(path, item.GetProperty("target").GetString()!);
                    break;
                case var other:
                    throw new InvalidDataException($"unknown object `{other}`");
            }
        }
    }
}
