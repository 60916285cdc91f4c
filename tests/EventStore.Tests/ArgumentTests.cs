using EventStore.Engines;
using System.IO.Compression;
using System.Reflection;
using EventStore.TestSupport;

namespace EventStore.Tests;

/// <summary>What cannot be meant is refused where it is given, with a typed error that says so.</summary>
public sealed class ArgumentTests
{
    private const string Half = "a\ud83d";
    private static readonly StreamId Stream = "stream";
    private static readonly string Long = new('n', 901);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_default_stream_id_is_refused_by_every_member_that_takes_one()
    {
        await using var store = await OpenAsync();
        Func<Task>[] members =
        [
            () => Task.FromResult(store.CreateStream(default)),
            () => store.OpenStreamAsync(default(StreamId)).AsTask(),
            () => store.OpenStreamAtHeadAsync(default).AsTask(),
            () => store.OpenStreamAsync(new Snapshot(default, new Revision(1), "s")).AsTask(),
            () => store.AppendAsync(default, ExpectedRevision.Any, [new EventMessage("e")]).AsTask(),
            () => store.ReadStreamAsync(default).ToListAsync().AsTask(),
            () => store.FindHeadAsync(default).AsTask(),
            () => store.DeleteStreamAsync(default).AsTask(),
            () => store.Snapshots.FindAsync(default).AsTask(),
            () => store.Snapshots.SaveAsync(new Snapshot(default, new Revision(1), "s")).AsTask(),
            () => store.ReadStreams.ReadJoinedAsync([default]).ToListAsync().AsTask(),
            () => Task.FromResult(CommittedEvent.Create(default, new Revision(1), "e")),
            () => Task.FromResult(ConsumerSource.OfStream(default)),
        ];
        for (var i = 0; i < members.Length; i++)
        {
            var error = await Record.ExceptionAsync(members[i]);
            Assert.True(error is InvalidNameException, $"member {i} of the list gave {error?.GetType().Name ?? "no error"}");
        }
    }

    [Fact]
    public async Task Names_are_checked_where_they_are_given()
    {
        await using var store = await OpenAsync();
        Action[] members =
        [
            () => ConsumerSource.OfBucket(""), () => ConsumerSource.OfBucket(Half), () => ConsumerSource.OfCategory(Half),
            () => ConsumerSource.OfReadStream(""), () => ConsumerSource.OfReadStream(Half), () => ConsumerSource.OfReadStream(Long),
            () => EventPredicate.Bucket(""), () => EventPredicate.Bucket(Half), () => EventPredicate.Category(Half),
            () => EventPredicate.StreamIds("a", ""), () => EventPredicate.StreamIds(Half), () => EventPredicate.Types(""),
            () => EventPredicate.Types(new string('t', 257)), () => EventPredicate.Header(Half, ""), () => EventPredicate.Header("", Half),
            () => EventPredicate.Body(Half, ValueComparison.Equal, "a"), () => EventPredicate.Body("/a", ValueComparison.Equal, Half),
            () => _ = new EventFilter { Bucket = Half }, () => _ = new EventFilter { Bucket = "" },
            () => _ = new EventFilter { Category = Half },
            () => _ = new EventFilter { Id = Half }, () => _ = new EventFilter { EventTypes = ["a", Half] },
            () => _ = new EventQuery { Bucket = "a\0" },
            () => store.ListStreamsAsync(Half), () => store.ListStreamsAsync("b", Half), () => store.ListStreamsAsync("b", "c", Half),
            () => store.Snapshots.ListStreamsDueAsync(Half, 1), () => EventMessage.OfBytes("", default),
            () => EventUpconverter.OfJson(Half, "b", node => node), () => new EventMappings().Map(EnvelopeValue.Bucket, Half),
        ];
        for (var i = 0; i < members.Length; i++)
        {
            var error = Record.Exception(members[i]);
            Assert.True(error is InvalidNameException, $"member {i} of the list gave {error?.GetType().Name ?? "no error"}");
        }

        foreach (var pointer in (string[])["a", "a/b", "/a~", "/a~2b"])
            Assert.Throws<ArgumentException>(() => EventPredicate.Body(pointer, ValueComparison.Equal, 1m));
        _ = EventPredicate.Body("", ValueComparison.Equal, 1m).And(EventPredicate.Body("/a~0~1/0", ValueComparison.Equal, 1m));
    }

