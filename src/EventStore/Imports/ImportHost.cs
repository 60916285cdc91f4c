using EventStore.Pipeline;

namespace EventStore.Imports;

/// <summary>Opens imports.</summary>
/// <param name="target">What an import does to the storage.</param>
/// <param name="engine">Keeps the documents of imports.</param>
/// <param name="codec">Encodes messages, snapshots and headers.</param>
/// <param name="time">The clock.</param>
internal sealed class ImportHost(ImportTarget target, IPersistenceEngine engine, EventCodec codec, TimeProvider time) : IImports
{
    private const int MaxNameBytes = 256;

    public async ValueTask<IImport> OpenAsync(
        string name, ImportMode mode, ImportOptions? options = null, CancellationToken cancellationToken = default)
    {
        target.ThrowIfEnded();
        Names.Require(name, "import", MaxNameBytes);
        OptionRules.RequireDefined(mode);
        var choices = (options ?? new ImportOptions()).Validated();
        var journal = new ImportJournal(engine, name, target.StoreId, time);
        var found = await journal.LoadAsync(cancellationToken).ConfigureAwait(false);
        Require(name, mode, found);
        choices.HoldsStore |= mode == ImportMode.Mirror;
        if (choices.HoldsStore) await target.HoldAsync(name, cancellationToken).ConfigureAwait(false);
        if (mode == ImportMode.Mirror && found is null && await target.HasStreamsAsync(cancellationToken).ConfigureAwait(false))
        {
            await target.ReleaseAsync(name, CancellationToken.None).ConfigureAwait(false);
            throw new ImportException(
                name, "is a mirror, but the store has streams already.",
                "Nothing was changed. Use an empty storage, or merge.");
        }

        var record = (found ?? new ImportRecord { Mode = mode }) with { IsComplete = false };
        await journal.WriteAsync(record with { Run = record.Run + 1 }, cancellationToken).ConfigureAwait(false);
        return await StartAsync(journal, mode, choices, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<ImportProgress?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        target.ThrowIfEnded();
        Names.Require(name, "import", MaxNameBytes);
        var found = await new ImportJournal(engine, name, target.StoreId, time).LoadAsync(cancellationToken).ConfigureAwait(false);
        return found is null
            ? null
            : new ImportProgress(name, found.Mode, new Checkpoint(found.Position), found.Report, found.IsComplete);
    }

    private async ValueTask<IImport> StartAsync(
        ImportJournal journal, ImportMode mode, ImportOptions choices, CancellationToken cancellationToken)
    {
        var limits = engine.Description.Limits;
        var (head, newest) = choices.HoldsStore ? await target.FindNewestAsync(cancellationToken).ConfigureAwait(false) : default;

        // All stamps of a mirror are its own. Elsewhere one that was removed may be newer than the newest that is left.
        var isKnown = mode == ImportMode.Mirror || newest?.Commit.LastCheckpoint == head;
        DateTimeOffset? stamp = head == Checkpoint.Origin ? default(DateTimeOffset) : isKnown ? newest?.Commit.Stamp : null;
        var maker = new AttemptMaker(journal.Name, codec, limits, new ImportStamps(time, choices.HoldsStore, stamp));
        var writer = new ImportWriter(target, journal, new ImportBatch(limits), choices)
        {
            Stamps = maker.Stamps,
            Mirror = mode == ImportMode.Mirror ? new MirrorPlace(journal.Name, head) : null,
        };
        return new RunningImport(writer, target, maker, codec);
    }

    private static void Require(string name, ImportMode mode, ImportRecord? found)
    {
        if (found is null) return;
        if (found.Mode != mode)
            throw new ImportException(
                name, $"was begun as a {found.Mode}, not a {mode}.", "Continue it as it was begun, or use another name.");
        if (found is { Mode: ImportMode.Mirror, IsComplete: true })
            throw new ImportException(
                name, "is complete, and the store may have commits of its own by now.",
                "Merge under another name, or use an empty storage.");
    }
}
