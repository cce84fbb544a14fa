// Shapes.
#include "shape.h"
#include <memory>
#include <vector>

namespace geo {
namespace {
int hidden(int n) { return n; }
}

/// What has an area.
class Shape {
public:
  explicit Shape(int id) : id_(id) {}
  virtual ~Shape() = default;
  virtual double area() const = 0;
  static int count;
  int id() const { return id_; }
  bool operator==(const Shape& other) const { return id_ == other.id_; }

protected:
  int id_ = 0;

private:
  enum class Kind { Round, Square = 4 };
  struct Part { int width; };
  std::vector<Part> parts_;
};

template <typename T>
class Box : public Shape {
public:
  using Held = T;
  T get() const { return held_; }
  template <class U> void put(U&& value);

private:
  T held_;
};

constexpr int kLimit = 3;
enum Color { kRed, kGreen };

template <class T>
T largest(T a, T b = T()) {
  return a > b ? a : b;
}

inline namespace v1 {
double total(const std::vector<std::unique_ptr<Shape>>& all);
}
}  // namespace geo

int geo::Shape::count = 0;

double geo::total(const std::vector<std::unique_ptr<Shape>>& all) {
  double sum = 0;
  for (const auto& one : all) {
    if (!one || one->id() < 0) continue;
    sum += one->area();
  }
  auto twice = [&](double by) { return sum * by; };
  try {
    return twice(2) + hidden(kLimit);
  } catch (const std::exception& error) {
    throw;
  }
}

using namespace geo;
using geo::Color;
namespace g = geo;

Color pick(Box<int>* box) { return box->get() > 0 ? g::kRed : kGreen; }

TEST(Geo, Totals) { EXPECT_EQ(pick(nullptr), kRed); }
