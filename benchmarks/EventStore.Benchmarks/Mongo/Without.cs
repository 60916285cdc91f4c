namespace EventStore.Benchmarks;

/// <summary>Where MongoDB.Driver could not be restored, there is nothing to measure.</summary>
internal static class MongoBenchmarks
{
    public static Task RunAsync()
    {
        Console.WriteLine("NOT RUN: this was built with WithoutMongo=true, because the package MongoDB.Driver was not to be had.");
        return Task.CompletedTask;
    }
}
