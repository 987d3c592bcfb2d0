// A stage on GPUs: each has a device_share, a range of tiles. What does not fit its memory goes there in memory_batches of
// tiles and columns; a launch takes a launch_range of columns and as many tiles as take a tenth of a second.
//
//              columns ->
//              launch_range 0      launch_range 1
//            +---------+---------+---------+--------     memory_batch: tiles and columns that are on the device at a time
//   device_  | split 0 | split 1 | split 0 | split 1     column_split: columns of a CUDA block, with a state of its own
//   share 0  | ...
//   ---------+-------
//   device_  | ...
//   share 1  |
//
// Layout of tiles and states, and their merging, are those of the CPU (runtime/host_stage.hpp). Batches that had to shrink
// for lack of memory are the only cuts that do not depend on the sizes alone.
#pragma once

#include "gpu_area.hpp"
#include "stage.hpp"

namespace rkeops {

template <class Real>
class GpuStage : public Stage {
 public:
  GpuStage(const KernelPlan& kernel, const Digest& digest, StageData stage_data, Schedule schedule)
      : Stage(kernel, digest, std::move(stage_data), std::move(schedule)) {}

  void prepare(const StageCall& call) override { modules(call); }

  void run(const StageCall& call) override { Run(*this, call, modules(call)).run(); }

 protected:
  using Modules = std::vector<std::shared_ptr<const LoadedModule>>;  // one for each device

  Modules modules(const StageCall& call) {
    pack_parameters(parameters_);
    Modules list;
    for (std::int64_t k = 0; k < devices(call.options); ++k) {
      Gpu& gpu = Gpu::instance(call.options.devices[static_cast<std::size_t>(k)]);
      if (kernel_.tensor_cores) require_tensor_cores(gpu);
      require_thread_memory(gpu);
      list.push_back(GpuBackend::of(gpu).kernel(kernel_, digest_, call.options.jit, call.hooks()));
    }
    return list;
  }

  std::int64_t devices(const RunOptions& options) const {
    return std::min<std::int64_t>(static_cast<std::int64_t>(options.devices.size()), tiles_);
  }

  static void require_tensor_cores(const Gpu& gpu) {
    if (gpu.info().major >= 8) return;
    gpu_error("GPU " + std::to_string(gpu.number()) + " (" + gpu.info().name + ") has no tensor cores for tf32",
              "They came with compute capability 8.0; rkeops_use_tensor_cores(FALSE) computes without them.");
  }

  // Threads' arrays have memory for as many threads as the GPU can run at once, however few there are.
  void require_thread_memory(const Gpu& gpu) const {
    const double bytes = static_cast<double>(kernel_.work_vectors) * sizeof(Real), all = gpu.info().thread_memory(bytes);
    if (bytes < heuristics::gpu_thread_bytes && all < 0.5 * static_cast<double>(gpu.info().memory)) return;
    throw Error(ErrorKind::memory,
                "vectors of " + std::to_string(static_cast<std::int64_t>(bytes / 1024)) +
                    " KiB for each row and column are too long for GPU " + std::to_string(gpu.number()) + " (" + gpu.info().name +
                    "), whose threads would need " + std::to_string(static_cast<std::int64_t>(all / 1048576)) + " MiB for them",
                "Compute parts of the result one by one (Extract takes them out of a vector), or use rkeops_use_cpu().");
  }

  bool entries() const { return kernel_.pairs; }
  std::int64_t entry_bytes() const { return tile_ * kernel_.dim * 8; }  // of a tile, for each column
  std::int64_t splits() const { return schedule_.column_splits; }
  // By all tiles together.
  virtual double columns_to_fold() const { return static_cast<double>(tiles_) * static_cast<double>(data.columns); }
  virtual std::int64_t first_tile(std::int64_t share, std::int64_t of) const { return tiles_ * share / of; }
  virtual std::int64_t states_of_tile() const { return splits(); }  // on average

  // What one run needs besides.
  class Run {
   public:
    Run(const GpuStage& stage, const StageCall& call, Modules modules)
        : s_(stage), k_(stage.kernel_), call_(call), modules_(std::move(modules)) {}
    virtual ~Run() = default;

