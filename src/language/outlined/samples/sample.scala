package shop.orders

import shop.Store
import scala.collection.mutable

/** One order. */
case class Order(store: Store, lines: List[String] = Nil) extends Base with Countable {
  private var total: Int = 0
  val size: Int = lines.size
  type Line = String

  /** Adds a line. */
  def add(line: String, count: Int = 1)(implicit context: Context): Order = {
    if (line.isEmpty) {
      throw new IllegalArgumentException
    } else if (count > 1) {
      for (one <- lines) {
        while (total > 0) total -= 1
      }
    } else {
      count match {
        case 1 => total += 1
        case _ => total += count
      }
    }
    this
  }
}

object Order {
  val Limit = 10
  def empty: Order = Order(new Store)
}

trait Countable {
  def count: Int
}

abstract class Base(val name: String)

enum Suit {
  case Hearts, Spades
}

object Main extends App {
  // A helper.
  def helper[T](value: Option[T]): String = value.map(_.toString).getOrElse("")
}
