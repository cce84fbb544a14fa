// A shop.
global using System.Linq;
using System;
using System.Collections.Generic;
using Money = Shop.Prices.Amount;

namespace Shop.Carts;

/// <summary>What can be paid.</summary>
public interface IPayable
{
    decimal Total(bool rounded = false);
    string Name { get; }
}

[Serializable]
public abstract partial class Cart<T> : IPayable where T : Item, new()
{
    private readonly List<T> items = new();
    public const int Limit = 8;
    public event EventHandler? Changed;

    protected Cart(string name) => Name = name;

    public string Name { get; init; } = "";
    public int Count => items.Count;
    public T this[int at] => items[at];

    /// <summary>The sum of all prices.</summary>
    public virtual decimal Total(bool rounded = false)
    {
        decimal sum = 0;
        foreach (var item in items)
        {
            if (item is { Price: > 0 } paid && !rounded)
                sum += paid.Price;
            else if (item.Price < 0 || sum > Limit)
                continue;
        }
        return rounded switch
        {
            true => Math.Round(sum),
            _ => sum,
        };
    }

    public static Cart<T> operator +(Cart<T> left, T right)
    {
        left.items.Add(right);
        return left;
    }

    public async System.Threading.Tasks.Task SaveAsync(IStore store)
    {
        try
        {
            await store.Save(this as IPayable);
            Changed?.Invoke(this, EventArgs.Empty);
        }
        catch (Exception error) when (error.Message is not null)
        {
            throw;
        }
    }

    void IPayable.Pay() { }

    private sealed class Inner
    {
        internal int Depth { get; }
    }
}

public record Item(string Name, decimal Price)
{
    public Item() : this("", 0) { }
}

public enum Color { Red = 1, Green }

public delegate void Handler(Item item);

internal static class Extensions
{
    public static IEnumerable<Item> Cheap(this IEnumerable<Item> items, decimal most) =>
        items.Where(item => item.Price <= most);

    public static int Twice(this int value)
    {
        int Double(int one) => one * 2;
        return Double(value);
    }
}