    void run() {
      const auto devices = static_cast<std::int64_t>(modules_.size());
      TaskRunner shares(
          devices,
          [&](std::int64_t k, int, TaskRunner& runner) {
            Gpu& gpu = Gpu::instance(call_.options.devices[static_cast<std::size_t>(k)]);
            const Gpu::Current current(gpu);
            const Gpu::Settled settled(gpu);  // the caller's data are not read any more
            DeviceShare share{gpu,
                              *modules_[static_cast<std::size_t>(k)],
                              runner,
                              GpuArea(gpu, k_, k_.row, s_.data.row, s_.data.rows, s_.row_order_),
                              GpuArea(gpu, k_, k_.column, s_.data.column, s_.data.columns, s_.column_order_),
                              {},
                              {},
                              {},
                              {}};
            run_share(share, {s_.first_tile(k, devices), s_.first_tile(k + 1, devices)});
          },
          [&](std::int64_t) {
            return call_.poll(static_cast<double>(done_) / std::max(1.0, s_.columns_to_fold()));
          });
      if (!shares.run(static_cast<int>(devices))) throw Error(ErrorKind::interrupt, "interrupted");
    }

   protected:
    struct DeviceShare {
      Gpu& gpu;
      const LoadedModule& module;
      TaskRunner& runner;
      GpuArea row_area, column_area;
      DeviceBuffer parameters, columns;
      Range loaded;         // columns that are in `columns`
      DeviceBuffer ranges;  // of columns, where tasks have some
    };

    static constexpr std::int64_t step = heuristics::gpu_column_step;

    void run_share(DeviceShare& share, Range tiles) {
      using namespace heuristics;
      const std::size_t bytes = s_.parameters_.size() * sizeof(Real);
      share.parameters = DeviceBuffer(share.gpu, bytes);
      share.parameters.upload(s_.parameters_.data(), bytes);
      if (share.module.parameter_prologue) share.gpu.launch(share.module.parameter_prologue, 1, 1, 1, 1, share.parameters.at());
      constexpr auto number_bytes = static_cast<std::int64_t>(sizeof(Real));
      const std::int64_t column_bytes = (k_.column.width + k_.column_stride) * number_bytes + share.column_area.row_bytes() + 1;
      const std::int64_t state_bytes = s_.states_of_tile() * std::max<std::int64_t>(1, k_.value_slots + k_.index_slots) * 8;
      const std::int64_t tile_bytes = s_.tile_ * (k_.row.width * number_bytes + share.row_area.row_bytes() + state_bytes);
      const auto budget = [&] {
        return static_cast<std::int64_t>(gpu_memory_share * static_cast<double>(share.gpu.free_memory()));
      };
      const double needed = static_cast<double>(column_bytes) * static_cast<double>(s_.data.columns) +
                            static_cast<double>(tile_bytes) * static_cast<double>(std::min(tiles.size(), gpu_most_tiles));
      std::int64_t available = budget();
      if (static_cast<double>(available) < needed && ResidentMatrices::instance().drop_unused(share.gpu.number())) {
        share.gpu.drop_pool();
        available = budget();
      }
      std::int64_t columns = std::clamp<std::int64_t>(available / 2 / column_bytes, step, rounded_up(s_.data.columns, step));
      std::int64_t count = std::clamp<std::int64_t>(available / 2 / std::max<std::int64_t>(1, tile_bytes), 1, gpu_most_tiles);
      if (s_.entries()) {
        count = std::clamp<std::int64_t>(gpu_entries_bytes / (s_.entry_bytes() * gpu_entries_columns), 1, count);
      }
      columns = columns / step * step;
      for (std::int64_t tile = tiles.from; tile < tiles.to;) {
        try {
          const std::int64_t to = std::min(tiles.to, tile + count);
          if (!run_batch(share, {tile, to}, columns)) return;
          tile = to;
        } catch (const Error& error) {  // smaller batches, before it is an error
          if (error.kind != ErrorKind::memory || (count == 1 && columns == step)) throw;
          share.columns = DeviceBuffer();
          share.loaded = {};
          ResidentMatrices::instance().drop_unused(share.gpu.number());
          share.gpu.drop_pool();
          count = std::max<std::int64_t>(1, count / 2);
          columns = std::max(step, columns / 2 / step * step);
        }
      }
    }

