using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// The keys of the index, in the order of their bytes. Names end with a zero byte, which no name contains, so that keys sort as names do.
/// An empty value marks a removal; only commit ids have no value at all.
/// </summary>
internal static class IndexKeys
{
    public const byte CommitId = (byte)'C';
    public const byte Document = (byte)'D';
    public const byte StreamEvents = (byte)'E';
    public const byte Removal = (byte)'G';
    public const byte Head = (byte)'H';
    public const byte Category = (byte)'K';
    public const byte Snapshot = (byte)'N';
    public const byte Checkpoint = (byte)'Q';
    public const byte Tag = (byte)'T';

    /// <summary>The longest key of a head.</summary>
    public const int MaxStreamLength = 4 + (2 * StreamId.MaxBucketBytes) + StreamId.MaxIdBytes;

    /// <summary>The longest name of the import that holds a store, in bytes.</summary>
    public const int MaxHolderBytes = 1024;

    /// <summary>The longest key of a term, with the checkpoint of a commit.</summary>
    public const int MaxTermLength = 3 + StreamId.MaxBucketBytes + EventTags.MaxBytes + CheckpointBytes;

    /// <summary>The longest key of a commit.</summary>
    public const int MaxEventsLength = MaxStreamLength + RevisionBytes;

    public const int CommitIdLength = 25;

    private const int RevisionBytes = 8;
    private const int SchemaBytes = 4;
    private const int CheckpointBytes = 8;

    public const int CheckpointLength = 9;

    /// <summary>The key of the newest removal of any kind.</summary>
    public static byte[] NewestRemoval { get; } = [Removal, 0];

    /// <summary>The key of the newest purge of everything.</summary>
    public static byte[] PurgeOfAll { get; } = [Removal, 1];

    /// <summary>The key of the highest checkpoint that was ever removed.</summary>
    public static byte[] HighestRemoved { get; } = [Removal, 3];

    public static byte[] OfStream(StreamId stream)
    {
        Span<byte> key = stackalloc byte[MaxStreamLength];
        return key[..WriteStream(key, stream)].ToArray();
    }

    /// <summary>Writes the key of a stream's head; returns its length.</summary>
    public static int WriteStream(Span<byte> into, StreamId stream)
    {
        into[0] = Head;
        var at = WriteName(into, 1, stream.Bucket);
        at = WriteName(into, at, stream.Category);
        return WriteName(into, at, stream.Id);
    }

    /// <summary>The same from names as they are stored.</summary>
    public static int WriteStream(Span<byte> into, ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> category, ReadOnlySpan<byte> id)
    {
        into[0] = Head;
        var at = WriteName(into, 1, bucket);
        at = WriteName(into, at, category);
        return WriteName(into, at, id);
    }

    /// <summary>Whether a key names a stream and has nothing behind.</summary>
    public static bool IsStream(ReadOnlySpan<byte> headKey)
    {
        if (headKey.Length is <= 4 or > MaxStreamLength || headKey[^1] != 0 || headKey.Count((byte)0) != 3 || !Utf8.IsValid(headKey))
            return false;
        var (bucket, both) = (headKey.IndexOf((byte)0) - 1, CategoryLength(headKey));
        return bucket is > 0 and <= StreamId.MaxBucketBytes && both - bucket - 3 <= StreamId.MaxBucketBytes
            && headKey.Length - both - 1 is > 0 and <= StreamId.MaxIdBytes;
    }

    /// <summary>Whether a key is that of a commit.</summary>
    public static bool IsEvents(ReadOnlySpan<byte> key) =>
        key.Length > RevisionBytes && IsStream(key[..^RevisionBytes]) && RevisionIn(key) is > 0 and <= Format.MaxCheckpoint;

    /// <summary>Whether a key is that of a snapshot.</summary>
    public static bool IsSnapshot(ReadOnlySpan<byte> key) =>
        key.Length > RevisionBytes + SchemaBytes && IsStream(key[..^(RevisionBytes + SchemaBytes)])
        && SnapshotIn(key) is { Revision: >= 0 and <= Format.MaxCheckpoint, SchemaVersion: >= 0 };

