using System.Text;

namespace EventStore.Conformance;

/// <summary>Draws attempts, criteria and expectations by numbers, relative to what the model holds.</summary>
internal sealed class ModelDraw(string scope)
{
    private static readonly string[] Tags = ["t", "T", "é", "e\u0301"];
    private readonly List<CommitAttempt> drawn = [];
    private readonly StreamId[] names =
    [
        .. from bucket in (string[])["", " "] from id in (string[])["a", "A", "a ", "é"] select new StreamId(
            scope + bucket, id == "a" ? "c" : "", id),
    ];

    /// <summary>All attempts drawn so far.</summary>
    public IReadOnlyList<CommitAttempt> Drawn => drawn;

    /// <summary>An attempt drawn before: of 0 to 999, the lower the older, so that removing parts of a history seldom changes it.</summary>
    public CommitAttempt Earlier(int a) => drawn[a * drawn.Count / 1000];

    public StreamId Name(int a) => names[a % names.Length];

    public CommitAttempt Attempt(ModelStore model, StreamId stream, int b, int c)
    {
        var attempt = new CommitAttempt(stream, Guid.NewGuid(), Events(b, c))
        {
            Expected = Expected(model.StateOf(stream), b, c),
            Condition = c % 4 == 0 ? Condition(model, stream, b, c) : null,
        };
        drawn.Add(attempt);
        return attempt;
    }

    /// <summary>A unit of two or three streams. It may repeat the id of an earlier attempt, which is then not the same unit.</summary>
    public CommitAttempt Unit(ModelStore model, int a, int b, int c)
    {
        var id = drawn.Count > 0 && b % 9 == 0 ? Earlier(c).CommitId : Guid.NewGuid();
        var rest = Enumerable.Range(1, (c % 2) + 1).Select(i => new CommitAttempt(Name(a + i), id, Events(b + i, c / 5))
        {
            Expected = (b + i) % 4 == 0 ? Expected(model.StateOf(Name(a + i)), b, c) : ExpectedRevision.Any,
        });
        var attempt = new CommitAttempt(Name(a), id, Events(b, c))
        {
            Expected = b % 3 == 0 ? Expected(model.StateOf(Name(a)), b, c) : ExpectedRevision.Any,
            Condition = c % 3 == 0 ? Condition(model, Name(a), b, c) : null,
            Rest = [.. rest],
        };
        drawn.Add(attempt);
        return attempt;
    }

    /// <summary>What a change expects: mostly what is so.</summary>
    public StreamExpectation Expectation(StreamState state, int c) => (c % 6) switch
    {
        0 => new StreamExpectation(state.Revision, state.Incarnation),
        1 => new(ExpectedRevision.Any, state.Incarnation + 1),
        2 => new(state.Revision + ((c / 6) % 2)),
        3 => ExpectedRevision.StreamExists,
        _ => StreamExpectation.Any,
    };

    /// <summary>Before which revision to truncate: mostly few events, sometimes all, sometimes none.</summary>
    public long TruncationOf(StreamState state, int b) => (b % 8) switch
    {
        0 => long.MaxValue,
        1 => state.Revision.Value + 1,
        2 => Math.Max(1, state.FirstRevision.Value - 1),
        _ => Math.Max(1, state.FirstRevision.Value) + (b % 5),
    };

    /// <summary>Criteria that a condition may have, in the bucket of a stream.</summary>
    public EventCriteria Criteria(StreamId stream, int b)
    {
        var bucket = stream.Bucket;
        var tagged = new EventCriterion { Bucket = bucket, Tags = [Tags[b % Tags.Length]] };
        return (b % 6) switch
        {
            0 => new(new EventCriterion { Bucket = bucket, Category = b % 4 == 0 ? "c" : "" }),
            1 => new(new EventCriterion { Bucket = bucket, Category = stream.Category, Id = stream.Id }),
            2 => new(new EventCriterion { Bucket = bucket, Tags = [Tags[b % Tags.Length], Tags[(b + 1) % Tags.Length]] }),
            3 => new(tagged, new EventCriterion { Bucket = bucket, Category = "c", Types = [$"type-{b % 2}"] }),
            4 => new(new EventCriterion { Bucket = bucket, Category = "", Tags = tagged.Tags }, tagged),
            _ => new(tagged),
        };
    }

    /// <summary>A filter of the whole store.</summary>
    public EventFilter Filter(int b) => new()
    {
        Bucket = b % 2 == 0 ? names[0].Bucket : null,
        EventTypes = b % 3 == 0 ? new HashSet<string>(["type-1"]) : null,
        Category = b % 5 == 0 ? "c" : null,
        Criteria = b % 7 == 0 ? Criteria(names[0], b) : null,
    };

    /// <summary>The origin, the head, or a checkpoint not far below it.</summary>
    public Checkpoint Position(ModelStore model, int a) => (a % 5) switch
    {
        0 or 1 => Checkpoint.Origin,
        2 => new Checkpoint(model.Newest),
        _ => new Checkpoint(Math.Max(0, model.Newest - (a % 23))),
    };

    private AppendCondition Condition(ModelStore model, StreamId stream, int b, int c) =>
        new(Criteria(stream, b + c), Position(model, b));

    private static StreamExpectation Expected(StreamState state, int b, int c) => (b % 7) switch
    {
        0 => ExpectedRevision.Any,
        1 => ExpectedRevision.NoStream,
        2 => ExpectedRevision.StreamExists,
        3 => ExpectedRevision.Exactly(state.Revision.Value + (c % 3)),
        4 => new StreamExpectation(ExpectedRevision.Any, state.Incarnation + (c % 2)),
        _ => ExpectedRevision.Exactly(state.Revision.Value),
    };

    private static EventRecord[] Events(int b, int c) =>
    [
        .. Enumerable.Range(0, (c % 5) + 1).Select(i => new EventRecord(
            Guid.NewGuid(), $"type-{i % 2}", Encoding.UTF8.GetBytes($"{b}.{c}.{i}"), default, TagsOf(b + c + i))),
    ];

    private static string[] TagsOf(int number) => [.. Tags.Where((_, n) => (number >> n) % 3 == 0)];
}
