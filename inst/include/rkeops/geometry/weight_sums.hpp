// Sums of weights over columns, and what pairs add to a sum as far as bounds and these tell.
#pragma once

#include "../plan/geometry.hpp"
#include "boxes.hpp"

namespace rkeops {

struct WeightSum {
  double sum = 0, size = 0;  // of b, of |b|
};

// Of all weights over some packed columns.
template <class Real>
void sum_weights(const Weights& weights, const Real* packed, std::int64_t columns, std::int64_t width, WeightSum* to) {
  for (const std::vector<std::int64_t>& factors : weights.factors) {
    WeightSum total;
    for (std::int64_t j = 0; j < columns; ++j) {
      double b = 1;
      for (std::int64_t c : factors) b *= static_cast<double>(packed[j * width + c]);
      total.sum += b;
      total.size += std::fabs(b);
    }
    *to++ = total;
  }
}

// What the pairs of a row with the columns of a box add to a component of a sum: no more than `error` from `value`. The
// sum of the absolute values is `least` at least, and about `size`.
struct Replacement {
  double value, error, least, size;
};

// `sums`: those of the box. An error that is not finite: anything.
inline Replacement replacement(const Weights& weights, const BoxOfPairs& box, std::int64_t c, const WeightSum* sums) {
  const auto place = [&](std::int64_t k) { return Interval{box.low[k * box.step], box.high[k * box.step]}; };
  const auto of = [](Interval x, double sum, double size) {
    const double middle = x.low / 2 + x.high / 2;
    return Replacement{middle * sum, (x.high / 2 - x.low / 2) * size, std::max({x.low, -x.high, 0.0}) * size,
                       std::fabs(middle) * size};
  };
  Replacement found = of(place(c), box.columns, box.columns);
  const Weights::Component& own = weights.components[static_cast<std::size_t>(c)];
  if (!std::isfinite(found.value)) found.error = interval::inf;
  if (own.weight < 0 || !std::isfinite(found.error)) return found;
  const WeightSum& b = sums[own.weight];
  Replacement by_weight = of(place(own.scale), b.sum, b.size);
  by_weight.error += box.columns * weights.tiny;
  by_weight.least -= box.columns * weights.tiny;
  if (by_weight.error < found.error && std::isfinite(by_weight.value))
    found = {by_weight.value, by_weight.error, std::max(found.least, by_weight.least), by_weight.size};
  return found;
}

// Over all nodes of a tree.
template <class Real>
class WeightSums {
 public:
  WeightSums() = default;
  // Both live as long as this.
  WeightSums(const Weights& weights, const ColumnTree<Real>& tree) : weights_(&weights), tree_(&tree) {
    for (int level = 0; level <= tree.top(); ++level)
      levels_.emplace_back(count() * static_cast<std::size_t>(tree.level(level).count));
  }

  const WeightSum* of(int level, std::int64_t node) const {
    return levels_[static_cast<std::size_t>(level)].data() + static_cast<std::size_t>(node) * count();
  }

  // From packed columns in order.
  void fill_leaves(Range leaves, const Real* packed) {
    const std::int64_t width = tree_->level(0).width;
    for (std::int64_t l = leaves.from; l < leaves.to; ++l) {
      const Range columns = tree_->columns(0, l);
      sum_weights(*weights_, packed + columns.from * width, columns.size(), width, at(0, l));
    }
  }

  void fill_upper_levels() {
    for (int level = 1; level <= tree_->top(); ++level) {
      std::fill(levels_[static_cast<std::size_t>(level)].begin(), levels_[static_cast<std::size_t>(level)].end(),
                WeightSum());
      for (std::int64_t below = 0; below < tree_->level(level - 1).count; ++below) {
        const WeightSum* from = of(level - 1, below);
        WeightSum* to = at(level, below / ColumnTree<Real>::arity);
        for (std::size_t w = 0; w < count(); ++w) {
          to[w].sum += from[w].sum;
          to[w].size += from[w].size;
        }
      }
    }
  }

 private:
  std::size_t count() const { return weights_->factors.size(); }
  WeightSum* at(int level, std::int64_t node) { return const_cast<WeightSum*>(of(level, node)); }

  const Weights* weights_ = nullptr;
  const ColumnTree<Real>* tree_ = nullptr;
  std::vector<std::vector<WeightSum>> levels_;
};

}  // namespace rkeops
