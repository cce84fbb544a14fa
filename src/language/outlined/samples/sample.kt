package shop.orders

import shop.Store
import kotlin.math.max

const val LIMIT = 10
typealias Lines = List<String>

/** One order. */
@Serializable
data class Order(val store: Store, val lines: Lines = emptyList()) : Base(), Countable {
    private var total: Int = 0

    constructor(store: Store, first: String) : this(store, listOf(first))

    init {
        total = lines.size
    }

    /** Adds a line. */
    override suspend fun add(line: String, count: Int = 1): Order {
        if (line.isEmpty()) {
            throw IllegalArgumentException()
        } else if (count > LIMIT) {
            for (one in lines) {
                while (total > 0) total--
            }
        } else {
            when (count) {
                1 -> total++
                else -> total += count
            }
        }
        return this
    }

    companion object {
        fun empty() = Order(Store(), emptyList())
    }
}

interface Countable {
    fun count(): Int
}

enum class Suit(val label: String) {
    HEARTS("h"),
    SPADES("s");

    fun isRed() = this == HEARTS
}

object Registry {
    val orders = mutableListOf<Order>()
}

sealed interface Event

fun <T> List<T>.second(): T? = getOrNull(1)

// A helper.
internal fun helper(value: String?): String {
    return value ?: ""
}
