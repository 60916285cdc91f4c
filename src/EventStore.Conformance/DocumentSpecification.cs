using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Named documents are written by compare-and-swap, so that a writer that read an older version cannot overwrite a newer one.
/// </summary>
public abstract class DocumentSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    [Fact, Guarantee("G29")]
    public async Task A_document_is_written_only_at_the_version_expected()
    {
        Assert.Null(await Engine.FindDocumentAsync("name"));
        Assert.Null(await PutAsync("name", "x", 5));
        var first = await WriteAsync("name", "one", 0);
        Assert.Null(await PutAsync("name", "x", 0));
        var second = await WriteAsync("name", "two", first);
        Assert.Null(await PutAsync("name", "x", first));
        Assert.True(second != first && second > 0);

        var found = await DocumentAsync("name");
        Assert.Equal(("name", second, "two"), (found.Name, found.Version, Text(found)));
    }

    [Fact, Guarantee("G29")]
    public async Task A_version_is_never_used_twice_under_one_name_not_even_after_deletion()
    {
        var seen = new HashSet<long>();
        for (var round = 0; round < 5; round++)
        {
            var version = await WriteAsync("name", "x", 0);
            Assert.True(seen.Add(version));
            version = await WriteAsync("name", "y", version);
            Assert.True(seen.Add(version));
            Assert.True(await Engine.DeleteDocumentAsync("name", version));
            Assert.Null(await Engine.FindDocumentAsync("name"));
        }
    }

    [Fact, Guarantee("G29")]
    public async Task A_document_is_deleted_only_at_the_version_expected()
    {
        var version = await WriteAsync("name", "x", 0);
        Assert.False(await Engine.DeleteDocumentAsync("name", version + 1));
        Assert.False(await Engine.DeleteDocumentAsync("other", version));
        Assert.NotNull(await Engine.FindDocumentAsync("name"));
        Assert.True(await Engine.DeleteDocumentAsync("name", version));
        Assert.False(await Engine.DeleteDocumentAsync("name", version));
    }

    [Fact, Guarantee("G29")]
    public async Task Of_many_writers_at_one_version_exactly_one_succeeds_and_no_increment_is_lost()
    {
        const int Writers = 8, Increments = 25;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < Increments;)
            {
                var known = await Engine.FindDocumentAsync("counter");
                var value = known is null ? 0 : int.Parse(Text(known));
                if (await PutAsync("counter", (value + 1).ToString(), known?.Version ?? 0) is not null) done++;
            }
        })));
        Assert.Equal((Writers * Increments).ToString(), Text(await DocumentAsync("counter")));
    }

    [Fact, Guarantee("G1", "G18")]
    public async Task Documents_are_listed_by_prefix_in_code_point_order_page_by_page()
    {
        string[] names = ["a", "a/1", "a/10", "a/2", "a/é", "a/😀", "a/\uffee", "A/1", "b/1", "a%", "a_", "a*", "a?", "a["];
        foreach (var name in names) await PutAsync(name, name, 0);

        Assert.Equal(["a/1", "a/10", "a/2", "a/é", "a/\uffee", "a/😀"], await ListAsync("a/", 2));
        Assert.Equal(names.Order(Comparer<string>.Create(StreamId.CompareCodePoints)), await ListAsync("", 3));
        foreach (var name in (string[])["a%", "a_", "a*", "a?", "a["]) Assert.Equal([name], await ListAsync(name, 5));
        Assert.Empty(await ListAsync("none", 5));
    }

    [Fact, Guarantee("G8")]
    public async Task Documents_and_snapshots_beyond_their_limits_are_refused()
    {
        var limits = Engine.Description.Limits;
        Assert.InRange(limits.MaxDocumentBytes, 64 << 10, long.MaxValue);
        Assert.InRange(limits.MaxSnapshotBytes, 1 << 20, long.MaxValue);
        await AppendAsync("stream", 1);
        await Assert.ThrowsAsync<TooLargeException>(
            async () => await Engine.PutDocumentAsync("name", new byte[limits.MaxDocumentBytes + 1], 0));
        await Assert.ThrowsAsync<TooLargeException>(
            async () =>
                await Engine.SaveSnapshotAsync(
                    new SnapshotRecord("stream", new Revision(1), 0, "state", new byte[limits.MaxSnapshotBytes + 1])));
        Assert.Null(await Engine.FindDocumentAsync("name"));
        Assert.Null(await Engine.FindSnapshotAsync("stream", new Revision(1)));
    }

    [Fact, Guarantee("G46")]
    public async Task Documents_outlive_a_purge_of_the_store()
    {
        await AppendAsync("stream", 1);
        await PutAsync("name", "x", 0);
        await Engine.PurgeAllAsync();
        Assert.Equal("x", Text(await DocumentAsync("name")));
    }

    private ValueTask<long?> PutAsync(string name, string content, long expectedVersion) =>
        Engine.PutDocumentAsync(name, Encoding.UTF8.GetBytes(content), expectedVersion);

    private async ValueTask<long> WriteAsync(string name, string content, long expectedVersion)
    {
        var version = await PutAsync(name, content, expectedVersion);
        Assert.True(version is not null, $"document '{name}' was not written although it was at the version expected, {expectedVersion}");
        return version.Value;
    }

    private static string Text(NamedDocument document) => Encoding.UTF8.GetString(document.Content.Span);

    private async ValueTask<List<string>> ListAsync(string prefix, int pageSize)
    {
        var all = new List<string>();
        while (true)
        {
            var page = await Engine.ListDocumentsAsync(prefix, all.Count == 0 ? "" : all[^1], pageSize);
            if (page.Count == 0) return all;
            Assert.InRange(page.Count, 1, pageSize);
            Assert.All(page, document => Assert.Equal(document.Name, Text(document)));
            all.AddRange(page.Select(document => document.Name));
        }
    }
}
