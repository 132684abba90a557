using System.Net;

namespace NotationVerifier.Tests.Corpus;

/// <summary>Answers for OCSP responders and CRL servers with what the case says they would answer.</summary>
internal sealed class CorpusEvidence(CorpusCase one) : HttpMessageHandler
{
    private readonly IReadOnlyDictionary<string, string> answers = one.Map("evidence");

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!answers.TryGetValue(request.RequestUri!.OriginalString, out string? answer))
        {
            throw new HttpRequestException("the connection was refused");
        }

        if (answer == "timeout")
        {
            throw new TaskCanceledException("no answer in time", new TimeoutException());
        }

        if (answer.StartsWith("status:", StringComparison.Ordinal))
        {
            return Task.FromResult(new HttpResponseMessage((HttpStatusCode)int.Parse(answer["status:".Length..])));
        }

        HttpContent content = answer.StartsWith("zeros:", StringComparison.Ordinal)
            ? new StreamContent(new Zeros(long.Parse(answer["zeros:".Length..])))
            : new ByteArrayContent(File.ReadAllBytes(one.FilePath(answer)));
        return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = content });
    }

    /// <summary>Nobody answers.</summary>
    internal sealed class Cut : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new HttpRequestException("the connection was refused");
    }

    /// <summary>The files that servers of the case would answer with; none where one of them answers
    /// with anything else.</summary>
    internal static IReadOnlyList<string> Files(CorpusCase one)
    {
        string[] answers = one.Map("evidence").Values.Distinct().ToArray();
        return answers.Any(answer => answer.Contains(':', StringComparison.Ordinal) || answer == "timeout")
            ? Array.Empty<string>()
            : answers.Select(one.FilePath).ToArray();
    }

    /// <summary>So many zero octets.</summary>
    private sealed class Zeros(long left) : Stream
    {
        private long rest = left;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int some = (int)Math.Min(count, rest);
            buffer.AsSpan(offset, some).Clear();
            rest -= some;
            return some;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
