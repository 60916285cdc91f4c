using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.Redis;

/// <summary>A script, with the hash by which a server that knows it runs it. Given only text, the driver hashes it at each run.</summary>
internal sealed class RedisScript
{
    private const string Terms = "terms";
    private const string Pages = "pages";
    private static readonly string Library = Load("library");

    [SuppressMessage("Security", "CA5350", Justification = "Redis names scripts by SHA-1; nothing rests on its strength.")]
    private RedisScript(string name, params IEnumerable<string> parts)
    {
        Name = name;
        var shared = string.Join('\n', [Library, .. parts.Select(Load)]);
        Text = $"{shared}\nlocal function run()\n{Load(name)}\nend\nreturn guarded(run)\n";
        Hash = SHA1.HashData(Encoding.UTF8.GetBytes(Text));
    }

    public static RedisScript Initialize { get; } = new("initialize");

    public static RedisScript Commit { get; } = new("commit", Terms);

    public static RedisScript ReadStream { get; } = new("read_stream");

    public static RedisScript ReadAll { get; } = new("read_all", Pages);

    public static RedisScript ReadTerms { get; } = new("read_terms", Terms, Pages);

    public static RedisScript FindCommit { get; } = new("find_commit");

    public static RedisScript FindHead { get; } = new("find_head");

    public static RedisScript ListHeads { get; } = new("list_heads");

    public static RedisScript SaveSnapshot { get; } = new("save_snapshot");

    public static RedisScript FindSnapshot { get; } = new("find_snapshot");

    public static RedisScript PruneSnapshots { get; } = new("prune_snapshots");

    public static RedisScript FindDocument { get; } = new("find_document");

    public static RedisScript PutDocument { get; } = new("put_document");

    public static RedisScript DeleteDocument { get; } = new("delete_document");

    public static RedisScript ListDocuments { get; } = new("list_documents");

    public static RedisScript ChangeStream { get; } = new("change_stream");

    public static RedisScript Hold { get; } = new("hold");

    public static RedisScript Remove { get; } = new("remove");

    public static RedisScript Sweep { get; } = new("sweep", Terms);

    public static RedisScript Verify { get; } = new("verify", Terms);

    public static RedisScript VerifyHeads { get; } = new("verify_heads");

    /// <summary>The name of its file.</summary>
    public string Name { get; }

    public string Text { get; }

    public byte[] Hash { get; }

    private static string Load(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
