using System.Net.Http.Headers;
using System.Text;

namespace NotationVerifier;

/// <summary>What lets a request into a registry. Its text never shows in <see cref="object.ToString"/>.</summary>
public sealed class RegistryCredential
{
    private RegistryCredential(string? userName, string? password, string? identityToken)
    {
        UserName = userName;
        Password = password;
        IdentityToken = identityToken;
    }

    internal string? UserName { get; }

    internal string? Password { get; }

    internal string? IdentityToken { get; }

    internal AuthenticationHeaderValue Basic =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{UserName}:{Password}")));

    /// <summary>A user name with a password or an access token in its place.</summary>
    /// <param name="userName">The user name; it cannot have a colon (RFC 7617 section 2).</param>
    /// <param name="password">The password.</param>
    /// <returns>The credential.</returns>
    /// <exception cref="ArgumentException">The user name has a colon.</exception>
    public static RegistryCredential FromPassword(string userName, string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(userName);
        ArgumentNullException.ThrowIfNull(password);
        if (userName.Contains(':'))
        {
            throw new ArgumentException("a user name cannot have a colon", nameof(userName));
        }

        return new RegistryCredential(userName, password, null);
    }

    /// <summary>An identity token (OAuth 2 refresh token), as cloud registries give it.</summary>
    /// <param name="token">The token.</param>
    /// <returns>The credential.</returns>
    public static RegistryCredential FromIdentityToken(string token)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        return new RegistryCredential(null, null, token);
    }

    /// <summary>Says what kind of credential it is, and nothing of it.</summary>
    /// <returns>The kind.</returns>
    public override string ToString() => IdentityToken is null ? "user name and password" : "identity token";
}

/// <summary>Asks the host program for a credential: once for a token, and for each request where a
/// registry wants a password, so what is expensive to get should be kept.</summary>
/// <param name="registry">The registry as <c>host</c> or <c>host:port</c>. The credential goes to it,
/// and to the token server that it names where that is allowed.</param>
/// <param name="cancellationToken">Ends the wait.</param>
/// <returns>The credential, or <c>null</c> for none: then the registry is asked as anybody.</returns>
public delegate ValueTask<RegistryCredential?> RegistryCredentialProvider(string registry, CancellationToken cancellationToken);