    // Calls use(columns) for the columns of each task, cut where those that fit the memory end; they are loaded then. False
    // if it was stopped.
    template <class Use>
    bool for_columns(DeviceShare& share, std::int64_t at_once, Use use) {
      for (std::int64_t from = 0; from < s_.data.columns; from += at_once) {
        const Range batch{from, std::min(s_.data.columns, from + at_once)};
        load_columns(share, batch);
        for (const Task& task : s_.schedule_.tasks) {
          const Range columns{std::max(batch.from, task.columns.from), std::min(batch.to, task.columns.to)};
          if (columns.size() > 0 && !use(columns)) return false;
        }
      }
      return true;
    }

    DevicePointer column(const DeviceShare& share, std::int64_t number) const {
      return share.columns.at(static_cast<std::size_t>((number - share.loaded.from) * k_.column_stride) * sizeof(Real));
    }

    // All columns for these tiles; false if it was stopped.
    virtual bool run_batch(DeviceShare& share, Range tiles, std::int64_t columns_at_once) {
      const std::int64_t count = tiles.size(), row = s_.tile(tiles.from).first_row;
      const Tile& last = s_.tile(tiles.to - 1);
      const DeviceBuffer packed(share.gpu, static_cast<std::size_t>(count * k_.row.width * s_.tile_) * sizeof(Real));
      share.row_area.pack(row, last.first_row + last.rows - row, packed.at(), share.parameters.at(), share.module.pack,
                          share.module.row_prologue);
      if (s_.entries()) return run_entries(share, tiles, packed, columns_at_once);
      const std::int64_t splits = s_.splits();
      const auto numbers = [&](std::int64_t each) { return static_cast<std::size_t>(count * splits * each * s_.tile_); };
      const std::size_t value_count = numbers(k_.value_slots), all = value_count + numbers(k_.index_slots);
      static_assert(sizeof(double) == sizeof(long long), "values and indices share a buffer");
      const DeviceBuffer states(share.gpu, all * sizeof(double));
      const DevicePointer values = states.at(), indices = states.at(value_count * sizeof(double));
      Buffer<double> merged(all), next(0);
      const auto state = [&](Buffer<double>& buffer, std::int64_t t, std::int64_t split) {
        const std::int64_t at = (t * splits + split) * s_.tile_;
        return State{buffer.data() + at * k_.value_slots,
                     reinterpret_cast<long long*>(buffer.data() + value_count) + at * k_.index_slots};
      };
      // Splits take turns with the columns of each launch_range, so that their states are merged after each, in the order
      // of the columns; a single one goes on.
      bool is_first = true;
      const Gpu::Settled settled(share.gpu);
      const auto fetch = [&](Buffer<double>& to) {
        states.download(to.data(), all * sizeof(double));
        share.gpu.synchronize();
      };
      const bool finished = for_columns(share, columns_at_once, [&](Range columns) {
        if (is_first || splits > 1) share.gpu.launch(share.module.start, count * splits, 1, 1, k_.lanes, values, indices);
        if (!fold(share, count, columns, packed, values, indices)) return false;
        if (splits > 1) {
          if (!is_first && next.size() == 0) next = Buffer<double>(all);
          fetch(is_first ? merged : next);
          for (std::int64_t t = 0; t < count; ++t) {
            s_.merge(state(merged, t, 0), [&](std::int64_t split) { return state(is_first ? merged : next, t, split); },
                     is_first ? 1 : 0);
          }
        }
        is_first = false;
        return true;
      });
      if (!finished) return false;
      if (splits == 1) fetch(merged);
      for (std::int64_t t = 0; t < count; ++t) s_.finish(tiles.from + t, state(merged, t, 0), call_.options);
      return true;
    }

    // These columns into the states of `count` packed tiles.
    bool fold(DeviceShare& share, std::int64_t count, Range columns, const DeviceBuffer& packed, DevicePointer values,
              DevicePointer indices) {
      const std::int64_t splits = s_.splits(), n = columns.size();
      const std::int64_t part = rounded_up(divided_up(n, splits), heuristics::gpu_split_step);
      const std::int64_t at_once = tiles_at_once(share.gpu, n);
      for (std::int64_t t = 0; t < count; t += at_once) {
        if (share.runner.should_stop()) return false;
        const std::int64_t here = std::min(at_once, count - t);
        const auto bytes = [&](std::int64_t each, std::size_t size) {
          return static_cast<std::size_t>(t * s_.tile_ * each) * size;
        };
        share.gpu.launch(share.module.fold, here, splits, k_.windows(), k_.lanes, share.parameters.at(),
                         packed.at(bytes(k_.row.width, sizeof(Real))), column(share, columns.from), n, part, columns.from,
                         values + bytes(splits * k_.value_slots, sizeof(double)),
                         indices + bytes(splits * k_.index_slots, sizeof(double)));
        share.gpu.synchronize();
        done_ += here * n;
      }
      return true;
    }

