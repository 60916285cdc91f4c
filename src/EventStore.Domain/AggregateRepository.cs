using System.Runtime.CompilerServices;

namespace EventStore;

/// <summary>Loads and saves aggregates. It remembers where each was loaded, so that an aggregate need not know.</summary>
internal sealed class AggregateRepository<T, TState>(IEventStore store, Fold<TState> fold, Func<TState, T> create)
    : IAggregateRepository<T>
    where T : class, IAggregate<TState>
    where TState : notnull
{
    private readonly ConditionalWeakTable<T, LoadedStream<TState>> origins = [];

    public async ValueTask<T> LoadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        var loaded = await StateLoader.LoadAsync(store, stream, fold, cancellationToken).ConfigureAwait(false);
        var aggregate = create(loaded.State);
        origins.Add(aggregate, loaded);
        return aggregate;
    }

    public async ValueTask<CommitResult?> SaveAsync(
        StreamId stream, T aggregate, CommandContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(aggregate);
        var loaded = OriginOf(aggregate, stream);
        var messages = CommandContext.MessagesOf(aggregate.UncommittedEvents, context);
        if (messages.Count == 0) return null;
        var result = await Commands.SettleAsync<CommitResult>(
            async id => await loaded.CommitAsync(messages, id, cancellationToken).ConfigureAwait(false),
            id => store.FindCommitAsync(stream, id, cancellationToken),
            context?.CommandId).ConfigureAwait(false);
        aggregate.ClearUncommittedEvents();

        // What a duplicate stored is not what this aggregate has raised.
        if (result?.IsDuplicate == true) origins.Remove(aggregate);
        return result;
    }

    public ValueTask<CommitResult?> ExecuteAsync(
        StreamId stream,
        Action<T> act,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(act);
        return ExecuteAsync(stream, ActAsync, context, maxAttempts, cancellationToken);

        Task ActAsync(T aggregate)
        {
            act(aggregate);
            return Task.CompletedTask;
        }
    }

    public ValueTask<CommitResult?> ExecuteAsync(
        StreamId stream,
        Func<T, Task> act,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(act);
        return Commands.ExecuteAsync(store, stream, fold, DecideAsync, new CommandRun(context?.CommandId, maxAttempts, cancellationToken));

        async ValueTask<IReadOnlyList<EventMessage>> DecideAsync(TState state)
        {
            var aggregate = create(state);
            await act(aggregate).ConfigureAwait(false);
            return CommandContext.MessagesOf(aggregate.UncommittedEvents, context);
        }
    }

    private LoadedStream<TState> OriginOf(T aggregate, StreamId stream)
    {
        var loaded = origins.GetValue(aggregate, _ =>
            new LoadedStream<TState>(store, fold, store.CreateStream(stream), new(fold.Initial, Revision.None, Checkpoint.Origin)));
        return loaded.Opened.Stream == stream
            ? loaded
            : throw new ArgumentException(
                $"The aggregate was loaded from stream '{loaded.Opened.Stream}', and cannot be saved to '{stream}'.", nameof(stream));
    }
}
