using System.Buffers.Binary;
using System.Numerics;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// A number that distinguishes contents and is cheap to compare. It differs from the engine's own checksum, whose blind spots it must not
/// share.
/// </summary>
internal struct Fingerprint
{
    private ulong value;

    public readonly ulong Value => Mixed(value);

    public void Add(ulong part) => value = (BitOperations.RotateLeft(value, 23) ^ part) * 0x9E3779B97F4A7C15;

    public void Add(long part) => Add((ulong)part);

    public void Add(Guid part)
    {
        Span<byte> bytes = stackalloc byte[16];
        part.TryWriteBytes(bytes);
        Add(bytes);
    }

    public void Add(string part)
    {
        Add(part.Length);
        foreach (var character in part) Add((ulong)character);
    }

    public void Add(ReadOnlySpan<byte> part)
    {
        Add(part.Length);
        for (; part.Length >= 8; part = part[8..]) Add(BinaryPrimitives.ReadUInt64LittleEndian(part));
        foreach (var rest in part) Add((ulong)rest);
    }

    private static ulong Mixed(ulong part)
    {
        part = (part ^ (part >> 32)) * 0xD6E8FEB86659FD93;
        return part ^ (part >> 29);
    }
}
