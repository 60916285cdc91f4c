using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>Stands in where the driver was not asked for.</summary>
internal static class RedisBenchmarks
{
    public static Task RunAsync()
    {
        AnsiConsole.WriteLine("Redis is left out. Build with -p:WithRedis=true; where StackExchange.Redis 3.1.31 cannot be restored, with -p:StackExchangeRedisVersion=1.2.6 as well.");
        return Task.CompletedTask;
    }
}
