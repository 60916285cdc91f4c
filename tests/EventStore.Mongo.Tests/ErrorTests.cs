using System.Net;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Clusters;
using MongoDB.Driver.Core.Connections;
using MongoDB.Driver.Core.Servers;

namespace EventStore.Mongo.Tests;

/// <summary>What errors of the server mean, and limits that are lower than MongoDB's.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData(13, false, "readWrite")]
    [InlineData(18, false, "authSource")]
    [InlineData(43, true, "Try again")]
    [InlineData(50, true, "CommandTimeout")]
    [InlineData(64, true, "write concern")]
    [InlineData(91, true, "primary")]
    [InlineData(112, true, "Try again")]
    [InlineData(133, true, "primary")]
    [InlineData(262, true, "CommandTimeout")]
    [InlineData(8000, false, "password")]
    [InlineData(10334, false, "Split it")]
    [InlineData(14031, true, "Make room")]
    [InlineData(16500, true, "rate")]
    [InlineData(4711, false, "inner exception")]
    public void An_error_of_the_server_says_whether_time_heals_it_and_what_to_do(int code, bool heals, string advice)
    {
        var connection = new ConnectionId(new ServerId(new ClusterId(), new DnsEndPoint("localhost", 27017)));
        var error = MongoErrors.OfRead(
            new MongoCommandException(connection, "secret", new BsonDocument(), new BsonDocument { { "ok", 0 }, { "code", code } }));
        Assert.Equal(heals ? typeof(StorageUnavailableException) : typeof(StorageException), error.GetType());
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_that_takes_smaller_documents_has_lower_limits()
    {
        Assert.Equal(15 << 20, MongoPersistenceEngine.LimitsOf(MongoCommits.MaxDocumentBytes).MaxCommitBytes);
        Assert.Equal(1 << 20, MongoPersistenceEngine.LimitsOf(2 << 20).MaxCommitBytes);
        var attempt = new CommitAttempt("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[3 << 20])]);
        MongoCommits.RequireFits(attempt, MongoCommits.MaxDocumentBytes);
        Assert.Throws<TooLargeException>(() => MongoCommits.RequireFits(attempt, 2 << 20));
    }

    [Theory]
    [InlineData("mongodb://user:hunter2@")]
    [InlineData("mongodb://user:hunter2@host:port/database")]
    [InlineData("user:hunter2@host:27017")]
    public void A_password_in_a_wrong_address_is_not_shown(string address)
    {
        var refused = Assert.Throws<WireupException>(() => MongoPlace.Parse(address, new MongoOptions()));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }
}
