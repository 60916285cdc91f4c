using System.Text.Json.Serialization;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// A declarative condition on events, as data: it can be stored, signed and compared, and is never code. Bodies and headers are compared
/// as stored, decrypted and decompressed, before any upconverter or hook. A body that is not JSON is an error where its value is needed:
/// combine conditions on bodies with one on types, which comes first.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(OfTypes), "types")]
[JsonDerivedType(typeof(InBucket), "bucket")]
[JsonDerivedType(typeof(InCategory), "category")]
[JsonDerivedType(typeof(OfStreamIds), "ids")]
[JsonDerivedType(typeof(Since), "since")]
[JsonDerivedType(typeof(HasHeader), "header")]
[JsonDerivedType(typeof(BodyValue), "body")]
[JsonDerivedType(typeof(All), "and")]
[JsonDerivedType(typeof(Any), "or")]
[JsonDerivedType(typeof(Not), "not")]
public abstract record EventPredicate
{
    /// <summary>The most parts of a condition, those of its parts included.</summary>
    public const int MaxParts = 1000;

    /// <summary>How deep conditions may be nested.</summary>
    public const int MaxLevels = 24;

    private protected EventPredicate()
    {
    }

    /// <summary>The part that an engine can apply: a filter that matches at least every event for which the condition holds.</summary>
    [JsonIgnore]
    public virtual EventFilter Narrowed => EventFilter.Everything;

    private protected virtual (int Levels, int Parts) Size => (1, 1);

    /// <summary>Events of these types.</summary>
    public static EventPredicate Types(params string[] types) => new OfTypes([.. types]);

    /// <summary>Events in a bucket.</summary>
    public static EventPredicate Bucket(string bucket) => new InBucket(bucket);

    /// <summary>Events in a category.</summary>
    public static EventPredicate Category(string category) => new InCategory(category);

    /// <summary>Events of streams of these ids.</summary>
    public static EventPredicate StreamIds(params string[] ids) => new OfStreamIds([.. ids]);

    /// <summary>Events of commits stamped at or after an instant.</summary>
    public static EventPredicate SinceStamp(DateTimeOffset instant) => new Since(instant.ToUniversalTime());

    /// <summary>Events with a header of this value, their own or their commit's.</summary>
    public static EventPredicate Header(string name, string value) => new HasHeader(name, value);

    /// <summary>Events whose body is JSON with a text at a place that compares to this one, ordinally.</summary>
    /// <param name="pointer">A JSON pointer to the place, such as <c>/order/total</c> (RFC 6901).</param>
    /// <param name="comparison">How the stored value compares to the given one.</param>
    /// <param name="value">The value; null for JSON's null, which can only be equal or not.</param>
    /// <exception cref="ArgumentException">The value is null, and the comparison is one of order.</exception>
    public static EventPredicate Body(string pointer, ValueComparison comparison, string? value) =>
        new BodyValue(pointer, comparison, Text: value);

    /// <summary>Events whose body is JSON with a number at a place that compares to this one.</summary>
    public static EventPredicate Body(string pointer, ValueComparison comparison, decimal value) =>
        new BodyValue(pointer, comparison, Number: value);

    /// <summary>Events whose body is JSON with a truth value at a place that is, or is not, this one.</summary>
    /// <exception cref="ArgumentException">The comparison is one of order.</exception>
    public static EventPredicate Body(string pointer, ValueComparison comparison, bool value) =>
        new BodyValue(pointer, comparison, Flag: value);

    /// <summary>This condition and another. A chain of calls makes one level.</summary>
    /// <exception cref="TooLargeException">The condition has too many parts or levels.</exception>
    public EventPredicate And(EventPredicate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new All([.. this is All all ? all.Values : [this], .. other is All others ? others.Values : [other]]);
    }

    /// <summary>This condition or another. A chain of calls makes one level.</summary>
    /// <exception cref="TooLargeException">The condition has too many parts or levels.</exception>
    public EventPredicate Or(EventPredicate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Any([.. this is Any any ? any.Values : [this], .. other is Any others ? others.Values : [other]]);
    }

    /// <summary>Everything but this condition.</summary>
    public EventPredicate Negated() => new Not(this);

    private static string[] RequireAll(IReadOnlyList<string> values, Func<string, string> require)
    {
        ArgumentNullException.ThrowIfNull(values);
        return [.. values.Select(require)];
    }

