using NUnit.Framework;

namespace NotationVerifier.Tests;

/// <summary>Where the tests find what they need. In CI a missing thing is a failure.</summary>
internal static class TestEnvironment
{
    /// <summary>The root of this repository.</summary>
    internal static string Repository()
    {
        string? named = Environment.GetEnvironmentVariable("NOTATION_REPOSITORY");
        for (string? folder = named ?? TestContext.CurrentContext.TestDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Cargo.toml")) && Directory.Exists(Path.Combine(folder, "bindings", "dotnet")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("run the tests inside the repository, or name it in NOTATION_REPOSITORY");
    }

    /// <summary>The golden cases and vectors; without them a test is skipped.</summary>
    internal static string Shared()
    {
        string folder = Environment.GetEnvironmentVariable("NOTATION_SHARED") ?? Path.Combine(Repository(), "..", "shared");
        Require(Directory.Exists(Path.Combine(folder, "corpus")), "REQUIRE_SHARED", $"there is no test data in `{folder}`");
        return folder;
    }

    /// <summary>Skips the test where something is missing; fails it where <paramref name="variable"/> is set.</summary>
    internal static void Require(bool there, string variable, string missing)
    {
        if (there)
        {
            return;
        }

        if (Environment.GetEnvironmentVariable(variable) is not null)
        {
            Assert.Fail(missing);
        }

        Assert.Ignore(missing);
    }
}
