using System.Security.Cryptography;
using System.Text;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>Named documents, by compare-and-swap on their version. Versions are random numbers of 62 bits, so none comes twice.</summary>
internal sealed class MongoDocuments(MongoConnection connection)
{
    public async Task<NamedDocument?> FindAsync(string name, CancellationToken cancellationToken) =>
        await connection.FindFirstAsync(connection.Documents, new(new BsonDocument(MongoRows.Key, name)), cancellationToken)
            .ConfigureAwait(false) is { } found ? ToDocument(found) : null;

    public async Task<long?> PutAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion)
    {
        var version = 1 + (BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) & ((1L << 62) - 1));
        var fields = new BsonDocument { { MongoRows.Version, version }, { MongoRows.Content, MongoRows.ToBson(content) } };
        if (expectedVersion == 0) return await TryCreateAsync(name, fields).ConfigureAwait(false) ? version : null;

        var result = await connection.WriteAsync(token => connection.Documents.UpdateOneAsync(At(name, expectedVersion),
            new BsonDocument("$set", fields), null, token)).ConfigureAwait(false);
        return result.MatchedCount == 1 ? version : null;
    }

    public async Task<bool> DeleteAsync(string name, long expectedVersion)
    {
        var result = await connection.WriteAsync(token => connection.Documents.DeleteOneAsync(At(name, expectedVersion), token))
            .ConfigureAwait(false);
        return result.DeletedCount == 1;
    }

    public async Task<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int limit, CancellationToken cancellationToken)
    {
        var bounds = StreamId.CompareCodePoints(after, prefix) >= 0 ? new BsonDocument("$gt", after) : new BsonDocument("$gte", prefix);
        if (Beyond(prefix) is { } beyond) bounds.Add("$lt", beyond);
        var query = new MongoQuery(new BsonDocument(MongoRows.Key, bounds)) { Sort = new(MongoRows.Key, 1), Limit = limit };
        return (await connection.FindAsync(connection.Documents, query, cancellationToken).ConfigureAwait(false)).ConvertAll(ToDocument);
    }

    /// <summary>A document as it was stored.</summary>
    /// <exception cref="CorruptStorageException">It is not as this engine writes it.</exception>
    public static NamedDocument ToDocument(BsonDocument found) =>
        MongoRows.Read(found, () => new NamedDocument(found[MongoRows.Key].AsString, found[MongoRows.Version].AsInt64,
            found[MongoRows.Content].AsByteArray));

    /// <summary>The first name, by code points, that is beyond all with a prefix; null if none is.</summary>
    internal static string? Beyond(string prefix)
    {
        var runes = prefix.EnumerateRunes().ToList();
        while (runes.Count > 0 && runes[^1].Value == 0x10FFFF) runes.RemoveAt(runes.Count - 1);
        if (runes.Count == 0) return null;
        runes[^1] = new Rune(runes[^1].Value == 0xD7FF ? 0xE000 : runes[^1].Value + 1);
        return string.Concat(runes);
    }

    private async Task<bool> TryCreateAsync(string name, BsonDocument fields)
    {
        fields.InsertAt(0, new BsonElement(MongoRows.Key, name));
        try
        {
            return await connection.WriteAsync(async token =>
            {
                await connection.Documents.InsertOneAsync(fields, null, token).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
        catch (MongoWriteException error) when (MongoErrors.IsDuplicateKey(error))
        {
            return false;
        }
    }

    private static BsonDocument At(string name, long version) => new() { { MongoRows.Key, name }, { MongoRows.Version, version } };
}
