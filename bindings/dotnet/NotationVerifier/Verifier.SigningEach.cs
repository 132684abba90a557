using System.Threading.Channels;

namespace NotationVerifier;

/// <content>The calls around a signing service, image by image.</content>
public sealed partial class Verifier
{
    /// <summary><see cref="WritePayloadsAsync"/>, with each image as it is done. Nothing is begun before the
    /// enumeration is; the map is there when that has ended.</summary>
    /// <param name="directory">Where payloads and map go.</param>
    /// <param name="images">The images, manifest lists included.</param>
    /// <param name="options">How they are written; <c>null</c> is the default.</param>
    /// <param name="cancellationToken">Ends the run: every image is told of, those that were not done as
    /// <see cref="SigningStatus.NotDone"/>, and then the enumeration throws
    /// <see cref="OperationCanceledException"/>.</param>
    /// <returns>The images in the order in which they are done. Leaving the enumeration early ends what is
    /// under way.</returns>
    public IAsyncEnumerable<SigningResult> WritePayloadsEachAsync(
        string directory,
        ImageList images,
        WritePayloadsOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(images);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        return EachAsync((progress, stop) => WritePayloadsAsync(directory, images, options, progress, stop), cancellationToken);
    }

    /// <summary><see cref="AttachAsync(string, AttachOptions?, IProgress{SigningProgress}?, CancellationToken)"/>,
    /// with each image as it is done. Nothing is begun before the enumeration is.</summary>
    /// <param name="map">The map that <see cref="WritePayloadsAsync"/> wrote.</param>
    /// <param name="options">How signatures are attached; <c>null</c> is the default.</param>
    /// <param name="cancellationToken">Ends the run: every image is told of, those that were not done as
    /// <see cref="SigningStatus.NotDone"/>, and then the enumeration throws
    /// <see cref="OperationCanceledException"/>.</param>
    /// <returns>The images in the order in which they are done. Leaving the enumeration early ends what is
    /// under way.</returns>
    public IAsyncEnumerable<SigningResult> AttachEachAsync(
        string map,
        AttachOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(map);
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        return EachAsync((progress, stop) => AttachAsync(map, options, progress, stop), cancellationToken);
    }

    private static async IAsyncEnumerable<SigningResult> EachAsync(
        Func<IProgress<SigningProgress>, CancellationToken, Task<SigningReport>> call,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // No more can come than there are images.
        Channel<SigningResult> results = Channel.CreateUnbounded<SigningResult>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Task run = Task.Run(
            async () =>
            {
                Exception? failure = null;
                try
                {
                    await call(new Teller(results.Writer), stop.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    failure = new OperationCanceledException(cancellationToken);
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
            // Not until it is cancelled: what is done is told.
            await foreach (SigningResult result in results.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return result;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await run.ConfigureAwait(false);
        }
    }

    private sealed class Teller(ChannelWriter<SigningResult> writer) : IProgress<SigningProgress>
    {
        public void Report(SigningProgress value) => writer.TryWrite(value.Latest);
    }
}
