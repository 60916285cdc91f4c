using EventStore.TestSupport;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>Changes a document as another client of the database could; the seed decides how. Documents have no checksum.</summary>
internal sealed class DocumentMutator(IMongoDatabase database, Random random)
{
    private static readonly string[] Collections = ["entries", "entries", "entries", "entries", "snapshots", "documents", "names", "store"];

    /// <summary>Changes a document. Returns what was done; null where nothing was changed.</summary>
    public async Task<string?> MutateAsync()
    {
        var name = Collections[random.Next(Collections.Length)];
        var collection = database.GetCollection<BsonDocument>($"events.{name}");
        var all = await collection.Find(new BsonDocument()).Sort(new BsonDocument("_id", 1)).ToListAsync();
        if (all.Count == 0) return null;
        var document = all[random.Next(all.Count)];
        var key = document["_id"];
        var before = document.DeepClone();
        var what = $"{name} {key}: {(random.Next(15) == 0 ? "deleted" : Change(document))}";
        if (document == before && !what.EndsWith("deleted", StringComparison.Ordinal)) return null;
        await collection.DeleteOneAsync(new BsonDocument("_id", key));
        if (document == before) return what;
        try
        {
            await collection.InsertOneAsync(document);
            return what;
        }
        catch (Exception error) when (error is MongoException or BsonException or ArgumentException)
        {
            await collection.InsertOneAsync(before.AsBsonDocument);
            return null;
        }
    }

    private string Change(BsonDocument document)
    {
        var place = document;
        foreach (var name in (string[])["commits", "events"])
        {
            if (!place.TryGetValue(name, out var found) || found is not BsonArray { Count: > 0 } array || random.Next(2) == 0) break;
            var at = random.Next(array.Count);
            if (random.Next(6) == 0)
            {
                if (random.Next(2) == 0) array.RemoveAt(at);
                else array.Insert(at, random.Next(2) == 0 ? ValueOfAnotherKind() : array[at].DeepClone());
                return $"{name}, {at} removed or added";
            }

            if (array[at] is not BsonDocument { ElementCount: > 0 } one) break;
            place = one;
        }

        var field = place.GetElement(random.Next(place.ElementCount));
        switch (random.Next(6))
        {
            case 0:
                if (field.Name != "_id") place.Remove(field.Name);
                return $"{field.Name} removed";
            case 1:
                var other = ValueOfAnotherKind();
                place[field.Name] = other;
                return $"{field.Name} = {other.BsonType}";
            default:
                place[field.Name] = ValueLike(field.Value);
                return $"{field.Name} = {Shown(place[field.Name])}";
        }
    }

    private BsonValue ValueLike(BsonValue value) => value switch
    {
        BsonInt64 => HostileValues.Number(random),
        BsonInt32 => (int)HostileValues.Number(random),
        BsonString => HostileValues.Text(random, "removing"),
        BsonBinaryData { SubType: BsonBinarySubType.UuidStandard } => new BsonBinaryData(
            random.Next(2) == 0 ? Guid.Empty : new Guid(random.Next(), 1, 2, new byte[8]), GuidRepresentation.Standard),
        BsonBinaryData => new BsonBinaryData(new byte[random.Next(3) == 0 ? 300_000 : random.Next(40)]),
        _ => ValueOfAnotherKind(),
    };

    private BsonValue ValueOfAnotherKind() => random.Next(10) switch
    {
        0 => BsonNull.Value,
        1 => new BsonDouble(random.Next(40)),
        2 => new BsonDouble(double.PositiveInfinity),
        3 => new BsonArray { 1, "a" },
        4 => new BsonDocument("a", 1),
        5 => new BsonString(HostileValues.Text(random, "removing")),
        6 => new BsonInt32(random.Next(-1, 40)),
        7 => new BsonInt64(HostileValues.Number(random)),
        8 => new BsonBoolean(true),
        _ => new BsonBinaryData(new byte[random.Next(20)]),
    };

    private static string Shown(BsonValue value) => value.ToString() is { Length: > 40 } text ? text[..40] : $"{value}";
}
