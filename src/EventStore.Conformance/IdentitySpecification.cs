using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Names are compared ordinally and read back byte for byte; bucket, category and id together identify a stream.</summary>
public abstract class IdentitySpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    public static TheoryData<string> OddNames { get; } =
    [
        "a", "A", "a ", " a", "a\t", "é", "e\u0301", "a:b", "a*b", "a?b", "[a]", "a/b", "a\\b", "$a", "a.b", "a%b", "a'b", "a\"b", "{a}",
        "😀", "😀😀",
        "a\nb", "-", "--", "a,b", "null", "NULL", "0", "a\u200bb", "ﬀ", "ß", "SS", "ı", "İ", "~", "a|b", "a=b", "a&b", "#a", "@a", "%00",
        "../a", "\u007f",
    ];

    [Fact, Guarantee("G1")]
    public async Task Names_that_differ_in_any_byte_are_different_streams_and_are_read_back_byte_for_byte()
    {
        string[] names = [.. OddNames.Select(row => row.Data)];
        foreach (var name in names) await AppendAsync(new StreamId(name, name, name), Event(name, type: name));

        foreach (var name in names)
        {
            var stored = Assert.Single(await ReadStreamAsync(new StreamId(name, name, name)));
            Assert.Equal(name, Body(stored));
            Assert.Equal(Bytes(name), Bytes(stored.Commit.Stream.Bucket));
            Assert.Equal(Bytes(name), Bytes(stored.Commit.Stream.Category));
            Assert.Equal(Bytes(name), Bytes(stored.Commit.Stream.Id));
            Assert.Equal(Bytes(name), Bytes(stored.Record.EventType));
            Assert.Equal(1, (await HeadAsync(new StreamId(name, name, name))).Revision.Value);
        }

        Assert.Equal(names.Length, (await ReadAllAsync()).Count);
        foreach (var name in names)
        {
            Assert.Equal([name], Bodies(await ReadAllAsync(new EventFilter { Bucket = name })));
            Assert.Equal([name], Bodies(await ReadAllAsync(new EventFilter { Category = name })));
            Assert.Equal([name], Bodies(await ReadAllAsync(new EventFilter { Id = name })));
            Assert.Equal([name], Bodies(await ReadAllAsync(new EventFilter { EventTypes = new HashSet<string>([name]) })));
        }
    }

    [Fact, Guarantee("G1")]
    public async Task Names_of_the_longest_length_are_stored_and_differ_by_their_last_byte()
    {
        var bucket = new string('b', StreamId.MaxBucketBytes);
        var category = string.Concat(Enumerable.Repeat("😀", StreamId.MaxBucketBytes / 4));
        string[] ids = [.. "xyz".Select(last => string.Concat(Enumerable.Repeat("語", (StreamId.MaxIdBytes - 1) / 3)) + last)];
        Assert.All(ids, id => Assert.Equal(StreamId.MaxIdBytes, Bytes(id).Length));

        foreach (var id in ids) await AppendAsync(new StreamId(bucket, category, id), Event(id));
        foreach (var id in ids) Assert.Equal([id], Bodies(await ReadStreamAsync(new StreamId(bucket, category, id))));
    }

    [Fact, Guarantee("G1")]
    public async Task Names_that_are_empty_too_long_or_ill_formed_are_refused_before_anything_is_written()
    {
        string[] wrong =
            ["", "a\0b", "\ud800", "a\udc00", new('x', StreamId.MaxIdBytes + 1), new string('é', (StreamId.MaxIdBytes / 2) + 1)];
        foreach (var name in wrong)
        {
            Assert.Throws<InvalidNameException>(() => new StreamId(name));
            Assert.Throws<InvalidNameException>(() => new StreamId(name, "", "id"));
            if (name.Length > 0) Assert.Throws<InvalidNameException>(() => new StreamId("bucket", name, "id"));
            Assert.Throws<InvalidNameException>(() => Event(type: name));
            await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.PutDocumentAsync(name, default, 0));
        }

        Assert.Throws<InvalidNameException>(() => Attempt(default, ExpectedRevision.Any));
        Assert.Empty(await ReadAllAsync());
    }

    [Fact, Guarantee("G1", "G19")]
    public async Task Ill_formed_names_to_look_for_are_refused_and_reads_go_on()
    {
        await AppendAsync("stream", 1);
        for (var round = 0; round < 3; round++)
        {
            foreach (var name in (string[])["a\0b", "\ud800", "a\udc00"])
            {
                Assert.Throws<InvalidNameException>(() => new EventFilter { Bucket = name });
                Assert.Throws<InvalidNameException>(() => new EventFilter { Category = name });
                Assert.Throws<InvalidNameException>(() => new EventFilter { Id = name });
                Assert.Throws<InvalidNameException>(() => new EventFilter { EventTypes = ["type", name] });
                Assert.Throws<InvalidNameException>(() => new HeadQuery(name, 0, null, 1));
                await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.ListDocumentsAsync(name, "", 1));
                await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.ListDocumentsAsync("", name, 1));
                await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.FindDocumentAsync(name));
                await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.DeleteDocumentAsync(name, 1));
                await Assert.ThrowsAsync<InvalidNameException>(async () => await Engine.PurgeBucketAsync(name));
            }

            Assert.Single(await ReadAllAsync(new EventFilter { Id = "stream", EventTypes = ["type"] }));
            Assert.Empty(await Engine.ListDocumentsAsync("", "", 10));
        }
    }

    [Fact, Guarantee("G2")]
    public async Task The_same_id_in_another_bucket_or_category_is_another_stream_through_every_member()
    {
        StreamId[] streams =
            [new("a", "", "x"), new("b", "", "x"), new("a", "c", "x"), new("b", "c", "x"), new("ac", "", "x"), new("a", "cx", "x")];
        var commitId = SequentialGuid.Next();
        for (var i = 0; i < streams.Length; i++)
        {
            var outcome = await CommitAsync(
                new CommitAttempt(streams[i], commitId, Events(i + 1, $"s{i}-")) { Expected = ExpectedRevision.NoStream });
            Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
            await Engine.SaveSnapshotAsync(new SnapshotRecord(streams[i], new Revision(i + 1), 0, "state", Bytes($"s{i}")));
        }

        for (var i = 0; i < streams.Length; i++)
        {
            Assert.Equal(i + 1, (await ReadStreamAsync(streams[i])).Count);
            var head = await HeadAsync(streams[i]);
            Assert.Equal((i + 1, i + 1), (head.Revision.Value, head.SnapshotRevision.Value));
            Assert.Equal($"s{i}", Encoding.UTF8.GetString((await SnapshotAsync(streams[i], Revision.Max)).Payload.Span));
        }

        await Engine.DeleteStreamAsync(streams[0]);
        await Engine.PruneSnapshotsAsync(streams[1], 0);
        Assert.Empty(await ReadStreamAsync(streams[0]));
        for (var i = 1; i < streams.Length; i++) Assert.Equal(i + 1, (await ReadStreamAsync(streams[i])).Count);
        Assert.Null(await Engine.FindSnapshotAsync(streams[1], Revision.Max));
        Assert.NotNull(await Engine.FindSnapshotAsync(streams[3], Revision.Max));
        Assert.Equal(
            CommitOutcomeKind.Duplicate,
            (await CommitAsync(new CommitAttempt(streams[1], commitId, Events(2)))).Kind);
    }

    [Fact, Guarantee("G1", "G2")]
    public async Task Parts_of_a_name_are_never_confused()
    {
        var streams = new List<StreamId>();
        string[] cases =
        [
            "", " ", "/", "\\", ":", "::", "-", "_", ".", ",", ";", "|", "#", "$", "@", "~", "\t", "\n", "\u001f", "'", "\"",
        ];
        foreach (var between in cases)
        {
            streams.Add(new StreamId($"a{between}b", "c", "d"));
            streams.Add(new StreamId("a", $"b{between}c", "d"));
            streams.Add(new StreamId("a", "b", $"c{between}d"));
        }

        for (var i = 0; i < streams.Count; i++)
        {
            var outcome = await CommitAsync(Attempt(streams[i], ExpectedRevision.NoStream, Event($"{i}")));
            Assert.Equal((streams[i], CommitOutcomeKind.Committed), (streams[i], outcome.Kind));
            await Engine.SaveSnapshotAsync(new SnapshotRecord(streams[i], new Revision(1), 0, "state", Bytes($"{i}")));
        }

        for (var i = 0; i < streams.Count; i++)
        {
            var stored = Assert.Single(await ReadStreamAsync(streams[i]));
            Assert.Equal((streams[i], $"{i}"), (stored.Commit.Stream, Body(stored)));
            Assert.Equal($"{i}", Encoding.UTF8.GetString((await SnapshotAsync(streams[i], new Revision(1))).Payload.Span));
        }

        Assert.Equal(streams.Count, (await ReadAllAsync()).Count);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
