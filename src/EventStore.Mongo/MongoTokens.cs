using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.Mongo;

/// <summary>
/// What arrays of an entry hold, so that indexes over them find it. A name has no NUL, so NUL separates names without doubt. Such keys have
/// the order of the names that they are made of.
/// </summary>
internal static class MongoTokens
{
    private const char Separator = '\0';
    private const long RevisionsPerBlock = 256;
    private const int MaxTermBytes = StreamId.MaxBucketBytes + 2 + EventTags.MaxBytes;
    private const string Category = "\0c";
    private const string Tag = "\0t";

    // Categories are few, and each commit has one. Emptied when it is larger.
    private const int MaxKnownCategories = 4_096;
    private static readonly ConcurrentDictionary<(string Bucket, string Category), long> Categories = new();

    /// <summary>Stands for all streams of a store.</summary>
    public const string Everything = "\0";

    /// <summary>The key of a stream.</summary>
    public static string Of(StreamId stream) => Of(stream.Bucket, stream.Category, stream.Id);

    public static string Of(string bucket, string category, string id) => $"{bucket}{Separator}{category}{Separator}{id}";

    /// <summary>Stands for all streams of a bucket. The keys of its streams begin with it.</summary>
    public static string OfBucket(string bucket) => $"{bucket}{Separator}";

    /// <summary>The lowest text that is above all keys of a bucket.</summary>
    public static string BeyondBucket(string bucket) => $"{bucket}\u0001";

    /// <summary>The stream of a key.</summary>
    /// <exception cref="FormatException">It is not a key of a stream.</exception>
    public static StreamId ToStream(string key)
    {
        var names = key.Split(Separator);
        return names.Length == 3 ? new StreamId(names[0], names[1], names[2]) : throw new FormatException("It is no key of a stream.");
    }

    /// <summary>
    /// The tokens of a commit: the key of its stream, and one for each block of revisions that begins in it. So the commit that holds a
    /// revision is at most a block away from one that a token finds.
    /// </summary>
    public static IEnumerable<string> Of(StreamId stream, long firstRevision, long lastRevision)
    {
        var key = Of(stream);
        yield return key;
        for (var block = (firstRevision + RevisionsPerBlock - 2) / RevisionsPerBlock; block <= BlockOf(lastRevision); block++)
        {
            if (block > 0) yield return OfBlock(key, block);
        }
    }

    /// <summary>The token of the block that a revision is in; null for the first block, which has none.</summary>
    public static string? OfBlock(StreamId stream, long revision) =>
        BlockOf(revision) is var block and > 0 ? OfBlock(Of(stream), block) : null;

    /// <summary>The token of the block after the one that a revision is in.</summary>
    public static string OfNextBlock(StreamId stream, long revision) => OfBlock(Of(stream), BlockOf(revision) + 1);

    /// <summary>How many tokens blocks add for so many events at most.</summary>
    public static long MaxBlocksOf(int events) => 1 + (events / RevisionsPerBlock);

    /// <summary>
    /// The number under which a category of a bucket is indexed. Two names may share one, so what is found by it is compared with the
    /// names.
    /// </summary>
    public static long TermOfCategory(string bucket, string category)
    {
        if (Categories.TryGetValue((bucket, category), out var known)) return known;
        if (Categories.Count > MaxKnownCategories) Categories.Clear();
        return Categories[(bucket, category)] = TermOf(bucket, Category, category);
    }

    /// <summary>The same for a tag.</summary>
    public static long TermOfTag(string bucket, string tag) => TermOf(bucket, Tag, tag);

    private static long BlockOf(long revision) => (revision - 1) / RevisionsPerBlock;

    private static string OfBlock(string key, long block) => FormattableString.Invariant($"{key}{Separator}{block}");

    private static long TermOf(string bucket, string kind, string name)
    {
        Span<byte> text = stackalloc byte[MaxTermBytes], hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetBytes(bucket, text);
        length += Encoding.UTF8.GetBytes(kind, text[length..]);
        length += Encoding.UTF8.GetBytes(name, text[length..]);
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }
}
