// Which columns a tile of rows is folded with: the tree of columns is walked from the top, and what cannot matter is left out.
#pragma once

#include "node_bounds.hpp"

namespace rkeops {

// The walks of one worker, tile by tile.
template <class Real>
class Walk {
 public:
  Walk(const KernelPlan& kernel, NodeBounds<Real>& nodes)
      : kernel_(kernel),
        reducer_(kernel.reducer()),
        nodes_(nodes),
        bars_(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel.dim))) {}

  // `rows`: the state of the tile's valid rows. fold(columns, bars) is called for what may matter. Returns the number of columns
  // visited.
  template <class Fold>
  std::int64_t run(const StateRows& rows, const Fold& fold) {
    std::int64_t visited = 0;
    const bool by_bars = reducer_.skipping() == Reducer::Skipping::by_bars;
    if (by_bars) reducer_.bars(kernel_, rows, bars_.data());
    Range waiting;  // neighbours are folded together
    stack_.clear();
    expand(nodes_.tree().top(), nodes_.roots(), rows);
    while (!stack_.empty()) {
      const TreeNode node = stack_.back();
      stack_.pop_back();
      const double* kept = kept_.data() + slots() * stack_.size();
      const BoxOfPairs box = nodes_.box_of(node, kept, kept + nodes_.results(), 1);
      if (by_bars && reducer_.can_skip(kernel_, box, bars_.data())) continue;
      if (node.level > 0) {
        expand(node.level - 1, nodes_.children(node), rows);
        continue;
      }
      const Range columns = nodes_.tree().columns(0, node.number);
      visited += columns.size();
      if (by_bars) {
        fold(columns, bars_.data());
        if (!kernel_.ordered) reducer_.bars(kernel_, rows, bars_.data());
      } else if (waiting.to == columns.from && waiting.size() > 0) {
        waiting.to = columns.to;
      } else {
        if (waiting.size() > 0) fold(waiting, nullptr);
        waiting = columns;
      }
    }
    if (waiting.size() > 0) fold(waiting, nullptr);
    return visited;
  }

 private:
  static constexpr std::int64_t arity = NodeBounds<Real>::arity;
  std::size_t slots() const { return static_cast<std::size_t>(2 * nodes_.results()); }

  // Puts what may matter on the stack, what is to be visited first on top.
  void expand(int level, Range range, const StateRows& rows) {
    struct Child {
      TreeNode node;
      double priority;
      BoxOfPairs box;
    } children[arity];
    std::int64_t count = 0;
    const auto can_skip = [&](const BoxOfPairs& box) { return reducer_.can_skip(kernel_, box, bars_.data()); };
    nodes_.for_nodes(level, range, can_skip, [&](TreeNode node, const BoxOfPairs& box) {
      if (can_skip(box) || reducer_.add_constant(kernel_, rows, box)) return;
      const double priority = reducer_.priority(kernel_, box);
      std::int64_t at = count++;
      for (; at > 0 && !(children[at - 1].priority > priority); --at) children[at] = children[at - 1];
      children[at] = {node, priority, box};
    });
    kept_.resize(slots() * (stack_.size() + static_cast<std::size_t>(count)));
    for (std::int64_t c = 0; c < count; ++c) {
      const BoxOfPairs& box = children[c].box;
      double* kept = kept_.data() + slots() * stack_.size();
      for (std::int64_t k = 0; k < nodes_.results(); ++k) {
        kept[k] = box.low[k * box.step];
        kept[nodes_.results() + k] = box.high[k * box.step];
      }
      stack_.push_back(children[c].node);
    }
  }

  const KernelPlan& kernel_;
  const Reducer& reducer_;
  NodeBounds<Real>& nodes_;
  std::vector<Bar> bars_;
  std::vector<TreeNode> stack_;
  std::vector<double> kept_;  // their bounds
};

}  // namespace rkeops
