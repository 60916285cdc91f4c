using EventStore.Engines;

namespace EventStore;

/// <summary>A value of an event that is not part of its body.</summary>
public enum EnvelopeValue
{
    /// <summary>The event's id.</summary>
    EventId,

    /// <summary>The commit's id.</summary>
    CommitId,

    /// <summary>The commit's number in its stream.</summary>
    CommitSequence,

    /// <summary>When the commit was stored, in ISO 8601.</summary>
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
/// Copies envelope values into JSON bodies while reading, after upconversion, so that a body contains its revision, for example. Zeros and
/// empty values are copied too. A value replaces one of its own kind: a number a number, a text a text, or null. Where the body has
/// something else at the place, or on the way to it, the body keeps that and the value is not copied. The rest of the body is unchanged,
/// and so are bodies that are not JSON objects.
/// </summary>
public sealed class EventMappings
{
    private readonly Dictionary<string, EnvelopeValue> paths = new(StringComparer.Ordinal);

    /// <summary>The values, by the paths to which they are copied.</summary>
    public IReadOnlyDictionary<string, EnvelopeValue> Paths => paths;

    /// <summary>
    /// Copies a value to a path of property names joined by dots, such as <c>meta.revision</c>; missing objects are created.
    /// </summary>
    /// <exception cref="WireupException">The path was mapped before, or has an empty part.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public EventMappings Map(EnvelopeValue value, string path)
    {
        OptionRules.RequireDefined(value);
        Names.RequireWellFormed(path, nameof(path));
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Split('.').Any(string.IsNullOrEmpty))
            throw new WireupException($"The path '{Names.Printable(path)}' has an empty part. Write property names joined by single dots.");
        if (!paths.TryAdd(path, value))
            throw new WireupException($"The path '{Names.Printable(path)}' was mapped twice. Map each path once.");
        return this;
    }
}
