using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Log;

/// <summary>Where a log continues after opening. Everything before its end is on the medium.</summary>
/// <param name="End">Where it ends.</param>
/// <param name="Epoch">The number of this opening of the store.</param>
/// <param name="IsSealed">Whether its last segment ends with a seal.</param>
internal readonly record struct LogStart(LogPoint End, uint Epoch, bool IsSealed);
