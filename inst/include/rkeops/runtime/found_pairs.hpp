// Pairs that kernels find, whose number nobody knows beforehand: listed by tasks as they come, then brought into order. The
// counterpart of reduce/where.hpp.
#pragma once

#include <atomic>
#include <mutex>

#include "../base/text.hpp"
#include "options.hpp"
#include "state.hpp"
#include "threads.hpp"

namespace rkeops {

// What one task has found.
struct PairList {
  std::vector<std::int32_t> row, column;
  std::vector<double> value;

  // From the list that a kernel has written, of a tile that begins with row number `first`. Rows that only fill up the tile are
  // left out. Orders say what the rows and columns at a place are.
  std::int64_t add(const KernelPlan& kernel, State found, const Tile& tile, const std::int32_t* rows, const std::int32_t* columns) {
    const std::size_t before = row.size();
    for (std::int64_t k = 0; k < found.indices[0]; ++k) {
      const std::int64_t r = found.indices[k + 1] & 0xffffffff, c = found.indices[k + 1] >> 32;
      if (r >= tile.rows) continue;
      row.push_back(rows ? rows[tile.first_row + r] : static_cast<std::int32_t>(tile.first_row + r));
      column.push_back(columns ? columns[c] : static_cast<std::int32_t>(c));
      if (kernel.second_dim > 0) value.push_back(found.values[k]);
    }
    return static_cast<std::int64_t>(row.size() - before);
  }
};

class PairCollector {
 public:
  explicit PairCollector(std::int64_t most) : most_(most) {}

  // To be told while pairs are found, so that no memory is taken for more than are wanted.
  void count(std::int64_t pairs) {
    if ((total_ += pairs) <= most_) return;
    throw Error(ErrorKind::memory, "the condition is true for more than " + str(most_) + " pairs",
                "A sum of the condition counts them. Take fewer rows, or a condition that is true for fewer pairs.");
  }

  void take(PairList&& list) {
    if (list.row.empty()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    lists_.push_back(std::move(list));
    list = {};
  }

  // Of `rows` rows. False from `poll`: stop.
  FoundPairs finish(std::int64_t rows, int threads, const std::function<bool()>& poll) {
    FoundPairs found;
    found.first.assign(static_cast<std::size_t>(rows) + 1, 0);
    for (const PairList& list : lists_) {
      for (std::int32_t r : list.row) ++found.first[static_cast<std::size_t>(r) + 1];
    }
    for (std::size_t r = 1; r < found.first.size(); ++r) found.first[r] += found.first[r - 1];
    const bool has_values = !lists_.empty() && !lists_[0].value.empty();
    found.column.resize(static_cast<std::size_t>(found.first.back()));
    if (has_values) found.value.resize(found.column.size());
    std::vector<std::int64_t> next(found.first.begin(), found.first.end() - 1);
    for (PairList& list : lists_) {
      for (std::size_t k = 0; k < list.row.size(); ++k) {
        const auto to = static_cast<std::size_t>(next[static_cast<std::size_t>(list.row[k])]++);
        found.column[to] = list.column[k];
        if (has_values) found.value[to] = list.value[k];
      }
      list = {};
    }
    constexpr std::int64_t each = heuristics::packing_rows;
    TaskRunner sorting(
        divided_up(rows, each),
        [&](std::int64_t task, int, TaskRunner&) { sort_rows(found, {task * each, std::min(rows, (task + 1) * each)}); },
        [&](std::int64_t) { return poll(); });
    if (!sorting.run(found.column.size() < heuristics::packing_threads_from ? 1 : threads)) {
      throw Error(ErrorKind::interrupt, "interrupted");
    }
    return found;
  }

 private:
  static void sort_rows(FoundPairs& found, Range rows) {
    std::vector<std::pair<std::int32_t, double>> pairs;
    for (std::int64_t r = rows.from; r < rows.to; ++r) {
      const auto from = found.first[static_cast<std::size_t>(r)], to = found.first[static_cast<std::size_t>(r) + 1];
      std::int32_t *begin = found.column.data() + from, *end = found.column.data() + to;
      if (found.value.empty()) {
        std::sort(begin, end);
        continue;
      }
      pairs.clear();
      double* value = found.value.data() + from;
      for (const std::int32_t* c = begin; c < end; ++c) pairs.emplace_back(*c, value[c - begin]);
      std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [column, of] : pairs) {
        *begin++ = column;
        *value++ = of;
      }
    }
  }

  const std::int64_t most_;
  std::atomic<std::int64_t> total_{0};
  std::mutex mutex_;
  std::vector<PairList> lists_;
};

}  // namespace rkeops
