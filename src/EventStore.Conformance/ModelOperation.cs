namespace EventStore.Conformance;

/// <summary>The kind of a random operation.</summary>
internal enum ModelOperationKind
{
    Commit,
    CommitBatch,
    CommitUnit,
    RepeatCommit,
    ReadStream,
    ReadAll,
    ReadCriteria,
    Heads,
    SaveSnapshot,
    FindSnapshot,
    Prune,
    PutDocument,
    DeleteDocument,
    Truncate,
    Seal,
    DeleteStream,
    PurgeBucket,
    Reopen,
}

/// <summary>
/// A random operation. Its numbers are relative to what is stored when it runs, so that a history stays valid when parts are removed.
/// </summary>
internal sealed record ModelOperation(ModelOperationKind Kind, int A, int B, int C)
{
    private static readonly (ModelOperationKind Kind, int Weight)[] Weights =
    [
        (ModelOperationKind.Commit, 40), (ModelOperationKind.CommitBatch, 10), (ModelOperationKind.CommitUnit, 8),
        (ModelOperationKind.RepeatCommit, 8), (ModelOperationKind.ReadStream, 12), (ModelOperationKind.ReadAll, 6),
        (ModelOperationKind.ReadCriteria, 8), (ModelOperationKind.Heads, 5), (ModelOperationKind.SaveSnapshot, 8),
        (ModelOperationKind.FindSnapshot, 6), (ModelOperationKind.Prune, 2), (ModelOperationKind.PutDocument, 5),
        (ModelOperationKind.DeleteDocument, 2), (ModelOperationKind.Truncate, 4), (ModelOperationKind.Seal, 2),
        (ModelOperationKind.DeleteStream, 5), (ModelOperationKind.PurgeBucket, 1), (ModelOperationKind.Reopen, 1),
    ];

    public static ModelOperation Draw(Random random, bool isAlone = true)
    {
        while (true)
        {
            var at = random.Next(Weights.Sum(weight => weight.Weight));
            var kind = Weights.First(weight => (at -= weight.Weight) < 0).Kind;
            var operation = new ModelOperation(kind, random.Next(1000), random.Next(1000), random.Next(1000));
            if (isAlone || kind is not (ModelOperationKind.Reopen or ModelOperationKind.ReadAll or ModelOperationKind.Heads))
                return operation;
        }
    }
}
