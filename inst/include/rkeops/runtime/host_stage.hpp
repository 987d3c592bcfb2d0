// A stage in the memory of this process, on all threads: operands are packed, tasks folded, partial states merged.
//
// Operands stay packed between runs: columns always, rows where packing them takes a noticeable part of a run. Other rows
// are packed tile by tile, by the thread that is about to read them.
#pragma once

#include "../platform/machine.hpp"
#include "column_totals.hpp"
#include "stage.hpp"

namespace rkeops {

template <class Real>
class HostStage : public Stage {
 public:
  // `keep`: there will be more runs.
  HostStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, StageData stage_data,
            Schedule schedule, bool keep)
      : Stage(kernel, digest, std::move(stage_data), std::move(schedule)),
        backend_(backend),
        keeps_rows_(keep && are_rows_worth_it()) {}

  void prepare(const StageCall& call) override { Run(*this, call).pack(); }

  void run(const StageCall& call) override {
    Run run(*this, call);
    run.pack();
    fold(run);
  }

 protected:
  class Run;

  void fold(Run& run) {
    if (two_sided()) totals_ = ColumnTotals<Real>(kernel_, schedule_.totals, data.columns);
    const std::int64_t splits = schedule_.column_splits, states = splits > 1 && has_states() ? schedule_.pass_tiles() * splits : 0;
    reserve(partial_values_, states * kernel_.value_slots * tile_);
    reserve(partial_indices_, states * kernel_.index_slots * tile_);
    for (const Pass& pass : schedule_.passes) run.fold(pass);
    if (two_sided()) totals_.finish(data.parts[1]);
  }

  struct Worker {
    Buffer<Real> rows;      // packed tiles of a row_block
    Buffer<double> values;  // their states, or their entries for a column_block
    Buffer<long long> indices;
    Buffer<unsigned char> work;
    Buffer<Real> column_sums;  // as the kernel leaves them
    Buffer<double> results;    // of a tile, on their way to other rows
    PairList found;            // by a task
  };

  template <class T>
  static void reserve(Buffer<T>& buffer, std::int64_t size) {
    if (buffer.size() < static_cast<std::size_t>(size)) buffer = Buffer<T>(static_cast<std::size_t>(size));
  }

  bool entries() const { return kernel_.pairs; }
  bool has_states() const { return !kernel_.pairs && !kernel_.finds; }
  bool two_sided() const { return kernel_.column_sums > 0; }

  bool are_rows_worth_it() const {
    const std::int64_t numbers = kernel_.row.width * tile_ * tiles_, bytes = numbers * static_cast<std::int64_t>(sizeof(Real));
    std::int64_t given = 0;
    for (const PackedLeaf& leaf : kernel_.row.leaves) given += leaf.dim * tiles_ * tile_ * 8;
    return data.columns <= heuristics::kept_rows_columns && bytes <= std::max(given, heuristics::kept_rows_bytes);
  }

  // To be folded.
  virtual double pairs_to_fold() const { return static_cast<double>(tiles_ * tile_) * static_cast<double>(data.columns); }

  // No more than have work for longer than their start takes.
  int choose_threads(const RunOptions& options) const {
    const double work = pairs_to_fold() * static_cast<double>(kernel_.column.width + kernel_.row.width + 4);
    if (work < heuristics::thread_work) return 1;
    const int most = options.threads > 0 ? options.threads : available_threads();
    return static_cast<int>(std::min<double>(most, 1 + work / heuristics::thread_work));
  }

  // State of a tile of the pass for one column_split.
  State partial(std::int64_t tile_of_pass, std::int64_t split) {
    const std::int64_t at = (tile_of_pass * schedule_.column_splits + split) * tile_;
    return {partial_values_.data() + at * kernel_.value_slots, partial_indices_.data() + at * kernel_.index_slots};
  }

