namespace EventStore.FileSystem.Log;

/// <summary>When written bytes are brought to the medium, and how large segments become.</summary>
/// <param name="SyncsEachBatch">Whether a batch is flushed before it counts as written.</param>
/// <param name="SegmentSizeBytes">The length from which on a segment is sealed before the next batch.</param>
internal sealed record LogSettings(bool SyncsEachBatch, long SegmentSizeBytes);
