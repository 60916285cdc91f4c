namespace EventStore.FileSystem.Store;

/// <summary>Decides what a write adds to the store. Changes nothing but the plan, so it may decide again after it failed.</summary>
/// <typeparam name="TAsked">What the caller asked for.</typeparam>
/// <typeparam name="TOutcome">What the caller gets.</typeparam>
internal interface IDecider<in TAsked, out TOutcome>
{
    /// <summary>Adds to a plan what is to be written; nothing where the store stays as it is. Called within the writer's turn.</summary>
    TOutcome Decide(TAsked asked, WritePlan plan);
}
