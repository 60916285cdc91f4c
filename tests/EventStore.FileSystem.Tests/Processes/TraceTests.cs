using System.Globalization;
using System.Text;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// The system calls of the real process, as strace sees them, and how it reacts when one fails. .NET's own flush calls hide failures
/// on Unix, so that no test inside the process can replace this one.
/// </summary>
public sealed class TraceTests : IDisposable
{
    private const int FailedFlushes = 60;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(1), InlineData(16)]
    public async Task Nothing_is_acknowledged_before_a_successful_flush_of_the_log_that_covers_it(int committers)
    {
        Assert.SkipUnless(Trace.WhyNot is null, Trace.WhyNot ?? "");
        var order = new WriterOrder(
            Path.Combine(directory.Path, "store"), IsDurable: true, Committers: committers == 1 ? 0 : committers, Seed: 1,
            MostWrites: 60 / committers);
        var file = Path.Combine(directory.Path, "trace");
        using var writer = new WriterProcess(
            order, Trace.Program, "-f", "-y", "-xx", "-s", "1000000", "-o", file, "--seccomp-bpf", "-e",
            "trace=write,pwrite64,pwritev,writev,fdatasync,fsync");
        if (order.Committers == 0) Assert.Equal(0, await writer.ReadToEndAsync());
        else await writer.ReadUntilAsync("closed");

        var calls = Trace.Read(file);
        var acknowledged = 0;
        foreach (var (acknowledgement, commitId) in calls.Select(call => (call, CommitIdIn(call))))
        {
            if (commitId == default) continue;
            var written = Assert.Single(
                calls,
                call => IsOfLog(call) && call.Hex.Contains(Convert.ToHexStringLower(commitId.ToByteArray()), StringComparison.Ordinal));
            Assert.True(
                calls.Any(
                    call =>
                        call.Name is "fdatasync" or "fsync" && call.Path == written.Path && call.Result == 0 && call.Begin > written.End
                            && call.End < acknowledgement.Begin),
                $"commit {commitId} was acknowledged in line {acknowledgement.Begin} of the trace "
                + $"without a flush of what was written in line {written.Begin}");
            acknowledged++;
        }

        Assert.InRange(acknowledged, 40, 60);
    }

    [Theory, InlineData("fdatasync"), InlineData("fsync")]
    public async Task After_the_nth_flush_fails_nothing_is_acknowledged_and_the_store_reopens_whole(string call)
    {
        Assert.SkipUnless(Trace.WhyNot is null, Trace.WhyNot ?? "");
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        await Parallel.ForEachAsync(Enumerable.Range(1, FailedFlushes), options, async (n, _) =>
        {
            var exception = await Record.ExceptionAsync(() => FailAsync(call, n));
            Assert.True(exception is null, $"{call} number {n} failed: {exception}");
        });
    }

    private async Task FailAsync(string call, int n)
    {
        var number = n.ToString(CultureInfo.InvariantCulture);
        var order = new WriterOrder(Path.Combine(directory.Path, number), IsDurable: true, Committers: 0, Seed: n, MostWrites: 150);
        using var writer = new WriterProcess(
            order, Trace.Program, "-f", "-o", order.Directory + ".trace", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-e",
            $"inject={call}:error=EIO:when={number}");
        Assert.NotEqual(0, await writer.ReadToEndAsync());

        // It reported the failure, and refused everything afterwards.
        var failed = Assert.Single(writer.Lines, line => line.StartsWith("failed ", StringComparison.Ordinal));
        Assert.True(
            failed.EndsWith(nameof(BatchOutcomeUnknownException), StringComparison.Ordinal)
                || failed.EndsWith(nameof(StorageException), StringComparison.Ordinal)
                || failed.EndsWith(nameof(StorageUnavailableException), StringComparison.Ordinal),
            failed);
        Assert.Equal(
            3, writer.Lines.SkipWhile(line => line != failed).Skip(1).Count(line => line.StartsWith("refused ", StringComparison.Ordinal)));
        Assert.DoesNotContain(writer.Lines.SkipWhile(line => line != failed), line => line.StartsWith("c ", StringComparison.Ordinal));

        var acknowledgements = new Acknowledgements();
        acknowledgements.Add(writer.Lines);
        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        await acknowledgements.CheckAsync(engine);
    }

    private static bool IsOfLog(TracedCall call) => call.Hex.Length > 0 && call.Path.EndsWith(".seg", StringComparison.Ordinal);

    // The commit that a line of the writer acknowledges; none for other calls.
    private static Guid CommitIdIn(TracedCall call)
    {
        if (!call.Path.StartsWith("pipe:", StringComparison.Ordinal) || call.Hex.Length == 0) return default;
        return Encoding.UTF8.GetString(Convert.FromHexString(call.Hex)).Split(' ') is ["c", var commitId, ..]
            ? Guid.ParseExact(commitId, "N")
            : default;
    }
}
