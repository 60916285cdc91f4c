using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Runs scripts on the server that holds the store: repeats what was not carried out, says what may have been, and notices a store that
/// went back.
/// </summary>
internal sealed class RedisServer(RedisConnection connection, RedisSettings settings)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastDelay = TimeSpan.FromSeconds(1);

    // Every reply begins with the newest checkpoint.
    private readonly StorageHistory history = new(settings.Address);

    /// <summary>The newest checkpoint known here.</summary>
    public long Newest => history.Newest.Value;

    /// <summary>Runs a script that changes nothing. It is repeated while the server is away.</summary>
    public ValueTask<RedisResult[]> AskAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments,
        CancellationToken cancellationToken) =>
        RunAsync(script, keys, arguments, isWrite: false, settings.Options.OutageTimeout, cancellationToken);

    /// <summary>Runs a script that changes something. It is repeated only while it is certain that it was not carried out.</summary>
    /// <exception cref="BatchOutcomeUnknownException">It was sent, and no reply came.</exception>
    public ValueTask<RedisResult[]> ChangeAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments,
        CancellationToken cancellationToken) =>
        RunAsync(script, keys, arguments, isWrite: true, settings.Options.OutageTimeout, cancellationToken);

    /// <summary>Runs a script that may be repeated whatever became of it, and waits for a server that is not there yet.</summary>
    public ValueTask<RedisResult[]> OpenAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments,
        CancellationToken cancellationToken) =>
        RunAsync(script, keys, arguments, isWrite: false, settings.Options.StartupTimeout, cancellationToken);

    /// <summary>Reads the settings that durability and limits depend on; none where the driver or the server refuses it.</summary>
    /// <exception cref="StorageUnavailableException">The server stayed away.</exception>
    public async ValueTask<Dictionary<string, string>> FindSettingsAsync(RedisKey key, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var pattern in (string[])["append*", "no-appendfsync-on-rewrite", "maxmemory*", .. RedisLimits.Settings])
            {
                foreach (var (name, value) in await ReadSettingsAsync(key, pattern, cancellationToken).ConfigureAwait(false))
                    found[name] = value;
            }
        }
        catch (StorageException error) when (error is not StorageUnavailableException)
        {
            // Hosted servers often forbid it, and the driver does on a connection of the application that was opened without allowAdmin.
        }

        return found;
    }

    /// <summary>Reads settings of the server that holds a key. It is repeated while the server is away.</summary>
    /// <exception cref="StorageUnavailableException">It stayed away.</exception>
    /// <exception cref="StorageException">The driver or the server refused it.</exception>
    public ValueTask<KeyValuePair<string, string>[]> ReadSettingsAsync(
        RedisKey key, string pattern, CancellationToken cancellationToken) => RepeatAsync(
        "CONFIG GET",
        token => connection.Multiplexer.GetServer(key, flags: CommandFlags.DemandMaster).ConfigGetAsync(pattern)
            .WaitAsync(settings.Options.CommandTimeout, settings.Time, token),
        isWrite: false,
        settings.Options.OutageTimeout,
        cancellationToken);

    /// <summary>
    /// Finds the connection by which commands go now: the server's number for it, and the server's own name, which no other server and no
    /// later start of it has. Null where the server does not return it.
    /// </summary>
    public async Task<string?> FindConnectionAsync()
    {
        try
        {
            var number = connection.Database.ExecuteAsync("CLIENT", ["ID"], CommandFlags.DemandMaster);
            var server = connection.Database.ExecuteAsync("INFO", ["server"], CommandFlags.DemandMaster);
            await Task.WhenAll(number, server).WaitAsync(settings.Options.CommandTimeout + settings.Options.ReplicaTimeout, settings.Time)
                .ConfigureAwait(false);
            var name = ((string)(await server.ConfigureAwait(false))!).Split('\n')
                .First(line => line.StartsWith("run_id:", StringComparison.Ordinal));
            return $"{name.Trim()} {(long)await number.ConfigureAwait(false)}";
        }
        catch (Exception)
        {
            // Whatever it is, nothing can be said of replicas then, which is all that it is asked for.
            return null;
        }
    }

    /// <summary>Waits until replicas have what was written.</summary>
    /// <param name="before">The connection from before the write. A server counts the replicas that have the last write of the connection
    /// that asks, so it must be the same one still.</param>
    /// <exception cref="BatchOutcomeUnknownException">Not so many had it in time, or another connection was asked.</exception>
    public async ValueTask WaitForReplicasAsync(Task<string?> before)
    {
        var timeout = (long)settings.Options.ReplicaTimeout.TotalMilliseconds;
        object[] wait = settings.Options.RequireReplicaFlush ? [0, settings.Options.RequiredReplicas, timeout] : [settings.Options.RequiredReplicas, timeout];
        try
        {
            var sent = connection.Database.ExecuteAsync(settings.Options.RequireReplicaFlush ? "WAITAOF" : "WAIT", wait,
                CommandFlags.DemandMaster);
            var after = FindConnectionAsync();
            var answer = await sent.WaitAsync(settings.Options.CommandTimeout + settings.Options.ReplicaTimeout, settings.Time)
                .ConfigureAwait(false);
            var have = settings.Options.RequireReplicaFlush ? (long)((RedisResult[])answer!)[1] : (long)answer;
            if (await before.ConfigureAwait(false) is not { } asked || asked != await after.ConfigureAwait(false))
                throw new BatchOutcomeUnknownException(
                    $"the connection to {settings.Address} was replaced, or cannot be identified by CLIENT ID and INFO, so that nothing "
                        + "is known of its replicas.");
            if (have >= settings.Options.RequiredReplicas) return;
            throw new BatchOutcomeUnknownException(
                $"{have} of {settings.Options.RequiredReplicas} replicas of {settings.Address} had it after "
                    + $"{settings.Options.ReplicaTimeout.TotalMilliseconds} ms; the server itself has it.");
        }
        catch (Exception error) when (error is not EventStoreException)
        {
            throw new BatchOutcomeUnknownException($"the connection to {settings.Address} failed while its replicas were waited for.",
                error);
        }
    }

    private ValueTask<RedisResult[]> RunAsync(
        RedisScript script, RedisKey[] keys, RedisValue[] arguments, bool isWrite, TimeSpan atMost, CancellationToken cancellationToken) =>
        RepeatAsync(script.Name, token => SendAsync(script, keys, arguments, token), isWrite, atMost, cancellationToken);

    private async ValueTask<T> RepeatAsync<T>(string what, Func<CancellationToken, Task<T>> send, bool isWrite, TimeSpan atMost,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var started = settings.Time.GetTimestamp();
        for (var delay = FirstDelay; ; delay = delay * 2 < LastDelay ? delay * 2 : LastDelay)
        {
            history.RequireIntact();
            // Taken before the command is sent, so that nothing that is reported while it fails is missed.
            var change = connection.NextChange;
            Exception error;
            try
            {
                return await send(isWrite ? default : cancellationToken).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is not (EventStoreException or OperationCanceledException))
            {
                error = failure;
            }

            var fault = RedisErrors.FaultOf(error);
            if (fault == RedisFault.Refused && !(isWrite && RedisErrors.MayHaveBegun(error))) throw RedisErrors.Explain(error,
                settings.Address);
            if (isWrite && fault is RedisFault.Unknown or RedisFault.Refused)
                throw new BatchOutcomeUnknownException(
                    $"the connection to {settings.Address} failed, or the server did, before it replied.", error);
            var waited = settings.Time.GetElapsedTime(started);
            if (waited + delay > atMost) throw RedisErrors.Unavailable(error, settings.Address, waited);
            RedisLog.Repeating(settings.Logger, what, settings.Address, delay, error);
            await change.WaitAsync(delay, settings.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task<RedisResult[]> SendAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments,
        CancellationToken cancellationToken)
    {
        var known = Newest;
        try
        {
            var sent = connection.Database.ScriptEvaluateAsync(script.Hash, keys, arguments, CommandFlags.DemandMaster);
            return Check(await ReceiveAsync(sent).ConfigureAwait(false), known);
        }
        catch (RedisServerException error) when (RedisErrors.IsUnknownScript(error))
        {
            // The server was restarted, flushed its scripts or is another one now. With the text it knows the script again.
            var sent = connection.Database.ScriptEvaluateAsync(script.Text, keys, arguments, CommandFlags.DemandMaster);
            return Check(await ReceiveAsync(sent).ConfigureAwait(false), known);
        }

        async Task<RedisResult[]> ReceiveAsync(Task<RedisResult> reply) => (RedisResult[])(await reply
            .WaitAsync(settings.Options.CommandTimeout, settings.Time, cancellationToken).ConfigureAwait(false))!;
    }

    // Every reply begins with the newest checkpoint. What was known before the command was sent can only be less, unless the server lost
    // something.
    private RedisResult[] Check(RedisResult[] answer, long known)
    {
        var found = (long)answer[0];
        if (found < known) RedisLog.WentBack(settings.Logger, settings.Address, known, found);
        history.Observe(new Checkpoint(found), new Checkpoint(known));
        return answer;
    }
}
