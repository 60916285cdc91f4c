namespace EventStore.Tests;

/// <summary>Code of the application that is called by the store, and closes it.</summary>
public sealed class InsideTests
{
    public static TheoryData<string> Places { get; } =
        ["before commit", "after commit", "after deletion", "after purge", "select", "OnCaughtUp", "OnIdle", "OnPersisted"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000), MemberData(nameof(Places))]
    public async Task Closing_the_store_from_a_hook_or_a_callback_is_refused_and_changes_nothing(string place)
    {
        var closing = new Closes(place);
        await using var store = await Text().HookIntoPipelineUsing(closing).BuildAsync(Token);
        closing.Own(store);
        await store.AppendAsync("stream", "1");
        Assert.Single(await store.ReadAllAsync(cancellationToken: Token).ToListAsync(Token));
        await using var consumer = await store.Consumers.StartAsync(
            "name",
            ConsumerSource.Everything,
            (_, _) => default,
            new ConsumerOptions
            {
                EventsPerCheckpoint = 1,
                OnCaughtUp = () => closing.Close("OnCaughtUp"),
                OnIdle = () => closing.Close("OnIdle"),
                OnPersisted = _ => closing.Close("OnPersisted"),
            },
            Token);
        await store.AppendAsync("other", "1");
        Assert.True(await store.DeleteStreamAsync("stream", Token));
        await store.PurgeBucketAsync("none", Token);

        var refused = Assert.IsType<CalledFromInsideException>(await closing.Result.WaitAsync(Token));
        Assert.Equal("IEventStore.DisposeAsync", refused.Member);
        await store.AppendAsync("other", "2");
        await consumer.WaitUntilCaughtUpAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_hook_of_one_store_may_close_another_one_and_code_after_a_commit_its_own()
    {
        var other = await Text().BuildAsync(Token);
        var closing = new Closes("before commit");
        closing.Own(other);
        var store = await Text().HookIntoPipelineUsing(closing).BuildAsync(Token);
        await store.AppendAsync("stream", "1");
        Assert.Null(await closing.Result.WaitAsync(Token));
        await store.DisposeAsync();
    }

    private static Wireup Text() => Wireup.Init().UsingInMemoryPersistence()
        .UsingJsonSerialization(types => types.Register<string>("text"));

    // Closes a store from one place, the first time that it is called there.
    private sealed class Closes(string place) : IPipelineHook
    {
        private readonly TaskCompletionSource<Exception?> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile IEventStore? owned;
        private int calls;

        /// <summary>The store, which is built with this hook.</summary>
        public void Own(IEventStore store) => owned = store;

        public Task<Exception?> Result => result.Task;

        public void Close(string from)
        {
            if (from != place || owned is not { } store || Interlocked.Increment(ref calls) > 1) return;
            try
            {
                var closing = store.DisposeAsync();
                result.TrySetResult(null);
                _ = closing.AsTask();
            }
            catch (CalledFromInsideException error)
            {
                result.TrySetResult(error);
            }
        }

        public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken)
        {
            Close("before commit");
            return new(CommitDecision.Proceed);
        }

        public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult committed, CancellationToken cancellationToken)
        {
            Close("after commit");
            return default;
        }

        public CommittedEvent? Select(CommittedEvent committed)
        {
            Close("select");
            return committed;
        }

        public ValueTask AfterDeleteAsync(StreamId stream, CancellationToken cancellationToken)
        {
            Close("after deletion");
            return default;
        }

        public ValueTask AfterPurgeAsync(string? bucket, CancellationToken cancellationToken)
        {
            Close("after purge");
            return default;
        }
    }
}
