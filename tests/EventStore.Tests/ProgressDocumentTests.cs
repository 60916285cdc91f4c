using System.Text;
using EventStore.Consumers;
using EventStore.Deliveries;
using EventStore.Dispatch;
using EventStore.Feeds;

namespace EventStore.Tests;

/// <summary>The documents of consumers and of dispatch keep their bytes; a change makes a new value.</summary>
public sealed class ProgressDocumentTests
{
    private const string Consumer =
        """
        {"isStarted":true,"source":"all","origin":{"checkpoint":4},"checkpoint":9,"revision":3,"awaited":1,
        "state":"AQI=","stateSlot":2,"stateDocument":7,"stateBytes":20000,"stateType":"t","stateVersion":5,"initialType":"i",
        "parked":[6,8],"skipped":2,"owner":"o","renewals":11}
        """;

    private const string Dispatch =
        """
        {"watermark":5,"marks":[{"first":7,"last":8}],"parked":[{"first":2,"last":2}],
        "owner":"o","renewals":3,"parkedCount":1,"markedCount":2}
        """;

    private static byte[] Bytes(string document) => Encoding.UTF8.GetBytes(document.ReplaceLineEndings(""));

    [Fact]
    public void A_document_of_a_consumer_is_written_as_it_was_read() =>
        Assert.Equal(Bytes(Consumer), ConsumerRecord.Read("c", Bytes(Consumer)).Write());

    [Fact]
    public void A_document_of_dispatch_is_written_as_it_was_read() =>
        Assert.Equal(Bytes(Dispatch), DispatchProgress.Read("d", Bytes(Dispatch)).Write());

    [Fact]
    public void The_first_documents_hold_their_lists()
    {
        Assert.Equal(Bytes("""{"parked":[],"owner":"o","renewals":1}"""), ConsumerRecord.Empty.RenewedBy("o").Write());
        Assert.Equal(
            Bytes("""{"watermark":0,"marks":[],"parked":[],"owner":"o","renewals":1,"parkedCount":0,"markedCount":0}"""),
            DispatchProgress.Empty.RenewedBy("o").Write());
        Assert.Empty(ConsumerRecord.Read("c", Bytes("{}")).Parked);
        Assert.Empty(DispatchProgress.Read("d", Bytes("{}")).Marks);
        Assert.Empty(DispatchProgress.Read("d", Bytes("{}")).Parked);
    }

    [Fact]
    public void A_change_leaves_the_value_before_it_as_it_was()
    {
        var (consumer, dispatch) = (ConsumerRecord.Read("c", Bytes(Consumer)), DispatchProgress.Read("d", Bytes(Dispatch)));
        var begun = consumer.Begin(new FeedPosition(4, 0), new Stateless()).RenewedBy(null);
        var marked = dispatch.Park([new(9, 9)]).Unpark([new(2, 2)]).Mark(3, [new(6, 6), new(12, 12)]).RenewedBy(null);

        Assert.Equal(Bytes(Consumer), consumer.Write());
        Assert.Equal(Bytes(Dispatch), dispatch.Write());
        Assert.Equal(
            Bytes(
                """
                {"isStarted":true,"source":"all","origin":{"checkpoint":4},
                "checkpoint":4,"parked":[],"renewals":12}
                """),
            begun.Write());
        Assert.Equal(
            Bytes(
                """
                {"watermark":8,"marks":[{"first":12,"last":12}],"parked":[{"first":9,"last":9}],
                "owner":null,"renewals":4,"parkedCount":1,"markedCount":1}
                """),
            marked.Write());
    }

    [Fact]
    public void Marks_join_the_watermark_as_if_they_came_one_by_one()
    {
        var random = new Random(41);
        for (var round = 0; round < 200; round++)
        {
            var (all, model) = (DispatchProgress.Empty, new HashSet<long>());
            for (var step = 0; step < 8; step++)
            {
                var upTo = random.Next(3) == 0 ? random.Next(12) : 0;
                var ranges = Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(1, 40)).Select(
                    first => new CheckpointRange(first, first + random.Next(3))).ToArray();
                all = all.Mark(upTo, ranges);
                for (var checkpoint = 1; checkpoint <= upTo; checkpoint++) model.Add(checkpoint);
                foreach (var range in ranges) model.UnionWith([range.First, Math.Min(range.Last, range.First + 1), range.Last]);
                var watermark = Enumerable.Range(1, 60).TakeWhile(checkpoint => model.Contains(checkpoint)).Count();
                Assert.Equal(watermark, all.Watermark);
                Assert.Equal(model.Count(checkpoint => checkpoint > watermark), all.MarkedCount);
                Assert.All(Enumerable.Range(1, 60), checkpoint => Assert.Equal(model.Contains(checkpoint), all.IsMarked(checkpoint)));
            }
        }
    }
}
