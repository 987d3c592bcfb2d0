// Runs one kernel: packs columns once, then goes through tiles of rows and chunks of columns, on all threads.
//
// What is cut where depends on the sizes alone, never on the number of threads, and partial states are merged in the
// order of their columns: the same inputs give the same bits.
//
// Where sums are taken over rows as well, groups of tiles are dealt to slabs, each with totals of its own for all columns, and
// columns are split over tasks; rows then go by in bands, so that the partial states of one band fit into memory.
#pragma once

#include "../jit/kernel_cache.hpp"
#include "column_totals.hpp"
#include "entries.hpp"
#include "options.hpp"
#include "pack.hpp"
#include "state.hpp"
#include "threads.hpp"

namespace rkeops {

template <class Real>
class Execution {
 public:
  Execution(const KernelPlan& kernel, const LoadedKernel& code, const StageData& data, const RunOptions& options,
            const Host& host, double progress_from, double progress_to)
      : kernel_(kernel),
        code_(code),
        data_(data),
        options_(options),
        host_(host),
        tile_(kernel.tile_rows()),
        progress_from_(progress_from),
        progress_to_(progress_to) {}

  void run() {
    plan_cuts();
    threads_ = choose_threads();
    workers_ = std::vector<Worker>(static_cast<std::size_t>(threads_));
    pack_parameters();
    pack_columns();
    if (kernel_.reduction.both) totals_ = ColumnTotals<Real>(kernel_, slabs_, data_.columns);
    const std::int64_t states = splits_ > 1 ? std::min(band_ * group_, tiles_) * splits_ : 0;
    partial_values_ = Buffer<double>(static_cast<std::size_t>(states * kernel_.value_slots * tile_));
    partial_indices_ = Buffer<long long>(static_cast<std::size_t>(states * kernel_.index_slots * tile_));
    for (std::int64_t group = 0; group < groups_; group += band_) fold_band(group, std::min(band_, groups_ - group));
    if (kernel_.reduction.both) totals_.finish(data_.parts[1]);
  }

 private:
  struct Worker {
    Buffer<Real> rows;      // packed tiles of a group
    Buffer<double> values;  // their states, or their entries for a chunk of columns
    Buffer<long long> indices;
    Buffer<unsigned char> work;
    Buffer<Real> back;  // sums over rows, as the kernel leaves them
  };

  void plan_cuts() {
    tiles_ = (data_.rows + tile_ - 1) / tile_;
    if (entries()) return plan_entries();
    constexpr std::int64_t enough_tasks = 64;
    const bool both = kernel_.reduction.both;
    const std::int64_t chunk_bytes = (both ? 512 : 128) << 10;
    const std::int64_t step = both ? 32 : 128, column = kernel_.column.width + kernel_.back_size(1) / kernel_.back_columns();
    const std::int64_t fitting = chunk_bytes / (std::max<std::int64_t>(1, column) * static_cast<std::int64_t>(sizeof(Real)));
    chunk_ = std::clamp<std::int64_t>(fitting / step * step, step, 4096);
    const std::int64_t chunks = (data_.columns + chunk_ - 1) / chunk_;
    if (both) {
      // A lane of `back` is summed in the kernel's precision over a group.
      constexpr std::int64_t group_tiles = 32, slab_tiles = 8, band_bytes = 64 << 20;
      splits_ = std::clamp<std::int64_t>(chunks, 1, enough_tasks);
      slabs_ = std::clamp<std::int64_t>(tiles_ / slab_tiles, 1, enough_tasks / splits_);
      const std::int64_t state_bytes = kernel_.value_slots * tile_ * splits_ * static_cast<std::int64_t>(sizeof(double));
      const std::int64_t band_tiles = std::max(slabs_, band_bytes / state_bytes);
      group_ = std::clamp<std::int64_t>(std::min(tiles_, band_tiles) / slabs_, 1, group_tiles);
      groups_ = (tiles_ + group_ - 1) / group_;
      band_ = std::min(band_tiles / group_, groups_);
    } else {
      constexpr std::int64_t group_bytes = 32 << 20;
      const std::int64_t state_bytes = std::max<std::int64_t>(1, (kernel_.value_slots + kernel_.index_slots) * tile_ * 8);
      const std::int64_t group_tiles = std::clamp<std::int64_t>(group_bytes / state_bytes, 1, 8);
      group_ = std::clamp<std::int64_t>(tiles_ / enough_tasks, 1, group_tiles);
      groups_ = (tiles_ + group_ - 1) / group_;
      const std::int64_t least_chunks = std::max<std::int64_t>(2, 16 * kernel_.candidates / chunk_);
      splits_ = std::clamp<std::int64_t>(
          std::min(chunks / least_chunks, enough_tasks / std::max<std::int64_t>(groups_, 1)), 1, enough_tasks);
      slabs_ = band_ = groups_;
    }
    chunks_per_split_ = (chunks + splits_ - 1) / splits_;
  }

