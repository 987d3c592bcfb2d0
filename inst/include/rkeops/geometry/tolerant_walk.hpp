// Sums with a tolerance: the nodes whose bounds leave most room are folded, or opened, first, until what is left may be
// replaced by the middle of its bounds. For each row the error is at most a part of sum |F|, which is guaranteed, and known.
#pragma once

#include "node_bounds.hpp"

namespace rkeops {

template <class Real>
class TolerantWalk {
 public:
  TolerantWalk(const KernelPlan& kernel, NodeBounds<Real>& nodes, double tolerance)
      : kernel_(kernel),
        reducer_(kernel.reducer()),
        nodes_(nodes),
        tolerance_(tolerance),
        dim_(static_cast<std::size_t>(kernel.dim)) {}

  // As Walk::run. `certificate` becomes the largest part of sum |F| that a row's result may be off.
  template <class Fold>
  std::int64_t run(const StateRows& rows, const Fold& fold, double& certificate) {
    std::int64_t visited = 0;
    open_.clear();
    bounds_.clear();
    add(nodes_.tree().top(), nodes_.roots(), rows);
    std::size_t until_check = 0;
    while (!open_.empty()) {
      if (until_check == 0) {
        const double part = error_part(rows);
        if (part <= tolerance_) {
          certificate = std::max(certificate, part);
          replace(rows);
          break;
        }
        until_check = 1 + open_.size() / 4;
      }
      --until_check;
      std::pop_heap(open_.begin(), open_.end());
      const Open next = open_.back();
      open_.pop_back();
      if (next.node.level > 0) {
        add(next.node.level - 1, nodes_.children(next.node), rows);
        continue;
      }
      const Range columns = nodes_.tree().columns(0, next.node.number);
      visited += columns.size();
      fold(columns, nullptr);
    }
    return visited;
  }

 private:
  // A node that is neither folded nor replaced.
  struct Open {
    TreeNode node;
    double columns, room;  // room: what its bounds leave, over all columns and components
    std::size_t at;        // of its bounds
    bool operator<(const Open& other) const {
      return room < other.room || (room == other.room && node.number > other.node.number);
    }
  };

  void add(int level, Range range, const StateRows& rows) {
    const auto can_skip = [&](const BoxOfPairs& box) { return reducer_.can_skip(kernel_, box, nullptr); };
    nodes_.for_nodes(level, range, can_skip, [&](TreeNode node, const BoxOfPairs& box) {
      if (can_skip(box) || reducer_.add_constant(kernel_, rows, box)) return;
      Open made{node, box.columns, 0, bounds_.size()};
      for (std::size_t c = 0; c < dim_; ++c) {
        const std::int64_t at = static_cast<std::int64_t>(c) * box.step;
        const double low = box.low[at], high = box.high[at];
        bounds_.push_back(low);
        bounds_.push_back(high);
        made.room += box.columns * (high - low);
      }
      if (!(made.room <= std::numeric_limits<double>::max())) made.room = std::numeric_limits<double>::infinity();
      open_.push_back(made);
      std::push_heap(open_.begin(), open_.end());
    });
  }

  // The error if all open nodes were replaced, as a part of what sum |F| is at least.
  double error_part(const StateRows& rows) const {
    constexpr double exact_part = 1 - 1e-5;  // of a sum that was computed
    if (open_.front().room == std::numeric_limits<double>::infinity()) return open_.front().room;
    double worst = 0;
    for (std::size_t c = 0; c < dim_; ++c) {
      double error = 0, least = std::numeric_limits<double>::infinity();
      for (std::int64_t r = 0; r < rows.rows; ++r) {
        const double sum = std::fabs(rows.value(static_cast<std::int64_t>(c), r));
        if (!(sum >= least)) least = sum;
      }
      least *= exact_part;
      for (const Open& open : open_) {
        const double low = bounds_[open.at + 2 * c], high = bounds_[open.at + 2 * c + 1];
        error += open.columns * (high - low) / 2;
        least += open.columns * std::max({low, -high, 0.0});
      }
      if (error == 0) continue;
      const double part = error / least;
      if (!(part <= worst)) worst = part;
    }
    return worst == worst ? worst : std::numeric_limits<double>::infinity();
  }

  void replace(const StateRows& rows) {
    std::vector<double> middle(dim_);
    for (const Open& open : open_) {
      for (std::size_t c = 0; c < dim_; ++c) middle[c] = (bounds_[open.at + 2 * c] + bounds_[open.at + 2 * c + 1]) / 2;
      reducer_.add_constant(kernel_, rows, nodes_.box_of(open.node, middle.data(), middle.data(), 1));
    }
  }

  const KernelPlan& kernel_;
  const Reducer& reducer_;
  NodeBounds<Real>& nodes_;
  const double tolerance_;
  const std::size_t dim_;
  std::vector<Open> open_;      // a heap
  std::vector<double> bounds_;  // low, high of each component
};

}  // namespace rkeops
