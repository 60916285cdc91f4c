using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Store;

/// <summary>
/// Packs segments once they are sealed, in the background, one at a time. A segment that could not be packed stays as it is and is tried
/// again when another segment is sealed. While packing keeps failing, the number of segments sealed between two tries doubles.
/// </summary>
internal sealed class SealedPacking(LogSegments segments, SegmentPacker packer, StoreSettings settings) : IAsyncDisposable
{
    private const int MostLetPass = 63;
    private readonly CancellationTokenSource ending = new();

    // Touched by the writer only.
    private int noticed = segments.All.Count;
    private Task working = Task.CompletedTask;

    // Used by the background work only, which never runs twice at a time: segments before this one are done, or left to compaction.
    private long first = segments.All[^1].Number;
    private int letPass;
    private int nextLetPass;

    /// <summary>Packs what the last opening left: the segments after the newest packed one.</summary>
    public void Resume() => working = settings.Log.InBackground(() =>
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
        await settings.Log.InBackground(Work).ConfigureAwait(false);
    }

    private void Work()
    {
        if (letPass-- > 0) return;
        foreach (var segment in segments.Sealed)
        {
            if (segment.Number < first) continue;
            if (!TryPack(segment)) return;
            first = segment.Number + 1;
        }
    }

    // Returns whether to continue with the next one.
    private bool TryPack(Segment segment)
    {
        try
        {
            if (!packer.IsPacked(segment)) packer.Pack(segment, static (_, _) => FrameFate.Kept, static () => { }, ending.Token);
            nextLetPass = 0;
            return true;
        }
        catch (CorruptStorageException error)
        {
            // The file stays as it is; reading or verifying it reports the damage too.
            settings.PackingFailed(LogSegments.PathOf(segment.Number), error);
            return true;
        }
        catch (IOException error)
        {
            // The old file stays and is sound.
            settings.PackingFailed(LogSegments.PathOf(segment.Number), error);
            (letPass, nextLetPass) = (nextLetPass, Math.Min((2 * nextLetPass) + 1, MostLetPass));
            return false;
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or StorageReplacedException)
        {
            return false;
        }
    }
}
