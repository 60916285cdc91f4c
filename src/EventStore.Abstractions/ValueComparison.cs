namespace EventStore;

/// <summary>How a value in a body compares to a given one.</summary>
public enum ValueComparison
{
    /// <summary>They are equal.</summary>
    Equal,

    /// <summary>They differ, or there is no value at the place.</summary>
    NotEqual,

    /// <summary>It is less.</summary>
    Less,

    /// <summary>It is less or equal.</summary>
    LessOrEqual,

    /// <summary>It is greater.</summary>
    Greater,

    /// <summary>It is greater or equal.</summary>
    GreaterOrEqual,
}
