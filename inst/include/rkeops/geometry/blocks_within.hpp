// Blocks that keep all pairs of points within a radius: groups are leaves of an order of the points, and two of them are kept if
// their boxes are near enough.
#pragma once

#include "../runtime/blocks.hpp"
#include "order.hpp"

namespace rkeops {

// Points in leaves, and boxes of all nodes of the binary tree over these: level 0 has the leaves.
class PointTree {
 public:
  using Points = std::vector<double>;  // the coordinates of a point are side by side

  PointTree(const Points& points, std::size_t dim) : dim_(dim), group_(points.size() / dim) {
    const std::vector<float> coordinates(points.begin(), points.end());
    constexpr std::int64_t leaf = heuristics::block_rows;
    const Order order = make_order(coordinates, dim, leaf, [](std::int64_t tasks, const auto& task) {
      for (std::int64_t k = 0; k < tasks; ++k) task(k);
    });
    const auto leaves = static_cast<std::size_t>(divided_up(static_cast<std::int64_t>(order.size()), leaf));
    levels_.push_back(empty_boxes(leaves));
    for (std::size_t place = 0; place < order.size(); ++place) {
      const auto point = static_cast<std::size_t>(order[place]), own = place / static_cast<std::size_t>(leaf);
      group_[point] = static_cast<std::int32_t>(own);
      widen(levels_[0], own, &points[point * dim], &points[point * dim]);
    }
    while (levels_.back().size() > 2 * dim) {
      const Points& below = levels_.back();
      const std::size_t count = below.size() / (2 * dim);
      Points boxes = empty_boxes((count + 1) / 2);
      for (std::size_t b = 0; b < count; ++b) widen(boxes, b / 2, &below[2 * b * dim], &below[(2 * b + 1) * dim]);
      levels_.push_back(std::move(boxes));
    }
  }

  const std::vector<std::int32_t>& group() const { return group_; }  // the leaf of each point
  std::size_t top() const { return levels_.size() - 1; }
  bool has(std::size_t level, std::size_t node) const { return 2 * node * dim_ < levels_[level].size(); }
  const double* low(std::size_t level, std::size_t node) const { return &levels_[level][2 * node * dim_]; }
  const double* high(std::size_t level, std::size_t node) const { return low(level, node) + dim_; }

 private:
  Points empty_boxes(std::size_t count) const {
    Points boxes(2 * count * dim_, -std::numeric_limits<double>::infinity());
    for (std::size_t b = 0; b < count; ++b) std::fill_n(&boxes[2 * b * dim_], dim_, std::numeric_limits<double>::infinity());
    return boxes;
  }
  void widen(Points& boxes, std::size_t b, const double* low, const double* high) const {
    double *to_low = &boxes[2 * b * dim_], *to_high = to_low + dim_;
    for (std::size_t c = 0; c < dim_; ++c) {
      to_low[c] = std::min(to_low[c], low[c]);
      to_high[c] = std::max(to_high[c], high[c]);
    }
  }

  const std::size_t dim_;
  std::vector<Points> levels_;  // for each node its lowest and its highest coordinates
  std::vector<std::int32_t> group_;
};

class BlocksWithin {
 public:
  BlocksWithin(const PointTree::Points& x, const PointTree::Points& y, std::size_t dim, double radius)
      : x_(x, dim), y_(y, dim), dim_(dim), most_(radius * radius * (1 + 1e-5)) {  // formulas may be computed in float32
    groups_.group_i = x_.group();
    groups_.group_j = y_.group();
    if (!x.empty() && !y.empty()) visit(x_.top(), 0, y_.top(), 0);
  }

  const BlockGroups& groups() const { return groups_; }

 private:
  double distance(std::size_t level_x, std::size_t a, std::size_t level_y, std::size_t b) const {
    const double *low_x = x_.low(level_x, a), *high_x = x_.high(level_x, a);
    const double *low_y = y_.low(level_y, b), *high_y = y_.high(level_y, b);
    double sum = 0;
    for (std::size_t c = 0; c < dim_; ++c) {
      const double gap = std::max({0.0, low_x[c] - high_y[c], low_y[c] - high_x[c]});
      sum += gap * gap;
    }
    return sum;
  }

  void visit(std::size_t level_x, std::size_t a, std::size_t level_y, std::size_t b) {
    if (!x_.has(level_x, a) || !y_.has(level_y, b) || distance(level_x, a, level_y, b) > most_) return;
    if (level_x == 0 && level_y == 0) {
      groups_.kept_i.push_back(static_cast<std::int32_t>(a));
      groups_.kept_from.push_back(static_cast<std::int32_t>(b));
      groups_.kept_to.push_back(static_cast<std::int32_t>(b));
      return;
    }
    for (std::size_t half : {0, 1}) {
      if (level_x > level_y) visit(level_x - 1, 2 * a + half, level_y, b);
      else visit(level_x, a, level_y - 1, 2 * b + half);
    }
  }

  const PointTree x_, y_;
  const std::size_t dim_;
  const double most_;
  BlockGroups groups_;
};

}  // namespace rkeops