    /// <summary>The stream that a head's key names.</summary>
    public static StreamId StreamOf(ReadOnlySpan<byte> headKey)
    {
        var rest = headKey[1..];
        var bucket = rest[..rest.IndexOf((byte)0)];
        rest = rest[(bucket.Length + 1)..];
        var category = rest[..rest.IndexOf((byte)0)];
        rest = rest[(category.Length + 1)..];
        return new StreamId(Encoding.UTF8.GetString(bucket), Encoding.UTF8.GetString(category), Encoding.UTF8.GetString(rest[..^1]));
    }

    /// <summary>The key of a commit that ends at a revision.</summary>
    public static byte[] OfEvents(ReadOnlySpan<byte> headKey, long lastRevision)
    {
        var key = new byte[headKey.Length + RevisionBytes];
        WriteEvents(key, headKey, lastRevision);
        return key;
    }

    /// <summary>Writes the key of a commit that ends at a revision; returns its length.</summary>
    public static int WriteEvents(Span<byte> into, ReadOnlySpan<byte> headKey, long lastRevision)
    {
        headKey.CopyTo(into);
        into[0] = StreamEvents;
        BinaryPrimitives.WriteInt64BigEndian(into[headKey.Length..], lastRevision);
        return headKey.Length + RevisionBytes;
    }

    public static long RevisionIn(ReadOnlySpan<byte> eventsKey) => BinaryPrimitives.ReadInt64BigEndian(eventsKey[^RevisionBytes..]);

    public static byte[] OfCommitId(Guid commitId, long position)
    {
        var key = new byte[CommitIdLength];
        WriteCommitId(key, commitId, position);
        return key;
    }

    public static void WriteCommitId(Span<byte> into, Guid commitId, long position)
    {
        into[0] = CommitId;
        commitId.TryWriteBytes(into[1..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(into[17..], position);
    }

    /// <summary>The id as the big-endian number that it is.</summary>
    public static UInt128 CommitIdIn(ReadOnlySpan<byte> commitIdKey) => BinaryPrimitives.ReadUInt128BigEndian(commitIdKey[1..]);

    public static long PositionIn(ReadOnlySpan<byte> commitIdKey) => BinaryPrimitives.ReadInt64BigEndian(commitIdKey[17..]);

    /// <summary>What all snapshots of a stream begin with.</summary>
    public static byte[] OfSnapshots(ReadOnlySpan<byte> headKey)
    {
        var key = headKey.ToArray();
        key[0] = Snapshot;
        return key;
    }

    /// <summary>The key of a snapshot: the newest of a stream comes first.</summary>
    public static byte[] OfSnapshot(ReadOnlySpan<byte> headKey, long revision, int schemaVersion)
    {
        var key = new byte[headKey.Length + RevisionBytes + SchemaBytes];
        headKey.CopyTo(key);
        key[0] = Snapshot;
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(headKey.Length), long.MaxValue - revision);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(headKey.Length + RevisionBytes), int.MaxValue - schemaVersion);
        return key;
    }

    public static (long Revision, int SchemaVersion) SnapshotIn(ReadOnlySpan<byte> snapshotKey) => (
        long.MaxValue - BinaryPrimitives.ReadInt64BigEndian(snapshotKey[^(RevisionBytes + SchemaBytes)..]),
        int.MaxValue - BinaryPrimitives.ReadInt32BigEndian(snapshotKey[^SchemaBytes..]));

    public static byte[] OfDocument(string name)
    {
        var key = new byte[1 + Encoding.UTF8.GetByteCount(name)];
        key[0] = Document;
        Encoding.UTF8.GetBytes(name, key.AsSpan(1));
        return key;
    }

    public static string DocumentIn(ReadOnlySpan<byte> documentKey) => Encoding.UTF8.GetString(documentKey[1..]);

    public static byte[] OfPurge(string bucket)
    {
        var key = new byte[2 + Encoding.UTF8.GetByteCount(bucket)];
        (key[0], key[1]) = (Removal, 2);
        Encoding.UTF8.GetBytes(bucket, key.AsSpan(2));
        return key;
    }

    /// <summary>The key of the import that holds the store, with its name.</summary>
    public static byte[] OfHold(string holder)
    {
        var key = new byte[2 + Encoding.UTF8.GetByteCount(holder)];
        (key[0], key[1]) = (Removal, 4);
        Encoding.UTF8.GetBytes(holder, key.AsSpan(2));
        return key;
    }

