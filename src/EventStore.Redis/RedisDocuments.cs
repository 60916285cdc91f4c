using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>Named documents, each with a version that is given out once for ever.</summary>
internal sealed class RedisDocuments(RedisServer server, RedisSchema schema)
{
    private const int VersionBytes = 6;
    private const long MaxBytes = 8 << 20;
    private const int MaxNames = 1_000;

    public async ValueTask<NamedDocument?> FindAsync(string name, CancellationToken cancellationToken)
    {
        var answer = await server.AskAsync(RedisScript.FindDocument, [schema.Meta, schema.Documents], [NamedDocument.RequireName(name)],
            cancellationToken).ConfigureAwait(false);
        return (byte[]?)answer[1] is { } found ? Decode(name, found) : null;
    }

    public async ValueTask<long?> PutAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion,
        CancellationToken cancellationToken)
    {
        var answer = await server.ChangeAsync(
            RedisScript.PutDocument, [schema.Meta, schema.Documents, schema.Titles], [name, expectedVersion, content.ToArray()],
            cancellationToken).ConfigureAwait(false);
        return (long)answer[1] is > 0 and var version ? version : null;
    }

    public async ValueTask<bool> DeleteAsync(string name, long expectedVersion, CancellationToken cancellationToken)
    {
        var answer = await server.ChangeAsync(
            RedisScript.DeleteDocument, [schema.Meta, schema.Documents, schema.Titles], [NamedDocument.RequireName(name), expectedVersion],
            cancellationToken).ConfigureAwait(false);
        return (long)answer[1] == 1;
    }

    public async ValueTask<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken)
    {
        var (from, to) = RedisReader.RangeOf(Encoding.UTF8.GetBytes(prefix), Encoding.UTF8.GetBytes(after));
        var documents = new List<NamedDocument>();
        while (documents.Count < limit)
        {
            var most = Math.Min(limit - documents.Count, MaxNames);
            var answer = await server.AskAsync(RedisScript.ListDocuments, [schema.Meta, schema.Documents, schema.Titles],
                [from, to, most, MaxBytes], cancellationToken).ConfigureAwait(false);
            for (var i = 2; i + 1 < answer.Length; i += 2) documents.Add(Decode((string)answer[i]!, (byte[])answer[i + 1]!));
            var isMore = (long)answer[1] == 1 || (answer.Length - 2) / 2 == most;
            if (!isMore) break;
            from = RedisReader.After((byte[])answer[^2]!, from, schema.Titles);
        }

        return documents;
    }

    private static NamedDocument Decode(string name, byte[] found)
    {
        try
        {
            return new NamedDocument(name, RedisRows.ReadNumber(found), found.AsMemory(VersionBytes));
        }
        catch (ArgumentException error)
        {
            throw new CorruptStorageException("a document", "its name or its version is not one that is given.",
                "Restore the server's data.", error);
        }
    }
}
