// Work for kernels that take it from a task array (KernelPlan::by_tasks): which columns each tile of rows is folded with, cut into
// what CUDA blocks do. It is made from sizes and facts of the kernel alone.
#pragma once

#include "schedule.hpp"

namespace rkeops {

// For each tile a list of ranges of columns, in order, apart from each other and none of them empty. Tiles may share a list.
struct ColumnLists {
  std::vector<std::int64_t> of_tile;
  std::vector<std::int64_t> first;  // list l: ranges[first[l]], ... up to ranges[first[l + 1]]
  std::vector<Range> ranges;
};

// As the kernels read it: `count` columns of a list, from place `from` in this range on.
struct GpuTask {
  std::int64_t tile, state, range, from, count;
};

class GpuTasks {
 public:
  GpuTasks(const KernelPlan& kernel, ColumnLists lists) : lists_(std::move(lists)) {
    using namespace heuristics;
    for (std::size_t l = 0; l + 1 < lists_.first.size(); ++l) {
      std::int64_t columns = 0;
      for (std::int64_t k = lists_.first[l]; k < lists_.first[l + 1]; ++k) {
        before_.push_back(columns);
        columns += range(k).size();
      }
      columns_.push_back(columns);
    }
    before_tile_.push_back(0);
    for (std::int64_t list : lists_.of_tile) {
      before_tile_.push_back(before_tile_.back() + static_cast<double>(columns_[at(list)]));
    }
    // A state for so many columns: enough blocks, none of which takes long, and few states to merge.
    const double windows = static_cast<double>(kernel.windows());
    const double longest = gpu_task_operations * windows / (kernel.tile_rows() * kernel.cost);
    const auto wanted = static_cast<std::int64_t>(std::min(this->columns() * windows / gpu_enough_blocks, longest));
    const std::int64_t columns = std::max({gpu_column_step, candidates_per_split * kernel.candidates, wanted});
    const std::int64_t most = std::max<std::int64_t>(1, gpu_tile_states / schedule_detail::state_bytes(kernel));
    first_state_.push_back(0);
    for (std::int64_t list : lists_.of_tile) {
      first_state_.push_back(first_state_.back() + std::clamp<std::int64_t>(divided_up(columns_[at(list)], columns), 1, most));
    }
  }

  const std::vector<Range>& ranges() const { return lists_.ranges; }
  double columns() const { return before_tile_.back(); }  // of all tiles
  // The first one before which there are so many columns.
  std::int64_t tile_after(double columns) const {
    return std::lower_bound(before_tile_.begin(), before_tile_.end(), columns) - before_tile_.begin();
  }
  // Each tile has some, at least one, which are merged in their order.
  Range states(Range tiles) const { return {first_state_[at(tiles.from)], first_state_[at(tiles.to)]}; }

  // Those of some tiles with such columns as have places in `places`. Tiles and states are counted from the first of them.
  std::vector<GpuTask> of(Range tiles, Range places) const {
    std::vector<GpuTask> tasks;
    for (std::int64_t t = tiles.from; t < tiles.to; ++t) {
      const std::int64_t list = lists_.of_tile[at(t)], columns = columns_[at(list)];
      const Range own = states({t, t + 1}), here{columns_before(list, places.from), columns_before(list, places.to)};
      const std::int64_t each = rounded_up(divided_up(columns, own.size()), heuristics::gpu_split_step);
      for (std::int64_t s = 0; s < own.size(); ++s) {
        const Range part{std::max(here.from, s * each), std::min(here.to, (s + 1) * each)};
        if (part.size() <= 0) continue;
        const std::int64_t k = range_with(list, part.from);
        tasks.push_back({t - tiles.from, own.from + s - first_state_[at(tiles.from)], k,
                         range(k).from + part.from - before_[at(k)], part.size()});
      }
    }
    return tasks;
  }

 private:
  static std::size_t at(std::int64_t k) { return static_cast<std::size_t>(k); }
  const Range& range(std::int64_t k) const { return lists_.ranges[at(k)]; }

  // How many columns of a list come before a place.
  std::int64_t columns_before(std::int64_t list, std::int64_t place) const {
    const auto first = lists_.ranges.begin() + lists_.first[at(list)], end = lists_.ranges.begin() + lists_.first[at(list + 1)];
    const auto found = std::partition_point(first, end, [&](const Range& r) { return r.to <= place; });
    if (found == end) return columns_[at(list)];
    return before_[at(found - lists_.ranges.begin())] + std::max<std::int64_t>(0, place - found->from);
  }

  // The range that has column number k of a list.
  std::int64_t range_with(std::int64_t list, std::int64_t k) const {
    const auto first = before_.begin() + lists_.first[at(list)], end = before_.begin() + lists_.first[at(list + 1)];
    return std::upper_bound(first, end, k) - before_.begin() - 1;
  }

  ColumnLists lists_;
  std::vector<std::int64_t> before_;   // columns of its list before each range
  std::vector<std::int64_t> columns_;  // of each list
  std::vector<std::int64_t> first_state_;
  std::vector<double> before_tile_;  // columns of the tiles before each
};

}  // namespace rkeops
