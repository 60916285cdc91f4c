using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace EventStore.Redis;

/// <summary>An entry of the log that is about to be written: a part of the events of a commit.</summary>
/// <param name="First">The place of its first event in the commit.</param>
/// <param name="Count">How many events it holds.</param>
/// <param name="Body">Its bytes after the header, which the script writes.</param>
internal readonly record struct RedisChunk(int First, int Count, byte[] Body);

/// <summary>
/// What the script of a commit needs besides the bodies, and the criteria of reads and conditions. The form is described in
/// <c>Scripts/commit.lua</c>; all numbers are big-endian.
/// </summary>
internal static class RedisPlan
{
    private const byte HasStamp = 1, HasCondition = 2;
    private const byte HasCategory = 1, HasId = 2, HasTypes = 4;

    /// <summary>A revision as scripts compare it: 0 for an existing stream, 1 for any, otherwise two more.</summary>
    public static long ExpectationOf(ExpectedRevision expected) =>
        expected.Exact is { } exact ? Math.Min(exact.Value, AttemptRules.MaxNumber) + 2 : expected == ExpectedRevision.Any ? 1 : 0;

    /// <summary>An incarnation as scripts compare it; 0 for any.</summary>
    public static long IncarnationOf(StreamExpectation expected) => Math.Min(expected.Incarnation.Value, AttemptRules.MaxNumber);

    /// <summary>The plan of an attempt.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="chunks">The entries of each of its commits.</param>
    public static byte[] Encode(CommitAttempt attempt, IReadOnlyList<RedisChunk>[] chunks)
    {
        var plan = new ArrayBufferWriter<byte>(64);
        Write8(plan, (byte)((attempt.Stamp is null ? 0 : HasStamp) | (attempt.Condition is null ? 0 : HasCondition)));
        if (attempt.Stamp is { } stamp) Encoding.ASCII.GetBytes(RedisRows.StampOf(stamp.ToUniversalTime()), plan);
        Write32(plan, attempt.MemberCount);
        for (var i = 0; i < chunks.Length; i++)
        {
            var member = attempt.Member(i);
            Write48(plan, ExpectationOf(member.Expected.Revision));
            Write48(plan, IncarnationOf(member.Expected));
            member.CommitId.TryWriteBytes(plan.GetSpan(16), bigEndian: true, out var written);
            plan.Advance(written);
            Write32(plan, chunks[i].Count);
            foreach (var chunk in chunks[i])
            {
                Write32(plan, chunk.Count);
                WriteTags(plan, member.Events, chunk);
            }
        }

        if (attempt.Condition is not { } condition) return plan.WrittenSpan.ToArray();
        Write48(plan, Math.Min(condition.After.Value, AttemptRules.MaxNumber));
        Write(plan, condition.Criteria);
        return plan.WrittenSpan.ToArray();
    }

    /// <summary>Criteria, for a read.</summary>
    public static byte[] Encode(EventCriteria criteria)
    {
        var written = new ArrayBufferWriter<byte>(64);
        Write(written, criteria);
        return written.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> to, EventCriteria criteria)
    {
        Write8(to, (byte)criteria.Any.Count);
        foreach (var criterion in criteria.Any)
        {
            Write8(to, (byte)((criterion.Category is null ? 0 : HasCategory) | (criterion.Id is null ? 0 : HasId)
                | (criterion.Types is null ? 0 : HasTypes)));
            WriteText(to, criterion.Bucket);
            if (criterion.Category is { } category) WriteText(to, category);
            if (criterion.Id is { } id) WriteText(to, id);
            if (criterion.Types is { } types)
            {
                Write32(to, types.Count);
                foreach (var type in types) WriteText(to, type);
            }

            Write8(to, (byte)criterion.Tags.Count);
            foreach (var tag in criterion.Tags) WriteText(to, tag);
        }
    }

    // The tags of the events of an entry, each once.
    private static void WriteTags(ArrayBufferWriter<byte> to, IReadOnlyList<EventRecord> events, RedisChunk chunk)
    {
        HashSet<string>? tags = null;
        for (var i = chunk.First; i < chunk.First + chunk.Count; i++)
        {
            if (events[i].Tags.Count > 0) (tags ??= new HashSet<string>(StringComparer.Ordinal)).UnionWith(events[i].Tags);
        }

        Write32(to, tags?.Count ?? 0);
        if (tags is null) return;
        foreach (var tag in tags) WriteText(to, tag);
    }

    private static void WriteText(ArrayBufferWriter<byte> to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text, to.GetSpan(2 + Encoding.UTF8.GetMaxByteCount(text.Length))[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(to.GetSpan(), (ushort)bytes);
        to.Advance(2 + bytes);
    }

    private static void Write8(ArrayBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }

    private static void Write32(ArrayBufferWriter<byte> to, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), value);
        to.Advance(4);
    }

    private static void Write48(ArrayBufferWriter<byte> to, long value)
    {
        var span = to.GetSpan(6);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(span[2..], (uint)value);
        to.Advance(6);
    }
}
