using Xunit;

namespace EventStore.Conformance;

/// <summary>What an import needs of an engine: given stamps, gaps in checkpoints, and a hold that keeps all other writers away.</summary>
public abstract class ImportSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const string Import = "the import";

    [Fact, Guarantee("G11", "G58")]
    public async Task Given_stamps_are_kept_to_the_microsecond_and_never_decrease()
    {
        var start = new DateTimeOffset(2019, 5, 1, 12, 0, 0, TimeSpan.FromHours(2)).AddMicroseconds(7);
        DateTimeOffset[] given = [start, start.AddTicks(13), start.AddDays(-1), start.AddSeconds(1)];
        List<DateTimeOffset> stored = [];
        foreach (var stamp in given)
        {
            var outcome = await CommitAsync(new CommitAttempt("stream", SequentialGuid.Next(), [Event()]) { Stamp = stamp });
            stored.Add(outcome.Commit!.Stamp);
        }

        var second = start.AddTicks(10).ToUniversalTime();
        Assert.Equal([start.ToUniversalTime(), second, second, start.AddSeconds(1).ToUniversalTime()], stored);
        Assert.Equal(stored, (await ReadAllAsync()).Select(recorded => recorded.Commit.Stamp));
        Assert.True((await AppendAsync("stream", 1)).Stamp >= stored[^1]);
    }

    [Fact, Guarantee("G11", "G58")]
    public async Task Only_commits_move_the_newest_stamp()
    {
        var old = new DateTimeOffset(2019, 5, 1, 12, 0, 0, TimeSpan.Zero);
        await Engine.HoldAsync(Import);
        await Engine.SkipCheckpointsAsync(new Checkpoint(4));
        await CommitAsync(new CommitAttempt("a", SequentialGuid.Next(), Events(2)) { Stamp = old });
        await CommitAsync(new CommitAttempt("b", SequentialGuid.Next(), Events(2)) { Stamp = old });
        await Engine.TruncateStreamAsync("a", new Revision(2), StreamExpectation.Any);
        await Engine.SealStreamAsync("a", StreamExpectation.Any);
        await Engine.DeleteStreamAsync("b");
        await Engine.SkipCheckpointsAsync(new Checkpoint(40));
        await Engine.PurgeBucketAsync(StreamId.DefaultBucket);
        var last = await CommitAsync(new CommitAttempt("c", SequentialGuid.Next(), Events(1)) { Stamp = old.AddSeconds(1) });
        Assert.Equal((old.AddSeconds(1), 41L), (last.Commit!.Stamp, last.Commit.FirstCheckpoint.Value));
        await Engine.ReleaseAsync(Import);
        Assert.True((await AppendAsync("c", 1)).Stamp > old.AddYears(1));
    }

    [Fact, Guarantee("G58")]
    public async Task Checkpoints_are_skipped_up_to_a_limit()
    {
        await Engine.HoldAsync(Import);
        foreach (var beyond in (Checkpoint[])[new Checkpoint(AttemptRules.MaxSkipped + 1), Checkpoint.Max])
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Engine.SkipCheckpointsAsync(beyond));
        await Engine.ReleaseAsync(Import);
        Assert.Equal(1, (await AppendAsync("a", 1)).FirstCheckpoint.Value);
    }

    [Fact, Guarantee("G4", "G58")]
    public async Task Skipped_checkpoints_are_gaps_over_which_every_read_moves_on()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Engine.SkipCheckpointsAsync(new Checkpoint(9)));
        await Engine.HoldAsync(Import);
        await Engine.SkipCheckpointsAsync(new Checkpoint(4));
        await AppendAsync("a", 2);
        await Engine.SkipCheckpointsAsync(new Checkpoint(5));
        Assert.Equal(7, (await AppendAsync("a", 1)).FirstCheckpoint.Value);
        await Engine.SkipCheckpointsAsync(new Checkpoint(100_000));
        await AppendAsync("a", 1);
        await Engine.SkipCheckpointsAsync(new Checkpoint(100_003));
        await Engine.ReleaseAsync(Import);
        await ExpectAsync([5, 6, 7, 100_001]);
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await ExpectAsync([5, 6, 7, 100_001]);
        }

        Assert.Equal(100_004, (await AppendAsync("b", 1)).FirstCheckpoint.Value);
        await ExpectAsync([5, 6, 7, 100_001, 100_004]);
        var report = await Engine.VerifyAsync();
        Assert.Empty(report.Damages);

        async Task ExpectAsync(long[] expected)
        {
            Assert.Equal(expected, Checkpoints(await ReadAllAsync(pageSize: 1)));
            Assert.Equal(expected.Reverse(), Checkpoints(await ReadAllAsync(direction: ReadDirection.Backward, pageSize: 1)));
            Assert.Equal(Range(1, 4), Revisions(await ReadStreamAsync("a")));
            Assert.Equal(
                expected.Where(checkpoint => checkpoint is > 5 and < 100_002), Checkpoints(await ReadAllAsync(after: 5, upTo: 100_001)));
        }
    }

    [Fact, Guarantee("G58")]
    public async Task A_held_storage_accepts_commits_of_the_import_alone_also_after_reopening()
    {
        await AppendAsync("a", 1);
        await Engine.HoldAsync(Import);
        await Engine.HoldAsync(Import);
        await AppendAsync("a", 1);
        var other = await Assert.ThrowsAsync<StorageHeldException>(async () => await Engine.HoldAsync("another"));
        Assert.Equal(Import, other.Holder);
        await Assert.ThrowsAsync<StorageHeldException>(async () => await Engine.ReleaseAsync("another"));
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.SharedWriting))
        {
            await using var second = await OpenAsync();
            await Assert.ThrowsAsync<StorageHeldException>(async () => await CommitAsync(second, Attempt("a", ExpectedRevision.Any)));
            Assert.Equal(2, (await ReadStreamAsync(second, "a")).Count);
        }

        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await Assert.ThrowsAsync<StorageHeldException>(async () => await CommitAsync(Attempt("a", ExpectedRevision.Any)));
            await Assert.ThrowsAsync<StorageHeldException>(async () => await Engine.HoldAsync("another"));
            await Engine.HoldAsync(Import);
            await AppendAsync("a", 1);
        }

        await Engine.ReleaseAsync(Import);
        await Engine.ReleaseAsync(Import);
        await AppendAsync("a", 1);
        await Engine.HoldAsync("another");
        await Engine.ReleaseAsync("another");
    }
}
