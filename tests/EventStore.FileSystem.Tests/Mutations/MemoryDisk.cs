using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Files in memory. A copy costs nothing until it is written to, and a long file costs only what was written into it.</summary>
internal sealed class MemoryDisk : IDisk
{
    private readonly Dictionary<string, MemoryFile> files = new(StringComparer.Ordinal);

    public string Root { get; init; } = "/memory";

    /// <summary>Whether a file was to become longer than files can be.</summary>
    public bool HasRefusedLength => files.Values.Any(file => file.HasRefusedLength);

    public IEnumerable<string> Paths => files.Keys;

    public MemoryFile this[string path] => files[path];

    /// <summary>Is called when a file is opened; may be null.</summary>
    public Action<string>? Opening { get; init; }

    public MemoryDisk Copy(Action<string>? opening = null)
    {
        var copy = new MemoryDisk { Opening = opening };
        foreach (var (path, file) in files) copy.files[path] = file.Copy();
        return copy;
    }

    public byte[] Read(string path)
    {
        var bytes = new byte[files[path].Length];
        files[path].Read(bytes, 0);
        return bytes;
    }

    public void Write(string path, ReadOnlySpan<byte> content)
    {
        var file = files[path] = new MemoryFile();
        file.Write(content, 0);
    }

    public void CopyFile(string from, string to) => files[to] = files[from].Copy();

    public void Exchange(string one, string other) => (files[one], files[other]) = (files[other], files[one]);

    public bool Exists(string path) => files.ContainsKey(path);

    public void CreateFolder(string path)
    {
        // Folders exist as soon as a file is in them.
    }

    public IReadOnlyList<string> List(string folder)
    {
        var names = new List<string>();
        foreach (var path in files.Keys)
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            if (path.AsSpan(0, Math.Max(0, slash)).SequenceEqual(folder)) names.Add(path[(slash + 1)..]);
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    public IDiskFile Create(string path) => files[path] = new MemoryFile();

    public IDiskFile Open(string path, bool forWriting)
    {
        Opening?.Invoke(path);
        return files.TryGetValue(path, out var file) ? file : throw new FileNotFoundException(path);
    }

    public void Rename(string from, string to)
    {
        if (!files.Remove(from, out var file)) throw new FileNotFoundException(from);
        files[to] = file;
    }

    public void Delete(string path) => files.Remove(path);

    public void SyncFolder(string folder)
    {
        // Memory is all there is.
    }

    public IDisposable Lock(string path) => Create(path);
}

/// <summary>A file in memory, in pages; a page that was never written is zeros.</summary>
internal sealed class MemoryFile : IDiskFile
{
    private const int PageBytes = 4096;

    // As long as a file of common file systems can be.
    private const long MostBytes = 1L << 44;
    private Dictionary<long, byte[]> pages = [];
    private HashSet<long> own = [];
    private bool isShared;
    private long pagesEnd;

    public long Length { get; private set; }

    public bool HasRefusedLength { get; private set; }

    public MemoryFile Copy()
    {
        isShared = true;
        return new MemoryFile { pages = pages, own = own, isShared = true, pagesEnd = pagesEnd, Length = Length };
    }

    public int Read(Span<byte> into, long offset)
    {
        into = into[..(int)Math.Clamp(Length - offset, 0, into.Length)];
        for (var at = 0; at < into.Length;)
        {
            if (offset + at >= pagesEnd)
            {
                into[at..].Clear();
                break;
            }

            var (page, start) = Math.DivRem(offset + at, PageBytes);
            var part = into.Slice(at, (int)Math.Min(PageBytes - start, into.Length - at));
            if (pages.TryGetValue(page, out var found)) found.AsSpan((int)start, part.Length).CopyTo(part);
            else part.Clear();
            at += part.Length;
        }

        return into.Length;
    }

    public void Write(ReadOnlySpan<byte> from, long offset)
    {
        Own();
        Require(offset + from.Length);
        for (var at = 0; at < from.Length;)
        {
            var (page, start) = Math.DivRem(offset + at, PageBytes);
            var part = from.Slice(at, (int)Math.Min(PageBytes - start, from.Length - at));
            if (part.ContainsAnyExcept((byte)0) || pages.ContainsKey(page)) part.CopyTo(PageOf(page).AsSpan((int)start));
            at += part.Length;
        }

        Length = Math.Max(Length, offset + from.Length);
    }

    public void SetLength(long length)
    {
        Own();
        Require(length);
        if (length < Length)
        {
            var (last, rest) = Math.DivRem(length, PageBytes);
            foreach (var page in pages.Keys.Where(page => page > last || (page == last && rest == 0)).ToArray()) pages.Remove(page);
            if (pages.ContainsKey(last)) PageOf(last).AsSpan((int)rest).Clear();
        }

        Length = length;
    }

    public void Allocate(long length)
    {
        if (length > Length) SetLength(length);
    }

    public void Sync()
    {
        // Memory is all there is.
    }

    public void Dispose()
    {
        // The handle is the file.
    }

    private void Require(long length)
    {
        if (length is >= 0 and <= MostBytes) return;
        HasRefusedLength = true;
        throw new IOException($"the file would have {length} bytes");
    }

    private void Own()
    {
        if (!isShared) return;
        (pages, own, isShared) = (new Dictionary<long, byte[]>(pages), [], false);
    }

    private byte[] PageOf(long number)
    {
        if (own.Add(number))
        {
            var page = new byte[PageBytes];
            if (pages.TryGetValue(number, out var shared)) shared.CopyTo(page, 0);
            pages[number] = page;
            pagesEnd = Math.Max(pagesEnd, (number + 1) * PageBytes);
        }

        return pages.TryGetValue(number, out var mine) ? mine : pages[number] = new byte[PageBytes];
    }
}
