using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EventStore.Conformance;

// Hooks, converters and engines for the specifications of the pipeline.

/// <summary>Turns "old:x" into "new:x".</summary>
internal sealed class UpconvertOld
{
    // A text is converted into a text, so the converted form needs its own type in between.
    public EventUpconverter Converter { get; } = EventUpconverter.OfObjects<string, Converted>(
        static text => new Converted(text.StartsWith("old:", StringComparison.Ordinal) ? "new:" + text[4..] : text));
}

/// <summary>A text after upconversion.</summary>
internal sealed record Converted(string Text);

/// <summary>Shows converted texts as texts, with an exclamation mark.</summary>
internal sealed class Exclaim : IPipelineHook
{
    public CommittedEvent? Select(CommittedEvent committed) =>
        committed.WithBody(committed.Body is Converted converted ? converted.Text + "!" : committed.Body + "!");
}

/// <summary>Hides every event whose text begins with "secret".</summary>
internal sealed class HideSecrets : IPipelineHook
{
    public CommittedEvent? Select(CommittedEvent committed) =>
        ((string)committed.Body).StartsWith("secret", StringComparison.Ordinal) ? null : committed;
}

/// <summary>Throws for one text.</summary>
internal sealed class CannotShow(string text) : IPipelineHook
{
    public CommittedEvent? Select(CommittedEvent committed) =>
        (string)committed.Body == text ? throw new InvalidOperationException("hook") : committed;
}

/// <summary>Refuses commits that hold a word.</summary>
internal sealed class RefuseWord(string word) : IPipelineHook
{
    public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken) =>
        new(
            commit.Events.Any(message => (string)message.Body == word)
                ? CommitDecision.Refuse("That is not said here.")
                : CommitDecision.Proceed);
}

/// <summary>Adds a header before a commit, and records what was stored after it.</summary>
internal sealed class Observe(List<string> notes) : IPipelineHook
{
    public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken)
    {
        commit.Headers["hook"] = "observed";
        return new(CommitDecision.Proceed);
    }

    public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken)
    {
        notes.Add($"stored {result.LastRevision}");
        return default;
    }
}

/// <summary>Throws after each commit and deletion.</summary>
internal sealed class Fail : IPipelineHook
{
    public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("hook");

    public ValueTask AfterDeleteAsync(StreamId stream, CancellationToken cancellationToken) => throw new InvalidOperationException("hook");

    public ValueTask AfterPurgeAsync(string? bucket, CancellationToken cancellationToken) => throw new InvalidOperationException("hook");
}

/// <summary>
/// Loses the first results, as a broken connection does: before or after the batch was stored. Where it is away, no request gets a reply
/// until then, and later batches are not even sent.
/// </summary>
internal sealed class LosesResults(IPersistenceEngine inner, bool isStored, int lost, bool isAway = false) : DelegatingEngine(inner)
{
    private int sent;

    public int Sent => sent;

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        if (Interlocked.Increment(ref sent) > lost) return await base.CommitAsync(attempts, cancellationToken);
        if (sent > 1 && isAway) throw Away();
        if (isStored) await base.CommitAsync(attempts, cancellationToken);
        throw new BatchOutcomeUnknownException("the connection was lost before the result arrived.");
    }

    public override ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        if (!isAway) return base.FindCommitAsync(stream, commitId, cancellationToken);
        return Interlocked.Increment(ref sent) > lost ? base.FindCommitAsync(stream, commitId, cancellationToken) : throw Away();
    }

    private static StorageUnavailableException Away() => new("The server is away. Nothing was stored.");
}

/// <summary>Holds the first batch up until it was looked for and not found, as a slow connection does, and reports it as unknown.</summary>
internal sealed class ArrivesLate(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private IReadOnlyList<CommitAttempt>? late;
    private bool wasSent;

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        if (wasSent) return base.CommitAsync(attempts, cancellationToken);
        (wasSent, late) = (true, attempts);
        throw new BatchOutcomeUnknownException("no reply came in time.");
    }

    public override async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        var found = await base.FindCommitAsync(stream, commitId, cancellationToken);
        if (late is not { } held) return found;
        late = null;
        await base.CommitAsync(held, cancellationToken);
        return found;
    }
}

/// <summary>Loses the result of the first batch, which it does not store, and refuses all later ones.</summary>
internal sealed class RefusesRepetitions(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private int sent;

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        Interlocked.Increment(ref sent) == 1
            ? throw new BatchOutcomeUnknownException("the connection was lost before the result arrived.")
            : throw new StorageException("The server refused it. Nothing was stored.");
}

/// <summary>Holds commits until they are released, and signals when one has arrived.</summary>
internal sealed class HoldsBack(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => reached.Task;

    public void Release() => released.TrySetResult();

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        reached.TrySetResult();
        await released.Task.WaitAsync(cancellationToken);
        return await base.CommitAsync(attempts, cancellationToken);
    }
}

/// <summary>Accepts a number of document writes and refuses the rest, as for a process that lost its connection.</summary>
internal sealed class ForgetsDocuments(IPersistenceEngine inner, int puts) : DelegatingEngine(inner)
{
    private readonly TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int remaining = puts;

    /// <summary>Completes when the first write was refused.</summary>
    public Task Refused => refused.Task;

    public void StopTaking() => Volatile.Write(ref remaining, 0);

    public void TakeAgain() => Volatile.Write(ref remaining, int.MaxValue);

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        Interlocked.Decrement(ref remaining) >= 0
            ? base.PutDocumentAsync(name, content, expectedVersion, cancellationToken)
            : throw Refuse();

    private StorageUnavailableException Refuse()
    {
        refused.TrySetResult();
        return new StorageUnavailableException("the connection is gone.");
    }
}

/// <summary>Reports every document that is read.</summary>
internal sealed class ReportsReads(IPersistenceEngine inner, Action looked) : DelegatingEngine(inner)
{
    public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        looked();
        return base.FindDocumentAsync(name, cancellationToken);
    }
}

/// <summary>Delays document writes until they are released, as the network does with the packets of a paused process.</summary>
internal sealed class DelaysDocuments(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly TaskCompletionSource<long?> first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource? gate;
    private volatile string names = "";

    /// <summary>Completes when a write is delayed.</summary>
    public Task Held => held.Task;

    /// <summary>Delays the writes of documents whose names begin with a text. Called again, those of others too.</summary>
    public void Hold(string prefix = "")
    {
        names = prefix;
        gate ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Releases them, and returns the result of the first one.</summary>
    public Task<long?> ReleaseAsync()
    {
        gate!.SetResult();
        return first.Task;
    }

    public override async ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        if (gate is not { Task: { IsCompleted: false } open } || !name.StartsWith(names, StringComparison.Ordinal))
            return await base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
        held.TrySetResult();
        await open;
        var written = await base.PutDocumentAsync(name, content, expectedVersion, CancellationToken.None);
        first.TrySetResult(written);
        return written;
    }
}

/// <summary>Records every log line, with its error.</summary>
internal sealed class CollectsLogs : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
        // It records every line itself.
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{formatter(state, exception)} {exception}");

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose()
    {
    }
}
