using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace EventStore.Sqlite;

/// <summary>
/// CRC-32C (Castagnoli) over the parts of a row, since SQLite has no checksums of its own. A part of variable length is followed by its
/// length, so that what moves from one part to the next changes the sum.
/// </summary>
internal readonly struct SqliteChecksum
{
    private readonly uint crc;

    private SqliteChecksum(uint crc) => this.crc = crc;

    /// <summary>The sum as it is stored.</summary>
    public long Value => crc;

    public static SqliteChecksum Of(StreamId stream) => default(SqliteChecksum).With(stream.Bucket).With(stream.Category).With(stream.Id);

    public static SqliteChecksum OfDocument(string name, long version, ReadOnlySpan<byte> content) =>
        default(SqliteChecksum).With(name).With(version).With(content);

    /// <summary>The sum of a stream's row: of its name, and of what changes with a truncation or a seal.</summary>
    public static SqliteChecksum OfRow(SqliteChecksum name, Revision first, bool isSealed) => name.With(first.Value).With(isSealed ? 1 : 0);

    public static SqliteChecksum Of(SnapshotRecord snapshot) =>
        Of(snapshot.Stream).With(snapshot.Revision.Value).With(snapshot.SchemaVersion).With(snapshot.StateType).With(snapshot.Payload.Span);

    public SqliteChecksum With(long value) => new(BitOperations.Crc32C(crc, (ulong)value));

    public SqliteChecksum With(ReadOnlySpan<byte> bytes)
    {
        var sum = crc;
        var rest = bytes;
        while (rest.Length >= sizeof(ulong))
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(rest));
            rest = rest[sizeof(ulong)..];
        }

        foreach (var value in rest) sum = BitOperations.Crc32C(sum, value);
        return new(BitOperations.Crc32C(sum, (ulong)bytes.Length));
    }

    public SqliteChecksum With(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var utf8 = length <= NamedDocument.MaxNameBytes ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(text, utf8);
        return With(utf8);
    }

    public SqliteChecksum With(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return With(bytes);
    }
}
