using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace NotationVerifier.Tests;

/// <summary>Native memory: freed once, never under a call, and not forgotten.</summary>
[NonParallelizable]
public sealed class LifetimeTests
{
    private static readonly VerifyEnvelopeOptions Cose = new() { EnvelopeMediaType = "application/cose", Scope = Demo.Scope };

    [Test]
    public void VerifiersThatNobodyDisposesOfAreFinalized()
    {
        WeakReference[] left = Enumerable.Range(0, 50).Select(index => Abandon(withDelegate: index % 2 == 0)).ToArray();
        for (int round = 0; round < 20 && left.Any(one => one.IsAlive); round++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();
        }

        Assert.That(left.Count(one => one.IsAlive), Is.Zero);
    }

    [Test]
    public async Task VerificationsSurviveCollectionsAndDisposal()
    {
        // A thread collects and collects; verifiers are disposed of while verifications use them.
        const int Rounds = 12;
        const int Runs = 6;
        const int Times = 4;
        int trusted = 0;
        int disposed = 0;
        byte[] envelope = Demo.Envelope;
        ArtifactDescriptor target = Demo.Target;
        using (new Collections())
        {
            for (int round = 0; round < Rounds; round++)
            {
                Verifier verifier = Verifier.FromDirectory(Demo.Config);
                Task[] runs = Enumerable.Range(0, Runs).Select(_ => Task.Run(async () =>
                {
                    try
                    {
                        for (int time = 0; time < Times; time++)
                        {
                            VerificationReport report = await verifier.VerifyEnvelopeAsync(envelope, target, Cose);
                            Assert.That(report.IsTrusted, report.Reason);
                            Interlocked.Increment(ref trusted);
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                        Interlocked.Increment(ref disposed);
                    }
                })).ToArray();
                if (round % 3 == 0)
                {
                    verifier.Dispose();
                }

                await Task.WhenAll(runs);
                verifier.Dispose();
            }
        }

        Assert.That(trusted, Is.GreaterThanOrEqualTo(Rounds * 2 / 3 * Runs * Times));
        TestContext.Progress.WriteLine($"under collections: {trusted} verifications, {disposed} runs met a disposed verifier");
    }

    [Test]
    public async Task CallbacksSurviveCollectionsAndDisposal()
    {
        // Nobody listens there, so that every image fails, and native code calls back for each.
        const int Rounds = 10;
        const int Images = 40;
        ImageList images = ImageList.FromReferences(Enumerable.Range(0, Images).Select(index => $"127.0.0.1:9/app-{index}:1"));
        string folder = Directory.CreateTempSubdirectory("notation-lifetime-").FullName;
        try
        {
            using (new Collections())
            {
                for (int round = 0; round < Rounds; round++)
                {
                    var counter = new Counter();
                    Verifier verifier = Verifier.FromDirectory(Demo.Config, new VerifierOptions
                    {
                        Registry = new RegistryOptions { Attempts = 1, Credentials = (_, _) => ValueTask.FromResult<RegistryCredential?>(null) },
                    });
                    Task<SigningReport> run = verifier.WritePayloadsAsync(folder, images, null, counter);

                    // The native verifier stays until no call uses it.
                    if (round % 2 == 0)
                    {
                        await counter.Begun.Task;
                        verifier.Dispose();
                    }

                    SigningReport report = await run;
                    verifier.Dispose();
                    Assert.That(report.Images.Count(image => image.Status == SigningStatus.Failed && image.Error is { Kind: VerificationErrorKind.Io }), Is.EqualTo(Images));
                    Assert.That(counter.Calls, Is.EqualTo(Images));
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task MemoryDoesNotGrow()
    {
        using Verifier verifier = Verifier.FromDirectory(Demo.Config);
        byte[] envelope = Demo.Envelope;
        ArtifactDescriptor target = Demo.Target;
        async Task Run(int times)
        {
            for (int time = 0; time < times; time++)
            {
                Assert.That((await verifier.VerifyEnvelopeAsync(envelope, target, Cose)).IsTrusted);
            }

            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "mallinfo2", out _))
        {
            Assert.Ignore("only glibc tells how much is allocated");
        }

        // What is kept is there after the first ones. A leaked report has more than 4 KiB.
        await Run(1000);
        nuint before = MemoryInfo().Allocated;
        await Run(2000);
        long grown = (long)MemoryInfo().Allocated - (long)before;
        TestContext.Progress.WriteLine($"{grown} octets more are allocated after 2,000 verifications");
        Assert.That(grown, Is.LessThan(2000L * 2048));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Abandon(bool withDelegate)
    {
        // The native library keeps the delegate as long as its verifier, and no longer.
        var registry = new RegistryOptions
        {
            Credentials = withDelegate ? (_, _) => throw new InvalidOperationException("nobody asks") : null,
        };
        Verifier verifier = Verifier.FromDirectory(Demo.Config, new VerifierOptions { Registry = registry });
        Assert.That(verifier.Describe().OciStatements, Is.Not.Null);
        return new WeakReference(verifier);
    }

    private sealed class Counter : IProgress<SigningProgress>
    {
        internal TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal int Calls { get; private set; }

        public void Report(SigningProgress value)
        {
            Calls++;
            Begun.TrySetResult();
        }
    }

    /// <summary>A thread that collects and collects, until this is disposed of.</summary>
    private sealed class Collections : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Thread thread;

        internal Collections()
        {
            thread = new Thread(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
                    GC.WaitForPendingFinalizers();
                    Thread.Sleep(1);
                }
            });
            thread.Start();
        }

        public void Dispose()
        {
            stop.Cancel();
            thread.Join();
            stop.Dispose();
        }
    }

    [DllImport("libc", EntryPoint = "mallinfo2", ExactSpelling = true)]
    private static extern Mallinfo MemoryInfo();

    /// <summary>mallinfo(3).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Mallinfo
    {
        private readonly nuint arena;
        private readonly nuint freeChunks;
        private readonly nuint fastBins;
        private readonly nuint mappedChunks;
        private readonly nuint mapped;
        private readonly nuint unused;
        private readonly nuint freedFast;
        internal readonly nuint Allocated;
        private readonly nuint free;
        private readonly nuint top;
    }
}
