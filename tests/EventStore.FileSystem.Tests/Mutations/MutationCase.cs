using System.Diagnostics;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>
/// A damaged store, opened, read, written to, compacted, copied and repaired. Every call returns something sound or throws an exception of
/// the contract, on this thread, within a ceiling of time and memory.
/// </summary>
internal sealed class MutationCase
{
    private const int MostPages = 2_000;
    private static readonly PageLimit Page = new(64, 1 << 20);
    private readonly StoreForm form;
    private readonly MemoryDisk disk;
    private readonly Random random;

    /// <param name="seed">Decides everything.</param>
    /// <param name="forms">The stores of which one is damaged.</param>
    public MutationCase(int seed, IReadOnlyList<StoreForm> forms)
    {
        random = new Random(seed);
        form = forms[random.Next(forms.Count)];
        disk = form.Disk.Copy();
        var mutator = new FileMutator(random, form, disk);
        Done = $"seed {seed}, store '{form.Name}': {mutator.Mutate()}{(random.Next(4) == 0 ? " and " + mutator.MutateFile() : "")}";
    }

    /// <summary>What was done to the store.</summary>
    public string Done { get; }

    /// <summary>The call that is under way.</summary>
    public string Call { get; private set; } = "";

    /// <summary>The call that allocated most.</summary>
    public (long Bytes, string Call) Largest { get; private set; }

    /// <summary>Calls that were refused with an exception of the contract.</summary>
    public int Refused { get; private set; }

    public async Task RunAsync()
    {
        await WriteAsync(disk.Copy());
        await ReadAsync(disk.Copy());
        await MaintainAsync(disk.Copy());
        await RepairAsync(disk.Copy());
    }