    [Fact]
    public async Task A_name_of_a_consumer_or_read_stream_is_refused_at_its_documented_length_and_the_message_counts_its_own_bytes()
    {
        await using var store = await OpenAsync();
        Func<Task>[] members =
        [
            () => store.Consumers.StartAsync(Long, ConsumerSource.Everything, (_, _) => default).AsTask(),
            () => store.Consumers.DeleteAsync(Long).AsTask(),
            () => store.ReadStreams.CreateAsync(Long, EventPredicate.Bucket("b")).AsTask(),
            () => store.ReadStreams.FindAsync(Long).AsTask(),
        ];
        foreach (var member in members)
        {
            var error = await Assert.ThrowsAsync<InvalidNameException>(member);
            Assert.Contains("901 bytes in UTF-8, more than the limit of 900", error.Message, StringComparison.Ordinal);
        }

        await store.ReadStreams.CreateAsync(Long[1..], EventPredicate.Bucket("b"), Token);
        await using var consumer = await store.Consumers.StartAsync(
            Long[1..], ConsumerSource.Everything, (_, _) => default, cancellationToken: Token);
    }

    [Fact]
    public async Task A_condition_of_a_hundred_alternatives_works_everywhere_and_the_limits_have_their_error()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(new StreamId("b7", "", "s"), "x");
        var many = Enumerable.Range(1, 100).Select(i => EventPredicate.Bucket($"b{i}")).Aggregate((left, right) => left.Or(right));
        await store.ReadStreams.CreateAsync("many", many, Token);
        Assert.Single(await store.ReadStreams.ReadAsync("many", cancellationToken: Token).ToListAsync(Token));
        Assert.Single(await store.ReadAllAsync(new EventQuery { Condition = many }, cancellationToken: Token).ToListAsync(Token));
        var all = Enumerable.Range(1, 100).Select(_ => EventPredicate.Bucket("b7")).Aggregate((left, right) => left.And(right));
        await store.ReadStreams.CreateAsync("all", all, Token);
        Assert.Single(await store.ReadStreams.ReadAsync("all", cancellationToken: Token).ToListAsync(Token));

