defmodule Shop.Order do
  @moduledoc "One order."
  use GenServer
  alias Shop.Store
  import Enum, only: [map: 2]

  @limit 10
  @type line :: String.t()
  defstruct lines: [], total: 0

  @doc """
  Adds a line.
  """
  @spec add(t(), line(), integer()) :: t()
  def add(order, line, count \\ 1)
  def add(order, "", _count), do: order

  def add(order, line, count) when count > 0 do
    if line == :none do
      order
    else
      case count do
        1 -> %{order | lines: [line]}
        _ -> for one <- order.lines, do: one
      end
    end
  end

  defp helper(value), do: to_string(value)

  def empty?, do: true

  defmacro twice(block) do
    quote do: unquote(block)
  end

  defmodule Line do
    defstruct [:text]
  end
end

defprotocol Shop.Countable do
  def count(value)
end

defimpl Shop.Countable, for: Shop.Order do
  def count(order), do: length(order.lines)
end

defmodule Shop.OrderTest do
  use ExUnit.Case

  describe "add" do
    test "keeps lines", %{order: order} do
      assert Shop.Order.add(order, "a")
    end
  end
end
