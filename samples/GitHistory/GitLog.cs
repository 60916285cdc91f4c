using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace GitHistory;

/// <summary>A commit of the repository with the files it touched. A merge touches none: its files come with the commits it joins.</summary>
internal sealed record GitCommit(string Hash, DateTimeOffset When, string Author, string Subject, IReadOnlyCollection<GitFile> Files);

/// <summary>A file in a commit. Lines are null where git counts none.</summary>
internal sealed record GitFile(GitChange Kind, string Path, string? From = null, int? Added = null, int? Removed = null);

internal enum GitChange
{
    Added,
    Changed,
    Renamed,
    Deleted,
}

/// <summary>
/// Reads the history of a repository, oldest commit first, from one <c>git log</c> while it is still being written. Everything is separated
/// by NUL, which occurs in no file name and no message, so nothing needs to be quoted.
/// </summary>
internal static class GitLog
{
    // For each commit four fields, then ":… status NUL path NUL" for each file (two paths where it moved), then its line counts.
    private const char CommitMark = '\x01';
    private const string Format = "tformat:%x01%H%x00%at%x00%an%x00%s";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // What a user has configured must not change what is read, or a second import would not find the same events.
    private static readonly string[] Arguments =
    [
        "-c", "diff.renameLimit=1000", "-c", "log.showSignature=false", "--no-replace-objects",
        "log", "--reverse", "--no-diff-merges", "--raw", "--numstat", "-z", "-M50%", "--no-relative", "--no-ext-diff", "--no-textconv",
        "--diff-algorithm=myers", "--no-color", "--encoding=UTF-8", $"--format={Format}", "HEAD", "--",
    ];

    /// <summary>Reads all commits behind the head.</summary>
    /// <exception cref="GitException">Git failed on the way; the commits returned so far are not all.</exception>
    public static async IAsyncEnumerable<GitCommit> ReadAsync(
        GitRepository repository, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var git = GitRepository.Start(repository.Directory, Arguments);
        try
        {
            var errors = git.StandardError.ReadToEndAsync(cancellationToken);
            await foreach (var commit in ParseAsync(git.StandardOutput.BaseStream, cancellationToken)) yield return commit;
            await git.WaitForExitAsync(cancellationToken);
            if (git.ExitCode != 0) throw new GitException($"The git log ended before its end. {GitRepository.Said(await errors)}");
        }
        finally
        {
            if (!git.HasExited) git.Kill();
        }
    }

    private static async IAsyncEnumerable<GitCommit> ParseAsync(Stream log, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        GitCommit? commit = null;
        var files = new Dictionary<string, GitFile>(StringComparer.Ordinal);
        await using var tokens = ReadTokensAsync(log, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await tokens.MoveNextAsync())
        {
            var token = tokens.Current.TrimStart('\n');
            if (token is [CommitMark, ..])
            {
                if (commit is not null) yield return commit;
                files = new(StringComparer.Ordinal);
                commit = new(token[1..], Instant(await NextAsync()), await NextAsync(), await NextAsync(), files.Values);
            }
            else if (token is [':', ..])
            {
                var status = token[token.LastIndexOf(' ') + 1];
                var path = await NextAsync();
                var file = status is 'R' ? new GitFile(GitChange.Renamed, await NextAsync(), From: path)
                    : status is 'C' ? new GitFile(GitChange.Added, await NextAsync())
                    : new GitFile(status is 'A' ? GitChange.Added : status is 'D' ? GitChange.Deleted : GitChange.Changed, path);
                files[file.Path] = file;
            }
            else if (token.Split('\t', 3) is [var added, var removed, var path])
            {
                if (path.Length == 0)
                {
                    await NextAsync();
                    path = await NextAsync();
                }

                if (files.TryGetValue(path, out var file)) files[path] = file with { Added = Lines(added), Removed = Lines(removed) };
            }
        }

        if (commit is not null) yield return commit;

        async ValueTask<string> NextAsync() =>
            await tokens.MoveNextAsync() ? tokens.Current : throw new GitException("The git log ended in the middle of a commit.");
    }

    private static async IAsyncEnumerable<string> ReadTokensAsync(Stream log, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(log, new StreamPipeReaderOptions(bufferSize: 64 << 10));
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)0) is { } end)
            {
                yield return Text(rest.Slice(0, end));
                rest = rest.Slice(rest.GetPosition(1, end));
            }

            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) yield break;
        }
    }

    // Git knows file names as bytes. Those that are no UTF-8 keep them as \xe9, so that two names stay two names.
    private static string Text(ReadOnlySequence<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return string.Concat(bytes.ToArray().Select(octet => octet < 0x80 ? ((char)octet).ToString() : $"\\x{octet:x2}"));
        }
    }

    // Authors' clocks say anything; what lies outside 1970 to 3000 is moved to its edge.
    private static DateTimeOffset Instant(string unixSeconds)
    {
        var isNumber = long.TryParse(unixSeconds, CultureInfo.InvariantCulture, out var seconds);
        return DateTimeOffset.FromUnixTimeSeconds(isNumber ? Math.Clamp(seconds, 0, 32_503_680_000) : 0);
    }

    private static int? Lines(string count) => int.TryParse(count, CultureInfo.InvariantCulture, out var lines) ? lines : null;
}
