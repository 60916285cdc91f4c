using EventStore.TestSupport;

namespace EventStore.Domain.Tests;

/// <summary>An engine in memory that fails on request, and stores over it: each is as another process.</summary>
public abstract class DomainTest : IAsyncLifetime
{
    private protected static readonly StreamId Stream = new("account", "1");
    private readonly List<IEventStore> stores = [];

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected AdjustableTimeProvider Time { get; } = new();

    private protected LogLines Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Warning);

    private protected CountingEngine Counted { get; }

    private protected FailingEngine Engine { get; }

    private protected DomainTest()
    {
        Counted = new CountingEngine(new EngineCatalogue().AddInMemory().Create("memory:", new EngineContext(Time, Log)));
        Engine = new FailingEngine(Counted, FailurePlan.None, Time);
    }

    private protected IEventStore Store => stores[0];

    public async ValueTask InitializeAsync() => await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        Engine.Recover();
        foreach (var store in stores) await store.DisposeAsync();
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async Task<IEventStore> OpenAsync()
    {
        var store = await Wireup.Init().UsingPersistence(Engine).UsingTimeProvider(Time).UsingLoggerFactory(Log)
            .UsingJsonSerialization(types => types
                .Register<Opened>("opened").Register<Deposited>("deposited").Register<Withdrawn>("withdrawn").Register<Closed>("closed")
                .Register<Account>("account"))
            .BuildAsync(Token);
        stores.Add(store);
        return store;
    }

    private protected async Task DepositAsync(int count, IEventStore? store = null)
    {
        for (var i = 0; i < count; i++) await (store ?? Store).AppendAsync(Stream, new Deposited(1), Token);
    }

    /// <summary>The state by all events, in the plainest way.</summary>
    private protected async Task<Account> FoldAsync(StreamId? stream = null)
    {
        var account = Account.None;
        await foreach (var committed in Store.ReadStreamAsync(stream ?? Stream, cancellationToken: Token))
            account = Account.Evolve(account, committed.Body);
        return account;
    }

    /// <summary>Counts the calls that read, and can fail to save snapshots.</summary>
    private protected sealed class CountingEngine(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int reads;
        private int events;
        private Func<ValueTask>? beforeCommit;
        private Func<ValueTask>? beforeSnapshot;
        private Func<ValueTask>? afterRead;

        public int Reads => reads;

        public int Events => events;

        /// <summary>Runs something before the next commit only.</summary>
        public void BeforeNextCommit(Func<ValueTask> run) => beforeCommit = run;

        /// <summary>Runs something after the next page of a stream was read only.</summary>
        public void AfterNextRead(Func<ValueTask> run) => afterRead = run;

        /// <summary>Runs something before every snapshot; null to end that.</summary>
        public void BeforeSnapshots(Func<ValueTask>? run) => beforeSnapshot = run;

        public void Reset() => (reads, events) = (0, 0);

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Exchange(ref beforeCommit, null) is { } run) await run();
            return await base.CommitAsync(attempts, cancellationToken);
        }

        public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
        {
            var page = await base.ReadStreamAsync(read, cancellationToken);
            Interlocked.Increment(ref reads);
            Interlocked.Add(ref events, page.Events.Length);
            if (Interlocked.Exchange(ref afterRead, null) is { } run) await run();
            return page;
        }

        public override ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref reads);
            return base.FindHeadAsync(stream, cancellationToken);
        }

        public override ValueTask<CommitRecord?> FindCommitAsync(
            StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref reads);
            return base.FindCommitAsync(stream, commitId, cancellationToken);
        }

        public override ValueTask<SnapshotRecord?> FindSnapshotAsync(
            StreamId stream, Revision atMost, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref reads);
            return base.FindSnapshotAsync(stream, atMost, cancellationToken);
        }

        public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
        {
            if (beforeSnapshot is { } run) await run();
            await base.SaveSnapshotAsync(snapshot, cancellationToken);
        }
    }
}