  // What one run needs besides.
  class Run {
   public:
    Run(HostStage& stage, const StageCall& call) : Run(stage, call, stage.kernel_, stage.digest_) {}
    // By another kernel of the same layout.
    Run(HostStage& stage, const StageCall& call, const KernelPlan& kernel, const Digest& digest)
        : s_(stage),
          k_(kernel),
          call_(call),
          code_(stage.backend_.kernel(kernel, digest, call.options.jit, call.hooks())),
          threads_(stage.choose_threads(call.options)) {
      if (s_.workers_.size() < static_cast<std::size_t>(threads_)) s_.workers_.resize(static_cast<std::size_t>(threads_));
    }

    void pack() {
      pack_parameters();
      pack_columns();
      if (s_.keeps_rows_) pack_rows();
    }

    void fold(const Pass& pass) {
      const double tiles = static_cast<double>(s_.tiles_), count = static_cast<double>(pass.shares.size());
      const double before = static_cast<double>(pass.tiles.from) / tiles, own = static_cast<double>(pass.tiles.size()) / tiles;
      run_tasks(
          pass.shares.size(),
          [&](std::int64_t number, int worker, TaskRunner& runner) {
            const WorkerShare& share = s_.schedule_.shares[static_cast<std::size_t>(pass.shares.from + number)];
            for (std::int64_t t = share.tasks.from; t < share.tasks.to && !runner.should_stop(); ++t) {
              fold(s_.schedule_.tasks[static_cast<std::size_t>(t)], pass, share, worker_of(worker), runner);
            }
          },
          [&](std::int64_t done) { return call_.poll(before + own * static_cast<double>(done) / count); }, threads_);
      if (s_.schedule_.column_splits == 1 || !s_.has_states()) return;
      run_tasks(
          pass.tiles.size(),
          [&](std::int64_t tile, int, TaskRunner&) {
            s_.merge(s_.partial(tile, 0), [&](std::int64_t split) { return s_.partial(tile, split); });
            s_.finish(pass.tiles.from + tile, s_.partial(tile, 0), call_.options);
          },
          [&](std::int64_t) { return !call_.interrupted(); }, k_.candidates > 0 ? threads_ : 1);
    }

   protected:
    Worker& worker_of(int number) { return s_.workers_[static_cast<std::size_t>(number)]; }

    void* work_of(Worker& worker) {
      reserve(worker.work, std::max<std::int64_t>(1, k_.work_vectors) * k_.vector_bytes);
      return worker.work.data();
    }

    // A kernel's list of what it finds: all pairs of a tile and a column_block, at most.
    void reserve_found(Worker& own, std::int64_t block) const {
      reserve(own.values, block * s_.tile_);
      reserve(own.indices, block * s_.tile_ + 1);
    }
    void collect(Worker& own, State found, std::int64_t tile, const std::int32_t* rows = nullptr,
                 const std::int32_t* columns = nullptr) {
      call_.found->count(own.found.add(k_, found, s_.tile(tile), rows, columns));
    }

    template <class Task, class Poll>
    static void run_tasks(std::int64_t count, Task task, Poll poll, int threads) {
      if (!TaskRunner(count, std::move(task), std::move(poll)).run(threads)) throw Error(ErrorKind::interrupt, "interrupted");
    }

    // What is packed is in ranges of rows.
    template <class Pack>
    void pack_in_ranges(std::int64_t rows, std::int64_t width, Pack pack) {
      const std::int64_t each = rounded_up(heuristics::packing_rows, s_.tile_);
      run_tasks(
          divided_up(rows, each),
          [&](std::int64_t range, int worker, TaskRunner&) {
            pack(Range{range * each, std::min(rows, (range + 1) * each)}, worker_of(worker));
          },
          [&](std::int64_t) { return call_.poll(0); }, rows * width < heuristics::packing_threads_from ? 1 : threads_);
    }