    /// <summary>Whether a key is that of the import that holds the store.</summary>
    public static bool IsHold(ReadOnlySpan<byte> key) => key.Length > 2 && key[0] == Removal && key[1] == 4;

    /// <summary>The length of the term of a stream's category, which its head's key begins with but for the first byte.</summary>
    public static int CategoryLength(ReadOnlySpan<byte> headKey)
    {
        var bucket = headKey.IndexOf((byte)0) + 1;
        return bucket + headKey[bucket..].IndexOf((byte)0) + 1;
    }

    /// <summary>What the keys of all commits of a category begin with.</summary>
    public static byte[] OfCategory(string bucket, string category) => OfTerm(Category, bucket, category);

    /// <summary>What the keys of all commits with a tag begin with.</summary>
    public static byte[] OfTag(string bucket, string tag) => OfTerm(Tag, bucket, tag);

    /// <summary>Writes the same from names as they are stored; returns its length.</summary>
    public static int WriteTag(Span<byte> into, ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> tag)
    {
        into[0] = Tag;
        return WriteName(into, WriteName(into, 1, bucket), tag);
    }

    /// <summary>Writes the key of the commit of a term whose last event has a checkpoint; returns its length.</summary>
    public static int WriteTerm(Span<byte> into, ReadOnlySpan<byte> term, long lastCheckpoint)
    {
        term.CopyTo(into);
        BinaryPrimitives.WriteInt64BigEndian(into[term.Length..], lastCheckpoint);
        return term.Length + CheckpointBytes;
    }

    /// <summary>The checkpoint with which a key ends: that of a commit of a term, or of a place.</summary>
    public static long CheckpointIn(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt64BigEndian(key[^CheckpointBytes..]);

    /// <summary>The part of the key of a commit of a term that names the term.</summary>
    public static ReadOnlySpan<byte> TermIn(ReadOnlySpan<byte> termKey) => termKey[..^CheckpointBytes];

    /// <summary>Whether a key is that of a commit of a term.</summary>
    public static bool IsTerm(ReadOnlySpan<byte> key)
    {
        if (key.Length is <= 3 + CheckpointBytes or > MaxTermLength) return false;
        if (CheckpointIn(key) is not (> 0 and <= Format.MaxCheckpoint)) return false;
        var term = TermIn(key);
        return term[^1] == 0 && term.Count((byte)0) == 2 && term[1] != 0 && (key[0] == Category || term[^2] != 0) && Utf8.IsValid(term);
    }

    /// <summary>What all heads of a bucket begin with; of all buckets for null.</summary>
    public static byte[] OfBucket(string? bucket)
    {
        if (bucket is null) return [Head];
        var key = new byte[2 + Encoding.UTF8.GetByteCount(bucket)];
        key[0] = Head;
        Encoding.UTF8.GetBytes(bucket, key.AsSpan(1));
        return key;
    }

    public static byte[] OfCheckpoint(long checkpoint)
    {
        var key = new byte[CheckpointLength];
        key[0] = Checkpoint;
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(1), checkpoint);
        return key;
    }

    /// <summary>The part of a key that goes into the filter of a run; empty for kinds that are not looked up by one key.</summary>
    public static ReadOnlySpan<byte> FilteredPart(ReadOnlySpan<byte> key) => key[0] switch
    {
        CommitId => key[..17],
        Document or Head => key,
        Snapshot => key[..^(RevisionBytes + SchemaBytes)],
        Category or Tag => TermIn(key),
        _ => default,
    };

    private static byte[] OfTerm(byte kind, string bucket, string name)
    {
        var key = new byte[3 + Encoding.UTF8.GetByteCount(bucket) + Encoding.UTF8.GetByteCount(name)];
        key[0] = kind;
        WriteName(key, WriteName(key, 1, bucket), name);
        return key;
    }

    private static int WriteName(Span<byte> into, int at, string name)
    {
        at += Encoding.UTF8.GetBytes(name, into[at..]);
        into[at] = 0;
        return at + 1;
    }

    private static int WriteName(Span<byte> into, int at, ReadOnlySpan<byte> name)
    {
        name.CopyTo(into[at..]);
        into[at + name.Length] = 0;
        return at + name.Length + 1;
    }
}
