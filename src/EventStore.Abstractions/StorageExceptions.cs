using EventStore.Engines;

namespace EventStore;

/// <summary>The storage failed, and a later call would fail too.</summary>
public class StorageException : EventStoreException
{
    /// <summary>Creates the exception with what failed and what to do.</summary>
    public StorageException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage was opened for reading only. Nothing was written.</summary>
public sealed class ReadOnlyStorageException(string what) : StorageException(
    $"{what} is not possible: the storage was opened for reading only. Nothing was written. Use a process that opens it for writing.");

/// <summary>
/// The storage is not available now, and nothing was written. A later call may succeed.
/// If it is unknown whether a batch was written, an engine throws <see cref="BatchOutcomeUnknownException"/> instead.
/// </summary>
public sealed class StorageUnavailableException : StorageException
{
    /// <summary>Creates the exception with what is unavailable and what to do.</summary>
    public StorageUnavailableException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage does not exist, and may not be created. Nothing was changed. Another process may create it later.</summary>
public sealed class StorageNotFoundException : StorageException
{
    /// <summary>Creates the exception with what was not found, the place, and what to do.</summary>
    public StorageNotFoundException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage is held by an import. Nothing was written.</summary>
public sealed class StorageHeldException(string holder) : StorageException(
    $"The storage is held by the import '{Names.Printable(holder)}'. Nothing was written. "
    + "Wait until it is finished, or finish it under that name.")
{
    /// <summary>The name of the import.</summary>
    public string Holder { get; } = holder;
}

/// <summary>Stored data is damaged at a known place. Nothing was changed.</summary>
public sealed class CorruptStorageException : StorageException
{
    /// <summary>Creates the exception with the place of the damage, what is wrong, and what to do.</summary>
    public CorruptStorageException(string place, string problem, string advice, Exception? inner = null)
        : base($"Damage at {place}: {problem} {advice}", inner) => (Place, Problem) = (place, problem);

    /// <summary>The place: a file and offset, a table and key.</summary>
    public string Place { get; }

    /// <summary>What is wrong there.</summary>
    public string Problem { get; }
}

/// <summary>Stored data has a format that this version does not know. Nothing was changed.</summary>
public sealed class StorageFormatException(string place, string found, string expected) : StorageException(
    $"{place} has {found}, but this version knows {expected}. Nothing was changed. Open it with the version that wrote it, or a newer one.")
{
    /// <summary>The place: a file, a table.</summary>
    public string Place { get; } = place;

    /// <summary>The format that was found.</summary>
    public string Found { get; } = found;

    /// <summary>The format that is known.</summary>
    public string Expected { get; } = expected;
}

/// <summary>A name of a stream, an event type, a document or a header is not a name that can be stored.</summary>
public sealed class InvalidNameException : ArgumentException
{
    /// <summary>Says what is wrong with the name and what to do.</summary>
    public InvalidNameException(string what, string problem, string advice)
        : base($"The {what} {problem}; {advice}.", what) =>
        HelpLink = TroubleshootingPage.LinkTo(typeof(InvalidNameException));
}
