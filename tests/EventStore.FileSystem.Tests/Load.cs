using System.Collections.Concurrent;
using EventStore.FileSystem.Engine;

namespace EventStore.FileSystem.Tests;

/// <summary>Commits from several tasks, as fast as possible, and keeps what was acknowledged.</summary>
internal sealed class Load : IAsyncDisposable
{
    private const int Writers = 4;
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentQueue<Guid> acknowledged = new();
    private readonly Task[] writers;

    public Load(FileSystemPersistenceEngine engine) =>
        writers = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(engine, writer)))];

    public IReadOnlyList<Guid> Acknowledged => [.. acknowledged];

    public async Task WaitForMoreAsync(int commits)
    {
        for (var wanted = acknowledged.Count + commits; acknowledged.Count < wanted;)
        {
            if (writers.FirstOrDefault(writer => writer.IsFaulted) is { } failed) await failed;
            await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(writers);
        ending.Dispose();
    }

    private async Task WriteAsync(FileSystemPersistenceEngine engine, int writer)
    {
        for (var i = 0; !ending.IsCancellationRequested; i++)
        {
            var attempt = SmallStore.Attempt($"stream-{writer}-{i % 20}", $"{writer} {i}");
            await engine.CommitAsync([attempt]);
            acknowledged.Enqueue(attempt.CommitId);
            if (i % 8 == 0) await Task.Delay(1);
        }
    }
}
