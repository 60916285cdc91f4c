namespace EventStore.Conformance;

/// <summary>Draws the readers of a life: what they read, where they begin, and how.</summary>
internal sealed class DeliveryDraw(Random random, DeliveryModel model, bool isFailing)
{
    /// <summary>The read stream.</summary>
    public const string Links = "b-links";

    /// <summary>The stream that most readers read.</summary>
    public static StreamId Target { get; } = new("default", "a", "1");

    /// <summary>All streams. Those of the category a are deleted and created again.</summary>
    public static IReadOnlyList<StreamId> Streams { get; } =
        [Target, new("default", "a", "2"), new("default", "b", "1"), new("other", "b", "2")];

    /// <summary>Draws a reader, which is not started yet.</summary>
    public DeliveryReader Draw(int number)
    {
        var kind = (ReaderKind)(number % 6);

        // A subscription that is ended by a failure is begun again, and where calls fail often, a search in a stream may never end.
        var isBrief = isFailing && kind == ReaderKind.Subscription;
        var (source, matches, isOfStream, hasRevisions) = DrawSource(isBrief);
        var start = DrawStart(hasRevisions, mayBeCurrent: kind != ReaderKind.Subscription);
        var options = new ConsumerOptions
        {
            StartFrom = start,
            PollInterval = TimeSpan.FromMilliseconds(100),
            CheckpointInterval = TimeSpan.FromMilliseconds(100),
            FirstRetryDelay = TimeSpan.FromMilliseconds(5),
            LeaseTerm = TimeSpan.FromSeconds(20),
            EventsPerCheckpoint = Pick(1, 7, 100, 1000),
            Window = Pick(1, 5, 1000),
            BatchSize = Pick(1, 3, 100),
            Parallelism = kind == ReaderKind.Lanes ? 4 : 1,
        };
        var mayRepeat = kind is ReaderKind.Lanes or ReaderKind.Pull || (isFailing && kind is (ReaderKind.Handler or ReaderKind.Batches));
        return new DeliveryReader($"reader-{number}", kind, source, options)
        {
            Expected = new Expectation(matches, start, isOfStream),
            Log = new DeliveryLog { IsByStream = kind == ReaderKind.Lanes, MayRepeat = mayRepeat },
            IsFailing = isFailing,
        };
    }

    private (ConsumerSource Source, Func<ModelEvent, bool> Matches, bool IsOfStream, bool HasRevisions) DrawSource(bool isBrief)
    {
        var stream = Streams[random.Next(Streams.Count)];
        return random.Next(isBrief ? 5 : 0, 8) switch
        {
            0 or 1 or 2 => (ConsumerSource.OfStream(Target), stored => stored.Stream == Target, true, true),
            3 => (ConsumerSource.OfStream(stream), stored => stored.Stream == stream, true, true),
            4 => (ConsumerSource.OfReadStream(Links), stored => stored.Stream.Category == "b", false, true),
            5 => (ConsumerSource.OfCategory("b"), stored => stored.Stream.Category == "b", false, false),
            6 => (
                ConsumerSource.Matching(EventPredicate.StreamIds("1").And(EventPredicate.Bucket("other").Negated())),
                stored => stored.Stream.Id == "1" && stored.Stream.Bucket != "other",
                false,
                false),
            _ => (ConsumerSource.Everything, _ => true, false, false),
        };
    }

    private ConsumerStart DrawStart(bool hasRevisions, bool mayBeCurrent)
    {
        var (stored, head) = (model.Events.Count(one => one.Stream == Target), model.Events.Count);
        return random.Next(6) switch
        {
            0 when mayBeCurrent => ConsumerStart.Current,
            1 => ConsumerStart.AfterCheckpoint(new Checkpoint(random.Next(head + 1))),
            2 => ConsumerStart.AfterCheckpoint(new Checkpoint(head + random.Next(40))),
            3 when hasRevisions => ConsumerStart.AfterRevision(new Revision(random.Next(stored + 1))),
            4 when hasRevisions => ConsumerStart.AfterRevision(new Revision(stored + random.Next(20))),
            _ => ConsumerStart.Origin,
        };
    }

    private int Pick(params int[] values) => values[random.Next(values.Length)];
}
