using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EventStore.TestSupport;

/// <summary>Keeps the lines that are logged, without their exceptions.</summary>
/// <param name="least">The least level that is enabled.</param>
public sealed class LogLines(LogLevel least = LogLevel.Trace) : ILoggerFactory, ILogger
{
    /// <summary>The lines, in order.</summary>
    public ConcurrentQueue<string> Written { get; } = new();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider)
    {
        // It keeps every line itself.
    }

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Written.Enqueue(formatter(state, exception));

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
