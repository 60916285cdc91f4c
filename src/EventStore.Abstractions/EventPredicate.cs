using System.Text.Json.Serialization;

namespace EventStore;

/// <summary>
/// A declarative condition on events, as data: it can be stored, signed and compared, and is never code. Bodies and headers are compared
/// as stored, decrypted and decompressed, before any upconverter or hook.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(OfTypes), "types")]
[JsonDerivedType(typeof(InBucket), "bucket")]
[JsonDerivedType(typeof(InCategory), "category")]
[JsonDerivedType(typeof(OfIds), "ids")]
[JsonDerivedType(typeof(Since), "since")]
[JsonDerivedType(typeof(HasHeader), "header")]
[JsonDerivedType(typeof(BodyValue), "body")]
[JsonDerivedType(typeof(All), "and")]
[JsonDerivedType(typeof(Any), "or")]
[JsonDerivedType(typeof(Not), "not")]
public abstract record EventPredicate
{
    private protected EventPredicate()
    {
    }

    /// <summary>The part that an engine can apply: a filter that matches at least every event for which the condition holds.</summary>
    [JsonIgnore]
    public virtual EventFilter Narrowed => EventFilter.Everything;

    /// <summary>Events of these types.</summary>
    public static EventPredicate Types(params string[] types) => new OfTypes([.. types]);

    /// <summary>Events in a bucket.</summary>
    public static EventPredicate Bucket(string bucket) => new InBucket(bucket);

    /// <summary>Events in a category.</summary>
    public static EventPredicate Category(string category) => new InCategory(category);

    /// <summary>Events of streams of these ids.</summary>
    public static EventPredicate Ids(params string[] ids) => new OfIds([.. ids]);

    /// <summary>Events of commits stamped at or after an instant.</summary>
    public static EventPredicate SinceStamp(DateTimeOffset instant) => new Since(instant.ToUniversalTime());

    /// <summary>Events with a header of this value, their own or their commit's.</summary>
    public static EventPredicate Header(string name, string value) => new HasHeader(name, value);

    /// <summary>Events whose body is JSON with a text at a place that compares to this one, ordinally.</summary>
    /// <param name="pointer">A JSON pointer to the place, such as <c>/order/total</c> (RFC 6901).</param>
    /// <param name="comparison">How the stored value compares to the given one.</param>
    /// <param name="value">The value; null for JSON's null, which can only be equal or not.</param>
    public static EventPredicate Body(string pointer, ValueComparison comparison, string? value) =>
        new BodyValue(pointer, comparison, Text: value);

    /// <summary>Events whose body is JSON with a number at a place that compares to this one.</summary>
    public static EventPredicate Body(string pointer, ValueComparison comparison, decimal value) =>
        new BodyValue(pointer, comparison, Number: value);

    /// <summary>Events whose body is JSON with a truth value at a place that is, or is not, this one.</summary>
    public static EventPredicate Body(string pointer, ValueComparison comparison, bool value) =>
        new BodyValue(pointer, comparison, Flag: value);

    /// <summary>This condition and another.</summary>
    public EventPredicate And(EventPredicate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new All([this, other]);
    }

    /// <summary>This condition or another.</summary>
    public EventPredicate Or(EventPredicate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Any([this, other]);
    }

    /// <summary>Everything but this condition.</summary>
    public EventPredicate Negated() => new Not(this);

    /// <summary>Whether it is of one of these types.</summary>
    public sealed record OfTypes(IReadOnlyList<string> Values) : EventPredicate
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { EventTypes = Values };
    }

    /// <summary>Whether it is in this bucket.</summary>
    public sealed record InBucket(string Value) : EventPredicate
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { Bucket = Value };
    }

    /// <summary>Whether it is in this category.</summary>
    public sealed record InCategory(string Value) : EventPredicate
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => new() { Category = Value };
    }

    /// <summary>Whether its stream has one of these ids.</summary>
    public sealed record OfIds(IReadOnlyList<string> Values) : EventPredicate
    {
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
    public sealed record HasHeader(string Name, string Value) : EventPredicate;

    /// <summary>Whether the value at a place of its body compares to a given one: a number, a flag, otherwise a text or null.</summary>
    public sealed record BodyValue(
        string Pointer, ValueComparison Comparison, string? Text = null, decimal? Number = null, bool? Flag = null) : EventPredicate;

    /// <summary>Whether all of these hold.</summary>
    public sealed record All(IReadOnlyList<EventPredicate> Values) : EventPredicate
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override EventFilter Narrowed => Values.Select(value => value.Narrowed).Aggregate((left, right) => new EventFilter
        {
            Bucket = left.Bucket ?? right.Bucket,
            Category = left.Category ?? right.Category,
            Id = left.Id ?? right.Id,
            EventTypes = left.EventTypes ?? right.EventTypes,
            Since = left.Since ?? right.Since,
        });
    }

    /// <summary>Whether one of these holds.</summary>
    public sealed record Any(IReadOnlyList<EventPredicate> Values) : EventPredicate;

    /// <summary>Whether this does not hold.</summary>
    public sealed record Not(EventPredicate Value) : EventPredicate;
}

/// <summary>How a value in a body compares to a given one.</summary>
public enum ValueComparison
{
    /// <summary>They are equal.</summary>
    Equal,

    /// <summary>They differ, or there is no value at the place.</summary>
    NotEqual,

    /// <summary>It is less.</summary>
    Less,

    /// <summary>It is less or equal.</summary>
    LessOrEqual,

    /// <summary>It is greater.</summary>
    Greater,

    /// <summary>It is greater or equal.</summary>
    GreaterOrEqual,
}
