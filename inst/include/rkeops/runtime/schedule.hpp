// What is folded with what, in which order, and which partial states are merged: data, made from sizes and facts of the
// kernel alone, never from the number of threads. So the same inputs give the same bits on any machine.
//
//            columns ->
//            column_split 0          column_split 1
//          +-----------+-----------+-----------+------      a task: a row_block and a column_split; it goes through
//     tile | column_   |           |           |            its columns in column_blocks
//     tile | block     |   ...     |           |
//     ---- +-----------+           |           |            a worker_share: tasks of one worker, one after the other
//     tile |  row_block                                     a pass: worker_shares after which the states of all
//     tile |                                                column_splits are merged, in the order of their columns
//
// Rows and columns count through everything that is packed: a schedule may leave out pairs, and batches that lie one
// behind the other never share a tile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../base/heuristics.hpp"
#include "../plan/kernel_plan.hpp"

namespace rkeops {

struct Range {
  std::int64_t from = 0, to = 0;
  std::int64_t size() const { return to - from; }
};

struct Tile {
  std::int64_t first_row, rows;  // so many are valid; those behind them repeat the last one
};

struct Task {
  Range tiles, columns;
  std::int64_t split;  // which of the states of its tiles is its own
};

struct WorkerShare {
  Range tasks;
  std::int64_t totals;  // two-sided: which totals of all columns they join
};

struct Pass {
  Range shares, tiles;
};

struct Schedule {
  std::int64_t rows = 0, columns = 0;
  std::vector<Tile> tiles;
  std::vector<Task> tasks;
  std::vector<WorkerShare> shares;
  std::vector<Pass> passes;
  std::int64_t row_block = 1;      // tiles of a task at most
  std::int64_t column_block = 1;   // columns that are folded at a time
  std::int64_t column_splits = 1;  // states of a tile; one is finished by its task
  std::int64_t totals = 1;

  std::int64_t pass_tiles() const {
    std::int64_t most = 0;
    for (const Pass& pass : passes) most = std::max(most, pass.tiles.size());
    return most;
  }
};

inline std::int64_t divided_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }
inline std::int64_t rounded_up(std::int64_t n, std::int64_t step) { return divided_up(n, step) * step; }

namespace schedule_detail {

inline std::int64_t state_bytes(const KernelPlan& kernel) {  // of a tile
  return std::max<std::int64_t>(1, (kernel.value_slots + kernel.index_slots) * kernel.tile_rows() * 8);
}

inline Schedule tiled(const KernelPlan& kernel, std::int64_t rows, std::int64_t columns) {
  Schedule s;
  s.rows = rows;
  s.columns = columns;
  const std::int64_t tile = kernel.tile_rows();
  s.tiles.reserve(static_cast<std::size_t>(divided_up(rows, tile)));
  for (std::int64_t row = 0; row < rows; row += tile) s.tiles.push_back({row, std::min(tile, rows - row)});
  return s;
}

// Columns [from, to) of a split: whole column_blocks.
inline Range split_of(const Schedule& s, std::int64_t split) {
  const std::int64_t each = divided_up(divided_up(s.columns, s.column_block), s.column_splits) * s.column_block;
  return {std::min(s.columns, split * each), std::min(s.columns, (split + 1) * each)};
}

inline void cut_columns(Schedule& s, const KernelPlan& kernel, std::int64_t bytes, std::int64_t step) {
  const std::int64_t numbers = kernel.column.width + kernel.column_sums_size(1) / kernel.columns_together();
  const std::int64_t fitting = bytes / (std::max<std::int64_t>(1, numbers) * kernel.number_bytes());
  s.column_block = std::clamp(fitting / step * step, step, heuristics::most_block_columns);
}

// Each task is a share, all shares are one pass.
inline void add_tasks(Schedule& s) {
  const std::int64_t tiles = static_cast<std::int64_t>(s.tiles.size());
  const auto count = static_cast<std::size_t>(divided_up(tiles, s.row_block) * s.column_splits);
  s.tasks.reserve(count);
  s.shares.reserve(count);
  for (std::int64_t tile = 0; tile < tiles; tile += s.row_block) {
    for (std::int64_t split = 0; split < s.column_splits; ++split) {
      const auto at = static_cast<std::int64_t>(s.tasks.size());
      s.tasks.push_back({{tile, std::min(tiles, tile + s.row_block)}, split_of(s, split), split});
      s.shares.push_back({{at, at + 1}, 0});
    }
  }
  s.passes.push_back({{0, static_cast<std::int64_t>(s.shares.size())}, {0, tiles}});
}

// Row_blocks are dealt to totals, each with sums of its own for all columns; passes are so short that their states fit
// into memory.
inline void add_two_sided_tasks(Schedule& s, const KernelPlan& kernel) {
  using namespace heuristics;
  const std::int64_t tiles = static_cast<std::int64_t>(s.tiles.size());
  s.column_splits = std::clamp<std::int64_t>(divided_up(s.columns, s.column_block), 1, enough_tasks);
  s.totals = std::clamp<std::int64_t>(tiles / two_sided_share_tiles, 1, enough_tasks / s.column_splits);
  const std::int64_t states = std::max(s.totals, two_sided_states / (state_bytes(kernel) * s.column_splits));
  s.row_block = std::clamp<std::int64_t>(std::min(tiles, states) / s.totals, 1, two_sided_block_tiles);
  const std::int64_t blocks = divided_up(tiles, s.row_block), blocks_of_pass = std::min(states / s.row_block, blocks);
  for (std::int64_t first = 0; first < blocks; first += blocks_of_pass) {
    const std::int64_t count = std::min(blocks_of_pass, blocks - first);
    const auto first_share = static_cast<std::int64_t>(s.shares.size());
    for (std::int64_t total = 0; total < s.totals; ++total) {
      for (std::int64_t split = 0; split < s.column_splits; ++split) {
        const auto first_task = static_cast<std::int64_t>(s.tasks.size());
        for (std::int64_t b = first + count * total / s.totals; b < first + count * (total + 1) / s.totals; ++b) {
          s.tasks.push_back({{b * s.row_block, std::min(tiles, (b + 1) * s.row_block)}, split_of(s, split), split});
        }
        s.shares.push_back({{first_task, static_cast<std::int64_t>(s.tasks.size())}, total});
      }
    }
    s.passes.push_back({{first_share, static_cast<std::int64_t>(s.shares.size())},
                        {first * s.row_block, std::min(tiles, (first + count) * s.row_block)}});
  }
}

}  // namespace schedule_detail

