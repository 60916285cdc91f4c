using System.Globalization;
using System.Text;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// What writers acknowledged, and the check that it is stored: every commit whole, once and in order, documents and snapshots too.
/// </summary>
internal sealed class Acknowledgements
{
    private readonly Dictionary<Guid, (string Stream, long First, long Last, long Checkpoint)> commits = [];
    private readonly Dictionary<string, (string Content, long Version)> documents = [];
    private readonly Dictionary<string, long> snapshots = [];

    public int Count { get; private set; }

    public void Add(IEnumerable<string> lines)
    {
        foreach (var words in lines.Select(line => line.Split(' ')))
        {
            if (words is ["c", var id, var stream, var first, var last, var checkpoint])
                commits.Add(Guid.ParseExact(id, "N"), (stream, Number(first), Number(last), Number(checkpoint)));
            else if (words is ["d", var name, var content, var version]) documents[name] = (content, Number(version));
            else if (words is ["s", var of, var revision]) snapshots[of] = Number(revision);
            else continue;
            Count++;
        }
    }

    public async Task CheckAsync(IPersistenceEngine engine)
    {
        var missing = commits.Keys.ToHashSet();
        var revisions = new Dictionary<string, long>();
        var found = new HashSet<Guid>();
        Checkpoint after = new Checkpoint(0);
        for (var isEnd = false; !isEnd;)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)));
            foreach (var recorded in page.Events.Span)
            {
                Assert.Equal(after + 1, recorded.Checkpoint);
                after = recorded.Checkpoint;
                CheckEvent(recorded, revisions, found);
                if (recorded.IndexInCommit == recorded.Commit.EventCount - 1) missing.Remove(recorded.Commit.CommitId);
            }

            isEnd = page.IsEnd;
        }

        Assert.Empty(missing);
        foreach (var (stream, revision) in revisions) Assert.Equal(revision, (await engine.FindHeadAsync(stream))!.Revision.Value);
        await CheckDocumentsAsync(engine);
        await CheckSnapshotsAsync(engine);
        var report = await engine.VerifyAsync();
        Assert.True(report.IsSound, report.Damages.Count > 0 ? report.Damages[0].ToString() : "");
    }

    // Whole: the body says which commit, which event of it, and how many there are.
    private void CheckEvent(RecordedEvent recorded, Dictionary<string, long> revisions, HashSet<Guid> found)
    {
        var commit = recorded.Commit;
        var body = Encoding.UTF8.GetString(recorded.Record.Body.Span).Trim('"');
        Assert.Equal(Writer.BodyOf(commit.CommitId, recorded.IndexInCommit, commit.EventCount), body);
        Assert.True(recorded.IndexInCommit > 0 || found.Add(commit.CommitId), $"commit {commit.CommitId} is stored twice");
        var before = revisions.GetValueOrDefault(commit.Stream.Id);
        Assert.Equal(before + 1, recorded.Revision.Value);
        revisions[commit.Stream.Id] = recorded.Revision.Value;
        if (commits.TryGetValue(commit.CommitId, out var acknowledged))
            Assert.Equal(
                acknowledged, (commit.Stream.Id, commit.FirstRevision.Value, commit.LastRevision.Value, commit.LastCheckpoint.Value));
    }

    // The write in progress at the end may be stored, in place of the last acknowledged one.
    private async Task CheckDocumentsAsync(IPersistenceEngine engine)
    {
        foreach (var (name, (content, version)) in documents)
        {
            var document = await engine.FindDocumentAsync(name);
            Assert.NotNull(document);
            Assert.True(document.Version >= version, $"{name} is at version {document.Version}, but {version} was acknowledged");
            if (document.Version == version) Assert.Equal(content, Encoding.UTF8.GetString(document.Content.Span));
        }
    }

    private async Task CheckSnapshotsAsync(IPersistenceEngine engine)
    {
        foreach (var (stream, revision) in snapshots)
        {
            var snapshot = await engine.FindSnapshotAsync(stream, Revision.Max);
            Assert.NotNull(snapshot);
            Assert.True(
                snapshot.Revision.Value >= revision, $"{stream} has a snapshot at {snapshot.Revision}, but {revision} was acknowledged");
            Assert.Equal(snapshot.Revision.ToString(), Encoding.UTF8.GetString(snapshot.Payload.Span));
        }
    }

    private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);
}