    // As run_batch, where all values are wanted: block by block.
    bool run_entries(DeviceShare& share, Range tiles, const DeviceBuffer& packed, std::int64_t columns_at_once) {
      const std::int64_t count = tiles.size(), split = s_.schedule_.column_block, row = s_.tile(tiles.from).first_row;
      const std::int64_t end = s_.tile(tiles.to - 1).first_row + s_.tile(tiles.to - 1).rows;
      const std::int64_t fitting = heuristics::gpu_entries_bytes / (count * s_.entry_bytes());
      const std::int64_t most = std::max(split, fitting / split * split), block_columns = std::min(most, s_.data.columns);
      const DeviceBuffer block(share.gpu, static_cast<std::size_t>(count * block_columns * s_.entry_bytes()));
      Buffer<double> host_block(static_cast<std::size_t>(count * block_columns * s_.tile_ * k_.dim));
      const Gpu::Settled settled(share.gpu);
      return for_columns(share, columns_at_once, [&](Range columns) {
        for (std::int64_t j = columns.from; j < columns.to; j += most) {
          if (share.runner.should_stop()) return false;
          const std::int64_t n = std::min(most, columns.to - j);
          share.gpu.launch(share.module.fold, count, divided_up(n, split), 1, k_.lanes, share.parameters.at(), packed.at(),
                           column(share, j), n, split, j, block.at(), DevicePointer{});
          block.download(host_block.data(), static_cast<std::size_t>(count * n * s_.entry_bytes()));
          share.gpu.synchronize();
          write_entries(k_, host_block.data(), n, row, end, j, n, s_.data);
          done_ += count * n;
        }
        return true;
      });
    }

    // These columns to the device, one after the other; they stay there until others are asked for.
    void load_columns(DeviceShare& share, Range columns) {
      if (share.loaded.to > 0 && share.loaded.from == columns.from && share.loaded.to == columns.to) return;
      const std::int64_t width = k_.column.width, n = columns.size(), tiles = divided_up(n, s_.tile_);
      share.loaded = {};
      constexpr std::size_t copied_too_far = 16;
      share.columns = DeviceBuffer(share.gpu, static_cast<std::size_t>(n * k_.column_stride) * sizeof(Real) + copied_too_far);
      if (width > 0) {
        const DeviceBuffer by_tiles(share.gpu, static_cast<std::size_t>(tiles * width * s_.tile_) * sizeof(Real));
        share.column_area.pack(columns.from, n, by_tiles.at(), share.parameters.at(), share.module.pack,
                               share.module.column_prologue);
        share.gpu.launch(share.module.columns, tiles, 1, 1, k_.lanes, by_tiles.at(), share.columns.at(), n);
        share.gpu.synchronize();
      }
      share.loaded = columns;
    }

    // Tiles of a launch with that many columns: only between launches can it be interrupted, and a GPU with a display stops
    // what takes seconds. No fewer than keep the GPU busy.
    std::int64_t tiles_at_once(const Gpu& gpu, std::int64_t columns) const {
      const double wanted = columns_at_once(gpu) / static_cast<double>(columns);
      return std::max(least_at_once(gpu, s_.splits()),
                      static_cast<std::int64_t>(std::min(wanted, static_cast<double>(heuristics::gpu_most_tiles))));
    }
    std::int64_t least_at_once(const Gpu& gpu, std::int64_t blocks) const {
      return std::max<std::int64_t>(1, gpu.info().processors / (blocks * k_.windows()));
    }
    // Of all tiles of a launch together.
    double columns_at_once(const Gpu& gpu) const {
      const double speed = gpu.info().speed(sizeof(Real) == sizeof(double));
      return heuristics::gpu_launch_seconds * speed / (static_cast<double>(s_.tile_) * k_.cost);
    }

    const GpuStage& s_;
    const KernelPlan& k_;
    const StageCall& call_;
    const Modules modules_;
    std::atomic<std::int64_t> done_{0};
  };

  const std::int32_t *row_order_ = nullptr, *column_order_ = nullptr;  // where kernels pack by places

 private:
  Buffer<Real> parameters_;
};

}  // namespace rkeops
