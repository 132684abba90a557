using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace NotationVerifier;

/// <content>Many images.</content>
public sealed partial class Verifier
{
    /// <summary>Verifies many images, several at the same time. Connections, log-ins, certificate chains
    /// and revocation evidence are shared.</summary>
    /// <remarks>An image that cannot be evaluated, or whose request makes a handler or delegate of the
    /// program throw, is a result with an <see cref="ImageResult.Error"/>; the others go on. References
    /// are read when there is room for them. Leaving the enumeration early ends what is under way.</remarks>
    /// <param name="client">Sends the requests: see <see cref="VerifyImageAsync"/>.</param>
    /// <param name="references">The images, <c>registry/repository@digest</c> or
    /// <c>registry/repository:tag</c>.</param>
    /// <param name="options">How many at a time, and how; <c>null</c> is the default.</param>
    /// <param name="progress">Told after each image.</param>
    /// <param name="cancellationToken">Ends the run: the enumeration throws
    /// <see cref="OperationCanceledException"/>.</param>
    /// <returns>The results in the order in which they are there; each has its index.</returns>
    public IAsyncEnumerable<ImageResult> VerifyImagesAsync(
        HttpClient client,
        IEnumerable<string> references,
        VerifyImagesOptions? options = null,
        IProgress<ImagesProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(references);
        options ??= new VerifyImagesOptions();
        if (options.Concurrency < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Concurrency, "the number of images at the same time is at least 1");
        }

        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        return RunAsync(client, references, options, progress, cancellationToken);
    }

    private async IAsyncEnumerable<ImageResult> RunAsync(
        HttpClient client,
        IEnumerable<string> references,
        VerifyImagesOptions options,
        IProgress<ImagesProgress>? progress,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // Bounded: who reads slowly slows the run down, and memory does not grow with the images.
        Channel<ImageResult> results = Channel.CreateBounded<ImageResult>(
            new BoundedChannelOptions(options.Concurrency) { SingleReader = true });
        Task run = Task.Run(
            async () =>
            {
                Exception? failure = null;
                try
                {
                    var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = stop.Token };
                    await Parallel.ForEachAsync(
                        references.Select((reference, index) => (reference, index)),
                        parallel,
                        async (image, token) =>
                        {
                            ImageResult result = await VerifyOneAsync(client, image.reference, image.index, options.Image, token).ConfigureAwait(false);
                            await results.Writer.WriteAsync(result, token).ConfigureAwait(false);
                        }).ConfigureAwait(false);
                }
                catch (Exception error)
                {
                    failure = error;
                }

                results.Writer.Complete(failure);
            },
            CancellationToken.None);
        try
        {
            int done = 0;
            int trusted = 0;
            await foreach (ImageResult result in results.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                done++;
                trusted += result.IsTrusted ? 1 : 0;
                progress?.Report(new ImagesProgress(done, trusted, result));
                yield return result;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await run.ConfigureAwait(false);
        }
    }

    private async ValueTask<ImageResult> VerifyOneAsync(
        HttpClient client, string reference, int index, VerifyImageOptions options, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        VerificationReport? report = null;
        VerificationException? failure = null;
        try
        {
            report = await VerifyImageAsync(client, reference, options, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (VerificationException error)
        {
            failure = error;
        }
        catch (Exception error)
        {
            // Not of this library: a handler or a delegate of the program, or a wrong reference.
            failure = new VerificationException(
                error is ArgumentException ? VerificationErrorKind.Usage : VerificationErrorKind.Host,
                $"the verification of `{reference}` ended with {error.GetType().Name}: {error.Message}",
                error);
        }

        return new ImageResult
        {
            Index = index,
            Reference = reference,
            Report = report,
            Error = failure,
            Elapsed = Stopwatch.GetElapsedTime(started),
        };
    }
}
