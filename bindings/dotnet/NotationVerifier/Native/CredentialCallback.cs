using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace NotationVerifier;

/// <summary>Answers the native library's questions for credentials with the delegate of the program.
/// Nothing that this throws goes further than here.</summary>
internal sealed unsafe class CredentialCallback
{
    private readonly RegistryCredentialProvider provider;
    private readonly object gate = new();
    private CancellationTokenSource stop = new();
    private int calls;

    private CredentialCallback(RegistryCredentialProvider provider) => this.provider = provider;

    internal static CredentialCallback? Of(RegistryOptions options) =>
        options.Credentials is { } provider ? new CredentialCallback(provider) : null;

    /// <summary>Answers for a verifier as long as that lives.</summary>
    internal void AnswerFor(VerifierHandle verifier)
    {
        var target = GCHandle.Alloc(this);
        verifier.Keep(target);
        IntPtr error = IntPtr.Zero;
        var function = (IntPtr)(delegate* unmanaged[Cdecl]<IntPtr, byte*, nuint, IntPtr, void>)&Answer;
        uint status = NativeMethods.nv_verifier_set_credential_callback(verifier, function, GCHandle.ToIntPtr(target), &error);
        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }
    }

    /// <summary>A call begins that may ask.</summary>
    internal void Enter()
    {
        lock (gate)
        {
            calls++;
        }
    }

    /// <summary>It ended or was cancelled. Where no other one waits, nobody needs an answer.</summary>
    internal void Leave()
    {
        CancellationTokenSource? idle = null;
        lock (gate)
        {
            if (--calls == 0)
            {
                idle = stop;
                stop = new CancellationTokenSource();
            }
        }

        try
        {
            idle?.Cancel();
        }
        catch (AggregateException)
        {
            // What the program does when its token is cancelled is not about the call that ended.
        }
    }

    [UnmanagedCallersOnly(CallConvs = new[] { typeof(CallConvCdecl) })]
    private static void Answer(IntPtr context, byte* registry, nuint registryLength, IntPtr credential)
    {
        try
        {
            var self = (CredentialCallback)GCHandle.FromIntPtr(context).Target!;
            string name = Encoding.UTF8.GetString(registry, checked((int)registryLength));
            CancellationToken token;
            lock (self.gate)
            {
                token = self.stop.Token;
            }

            Set(credential, self.provider(name, token).AsTask().GetAwaiter().GetResult());
        }
        catch (Exception error)
        {
            Fail(credential, error);
        }
    }

    private static void Set(IntPtr credential, RegistryCredential? answer)
    {
        if (answer is null)
        {
            return;
        }

        IntPtr error = IntPtr.Zero;
        uint status;
        if (answer.IdentityToken is { } identity)
        {
            byte[] token = Encoding.UTF8.GetBytes(identity);
            fixed (byte* at = token)
            {
                status = NativeMethods.nv_credential_set_identity_token(credential, at, (nuint)token.Length, &error);
            }
        }
        else
        {
            byte[] name = Encoding.UTF8.GetBytes(answer.UserName ?? string.Empty);
            byte[] password = Encoding.UTF8.GetBytes(answer.Password ?? string.Empty);
            fixed (byte* nameAt = name, passwordAt = password)
            {
                status = NativeMethods.nv_credential_set_password(credential, nameAt, (nuint)name.Length, passwordAt, (nuint)password.Length, &error);
            }
        }

        if (status != NativeStatus.Done)
        {
            throw NativeFailure.Take(status, error);
        }
    }

    private static void Fail(IntPtr credential, Exception failure)
    {
        try
        {
            byte[] why = Encoding.UTF8.GetBytes($"the program has no credential: {failure.GetType().Name}: {HttpNeed.Told(failure)}");
            fixed (byte* at = why)
            {
                NativeMethods.nv_credential_set_failed(credential, at, (nuint)why.Length, null);
            }
        }
        catch (Exception)
        {
            // Without an answer the registry is asked as anybody, and refuses.
        }
    }
}
