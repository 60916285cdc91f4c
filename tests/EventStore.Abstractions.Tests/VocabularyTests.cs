using System.Text;

namespace EventStore.Abstractions.Tests;

/// <summary>The values of the contract: names, positions, expected revisions, filters, limits.</summary>
public sealed class VocabularyTests
{
    [Fact]
    public void A_plain_string_or_guid_names_a_stream_in_the_default_bucket()
    {
        StreamId named = "order-1";
        Assert.Equal(new StreamId("default", "", "order-1"), named);
        Assert.Equal("default//order-1", named.ToString());
        StreamId numbered = new Guid("00000000-0000-0000-0000-0000000000ab");
        Assert.Equal("00000000-0000-0000-0000-0000000000ab", numbered.Id);
    }

    [Fact]
    public void The_default_stream_id_is_refused_with_a_message()
    {
        Assert.Equal("(no stream)", default(StreamId).ToString());
        Assert.True(default(StreamId).CompareTo("a") < 0 && new StreamId("a").CompareTo(default) > 0);
        Assert.Throws<InvalidNameException>(() => default(StreamId).Id);
        Assert.Throws<ArgumentNullException>(() => new StreamId(null!));
    }

    [Fact]
    public void A_refused_name_is_reported_with_the_part_the_problem_and_the_fix()
    {
        var error = Assert.Throws<InvalidNameException>(() => new StreamId(new string('é', 65), "", "id"));
        Assert.Equal("bucket", error.ParamName);
        Assert.StartsWith(
            "The bucket takes 130 bytes in UTF-8, more than the limit of 128; shorten it.",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Streams_are_ordered_as_the_bytes_of_their_names_in_utf8()
    {
        string[] names = ["", "a", "A", "a ", "aa", "b", "é", "e\u0301", "\ud7ff", "\ue000", "\uffff", "😀", "😁", "a😀", "a\uffff", "z"];
        var byBytes = names.Order(
            Comparer<string>.Create(
                (left, right) => Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right))));
        Assert.Equal(byBytes, names.Order(Comparer<string>.Create(StreamId.CompareCodePoints)));
        Assert.True(new StreamId("a", "b", "c").CompareTo(new StreamId("a", "c", "a")) < 0);
        Assert.Equal(0, new StreamId("a").CompareTo("a"));
    }

    [Theory]
    [InlineData(0, true, true, false)]
    [InlineData(5, true, false, true)]
    public void Expected_revisions_match_the_right_revisions(long actual, bool any, bool none, bool some)
    {
        Assert.Equal(any, ExpectedRevision.Any.IsMetBy(new Revision(actual)));
        Assert.Equal(none, ExpectedRevision.NoStream.IsMetBy(new Revision(actual)));
        Assert.Equal(some, ExpectedRevision.StreamExists.IsMetBy(new Revision(actual)));
        Assert.True(ExpectedRevision.Exactly(actual).IsMetBy(new Revision(actual)));
        Assert.False(ExpectedRevision.Exactly(actual + 1).IsMetBy(new Revision(actual)));
        Assert.Equal(ExpectedRevision.NoStream, ExpectedRevision.Exactly(0));
        Assert.Null(ExpectedRevision.Any.Exact);
        Assert.Equal(new Revision(7), ExpectedRevision.Exactly(7).Exact);
    }

    [Fact]
    public void Positions_refuse_negative_numbers_and_print_as_digits()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Revision(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Checkpoint(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CommitSequence(-1));
        Assert.Equal("12", (new Revision(10) + 2).ToString());
        Assert.True(new Checkpoint(3).Value < 4 && new Checkpoint(4).Value >= 4);
    }

    [Fact]
    public void Attempts_and_messages_refuse_what_cannot_be_stored()
    {
        var record = new EventRecord(Guid.NewGuid(), "type", default);
        Assert.Throws<ArgumentException>(() => new CommitAttempt("s", Guid.NewGuid(), []));
        Assert.Throws<ArgumentException>(() => new CommitAttempt("s", Guid.Empty, [record]));
        Assert.Throws<ArgumentException>(() => new EventRecord(Guid.Empty, "type", default));
        Assert.Throws<ArgumentException>(() => new CommitAttempt("s", Guid.NewGuid(), [record, default]));
        Assert.Throws<ArgumentException>(() => new EventMessage("body", eventId: Guid.Empty));
        Assert.Throws<ArgumentNullException>(() => new EventMessage(null!));
    }

