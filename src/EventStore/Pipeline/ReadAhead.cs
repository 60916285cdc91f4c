using System.Runtime.CompilerServices;

namespace EventStore.Pipeline;

/// <summary>
/// Has the next page read while the present one is looked at, and then its events prepared until it is asked for: from the second page on, so
/// that whoever wants only the beginning costs no more. What is not prepared by then is left to the reader, so both are busy all the time.
/// </summary>
internal static class ReadAhead
{
    /// <summary>The pages, each with the events that were prepared: the first ones of it, or none.</summary>
    /// <param name="pages">What is read.</param>
    /// <param name="prepare">Runs beside the reader of the pages; what it throws means that the event is not prepared. Null where nothing can be prepared.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<(ReadOnlyMemory<RecordedEvent> Events, ReadOnlyMemory<CommittedEvent> Prepared)> OneAheadAsync(
        this IAsyncEnumerable<StorePage> pages, Func<RecordedEvent, CommittedEvent>? prepare, [EnumeratorCancellation] CancellationToken cancellationToken)
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
            // Whoever stopped early does not care how the next page ended, only that nothing runs on.
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
                // The reader comes to this event too, and meets the same error in its place.
            }

            return done.AsMemory(0, count);
        }
    }
}
