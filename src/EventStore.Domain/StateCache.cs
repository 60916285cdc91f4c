using System.Runtime.CompilerServices;

namespace EventStore;

/// <summary>
/// Keeps the states of the streams that were used last. Before a state is used, what came after it is read. So it is never outdated by
/// other processes, or by a stream that was deleted or truncated. Thread-safe; one for each <see cref="Fold{TState}"/>.
/// </summary>
/// <typeparam name="TState">The state: a value that is never changed, such as a record.</typeparam>
/// <param name="capacity">How many states are kept for each store; at least 1.</param>
public sealed class StateCache<TState>(int capacity) where TState : notnull
{
    // A store that is gone takes its states along.
    private readonly ConditionalWeakTable<IEventStore, Recent> stores = [];

    /// <summary>How many states are kept for each store.</summary>
    public int Capacity { get; } = capacity >= 1
        ? capacity
        : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "A cache keeps at least one state. Leave it out for none.");

    internal FoldedState<TState>? Find(IEventStore store, StreamId stream) =>
        stores.TryGetValue(store, out var recent) ? recent.Find(stream) : null;

    internal void Put(IEventStore store, StreamId stream, FoldedState<TState> folded)
    {
        if (folded.Revision > Revision.None) stores.GetValue(store, _ => new Recent(Capacity)).Put(stream, folded);
    }

    internal void Remove(IEventStore store, StreamId stream)
    {
        if (stores.TryGetValue(store, out var recent)) recent.Remove(stream);
    }

    /// <summary>The states of one store, those used last in front.</summary>
    private sealed class Recent(int capacity)
    {
        private readonly Lock gate = new();
        private readonly Dictionary<StreamId, LinkedListNode<(StreamId Stream, FoldedState<TState> Folded)>> nodes = [];
        private readonly LinkedList<(StreamId Stream, FoldedState<TState> Folded)> order = new();

        public FoldedState<TState>? Find(StreamId stream)
        {
            lock (gate)
            {
                if (!nodes.TryGetValue(stream, out var node)) return null;
                order.Remove(node);
                order.AddFirst(node);
                return node.Value.Folded;
            }
        }

        public void Put(StreamId stream, FoldedState<TState> folded)
        {
            lock (gate)
            {
                if (nodes.Remove(stream, out var known))
                {
                    order.Remove(known);

                    // Of two callers at once, the one that read more counts.
                    if (IsLater(known.Value.Folded, folded)) folded = known.Value.Folded;
                }

                nodes[stream] = order.AddFirst((stream, folded));
                if (order.Count <= capacity || order.Last is not { } oldest) return;
                order.Remove(oldest);
                nodes.Remove(oldest.Value.Stream);
            }
        }

        public void Remove(StreamId stream)
        {
            lock (gate)
            {
                if (nodes.Remove(stream, out var node)) order.Remove(node);
            }
        }

        private static bool IsLater(FoldedState<TState> left, FoldedState<TState> right) =>
            (left.Incarnation.Value, left.Revision.Value).CompareTo((right.Incarnation.Value, right.Revision.Value)) > 0;
    }
}
