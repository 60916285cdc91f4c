namespace EventStore.Domain.Tests;

// The domain of the tests: accounts with a balance.

internal sealed record Opened(string Owner);

internal sealed record Deposited(decimal Amount);

internal sealed record Withdrawn(decimal Amount);

internal sealed record Closed;

internal abstract record AccountCommand
{
    public sealed record Open(string Owner) : AccountCommand;

    public sealed record Deposit(decimal Amount) : AccountCommand;

    public sealed record Withdraw(decimal Amount) : AccountCommand;

    public sealed record Close : AccountCommand;

    public sealed record Look : AccountCommand;
}

internal sealed record Account(string? Owner, decimal Balance, int Events, bool IsClosed)
{
    public static Account None { get; } = new(null, 0, 0, false);

    public static Decider<Account, AccountCommand> Decider { get; } = new(None, Decide, Evolve)
    {
        IsTerminal = account => account.IsClosed,
    };

    public static IEnumerable<object> Decide(AccountCommand command, Account account) => command switch
    {
        AccountCommand.Open when account.Owner is not null => throw new InvalidOperationException("The account is open already."),
        AccountCommand.Open open => [new Opened(open.Owner)],
        AccountCommand.Deposit deposit => [new Deposited(deposit.Amount)],
        AccountCommand.Withdraw withdraw when withdraw.Amount > account.Balance =>
            throw new InvalidOperationException("The balance is too low."),
        AccountCommand.Withdraw withdraw => [new Withdrawn(withdraw.Amount)],
        AccountCommand.Close => [new Closed()],
        _ => [],
    };

    public static Account Evolve(Account account, object @event)
    {
        var next = account with { Events = account.Events + 1 };
        return @event switch
        {
            Opened opened => next with { Owner = opened.Owner },
            Deposited deposited => next with { Balance = next.Balance + deposited.Amount },
            Withdrawn withdrawn => next with { Balance = next.Balance - withdrawn.Amount },
            Closed => next with { IsClosed = true },
            _ => next,
        };
    }
}

/// <summary>An account as an object.</summary>
internal sealed class AccountObject(Account state) : AggregateRoot<Account>(Account.Decider, state)
{
    public void Deposit(decimal amount) => Raise(new Deposited(amount));

    public void Withdraw(decimal amount)
    {
        if (amount > State.Balance) throw new InvalidOperationException("The balance is too low.");
        Raise(new Withdrawn(amount));
    }

    public async Task DepositLaterAsync(decimal amount)
    {
        await Task.Yield();
        Deposit(amount);
    }
}
