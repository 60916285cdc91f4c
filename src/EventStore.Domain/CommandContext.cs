namespace EventStore;

/// <summary>
/// What accompanies a command: its id, and what it belongs to. Its values become headers of all events that the command makes; an event
/// that has a header of the same name keeps its own.
/// </summary>
public sealed record CommandContext
{
    private static readonly Dictionary<string, string> NoHeaders = [];

    /// <summary>
    /// The id of the command, which becomes the commit id: a repeated command stores nothing, and returns the same result. Null for a new
    /// one.
    /// </summary>
    /// <exception cref="ArgumentException">The id is all zeros.</exception>
    public Guid? CommandId
    {
        get;
        init => field = value != Guid.Empty
            ? value
            : throw new ArgumentException("A command id is not all zeros; leave it out to get a new one.", nameof(CommandId));
    }

    /// <summary>
    /// What the command belongs to, such as a request: the header <see cref="EventHeaders.CorrelationId"/>. Null for
    /// <see cref="CommandId"/>, or for no header if that is null too.
    /// </summary>
    public string? CorrelationId { get; init; }

    /// <summary>
    /// The message that caused the events: the header <see cref="EventHeaders.CausationId"/>. Null for <see cref="CommandId"/>, or for no
    /// header if that is null too.
    /// </summary>
    public string? CausationId { get; init; }

    /// <summary>Further headers of the events; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The context of a command with an id of its own.</summary>
    public static CommandContext Of(Guid commandId) => new() { CommandId = commandId };

    /// <summary>
    /// The context of a command that an event causes: it belongs to what the event belongs to. To make the reaction idempotent, give it a
    /// <see cref="CommandId"/> that follows from the event, one for each command of a stream.
    /// </summary>
    public static CommandContext CausedBy(CommittedEvent cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        var correlation = cause.Headers.GetValueOrDefault(EventHeaders.CorrelationId)
            ?? cause.CommitHeaders.GetValueOrDefault(EventHeaders.CorrelationId);
        var id = cause.EventId.ToString();
        return new() { CorrelationId = correlation ?? id, CausationId = id };
    }

    /// <summary>The events as messages with the headers of the context.</summary>
    internal static IReadOnlyList<EventMessage> MessagesOf(IEnumerable<object> events, CommandContext? context)
    {
        if (events is null) throw new InvalidOperationException("The decision returned null. Return an empty list to do nothing.");
        var headers = context?.AllHeaders() ?? NoHeaders;
        return [.. events.Select(decided => WithHeaders(decided as EventMessage ?? new EventMessage(decided), headers))];
    }

    private static EventMessage WithHeaders(EventMessage message, Dictionary<string, string> headers)
    {
        if (headers.Count == 0) return message;
        var all = new Dictionary<string, string>(headers, StringComparer.Ordinal);
        foreach (var (name, value) in message.Headers) all[name] = value;
        return new EventMessage(message.Body, all, message.EventId, message.Tags);
    }

    private Dictionary<string, string> AllHeaders()
    {
        var all = Headers is null ? [] : new Dictionary<string, string>(Headers, StringComparer.Ordinal);
        if ((CorrelationId ?? CommandId?.ToString()) is { } correlation) all[EventHeaders.CorrelationId] = correlation;
        if ((CausationId ?? CommandId?.ToString()) is { } causation) all[EventHeaders.CausationId] = causation;
        return all;
    }
}
