namespace EventStore.Engines;

/// <summary>The rules for tags: at most 64 an event, each of 1 to 256 bytes in UTF-8, ordered as given, none twice.</summary>
public static class EventTags
{
    /// <summary>The highest number of tags of one event.</summary>
    public const int MaxCount = 64;

    /// <summary>The longest tag, in UTF-8 bytes.</summary>
    public const int MaxBytes = 256;

    /// <summary>The tags without repeats, in their order.</summary>
    /// <param name="tags">The tags; null for none.</param>
    /// <param name="what">What they are called in a message.</param>
    /// <exception cref="InvalidNameException">A tag is empty, too long or ill-formed.</exception>
    /// <exception cref="TooLargeException">There are too many.</exception>
    public static IReadOnlyList<string> Require(IEnumerable<string>? tags, string what)
    {
        if (tags is null or IReadOnlyCollection<string> { Count: 0 }) return [];
        List<string> kept = [];
        foreach (var tag in tags)
        {
            Names.Require(tag, what, MaxBytes);
            if (!kept.Contains(tag)) kept.Add(tag);
        }

        if (kept.Count > MaxCount) throw new TooLargeException("event", kept.Count, MaxCount, "tags");
        return kept;
    }
}
