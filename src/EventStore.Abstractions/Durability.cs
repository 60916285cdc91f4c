namespace EventStore;

/// <summary>What an acknowledged commit survives.</summary>
public enum Durability
{
    /// <summary>Nothing is kept after the engine is disposed.</summary>
    Volatile,

    /// <summary>Survives the end of the process; a power loss may remove the last commits, never part of one.</summary>
    Fast,

    /// <summary>Survives the end of the process and a power loss.</summary>
    Durable,
}
