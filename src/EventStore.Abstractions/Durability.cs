namespace EventStore;

/// <summary>How much an acknowledged commit survives.</summary>
public enum Durability
{
    /// <summary>Nothing is kept beyond the life of the engine.</summary>
    Volatile,

    /// <summary>Survives the end of the process; a power loss may take the last moments, never part of a commit.</summary>
    Fast,

    /// <summary>Survives the end of the process and a power loss.</summary>
    Durable,
}