  // Blocks of entries stay in the cache until they are written; a column of one is some cache lines long.
  void plan_entries() {
    constexpr std::int64_t block_bytes = 128 << 10, enough_tasks = 64;
    group_ = std::min<std::int64_t>(tiles_, std::max(1, 256 / tile_));
    groups_ = slabs_ = band_ = (tiles_ + group_ - 1) / group_;
    chunk_ = std::clamp<std::int64_t>(block_bytes / (group_ * tile_ * kernel_.dim * 8) / 8 * 8, 8, 1024);
    const std::int64_t chunks = (data_.columns + chunk_ - 1) / chunk_;
    splits_ = std::clamp<std::int64_t>(std::min(chunks, enough_tasks / groups_), 1, enough_tasks);
    chunks_per_split_ = (chunks + splits_ - 1) / splits_;
  }

  bool entries() const { return kernel_.reduction.family == Family::entries; }

  // One thread where starting more would take longer than the work.
  int choose_threads() const {
    const double work = static_cast<double>(tiles_ * tile_) * static_cast<double>(data_.columns) *
                        static_cast<double>(kernel_.column.width + kernel_.row.width + 4);
    if (work < 2e6) return 1;
    return options_.threads > 0 ? options_.threads : available_threads();
  }

  bool poll(std::int64_t done, std::int64_t count) const {
    if (host_.progress && count > 0) {
      const double share = static_cast<double>(done) / static_cast<double>(count);
      host_.progress(host_.context, progress_from_ + (progress_to_ - progress_from_) * share);
    }
    return !interrupted();
  }

  bool interrupted() const { return host_.interrupted && host_.interrupted(host_.context); }

  void* work_of(Worker& worker) const {
    const std::size_t bytes =
        static_cast<std::size_t>(std::max<std::int64_t>(1, kernel_.work_vectors) * kernel_.vector_bytes);
    if (worker.work.size() < bytes) worker.work = Buffer<unsigned char>(bytes);
    return worker.work.data();
  }

