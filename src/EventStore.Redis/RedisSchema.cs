using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// The names of a store's keys; what they hold is described in <c>Scripts/library.lua</c>. All begin with <c>{name}:</c>, so a cluster
/// keeps them in one slot.
/// </summary>
internal sealed class RedisSchema(string name)
{
    /// <summary>What <c>meta</c> says of the form of everything else.</summary>
    public const string Version = "2";

    private readonly byte[] streams = Encoding.UTF8.GetBytes($"{{{name}}}:stream:");
    private readonly byte[] snapshots = Encoding.UTF8.GetBytes($"{{{name}}}:snapshots:");

    public RedisKey Meta { get; } = Key(name, "meta");

    public RedisKey Log { get; } = Key(name, "log");

    public RedisKey Ids { get; } = Key(name, "ids");

    public RedisKey Names { get; } = Key(name, "names");

    public RedisKey Newest { get; } = Key(name, "newest");

    public RedisKey Documents { get; } = Key(name, "documents");

    public RedisKey Titles { get; } = Key(name, "titles");

    public RedisKey Removed { get; } = Key(name, "removed");

    public RedisKey Graves { get; } = Key(name, "graves");

    public RedisKey Cuts { get; } = Key(name, "cuts");

    /// <summary>Where commits are announced.</summary>
    public string Channel { get; } = $"{{{name}}}:commits";

    /// <summary>The index of a stream.</summary>
    public RedisKey Index(byte[] stream) => Join(streams, stream);

    /// <summary>The snapshots of a stream.</summary>
    public RedisKey Snapshots(byte[] stream) => Join(snapshots, stream);

    /// <summary>
    /// A stream's name as bytes: its parts with \0 between them, which no part can hold. So two streams never share one, and their order by
    /// bytes is the order of <see cref="StreamId.CompareTo"/>.
    /// </summary>
    public static byte[] NameOf(StreamId stream)
    {
        var (bucket, category, id) = (stream.Bucket, stream.Category, stream.Id);
        var bytes = new byte[Encoding.UTF8.GetByteCount(bucket) + Encoding.UTF8.GetByteCount(category) + Encoding.UTF8.GetByteCount(id)
            + 2];
        var at = Encoding.UTF8.GetBytes(bucket, bytes) + 1;
        at += Encoding.UTF8.GetBytes(category, bytes.AsSpan(at)) + 1;
        Encoding.UTF8.GetBytes(id, bytes.AsSpan(at));
        return bytes;
    }

    /// <summary>The stream that such bytes name.</summary>
    /// <exception cref="CorruptStorageException">They name none.</exception>
    public static StreamId StreamOf(ReadOnlySpan<byte> name)
    {
        try
        {
            var first = name.IndexOf((byte)0);
            var second = first + 1 + name[(first + 1)..].IndexOf((byte)0);
            return new StreamId(Encoding.UTF8.GetString(name[..first]), Encoding.UTF8.GetString(name[(first + 1)..second]),
                Encoding.UTF8.GetString(name[(second + 1)..]));
        }
        catch (ArgumentException error)
        {
            throw new CorruptStorageException("the name of a stream", "it does not have the three parts of one.",
                "Run a verification, which names all such places, and restore the server's data.", error);
        }
    }

    /// <summary>What all names of a bucket, and no others, begin with; nothing for the whole store.</summary>
    public static byte[] PrefixOf(string? bucket) => bucket is null ? [] : Encoding.UTF8.GetBytes(bucket + '\0');

    private static RedisKey Key(string name, string part) => $"{{{name}}}:{part}";

    private static byte[] Join(byte[] prefix, byte[] stream) => [.. prefix, .. stream];
}