    private async Task WriteAsync(MemoryDisk files)
    {
        await using var engine = SmallStore.Make(files, StoreForm.SettingsOf(compresses: false));
        if (!await TryAsync("opening", files, () => engine.InitializeAsync().AsTask())) return;
        await ReadEverythingAsync(engine, files);
        var (stream, id) = form.CommitIds[random.Next(form.CommitIds.Count)];
        EventRecord[] events = [new EventRecord(id, "type", new byte[9])];
        await EndImportAsync(engine, files);
        await TryAsync("commit", files, () => CommitAsync(engine, stream, Guid.NewGuid(), events));
        await TryAsync("repeated commit", files, () => CommitAsync(engine, stream, id, events));
        await TryAsync("new stream", files, () => CommitAsync(engine, "new", id, events));
        await TryAsync(
            "snapshot", files,
            () => engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(1), 1, "state", new byte[5])).AsTask());
        await WriteMoreAsync(engine, stream, events, files);
        await TryAsync("pruning", files, () => engine.PruneSnapshotsAsync(stream, 1).AsTask());
        await TryAsync("document", files, () => engine.PutDocumentAsync("document-1", new byte[5], 0).AsTask());
        await TryAsync("deletion", files, () => engine.DeleteStreamAsync(stream, StreamExpectation.Any).AsTask());
        await TryAsync("all after writing", files, () => ReadAllAsync(engine, ReadDirection.Forward));
        await TryAsync("closing", files, () => engine.DisposeAsync().AsTask());
    }

    private async Task WriteMoreAsync(IPersistenceEngine engine, StreamId stream, EventRecord[] events, MemoryDisk files)
    {
        var condition = new AppendCondition(new EventCriteria(new EventCriterion { Bucket = stream.Bucket, Category = stream.Category }));
        await TryAsync(
            "conditional commit", files,
            () => engine.CommitAsync([new CommitAttempt(stream, Guid.NewGuid(), events) { Condition = condition }]).AsTask());
        var id = Guid.NewGuid();
        await TryAsync(
            "unit", files,
            () => engine.CommitAsync([new CommitAttempt("one", id, events) { Rest = [new CommitAttempt(stream, id, events)] }]).AsTask());
        await TryAsync("truncation", files, () => engine.TruncateStreamAsync(stream, new Revision(2), StreamExpectation.Any).AsTask());
        await TryAsync("seal", files, () => engine.SealStreamAsync(stream, StreamExpectation.Any).AsTask());
        await EndImportAsync(engine, files, new Checkpoint(400_000));
    }

    private async Task EndImportAsync(IPersistenceEngine engine, MemoryDisk files, Checkpoint skipped = default)
    {
        if (!await TryAsync("hold", files, () => engine.HoldAsync("import").AsTask())) return;
        await TryAsync("skip", files, () => engine.SkipCheckpointsAsync(skipped).AsTask());
        await TryAsync("release", files, () => engine.ReleaseAsync("import").AsTask());
    }

    private async Task ReadAsync(MemoryDisk files)
    {
        var engine = SmallStore.MakeReader(files, StoreForm.SettingsOf(compresses: false), StoreForm.Context);
        await using (engine)
        {
            if (await TryAsync("opening read-only", files, () => engine.InitializeAsync().AsTask()))
                await ReadEverythingAsync(engine, files);
        }
    }

    private async Task MaintainAsync(MemoryDisk files)
    {
        OpenedStore? opened = null;
        await TryAsync("opening for maintenance", files, () =>
        {
            opened = new StoreFiles(files, StoreForm.SettingsOf(random.Next(2) == 0)).Open(StoreForm.Context, (_, _) => { }, _ => { });
            return Task.CompletedTask;
        });
        if (opened is null) return;
        var target = new MemoryDisk();
        await TryAsync("compaction", files, () => opened.Store.WorkAsync(() => new Compaction(opened.Store, null, default).Run()).AsTask());
        await TryAsync("backup", files, () => opened.Store.WorkAsync(() => new Backup(opened.Store, target, null, default).Run()).AsTask());
        await TryAsync("closing after maintenance", files, () => opened.Store.DisposeAsync().AsTask());
    }

    private async Task RepairAsync(MemoryDisk files)
    {
        var target = new MemoryDisk { Root = "/repaired" };
        if (!await TryAsync(
            "repair", files, () => Repair.RunAsync(files, target, StoreForm.SettingsOf(compresses: false), null, default))) return;
        Call = "opening what was repaired";
        await using var engine = SmallStore.Make(target, StoreForm.SettingsOf(compresses: false));
        await engine.InitializeAsync();
        Call = "reading what was repaired";
        await ReadAllAsync(engine, ReadDirection.Forward);
        Require((await engine.VerifyAsync()).IsSound, "what was repaired is not sound");
    }

    private async Task ReadEverythingAsync(IPersistenceEngine engine, MemoryDisk files)
    {
        await TryAsync("all", files, () => ReadAllAsync(engine, ReadDirection.Forward));
        await TryAsync("all backward", files, () => ReadAllAsync(engine, ReadDirection.Backward));
        await TryAsync("a tag", files, () => ReadAllAsync(engine, ReadDirection.Forward, EventCriteria.Tagged("tag-0")));
        await TryAsync(
            "two tags backward", files, () => ReadAllAsync(engine, ReadDirection.Backward, EventCriteria.Tagged("tag-0", "tag-1")));
        await TryAsync("heads", files, () => ReadHeadsAsync(engine));
        foreach (var stream in form.Streams)
        {
            await TryAsync($"stream {stream}", files, () => ReadStreamAsync(engine, stream, ReadDirection.Forward));
            await TryAsync($"stream {stream} backward", files, () => ReadStreamAsync(engine, stream, ReadDirection.Backward));
            await TryAsync($"head of {stream}", files, () => engine.FindHeadAsync(stream).AsTask());
            await TryAsync($"snapshot of {stream}", files, () => engine.FindSnapshotAsync(stream, Revision.Max).AsTask());
        }

        foreach (var (stream, id) in form.CommitIds)
            await TryAsync($"commit id of {stream}", files, () => engine.FindCommitAsync(stream, id).AsTask());
        await TryAsync("documents", files, () => engine.ListDocumentsAsync("", "", 100).AsTask());
        await TryAsync("a document", files, () => engine.FindDocumentAsync("document-1").AsTask());
        await TryAsync("verification", files, () => engine.VerifyAsync().AsTask());
    }

    private static Task CommitAsync(IPersistenceEngine engine, StreamId stream, Guid id, EventRecord[] events) =>
        engine.CommitAsync([new CommitAttempt(stream, id, events)]).AsTask();

    private static async Task ReadAllAsync(IPersistenceEngine engine, ReadDirection direction, EventCriteria? criteria = null)
    {
        var filter = criteria is null ? EventFilter.Everything : new EventFilter { Criteria = criteria };
        Checkpoint after = new Checkpoint(0), upTo = Checkpoint.Max;
        for (var pages = 0; ; pages++)
        {
            var page = await engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, Page));
            var last = direction == ReadDirection.Forward ? after.Value : long.MaxValue;
            foreach (var recorded in page.Events.ToArray())
            {
                var at = recorded.Checkpoint.Value;
                Require(direction == ReadDirection.Forward ? at > last : at < last, $"checkpoint {at} follows {last}");
                last = at;
            }

            if (page.IsEnd) return;
            Require(pages < MostPages, "reading never ends");
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(page.Position.Value - 1);
        }
    }

    private static async Task ReadHeadsAsync(IPersistenceEngine engine)
    {
        StreamId? after = null;
        for (var pages = 0; ; pages++)
        {
            var heads = await engine.ListHeadsAsync(new HeadQuery(null, 0, after, 3));
            if (heads.Count == 0) return;
            Require(pages < MostPages && (after is null || after.Value.CompareTo(heads[0].Stream) < 0), "the list of heads never ends");
            after = heads[^1].Stream;
        }
    }

    private static async Task ReadStreamAsync(IPersistenceEngine engine, StreamId stream, ReadDirection direction)
    {
        Revision from = new Revision(1), to = Revision.Max;
        for (var pages = 0; ; pages++)
        {
            var page = await engine.ReadStreamAsync(new StreamRead(stream, from, to, direction, new PageLimit(3, 1 << 20)));
            var events = page.Events.ToArray();
            for (var i = 1; i < events.Length; i++)
                Require(
                    events[i].Revision.Value - events[i - 1].Revision.Value == (direction == ReadDirection.Forward ? 1 : -1),
                    "revisions do not follow each other");
            if (page.IsEnd) return;
            Require(pages < MostPages && events.Length > 0, "reading a stream never ends");
            if (direction == ReadDirection.Forward) from = new Revision(events[^1].Revision.Value + 1);
            else to = new Revision(events[^1].Revision.Value - 1);
        }
    }

    // Returns whether it succeeded. An exception of the contract is a result, too.
    private async Task<bool> TryAsync(string call, MemoryDisk files, Func<Task> act)
    {
        Call = call;
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            await act();
            return true;
        }
        catch (Exception error) when (IsOfContract(error, files))
        {
            Refused++;
            return false;
        }
        finally
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated > Largest.Bytes) Largest = (allocated, call);
        }
    }

    private bool IsOfContract(Exception error, MemoryDisk files) => error switch
    {
        CorruptStorageException damage => damage.Place.StartsWith(files.Root + "/", StringComparison.Ordinal)
            || damage.Place.StartsWith(files.Root + ", stream", StringComparison.Ordinal),
        StorageFormatException format => format.Place.Contains("log", StringComparison.Ordinal)
            || format.Place.StartsWith(files.Root, StringComparison.Ordinal),
        StorageNotFoundException or StorageReplacedException or SnapshotRefusedException or StorageHeldException => true,
        StorageUnavailableException or BatchOutcomeUnknownException => files.HasRefusedLength,
        StorageException when error.Message.Contains("did not complete", StringComparison.Ordinal) =>
            error.Message.Contains($"'{files.Root}'", StringComparison.Ordinal),
        StorageException => Call == "repair" && !error.Message.Contains("not sound", StringComparison.Ordinal),
        _ => false,
    };

    private static void Require(bool isMet, string otherwise)
    {
        if (!isMet) throw new UnreachableException(otherwise);
    }
}
