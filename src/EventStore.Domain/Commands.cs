using EventStore.Engines;

namespace EventStore;

/// <summary>What all forms of commands have in common: attempts until no other writer was faster, and repeated commands found.</summary>
internal static class Commands
{
    /// <summary>How often a command is tried where the caller does not say.</summary>
    public const int DefaultAttempts = 25;

    /// <summary>Decides on the state of one stream and appends to it.</summary>
    public static ValueTask<CommitResult?> ExecuteAsync<TState>(
        IEventStore store,
        StreamId stream,
        Fold<TState> fold,
        Func<TState, ValueTask<IReadOnlyList<EventMessage>>> decide,
        CommandRun run)
        where TState : notnull
    {
        return SettleAsync(RepeatAsync, id => store.FindCommitAsync(stream, id, run.Token), run.CommandId);

        ValueTask<CommitResult?> RepeatAsync(Guid id) =>
            Conflicts.RetryAsync(() => AttemptAsync(id), run.MaxAttempts, store.Time, run.Token);

        async ValueTask<CommitResult?> AttemptAsync(Guid id)
        {
            var loaded = await StateLoader.LoadAsync(store, stream, fold, run.Token).ConfigureAwait(false);
            var messages = await decide(loaded.State).ConfigureAwait(false);
            return messages.Count == 0 ? null : await loaded.CommitAsync(messages, id, run.Token).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Executes a command. One with an id of its caller may have been stored before. Then a decision on the later state refuses it, or
    /// makes no events or others. So it is looked for in these cases, and not before, which would cost every command.
    /// </summary>
    /// <param name="execute">Executes the command under an id.</param>
    /// <param name="find">Finds what is stored under the id; null where it is not stored.</param>
    /// <param name="commandId">The id that the caller gave; null for none.</param>
    public static async ValueTask<T?> SettleAsync<T>(
        Func<Guid, ValueTask<T?>> execute, Func<Guid, ValueTask<T?>> find, Guid? commandId)
        where T : class
    {
        if (commandId is not { } id) return await execute(SequentialGuid.Next()).ConfigureAwait(false);
        try
        {
            if (await execute(id).ConfigureAwait(false) is { } result) return result;
        }
        catch (Exception error) when (error is not (OperationCanceledException or StorageException or CommitOutcomeUnknownException))
        {
            if (await find(id).ConfigureAwait(false) is { } stored) return stored;
            throw;
        }

        return await find(id).ConfigureAwait(false);
    }
}

/// <summary>How a command is executed.</summary>
/// <param name="CommandId">The id that the caller gave; null for none.</param>
/// <param name="MaxAttempts">The highest number of attempts.</param>
/// <param name="Token">Ends it between attempts and before a commit is sent.</param>
internal readonly record struct CommandRun(Guid? CommandId, int MaxAttempts, CancellationToken Token);
