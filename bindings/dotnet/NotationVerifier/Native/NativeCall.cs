namespace NotationVerifier;

/// <summary>A call of the native library that asks registries: it takes long, and can be cancelled.</summary>
internal static class NativeCall
{
    /// <summary>Runs <paramref name="call"/> on a thread of its own.</summary>
    internal static Task<T> RunAsync<T>(CredentialCallback? credentials, Func<CancelHandle, T> call, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        return Task.Factory.StartNew(
            () => Run(credentials, call, cancellationToken),
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default);
    }

    private static T Run<T>(CredentialCallback? credentials, Func<CancelHandle, T> call, CancellationToken cancellationToken)
    {
        using var cancel = new CancelHandle();
        int left = 0;
        void Leave()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
            {
                credentials?.Leave();
            }
        }

        credentials?.Enter();
        try
        {
            // Disposing of it waits until nobody uses the handle.
            using CancellationTokenRegistration registration = cancellationToken.Register(() =>
            {
                cancel.Cancel();
                Leave();
            });
            return call(cancel);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            Leave();
        }
    }
}
