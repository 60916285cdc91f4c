using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Reading;

/// <summary>Finds what is in the way of a condition, from what the index lists under its terms.</summary>
internal static class ConditionReading
{
    /// <summary>The first event after a condition's checkpoint that matches it; the origin for none.</summary>
    public static Checkpoint FindFirstMatch(StoreView store, AppendCondition condition)
    {
        var after = condition.After.Value;
        if (after >= store.End.NextCheckpoint - 1 || TermSearch.TermsOf(condition.Criteria) is not { } terms) return Checkpoint.Origin;
        var cursor = new CriteriaCursor(store.Index.State, terms, store.Index.PlaceOf(after + 1).Position);
        var reader = store.Lookups.Take(store.IndexedEnd);
        var found = Checkpoint.Origin;
        for (var next = after + 1; found == Checkpoint.Origin && cursor.TryFind(next, out var listed, out var position);)
        {
            var frame = ListedReading.Look(reader, position, listed);
            found = FindIn(store, frame, condition);
            next = frame.Checkpoint + frame.Count;
        }

        store.Lookups.Return(reader);
        return found;
    }

    private static Checkpoint FindIn(StoreView store, Frame frame, AppendCondition condition)
    {
        if (!frame.HoldsCommits) return Checkpoint.Origin;
        for (var commits = new FrameCommits(frame, store.Names); commits.TryNext(out var commit);)
        {
            var first = Math.Max(store.RemovedOf(commit), condition.After.Value + 1 - commit.FirstCheckpoint);
            if (first >= commit.EventCount) continue;
            var record = commit.ToRecord(new PageBytes());
            commit.SkipTo((int)first);
            for (var i = (int)first; i < commit.EventCount; i++)
            {
                var recorded = new RecordedEvent(record, i, commit.NextEvent(kept: null));
                if (condition.Criteria.Matches(recorded)) return recorded.Checkpoint;
            }
        }

        return Checkpoint.Origin;
    }
}
