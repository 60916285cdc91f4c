using Microsoft.Extensions.Logging;

namespace EventStore.Redis;

/// <summary>What every part of the engine is given beside the connection.</summary>
/// <param name="Options">What the application chose.</param>
/// <param name="Address">The store's address for messages, without anything secret.</param>
/// <param name="Time">The clock for stamps and waits.</param>
/// <param name="Logger">Where the parts log.</param>
internal sealed record RedisSettings(RedisOptions Options, string Address, TimeProvider Time, ILogger Logger);
