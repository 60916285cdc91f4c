namespace EventStore;

/// <summary>An import cannot be begun or go on. The commit that it names was not stored, unless the message says so.</summary>
public sealed class ImportException(string import, string problem, string advice) : EventStoreException(
    $"The import '{Engines.Names.Printable(import)}' {problem} {advice}")
{
    /// <summary>The name of the import.</summary>
    public string Import { get; } = import;
}

/// <summary>The stamp of an imported commit is too far ahead of the clock. Nothing of the commit was written.</summary>
public sealed class StampAheadException(StreamId stream, Guid commitId, DateTimeOffset stamp, DateTimeOffset now) : EventStoreException(
    $"Commit {commitId} of stream '{stream}' has the stamp {stamp:O}, but it is {now:O} now. An import accepts stamps up to five minutes "
    + "ahead. It was not imported. Correct the clock of this machine or the stamp; a later commit could not get an earlier one.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The commit's id.</summary>
    public Guid CommitId { get; } = commitId;

    /// <summary>The stamp.</summary>
    public DateTimeOffset Stamp { get; } = stamp;
}