    // What is hoisted of rows and columns may need them.
    void pack_parameters() {
      if (all_packed(s_.data.parameter) && s_.parameters_.size() > 0) return;
      s_.pack_parameters(s_.parameters_);
      code_->hoist_parameters(s_.parameters_.data(), work_of(worker_of(0)));
      for (auto* area : {&s_.data.row, &s_.data.column}) {
        const bool has_hoisted = area == &s_.data.row ? k_.row.has_prologue : k_.column.has_prologue;
        if (!has_hoisted) continue;
        for (Source& source : *area) source.is_packed = false;
      }
    }

    void pack_tile_of(const PackedArea& area, const std::vector<Source>& sources, Tile rows, Real* tile,
                      const std::int32_t* numbers = nullptr) {
      for (std::size_t l = 0; l < area.leaves.size(); ++l) {
        const PackedLeaf& leaf = area.leaves[l];
        if (!sources[l].is_packed) pack_tile(sources[l], leaf.dim, rows, tile, leaf.offset, s_.tile_, numbers);
      }
    }

    // Columns are broadcast one by one: all components of a column side by side.
    void pack_columns() {
      const PackedArea& area = k_.column;
      std::vector<Source>& sources = s_.data.column;
      const bool is_first = s_.columns_.size() == 0;
      if (is_first) s_.columns_ = Buffer<Real>(static_cast<std::size_t>(s_.data.columns * area.width + 1));
      if (area.width == 0 || (!is_first && all_packed(sources))) return;
      bool hoists = false;
      for (std::size_t l = 0; l < sources.size(); ++l) hoists |= !sources[l].is_packed && area.leaves[l].feeds_hoisted;
      if (hoists || is_first) {
        for (Source& source : sources) source.is_packed = false;
        pack_in_ranges(s_.data.columns, area.width, [&](Range range, Worker& own) { pack_whole_columns(range, own); });
      } else {
        pack_in_ranges(s_.data.columns, area.width, [&](Range range, Worker&) {
          for (std::size_t l = 0; l < sources.size(); ++l) {
            if (sources[l].is_packed) continue;
            rkeops::pack_columns(sources[l], area.leaves[l].dim, range, s_.columns_.data() + area.leaves[l].offset, area.width);
          }
        });
      }
      for (Source& source : sources) source.is_packed = true;
    }

    void pack_whole_columns(Range range, Worker& own) {
      pack_points(k_.column, s_.data.column, range, own, s_.columns_.data() + range.from * k_.column.width,
                  [&](Real* tile) { code_->hoist_columns(s_.parameters_.data(), tile, work_of(own)); });
    }

    // To `points`, all components of a point side by side: tile by tile, as rows are, then turned round.
    template <class Hoist>
    void pack_points(const PackedArea& area, const std::vector<Source>& sources, Range range, Worker& own, Real* points,
                     const Hoist& hoist, const std::int32_t* numbers = nullptr) {
      const std::int64_t width = area.width;
      reserve(own.rows, width * s_.tile_);
      for (std::int64_t first = range.from; first < range.to; first += s_.tile_) {
        const Tile rows{first, std::min(s_.tile_, range.to - first)};
        Real *tile = own.rows.data(), *out = points + (first - range.from) * width;
        pack_tile_of(area, sources, rows, tile, numbers);
        hoist(tile);
        for (std::int64_t r = 0; r < rows.rows; ++r) {
          for (std::int64_t c = 0; c < width; ++c) out[r * width + c] = tile[c * s_.tile_ + r];
        }
      }
    }

    void pack_rows() {
      if (s_.rows_.size() > 0 && all_packed(s_.data.row)) return;
      const std::int64_t width = std::max<std::int64_t>(1, k_.row.width);
      reserve(s_.rows_, s_.tiles_ * width * s_.tile_);
      pack_in_ranges(s_.tiles_ * s_.tile_, width, [&](Range range, Worker& own) {
        for (std::int64_t t = range.from / s_.tile_; t < range.to / s_.tile_; ++t) {
          pack_row_tile(t, s_.rows_.data() + t * width * s_.tile_, own);
        }
      });
      for (Source& source : s_.data.row) source.is_packed = true;
    }

