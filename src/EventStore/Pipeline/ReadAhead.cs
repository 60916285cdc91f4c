using System.Runtime.CompilerServices;

namespace EventStore.Pipeline;

/// <summary>
/// Has the next page read while the present one is looked at: from the second page on, so that whoever wants only the beginning costs no more.
/// </summary>
internal static class ReadAhead
{
    public static async IAsyncEnumerable<T> OneAheadAsync<T>(this IAsyncEnumerable<T> pages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var source = pages.GetAsyncEnumerator(cancellationToken);
        Task<bool> next = source.MoveNextAsync().AsTask();
        try
        {
            for (var count = 1; await next.ConfigureAwait(false); count++)
            {
                var page = source.Current;
                if (count > 1) next = Task.Run(MoveNextAsync, CancellationToken.None);
                yield return page;
                if (count == 1) next = MoveNextAsync();
            }
        }
        finally
        {
            // Whoever stopped early does not care how the next page ended, only that nothing runs on.
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await source.DisposeAsync().ConfigureAwait(false);
        }

        async Task<bool> MoveNextAsync() => await source.MoveNextAsync().ConfigureAwait(false);
    }
}
