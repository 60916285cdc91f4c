namespace EventStore.Conformance;

/// <summary>An engine that cannot be reached while it is away, and at one call in so many if a number is set.</summary>
internal sealed class UnreachableEngine(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly EngineDescription description = inner.Description;
    private volatile bool isAway;
    private volatile int every;
    private int calls;
    private int refused;
    private int unknown;

    public override EngineDescription Description => description;

    /// <summary>How many calls were refused.</summary>
    public int Refused => Volatile.Read(ref refused);

    protected override IPersistenceEngine Inner
    {
        get
        {
            var number = Interlocked.Increment(ref calls) - 1;
            if (!isAway && (every == 0 || !FailurePlan.IsDue(number, every))) return base.Inner;
            Interlocked.Increment(ref refused);
            throw new StorageUnavailableException("the server is away.");
        }
    }

    public void GoAway() => isAway = true;

    public void ComeBack() => isAway = false;

    public void FailEvery(int number) => every = number;

    /// <summary>Every fifth write of a document is stored, and its outcome not reported.</summary>
    public override async ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        var written = await base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        return every == 0 || Interlocked.Increment(ref unknown) % 5 != 0
            ? written
            : throw new BatchOutcomeUnknownException("the connection was lost before the result arrived.");
    }
}

/// <summary>Refuses writes of documents, as a full disk does, until it is repaired.</summary>
internal sealed class RefusesDocuments(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private volatile bool isBroken;
    private int refused;

    public int Refused => Volatile.Read(ref refused);

    public void Break() => isBroken = true;

    public void Repair() => isBroken = false;

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        if (!isBroken) return base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        Interlocked.Increment(ref refused);
        throw new StorageException("the disk is full.");
    }
}
