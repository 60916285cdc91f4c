using Xunit;

namespace EventStore.Conformance;

/// <summary>An event that was appended, and whether its stream was deleted since.</summary>
internal sealed record ModelEvent(StreamId Stream, long Revision, long Checkpoint)
{
    public bool IsDeleted { get; init; }
}

/// <summary>What was stored, as the callers of a store know it. A reader must have been given exactly this.</summary>
internal sealed class DeliveryModel
{
    private readonly Lock gate = new();
    private readonly SortedList<long, ModelEvent> events = [];
    private readonly HashSet<StreamId> deleted = [];

    /// <summary>All events in the order of their checkpoints, also deleted ones.</summary>
    public IReadOnlyList<ModelEvent> Events
    {
        get
        {
            lock (gate) return [.. events.Values];
        }
    }

    public void Append(StreamId stream, CommitResult result, int count)
    {
        lock (gate)
        {
            for (var i = 1 - count; i <= 0; i++)
            {
                var stored = new ModelEvent(stream, result.LastRevision.Value + i, result.LastCheckpoint.Value + i);
                events.Add(stored.Checkpoint, stored);
            }
        }
    }

    public void Delete(StreamId stream)
    {
        lock (gate)
        {
            deleted.Add(stream);
            foreach (var stored in events.Values.Where(stored => stored.Stream == stream).ToList())
                events[stored.Checkpoint] = stored with { IsDeleted = true };
        }
    }

    public bool WasDeleted(StreamId stream)
    {
        lock (gate) return deleted.Contains(stream);
    }
}

/// <summary>What a reader is to be given.</summary>
/// <param name="Matches">The events of its source.</param>
/// <param name="Start">Where it began.</param>
/// <param name="IsOfStream">
/// Whether revisions are those of one stream; otherwise those of a read stream of which nothing is deleted.
/// </param>
internal sealed record Expectation(Func<ModelEvent, bool> Matches, ConsumerStart Start, bool IsOfStream)
{
    /// <summary>The events that it must have been given, and those that it may have been given.</summary>
    /// <param name="model">What was stored.</param>
    /// <param name="present">The head before and after a reader that begins at the present moment was started; null before that.</param>
    public (HashSet<long> Required, HashSet<long> Allowed) Of(DeliveryModel model, (long Before, long After)? present = null)
    {
        var (required, allowed) = (new HashSet<long>(), new HashSet<long>());
        var index = 0L;
        foreach (var stored in model.Events.Where(Matches))
        {
            index++;
            var (isRequired, isAllowed) = Start.IsCurrent
                ? (stored.Checkpoint > present?.After, stored.Checkpoint > present?.Before)
                : IsAfterStart(stored, index, model);
            if (isAllowed) allowed.Add(stored.Checkpoint);
            if (isRequired && !stored.IsDeleted) required.Add(stored.Checkpoint);
        }

        return (required, allowed);
    }

    private (bool IsRequired, bool IsAllowed) IsAfterStart(ModelEvent stored, long index, DeliveryModel model)
    {
        var isAfterCheckpoint = stored.Checkpoint > Start.Checkpoint.Value;
        if (Start.Revision == Revision.None) return (isAfterCheckpoint, isAfterCheckpoint);

        // A stream that is created again is delivered from its beginning, if the reader had begun before.
        var isAfter = (IsOfStream ? stored.Revision : index) > Start.Revision.Value;
        return (isAfter, isAfter || (IsOfStream && model.WasDeleted(stored.Stream)));
    }
}

/// <summary>What a reader was given, and whether that is what it had to be given.</summary>
internal sealed class DeliveryLog
{
    private readonly Lock gate = new();
    private readonly List<(int Run, StreamId Stream, long Checkpoint)> given = [];
    private int run;
    private TaskCompletionSource added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when an event is next given. Take it before looking at what is missing.</summary>
    public Task NextAdded
    {
        get
        {
            lock (gate) return added.Task;
        }
    }

    /// <summary>Whether order is kept within a stream only.</summary>
    public bool IsByStream { get; init; }

    /// <summary>Whether an event may be given again.</summary>
    public bool MayRepeat { get; init; }

    /// <summary>The reader is started, or started again.</summary>
    public void Begin() => Interlocked.Increment(ref run);

    public void Add(StreamId stream, long checkpoint)
    {
        TaskCompletionSource before;
        lock (gate)
        {
            given.Add((Volatile.Read(ref run), stream, checkpoint));
            before = added;
            added = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        before.TrySetResult();
    }

    /// <summary>Records this instead of what was recorded before.</summary>
    public void Replace(IEnumerable<long> checkpoints)
    {
        lock (gate)
        {
            given.Clear();
            given.AddRange(checkpoints.Select(checkpoint => (0, default(StreamId), checkpoint)));
        }
    }

    public IReadOnlyList<long> MissingFrom(IEnumerable<long> required)
    {
        lock (gate) return [.. required.Except(given.Select(one => one.Checkpoint)).Order()];
    }

    /// <summary>Fails where an event is missing, out of order, given twice, or was not to be given.</summary>
    public void Check(string reader, (HashSet<long> Required, HashSet<long> Allowed) expected)
    {
        lock (gate)
        {
            var missing = MissingFrom(expected.Required);
            Assert.True(missing.Count == 0, $"{reader} was not given {missing.Count} events: {string.Join(' ', missing.Take(20))}");
            var wrong = given.Select(one => one.Checkpoint).Where(checkpoint => !expected.Allowed.Contains(checkpoint)).ToList();
            Assert.True(wrong.Count == 0, $"{reader} was given {wrong.Count} other events: {string.Join(' ', wrong.Take(20))}");
            var repeated = given.GroupBy(one => one.Checkpoint).Where(group => group.Skip(1).Any()).Select(group => group.Key).ToList();
            Assert.True(MayRepeat || repeated.Count == 0, $"{reader} was given events again: {string.Join(' ', repeated.Take(20))}");
            RequireOrder(reader, given.DistinctBy(one => one.Checkpoint));
            if (!MayRepeat) return;
            foreach (var oneRun in given.GroupBy(one => one.Run)) RequireOrder(reader, oneRun.DistinctBy(one => one.Checkpoint));
        }
    }

    private void RequireOrder(string reader, IEnumerable<(int Run, StreamId Stream, long Checkpoint)> sequence)
    {
        foreach (var part in sequence.GroupBy(one => IsByStream ? one.Stream : default))
        {
            var before = 0L;
            foreach (var (_, _, checkpoint) in part)
            {
                Assert.True(checkpoint > before, $"{reader} was given checkpoint {checkpoint} after {before}");
                before = checkpoint;
            }
        }
    }
}
