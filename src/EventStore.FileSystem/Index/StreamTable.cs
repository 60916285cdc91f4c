using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// The streams of a memtable with the places of their commits, in arrays. There is no object per stream, so a million of them are no burden
/// to the collector. The terms of commits are held in the same way, with checkpoints for revisions.
/// </summary>
/// <remarks>
/// A stream's first commit lies in its entry; further ones in chunks of growing size, all in one array of numbers. A chunk begins with
/// three numbers: where the next one begins (0 for nowhere yet), its room for pairs, and how many it has. Then come the pairs of last
/// revision and address.
/// </remarks>
/// <param name="expected">How many streams are expected, for the first sizes.</param>
/// <param name="expectedChunks">How many numbers their chunks are expected to take.</param>
internal sealed class StreamTable(int expected = 0, int expectedChunks = 0)
{
    private const int NextChunk = 0, Room = 1, Used = 2, Pairs = 3;
    private const int FirstRoom = 4, MostRoom = 512;

    private readonly HashSlots slots = new(expected);
    private Entry[] entries = new Entry[expected];
    private byte[] keys = new byte[expected * 32];
    private int keysLength;
    private long[] chunks = new long[expectedChunks];
    private int chunksLength = 1; // 0 says that there is no chunk
    private int[] sorted = [];

    public int Count { get; private set; }

    /// <summary>An empty one, with room for as much as this one holds and a little more.</summary>
    public StreamTable Successor() => new(Count, chunksLength + (chunksLength / 8));

    /// <summary>The number of a stream by its head's key; negative if it is not here.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        for (var probe = slots.Find(KeyHash.Of(key)); probe.Next();)
        {
            if (KeyOf(probe.Entry).SequenceEqual(key)) return probe.Entry;
        }

