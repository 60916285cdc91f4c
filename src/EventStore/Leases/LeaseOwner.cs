using System.Collections.Concurrent;

namespace EventStore.Leases;

/// <summary>
/// The identity under which a lease is held: a new id, and the mark of the process. Alive until it is disposed. Written as
/// <c>id/runtime/boot/namespace/process/start</c>, or <c>id/runtime</c> where the system shows no more.
/// </summary>
internal sealed class LeaseOwner : IDisposable
{
    // One in each loaded copy of this library: the owners in it are known.
    private static readonly string Runtime = SequentialGuid.Next().ToString("N");
    private static readonly ConcurrentDictionary<string, bool> Living = new(StringComparer.Ordinal);

    public LeaseOwner()
    {
        var id = $"{SequentialGuid.Next():N}/{Runtime}";
        Text = ProcessMark.Text is { } mark ? $"{id}/{mark}" : id;
        Living.TryAdd(Text, true);
    }

    public string Text { get; }

    /// <summary>Whether an owner is a running one of this process.</summary>
    public static bool IsAliveHere(string owner) => Living.ContainsKey(owner);

    /// <summary>Whether an owner is certainly dead. Only for an unknown one must its term be waited for.</summary>
    /// <param name="owner">The owner as it is written.</param>
    /// <param name="isOnlyWriter">Whether the storage lets one process write at a time, which is this one.</param>
    public static bool IsDead(string owner, bool isOnlyWriter)
    {
        var parts = owner.Split('/');
        if (parts.Length < 2) return isOnlyWriter;
        if (parts[1] == Runtime) return !IsAliveHere(owner);
        return isOnlyWriter || ProcessMark.IsGone(parts.AsSpan(2));
    }

    public void Dispose() => Living.TryRemove(Text, out _);
}
