using System.Runtime.CompilerServices;

namespace EventStore.Pipeline;

/// <summary>
/// Reads the next page while the reader works on the present one, and prepares its events until the reader needs them. This begins with the
/// second page, so that a reader of the first events costs no more. Events that are not prepared in time are left to the reader.
/// </summary>
internal static class ReadAhead
{
    /// <summary>The pages, each with the events that were prepared: the first ones of it, or none.</summary>
    /// <param name="pages">What is read.</param>
    /// <param name="prepare">
    /// Runs beside the reader of the pages; what it throws means that the event is not prepared. Null where nothing can be prepared.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<(ReadOnlyMemory<RecordedEvent> Events, ReadOnlyMemory<CommittedEvent> Prepared)> OneAheadAsync(
        this IAsyncEnumerable<StorePage> pages,
        Func<RecordedEvent, CommittedEvent>? prepare,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var source = pages.GetAsyncEnumerator(cancellationToken);
        var isWanted = true;
        var prepared = ReadOnlyMemory<CommittedEvent>.Empty;
        var next = MoveNextAsync();
        try
        {
            for (var count = 1; await next.ConfigureAwait(false); count++)
            {
                var page = (source.Current.Events, prepared);
                Volatile.Write(ref isWanted, count == 1);
                if (count > 1) next = Task.Run(MoveNextAsync, CancellationToken.None);
                yield return page;
                Volatile.Write(ref isWanted, true);
                if (count == 1) next = MoveNextAsync();
            }
        }
        finally
        {
            // A reader that stopped early ignores the result of the next page, but nothing may be left running.
            Volatile.Write(ref isWanted, true);
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await source.DisposeAsync().ConfigureAwait(false);
        }

        async Task<bool> MoveNextAsync()
        {
            if (!await source.MoveNextAsync().ConfigureAwait(false)) return false;
            prepared = prepare is null ? default : Prepare(source.Current.Events.Span, prepare);
            return true;
        }

        ReadOnlyMemory<CommittedEvent> Prepare(ReadOnlySpan<RecordedEvent> events, Func<RecordedEvent, CommittedEvent> prepareOne)
        {
            if (Volatile.Read(ref isWanted)) return default;
            var done = new CommittedEvent[events.Length];
            var count = 0;
            try
            {
                for (; count < done.Length && !Volatile.Read(ref isWanted); count++) done[count] = prepareOne(events[count]);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // The reader gets the same error when it reaches this event.
            }

            return done.AsMemory(0, count);
        }
    }
}