    // Refuses what could not be stored as the condition of a read stream, so that the same conditions work everywhere.
    private static EventPredicate[] Combine(IReadOnlyList<EventPredicate> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0) throw new ArgumentException("A condition that combines others has at least one.", nameof(values));
        foreach (var value in values) ArgumentNullException.ThrowIfNull(value, nameof(values));
        var (levels, parts) = SizeOf(values);
        if (parts > MaxParts) throw new TooLargeException("condition", parts, MaxParts, "parts", "Use fewer, or several conditions.");
        if (levels > MaxLevels) throw new TooLargeException("condition", levels, MaxLevels, "levels", "Nest it less deep.");
        return [.. values];
    }

    private static (int Levels, int Parts) SizeOf(IReadOnlyList<EventPredicate> values)
    {
        var (levels, parts) = (0, 0);
        foreach (var value in values)
        {
            // Each part is measured once: twice would be twice as often with each level.
            var size = value.Size;
            (levels, parts) = (Math.Max(levels, size.Levels), parts + size.Parts);
        }

        return (levels + 1, parts + 1);
    }

    /// <summary>Whether it is of one of these types: the name that an application sees, or the name under which it is stored.</summary>
    public sealed record OfTypes(IReadOnlyList<string> Values) : EventPredicate
    {
        /// <summary>The names.</summary>
        public IReadOnlyList<string> Values
        {
            get;
            init => field = RequireAll(value, EventRecord.RequireType);
        } = RequireAll(Values, EventRecord.RequireType);

        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { EventTypes = Values };
    }

    /// <summary>Whether it is in this bucket.</summary>
    public sealed record InBucket(string Value) : EventPredicate
    {
        /// <summary>The bucket.</summary>
        public string Value
        {
            get;
            init => field = StreamId.RequireBucket(value);
        } = StreamId.RequireBucket(Value);

        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { Bucket = Value };
    }

    /// <summary>Whether it is in this category.</summary>
    public sealed record InCategory(string Value) : EventPredicate
    {
        /// <summary>The category; empty for streams without one.</summary>
        public string Value
        {
            get;
            init => field = StreamId.RequireCategory(value);
        } = StreamId.RequireCategory(Value);

        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { Category = Value };
    }

    /// <summary>Whether its stream has one of these ids.</summary>
    public sealed record OfStreamIds(IReadOnlyList<string> Values) : EventPredicate
    {
        /// <summary>The ids.</summary>
        public IReadOnlyList<string> Values
        {
            get;
            init => field = RequireAll(value, StreamId.RequireId);
        } = RequireAll(Values, StreamId.RequireId);

        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => Values.Count == 1 ? new() { Id = Values[0] } : EventFilter.Everything;
    }

    /// <summary>Whether it was stamped at or after an instant.</summary>
    public sealed record Since(DateTimeOffset Value) : EventPredicate
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { Since = Value };
    }

    /// <summary>Whether it or its commit has a header of this value.</summary>
    public sealed record HasHeader(string Name, string Value) : EventPredicate
    {
        /// <summary>The header's name.</summary>
        public string Name
        {
            get;
            init => field = Names.RequireWellFormed(value, "header's name");
        } = Names.RequireWellFormed(Name, "header's name");

        /// <summary>The header's value.</summary>
        public string Value
        {
            get;
            init => field = Names.RequireWellFormed(value, "header's value");
        } = Names.RequireWellFormed(Value, "header's value");
    }

    /// <summary>Whether the value at a place of its body compares to a given one: a number, a flag, otherwise a text or null.</summary>
    public sealed record BodyValue(
        string Pointer, ValueComparison Comparison, string? Text = null, decimal? Number = null, bool? Flag = null) : EventPredicate
    {
        /// <summary>The place: a JSON pointer (RFC 6901); empty for the whole body.</summary>
        public string Pointer
        {
            get;
            init => field = JsonPointer.Require(value);
        } = JsonPointer.Require(Pointer);

        /// <summary>How the stored value compares to the given one.</summary>
        public ValueComparison Comparison
        {
            get;
            init => field = RequireOrdered(OptionRules.RequireDefined(value, nameof(Comparison)), Text is not null || Number is not null);
        } = RequireOrdered(OptionRules.RequireDefined(Comparison), Text is not null || Number is not null);

        /// <summary>The text to compare with; null where it is a number, a flag or JSON's null.</summary>
        public string? Text
        {
            get;
            init => field = value is null ? null : Names.RequireWellFormed(value, "text");
        } = Text is null ? null : Names.RequireWellFormed(Text, "text");

        private static ValueComparison RequireOrdered(ValueComparison comparison, bool hasOrder) =>
            hasOrder || comparison is ValueComparison.Equal or ValueComparison.NotEqual
                ? comparison
                : throw new ArgumentException(
                    $"A truth value or null is not {comparison} than another: compare it with Equal or NotEqual.", nameof(comparison));
    }

    /// <summary>Whether all of these hold.</summary>
    public sealed record All(IReadOnlyList<EventPredicate> Values) : EventPredicate
    {
        /// <summary>The conditions; at least one.</summary>
        public IReadOnlyList<EventPredicate> Values
        {
            get;
            init => field = Combine(value);
        } = Combine(Values);

        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => Values.Select(value => value.Narrowed).Aggregate((left, right) => left.Narrow(right));

        private protected override (int Levels, int Parts) Size => SizeOf(Values);
    }

    /// <summary>Whether one of these holds.</summary>
    public sealed record Any(IReadOnlyList<EventPredicate> Values) : EventPredicate
    {
        /// <summary>The conditions; at least one.</summary>
        public IReadOnlyList<EventPredicate> Values
        {
            get;
            init => field = Combine(value);
        } = Combine(Values);

        private protected override (int Levels, int Parts) Size => SizeOf(Values);
    }

    /// <summary>Whether this does not hold.</summary>
    public sealed record Not(EventPredicate Value) : EventPredicate
    {
        /// <summary>The condition.</summary>
        public EventPredicate Value
        {
            get;
            init => field = Combine([value])[0];
        } = Combine([Value])[0];

        private protected override (int Levels, int Parts) Size => SizeOf([Value]);
    }
}
