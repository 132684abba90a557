using System.Diagnostics;
using NotationVerifier;
using VerifyImageInfo;

// What the verify step of an image build does: every image of an image-info file, in one process.
//
//   VerifyImageInfo --image-info FILE [--config DIR] [--registry HOST] [--repo-prefix TEXT]
//                   [--junit FILE] [--concurrency N]
//
// Credentials: this program takes them from two environment variables; a build tool asks its own
// service in the delegate. Exit codes are those of `notation-verify`: 0 trusted, 1 rejected, 2 wrong
// usage, 3 could not evaluate, 4 the policy exempts every image.
Options options;
IReadOnlyList<ImageToVerify> images;
try
{
    options = Options.Parse(args);
    images = ImageInfo.Read(options.ImageInfo, options.Registry, options.RepositoryPrefix);
}
catch (Exception error) when (error is ArgumentException or InvalidDataException or IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

ValueTask<RegistryCredential?> Credential(string registry, CancellationToken cancellationToken)
{
    string? user = Environment.GetEnvironmentVariable("REGISTRY_USER");
    string? password = Environment.GetEnvironmentVariable("REGISTRY_PASSWORD");
    return ValueTask.FromResult(user is null || password is null ? null : RegistryCredential.FromPassword(user, password));
}

// The tool's own handlers go into this chain: retries, rate limits, proxies, telemetry.
using var client = new HttpClient(new RegistryAuthHandler(Credential, new SocketsHttpHandler
{
    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
}));

var results = new List<ImageResult>();
var clock = Stopwatch.StartNew();
try
{
    using Verifier verifier = Verifier.FromDirectory(options.Config);
    var run = new VerifyImagesOptions { Concurrency = options.Concurrency };
    await foreach (ImageResult result in verifier.VerifyImagesAsync(client, images.Select(image => image.Reference), run, null, stop.Token))
    {
        results.Add(result);
        string verdict = result.Report?.Status.ToString().ToLowerInvariant() ?? "error";
        Console.WriteLine($"{verdict,-12} {result.Reference}{(result.IsTrusted ? string.Empty : "\n             " + result.Reason)}");
    }
}
catch (VerificationException error)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return error.Kind == VerificationErrorKind.Usage ? 2 : 3;
}
catch (DllNotFoundException error)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 3;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine($"cancelled after {results.Count} of {images.Count} images");
    return 3;
}

if (options.JUnit is not null)
{
    JUnit.Write(options.JUnit, results, clock.Elapsed);
}

int trusted = results.Count(result => result.IsTrusted);
Console.WriteLine($"{trusted} of {images.Count} images are trusted, {clock.Elapsed.TotalSeconds:0.00} s");
return results.Count != images.Count || results.Any(JUnit.IsError) ? 3
    : results.Any(JUnit.IsFailure) ? 1
    : trusted == 0 ? 4
    : 0;
