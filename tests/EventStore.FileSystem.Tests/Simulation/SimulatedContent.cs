using System.Globalization;
using System.Text;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>What a store should hold, as text that can be compared with what it does hold.</summary>
internal sealed class SimulatedContent
{
    private readonly List<(string Stream, string Body)> events = [];

    public SortedDictionary<string, string> Documents { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> Snapshots { get; } = new(StringComparer.Ordinal);

    public static async Task<string> ReadAsync(IPersistenceEngine engine)
    {
        var content = new SimulatedContent();
        for (Checkpoint after = 0; ;)
        {
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(50, long.MaxValue)));
            foreach (var recorded in page.Events.ToArray()) content.events.Add((recorded.Commit.Stream.Id, Encoding.UTF8.GetString(recorded.Record.Body.Span)));
            if (page.IsEnd) break;
            after = page.Position;
        }

        foreach (var head in await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 1000)))
        {
            if (head.SnapshotRevision.Value > 0) content.Snapshots[head.Stream.Id] = head.SnapshotRevision.Value;
            var page = await engine.ReadStreamAsync(new StreamRead(head.Stream, 1, Revision.Max, ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)));
            var bodies = content.events.Where(stored => stored.Stream == head.Stream.Id).Select(stored => stored.Body);
            if (!page.Events.ToArray().Select(recorded => Encoding.UTF8.GetString(recorded.Record.Body.Span)).SequenceEqual(bodies))
                throw new InvalidOperationException($"stream {head.Stream} read by itself differs from what the whole store holds of it");
        }

        foreach (var document in await engine.ListDocumentsAsync("", "", 1000)) content.Documents[document.Name] = Encoding.UTF8.GetString(document.Content.Span);
        return content.ToString();
    }

    public void Append(StreamId stream, EventRecord[] appended)
    {
        foreach (var recorded in appended) events.Add((stream.Id, Encoding.UTF8.GetString(recorded.Body.Span)));
    }

    public void Delete(StreamId stream)
    {
        events.RemoveAll(stored => stored.Stream == stream.Id);
        Snapshots.Remove(stream.Id);
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (stream, body) in events) text.Append(stream).Append(' ').AppendLine(body[..Math.Min(12, body.Length)]).Append(body.Length);
        foreach (var (name, value) in Documents) text.Append(name).Append(' ').AppendLine(value);
        foreach (var (stream, revision) in Snapshots) text.Append(stream).Append(' ').AppendLine(revision.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
