namespace EventStore.Engines;

/// <summary>
/// A small named value that is written by compare-and-swap. Progress of dispatch and consumers, definitions and leases are documents.
/// </summary>
public sealed class NamedDocument
{
    /// <summary>Longest name, in UTF-8 bytes.</summary>
    public const int MaxNameBytes = 1024;

    /// <summary>Creates a document as it was read.</summary>
    public NamedDocument(string name, long version, ReadOnlyMemory<byte> content)
    {
        Name = RequireName(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        Version = version;
        Content = content;
    }

    /// <summary>The name, compared ordinally.</summary>
    public string Name { get; }

    /// <summary>The version: a positive number, never used twice for one name, not even after a deletion.</summary>
    public long Version { get; }

    /// <summary>The value.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>Throws if documents cannot be listed by a prefix and after a name. Both may be empty.</summary>
    /// <exception cref="InvalidNameException">One is too long or ill-formed.</exception>
    public static void RequireListing(string prefix, string after)
    {
        Names.Require(prefix, nameof(prefix), MaxNameBytes, mayBeEmpty: true);
        Names.Require(after, nameof(after), MaxNameBytes, mayBeEmpty: true);
    }

    /// <summary>Returns the name if it may name a document.</summary>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public static string RequireName(string name) => Names.Require(name, "document", MaxNameBytes);
}