    void pack_row_tile(std::int64_t number, Real* tile, Worker& own, const std::int32_t* numbers = nullptr) {
      pack_tile_of(k_.row, s_.data.row, s_.tile(number), tile, numbers);
      code_->hoist_rows(s_.parameters_.data(), tile, work_of(own));
    }

    void fold(const Task& task, const Pass& pass, const WorkerShare& share, Worker& own, TaskRunner& runner) {
      const Schedule& schedule = s_.schedule_;
      const std::int64_t width = std::max<std::int64_t>(1, k_.row.width), block = schedule.column_block;
      const bool entries = s_.entries(), is_alone = schedule.column_splits == 1 && s_.has_states();
      if (!s_.keeps_rows_) reserve(own.rows, schedule.row_block * width * s_.tile_);
      if (s_.two_sided()) reserve(own.column_sums, k_.column_sums_size(std::min(block, s_.data.columns)));
      if (entries) {
        reserve(own.values, schedule.row_block * block * k_.dim * s_.tile_);
      } else if (k_.finds) {
        reserve_found(own, block);
      } else if (is_alone) {
        reserve(own.values, schedule.row_block * k_.value_slots * s_.tile_);
        reserve(own.indices, schedule.row_block * k_.index_slots * s_.tile_);
      }
      const auto rows_of = [&](std::int64_t t) {
        if (s_.keeps_rows_) return s_.rows_.data() + t * width * s_.tile_;
        return own.rows.data() + (t - task.tiles.from) * width * s_.tile_;
      };
      const auto state_of = [&](std::int64_t t) {
        const std::int64_t at = (t - task.tiles.from) * s_.tile_;
        if (entries) return State{own.values.data() + at * block * k_.dim, nullptr};
        if (k_.finds) return State{own.values.data(), own.indices.data()};
        if (is_alone) return State{own.values.data() + at * k_.value_slots, own.indices.data() + at * k_.index_slots};
        return s_.partial(t - pass.tiles.from, task.split);
      };
      for (std::int64_t t = task.tiles.from; t < task.tiles.to; ++t) {
        if (!s_.keeps_rows_) pack_row_tile(t, rows_of(t), own);
        start_state(k_, state_of(t));
      }
      for (std::int64_t j = task.columns.from; j < task.columns.to; j += block) {
        if (runner.should_stop()) return;
        const std::int64_t n = std::min(block, task.columns.to - j);
        if (s_.two_sided()) std::fill_n(own.column_sums.data(), k_.column_sums_size(n), Real(0));
        for (std::int64_t t = task.tiles.from; t < task.tiles.to; ++t) {
          const State state = state_of(t);
          code_->fold({s_.parameters_.data(), rows_of(t), s_.columns_.data() + j * k_.column.width, n, j, state.values,
                       state.indices, work_of(own), own.column_sums.data(), s_.tile(t).rows});
          if (k_.finds) collect(own, state, t);
        }
        if (s_.two_sided()) s_.totals_.add(share.totals, j, n, own.column_sums.data());
        if (entries) {
          const Tile &first = s_.tile(task.tiles.from), &last = s_.tile(task.tiles.to - 1);
          write_entries(k_, own.values.data(), block, first.first_row, last.first_row + last.rows, j, n, s_.data);
        }
      }
      if (k_.finds) call_.found->take(std::move(own.found));
      for (std::int64_t t = task.tiles.from; t < task.tiles.to && is_alone; ++t) s_.finish(t, state_of(t), call_.options);
    }

    HostStage& s_;
    const KernelPlan& k_;
    const StageCall& call_;
    const std::shared_ptr<const HostKernel> code_;  // not longer than the run: caches can be cleared
    const int threads_;
  };

  Backend<HostKernel>& backend_;
  const bool keeps_rows_;
  std::vector<Worker> workers_;
  Buffer<Real> parameters_, rows_, columns_;
  Buffer<double> partial_values_;
  Buffer<long long> partial_indices_;
  ColumnTotals<Real> totals_;
};

}  // namespace rkeops