  void pack_parameters() {
    parameters_ = Buffer<Real>(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel_.parameter.width)));
    rkeops::pack_parameters(kernel_.parameter, data_.parameter, parameters_.data());
    if (code_.parameter_prologue) code_.parameter_prologue(parameters_.data(), work_of(workers_[0]));
  }

  // Columns are broadcast one by one: all components of a column side by side.
  void pack_columns() {
    const std::int64_t width = kernel_.column.width;
    columns_ = Buffer<Real>(static_cast<std::size_t>(data_.columns * width + 1));
    if (width == 0) return;
    const std::int64_t per_task = std::max<std::int64_t>(1, 4096 / tile_), tiles = (data_.columns + tile_ - 1) / tile_;
    const auto pack = [&](std::int64_t task, int worker, TaskRunner&) {
      Worker& own = workers_[static_cast<std::size_t>(worker)];
      if (own.rows.size() < static_cast<std::size_t>(width * tile_))
        own.rows = Buffer<Real>(static_cast<std::size_t>(width * tile_));
      for (std::int64_t t = task * per_task; t < std::min(tiles, (task + 1) * per_task); ++t) {
        Real* tile = own.rows.data();
        pack_area(kernel_.column, data_.column, t * tile_, data_.columns, tile, tile_);
        if (code_.column_prologue) code_.column_prologue(parameters_.data(), tile, work_of(own));
        const std::int64_t valid = std::min<std::int64_t>(tile_, data_.columns - t * tile_);
        Real* out = columns_.data() + t * tile_ * width;
        for (std::int64_t r = 0; r < valid; ++r) {
          for (std::int64_t c = 0; c < width; ++c) out[r * width + c] = tile[c * tile_ + r];
        }
      }
    };
    TaskRunner packs((tiles + per_task - 1) / per_task, pack, [&](std::int64_t) { return poll(0, 1); });
    if (!packs.run(data_.columns * width < 100000 ? 1 : threads_)) throw Error(ErrorKind::interrupt, "interrupted");
  }

  // State of a tile of the band for one split of the columns.
  State partial(std::int64_t tile_of_band, std::int64_t split) {
    const std::int64_t at = (tile_of_band * splits_ + split) * tile_;
    return {partial_values_.data() + at * kernel_.value_slots, partial_indices_.data() + at * kernel_.index_slots};
  }

  // Groups [band, band + count).
  void fold_band(std::int64_t band, std::int64_t count) {
    TaskRunner folds(
        slabs_ * splits_,
        [&](std::int64_t task, int worker, TaskRunner& runner) {
          const std::int64_t slab = task / splits_;
          for (std::int64_t g = count * slab / slabs_; g < count * (slab + 1) / slabs_ && !runner.should_stop(); ++g) {
            fold_group(band + g, g * group_, slab, task % splits_, workers_[static_cast<std::size_t>(worker)], runner);
          }
        },
        [&](std::int64_t done) { return poll(band * slabs_ * splits_ + done * count, groups_ * slabs_ * splits_); });
    if (!folds.run(threads_)) throw Error(ErrorKind::interrupt, "interrupted");
    if (splits_ == 1 || entries()) return;
    const std::int64_t first = band * group_;
    TaskRunner merges(
        std::min(count * group_, tiles_ - first),
        [&](std::int64_t tile, int, TaskRunner&) {
          for (std::int64_t split = 1; split < splits_; ++split)
            merge_state(kernel_, partial(tile, 0), partial(tile, split));
          finish(first + tile, partial(tile, 0));
        },
        [&](std::int64_t) { return !interrupted(); });
    if (!merges.run(kernel_.candidates > 0 ? threads_ : 1)) throw Error(ErrorKind::interrupt, "interrupted");
  }

  // A group whose first tile is number `in_band` of its band.
  void fold_group(std::int64_t group, std::int64_t in_band, std::int64_t slab, std::int64_t split, Worker& own,
                  TaskRunner& runner) {
    const std::int64_t first = group * group_, count = std::min(group_, tiles_ - first);
    const std::int64_t width = std::max<std::int64_t>(1, kernel_.row.width);
    const auto enough = [&](auto& buffer, std::int64_t each) {
      const std::size_t size = static_cast<std::size_t>(group_ * each * tile_);
      if (buffer.size() < size) buffer = std::decay_t<decltype(buffer)>(size);
    };
    enough(own.rows, width);
    if (code_.fold_both && own.back.size() == 0) {
      own.back = Buffer<Real>(static_cast<std::size_t>(kernel_.back_size(std::min(chunk_, data_.columns))));
    }
    if (entries()) {
      enough(own.values, chunk_ * kernel_.dim);
    } else if (splits_ == 1) {
      enough(own.values, kernel_.value_slots);
      enough(own.indices, kernel_.index_slots);
    }
    const auto state_of = [&](std::int64_t t) {
      if (entries()) return State{own.values.data() + t * chunk_ * kernel_.dim * tile_, nullptr};
      if (splits_ > 1) return partial(in_band + t, split);
      return State{own.values.data() + t * kernel_.value_slots * tile_,
                   own.indices.data() + t * kernel_.index_slots * tile_};
    };
    for (std::int64_t t = 0; t < count; ++t) {
      Real* tile = own.rows.data() + t * width * tile_;
      pack_area(kernel_.row, data_.row, (first + t) * tile_, data_.rows, tile, tile_);
      if (code_.row_prologue) code_.row_prologue(parameters_.data(), tile, work_of(own));
      start_state(kernel_, state_of(t));
    }
    const std::int64_t from = std::min(data_.columns, split * chunks_per_split_ * chunk_);
    const std::int64_t to = std::min(data_.columns, (split + 1) * chunks_per_split_ * chunk_);
    for (std::int64_t j = from; j < to; j += chunk_) {
      if (runner.should_stop()) return;
      const std::int64_t n = std::min(chunk_, to - j);
      if (code_.fold_both) std::fill_n(own.back.data(), kernel_.back_size(n), Real(0));
      for (std::int64_t t = 0; t < count; ++t) {
        const State state = state_of(t);
        const Real *rows = own.rows.data() + t * width * tile_, *columns = columns_.data() + j * kernel_.column.width;
        if (code_.fold_both) {
          const std::int64_t valid = std::min<std::int64_t>(tile_, data_.rows - (first + t) * tile_);
          code_.fold_both(parameters_.data(), rows, columns, static_cast<long long>(n), j, state.values, state.indices,
                          work_of(own), own.back.data(), static_cast<long long>(valid));
        } else {
          code_.fold(parameters_.data(), rows, columns, static_cast<long long>(n), j, state.values, state.indices, work_of(own));
        }
      }
      if (code_.fold_both) totals_.add(slab, j, n, own.back.data());
      if (entries()) {
        const std::int64_t end = std::min(data_.rows, (first + count) * tile_);
        write_entries(kernel_, own.values.data(), chunk_, first * tile_, end, j, n, data_);
      }
    }
    for (std::int64_t t = 0; t < count && splits_ == 1 && !entries(); ++t) finish(first + t, state_of(t));
  }

  void finish(std::int64_t tile, State state) const {
    const std::int64_t first = tile * tile_;
    finish_state(kernel_, state, first, std::min<std::int64_t>(tile_, data_.rows - first), data_.rows,
                 data_.parts.data(), options_.index_base, options_.missing_index);
  }

  const KernelPlan& kernel_;
  const LoadedKernel& code_;
  const StageData& data_;
  const RunOptions& options_;
  const Host& host_;
  const int tile_;
  const double progress_from_, progress_to_;
  std::int64_t tiles_ = 0, group_ = 1, groups_ = 0, slabs_ = 1, band_ = 1;  // a band is this many groups
  std::int64_t splits_ = 1, chunk_ = 0, chunks_per_split_ = 0;
  int threads_ = 1;
  std::vector<Worker> workers_;
  Buffer<Real> parameters_, columns_;
  Buffer<double> partial_values_;
  Buffer<long long> partial_indices_;
  ColumnTotals<Real> totals_;
};

}  // namespace rkeops
