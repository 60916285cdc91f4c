using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using Xunit.v3;

namespace EventStore.Conformance;

/// <summary>Shared by all specifications: an engine on new storage, and short methods to commit, read and compare.</summary>
public abstract class Specification<TBackend> : IAsyncLifetime where TBackend : IBackend, new()
{
    /// <summary>Whether longer and larger runs were chosen by the environment variable EVENTSTORE_CONFORMANCE=long.</summary>
    protected static bool IsLongRun { get; } = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);
    private IPersistenceEngine? engine;

    protected TBackend Backend { get; } = new();

    protected AdjustableTimeProvider Time { get; } = new();

    /// <summary>The engine under test, open and initialized.</summary>
    protected IPersistenceEngine Engine =>
        engine ?? throw new InvalidOperationException("The engine is opened by InitializeAsync, before the first fact.");

    public virtual async ValueTask InitializeAsync() => engine = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        if (engine is not null) await engine.DisposeAsync();
        await Backend.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens another engine over the same storage.</summary>
    protected async ValueTask<IPersistenceEngine> OpenAsync()
    {
        var opened = await Backend.OpenAsync(new EngineContext(Time, NullLoggerFactory.Instance));
        await opened.InitializeAsync();
        return opened;
    }

    /// <summary>Closes the engine and opens the storage again.</summary>
    protected async ValueTask ReopenAsync()
    {
        Require(EngineCapabilities.Reopens);
        await Engine.DisposeAsync();
        engine = await OpenAsync();
    }

    /// <summary>Skips the fact if the backend does not promise this.</summary>
    protected void Require(EngineCapabilities capability) => Assert.SkipUnless(
        Engine.Description.Capabilities.HasFlag(capability),
        $"The description of '{Engine.Description.Name}' does not promise {capability}.");

    /// <summary>A store built over the engine under test, with events as text; the engine stays open when it is disposed.</summary>
    protected Wireup Wire(IPersistenceEngine? engine = null) => WireWithoutKeyChoice(engine).LeaveReadStreamsUnsigned();

    /// <summary>The same, where the choice whether read streams are signed is left to the fact.</summary>
    protected Wireup WireWithoutKeyChoice(IPersistenceEngine? engine = null) =>
        Wireup.Init().UsingPersistence(engine ?? Engine).UsingCustomSerialization(TextSerializer.Instance).UsingTimeProvider(Time);

    protected static EventRecord Event(string body = "body", string type = "type", string headers = "") =>
        new(SequentialGuid.Next(), type, Encoding.UTF8.GetBytes(body), Encoding.UTF8.GetBytes(headers));

    protected static EventRecord[] Events(int count, string prefix = "e") =>
        [.. Enumerable.Range(1, count).Select(i => Event($"{prefix}{i}"))];

    protected static CommitAttempt Attempt(StreamId stream, ExpectedRevision expected, params EventRecord[] events) =>
        new(stream, SequentialGuid.Next(), events.Length == 0 ? [Event()] : events) { Expected = expected };

    protected ValueTask<CommitOutcome> CommitAsync(CommitAttempt attempt) => CommitAsync(Engine, attempt);

    protected static async ValueTask<CommitOutcome> CommitAsync(IPersistenceEngine engine, CommitAttempt attempt)
    {
        var outcomes = await engine.CommitAsync([attempt]);
        return Assert.Single(outcomes);
    }

    /// <summary>Appends events as one commit at any revision; they are stored when this returns.</summary>
    protected async ValueTask<CommitRecord> AppendAsync(StreamId stream, params EventRecord[] events)
    {
        var outcome = await CommitAsync(Attempt(stream, ExpectedRevision.Any, events));
        Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
        return outcome.Commit!;
    }

    protected ValueTask<CommitRecord> AppendAsync(StreamId stream, int count) => AppendAsync(stream, Events(count));

    /// <summary>The head of a stream that must have one.</summary>
    protected async ValueTask<StreamHead> HeadAsync(StreamId stream, IPersistenceEngine? engine = null) =>
        Present(await (engine ?? Engine).FindHeadAsync(stream), $"stream '{stream}' has events, but no head was found");

    /// <summary>The newest snapshot at or below a revision, where there must be one.</summary>
    protected async ValueTask<SnapshotRecord> SnapshotAsync(StreamId stream, Revision atMost) =>
        Present(
            await Engine.FindSnapshotAsync(stream, atMost), $"stream '{stream}' has a snapshot at or below {atMost}, but none was found");

    /// <summary>The commit of a stream under an id, where there must be one.</summary>
    protected async ValueTask<CommitRecord> FoundAsync(StreamId stream, Guid commitId) =>
        Present(await Engine.FindCommitAsync(stream, commitId), $"stream '{stream}' holds commit {commitId}, but it was not found");

    /// <summary>A document that must exist.</summary>
    protected async ValueTask<NamedDocument> DocumentAsync(string name) =>
        Present(await Engine.FindDocumentAsync(name), $"document '{name}' was written, but not found");

    /// <summary>Reads a range of a stream by pages of a size.</summary>
    protected ValueTask<List<RecordedEvent>> ReadStreamAsync(
        StreamId stream, long from = 1, long to = long.MaxValue, ReadDirection direction = ReadDirection.Forward, int pageSize = 100) =>
        ReadStreamAsync(Engine, stream, from, to, direction, pageSize);

    protected static async ValueTask<List<RecordedEvent>> ReadStreamAsync(
        IPersistenceEngine engine,
        StreamId stream,
        long from = 1,
        long to = long.MaxValue,
        ReadDirection direction = ReadDirection.Forward,
        int pageSize = 100)
    {
        var all = new List<RecordedEvent>();
        while (from <= to)
        {
            var page = await engine.ReadStreamAsync(
                new StreamRead(stream, new Revision(from), new Revision(to), direction, new PageLimit(pageSize, long.MaxValue)));
            Assert.True(page.Events.Length <= pageSize, $"a page of at most {pageSize} events held {page.Events.Length}");
            Assert.True(page.IsEnd || page.Events.Length > 0, "a page without events must be the end of the range");
            foreach (var recorded in page.Events.Span)
            {
                if (recorded.Revision.Value < from || recorded.Revision.Value > to)
                    Assert.Fail($"a page of the revisions {from} to {to} held {recorded.Revision}");
            }

            all.AddRange(page.Events.Span);
            if (page.IsEnd) break;
            if (direction == ReadDirection.Forward) from = all[^1].Revision.Value + 1;
            else to = all[^1].Revision.Value - 1;
        }

        return all;
    }

    /// <summary>Reads a range of the store by pages of a size.</summary>
    protected ValueTask<List<RecordedEvent>> ReadAllAsync(
        EventFilter? filter = null,
        long after = 0,
        long upTo = long.MaxValue,
        ReadDirection direction = ReadDirection.Forward,
        int pageSize = 100) =>
        ReadAllAsync(Engine, filter, after, upTo, direction, pageSize);

    protected static async ValueTask<List<RecordedEvent>> ReadAllAsync(
        IPersistenceEngine engine,
        EventFilter? filter = null,
        long after = 0,
        long upTo = long.MaxValue,
        ReadDirection direction = ReadDirection.Forward,
        int pageSize = 100)
    {
        var all = new List<RecordedEvent>();
        while (after < upTo)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(
                    filter ?? EventFilter.Everything,
                    new Checkpoint(after),
                    new Checkpoint(upTo),
                    direction,
                    new PageLimit(pageSize, long.MaxValue)));
            Assert.True(page.Events.Length <= pageSize, $"a page of at most {pageSize} events held {page.Events.Length}");
            all.AddRange(page.Events.Span);
            if (page.IsEnd) break;
            var (low, high) = (after, upTo);
            if (direction == ReadDirection.Forward) after = page.Position.Value;
            else upTo = page.Position.Value - 1;
            Assert.True(after > low || upTo < high, $"a page must move on, but stayed at {page.Position}");
        }

        return all;
    }

    protected static string Body(RecordedEvent recorded) => Encoding.UTF8.GetString(recorded.Record.Body.Span);

    protected static string[] Bodies(IEnumerable<RecordedEvent> events) => [.. events.Select(Body)];

    protected static long[] Revisions(IEnumerable<RecordedEvent> events) => [.. events.Select(recorded => recorded.Revision.Value)];

    protected static long[] Checkpoints(IEnumerable<RecordedEvent> events) => [.. events.Select(recorded => recorded.Checkpoint.Value)];

    protected static long[] Range(long first, long last) =>
        [.. Enumerable.Range(0, (int)Math.Max(0, last - first + 1)).Select(i => first + i)];

    private static T Present<T>(T? found, string otherwise) where T : class
    {
        Assert.True(found is not null, otherwise);
        return found;
    }

    protected static async ValueTask<List<T>> ToListAsync<T>(IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items) list.Add(item);
        return list;
    }

    /// <summary>Waits for a condition. A fact that waits has a time limit.</summary>
    protected static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    /// <summary>Waits for a condition. A fact that waits has a time limit.</summary>
    protected static async Task UntilAsync(Func<Task<bool>> holds)
    {
        while (!await holds()) await Task.Delay(PollInterval, TestContext.Current.CancellationToken);
    }

    /// <summary>
    /// Waits for a condition while the clock is advanced in steps. After each step there is time for the work that is due.
    /// </summary>
    protected async Task UntilAsync(Func<Task<bool>> holds, TimeSpan step)
    {
        const int PollsPerStep = 20;
        for (var polls = 1; !await holds(); polls++)
        {
            if (polls % PollsPerStep == 0) Time.Advance(step);
            await Task.Delay(PollInterval, TestContext.Current.CancellationToken);
        }
    }
}
