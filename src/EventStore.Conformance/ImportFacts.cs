using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Shared by the specifications of imports: a source of the same kind in a storage of its own, and a copy of it.</summary>
public abstract class ImportFacts<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    /// <summary>The name of the import.</summary>
    protected const string Import = "the import";

    private readonly TBackend sourceBackend = new();
    private IPersistenceEngine? source;

    /// <summary>The engine from which commits are imported.</summary>
    protected IPersistenceEngine Source =>
        source ?? throw new InvalidOperationException("The source is opened by InitializeAsync, before the first fact.");

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        source = await sourceBackend.OpenAsync(new EngineContext(Time, NullLoggerFactory.Instance));
        await source.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (source is not null) await source.DisposeAsync();
        await sourceBackend.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Imports all of the source, from the position on that the import is at. It may be flushed after each commit, and calls may be tried
    /// again while the storage fails.
    /// </summary>
    protected async Task<ImportReport> CopyAsync(
        IEventStore store, ImportMode mode, ImportOptions? options = null, bool flushes = false, int tries = 1)
    {
        await using var import = await TryAsync(() => store.Imports.OpenAsync(Import, mode, options), tries);
        await foreach (var truncated in ImportSource.FindTruncatedAsync(Source))
            await TryAsync(() => Done(import.ExpectTruncatedAsync(truncated)), tries);
        await foreach (var unit in ImportSource.ReadAsync(Source, import.Position))
        {
            await TryAsync(() => Done(import.AddAsync(unit)), tries);
            if (flushes) await import.FlushAsync();
        }

        var newest = await ImportSource.FindHeadAsync(Source);
        await TryAsync(() => Done(import.AdvanceAsync(newest)), tries);
        if (mode == ImportMode.Mirror) await CopyHeadsAsync(store, import, tries);
        return await TryAsync(() => import.CompleteAsync(), tries);
    }

    /// <summary>Imports all of the source, by a process that is killed at nearly every write, before or after it is done.</summary>
    protected async Task CopyThroughKillsAsync(ImportMode mode, bool arrives, ImportOptions? options = null)
    {
        for (var life = 0; life < 400; life++)
        {
            var dying = new DyingEngine(Engine, arrives);
            await using var store = await Wire(dying).BuildAsync();
            if (await store.Imports.FindAsync(Import) is { IsComplete: true }) return;

            // To open the import takes one or two writes, and to complete it three. One life must have all of them.
            dying.KillAt(life % 10 == 9 ? 9 : 3 + (life % 2));
            try
            {
                await CopyAsync(store, mode, options, flushes: life % 3 > 0);
                return;
            }
            catch (Exception) when (dying.IsDead)
            {
                // The next life goes on.
            }
        }

        Assert.Fail("the import does not get on when it is broken off again and again");
    }

    /// <summary>
    /// Fills the source with what is odd: units, tags, empty and binary bodies, a sealed stream, and a snapshot. Streams are truncated in
    /// whole, in part and within a commit. Deleted streams leave gaps between and at the end.
    /// </summary>
    protected async Task FillSourceAsync()
    {
        await StoreAsync("a", new EventRecord(SequentialGuid.Next(), "odd", new byte[] { 0, 0xC1, 255 }, default, ["x:1", "é"]), Event(""));
        await StoreAsync("gone", Events(3));
        await StoreAsync("t", Events(1));
        await StoreAsync(new StreamId("tenant", "category", "b"), Events(1));
        await StoreAsync("t", Events(2));
        var id = SequentialGuid.Next();
        await CommitAsync(Source, new CommitAttempt("c", id, Events(1)) { Rest = [new CommitAttempt("d", id, Events(2))] });
        await StoreAsync("t", Events(3));
        await StoreAsync("v", Events(1));
        await StoreAsync("w", Events(2));
        await StoreAsync("v", Events(1));
        Time.Advance(TimeSpan.FromSeconds(1));
        await StoreAsync("a", Events(1));
        await StoreAsync("gone", Events(1));
        await StoreAsync("s", Events(1));
        await StoreAsync("v", Events(1));
        await StoreAsync("gone too", Events(1));
        await Source.DeleteStreamAsync("gone");
        await Source.DeleteStreamAsync("gone too");
        await Source.TruncateStreamAsync("t", new Revision(5), StreamExpectation.Any);
        await Source.TruncateStreamAsync("v", new Revision(9), StreamExpectation.Any);
        await Source.TruncateStreamAsync("w", new Revision(3), StreamExpectation.Any);
        await Source.SealStreamAsync("s", StreamExpectation.Any);
        await Source.SaveSnapshotAsync(new SnapshotRecord("a", new Revision(2), 1, "state", Encoding.UTF8.GetBytes("the state")));
    }

    /// <summary>Stores a commit with headers in the source.</summary>
    protected async Task<CommitRecord> StoreAsync(StreamId stream, params EventRecord[] events)
    {
        var headers = Encoding.UTF8.GetBytes("{\"user\":\"jo\"}");
        var outcome = await CommitAsync(Source, new CommitAttempt(stream, SequentialGuid.Next(), events) { Headers = headers });
        return outcome.Commit!;
    }

    /// <summary>Requires that a store has the same events, heads and newest checkpoint as the source.</summary>
    protected async Task ExpectMirrorAsync()
    {
        Assert.Equal(await ShowAsync(Source, withPlace: true), await ShowAsync(Engine, withPlace: true));
        Assert.Equal(await ImportSource.FindHeadAsync(Source), await ImportSource.FindHeadAsync(Engine));
        var query = new HeadQuery(null, 0, null, 1000);
        Assert.Equal(await Source.ListHeadsAsync(query), await Engine.ListHeadsAsync(query));
        Assert.Empty((await Engine.VerifyAsync()).Damages);
    }

    /// <summary>All events of a store, each as a line, with or without the places that only a mirror keeps.</summary>
    protected static async Task<string[]> ShowAsync(IPersistenceEngine engine, bool withPlace, EventFilter? filter = null) =>
        [.. (await ReadAllAsync(engine, filter)).Select(recorded => Show(recorded, withPlace))];

    private static string Show(RecordedEvent recorded, bool withPlace)
    {
        var (commit, record) = (recorded.Commit, recorded.Record);
        var place = $"{recorded.Checkpoint} r{recorded.Revision} {recorded.IndexInCommit}/{commit.EventCount} {commit.Stamp:O} ";
        return (withPlace ? place : "") + $"{commit.Stream} {commit.CommitId} x{commit.Unit.Size} {record.EventId} {record.EventType} "
            + $"[{string.Join(',', record.Tags)}] {Convert.ToHexString(record.Body.Span)} {Convert.ToHexString(record.Headers.Span)} "
            + (withPlace ? Convert.ToHexString(commit.Headers.Span) : "");
    }

    // What is there already is left as it is, so that an import broken off again and again comes to its end.
    private async Task CopyHeadsAsync(IEventStore store, IImport import, int tries)
    {
        foreach (var head in await Source.ListHeadsAsync(new HeadQuery(null, 0, null, 1000)))
        {
            var copy = await TryAsync(() => store.FindHeadAsync(head.Stream), tries);
            if (head.SnapshotRevision > Revision.None && copy?.SnapshotRevision != head.SnapshotRevision)
            {
                var snapshot = await Source.FindSnapshotAsync(head.Stream, head.Revision);
                await TryAsync(() => Done(import.SaveSnapshotAsync(new ImportSnapshot(snapshot!))), tries);
            }

            if (head.IsSealed && copy?.IsSealed != true) await TryAsync(() => Done(import.SealStreamAsync(head.Stream)), tries);
        }
    }

    private static async ValueTask<bool> Done(ValueTask call)
    {
        await call;
        return true;
    }

    private static async Task<T> TryAsync<T>(Func<ValueTask<T>> call, int tries)
    {
        for (var left = tries; ; left--)
        {
            try
            {
                return await call();
            }
            catch (EventStoreException error) when (
                left > 1 && (error is StorageUnavailableException or CommitOutcomeUnknownException))
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
