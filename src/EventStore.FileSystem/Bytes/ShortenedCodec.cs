namespace EventStore.FileSystem.Bytes;

/// <summary>
/// What is left of commits after events were removed. Like a gap it takes the place of the frame it was. It keeps the commit ids and
/// numbers of truncated commits, and nothing of those whose streams were deleted.
/// </summary>
internal static class ShortenedCodec
{
    /// <summary>Writes what is left of a frame, for <see cref="FrameCommits"/>. It is never longer than the frame.</summary>
    /// <param name="into">Receives it.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="names">Keeps the names that are decoded.</param>
    /// <param name="removed">For each commit how many of its events, the first ones, are removed; negative to remove it wholly.</param>
    public static void Write(LogBatch into, Frame frame, NameCache names, IReadOnlyList<int> removed)
    {
        into.Clear();
        into.BeginFrame();
        GapCodec.Begin(into, frame);
        var commits = new FrameCommits(frame, names);
        into.Id(commits.CommitId);
        into.Fixed(commits.StampTicks);
        into.Number(commits.Size);
        for (var i = 0; commits.TryNext(out var commit, out var count); i++)
        {
            var cut = removed[i];
            into.Number(((long)count << 1) | (cut == 0 ? 0L : 1));
            if (cut != 0) into.Number(cut + 1L);
            if (cut < 0) continue;
            into.Raw(commit.Fields);
            into.Bytes(cut == count ? default : commit.Headers);
            into.Raw(commit.EventsFrom(cut));
        }

        into.EndFrame(FrameKind.Shortened, frame.Count);
    }
}
