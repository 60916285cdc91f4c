namespace EventStore.Sqlite;

/// <summary>
/// Rows of commits made commits again, each checked by its checksum. The constants are the columns of every statement that selects commits.
/// </summary>
internal sealed class SqliteRows(SqliteSession session)
{
    public const int Checkpoint = 0;
    public const int Stream = 1;
    public const int EventCount = 4;
    private const int Revision = 2;
    private const int Sequence = 3;
    private const int Stamp = 5;
    private const int CommitId = 6;
    private const int Crc = 7;
    private const int Unit = 8;
    private const int UnitSize = 9;
    public const int Removed = 10;
    public const int Tags = 11;
    private const int Headers = 12;
    public const int Events = 13;

    // What no store reaches: so that sums of such numbers never overflow.
    public const long MostNumber = AttemptRules.MaxNumber;

    private const int KeptEvents = 1024;
    private const int Slots = 4096;
    private readonly StoredStream?[] streams = new StoredStream?[Slots];
    private readonly SqliteTypeNames types = new();
    private RecordedEvent[] scratch = new RecordedEvent[16];

    /// <summary>The commit of the row, its headers apart.</summary>
    /// <exception cref="CorruptStorageException">A number of the row is none that was ever stored.</exception>
    public CommitRecord Commit(SqliteStatement row, StreamId stream)
    {
        long checkpoint = row.Number(Checkpoint), revision = row.Number(Revision), sequence = row.Number(Sequence),
            count = row.Number(EventCount), stamp = row.Number(Stamp), unit = row.Number(Unit), size = row.Number(UnitSize),
            removed = row.Number(Removed);
        if (checkpoint is < 1 or > MostNumber || revision is < 1 or > MostNumber || sequence is < 1 or > MostNumber
            || count is < 1 or > int.MaxValue || stamp is < 0 or > SqliteStamps.Max
            || unit is < 0 or > MostNumber || size is < 0 or 1 or > int.MaxValue || removed < 0 || removed > count)
            throw SqliteErrors.Damage(session, Place(checkpoint), "a number of the commit is out of its range.");
        return new(stream, row.Id(CommitId), new CommitSequence(sequence), SqliteStamps.ToTime(stamp), new Revision(revision),
            new Checkpoint(checkpoint), (int)count, default)
        {
            Unit = size == 0 ? default : new UnitPlace(new Checkpoint(unit), (int)size),
        };
    }

    /// <summary>
    /// The commit of the row whole, and its events, valid until the next call. Those that were truncated are default(RecordedEvent).
    /// </summary>
    /// <exception cref="CorruptStorageException">The row is not what was stored.</exception>
    public ReadOnlySpan<RecordedEvent> ReadEvents(SqliteStatement row, CommitRecord commit, SqliteChecksum name, out CommitRecord whole)
    {
        var headers = row.Bytes(Headers);
        whole = headers.IsEmpty ? commit : commit with { Headers = headers.ToArray() };
        var events = row.Bytes(Events).ToArray();
        var (removed, tags) = ((int)row.Number(Removed), row.Number(Tags));
        if (row.Number(Crc) != Sum(name, whole, removed, tags, events).Value) throw SqliteErrors.Damage(
            session, Place(commit.FirstCheckpoint.Value), "the checksum of the commit is wrong.");

        if (commit.EventCount - removed > events.Length / SqliteEventReader.LeastBytes) throw Impossible(commit);
        if (scratch.Length < commit.EventCount) scratch = new RecordedEvent[commit.EventCount];
        var reader = new SqliteEventReader(events);
        scratch.AsSpan(0, removed).Clear();
        for (var i = removed; i < commit.EventCount; i++)
        {
            if (!reader.TryNext(types, out var read)) throw Impossible(commit);
            scratch[i] = new RecordedEvent(whole, i, read);
        }

        return scratch.AsSpan(0, commit.EventCount);
    }

    /// <summary>Releases the bodies that were read last.</summary>
    public void Forget()
    {
        if (scratch.Length > KeptEvents) scratch = new RecordedEvent[16];
        else Array.Clear(scratch);
    }

    /// <summary>The different tags of events; null where they have none.</summary>
    public static HashSet<string>? TagsOf(IReadOnlyList<EventRecord> events)
    {
        HashSet<string>? tags = null;
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Tags.Count > 0) (tags ??= new(StringComparer.Ordinal)).UnionWith(events[i].Tags);
        }

        return tags;
    }

    /// <summary>The different tags of events that were read.</summary>
    public static HashSet<string> TagsOf(ReadOnlySpan<RecordedEvent> events)
    {
        var tags = new HashSet<string>(StringComparer.Ordinal);
        foreach (var recorded in events) tags.UnionWith(recorded.Record.Tags);
        return tags;
    }

    /// <summary>Forgets the names of streams, because a transaction that may have named some was taken back.</summary>
    public void ForgetStreams() => Array.Clear(streams);

    public static SqliteChecksum Sum(SqliteChecksum name, CommitRecord commit, int removed, long tags, ReadOnlySpan<byte> events) => name
        .With(commit.FirstCheckpoint.Value).With(commit.FirstRevision.Value).With(commit.Sequence.Value).With(commit.EventCount)
        .With(SqliteStamps.ToMicroseconds(commit.Stamp)).With(commit.CommitId).With(commit.Unit.FirstCheckpoint.Value)
        .With(commit.Unit.Size).With(removed).With(tags).With(commit.Headers.Span).With(events);

    /// <summary>The stream with a number. Numbers are never given twice and names never change, so what is known stays true.</summary>
    public StoredStream StreamOf(long number)
    {
        ref var slot = ref streams[number & (Slots - 1)];
        if (slot is { } known && known.Number == number) return known;
        var statement = session.Prepare("find-stream").Bind(1, number);
        try
        {
            if (!statement.Step()) throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream {number}",
                "the row is missing, though the stream has commits.");
            var name = new StreamId(statement.Text(0), statement.Text(1), statement.Text(2));
            return slot = new StoredStream(number, name, SqliteChecksum.Of(name));
        }
        catch (InvalidNameException error)
        {
            throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream {number}", $"the name is none: {error.Message}");
        }
        finally
        {
            statement.Reset();
        }
    }

    private CorruptStorageException Impossible(CommitRecord commit) =>
        SqliteErrors.Damage(session, Place(commit.FirstCheckpoint.Value), "its events are none that were ever stored.");

    private string Place(long checkpoint) => $"{session.Sql.Table("commits")}, checkpoint {checkpoint}";
}

/// <summary>A stream by its number in the database.</summary>
internal sealed record StoredStream(long Number, StreamId Name, SqliteChecksum Sum);

/// <summary>
/// Stamps are stored in microseconds since 1970, so that SQL can show them: <c>datetime(stamp / 1000000, 'unixepoch')</c>.
/// </summary>
internal static class SqliteStamps
{
    /// <summary>The end of the year 9999.</summary>
    public const long Max = 253_402_300_799_999_999;

    public static long ToMicroseconds(DateTimeOffset stamp) =>
        (stamp.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToTime(long microseconds) =>
        new(DateTimeOffset.UnixEpoch.UtcTicks + (microseconds * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
