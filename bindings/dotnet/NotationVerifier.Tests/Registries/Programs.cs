using System.Diagnostics;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace NotationVerifier.Tests.Registries;

/// <summary>The program of <c>tests/registries</c>: registries that are Go libraries, a token server,
/// and what pushes signed images. <c>NOTATION_REGISTRIES</c> names it.</summary>
internal static class Programs
{
    /// <summary>The account of <c>registries authority</c>.</summary>
    internal const string UserName = "robot";

    internal const string Password = "open, sesame: 1+1=2";

    /// <summary>The program; without it a test is skipped.</summary>
    internal static string Registries()
    {
        string? path = Environment.GetEnvironmentVariable("NOTATION_REGISTRIES");
        TestEnvironment.Require(path is not null && File.Exists(path), "REQUIRE_REGISTRIES", "NOTATION_REGISTRIES does not name the program of tests/registries");
        return path!;
    }

    /// <summary>Runs it to its end.</summary>
    internal static void Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(Registries(), arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"registries {string.Join(' ', arguments)}: {errors}");
    }

    /// <summary>Runs it with these lines as input; gives the lines that it says.</summary>
    internal static string[] Talk(string[] arguments, params string[] lines)
    {
        using Process process = Process.Start(new ProcessStartInfo(Registries(), arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        foreach (string line in lines)
        {
            process.StandardInput.WriteLine(line);
        }

        process.StandardInput.Close();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"registries {string.Join(' ', arguments)}");
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}

/// <summary>A server as a process that ends with the test.</summary>
internal sealed class Server : IDisposable
{
    private readonly Process process;

    /// <summary>A server of <c>tests/registries</c>.</summary>
    internal Server(params string[] arguments)
        : this(Programs.Registries(), arguments)
    {
    }

    /// <summary>A server that says where it listens.</summary>
    internal Server(string program, string[] arguments)
    {
        process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["OTEL_TRACES_EXPORTER"] = "none" },
        })!;
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new System.Collections.Concurrent.ConcurrentQueue<string>();
        void Read(object sender, DataReceivedEventArgs line)
        {
            if (line.Data is { } text)
            {
                said.Enqueue(text);
                Match match = Regex.Match(text, @"listening on ([\d.]+:\d+)");
                if (match.Success)
                {
                    listening.TrySetResult(match.Groups[1].Value);
                }
            }
        }

        process.OutputDataReceived += Read;
        process.ErrorDataReceived += Read;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        // Generous: a busy machine may take long to start a process.
        if (!listening.Task.Wait(TimeSpan.FromSeconds(60)))
        {
            Dispose();
            throw new InvalidOperationException($"the server `{program}` does not listen: {string.Join('\n', said)}");
        }

        Address = listening.Task.Result;
    }

    /// <summary>Host and port.</summary>
    internal string Address { get; }

    public void Dispose()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It ended before.
        }

        process.WaitForExit();
        process.Dispose();
    }
}
