using System.Globalization;
using System.Text.Json.Serialization;

namespace EventStore;

/// <summary>
/// An event's number in its stream: 1, 2, … without holes. A stream's revision is its number of events; 0 means no stream.
/// </summary>
[JsonConverter(typeof(RevisionJsonConverter))]
public readonly record struct Revision : IComparable<Revision>
{
    /// <summary>Creates a revision from its number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public Revision(long value) => Value = PositionRules.Require(value, "revision");

    /// <summary>The revision of a stream that has no events.</summary>
    public static Revision None => default;

    /// <summary>Greater than every revision: the end of a range without an upper limit.</summary>
    public static Revision Max => new(long.MaxValue);

    /// <summary>The number.</summary>
    public long Value { get; }

    /// <summary>Converts a number. The conversion is explicit, so that positions of different kinds are never mixed up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static explicit operator Revision(long value) => new(value);

    /// <summary>The revision <paramref name="count"/> events later.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such revision: it is negative or above <see cref="Max"/>.</exception>
    public static Revision operator +(Revision revision, long count) => new(PositionRules.Add(revision.Value, count, "revision"));

    /// <summary>Compares by number.</summary>
    public static bool operator <(Revision left, Revision right) => left.Value < right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >(Revision left, Revision right) => left.Value > right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator <=(Revision left, Revision right) => left.Value <= right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >=(Revision left, Revision right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(Revision other) => Value.CompareTo(other.Value);

    /// <summary>The number in digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An event's position in the whole store: 1, 2, … in commit order, never reused. 0 means before the first.</summary>
[JsonConverter(typeof(CheckpointJsonConverter))]
public readonly record struct Checkpoint : IComparable<Checkpoint>
{
    /// <summary>Creates a checkpoint from its number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public Checkpoint(long value) => Value = PositionRules.Require(value, "checkpoint");

    /// <summary>Before the first event of the store.</summary>
    public static Checkpoint Origin => default;

    /// <summary>Greater than every checkpoint: the end of a range without an upper limit.</summary>
    public static Checkpoint Max => new(long.MaxValue);

    /// <summary>The number.</summary>
    public long Value { get; }

    /// <summary>Converts a number. The conversion is explicit, so that positions of different kinds are never mixed up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static explicit operator Checkpoint(long value) => new(value);

    /// <summary>The checkpoint <paramref name="count"/> positions later.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such checkpoint: it is negative or above <see cref="Max"/>.</exception>
    public static Checkpoint operator +(Checkpoint checkpoint, long count) =>
        new(PositionRules.Add(checkpoint.Value, count, "checkpoint"));

    /// <summary>Compares by number.</summary>
    public static bool operator <(Checkpoint left, Checkpoint right) => left.Value < right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >(Checkpoint left, Checkpoint right) => left.Value > right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator <=(Checkpoint left, Checkpoint right) => left.Value <= right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >=(Checkpoint left, Checkpoint right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(Checkpoint other) => Value.CompareTo(other.Value);

    /// <summary>The number in digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A commit's number in its stream: 1, 2, … without holes.</summary>
[JsonConverter(typeof(CommitSequenceJsonConverter))]
public readonly record struct CommitSequence : IComparable<CommitSequence>
{
    /// <summary>Creates a commit sequence from its number; 0 means no commit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public CommitSequence(long value) => Value = PositionRules.Require(value, "commit sequence");

    /// <summary>The number.</summary>
    public long Value { get; }

    /// <summary>Converts a number. The conversion is explicit, so that positions of different kinds are never mixed up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static explicit operator CommitSequence(long value) => new(value);

    /// <inheritdoc/>
    public int CompareTo(CommitSequence other) => Value.CompareTo(other.Value);

    /// <summary>The number in digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a commit expects of its stream: nothing, no events yet, some events, or an exact revision.</summary>
[JsonConverter(typeof(ExpectedRevisionJsonConverter))]
public readonly record struct ExpectedRevision
{
    private const long AnyValue = -1;
    private const long StreamExistsValue = -2;
    private readonly long value;

    private ExpectedRevision(long value) => this.value = value;

    /// <summary>Never conflicts.</summary>
    public static ExpectedRevision Any => new(AnyValue);

    /// <summary>The stream has no events. This is the default value, and the same as exactly 0.</summary>
    public static ExpectedRevision NoStream => default;

    /// <summary>The stream has at least one event.</summary>
    public static ExpectedRevision StreamExists => new(StreamExistsValue);

    /// <summary>The exact revision that is expected; null for any revision, or any but none.</summary>
    public Revision? Exact => value >= 0 ? new Revision(value) : null;

    /// <summary>The stream's revision is exactly this.</summary>
    public static ExpectedRevision Exactly(Revision revision) => new(revision.Value);

    /// <summary>The stream's revision is exactly this number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static ExpectedRevision Exactly(long revision) => Exactly(new Revision(revision));

    /// <summary>A revision is expected exactly.</summary>
    public static implicit operator ExpectedRevision(Revision revision) => Exactly(revision);

    /// <summary>Whether a stream at the given revision meets the expectation.</summary>
    public bool IsMetBy(Revision actual) => value switch
    {
        AnyValue => true,
        StreamExistsValue => actual.Value > 0,
        _ => actual.Value == value,
    };

    /// <summary>The expectation in words.</summary>
    public override string ToString() => value switch
    {
        AnyValue => "any revision",
        StreamExistsValue => "an existing stream",
        0 => "no stream",
        _ => $"revision {value.ToString(CultureInfo.InvariantCulture)}",
    };
}
