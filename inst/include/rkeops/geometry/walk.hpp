// Which columns a tile of rows is folded with: the tree of columns is walked from the top, and what cannot matter is left out.
#pragma once

#include "../plan/geometry.hpp"
#include "../runtime/state.hpp"
#include "boxes.hpp"

namespace rkeops {

// The walks of one worker, tile by tile.
template <class Real>
class Walk {
 public:
  Walk(const KernelPlan& kernel, const GeometryPlan& geometry, const ColumnTree<Real>& tree, const Real* parameters)
      : kernel_(kernel), reducer_(kernel.reducer()), bounds_(*geometry.bounds), tree_(tree), results_(bounds_.results()) {
    parameter_ = BoxArray<double>(1, kernel.parameter.width, 1);
    for (std::int64_t c = 0; c < kernel.parameter.width; ++c) parameter_.low[parameter_.at(c, 0)] = parameter_.high[parameter_.at(c, 0)] = parameters[c];
    row_ = BoxArray<double>(1, kernel.row.width, 1);
    children_ = BoxArray<double>(arity, kernel.column.width, arity);
    bars_.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel.dim)));
    bounds_of_.resize(static_cast<std::size_t>(2 * arity * results_));
  }

  // tile: packed rows, of which so many are valid, with their state. fold(columns) is called for ranges of columns that
  // may matter, and for others too where that is simpler. Returns the number of columns visited.
  template <class Fold>
  std::int64_t run(const Real* tile, State state, std::int64_t valid, const Fold& fold) {
    for (std::int64_t c = 0; c < kernel_.row.width; ++c) {
      range_of(tile + c * kernel_.tile_rows(), valid, 1, row_.low[row_.at(c, 0)], row_.high[row_.at(c, 0)]);
    }
    StateRows rows = rows_of(kernel_, state);
    rows.rows = valid;
    visited_ = 0;
    const bool by_state = reducer_.skipping() == Reducer::Skipping::by_bars;
    if (by_state) reducer_.bars(kernel_, rows, bars_.data());
    Range waiting;  // sums are over longer ranges, as fold() is then called less often
    stack_.clear();
    expand(tree_.top(), {0, tree_.level(tree_.top()).count}, rows);
    while (!stack_.empty()) {
      const Node node = stack_.back();
      stack_.pop_back();
      const double* bounds = kept_.data() + 2 * static_cast<std::size_t>(results_) * stack_.size();
      const BoxOfPairs box = box_of(node.level, node.number, bounds, bounds + results_, 1);
      if (by_state && reducer_.can_skip(kernel_, box, bars_.data())) continue;
      if (node.level > 0) {
        const std::int64_t first = node.number * arity;
        expand(node.level - 1, {first, std::min(tree_.level(node.level - 1).count, first + arity)}, rows);
        continue;
      }
      const Range columns = tree_.columns(0, node.number);
      visited_ += columns.size();
      if (by_state) {
        fold(columns);
        reducer_.bars(kernel_, rows, bars_.data());
      } else if (waiting.to == columns.from && waiting.size() > 0) {
        waiting.to = columns.to;
      } else {
        if (waiting.size() > 0) fold(waiting);
        waiting = columns;
      }
    }
    if (waiting.size() > 0) fold(waiting);
    return visited_;
  }

 private:
  static constexpr std::int64_t arity = ColumnTree<Real>::arity;

  struct Node {
    int level;
    std::int64_t number;
  };

  BoxOfPairs box_of(int level, std::int64_t number, const double* low, const double* high, std::int64_t step) const {
    return {low, high, step, static_cast<double>(tree_.columns(level, number).size()), static_cast<double>(tree_.all_columns()),
            tree_.least(level, number)};
  }

  // Puts the nodes that may matter on the stack, the first to be visited on top.
  void expand(int level, Range nodes, const StateRows& rows) {
    const BoxArray<Real>& boxes = tree_.level(level);
    const std::int64_t n = nodes.size();
    for (std::int64_t c = 0; c < kernel_.column.width; ++c) {
      const Real *low = boxes.low.data() + boxes.at(c, nodes.from), *high = boxes.high.data() + boxes.at(c, nodes.from);
      double *to_low = children_.low.data() + children_.at(c, 0), *to_high = children_.high.data() + children_.at(c, 0);
      for (std::int64_t b = 0; b < arity; ++b) {
        to_low[b] = low[b];
        to_high[b] = high[b];
      }
    }
    double *low = bounds_of_.data(), *high = low + arity * results_;
    bounds_.bound(view(parameter_), view(row_), view(children_), n, low, high, work_);
    struct Child {
      double priority;
      std::int64_t b;
    } children[arity];
    std::int64_t count = 0;
    for (std::int64_t b = 0; b < n; ++b) {
      const BoxOfPairs box = box_of(level, nodes.from + b, low + b, high + b, n);
      if (reducer_.can_skip(kernel_, box, bars_.data()) || reducer_.add_constant(kernel_, rows, box)) continue;
      const double priority = reducer_.priority(kernel_, box);
      std::int64_t at = count++;  // the first to be visited goes last, on top; equal ones in their order
      for (; at > 0 && !(children[at - 1].priority > priority); --at) children[at] = children[at - 1];
      children[at] = {priority, b};
    }
    const auto slots = static_cast<std::size_t>(2 * results_);
    kept_.resize(slots * (stack_.size() + static_cast<std::size_t>(count)));
    for (std::int64_t c = 0; c < count; ++c) {
      const std::int64_t b = children[c].b;
      double* kept = kept_.data() + slots * stack_.size();
      for (std::int64_t k = 0; k < results_; ++k) {
        kept[k] = low[k * n + b];
        kept[results_ + k] = high[k * n + b];
      }
      stack_.push_back({level, nodes.from + b});
    }
  }

  const KernelPlan& kernel_;
  const Reducer& reducer_;
  const PairBounds& bounds_;
  const ColumnTree<Real>& tree_;
  const std::int64_t results_;
  BoxArray<double> parameter_, row_, children_;
  std::vector<Bar> bars_;
  std::vector<double> bounds_of_, work_;
  std::vector<double> kept_;  // bounds of the nodes on the stack
  std::vector<Node> stack_;
  std::int64_t visited_ = 0;
};

}  // namespace rkeops