    [Fact]
    public void Limits_refuse_with_the_measure_and_the_limit()
    {
        var limits = new EngineLimits(
            MaxEventsPerCommit: 2, MaxCommitBytes: 100, MaxSnapshotBytes: 10, MaxDocumentBytes: 10, MaxBatchAttempts: 1);
        EventRecord small = new(Guid.NewGuid(), "type", new byte[10]), large = new(Guid.NewGuid(), "type", new byte[100]);
        limits.Require(new CommitAttempt("s", Guid.NewGuid(), [small, small]));
        var tooMany = Assert.Throws<TooLargeException>(
            () => limits.Require(new CommitAttempt("s", Guid.NewGuid(), [small, small, small])));
        Assert.Equal(
            "The commit has 3 events, but the limit of this engine is 2. "
                + "Nothing was stored. Split it, or choose a backend with a higher limit.",
            tooMany.Message);
        Assert.Throws<TooLargeException>(() => limits.Require(new CommitAttempt("s", Guid.NewGuid(), [large])));
        Assert.Throws<TooLargeException>(() => limits.Require(new SnapshotRecord("s", new Revision(1), 0, "state", new byte[11])));
        Assert.Throws<ArgumentOutOfRangeException>(() => limits.Require(new SnapshotRecord("s", new Revision(0), 0, "state", default)));
        Assert.Throws<ArgumentOutOfRangeException>(() => limits.Require(new SnapshotRecord("s", new Revision(1), -1, "state", default)));
        Assert.Throws<TooLargeException>(() => limits.RequireDocument("d", new byte[11]));
    }

    [Fact]
    public void Every_error_of_the_store_links_to_its_place_in_the_guide()
    {
        var conflict = new ConcurrencyException("s", ExpectedRevision.Exactly(1), new Revision(2));
        Assert.EndsWith("docs/troubleshooting.md#concurrencyexception", conflict.HelpLink, StringComparison.Ordinal);
        var invalid = new InvalidNameException("id", "is empty", "give one");
        Assert.EndsWith("docs/troubleshooting.md#invalidnameexception", invalid.HelpLink, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "1.0.0+abc", "docs/troubleshooting.md")]
    [InlineData("", "1.0.0", "docs/troubleshooting.md")]
    [InlineData("https://forge.example/a/b", "1.0.0+abc", "https://forge.example/a/b/blob/abc/docs/troubleshooting.md")]
    [InlineData("https://forge.example/a/b.git/", "1.0.0", "https://forge.example/a/b/blob/main/docs/troubleshooting.md")]
    public void The_guide_lies_in_the_repository_that_the_build_knew_else_in_the_package(string? repository, string version, string page) =>
        Assert.Equal(page, TroubleshootingPage.AddressIn(repository, version));

    [Fact]
    public async Task A_signal_ends_the_waits_up_to_its_checkpoint_and_no_later_ones()
    {
        var signal = new CommitSignal();
        signal.Raise(new Checkpoint(5));
        await signal.WaitAsync(new Checkpoint(4), TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None);
        var waiting = signal.WaitAsync(new Checkpoint(5), TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None).AsTask();
        signal.Raise(new Checkpoint(5));
        Assert.False(waiting.IsCompleted);
        signal.Raise(new Checkpoint(6));
        await waiting;
        await signal.WaitAsync(new Checkpoint(6), TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        var cancelled = signal.WaitAsync(
            new Checkpoint(6), TimeSpan.FromMinutes(1), TimeProvider.System, new CancellationToken(canceled: true)).AsTask();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var woken = signal.WaitAsync(new Checkpoint(6), TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None).AsTask();
        signal.WakeAll();
        await woken;
    }
}
