namespace EventStore.Pipeline;

/// <summary>
/// Everything but commits that is written to an engine. A write whose outcome the engine does not know is settled by what is stored. Where
/// that does not show it, the caller gets an exception of the contract, and may repeat the write.
/// </summary>
internal static class SettledWrites
{
    /// <summary>Writes a document over a version of it, 0 for none.</summary>
    /// <returns>The new version; null if another process was faster.</returns>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is written. Try again.</exception>
    public static async ValueTask<long?> PutSettledAsync(
        this IPersistenceEngine engine, string name, ReadOnlyMemory<byte> content, long version, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.PutDocumentAsync(name, content, version, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var found = await engine.FindDocumentAsync(name, cancellationToken).ConfigureAwait(false);
            if ((found?.Version ?? 0) == version) throw StillUnknown(DocumentOf(name), unknown);
            return found is not null && found.Content.Span.SequenceEqual(content.Span) ? found.Version : null;
        }
    }

    /// <summary>Deletes a document of a version; false if another process was faster.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is deleted. Try again.</exception>
    public static async ValueTask<bool> DeleteSettledAsync(
        this IPersistenceEngine engine, string name, long version, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.DeleteDocumentAsync(name, version, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var found = await engine.FindDocumentAsync(name, cancellationToken).ConfigureAwait(false);
            if (found?.Version == version) throw StillUnknown(DocumentOf(name), unknown);
            return found is null;
        }
    }

    /// <summary>Stores a snapshot.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is stored. Try again.</exception>
    public static async ValueTask SaveSettledAsync(
        this IPersistenceEngine engine, SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        try
        {
            await engine.SaveSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var found = await engine.FindSnapshotAsync(snapshot.Stream, snapshot.Revision, cancellationToken).ConfigureAwait(false);
            if (found is null
                || (found.Revision, found.SchemaVersion, found.StateType) != (snapshot.Revision, snapshot.SchemaVersion, snapshot.StateType)
                || !found.Payload.Span.SequenceEqual(snapshot.Payload.Span))
                throw StillUnknown($"snapshot of stream '{snapshot.Stream}' at revision {snapshot.Revision}", unknown);
        }
    }

    /// <summary>Deletes older snapshots. Where it is unknown whether that was done, the next call does it.</summary>
    public static async ValueTask PruneSettledAsync(
        this IPersistenceEngine engine, StreamId stream, int keep, CancellationToken cancellationToken)
    {
        try
        {
            await engine.PruneSnapshotsAsync(stream, keep, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException)
        {
            // The snapshot that was saved before is stored, and the next one prunes again.
        }
    }

    /// <summary>Deletes a stream.</summary>
    /// <returns>What happened; as changed also where that became unknown and the stream is gone.</returns>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is deleted. Try again.</exception>
    public static async ValueTask<StreamChange> DeleteStreamSettledAsync(
        this IPersistenceEngine engine, StreamId stream, StreamExpectation expected, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.DeleteStreamAsync(stream, expected, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            // It is not deleted a second time here: by now it may have been created again.
            var filter = new EventFilter { Bucket = stream.Bucket, Category = stream.Category, Id = stream.Id };
            if (await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false) is not null
                || await HasAnyAsync(engine, filter, cancellationToken).ConfigureAwait(false))
                throw StillUnknown($"stream '{stream}'", unknown);
            return new StreamChange(StreamChangeKind.Changed, default);
        }
    }

    /// <summary>Truncates a stream.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is truncated. Try again.</exception>
    public static async ValueTask<StreamChange> TruncateStreamSettledAsync(this IPersistenceEngine engine, StreamId stream,
        Revision before, StreamExpectation expected, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.TruncateStreamAsync(stream, before, expected, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var state = StreamState.Of(await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false));
            return state.Exists && (state.FirstRevision >= before || state.FirstRevision > state.Revision)
                ? new StreamChange(StreamChangeKind.Changed, state)
                : throw StillUnknown($"stream '{stream}'", unknown);
        }
    }

    /// <summary>Seals a stream.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether it is sealed. Try again.</exception>
    public static async ValueTask<StreamChange> SealStreamSettledAsync(
        this IPersistenceEngine engine, StreamId stream, StreamExpectation expected, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.SealStreamAsync(stream, expected, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var state = StreamState.Of(await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false));
            return state.IsSealed ? new StreamChange(StreamChangeKind.Changed, state) : throw StillUnknown($"stream '{stream}'", unknown);
        }
    }

    /// <summary>Deletes the streams of a bucket; of all buckets for null.</summary>
    /// <exception cref="StorageUnavailableException">It is still unknown whether all of it is deleted. Try again.</exception>
    public static async ValueTask PurgeSettledAsync(this IPersistenceEngine engine, string? bucket, CancellationToken cancellationToken)
    {
        try
        {
            if (bucket is null) await engine.PurgeAllAsync(cancellationToken).ConfigureAwait(false);
            else await engine.PurgeBucketAsync(bucket, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            var heads = await engine.ListHeadsAsync(new HeadQuery(bucket, 0, null, 1), cancellationToken).ConfigureAwait(false);
            if (heads.Count > 0 || await HasAnyAsync(engine, new EventFilter { Bucket = bucket }, cancellationToken).ConfigureAwait(false))
                throw StillUnknown(bucket is null ? "store" : $"bucket '{Names.Printable(bucket)}'", unknown);
        }
    }

    private static async ValueTask<bool> HasAnyAsync(IPersistenceEngine engine, EventFilter filter, CancellationToken cancellationToken)
    {
        var after = Checkpoint.Origin;
        while (true)
        {
            var read = new StoreRead(filter, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1, 1));
            var page = await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
            if (!page.Events.IsEmpty) return true;
            if (page.IsEnd) return false;
            after = page.Position;
        }
    }

    private static string DocumentOf(string name) => $"document '{Names.Printable(name)}'";

    private static StorageUnavailableException StillUnknown(string what, BatchOutcomeUnknownException unknown) =>
        new($"The {what} is not changed, or not completely. The change may arrive later: {unknown.Message} Try again.", unknown);
}
