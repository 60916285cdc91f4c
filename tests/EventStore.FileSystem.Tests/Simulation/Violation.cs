using System.Runtime.CompilerServices;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>The ways in which a store can break its word.</summary>
internal enum ViolationKind
{
    /// <summary>What was acknowledged is gone: stored is an earlier state.</summary>
    Lost,

    /// <summary>Stored is no state there ever was: something is torn, altered, doubled, or there although it was refused.</summary>
    Altered,

    /// <summary>After nothing but crashes and failures the store does not open, or is said to be damaged.</summary>
    Refused,

    /// <summary>Verification finds damage.</summary>
    Unsound,

    /// <summary>Opening the store once more shows something else.</summary>
    Unstable,

    /// <summary>An answer contradicts another one, or what is stored.</summary>
    FalseAnswer,

    /// <summary>A call fails without reason, or with an error that the contract does not know.</summary>
    WrongError,

    /// <summary>A write is acknowledged by an engine in which writing failed before.</summary>
    NotFaulted,
}

/// <summary>A promise was broken.</summary>
internal sealed class Violation(ViolationKind kind, string what, Exception? inner = null) : Exception($"{kind}: {what}", inner)
{
    public ViolationKind Kind { get; } = kind;

    public static void Unless(bool holds, ViolationKind kind, [InterpolatedStringHandlerArgument(nameof(holds))] ViolationText what)
    {
        if (!holds) throw new Violation(kind, what.ToStringAndClear());
    }
}

/// <summary>Makes the text only of what is broken: it is asked for far more often than needed.</summary>
[InterpolatedStringHandler]
internal ref struct ViolationText
{
    private DefaultInterpolatedStringHandler text;

    public ViolationText(int literalLength, int formattedCount, bool holds, out bool isWanted)
    {
        isWanted = !holds;
        if (isWanted) text = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    public void AppendLiteral(string value) => text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => text.AppendFormatted(value, format);

    public string ToStringAndClear() => text.ToStringAndClear();
}
