namespace EventStore.FileSystem.Index;

/// <summary>
/// The places of a hash table over numbered entries that are stored elsewhere: each place holds an entry's number and its hash. Entries
/// of equal
/// hashes are returned oldest first; the caller compares the keys.
/// </summary>
internal sealed class HashSlots
{
    private const int FewestSlots = 16;
    private ulong[] slots;

    /// <param name="entries">How many entries are expected.</param>
    public HashSlots(int entries) =>
        slots = new ulong[Math.Max(FewestSlots, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries * 2))];

    /// <summary>Begins to look for a hash.</summary>
    public Probe Find(uint hash) => new(slots, hash);

    /// <param name="entry">The entry's number: the number of entries added before.</param>
    /// <param name="hash">Its hash.</param>
    public void Add(int entry, uint hash)
    {
        if (entry * 2L >= slots.Length) Grow();
        Place(slots, (ulong)hash << 32 | (uint)(entry + 1));
    }

    private void Grow()
    {
        // In the order of the old places, equal hashes keep their order except where the old table wrapped around; so it starts after a
        // free place.
        var grown = new ulong[slots.Length * 2];
        var start = Array.IndexOf(slots, 0UL);
        for (var i = 0; i < slots.Length; i++)
        {
            var slot = slots[(start + i) & (slots.Length - 1)];
            if (slot != 0) Place(grown, slot);
        }

        slots = grown;
    }

    private static void Place(ulong[] into, ulong slot)
    {
        var at = (int)(slot >> 32) & (into.Length - 1);
        while (into[at] != 0) at = (at + 1) & (into.Length - 1);
        into[at] = slot;
    }

    /// <summary>Walks the entries of one hash.</summary>
    internal struct Probe(ulong[] slots, uint hash)
    {
        private int at = (int)hash & (slots.Length - 1);

        public int Entry { get; private set; }

        public bool Next()
        {
            while (slots[at] is not 0 and var slot)
            {
                at = (at + 1) & (slots.Length - 1);
                if ((uint)(slot >> 32) != hash) continue;
                Entry = (int)(uint)slot - 1;
                return true;
            }

            return false;
        }
    }
}
