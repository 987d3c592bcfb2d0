// Bounds of the formula over a tile of rows and nodes of the tree of columns.
#pragma once

#include "../plan/geometry.hpp"
#include "../runtime/state.hpp"
#include "boxes.hpp"

namespace rkeops {

struct TreeNode {
  int level;
  std::int64_t number;
};

// Of one worker, tile by tile.
template <class Real>
class NodeBounds {
 public:
  static constexpr std::int64_t arity = ColumnTree<Real>::arity;

  NodeBounds(const KernelPlan& kernel, const PairBounds& bounds, const ColumnTree<Real>& tree, const Real* parameters,
             double tolerance)
      : kernel_(kernel),
        bounds_(bounds),
        tree_(tree),
        tolerance_(tolerance),
        parameter_(1, kernel.parameter.width, 1),
        row_(1, kernel.row.width, 1),
        children_(arity, kernel.column.width, arity),
        values_(static_cast<std::size_t>(2 * arity * bounds.results())) {
    for (std::int64_t c = 0; c < kernel.parameter.width; ++c) {
      parameter_.low[parameter_.at(c, 0)] = parameter_.high[parameter_.at(c, 0)] = static_cast<double>(parameters[c]);
    }
  }

  const ColumnTree<Real>& tree() const { return tree_; }
  std::int64_t results() const { return bounds_.results(); }

  // Packed rows, so many of which are valid.
  void set_tile(const Real* rows, std::int64_t valid) {
    for (std::int64_t c = 0; c < kernel_.row.width; ++c) {
      range_of(rows + c * kernel_.tile_rows(), valid, 1, row_.low[row_.at(c, 0)], row_.high[row_.at(c, 0)]);
    }
  }

  Range roots() const { return {0, tree_.level(tree_.top()).count}; }
  Range children(TreeNode node) const {
    const std::int64_t first = node.number * arity;
    return {first, std::min(tree_.level(node.level - 1).count, first + arity)};
  }

  // Calls body(node, box) for these nodes of a level, at most `arity`. Boxes last until the next call. Where bounds can be
  // made tighter, which takes longer, they are unless is_decided(box) says for all that they need not be.
  template <class IsDecided, class Body>
  void for_nodes(int level, Range nodes, const IsDecided& is_decided, const Body& body) {
    const BoxArray<Real>& boxes = tree_.level(level);
    for (std::int64_t c = 0; c < kernel_.column.width; ++c) {
      const Real *low = boxes.low.data() + boxes.at(c, nodes.from), *high = boxes.high.data() + boxes.at(c, nodes.from);
      double *to_low = children_.low.data() + children_.at(c, 0), *to_high = children_.high.data() + children_.at(c, 0);
      for (std::int64_t b = 0; b < arity; ++b) {
        to_low[b] = static_cast<double>(low[b]);
        to_high[b] = static_cast<double>(high[b]);
      }
    }
    const std::int64_t n = nodes.size();
    double *low = values_.data(), *high = low + arity * results();
    bounds_.bound(view(parameter_), view(row_), view(children_), n, low, high, work_);
    const auto box = [&](std::int64_t b) { return box_of({level, nodes.from + b}, low + b, high + b, n); };
    bool is_open = false;
    const bool may_pay = level > 0 && bounds_.needs_refinement();  // a leaf is folded in less time
    for (std::int64_t b = 0; b < n && may_pay && !is_open; ++b) is_open = !is_decided(box(b));
    if (is_open) bounds_.refine(view(parameter_), view(row_), view(children_), n, low, high, work_);
    for (std::int64_t b = 0; b < n; ++b) body(TreeNode{level, nodes.from + b}, box(b));
  }

  BoxOfPairs box_of(TreeNode node, const double* low, const double* high, std::int64_t step) const {
    const auto columns = static_cast<double>(tree_.columns(node.level, node.number).size());
    return {low, high, step, columns, static_cast<double>(tree_.all_columns()), tree_.least(node.level, node.number), tolerance_};
  }

 private:
  const KernelPlan& kernel_;
  const PairBounds& bounds_;
  const ColumnTree<Real>& tree_;
  const double tolerance_;
  BoxArray<double> parameter_, row_, children_;
  std::vector<double> values_, work_;
};

}  // namespace rkeops