// All pairs of rows and columns, on a CPU.
inline Schedule dense_schedule(const KernelPlan& kernel, std::int64_t rows, std::int64_t columns) {
  using namespace heuristics;
  using namespace schedule_detail;
  Schedule s = tiled(kernel, rows, columns);
  const std::int64_t tiles = static_cast<std::int64_t>(s.tiles.size());
  const auto blocks = [&] { return std::max<std::int64_t>(1, divided_up(tiles, s.row_block)); };
  if (kernel.pairs) {
    s.row_block = std::clamp<std::int64_t>(tiles, 1, std::max<std::int64_t>(1, entries_block_rows / kernel.tile_rows()));
    const std::int64_t column_bytes = s.row_block * kernel.tile_rows() * kernel.dim * 8;
    s.column_block = std::clamp<std::int64_t>(entries_block_bytes / column_bytes / 8 * 8, 8, 1024);
    s.column_splits = std::clamp<std::int64_t>(
        std::min(divided_up(columns, s.column_block), enough_tasks / blocks()), 1, enough_tasks);
    add_tasks(s);
  } else if (kernel.column_sums > 0) {
    cut_columns(s, kernel, two_sided_column_block_bytes, two_sided_column_step);
    add_two_sided_tasks(s, kernel);
  } else {
    cut_columns(s, kernel, column_block_bytes, column_step);
    if (kernel.finds) s.column_block = std::min(s.column_block, found_block_columns);
    const std::int64_t most_tiles = std::clamp<std::int64_t>(row_block_states / state_bytes(kernel), 1, row_block_tiles);
    s.row_block = std::clamp<std::int64_t>(tiles / enough_tasks, 1, most_tiles);
    const std::int64_t least = std::max(least_split_blocks, candidates_per_split * kernel.candidates / s.column_block);
    s.column_splits = std::clamp<std::int64_t>(
        std::min(divided_up(columns, s.column_block) / least, enough_tasks / blocks()), 1, enough_tasks);
    add_tasks(s);
  }
  return s;
}

// The same on GPUs: a task is a launch_range of columns for all tiles, which `column_splits` CUDA blocks share for each tile.
// Entries: column_block is the columns of a CUDA block.
inline Schedule dense_gpu_schedule(const KernelPlan& kernel, std::int64_t rows, std::int64_t columns) {
  using namespace heuristics;
  using namespace schedule_detail;
  Schedule s = tiled(kernel, rows, columns);
  const std::int64_t tiles = static_cast<std::int64_t>(s.tiles.size());
  s.row_block = tiles;
  s.column_block = columns;
  if (kernel.pairs) {
    s.column_block = gpu_entries_step;
  } else {
    const std::int64_t least = std::max(gpu_column_step, candidates_per_split * kernel.candidates);
    const std::int64_t most = std::max<std::int64_t>(1, std::min(columns / least, gpu_tile_states / state_bytes(kernel)));
    const std::int64_t blocks = std::max<std::int64_t>(1, tiles * kernel.windows());
    s.column_splits = std::clamp<std::int64_t>(gpu_enough_blocks / blocks, 1, most);
    const std::int64_t rows_at_once = std::clamp<std::int64_t>(tiles, 1, gpu_most_tiles) * kernel.tile_rows();
    const double per_column = static_cast<double>(rows_at_once) * kernel.cost;
    const auto wanted = static_cast<std::int64_t>(std::min(1e15, gpu_range_operations / per_column));
    const std::int64_t step = s.column_splits * gpu_split_step;
    s.column_block = rounded_up(std::max({wanted, gpu_column_step, step}), step);
  }
  const std::int64_t range = kernel.pairs ? columns : s.column_block;
  for (std::int64_t from = 0; from < columns; from += range) {
    s.tasks.push_back({{0, tiles}, {from, std::min(columns, from + range)}, 0});
  }
  s.shares.push_back({{0, static_cast<std::int64_t>(s.tasks.size())}, 0});
  s.passes.push_back({{0, 1}, {0, tiles}});
  return s;
}

}  // namespace rkeops
