using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Store;

/// <summary>Packs segments once they are sealed, beside the writer, one after another. What could not be packed stays as it is and is tried again.</summary>
internal sealed class SealedPacking(Segments segments, SegmentPacker packer, Func<Action, Task> inBackground) : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();

    // Touched by the writer only.
    private int noticed = segments.All.Count;
    private Task working = Task.CompletedTask;

    // Touched by the work only, which never runs twice at a time: segments before this one are done, or left to compaction.
    private long first = segments.All[^1].Number;

    /// <summary>Takes up what the last opening left: the segments behind the newest packed one.</summary>
    public void Resume() => working = inBackground(() =>
    {
        for (var i = segments.All.Count - 2; i >= 0; i--)
        {
            if (!segments.IsPacked(segments.All[i], out _)) continue;
            first = segments.All[i].Number;
            break;
        }

        Work();
    });

    /// <summary>Called by the writer between batches.</summary>
    public void Notice()
    {
        var count = segments.All.Count;
        if (count == noticed) return;
        noticed = count;
        working = WorkAfterAsync(working);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await working.ConfigureAwait(false);
        ending.Dispose();
    }

    private async Task WorkAfterAsync(Task before)
    {
        await before.ConfigureAwait(false);
        await inBackground(Work).ConfigureAwait(false);
    }

    private void Work()
    {
        try
        {
            foreach (var segment in segments.Sealed)
            {
                if (segment.Number < first) continue;
                if (!packer.IsPacked(segment)) TryPack(segment);
                first = segment.Number + 1;
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The old file stays, and all is well with it. Tried again at the next seal.
        }
    }

    private void TryPack(Segment segment)
    {
        try
        {
            packer.Pack(segment, static _ => false, static () => { }, ending.Token);
        }
        catch (CorruptStorageException)
        {
            // Stays as it is, for whoever reads or verifies it to be told.
        }
    }
}
