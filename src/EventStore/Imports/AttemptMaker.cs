using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStore.Pipeline;

namespace EventStore.Imports;

/// <summary>
/// Makes attempts of imported commits: copies bytes, encodes messages, and keeps a stamp that will be raised as a header.
/// </summary>
/// <param name="name">The name of the import.</param>
/// <param name="codec">Encodes messages and headers.</param>
/// <param name="limits">The limits of the engine.</param>
/// <param name="stamps">The stamps.</param>
internal sealed class AttemptMaker(string name, EventCodec codec, EngineLimits limits, ImportStamps stamps)
{
    /// <summary>The type of events that only take the places of truncated ones, and are truncated themselves.</summary>
    public const string PlaceholderType = "import-placeholder";

    // Headers are an object of JSON, or begin as a payload with transforms does.
    private const byte EnvelopeStart = 0xC1;

    public ImportStamps Stamps => stamps;

    /// <summary>The attempt of a commit or unit; null where none of its events is left.</summary>
    /// <param name="unit">At least one commit.</param>
    /// <param name="keepsMissing">Whether missing events get a place.</param>
    /// <param name="isStored">Whether it is stored already. Then its stamp is not raised any more.</param>
    /// <exception cref="TooLargeException">It exceeds a limit.</exception>
    /// <exception cref="StampAheadException">Its stamp is too far ahead of the clock.</exception>
    /// <exception cref="ImportException">A stamp will be raised, and the headers cannot be read to keep it.</exception>
    public CommitAttempt? Make(IReadOnlyList<ImportCommit> unit, bool keepsMissing, bool isStored)
    {
        foreach (var commit in unit)
        {
            stamps.Require(commit);
            if (commit.CommitId != unit[0].CommitId)
                throw new ArgumentException("The commits of a unit have one commit id.", nameof(unit));
        }

        var members = unit.Where(commit => keepsMissing || commit.EventCount > commit.MissingEvents).ToArray();
        if (members.Length == 0) return null;
        var keepsStamp = !isStored && stamps.MayBeRaised(members[0].Stamp);
        var attempts = Array.ConvertAll(members, commit => MakeMember(commit, keepsMissing, keepsStamp));
        var attempt = attempts.Length == 1 ? attempts[0] : new CommitAttempt(attempts[0].Stream, attempts[0].CommitId, attempts[0].Events)
        {
            Headers = attempts[0].Headers,
            Stamp = attempts[0].Stamp,
            Rest = attempts[1..],
        };
        limits.Require(attempt);
        return attempt;
    }

    /// <summary>An attempt that takes the places of events that were truncated. Made again, it has the same id.</summary>
    public static CommitAttempt MakeFiller(Filler filler, DateTimeOffset stamp)
    {
        var identity = Encoding.UTF8.GetBytes($"{filler.Stream}\0{filler.After}");
        var id = new Guid(SHA256.HashData(identity).AsSpan(0, 16));
        return new CommitAttempt(filler.Stream, id, Placeholders(filler.Count)) { Stamp = stamp };
    }

    private CommitAttempt MakeMember(ImportCommit commit, bool keepsMissing, bool keepsStamp)
    {
        EventRecord[] events =
        [
            .. Placeholders(keepsMissing ? commit.MissingEvents : 0),
            .. Copies(commit.Records),
            .. commit.Messages.Select(message => codec.Encode(commit.Stream, message)),
        ];
        return new CommitAttempt(commit.Stream, commit.CommitId, events)
        {
            Headers = keepsStamp ? HeadersWithStamp(commit)
                : commit.Headers.Count > 0 ? codec.EncodeCommitHeaders(commit.Stream, commit.CommitId, [.. commit.Headers])
                : commit.EncodedHeaders.ToArray(),
            Stamp = commit.Stamp,
        };
    }

    private static EventRecord[] Placeholders(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new EventRecord(SequentialGuid.Next(), PlaceholderType, default))];

    // The bytes of a commit in one piece, as the caller's memory may change.
    private static EventRecord[] Copies(IReadOnlyList<EventRecord> records)
    {
        var copies = new EventRecord[records.Count];
        var bytes = new byte[records.Sum(record => (long)record.Body.Length + record.Headers.Length)].AsMemory();
        for (var i = 0; i < copies.Length; i++)
        {
            var record = records[i];
            var (body, headers) = (bytes[..record.Body.Length], bytes.Slice(record.Body.Length, record.Headers.Length));
            record.Body.CopyTo(body);
            record.Headers.CopyTo(headers);
            bytes = bytes[(body.Length + headers.Length)..];
            copies[i] = new EventRecord(record.EventId, record.EventType, body, headers, EventTags.Require(record.Tags, "tags"));
        }

        return copies;
    }

    // A commit that was imported before keeps the stamp that it had first.
    private ReadOnlyMemory<byte> HeadersWithStamp(ImportCommit commit)
    {
        var headers = new Dictionary<string, string>(commit.Headers.Count > 0 ? commit.Headers : Decode(commit), StringComparer.Ordinal);
        headers.TryAdd(EventHeaders.OriginalStamp, commit.Stamp.ToString("O", CultureInfo.InvariantCulture));
        return codec.EncodeCommitHeaders(commit.Stream, commit.CommitId, headers);
    }

    private IReadOnlyDictionary<string, string> Decode(ImportCommit commit)
    {
        if (commit.EncodedHeaders.IsEmpty) return commit.Headers;
        if (commit.EncodedHeaders.Span[0] is not ((byte)'{' or EnvelopeStart)) throw Unreadable(commit);
        var record = new CommitRecord(
            commit.Stream, commit.CommitId, new CommitSequence(1), commit.Stamp, new Revision(1), new Checkpoint(1), 1,
            commit.EncodedHeaders);
        var type = commit.Records.Count > 0 ? commit.Records[0].EventType : PlaceholderType;
        try
        {
            var headers = codec.DecodeCommitHeaders(new RecordedEvent(record, 0, new EventRecord(SequentialGuid.Next(), type, default)));
            return headers.Values.All(value => value is not null) ? headers : throw Unreadable(commit);
        }
        catch (Exception error) when (error is PayloadTransformException or EventSerializationException)
        {
            throw Unreadable(commit);
        }
    }

    private ImportException Unreadable(ImportCommit commit) => new(
        name,
        $"cannot keep the stamp of commit {commit.CommitId} of stream '{commit.Stream}', which may have to be raised. It is kept in the "
            + "headers of the commit, and this store cannot read them.",
        "The commit was not added. Add it as messages with decoded headers.");
}
