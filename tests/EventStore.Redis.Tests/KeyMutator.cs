using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>Damages one key of a store as another client of the server could: the seed decides how.</summary>
internal sealed class KeyMutator(IDatabase database, Random random)
{
    // The header of an entry, which the checksum of the entry does not cover.
    private const int HeaderBytes = RedisRows.HeaderBytes;

    /// <summary>Whether the last mutation gave an entry a checksum that fits.</summary>
    public bool IsForged { get; private set; }

    /// <summary>Damages a key. Returns what was done.</summary>
    public async Task<string> MutateAsync(RedisKey key)
    {
        IsForged = false;
        var kind = await database.KeyTypeAsync(key);
        var done = random.Next(12) switch
        {
            0 => await DeleteAsync(key),
            1 => await ReplaceAsync(key, kind),
            _ => kind switch
            {
                RedisType.String => await MutateStringAsync(key),
                RedisType.Hash => await MutateHashAsync(key),
                RedisType.List => await MutateListAsync(key),
                RedisType.SortedSet => await MutateSortedSetAsync(key),
                _ => await MutateStreamAsync(key),
            },
        };
        return $"{key}: {done}";
    }

    private async Task<string> DeleteAsync(RedisKey key)
    {
        await database.KeyDeleteAsync(key);
        return "DEL";
    }

    private async Task<string> ReplaceAsync(RedisKey key, RedisType kind)
    {
        await database.KeyDeleteAsync(key);
        if (kind == RedisType.String) await database.ListRightPushAsync(key, "of another type");
        else await database.StringSetAsync(key, "of another type");
        return "another type";
    }

    private async Task<string> MutateStringAsync(RedisKey key)
    {
        var length = (int)await database.StringLengthAsync(key);
        switch (random.Next(5))
        {
            case 0:
                await database.StringAppendAsync(key, Garbage(random.Next(1, 60)));
                return "APPEND";
            case 1:
                var record = (byte[])(await database.StringGetRangeAsync(key, -24, -1))!;
                record[random.Next(record.Length)] ^= (byte)(1 << random.Next(8));
                await database.StringAppendAsync(key, record);
                return "APPEND of a record";
            case 2:
                await database.StringSetRangeAsync(key, random.Next(length), Garbage(1));
                return "SETRANGE of a byte";
            case 3:
                await database.StringSetRangeAsync(key, length + random.Next(1 << 16), Garbage(random.Next(1, 30)));
                return "SETRANGE behind the end";
            default:
                await database.StringSetAsync(key, (await database.StringGetRangeAsync(key, 0, random.Next(length) - 1L)));
                return "truncated";
        }
    }

    private async Task<string> MutateHashAsync(RedisKey key)
    {
        var fields = await database.HashGetAllAsync(key);
        var field = fields[random.Next(fields.Length)];
        switch (random.Next(8))
        {
            case 0:
                await database.HashDeleteAsync(key, field.Name);
                return $"HDEL {field.Name}";
            case 1:
                await database.HashSetAsync(key, Garbage(random.Next(1, 40)), Value(field.Value));
                return "HSET of an unknown field";
            default:
                var value = Value(field.Value);
                await database.HashSetAsync(key, field.Name, value);
                return $"HSET {field.Name} {BitConverter.ToString(value)}";
        }
    }

    private async Task<string> MutateListAsync(RedisKey key)
    {
        switch (random.Next(3))
        {
            case 0:
                await database.ListLeftPopAsync(key);
                return "LPOP";
            case 1:
                await database.ListLeftPushAsync(key, Value(await database.ListGetByIndexAsync(key, 0)));
                return "LPUSH";
            default:
                await database.ListSetByIndexAsync(key, 0, Value(await database.ListGetByIndexAsync(key, 0)));
                return "LSET";
        }
    }

    private async Task<string> MutateSortedSetAsync(RedisKey key)
    {
        var members = await database.SortedSetRangeByRankAsync(key);
        var member = members[random.Next(members.Length)];
        switch (random.Next(4))
        {
            case 0:
                await database.SortedSetRemoveAsync(key, member);
                return "ZREM";
            case 1:
                await database.SortedSetAddAsync(key, Value(member), 0);
                return "ZADD of an unknown member";
            case 2:
                await database.SortedSetAddAsync(key, member, random.Next(-3, 3) + 0.5);
                return "ZADD at another score";
            default:
                await database.SortedSetRemoveAsync(key, member);
                await database.SortedSetAddAsync(key, Value(member), 0);
                return "another member";
        }
    }

    private async Task<string> MutateStreamAsync(RedisKey key)
    {
        var entries = await database.StreamRangeAsync(key);
        var struck = random.Next(entries.Length);
        var entry = (byte[])entries[struck].Values[0].Value!;
        switch (random.Next(8))
        {
            case 0:
                await database.StreamDeleteAsync(key, [entries[struck].Id]);
                return "XDEL";
            case 1:
                var id = random.Next(3) switch { 0 => "18446744073709551615-7", 1 => "4000-0", _ => "4000-9" };
                await database.StreamAddAsync(key, "c", Garbage(random.Next(200)), id);
                return $"XADD {id}";
            case 2 or 3:
                entry[HeaderBytes + random.Next(40)] ^= (byte)(1 << random.Next(8));
                IsForged = true;
                break;
            case 4:
                entry[random.Next(HeaderBytes)] ^= (byte)(1 << random.Next(8));
                break;
            case 5:
                Array.Resize(ref entry, random.Next(entry.Length));
                break;
            case 6:
                var number = entry.AsSpan(HeaderBytes + (4 * random.Next(1, 5)));
                BinaryPrimitives.WriteUInt32BigEndian(number, uint.MaxValue >> random.Next(32));
                IsForged = true;
                break;
            default:
                entry[random.Next(HeaderBytes, entry.Length)] ^= (byte)(1 << random.Next(8));
                IsForged = random.Next(2) == 0;
                break;
        }

        if (IsForged)
            BinaryPrimitives.WriteUInt32BigEndian(entry.AsSpan(HeaderBytes), RedisRows.Checksum(entry.AsSpan(HeaderBytes + 4)));
        await database.KeyDeleteAsync(key);
        for (var i = 0; i < entries.Length; i++)
            await database.StreamAddAsync(key, entries[i].Values[0].Name, i == struck ? entry : entries[i].Values[0].Value, entries[i].Id);
        return $"entry {entries[struck].Id} changed{(IsForged ? ", checksum forged" : "")}";
    }

    private byte[] Value(RedisValue found)
    {
        var value = (byte[]?)found ?? [];
        switch (random.Next(9))
        {
            case 0: return Text("-1");
            case 1: return Text("99999999999999999999999");
            case 2: return Text("140737488355327");
            case 3: return Text("3.5");
            case 4: return Text("nan");
            case 5: return [];
            case 6: return Garbage(random.Next(1, 40));
            case 7: return value[..random.Next(value.Length + 1)];
            default:
                if (value.Length > 0) value[random.Next(value.Length)] ^= (byte)(1 << random.Next(8));
                return value;
        }
    }

    private byte[] Garbage(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture));
}
