using System.Globalization;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Which events of one stream are read, and in which order. Created by its properties, by <see cref="Between"/>, or from a C# range,
/// which counts events from 0 and excludes its end: <c>0..3</c> is revisions 1 to 3, <c>^3..</c> the last three.
/// </summary>
public sealed record StreamRange
{
    // How far an end is before the head: 0 is the head itself, -1 one after it. Null for an end that is a revision.
    private long? fromBeforeHead;
    private long? toBeforeHead;

    /// <summary>The whole stream, oldest first.</summary>
    public static StreamRange All { get; } = new();

    /// <summary>The first revision, included. Default: 1. Setting it replaces an end that was counted from the head.</summary>
    public Revision From
    {
        get;
        init => (field, fromBeforeHead) = (value, null);
    } = new(1);

    /// <summary>
    /// The last revision, included. Default: the head at the time the read starts. 0 is an empty range. Setting it replaces an end that was
    /// counted from the head.
    /// </summary>
    public Revision To
    {
        get;
        init => (field, toBeforeHead) = (value, null);
    } = Revision.Max;

    /// <summary>How many of the newest events of the range are read; null for all. 0 or more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int? Last
    {
        get;
        init => field = value is null or >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Last), $"Last is 0 or more, or null for all, but {value} was given.");
    }

    /// <summary>Only events that were stored at this instant, by commit stamp; null for all.</summary>
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>Oldest or newest first. Default: oldest.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither of the two.</exception>
    public ReadDirection Direction
    {
        get;
        init => field = OptionRules.RequireDefined(value, nameof(Direction));
    }

    /// <summary>Whether an end is counted from the stream's head, so that the head must be known to read the range.</summary>
    public bool IsRelativeToHead => (fromBeforeHead ?? toBeforeHead) is not null;

    /// <summary>The events between two revisions, both included. A negative number counts from the end: -1 is the newest event.</summary>
    /// <param name="from">The first revision; 0 is the same as 1.</param>
    /// <param name="to">The last revision. Default: the newest.</param>
    public static StreamRange Between(long from, long to = -1) => new()
    {
        From = new(Math.Max(from, 1)),
        fromBeforeHead = from < 0 ? -1 - from : null,
        To = to < 0 ? Revision.Max : new(to),
        toBeforeHead = to < -1 ? -1 - to : null,
    };

    /// <summary>The events that a C# range selects from the list of all events of the stream.</summary>
    public static implicit operator StreamRange(Range range) => FromRange(range);

    /// <summary>The events that a C# range selects from the list of all events of the stream.</summary>
    public static StreamRange FromRange(Range range) => new()
    {
        From = new(range.Start.IsFromEnd ? 1 : range.Start.Value + 1L),
        fromBeforeHead = range.Start.IsFromEnd ? range.Start.Value - 1L : null,
        To = range.End.IsFromEnd ? Revision.Max : new(range.End.Value),
        toBeforeHead = range.End is { IsFromEnd: true, Value: > 0 } ? range.End.Value : null,
    };

    /// <summary>The same range with both ends as revisions.</summary>
    /// <param name="head">The stream's revision; 0 for no stream.</param>
    public StreamRange RelativeTo(Revision head) => this with
    {
        From = fromBeforeHead is { } from ? new(Math.Max(1, head.Value - from)) : From,
        To = toBeforeHead is { } to ? new(Math.Max(0, head.Value - to)) : To,
    };

    /// <summary>The range in words, for a log or a message.</summary>
    public override string ToString()
    {
        var text = $"{End(fromBeforeHead, From)} to {End(toBeforeHead, To)}";
        if (Last is { } last) text += string.Create(CultureInfo.InvariantCulture, $", the last {last}");
        if (AsOf is { } instant) text += $", as of {instant.ToString("O", CultureInfo.InvariantCulture)}";
        return Direction == ReadDirection.Backward ? text + ", newest first" : text;
    }

    private static string End(long? beforeHead, Revision revision) => beforeHead switch
    {
        null => revision == Revision.Max ? "head" : $"revision {revision}",
        < 0 => "the one after the head",
        0 => "head",
        _ => string.Create(CultureInfo.InvariantCulture, $"head - {beforeHead}"),
    };
}
