using System.Globalization;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>What a writer process is to do.</summary>
/// <param name="Directory">Where its store lies.</param>
/// <param name="IsDurable">Whether every batch is flushed.</param>
/// <param name="Committers">How many commit at once, through the pipeline; with 0 one thread calls the engine directly, one call after
/// the other.</param>
/// <param name="Seed">Decides what is committed.</param>
/// <param name="MostWrites">What each committer writes before the store is closed.</param>
/// <param name="Compacts">Whether the store is compressed and compacted all the time.</param>
internal sealed record WriterOrder(string Directory, bool IsDurable, int Committers, int Seed, int MostWrites, bool Compacts = false)
{
    public static WriterOrder Parse(string[] arguments) =>
        new(
            arguments[0], bool.Parse(arguments[1]), NumberIn(arguments[2]), NumberIn(arguments[3]), NumberIn(arguments[4]),
            bool.Parse(arguments[5]));

    public string[] ToArguments() =>
    [
        Directory, IsDurable.ToString(), Committers.ToString(CultureInfo.InvariantCulture), Seed.ToString(CultureInfo.InvariantCulture),
        MostWrites.ToString(CultureInfo.InvariantCulture), Compacts.ToString(),
    ];

    /// <summary>
    /// The engine of the writer and of the check: everything small, so that segments end and runs are written and merged all the time.
    /// </summary>
    public FileSystemPersistenceEngine MakeEngine() =>
        new(
            new StoreFiles(new FileDisk(Directory), Settings),
            new EngineDurability(IsDurable ? Durability.Durable : Durability.Fast, "a test", []), EngineContext.Default);

    /// <summary>The engine of a process that only reads.</summary>
    public FollowingEngine MakeReader() => SmallStore.MakeReader(new FileDisk(Directory), Settings);

    private StoreSettings Settings
    {
        get
        {
            var isAlone = Committers == 0;
            var index = new IndexSettings(isAlone ? 7 : 150, 1 << 20, 3);
            var log = new LogSettings(IsDurable, isAlone ? 5500 : 48_000)
            {
                InBackground = isAlone ? LogSettings.InPlace : Task.Run,
                LiveDelay = IsDurable ? null : TimeSpan.FromMilliseconds(5),
            };
            return new StoreSettings(log, index, CloseEntries: 4) { Packing = new PackSettings(Compacts, BlockLength: 2048) };
        }
    }

    private static int NumberIn(string argument) => int.Parse(argument, CultureInfo.InvariantCulture);
}
