using System.Diagnostics;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>
/// Measures things against one another in one run: in turn, round after round, so that a machine that gets slower slows all of them. Shows
/// median, minimum and maximum, and the ratio of the medians to the first.
/// </summary>
internal sealed class SideBySide(string title, string unit)
{
    private const int Rounds = 5;
    private readonly List<(string Name, Func<ValueTask<Sample>> Measure)> contenders = [];

    /// <summary>Adds a contender. A run returns how many units of work it did.</summary>
    public SideBySide Add(string name, Func<ValueTask<long>> run) => Add(name, _ => run());

    /// <summary>Adds a contender that restarts the clock once it is set up, and stops it before it clears away.</summary>
    public SideBySide Add(string name, Func<Clock, ValueTask<long>> run)
    {
        contenders.Add((name, () => MeasureAsync(run)));
        return this;
    }

    /// <summary>Adds a contender that measures itself, and returns its rate in units per second.</summary>
    public SideBySide AddRate(string name, Func<Task<double>> measure)
    {
        contenders.Add((name, async () => new Sample(await measure(), 0, 0)));
        return this;
    }

    /// <summary>Adds programs of others, each of which prints its rate in units per second as its last line.</summary>
    public SideBySide Add(IEnumerable<OtherProgram> programs)
    {
        foreach (var program in programs) contenders.Add((program.Name, async () => new Sample(await program.RunAsync(), 0, 0)));
        return this;
    }

    /// <summary>Warms every contender up once, measures them in turn, and shows the table.</summary>
    public async Task<IReadOnlyList<Measurement>> RunAsync()
    {
        var samples = contenders.ConvertAll(_ => new List<Sample>());
        var bar = AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn());
        await bar.StartAsync(async progress =>
        {
            var task = progress.AddTask(title, maxValue: (Rounds + 1) * contenders.Count);
            for (var round = 0; round <= Rounds; round++)
            {
                for (var i = 0; i < contenders.Count; i++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    var sample = await contenders[i].Measure();
                    if (round > 0) samples[i].Add(sample);
                    task.Increment(1);
                }
            }
        });

        var measurements = contenders.Select((contender, i) => Measurement.Of(contender.Name, samples[i])).ToList();
        Show(measurements);
        return measurements;
    }

    private static async ValueTask<Sample> MeasureAsync(Func<Clock, ValueTask<long>> run)
    {
        var clock = new Clock();
        var units = await run(clock);
        clock.Stop();
        return new Sample(units / clock.Took.TotalSeconds, clock.Allocated / (double)units, clock.Worked.TotalNanoseconds / units);
    }

    private void Show(List<Measurement> measurements)
    {
        var table = new Table().Title(title).Border(TableBorder.Rounded)
            .AddColumn("what").AddColumn(new TableColumn($"{unit}/s, median").RightAligned())
            .AddColumn(new TableColumn("min … max").RightAligned())
            .AddColumn(new TableColumn($"CPU ns/{unit}").RightAligned()).AddColumn(new TableColumn($"bytes/{unit}").RightAligned())
            .AddColumn(new TableColumn("ratio").RightAligned());
        foreach (var measured in measurements)
        {
            var ratio = measured.Median / measurements[0].Median;
            table.AddRow(
                Markup.Escape(measured.Name), $"{measured.Median:N0}", $"{measured.Minimum:N0} … {measured.Maximum:N0}",
                $"{measured.WorkPerUnit:N0}", $"{measured.BytesPerUnit:N0}", $"{ratio:0.00}");
        }

        AnsiConsole.Write(table);
    }
}

/// <summary>What was measured of one contender, in units per second.</summary>
internal sealed record Measurement(string Name, double Median, double Minimum, double Maximum, double BytesPerUnit, double WorkPerUnit)
{
    public static Measurement Of(string name, List<Sample> samples)
    {
        var rates = samples.Select(sample => sample.Rate).Order().ToArray();
        return new(
            name, rates[rates.Length / 2], rates[0], rates[^1],
            MedianOf(samples, sample => sample.BytesPerUnit), MedianOf(samples, sample => sample.WorkPerUnit));
    }

    private static double MedianOf(List<Sample> samples, Func<Sample, double> value) =>
        samples.Select(value).Order().ElementAt(samples.Count / 2);
}

/// <summary>
/// One round of one contender: units a second, bytes allocated and nanoseconds of processor time a unit, by all threads of this process.
/// </summary>
internal readonly record struct Sample(double Rate, double BytesPerUnit, double WorkPerUnit);

/// <summary>The time and the allocations that count in a round: all of it, or what lies between restarting and stopping.</summary>
internal sealed class Clock
{
    private long started;
    private long allocatedBefore;
    private TimeSpan workedBefore;
    private bool isStopped;

    public Clock() => Restart();

    public TimeSpan Took { get; private set; }

    public long Allocated { get; private set; }

    /// <summary>Processor time, of which other processes take nothing away.</summary>
    public TimeSpan Worked { get; private set; }

    public void Restart()
    {
        allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
        workedBefore = Environment.CpuUsage.TotalTime;
        started = Stopwatch.GetTimestamp();
    }

    public void Stop()
    {
        if (isStopped) return;
        isStopped = true;
        Took = Stopwatch.GetElapsedTime(started);
        Worked = Environment.CpuUsage.TotalTime - workedBefore;
        Allocated = GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
    }
}
