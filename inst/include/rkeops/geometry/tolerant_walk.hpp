// Sums with a tolerance: the nodes whose bounds leave most room are folded, or opened, first, until what is left may be
// replaced by the middle of its bounds. For each row the error is at most a part of sum |F|, which is guaranteed, and
// known.
//
// sum |F| is at least what bounds say, and of columns that were folded together the size of their sum.
#pragma once

#include "node_bounds.hpp"
#include "weight_sums.hpp"

namespace rkeops {

template <class Real>
class TolerantWalk {
 public:
  TolerantWalk(const KernelPlan& kernel, const Weights& weights, const WeightSums<Real>& sums, NodeBounds<Real>& nodes,
               double tolerance)
      : kernel_(kernel),
        reducer_(kernel.reducer()),
        weights_(weights),
        sums_(sums),
        nodes_(nodes),
        tolerance_(tolerance),
        dim_(static_cast<std::size_t>(kernel.dim)) {
    for (std::size_t c = 0; c < dim_; ++c) importances_.push_back(importance(c));
  }

  // As Walk::run, over ranges of columns. `certificate` becomes the largest part of sum |F| that a row's result may be
  // off.
  template <class Fold>
  std::int64_t run(const StateRows& rows, const Range* kept, const Range* end, const Fold& fold, double& certificate) {
    open_.clear();
    replacements_.clear();
    sizes_.assign(dim_, 0);
    row_sizes_.assign(dim_ * static_cast<std::size_t>(rows.rows), 0);
    std::int64_t visited = 0;
    const auto visit = [&](Range columns, const Replacement* bounds) {
      visited += columns.size();
      fold_noting_sizes(rows, columns, bounds, fold);
    };
    for (; kept != end; ++kept) start(*kept, rows, visit);
    std::size_t until_check = 0;
    while (!open_.empty()) {
      if (until_check == 0) {
        const double part = error_part(rows.rows);
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
      if (next.node.level > 0)
        add(next.node.level - 1, nodes_.children(next.node), {0, nodes_.tree().all_columns()}, rows);
      else
        visit(nodes_.tree().columns(0, next.node.number), replacements_.data() + next.at);
    }
    return visited;
  }

 private:
  // A node that is neither folded nor replaced.
  struct Open {
    TreeNode node;
    double room;     // what its bounds leave, over all columns and components
    std::size_t at;  // of its replacements
    bool operator<(const Open& other) const {
      return room < other.room || (room == other.room && node.number > other.node.number);
    }
  };

  // Opens the nodes that a range of columns is made of, and folds what is over at its ends.
  template <class Visit>
  void start(Range kept, const StateRows& rows, const Visit& visit) {
    constexpr std::int64_t arity = NodeBounds<Real>::arity;
    const ColumnTree<Real>& tree = nodes_.tree();
    if (kept.size() < tree.columns(0, 0).size()) return visit(kept, nullptr);
    int level = 0;
    while (level < tree.top() && tree.columns(level + 1, 0).size() <= kept.size()) ++level;
    const std::int64_t each = tree.columns(level, 0).size();
    for (std::int64_t n = kept.from / each / arity * arity; n * each < kept.to; n += arity) {
      add(level, {n, std::min(tree.level(level).count, n + arity)}, kept, rows);
    }
    while (!cut_.empty()) {
      const TreeNode node = cut_.back();
      cut_.pop_back();
      if (node.level > 0)
        add(node.level - 1, nodes_.children(node), kept, rows);
      else
        visit(common(tree.columns(0, node.number), kept), nullptr);
    }
  }

  static Range common(Range a, Range b) { return {std::max(a.from, b.from), std::min(a.to, b.to)}; }

  // Those of these nodes that are within `kept`; what is partly outside is put aside.
  void add(int level, Range range, Range kept, const StateRows& rows) {
    const auto can_skip = [&](const BoxOfPairs& box) { return reducer_.can_skip(kernel_, box, nullptr); };
    nodes_.for_nodes(level, range, can_skip, [&](TreeNode node, const BoxOfPairs& box) {
      const Range own = nodes_.tree().columns(node.level, node.number), inside = common(own, kept);
      if (inside.size() <= 0) return;
      if (inside.size() < own.size()) return cut_.push_back(node);
      if (can_skip(box)) return;
      Open made{node, 0, replacements_.size()};
      for (std::size_t c = 0; c < dim_; ++c) {
        replacements_.push_back(
            replacement(weights_, box, static_cast<std::int64_t>(c), sums_.of(node.level, node.number)));
        made.room += replacements_.back().error * importances_[c];
      }
      if (reducer_.add_constant(kernel_, rows, box)) {
        for (std::size_t c = 0; c < dim_; ++c) sizes_[c] += replacements_[made.at + c].least;
        return;
      }
      if (!(made.room <= std::numeric_limits<double>::max())) made.room = std::numeric_limits<double>::infinity();
      open_.push_back(made);
      std::push_heap(open_.begin(), open_.end());
    });
  }

  // Components are about as large as their weights.
  double importance(std::size_t c) const {
    const std::int64_t weight = weights_.components[c].weight;
    double size = 0;
    for (std::int64_t k = 0; weight >= 0 && k < nodes_.roots().to; ++k)
      size += sums_.of(nodes_.tree().top(), k)[weight].size;
    return size > 0 && std::isfinite(size) ? 1 / size : 1;
  }

  template <class Fold>
  void fold_noting_sizes(const StateRows& rows, Range columns, const Replacement* bounds, const Fold& fold) {
    const auto for_sums = [&](const auto& body) {
      std::size_t at = 0;
      for (std::size_t c = 0; c < dim_; ++c) {
        for (std::int64_t r = 0; r < rows.rows; ++r) body(rows.value(static_cast<std::int64_t>(c), r), c, at++);
      }
    };
    before_.resize(row_sizes_.size());
    for_sums([&](double sum, std::size_t, std::size_t at) { before_[at] = sum; });
    fold(columns, nullptr);
    for_sums([&](double sum, std::size_t c, std::size_t at) {
      row_sizes_[at] += std::max(std::fabs(sum - before_[at]), bounds ? bounds[c].least : 0);
    });
  }

  // The error if all open nodes were replaced, as a part of what sum |F| is at least. Rows that are not finite stay so.
  double error_part(std::int64_t rows) const {
    constexpr double exact_part = 1 - 1e-5;  // of a sum that was computed
    constexpr double inf = std::numeric_limits<double>::infinity();
    if (open_.front().room == inf) return inf;
    double worst = 0;
    for (std::size_t c = 0; c < dim_; ++c) {
      double error = 0, least = sizes_[c], of_row = inf;
      for (const Open& open : open_) {
        error += replacements_[open.at + c].error;
        least += replacements_[open.at + c].least;
      }
      if (error == 0) continue;
      for (std::int64_t r = 0; r < rows; ++r) {
        const double size = row_sizes_[c * static_cast<std::size_t>(rows) + static_cast<std::size_t>(r)];
        if (size < of_row) of_row = size;
      }
      const double part = error / ((least + of_row) * exact_part);
      if (!(part <= worst)) worst = part;
    }
    return worst == worst ? worst : inf;
  }

  void replace(const StateRows& rows) {
    std::vector<double> sums(dim_, 0);
    for (const Open& open : open_) {
      for (std::size_t c = 0; c < dim_; ++c) sums[c] += replacements_[open.at + c].value;
    }
    reducer_.add_constant(kernel_, rows, {sums.data(), sums.data(), 1, 1, 1, 0});
  }

  const KernelPlan& kernel_;
  const Reducer& reducer_;
  const Weights& weights_;
  const WeightSums<Real>& sums_;
  NodeBounds<Real>& nodes_;
  const double tolerance_;
  const std::size_t dim_;
  std::vector<TreeNode> cut_;              // partly outside of a range that is kept
  std::vector<Open> open_;                 // a heap
  std::vector<double> importances_;        // of components
  std::vector<Replacement> replacements_;  // of each component of opened nodes
  std::vector<double> sizes_, row_sizes_,
      before_;  // sum |F| is at least, for all rows and for each one besides; sums before a fold
};

}  // namespace rkeops
