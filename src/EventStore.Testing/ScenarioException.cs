namespace EventStore.Testing;

/// <summary>
/// What was expected in a test is not what happened. Its message shows the difference. Every test framework reports it as a failure.
/// </summary>
/// <param name="message">The difference.</param>
/// <param name="inner">What was thrown instead; null where nothing was thrown.</param>
public sealed class ScenarioException(string message, Exception? inner = null) : Exception(message, inner);
