namespace EventStore.Redis;

/// <summary>A script. The driver sends its text to a server once, and its hash from then on.</summary>
internal sealed class RedisScript
{
    private static readonly string Library = Load("library");

    private RedisScript(string name)
    {
        Name = name;
        Text = Library + Load(name);
    }

    public static RedisScript Initialize { get; } = new("initialize");

    public static RedisScript Commit { get; } = new("commit");

    public static RedisScript ReadStream { get; } = new("read_stream");

    public static RedisScript ReadAll { get; } = new("read_all");

    public static RedisScript FindHead { get; } = new("find_head");

    public static RedisScript ListHeads { get; } = new("list_heads");

    public static RedisScript SaveSnapshot { get; } = new("save_snapshot");

    public static RedisScript FindSnapshot { get; } = new("find_snapshot");

    public static RedisScript PruneSnapshots { get; } = new("prune_snapshots");

    public static RedisScript FindDocument { get; } = new("find_document");

    public static RedisScript PutDocument { get; } = new("put_document");

    public static RedisScript DeleteDocument { get; } = new("delete_document");

    public static RedisScript ListDocuments { get; } = new("list_documents");

    public static RedisScript Remove { get; } = new("remove");

    public static RedisScript Sweep { get; } = new("sweep");

    public static RedisScript Verify { get; } = new("verify");

    public static RedisScript VerifyHeads { get; } = new("verify_heads");

    /// <summary>The name of its file.</summary>
    public string Name { get; }

    public string Text { get; }

    private static string Load(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
