using EventStore.Engines;

namespace EventStore;

/// <summary>Describes how a store was built.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Serializer">The serializer.</param>
/// <param name="Transforms">The ids of the payload transforms, in the order they are applied.</param>
/// <param name="Hooks">The hooks, in the order they run.</param>
/// <param name="Upconverters">The type names or types from which old events are converted.</param>
/// <param name="Dispatch">How commits are dispatched.</param>
/// <param name="SnapshotsKept">How many snapshots of a stream are kept; null for all.</param>
public sealed record StoreDescription(
    EngineDescription Engine,
    string Serializer,
    IReadOnlyList<string> Transforms,
    IReadOnlyList<string> Hooks,
    IReadOnlyList<string> Upconverters,
    string Dispatch,
    int? SnapshotsKept)
{
    /// <summary>Which payloads are read although they are not encrypted; null where none are, or nothing is encrypted.</summary>
    public string? Plaintext { get; init; }

    /// <summary>The description as lines of text, for a log or a console.</summary>
    public override string ToString() => string.Join(Environment.NewLine, [
        $"Engine:       {Engine.Name} at {Engine.Address}",
        $"Durability:   {Engine.Durability.Level}: {Engine.Durability.Basis}",
        .. Engine.Durability.Warnings.Select(warning => $"Warning:      {warning}"),
        .. Engine.Findings.Select(finding => $"Finding:      {finding}"),
        $"Capabilities: {Engine.Capabilities}",
        $"Limits:       {Engine.Limits.MaxEventsPerCommit} events and {Engine.Limits.MaxCommitBytes} bytes a commit, "
            + $"{Engine.Limits.MaxSnapshotBytes} bytes a snapshot",
        $"Serializer:   {Serializer}",
        $"Transforms:   {List(Transforms)}",
        .. Plaintext is null ? Enumerable.Empty<string>() : [$"Plaintext:    {Plaintext}"],
        $"Hooks:        {List(Hooks)}",
        $"Upconverters: {List(Upconverters)}",
        $"Dispatch:     {Dispatch}",
        $"Snapshots:    {(SnapshotsKept is { } kept ? $"the newest {kept} of each stream are kept" : "all are kept")}",
    ]);

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
