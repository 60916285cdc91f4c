namespace EventStore.FileSystem.Store;

/// <summary>What is written at once by the one writer: decided and gathered first, indexed once it is written. Used with the writer's gate held.</summary>
internal interface IWriting<in TAsked, out TAnswer>
{
    /// <summary>The newest stamp given out.</summary>
    long StampTicks { get; }

    /// <summary>Decides, and adds frames to the log's batch; none where nothing is to be written. May be called again after it failed.</summary>
    TAnswer Gather(TAsked asked);

    /// <summary>Has what was gathered indexed.</summary>
    void Index();
}
