namespace EventStore.Conformance;

/// <summary>Shorter forms of engine members, for tests.</summary>
public static class EngineShortcuts
{
    /// <summary>Deletes a stream, whatever it is at. Returns whether it existed.</summary>
    public static async ValueTask<bool> DeleteStreamAsync(
        this IPersistenceEngine engine, StreamId stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        var change = await engine.DeleteStreamAsync(stream, StreamExpectation.Any, cancellationToken);
        return change.Kind == StreamChangeKind.Changed;
    }
}
