using EventStore.TestServers;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// Streams that are deleted between the statements of one page: they take no other event along, and are never shown in part.
/// </summary>
public sealed class VanishingTests : IAsyncLifetime
{
    private static readonly PageLimit Limit = new(10, 2_000);
    private readonly TestSchema schema = new();
    private string address = "";
    private IPersistenceEngine? opened;

    private IPersistenceEngine Engine => opened ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        address = await TestSchema.AddressAsync();
        opened = await TestStores.OpenEngineAsync(address, schema.Options);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory(Timeout = 60_000), InlineData(ReadDirection.Forward), InlineData(ReadDirection.Backward)]
    public async Task A_large_event_whose_stream_vanishes_takes_no_other_along(ReadDirection direction)
    {
        var isForward = direction == ReadDirection.Forward;
        await CommitAsync(isForward ? "vanishing" : "kept", 5_000);
        await CommitAsync(isForward ? "kept" : "vanishing", 5_000);
        var page =
            await ReadWhileAsync(
            $"DELETE FROM {schema.Quoted}.events WHERE stream = (SELECT stream FROM {schema.Quoted}.streams WHERE id = 'vanishing'); "
                + $"DELETE FROM {schema.Quoted}.streams WHERE id = 'vanishing'", direction);
        Assert.Equal(["kept"], Streams(page.Events));
    }

    // That the names are left is what a deletion looks like that came after they were read.
    [Fact(Timeout = 60_000)]
    public async Task A_commit_whose_large_event_vanishes_is_not_shown_in_part()
    {
        await CommitAsync("vanishing", 10, 5_000);
        await CommitAsync("kept", 10);
        var page = await ReadWhileAsync($"DELETE FROM {schema.Quoted}.events WHERE stream = 1", ReadDirection.Forward);
        Assert.Equal(["kept"], Streams(page.Events));
        Assert.Equal((3L, true), (page.Position.Value, page.IsEnd));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_stream_whose_large_event_vanishes_is_not_shown_in_part()
    {
        var server = new NpgsqlConnectionStringBuilder(address);
        await using var proxy = FaultyProxy.Before(server.Port, delay: TimeSpan.FromSeconds(8));
        server.Port = proxy.Port;
        await using var reading = await TestStores.OpenEngineAsync(server.ConnectionString, schema.Options);
        await CommitAsync("vanishing", 10, 5_000, 10);

        var struck = proxy.Arm(Fault.DelayReply, "vanishing"u8.ToArray());
        var read = reading.ReadStreamAsync(new StreamRead("vanishing", new Revision(1), Revision.Max, ReadDirection.Forward, Limit), Token)
            .AsTask();
        while (!true.Equals(
            await schema.RunAsync(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle' AND strpos(query, 'y.revision <= $5') > 0 AND "
                + "strpos(query, '{schema}.') > 0)"))) await Task.Delay(10, Token);
        await Engine.DeleteStreamAsync("vanishing", StreamExpectation.Any, Token);
        Assert.False(read.IsCompleted);
        await struck;
        var page = await read;
        Assert.Equal((0, default, true), (page.Events.Length, page.State, page.IsEnd));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_caller_that_cancels_leaves_at_once_and_the_server_is_not_asked_to_cancel()
    {
        await CommitAsync("a", 10);
        await using var locking = new NpgsqlConnection(address);
        await locking.OpenAsync(Token);
        await using var transaction = await locking.BeginTransactionAsync(Token);
        await using (var command = new NpgsqlCommand($"LOCK TABLE {schema.Quoted}.streams", locking))
            await command.ExecuteNonQueryAsync(Token);
        using var cancelling = new CancellationTokenSource();
        var asked = new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, Limit);
        var read = Engine.ReadAllAsync(asked, cancelling.Token).AsTask();
        await schema.UntilWaitingAsync(1);
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await schema.UntilWaitingAsync(1); // it still waits for the lock
        await transaction.CommitAsync(Token);
        Assert.Equal("a", (await Engine.FindHeadAsync("a", Token))!.Stream.Id);
    }

    private async Task CommitAsync(StreamId stream, params int[] sizes) =>
        Assert.Equal(CommitOutcomeKind.Committed, (await Engine.CommitAsync(
        new CommitAttempt(
            stream, SequentialGuid.Next(), [.. sizes.Select(size => new EventRecord(SequentialGuid.Next(), "type", new byte[size]))])
        {
            Expected = ExpectedRevision.NoStream,
        })).Kind);

    // Names are read from a table of their own: while it is locked, a page has its events, and waits for their names.
    private async Task<StorePage> ReadWhileAsync(string deletion, ReadDirection direction)
    {
        await using var deleting = new NpgsqlConnection(address);
        await deleting.OpenAsync(Token);
        await using var transaction = await deleting.BeginTransactionAsync(Token);
        await using (var delete = new NpgsqlCommand($"LOCK TABLE {schema.Quoted}.streams; {deletion}",
            deleting)) await delete.ExecuteNonQueryAsync(Token);
        var read = Engine.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, direction, Limit), Token)
            .AsTask();
        await schema.UntilWaitingAsync(1);
        await transaction.CommitAsync(Token);
        return await read;
    }

    private static IEnumerable<string> Streams(ReadOnlyMemory<RecordedEvent> events) =>
        events.ToArray().Select(recorded => recorded.Commit.Stream.Id);
}
