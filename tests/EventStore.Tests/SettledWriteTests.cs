using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>
/// Writes other than commits whose outcome an engine does not know: they are settled by what is stored, and what an engine throws to core
/// never reaches the application.
/// </summary>
public sealed class SettledWriteTests
{
    private static readonly StreamId Stream = "stream";
    private static readonly string[] Writes =
    [
        "build", "snapshot", "delete", "truncate", "seal", "purge bucket", "purge all", "mark", "create", "rebuild", "drop", "start",
        "replay", "forget",
    ];

    public static TheoryData<string, bool> Cases { get; } =
        [.. Writes.SelectMany(write => new[] { new TheoryDataRow<string, bool>(write, true), new(write, false) })];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000), MemberData(nameof(Cases))]
    public async Task A_write_of_unknown_outcome_is_settled_or_reported_by_the_contract_and_may_be_repeated(string what, bool isStored)
    {
        var engine = new LosesOutcomes(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default), isStored);
        await engine.InitializeAsync(Token);
        if (what == "build")
        {
            // Nothing in this process is bound to what is written, so that it can be written the next time.
            engine.Lose();
            await (await BuildAsync(engine)).DisposeAsync();
            Assert.Equal(1, engine.Lost);
            return;
        }

        await using var store = await BuildAsync(engine);
        await store.AppendAsync(Stream, "x");
        await store.ReadStreams.CreateAsync("links", EventPredicate.Bucket("default"), Token);
        var consumer = await ParkAsync(store);
        if (what == "forget") await consumer.DisposeAsync();
        engine.Lose();
        var error = await Record.ExceptionAsync(() => WriteAsync(store, consumer, what));
        Assert.Equal(1, engine.Lost);
        Assert.True(error is null or StorageUnavailableException, $"{what} gave {error}");
        if (isStored) Assert.Null(error);

        // Repeated, it succeeds, whatever was stored.
        await WriteAsync(store, consumer, what);
        await consumer.DisposeAsync();
    }

    private static async Task WriteAsync(IEventStore store, IConsumer consumer, string what)
    {
        switch (what)
        {
            case "snapshot":
                await store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(1), "state"), Token);
                Assert.NotNull(await store.Snapshots.FindAsync(Stream, cancellationToken: Token));
                break;
            case "delete":
                await store.DeleteStreamAsync(Stream, Token);
                Assert.Null(await store.FindHeadAsync(Stream, Token));
                break;
            case "truncate":
                await store.TruncateStreamAsync(Stream, new Revision(2), cancellationToken: Token);
                Assert.Equal(2, (await store.FindHeadAsync(Stream, Token))!.FirstRevision.Value);
                break;
            case "seal":
                await store.SealStreamAsync(Stream, cancellationToken: Token);
                Assert.True((await store.FindHeadAsync(Stream, Token))!.IsSealed);
                break;
            case "purge bucket":
                await store.PurgeBucketAsync("default", Token);
                Assert.Empty(await store.ListStreamsAsync(cancellationToken: Token).ToListAsync(Token));
                break;
            case "purge all":
                await store.PurgeAllAsync(Token);
                Assert.Empty(await store.ListStreamsAsync(cancellationToken: Token).ToListAsync(Token));
                break;
            case "mark":
                await store.Dispatch.MarkAsDispatchedAsync(await store.ReadAllAsync(cancellationToken: Token).ToListAsync(Token), Token);
                Assert.Empty(await store.Dispatch.GetUndispatchedAsync(cancellationToken: Token).ToListAsync(Token));
                break;
            case "create": await store.ReadStreams.CreateAsync("more", EventPredicate.Bucket("default"), Token); break;
            case "rebuild": await store.ReadStreams.RebuildAsync("links", Token); break;
            case "drop":
                await store.ReadStreams.DropAsync("links", Token);
                Assert.Null(await store.ReadStreams.FindAsync("links", Token));
                break;
            case "start":
                await (await store.Consumers.StartAsync("other", ConsumerSource.Everything, (_, _) => default, null, Token)).DisposeAsync();
                break;
            case "replay": await consumer.ReplayParkedAsync(Token); break;
            default: await store.Consumers.DeleteAsync("name", Token); break;
        }
    }

    // A consumer that has parked an event, and writes nothing by itself.
    private static async Task<IConsumer> ParkAsync(IEventStore store)
    {
        var isBroken = true;
        var (parked, day) = (new TaskCompletionSource(), TimeSpan.FromDays(1));
        var consumer = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            (_, _) => isBroken ? throw new InvalidOperationException("handler") : default,
            new ConsumerOptions
            {
                MaxRetries = 0,
                FailureAction = FailureAction.Park,
                LeaseTerm = day,
                CheckpointInterval = day,
                OnIdle = () => parked.TrySetResult(),
            },
            Token);
        await parked.Task;
        isBroken = false;
        return consumer;
    }

    private static ValueTask<IEventStore> BuildAsync(IPersistenceEngine engine) => Wireup.Init().UsingPersistence(engine)
        .UsingJsonSerialization(types => types.Register<string>("text")).LeaveReadStreamsUnsigned().BuildAsync(Token);

    // Loses the outcome of one write that is no commit, which it carries out or not.
    private sealed class LosesOutcomes(IPersistenceEngine inner, bool isStored) : DelegatingEngine(inner)
    {
        private int isLosing;
        private int lost;

        public int Lost => Volatile.Read(ref lost);

        public void Lose() => Volatile.Write(ref isLosing, 1);

        public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
            await WriteAsync(() => Done(base.SaveSnapshotAsync(snapshot, cancellationToken)));

        public override ValueTask<long?> PutDocumentAsync(
            string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
            WriteAsync(() => base.PutDocumentAsync(name, content, expectedVersion, cancellationToken));

        public override ValueTask<bool> DeleteDocumentAsync(
            string name, long expectedVersion, CancellationToken cancellationToken = default) =>
            WriteAsync(() => base.DeleteDocumentAsync(name, expectedVersion, cancellationToken));

        public override ValueTask<StreamChange> DeleteStreamAsync(
            StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
            WriteAsync(() => base.DeleteStreamAsync(stream, expected, cancellationToken));

        public override ValueTask<StreamChange> TruncateStreamAsync(
            StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
            WriteAsync(() => base.TruncateStreamAsync(stream, before, expected, cancellationToken));

        public override ValueTask<StreamChange> SealStreamAsync(
            StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
            WriteAsync(() => base.SealStreamAsync(stream, expected, cancellationToken));

        public override async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
            await WriteAsync(() => Done(base.PurgeBucketAsync(bucket, cancellationToken)));

        public override async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
            await WriteAsync(() => Done(base.PurgeAllAsync(cancellationToken)));

        private static async ValueTask<bool> Done(ValueTask call)
        {
            await call;
            return true;
        }

        private async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> write)
        {
            if (Interlocked.Exchange(ref isLosing, 0) == 0) return await write();
            Interlocked.Increment(ref lost);
            if (isStored) await write();
            throw new BatchOutcomeUnknownException("the connection was lost before the result arrived.");
        }
    }
}
