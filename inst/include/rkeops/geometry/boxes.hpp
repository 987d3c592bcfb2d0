// The smallest and largest value of each packed component: of a tile of rows, and of all nodes of the tree of columns.
#pragma once

#include "../platform/memory.hpp"
#include "../plan/bounds.hpp"
#include "order.hpp"

namespace rkeops {

// Component c of box b is in [low[c * stride + b], high[c * stride + b]]; NaN where one of its values is NaN.
template <class Number>
struct BoxArray {
  Buffer<Number> low, high;
  std::int64_t count = 0, stride = 0, width = 0;

  BoxArray() = default;
  BoxArray(std::int64_t count, std::int64_t width, std::int64_t step)
      : count(count), stride(rounded_up(count, step)), width(width) {
    low = Buffer<Number>(static_cast<std::size_t>(stride * width));
    high = Buffer<Number>(low.size());
    std::fill_n(low.data(), low.size(), Number(0));
    std::fill_n(high.data(), high.size(), Number(0));
  }
  std::size_t at(std::int64_t c, std::int64_t b) const { return static_cast<std::size_t>(c * stride + b); }
};

// From box number `first` on.
inline Boxes view(const BoxArray<double>& boxes, std::int64_t first = 0) {
  return {boxes.low.data() + first, boxes.high.data() + first, boxes.stride};
}

// Of `count` numbers, one every `step`.
template <class Real, class Number>
void range_of(const Real* numbers, std::int64_t count, std::int64_t step, Number& low, Number& high) {
  Real least = numbers[0], most = numbers[0];
  bool is_nan = false;
  for (std::int64_t k = 0; k < count; ++k) {
    const Real x = numbers[k * step];
    is_nan |= x != x;
    least = x < least ? x : least;
    most = x > most ? x : most;
  }
  low = is_nan ? std::numeric_limits<Number>::quiet_NaN() : static_cast<Number>(least);
  high = is_nan ? low : static_cast<Number>(most);
}

// Of columns in order. Level 0 has a box for each leaf, the next one a box for each `arity` of these, and so on.
template <class Real>
class ColumnTree {
 public:
  static constexpr std::int64_t arity = 8;

  ColumnTree() = default;
  ColumnTree(std::int64_t columns, std::int64_t leaf, std::int64_t width) : columns_(columns), leaf_(leaf) {
    std::int64_t count = divided_up(columns, leaf);
    do {
      levels_.emplace_back(count, width, arity);
      least_.emplace_back(static_cast<std::size_t>(count));
      count = divided_up(count, arity);
    } while (levels_.back().count > arity);
  }

  int top() const { return static_cast<int>(levels_.size()) - 1; }
  const BoxArray<Real>& level(int k) const { return levels_[static_cast<std::size_t>(k)]; }
  std::int64_t all_columns() const { return columns_; }

  // The columns of a node, by places.
  Range columns(int level, std::int64_t node) const {
    std::int64_t each = leaf_;
    for (int k = 0; k < level; ++k) each *= arity;
    return {std::min(columns_, node * each), std::min(columns_, (node + 1) * each)};
  }
  // The smallest number among them.
  std::int32_t least(int level, std::int64_t node) const {
    return least_[static_cast<std::size_t>(level)][static_cast<std::size_t>(node)];
  }

  // Boxes of the leaves in [from, to), from packed columns in order.
  void fill_leaves(Range leaves, const Real* packed, const Order& order) {
    BoxArray<Real>& boxes = levels_[0];
    for (std::int64_t l = leaves.from; l < leaves.to; ++l) {
      const Range own = columns(0, l);
      for (std::int64_t c = 0; c < boxes.width; ++c) {
        const std::size_t at = boxes.at(c, l);
        range_of(packed + own.from * boxes.width + c, own.size(), boxes.width, boxes.low[at], boxes.high[at]);
      }
      least_[0][static_cast<std::size_t>(l)] = *std::min_element(order.begin() + own.from, order.begin() + own.to);
    }
  }

  void fill_upper_levels() {
    for (std::size_t k = 1; k < levels_.size(); ++k) {
      const BoxArray<Real>& below = levels_[k - 1];
      BoxArray<Real>& boxes = levels_[k];
      for (std::int64_t b = 0; b < boxes.count; ++b) {
        const std::int64_t first = b * arity, count = std::min(arity, below.count - first);
        for (std::int64_t c = 0; c < boxes.width; ++c) {
          Real unused;
          range_of(below.low.data() + below.at(c, first), count, 1, boxes.low[boxes.at(c, b)], unused);
          range_of(below.high.data() + below.at(c, first), count, 1, unused, boxes.high[boxes.at(c, b)]);
        }
        const auto begin = least_[k - 1].begin() + first;
        least_[k][static_cast<std::size_t>(b)] = *std::min_element(begin, begin + count);
      }
    }
  }

  std::int64_t bytes() const {
    std::size_t sum = 0;
    for (std::size_t k = 0; k < levels_.size(); ++k) {
      sum += 2 * levels_[k].low.size() * sizeof(Real) + least_[k].size() * sizeof(std::int32_t);
    }
    return static_cast<std::int64_t>(sum);
  }

 private:
  std::int64_t columns_ = 0, leaf_ = 1;
  std::vector<BoxArray<Real>> levels_;
  std::vector<std::vector<std::int32_t>> least_;
};

}  // namespace rkeops
