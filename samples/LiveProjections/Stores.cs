using EventStore;
using GitHistory;

namespace LiveProjections;

/// <summary>How the processes open the one store: one to write, the others to read.</summary>
internal static class Stores
{
    public static ValueTask<IEventStore> OpenToWriteAsync(string address, CancellationToken cancellationToken) =>
        Of(address).InitializeStorageEngine().DoNotDispatchCommits().BuildAsync(cancellationToken);

    /// <summary>Opens it beside its writer, which may not have made it yet.</summary>
    /// <param name="address">Where the store is.</param>
    /// <param name="consumers">Where consumers of this process are kept: nothing is written to the store.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static ValueTask<IEventStore> OpenToReadAsync(string address, string consumers, CancellationToken cancellationToken) =>
        Of(address)
            .OpenReadOnly(waitForStorage: TimeSpan.FromMinutes(1))
            .KeepConsumersIn(consumers, engines => engines.AddSqlite().AddInMemory())
            .BuildAsync(cancellationToken);

    private static Wireup Of(string address) => Wireup.Init()
        .UsingPersistence(address, engines => engines.AddFileSystem().AddSqlite().AddPostgres())
        .UsingJsonSerialization(LiveJson.Default, types => types
            .Register<FileAdded>("file-added")
            .Register<FileChanged>("file-changed")
            .Register<FileRenamed>("file-renamed")
            .Register<FileDeleted>("file-deleted")
            .Register<Totals>("totals"));
}