        return -1;
    }

    public int FindOrAdd(ReadOnlySpan<byte> key)
    {
        var found = Find(key);
        return found >= 0 ? found : Add(key);
    }

    public ReadOnlySpan<byte> KeyOf(int stream) => keys.AsSpan(entries[stream].KeyStart, entries[stream].KeyLength);

    public HeadEntry HeadOf(int stream) => entries[stream].Head;

    public void SetHead(int stream, HeadEntry head) => entries[stream].Head = head;

    public void AddCommit(int stream, long lastRevision, long position)
    {
        ref var entry = ref entries[stream];
        if (entry.FirstPosition == 0)
        {
            (entry.FirstRevision, entry.FirstPosition) = (lastRevision, position);
            return;
        }

        if (entry.LastChunk == 0 || chunks[entry.LastChunk + Used] == chunks[entry.LastChunk + Room]) BeginChunk(ref entry);
        var pair = entry.LastChunk + Pairs + (2 * (int)chunks[entry.LastChunk + Used]++);
        (chunks[pair], chunks[pair + 1]) = (lastRevision, position);
    }

    /// <summary>The revision at which a stream's newest commit ends; 0 for none.</summary>
    public long LastRevisionOf(int stream)
    {
        ref var entry = ref entries[stream];
        return entry.LastChunk == 0
            ? entry.FirstRevision
            : chunks[entry.LastChunk + Pairs + (2 * ((int)chunks[entry.LastChunk + Used] - 1))];
    }

    /// <summary>Forgets a stream's commits.</summary>
    public void Clear(int stream)
    {
        ref var entry = ref entries[stream];
        (entry.FirstRevision, entry.FirstPosition, entry.FirstChunk, entry.LastChunk) = (0, 0, 0, 0);
    }

    /// <summary>Walks a stream's commits, from the first that ends at or after a revision.</summary>
    public CommitWalk CommitsFrom(int stream, long fromRevision) => new(chunks, entries[stream], fromRevision);

    /// <summary>The place in the order of keys at which a key stands or would stand.</summary>
    public int Rank(ReadOnlySpan<byte> key)
    {
        Sort();
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (KeyOf(sorted[middle]).SequenceCompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    /// <summary>The stream at a place in the order of keys.</summary>
    public int At(int rank)
    {
        if (sorted.Length < Count) Sort();
        return sorted[rank];
    }

    private int Add(ReadOnlySpan<byte> key)
    {
        if (Count == entries.Length) Array.Resize(ref entries, Math.Max(4, Count * 2));
        if (keys.Length - keysLength < key.Length)
            Array.Resize(ref keys, Math.Max(keysLength + key.Length, Math.Max(256, keys.Length * 2)));
        key.CopyTo(keys.AsSpan(keysLength));
        slots.Add(Count, KeyHash.Of(key));
        entries[Count] = new Entry { KeyStart = keysLength, KeyLength = key.Length };
        keysLength += key.Length;
        return Count++;
    }

    private void BeginChunk(ref Entry entry)
    {
        var room = entry.LastChunk == 0 ? FirstRoom : (int)Math.Min(chunks[entry.LastChunk + Room] * 2, MostRoom);
        var start = chunksLength;
        chunksLength += Pairs + (2 * room);
        if (chunksLength > chunks.Length) Array.Resize(ref chunks, Math.Max(chunksLength, Math.Max(64, chunks.Length * 2)));
        (chunks[start + NextChunk], chunks[start + Room], chunks[start + Used]) = (0, room, 0);
        if (entry.LastChunk == 0) entry.FirstChunk = start;
        else chunks[entry.LastChunk + NextChunk] = start;
        entry.LastChunk = start;
    }

    // What was added since the last time is sorted by itself and merged in.
    private void Sort()
    {
        if (sorted.Length == Count) return;
        var added = new int[Count - sorted.Length];
        for (var i = 0; i < added.Length; i++) added[i] = sorted.Length + i;
        Array.Sort(added, (left, right) => KeyOf(left).SequenceCompareTo(KeyOf(right)));
        var merged = new int[Count];
        for (int at = 0, old = 0, fresh = 0; at < merged.Length; at++)
        {
            var takesOld = fresh == added.Length || (old < sorted.Length && KeyOf(sorted[old]).SequenceCompareTo(KeyOf(added[fresh])) < 0);
            merged[at] = takesOld ? sorted[old++] : added[fresh++];
        }

        sorted = merged;
    }

    internal struct Entry
    {
        public int KeyStart;
        public int KeyLength;
        public HeadEntry Head;
        public long FirstRevision;
        public long FirstPosition;
        public int FirstChunk;
        public int LastChunk;
    }

    /// <summary>Goes from one commit of a stream to the next.</summary>
    internal struct CommitWalk
    {
        private readonly long[] chunks;
        private int chunk;
        private int at;
        private bool isAtFirst;

        public CommitWalk(long[] chunks, in Entry entry, long fromRevision)
        {
            this.chunks = chunks;
            chunk = entry.FirstChunk;
            (LastRevision, Position) = (entry.FirstRevision, entry.FirstPosition);
            isAtFirst = Position > 0 && LastRevision >= fromRevision;
            if (isAtFirst) return;
            while (chunk > 0 && chunks[chunk + Pairs + (2 * ((int)chunks[chunk + Used] - 1))] < fromRevision)
                chunk = (int)chunks[chunk + NextChunk];
            if (chunk == 0) return;
            int low = 0, high = (int)chunks[chunk + Used];
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (chunks[chunk + Pairs + (2 * middle)] < fromRevision) low = middle + 1;
                else high = middle;
            }

            at = low;
        }

        public long LastRevision { get; private set; }

        public long Position { get; private set; }

        public bool Next()
        {
            if (isAtFirst)
            {
                isAtFirst = false;
                return true;
            }

            if (chunk > 0 && at == (int)chunks[chunk + Used]) (chunk, at) = ((int)chunks[chunk + NextChunk], 0);
            if (chunk == 0) return false;
            (LastRevision, Position) = (chunks[chunk + Pairs + (2 * at)], chunks[chunk + Pairs + (2 * at) + 1]);
            at++;
            return true;
        }
    }
}
