using System.Runtime.ExceptionServices;
using System.Text.Json;

namespace EventStore.Serialization;

/// <summary>Why a body cannot be written or read, in words that show no part of it.</summary>
internal sealed class BodyException(string message) : Exception(message)
{
    /// <summary>
    /// An error of a serializer or converter without its text, which may quote the body or name keys in it. Type, place and stack remain.
    /// </summary>
    public static Exception WithoutText(Exception error)
    {
        if (error is BodyException) return error;
        var stripped = new BodyException($"{error.GetType()}: its text is left out, because it may show a part of the body.");
        return error.StackTrace is { } trace ? ExceptionDispatchInfo.SetRemoteStackTrace(stripped, trace) : stripped;
    }

    /// <summary>The reason as a sentence.</summary>
    public static string Explain(Exception error) => error switch
    {
        BodyException => error.Message,
        JsonException { LineNumber: { } line, BytePositionInLine: { } position } =>
            $"{error.GetType().Name} at line {line}, byte {position}.",
        _ => $"{error.GetType().Name}.",
    };
}
