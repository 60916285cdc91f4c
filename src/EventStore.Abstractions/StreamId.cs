using System.Text.Json.Serialization;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// The name of a stream: a bucket (tenant or bounded context), a category (kind of aggregate) and the id of the aggregate.
/// Names are compared ordinally; two names that differ in any byte are two streams.
/// </summary>
[JsonConverter(typeof(StreamIdJsonConverter))]
public readonly record struct StreamId : IComparable<StreamId>
{
    /// <summary>The bucket of a stream for which none is given.</summary>
    public const string DefaultBucket = "default";

    /// <summary>Longest bucket or category, in UTF-8 bytes.</summary>
    public const int MaxBucketBytes = 128;

    /// <summary>Longest id, in UTF-8 bytes.</summary>
    public const int MaxIdBytes = 1024;

    private readonly string? bucket;
    private readonly string? category;
    private readonly string? id;

    /// <summary>Names a stream in the default bucket, without a category.</summary>
    /// <exception cref="InvalidNameException">The id is empty, too long or ill-formed.</exception>
    public StreamId(string id)
    {
        bucket = DefaultBucket;
        category = "";
        this.id = RequireId(id);
    }

    /// <summary>Names a stream of a category in the default bucket.</summary>
    /// <exception cref="InvalidNameException">A part is too long or ill-formed, or the id is empty.</exception>
    public StreamId(string category, string id) : this(DefaultBucket, category, id)
    {
    }

    /// <summary>Names a stream in full. The category may be empty, bucket and id may not.</summary>
    /// <exception cref="InvalidNameException">A part is empty, too long or ill-formed.</exception>
    public StreamId(string bucket, string category, string id)
    {
        this.bucket = Names.Require(bucket, nameof(bucket), MaxBucketBytes);
        this.category = RequireCategory(category);
        this.id = RequireId(id);
    }

    /// <summary>The tenant or bounded context.</summary>
    public string Bucket => bucket ?? throw Unnamed();

    /// <summary>The kind of aggregate; empty if none was given.</summary>
    public string Category => category ?? throw Unnamed();

    /// <summary>The aggregate.</summary>
    public string Id => id ?? throw Unnamed();

    /// <summary>A plain string names a stream in the default bucket.</summary>
    public static implicit operator StreamId(string id) => new(id);

    /// <summary>A GUID names a stream in the default bucket by its 36 lower-case characters.</summary>
    public static implicit operator StreamId(Guid id) => new(id.ToString("D"));

    /// <summary>
    /// Orders by bucket, category and id, each by Unicode code point, which is the order of their UTF-8 bytes.
    /// Every listing of streams is in this order, on every backend.
    /// </summary>
    public int CompareTo(StreamId other)
    {
        // default(StreamId) has no name and sorts before every name.
        if (id is null || other.id is null) return (id is not null).CompareTo(other.id is not null);
        var order = CompareCodePoints(Bucket, other.Bucket);
        if (order == 0) order = CompareCodePoints(Category, other.Category);
        return order == 0 ? CompareCodePoints(Id, other.Id) : order;
    }

    /// <summary>
    /// Bucket, category and id for a log or a message, on one line. A slash or a percent sign within a part, and what is not printable, is
    /// percent-encoded, so that two streams never have the same text.
    /// </summary>
    public override string ToString() => id is null
        ? "(no stream)"
        : $"{Names.PathPart(Bucket)}/{Names.PathPart(Category)}/{Names.PathPart(id)}";

    /// <summary>Compares two names by code point: as UTF-16 units, but with surrogates above all other characters.</summary>
    public static int CompareCodePoints(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var shared = left.AsSpan().CommonPrefixLength(right);
        if (shared == left.Length || shared == right.Length) return left.Length.CompareTo(right.Length);

        char a = left[shared], b = right[shared];
        var surrogates = char.IsSurrogate(a).CompareTo(char.IsSurrogate(b));
        return surrogates != 0 ? surrogates : a.CompareTo(b);
    }

    /// <summary>Returns the name if it may name a bucket.</summary>
    /// <exception cref="InvalidNameException">It is empty, too long or ill-formed.</exception>
    public static string RequireBucket(string bucket) => Names.Require(bucket, nameof(bucket), MaxBucketBytes);

    /// <summary>Returns the name if it may name a category.</summary>
    /// <exception cref="InvalidNameException">It is too long or ill-formed.</exception>
    public static string RequireCategory(string category) =>
        Names.Require(category, nameof(category), MaxBucketBytes, mayBeEmpty: true);

    internal static string RequireId(string id) => Names.Require(id, nameof(id), MaxIdBytes);

    private static InvalidNameException Unnamed() =>
        new("stream", "is default(StreamId), which has no name", "construct it with at least an id");
}
