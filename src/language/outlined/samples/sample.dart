import 'dart:io';
import 'package:shop/store.dart' as store;

const int limit = 10;
final names = <String>[];
typedef Lines = List<String>;

/// One order.
@immutable
class Order extends Base with Logs implements Countable {
  final Lines lines;
  int _total = 0;

  Order(this.lines, {int? limit});
  Order.empty() : lines = [];
  factory Order.load(String path) {
    return Order([File(path).readAsStringSync()]);
  }

  int get total => _total;
  set total(int value) {
    _total = value;
  }

  /// Adds a line.
  Future<Order> add(String line, [int count = 1]) async {
    if (line.isEmpty) {
      throw ArgumentError(line);
    } else if (count > limit) {
      for (final one in lines) {
        while (_total > 0) {
          _total--;
        }
      }
    } else {
      switch (count) {
        case 1:
          _total++;
          break;
        default:
          _total += count;
      }
    }
    return this;
  }

  static Order first() => Order([]);

  bool operator ==(Object other) => false;
}

abstract class Countable {
  int count();
}

mixin Logs {
  void log(String text) {}
}

enum Suit { hearts, spades }

extension Shouting on String {
  String shout() => toUpperCase();
}

// A helper.
String helper(String? value) => value ?? '';

void main() {
  print(helper(null));
}
