using System.Diagnostics;

namespace EventStore.Diagnostics;

/// <summary>A step that an activity shows, where an application listens. Dispose it when the step is done.</summary>
/// <param name="Activity">The activity; null where no application listens.</param>
/// <param name="Telemetry">Stops it.</param>
internal readonly record struct TracedStep(Activity? Activity, Telemetry Telemetry) : IDisposable
{
    public void Dispose()
    {
        if (Activity is not null) Telemetry.Stop(Activity);
    }
}
