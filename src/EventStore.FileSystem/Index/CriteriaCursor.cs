using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// Walks the commits that may match any of several criteria, in the order of their checkpoints, in one direction. A commit may match a
/// criterion if it is listed under each of its terms. So a walk costs at most the commits of the rarest term.
/// </summary>
internal sealed class CriteriaCursor
{
    private readonly TermCursor[][] criteria;
    private readonly bool isForward;

    /// <param name="state">The index.</param>
    /// <param name="terms">The terms of each criterion.</param>
    /// <param name="place">For a walk forward: an address before which no commit is meant. Null for a walk backward.</param>
    public CriteriaCursor(IndexState state, IReadOnlyList<byte[][]> terms, long? place)
    {
        isForward = place is not null;
        criteria = [.. terms.Select(all => all.Select(term => new TermCursor(state, term, place)).ToArray())];
    }

    /// <summary>
    /// Finds the next commit: forward the first one that ends at or after a checkpoint, backward the last one that ends at or before it.
    /// </summary>
    /// <param name="checkpoint">The checkpoint, never on the other side of the one before.</param>
    /// <param name="last">The checkpoint of the commit's last event.</param>
    /// <param name="position">The address of its frame.</param>
    public bool TryFind(long checkpoint, out long last, out long position)
    {
        (last, position) = (0, 0);
        foreach (var terms in criteria)
        {
            if (!Meet(terms, checkpoint)) continue;
            var found = terms[0].Last;
            if (position == 0 || (isForward ? found < last : found > last)) (last, position) = (found, terms[0].Position);
        }

        return position > 0;
    }

    // Moves all cursors of a criterion to the next commit that they have in common.
    private bool Meet(TermCursor[] terms, long checkpoint)
    {
        for (var agreed = 0; agreed < terms.Length;)
        {
            agreed = 0;
            foreach (var term in terms)
            {
                if (!(isForward ? term.SeekForward(checkpoint) : term.SeekBackward(checkpoint))) return false;
                if (term.Last == checkpoint) agreed++;
                else (checkpoint, agreed) = (term.Last, 1);
            }
        }

        return true;
    }
}
