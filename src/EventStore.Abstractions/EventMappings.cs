namespace EventStore;

/// <summary>A value that the store knows of an event beside its body.</summary>
public enum EnvelopeValue
{
    /// <summary>The event's id.</summary>
    EventId,

    /// <summary>The commit's id.</summary>
    CommitId,

    /// <summary>The commit's number in its stream.</summary>
    CommitSequence,

    /// <summary>When the store took the commit, in ISO 8601.</summary>
    CommitStamp,

    /// <summary>The event's number in its stream.</summary>
    StreamRevision,

    /// <summary>The event's position in the store.</summary>
    Checkpoint,

    /// <summary>The stream's bucket.</summary>
    Bucket,

    /// <summary>The stream's category.</summary>
    Category,

    /// <summary>The stream's id.</summary>
    StreamId,
}

/// <summary>
/// Copies envelope values into JSON bodies while reading, so that an event can carry, say, its own revision. Values of 0 and empty ones are
/// copied too; what else the body holds stays. Bodies that are not JSON objects are left alone.
/// </summary>
public sealed class EventMappings
{
    private readonly Dictionary<string, EnvelopeValue> paths = new(StringComparer.Ordinal);

    /// <summary>Which value goes to which path.</summary>
    public IReadOnlyDictionary<string, EnvelopeValue> Paths => paths;

    /// <summary>Copies a value to a path of property names joined by dots, such as <c>meta.revision</c>; missing objects on the way are made.</summary>
    /// <exception cref="WireupException">The path is taken, or has an empty part.</exception>
    public EventMappings Map(EnvelopeValue value, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Split('.').Any(string.IsNullOrEmpty)) throw new WireupException($"The path '{path}' has an empty part. Write property names joined by single dots.");
        if (!paths.TryAdd(path, value)) throw new WireupException($"The path '{path}' was mapped twice. Map each path once.");
        return this;
    }
}
