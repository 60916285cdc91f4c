using EventStore.Engines;

namespace EventStore;

/// <summary>Commands to several streams, whose events are stored together or not at all. One command for each stream.</summary>
public sealed class CommandUnit
{
    private readonly List<Member> members = [];

    /// <summary>Adds a command.</summary>
    /// <param name="stream">The stream, at most once in a unit.</param>
    /// <param name="decider">How to decide.</param>
    /// <param name="command">The command.</param>
    /// <returns>The same unit.</returns>
    /// <exception cref="ArgumentException">The stream has a command in the unit already.</exception>
    public CommandUnit Add<TState, TCommand>(StreamId stream, Decider<TState, TCommand> decider, TCommand command)
        where TState : notnull
    {
        _ = stream.Id;
        ArgumentNullException.ThrowIfNull(decider);
        if (members.Exists(member => member.Stream == stream))
            throw new ArgumentException($"The unit has a command for stream '{stream}' already. A stream has one command.", nameof(stream));
        members.Add(new Member<TState, TCommand>(stream, decider, command));
        return this;
    }

    internal ValueTask<UnitResult?> ExecuteAsync(IEventStore store, CommandContext? context, CommandRun run)
    {
        if (members.Count == 0) throw new InvalidOperationException("The unit has no command. Add at least one.");
        StreamId[] streams = [.. members.Select(member => member.Stream)];
        return Commands.SettleAsync(RepeatAsync, id => store.FindUnitAsync(id, streams, run.Token), run.CommandId);

        ValueTask<UnitResult?> RepeatAsync(Guid id) =>
            Conflicts.RetryAsync(() => AttemptAsync(id), run.MaxAttempts, store.Time, run.Token);

        async ValueTask<UnitResult?> AttemptAsync(Guid id)
        {
            var unit = new CommitUnit(id);
            List<Func<ValueTask>> follow = [];
            foreach (var member in members)
            {
                if (await member.DecideAsync(store, unit, context, run.Token).ConfigureAwait(false) is { } after) follow.Add(after);
            }

            if (unit.Commits.Count == 0) return null;
            var result = await store.CommitAsync(unit, run.Token).ConfigureAwait(false);
            foreach (var after in follow.Where(_ => !result.IsDuplicate)) await after().ConfigureAwait(false);
            return result;
        }
    }

    /// <summary>A command of the unit, whatever its types are.</summary>
    private abstract class Member(StreamId stream)
    {
        public StreamId Stream { get; } = stream;

        /// <summary>Loads and decides, and adds the events to a unit.</summary>
        /// <returns>What is to be done after the unit was committed; null where the decision made no events.</returns>
        public abstract ValueTask<Func<ValueTask>?> DecideAsync(
            IEventStore store, CommitUnit unit, CommandContext? context, CancellationToken cancellationToken);
    }

    private sealed class Member<TState, TCommand>(StreamId stream, Decider<TState, TCommand> decider, TCommand command) : Member(stream)
        where TState : notnull
    {
        public override async ValueTask<Func<ValueTask>?> DecideAsync(
            IEventStore store, CommitUnit unit, CommandContext? context, CancellationToken cancellationToken)
        {
            var loaded = await StateLoader.LoadAsync(store, Stream, decider, cancellationToken).ConfigureAwait(false);
            var messages = decider.DecideOn(Stream, loaded.State, command, context);
            if (messages.Count == 0) return null;
            unit.Append(loaded.Opened, messages);
            return () => loaded.FollowAsync(isBehind: true, cancellationToken);
        }
    }
}
