import Foundation

let limit = 10
typealias Lines = [String]

/// One order.
public final class Order: Base, Countable {
    private var lines: Lines = []

    var total: Int {
        return lines.count
    }

    init(store: Store, limit: Int? = nil) {
        self.store = store
    }

    deinit {
        close()
    }

    /// Adds a line.
    @discardableResult
    func add(_ line: String, count: Int = 1) throws -> Order {
        guard !line.isEmpty else {
            throw OrderError.empty
        }
        if count > 1 {
            for one in lines {
                while one.isEmpty { break }
            }
        } else if count == 0 {
            return self
        } else {
            switch count {
            case 1: lines.append(line)
            default: break
            }
        }
        return self
    }

    subscript(index: Int) -> String {
        return lines[index]
    }
}

protocol Countable {
    associatedtype Element
    var total: Int { get }
    func count() -> Int
}

struct Point {
    var x: Int
    static func + (left: Point, right: Point) -> Point { left }
}

enum OrderError: Error {
    case empty
    case full(Int)
}

extension Order {
    func clear() {}
}

actor Registry {
    func register() async {}
}

// A helper.
func helper<T>(_ value: T?) -> String where T: CustomStringConvertible {
    return value?.description ?? ""
}