        var deepest = EventPredicate.Bucket("b7");
        for (var level = 1; level < EventPredicate.MaxLevels; level++)
            deepest = level % 2 == 0 ? deepest.And(EventPredicate.Bucket("b7")) : deepest.Or(EventPredicate.Bucket("b8"));
        await store.ReadStreams.CreateAsync("deepest", deepest, Token);
        Assert.Single(await store.ReadStreams.ReadAsync("deepest", cancellationToken: Token).ToListAsync(Token));
        Assert.Throws<TooLargeException>(() => deepest.Negated());
        var parts = Enumerable.Repeat(EventPredicate.Bucket("b7"), EventPredicate.MaxParts - 1).ToArray();
        var largest = new EventPredicate.Any(parts);
        Assert.Equal(EventPredicate.MaxParts, Assert.Throws<TooLargeException>(() => largest.Or(EventPredicate.Bucket("b8"))).Limit);
    }

    [Fact]
    public async Task A_value_that_its_enumeration_lacks_is_refused_by_every_public_member()
    {
        await using var store = await OpenAsync();
        await store.ReadStreams.CreateAsync("r", EventPredicate.Bucket("b"), Token);
        var wireup = Wireup.Init();
        var calls = new Dictionary<string, Func<Task>>
        {
            ["WireupExtensions.Compress.algorithm"] = () => Task.FromResult(wireup.Compress((CompressionAlgorithm)9)),
            ["WireupExtensions.Compress.level"] = () => Task.FromResult(wireup.Compress(level: (CompressionLevel)77)),
            ["DispatchWireupExtensions.Startup.startup"] = () => Task.FromResult(wireup.Startup((DispatchStartup)5)),
            ["EventMappings.Map.value"] = () => Task.FromResult(new EventMappings().Map((EnvelopeValue)99, "a")),
            ["EventPredicate.Body.comparison"] = () => Task.FromResult(EventPredicate.Body("/a", (ValueComparison)7, 1m)),
            ["BodyValue..ctor.Comparison"] = () => Task.FromResult(new EventPredicate.BodyValue("/a", (ValueComparison)7)),
            ["BodyValue.Comparison"] = () => Task.FromResult(
                new EventPredicate.BodyValue("/a", ValueComparison.Equal) with { Comparison = (ValueComparison)7 }),
            ["StreamChange..ctor.Kind"] = () => Task.FromResult(new StreamChange((StreamChangeKind)9, default)),
            ["StreamRange.Direction"] = () => Task.FromResult(new StreamRange { Direction = (ReadDirection)7 }),
            ["EventQuery.Direction"] = () => Task.FromResult(new EventQuery { Direction = (ReadDirection)7 }),
            ["IEventStore.ReadStreamAsync.decoding"] =
                () => store.ReadStreamAsync(Stream, decoding: (EventDecoding)7).ToListAsync().AsTask(),
            ["IEventStore.ReadAllAsync.decoding"] = () => store.ReadAllAsync(decoding: (EventDecoding)7).ToListAsync().AsTask(),
            ["IImports.OpenAsync.mode"] = () => store.Imports.OpenAsync("i", (ImportMode)7, cancellationToken: Token).AsTask(),
            ["IReadStreams.ReadAsync.direction"] =
                () => store.ReadStreams.ReadAsync("r", direction: (ReadDirection)7).ToListAsync().AsTask(),
            ["IReadStreams.ReadAsync.decoding"] = () => store.ReadStreams.ReadAsync("r", decoding: (EventDecoding)7).ToListAsync().AsTask(),
            ["IReadStreams.ReadJoinedAsync.decoding"] =
                () => store.ReadStreams.ReadJoinedAsync([Stream], (EventDecoding)7).ToListAsync().AsTask(),
        };
        Assert.Equal(
            EnumParametersOf(typeof(IEventStore).Assembly, typeof(WireupExtensions).Assembly), calls.Keys.Order(StringComparer.Ordinal));
        foreach (var (member, call) in calls)
        {
            var error = await Record.ExceptionAsync(call);
            var isOfWireup = member.Contains("WireupExtensions", StringComparison.Ordinal);
            Assert.True(isOfWireup ? error is InvalidOptionException : error is ArgumentOutOfRangeException, $"{member}: {error}");
            Assert.Matches(isOfWireup ? "must be one of" : "has no member", error!.Message);
        }
    }

    [Fact]
    public void A_relative_range_can_be_changed_and_shows_its_ends()
    {
        var last = StreamRange.Between(-2);
        Assert.Equal(new StreamRange { From = new Revision(5) }, last with { From = new Revision(5) });
        Assert.Equal(new StreamRange { To = new Revision(5) }, StreamRange.FromRange(..^3) with { To = new Revision(5) });
        Assert.Equal("head - 1 to head", last.ToString());
        Assert.Equal("revision 1 to head - 3, the last 2, newest first", (StreamRange.FromRange(..^3) with
        {
            Last = 2,
            Direction = ReadDirection.Backward,
        }).ToString());
        Assert.Equal("revision 1 to head", StreamRange.All.ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => new StreamRange { Last = -1 });
        Assert.Equal(new StreamRange { From = new Revision(9) }, last.RelativeTo(new Revision(10)));
    }

    [Fact]
    public async Task Snapshots_are_found_with_their_type_and_never_show_their_state()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, "x");
        await store.Snapshots.SaveAsync(new Snapshot<string>(Stream, new Revision(1), "s3cret") with { State = "s3cret too" }, Token);
        var found = await store.Snapshots.FindAsync<string>(Stream, cancellationToken: Token);
        Assert.Equal(new Snapshot<string>(Stream, new Revision(1), "s3cret too") { Incarnation = new Checkpoint(1) }, found);
        var shown = $"{found} {(Snapshot)found!} {await store.OpenFromSnapshotAsync(Stream)}";
        Assert.DoesNotContain("s3cret", shown, StringComparison.Ordinal);
        Assert.Contains("revision 1", found!.ToString(), StringComparison.Ordinal);
        var other = await Assert.ThrowsAsync<InvalidCastException>(async () => await store.Snapshots.FindAsync<Version>(Stream));
        Assert.Contains("System.String, not of System.Version", other.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await store.Snapshots.FindAsync(Stream, schemaVersion: -1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await store.OpenFromSnapshotAsync(Stream, schemaVersion: -1));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.OpenStreamAsync(new Snapshot(Stream, Revision.None, "s")));
    }

    [Fact]
    public void A_position_out_of_range_says_which()
    {
        Assert.Contains("no revision 1 after", Message(() => Revision.Max + 1), StringComparison.Ordinal);
        Assert.Contains("no revision -4 after 3", Message(() => new Revision(3) + -4), StringComparison.Ordinal);
        Assert.Contains("no checkpoint", Message(() => Checkpoint.Max + long.MaxValue), StringComparison.Ordinal);
        Assert.Contains("A checkpoint is 0 or higher, but -1", Message(() => new Checkpoint(-1)), StringComparison.Ordinal);
        Assert.Equal(Revision.Max, new Revision(1) + (long.MaxValue - 1));

        static string Message(Func<object> make) => Assert.Throws<ArgumentOutOfRangeException>(() => make()).Message;
    }

    [Fact]
    public async Task A_number_is_not_an_event_and_an_address_that_is_a_path_says_so()
    {
        await using var store = await OpenAsync();
        foreach (object number in (object[])[3, 3L, true, 'c', 2.5, 1m])
        {
            var error = await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(Stream, number, "an event"));
            Assert.Contains("ExpectedRevision.Exactly", error.Message, StringComparison.Ordinal);
        }

        await AddressAsync(@"C:\data", "'file:'");
        await AddressAsync("C:/data", "'file:'");
        var unnamed = await AddressAsync("password=hunter2,host:6379", "the scheme of this persistence address");
        Assert.DoesNotContain("hunter2", unnamed, StringComparison.Ordinal);

        async Task<string> AddressAsync(string address, string expected)
        {
            var wireup = Wireup.Init().UsingPersistence(address, _ => { }).UsingJsonSerialization(_ => { });
            var message = (await Assert.ThrowsAsync<WireupException>(async () => await wireup.BuildAsync(Token))).Message;
            Assert.Contains(expected, message, StringComparison.Ordinal);
            return message;
        }
    }

    [Fact]
    public async Task A_conflict_advises_what_helps_for_what_was_expected()
    {
        await using var store = await OpenAsync();
        Assert.Contains("has no events, but the commit expected an existing stream. Nothing was stored. Check the name",
            await ConflictAsync(ExpectedRevision.StreamExists), StringComparison.Ordinal);
        Assert.Contains("was deleted, or never had", await ConflictAsync(ExpectedRevision.Exactly(3)), StringComparison.Ordinal);
        await store.AppendAsync(Stream, "1");
        Assert.Contains("exists already", await ConflictAsync(ExpectedRevision.NoStream), StringComparison.Ordinal);
        Assert.Contains("Refresh the stream", await ConflictAsync(ExpectedRevision.Exactly(3)), StringComparison.Ordinal);

        async Task<string> ConflictAsync(ExpectedRevision expected) =>
            (await Assert.ThrowsAsync<ConcurrencyException>(async () => await store.AppendAsync(Stream, expected, "e"))).Message;
    }

    [Fact]
    public async Task Names_stand_on_one_line_in_messages_and_logs_and_two_streams_never_look_alike()
    {
        Assert.NotEqual(new StreamId("a/b", "c").ToString(), new StreamId("a", "b/c").ToString());
        Assert.NotEqual(new StreamId("%2F").ToString(), new StreamId("/").ToString());
        Assert.Equal("default//a%0D%0Ab%E2%80%AEc", new StreamId("a\r\nb\u202ec").ToString());

        const string Name = "evil\r\n2026-01-01 FATAL all is lost\u001b[2J";
        var log = new LogLines();
        await using var store = await Wireup.Init().UsingInMemoryPersistence().LeaveReadStreamsUnsigned().UsingLoggerFactory(log)
            .UsingJsonSerialization(types => types.Register<string>("text"))
            .HookIntoPipelineUsing(new Unwilling("forbidden")).BuildAsync(Token);
        await store.AppendAsync(Name, "x");
        await store.DeleteStreamAsync(Name, Token);
        await store.PurgeBucketAsync(Name, Token);
        await store.ReadStreams.CreateAsync(Name, EventPredicate.Category(Name), Token);
        var options = new ConsumerOptions { MaxRetries = 0, FailureAction = FailureAction.Stop };
        await store.AppendAsync(Name, "x");
        await using var consumer = await store.Consumers.StartAsync(
            Name, ConsumerSource.Everything, (_, _) => throw new InvalidOperationException("handler"), options, Token);
        Exception?[] errors =
        [
            await Record.ExceptionAsync(async () => await consumer.Completion),
            await Record.ExceptionAsync(async () => await store.AppendAsync(Name, ExpectedRevision.NoStream, "x")),
            await Record.ExceptionAsync(async () => await store.AppendAsync(Name, "forbidden")),
            await Record.ExceptionAsync(async () => await store.ReadStreams.CreateAsync(Name, EventPredicate.Category("other"), Token)),
            await Record.ExceptionAsync(async () => await store.ReadStreams.ReadAsync(Name + "2").ToListAsync(Token)),
            Record.Exception(() => new EventTypes().Register<OrderPlaced>(Name).Register<Version>(Name)),
            Record.Exception(() => new EventMessage("x", new Dictionary<string, string> { [Name] = null! })),
        ];
        foreach (var message in errors.Select(error => error!.Message).Concat(log.Written))
            Assert.DoesNotContain(message, char.IsControl);
        Assert.Contains(log.Written, line => line.Contains("evil", StringComparison.Ordinal));
    }

    private static IEnumerable<string> EnumParametersOf(params Assembly[] assemblies)
    {
        // What an engine or the store returns, and what an engine is asked by the store, is not given by an application.
        Type[] returned =
        [
            typeof(EngineDurability), typeof(EngineDescription), typeof(ConsumerStatus), typeof(CommitOutcome), typeof(StreamRead),
            typeof(StoreRead), typeof(ConsumerOptions), typeof(OptionRules), typeof(PayloadContext),
            typeof(ImportProgress),
        ];
        const BindingFlags Members = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        return assemblies.SelectMany(assembly => assembly.GetExportedTypes()).Where(type => !type.IsEnum && !returned.Contains(type))
            .SelectMany(type => type.GetConstructors(Members).Cast<MethodBase>().Concat(type.GetMethods(Members)))
            .SelectMany(method => method.GetParameters().Where(parameter => parameter.ParameterType.IsEnum).Select(
                    parameter => method.Name.StartsWith("set_", StringComparison.Ordinal)
                        ? $"{method.DeclaringType!.Name}.{method.Name[4..]}"
                        : $"{method.DeclaringType!.Name}.{method.Name}.{parameter.Name}"))
            .Distinct().Order(StringComparer.Ordinal);
    }

    private static ValueTask<IEventStore> OpenAsync() => Wireup.Init().UsingInMemoryPersistence().LeaveReadStreamsUnsigned()
        .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token);
}
