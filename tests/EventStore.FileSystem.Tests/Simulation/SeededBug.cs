using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>What is done wrong in a simulated life.</summary>
/// <param name="Disk">Puts a bug between the engine and the disk.</param>
/// <param name="BackupDisk">Puts a bug between backups and their disk.</param>
/// <param name="Deed">Draws a deed that is done wrongly, among the others.</param>
internal sealed record SeededBug(Func<IDisk, IDisk>? Disk = null, Func<IDisk, IDisk>? BackupDisk = null, Func<Random, Deed>? Deed = null);
