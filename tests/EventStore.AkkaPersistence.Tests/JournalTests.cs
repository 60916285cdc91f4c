using Akka.Persistence;
using Akka.Persistence.Journal;
using static AkkaPersistence.Tests.JournalCalls;

namespace AkkaPersistence.Tests;

/// <summary>What Akka expects of a journal, and what this one stores.</summary>
public sealed class JournalTests
{
    [Theory]
    [InlineData(0, long.MaxValue, long.MaxValue, "1 2 3 4 5")]
    [InlineData(2, 4, long.MaxValue, "2 3 4")]
    [InlineData(2, long.MaxValue, 2, "2 3")]
    [InlineData(5, 5, 1, "5")]
    [InlineData(1, 5, 0, "")]
    [InlineData(4, 3, long.MaxValue, "")]
    [InlineData(6, long.MaxValue, long.MaxValue, "")]
    public async Task A_replay_keeps_to_its_bounds(long from, long to, long max, string numbers)
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Journal.WriteAsync(Write("a", 1, "1", "2"), Write("a", 3, "3"), Write("a", 4, "4", "5"));
        var (highest, messages) = await system.Journal.ReplayAsync("a", from, to, max);
        Assert.Equal((5, numbers), (highest, Text(messages)));
        Assert.Equal(numbers, string.Join(' ', messages.Select(message => message.SequenceNr)));
    }

    [Fact]
    public async Task The_writes_of_a_batch_are_one_commit()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Journal.WriteAsync(Write("a", 1, "1"), Write("a", 2, "2", "3", "4"), Write("a", 5, "5"));
        await system.Journal.WriteAsync(Write("a", 6, "6"));
        var stored = await StoredAsync(store, "a");
        Assert.Equal([1, 1, 1, 1, 1, 2], stored.Select(committed => committed.CommitSequence.Value));
    }

    [Fact]
    public async Task A_batch_that_is_too_large_is_stored_in_parts_and_a_write_that_is_too_large_is_rejected_whole()
    {
        await using var store = await TestSystem.StoreAsync(new Limit(3));
        await using var system = TestSystem.Over(store);
        var (batch, messages) = await system.Journal.WriteAsync(
            Write("a", 1, "1"), Write("a", 2, "2", "3", "4"), Write("a", 5, "5", "6"), Write("a", 7, "7", "8", "9", "10"),
            Write("a", 11, "11"), Write("b", 1, "1"));
        Assert.IsType<WriteMessagesSuccessful>(batch);
        Assert.Equal(
            ["7", "8", "9", "10"], messages.OfType<WriteMessageRejected>().Select(rejected => rejected.Persistent.Payload));
        Assert.Equal((11, "1 2 3 4 5 6 11"), await HighestAndTextAsync(system, "a"));
        Assert.Equal((1, "1"), await HighestAndTextAsync(system, "b"));
        foreach (var commit in (await StoredAsync(store, "a")).GroupBy(committed => committed.CommitId))
            Assert.InRange(commit.Count(), 1, 3);
    }

    [Fact]
    public async Task An_atomic_write_is_rejected_whole_and_the_others_of_its_batch_are_stored()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        var (batch, messages) = await system.Journal.WriteAsync(
            Write("a", 1, "1"), Write("a", 2, "2", new Unserializable()), Write("a", 4, "4", "5"));
        Assert.IsType<WriteMessagesSuccessful>(batch);
        Assert.Equal(
            [typeof(WriteMessageSuccess), typeof(WriteMessageRejected), typeof(WriteMessageRejected), typeof(WriteMessageSuccess),
                typeof(WriteMessageSuccess)],
            messages.Select(message => message.GetType()));
        Assert.Equal([1, 2, 3], (await StoredAsync(store, "a")).Select(committed => committed.Revision.Value));
        var (highest, replayed) = await system.Journal.ReplayAsync("a");
        Assert.Equal((5, "1 4 5"), (highest, Text(replayed)));
    }

    [Fact]
    public async Task A_write_that_a_hook_refuses_is_rejected_and_the_later_ones_of_its_batch_are_stored()
    {
        await using var store = await TestSystem.StoreAsync(new Refusal());
        await using var system = TestSystem.Over(store);
        var (batch, messages) = await system.Journal.WriteAsync(
            Write("a", 1, "1"), Write("a", 2, new Tagged("2", ["refused"])), Write("a", 3, "3"));
        Assert.IsType<WriteMessagesSuccessful>(batch);
        Assert.IsType<CommitRefusedException>(Assert.IsType<WriteMessageRejected>(messages[1]).Cause);
        Assert.Equal((3, "1 3"), await HighestAndTextAsync(system, "a"));
    }

    [Theory]
    [InlineData(0, "1 4 5 7 8")]
    [InlineData(1, "4 5 7 8")]
    [InlineData(3, "4 5 7 8")]
    [InlineData(4, "5 7 8")]
    [InlineData(6, "7 8")]
    [InlineData(7, "8")]
    [InlineData(8, "")]
    [InlineData(long.MaxValue, "")]
    public async Task Bounds_are_sequence_numbers_also_where_rejected_writes_left_holes(long deleteTo, string left)
    {
        await using var store = await TestSystem.StoreAsync();
        await using (var system = TestSystem.Over(store))
        {
            var unserializable = new Unserializable();
            await system.Journal.WriteAsync(Write("a", 1, "1"), Write("a", 2, unserializable, unserializable), Write("a", 4, "4", "5"));
            await system.Journal.WriteAsync(Write("a", 6, unserializable), Write("a", 7, "7"), Write("a", 8, "8"));
            await system.Journal.DeleteAsync("a", deleteTo);
            await system.Journal.DeleteAsync("a", Math.Min(deleteTo, 3));
        }

        await using var later = TestSystem.Over(store);
        var numbers = left.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse).ToList();
        for (var bound = 0; bound <= 9; bound++)
        {
            Assert.Equal((8, string.Join(' ', numbers.Where(number => number >= bound))), await HighestAndTextAsync(later, "a", bound));
            Assert.Equal((8, string.Join(' ', numbers.Where(number => number <= bound))), await HighestAndTextAsync(later, "a", 0, bound));
        }

        Assert.IsType<WriteMessagesSuccessful>((await later.Journal.WriteAsync(Write("a", 9, "9"))).Batch);
        Assert.Equal((9, "9"), await HighestAndTextAsync(later, "a", from: 9));
    }

    [Fact]
    public async Task A_system_whose_numbers_are_outdated_fails_and_stores_nothing()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var first = TestSystem.Over(store);
        await using var second = TestSystem.Over(store);
        await first.Journal.WriteAsync(Write("a", 1, "1"));
        await second.Journal.ReplayAsync("a");
        await first.Journal.WriteAsync(Write("a", 2, "2"));

        var (batch, messages) = await second.Journal.WriteAsync(Write("a", 2, "other"), Write("a", 3, "other"));
        Assert.IsType<ConcurrencyException>(Assert.IsType<WriteMessagesFailed>(batch).Cause);
        Assert.All(messages, message => Assert.IsType<WriteMessageFailure>(message));
        Assert.Equal((2, "1 2"), await HighestAndTextAsync(first, "a"));
    }

    [Fact]
    public async Task A_store_that_is_not_available_makes_writes_fail_and_rejects_none()
    {
        var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Journal.WriteAsync(Write("a", 1, "1"));
        await store.DisposeAsync();
        var (batch, messages) = await system.Journal.WriteAsync(Write("a", 2, "2"));
        Assert.IsType<ObjectDisposedException>(Assert.IsType<WriteMessagesFailed>(batch).Cause);
        Assert.IsType<WriteMessageFailure>(Assert.Single(messages));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => system.Journal.ReplayAsync("a"));
    }

    [Fact]
    public async Task A_recovery_waits_for_the_outstanding_writes_of_its_actor()
    {
        var gate = new Gate();
        await using var store = await TestSystem.StoreAsync(gate);
        await using var system = TestSystem.Over(store);
        var writing = system.Journal.WriteAsync(Write("a", 1, "1"), Write("a", 2, "2"));
        await gate.Reached.Task.WaitAsync(TestSystem.Patience, TestContext.Current.CancellationToken);
        var recovering = HighestAndTextAsync(system, "a");
        Assert.Equal((0, ""), await HighestAndTextAsync(system, "b")); // another actor does not wait
        Assert.False(recovering.IsCompleted);

        gate.Open.SetResult();
        Assert.Equal((2, "1 2"), await recovering);
        Assert.IsType<WriteMessagesSuccessful>((await writing).Batch);
    }

    [Fact]
    public async Task Tags_are_tags_of_the_store_and_the_payload_comes_back_without_them()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Journal.WriteAsync(Write("a", 1, new Tagged("1", ["red", "round"]), "2"), Write("b", 1, new Tagged("3", ["red"])));
        var red = await store.ReadAllAsync(new EventQuery { Criteria = EventCriteria.Tagged("red") }, EventDecoding.OnDemand).ToListAsync();
        Assert.Equal(["a", "b"], red.Select(committed => committed.Stream.Id));
        Assert.Equal(["red", "round"], red[0].Tags.Order());
        Assert.Equal((2, "1 2"), await HighestAndTextAsync(system, "a"));

        var (batch, messages) = await system.Journal.WriteAsync(Write("a", 3, new Tagged("3", [""])));
        Assert.IsType<WriteMessagesSuccessful>(batch);
        Assert.IsType<InvalidNameException>(Assert.IsType<WriteMessageRejected>(Assert.Single(messages)).Cause);
    }

    [Fact]
    public async Task A_message_comes_back_with_its_writer_its_manifest_and_the_time_of_the_store()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Journal.WriteAsync(new AtomicWrite(new Persistent("1", 1, "a", "manifest", writerGuid: "writer")));
        var (_, messages) = await system.Journal.ReplayAsync("a");
        var message = Assert.Single(messages);
        Assert.Equal(("writer", "manifest", "a"), (message.WriterGuid, message.Manifest, message.PersistenceId));
        Assert.Equal((await StoredAsync(store, "a"))[0].Stamp.UtcTicks, message.Timestamp);
        Assert.Null(message.Sender);
    }

    [Fact]
    public async Task Systems_with_categories_of_their_own_share_a_store_and_see_nothing_of_each_other()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var first = TestSystem.Over(store, "akka.persistence.journal.event-store.category = first");
        await using var second = TestSystem.Over(store, "akka.persistence.journal.event-store.category = second");
        await first.Journal.WriteAsync(Write("a", 1, "1"));
        await second.Journal.WriteAsync(Write("a", 1, "one"));
        Assert.Equal((1, "1"), await HighestAndTextAsync(first, "a"));
        Assert.Equal((1, "one"), await HighestAndTextAsync(second, "a"));
    }

    private static string Text(IEnumerable<IPersistentRepresentation> messages) =>
        string.Join(' ', messages.Select(message => message.Payload));

    private static async Task<(long Highest, string Text)> HighestAndTextAsync(
        TestSystem system, string id, long from = 0, long to = long.MaxValue)
    {
        var (highest, messages) = await system.Journal.ReplayAsync(id, from, to);
        return (highest, Text(messages));
    }

    private static ValueTask<List<CommittedEvent>> StoredAsync(IEventStore store, string id) =>
        store.ReadStreamAsync(new StreamId("akka", id), decoding: EventDecoding.OnDemand).ToListAsync();

    private sealed class Unserializable
    {
        public string Value => throw new NotSupportedException(GetType().Name);
    }

    private sealed class Refusal : IPipelineHook
    {
        public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) =>
            new(commit.Events.Any(message => message.Tags.Contains("refused"))
                ? CommitDecision.Refuse("It has the tag.")
                : CommitDecision.Proceed);
    }

    private sealed class Limit(int events) : IPipelineHook
    {
        public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) =>
            new(commit.Events.Count > events ? CommitDecision.Refuse("It is too large.") : CommitDecision.Proceed);
    }

    private sealed class Gate : IPipelineHook
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken)
        {
            Reached.TrySetResult();
            await Open.Task;
            return CommitDecision.Proceed;
        }
    }
}
