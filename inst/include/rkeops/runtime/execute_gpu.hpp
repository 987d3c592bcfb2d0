// Runs one kernel on GPUs: tiles of rows are shared out over the devices, and what does not fit their memory goes there
// piece by piece. The layout of tiles, states and their merging are those of the CPU (runtime/execute.hpp).
//
// Cuts depend on the sizes alone, so that the same inputs give the same bits; pieces that had to shrink for lack of memory
// are the exception.
#pragma once

#include "execute.hpp"
#include "gpu_area.hpp"

namespace rkeops {

template <class Real>
class GpuExecution {
 public:
  GpuExecution(const KernelPlan& kernel, const StageData& data, const RunOptions& options, const Host& host,
               double progress_from, double progress_to)
      : kernel_(kernel),
        data_(data),
        options_(options),
        host_(host),
        tile_(kernel.tile_rows()),
        tiles_((data.rows + tile_ - 1) / tile_),
        progress_from_(progress_from),
        progress_to_(progress_to) {}

  void run() {
    parameters_ = Buffer<Real>(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel_.parameter.width)));
    pack_parameters(kernel_.parameter, data_.parameter, parameters_.data());
    const std::int64_t devices = std::min<std::int64_t>(static_cast<std::int64_t>(options_.devices.size()), tiles_);
    std::vector<std::shared_ptr<const LoadedModule>> modules;
    for (std::int64_t k = 0; k < devices; ++k) {
      Gpu& gpu = Gpu::instance(options_.devices[static_cast<std::size_t>(k)]);
      if (kernel_.tensor_cores) require_tensor_cores(gpu);
      require_thread_memory(gpu);
      modules.push_back(ModuleCache::instance().get(gpu, kernel_.text, options_.jit));
    }
    TaskRunner shares(
        devices,
        [&](std::int64_t k, int, TaskRunner& runner) {
          Gpu& gpu = Gpu::instance(options_.devices[static_cast<std::size_t>(k)]);
          const Gpu::Current current(gpu);
          const Gpu::Settled settled(gpu);  // the caller's data are not read any more
          Share share{gpu,
                      *modules[static_cast<std::size_t>(k)],
                      runner,
                      GpuArea(gpu, kernel_, kernel_.row, data_.row, data_.rows),
                      GpuArea(gpu, kernel_, kernel_.column, data_.column, data_.columns),
                      {},
                      {},
                      0,
                      0};
          run_share(share, tiles_ * k / devices, tiles_ * (k + 1) / devices);
        },
        [&](std::int64_t) { return poll(); });
    if (!shares.run(static_cast<int>(devices))) throw Error(ErrorKind::interrupt, "interrupted");
  }

 private:
  struct Share {  // of one device
    Gpu& gpu;
    const LoadedModule& module;
    TaskRunner& runner;
    GpuArea row_area, column_area;
    DeviceBuffer parameters, columns;
    std::int64_t columns_from, columns_to;  // those in `columns`
  };

  static void require_tensor_cores(const Gpu& gpu) {
    if (gpu.info().major >= 8) return;
    gpu_error("GPU " + std::to_string(gpu.number()) + " (" + gpu.info().name + ") has no tensor cores for tf32",
              "They came with compute capability 8.0; rkeops_use_tensor_cores(FALSE) computes without them.");
  }

  // Threads' arrays have memory for as many threads as the GPU can run at once, however few there are.
  void require_thread_memory(const Gpu& gpu) const {
    constexpr double most_of_a_thread = 512 << 10;
    const double bytes = static_cast<double>(kernel_.work_vectors) * sizeof(Real), all = gpu.info().thread_memory(bytes);
    if (bytes < most_of_a_thread && all < 0.5 * static_cast<double>(gpu.info().memory)) return;
    throw Error(ErrorKind::memory,
                "vectors of " + std::to_string(static_cast<std::int64_t>(bytes / 1024)) +
                    " KiB for each row and column are too long for GPU " + std::to_string(gpu.number()) + " (" + gpu.info().name +
                    "), whose threads would need " + std::to_string(static_cast<std::int64_t>(all / 1048576)) + " MiB for them",
                "Compute parts of the result one by one (Extract takes them out of a vector), or use rkeops_use_cpu().");
  }

  bool poll() const {
    if (host_.progress) {
      const double all = static_cast<double>(tiles_) * static_cast<double>(data_.columns);
      host_.progress(host_.context, progress_from_ + (progress_to_ - progress_from_) * static_cast<double>(done_) / all);
    }
    return !(host_.interrupted && host_.interrupted(host_.context));
  }

  void run_share(Share& share, std::int64_t first, std::int64_t last) {
    const std::size_t bytes = parameters_.size() * sizeof(Real);
    share.parameters = DeviceBuffer(share.gpu, bytes);
    share.parameters.upload(parameters_.data(), bytes);
    if (share.module.parameter_prologue) share.gpu.launch(share.module.parameter_prologue, 1, 1, 1, 1, share.parameters.at());
    const std::int64_t column_bytes =
        (kernel_.column.width + kernel_.column_stride) * static_cast<std::int64_t>(sizeof(Real)) + share.column_area.row_bytes() + 1;
    const std::int64_t tile_bytes =
        tile_ * (kernel_.row.width * static_cast<std::int64_t>(sizeof(Real)) + share.row_area.row_bytes() +
                 splits_of() * state_bytes());
    const auto budget = [&] { return static_cast<std::int64_t>(0.8 * static_cast<double>(share.gpu.free_memory())); };
    const double needed = static_cast<double>(column_bytes) * static_cast<double>(data_.columns) +
                          static_cast<double>(tile_bytes) * static_cast<double>(std::min(last - first, most_tiles));
    std::int64_t available = budget();
    if (static_cast<double>(available) < needed && ResidentMatrices::instance().drop_unused(share.gpu.number())) {
      share.gpu.drop_pool();
      available = budget();
    }
    std::int64_t columns = std::clamp<std::int64_t>(available / 2 / column_bytes, column_step, round_up(data_.columns));
    std::int64_t tiles = std::clamp<std::int64_t>(available / 2 / std::max<std::int64_t>(1, tile_bytes), 1, most_tiles);
    if (entries()) tiles = std::clamp<std::int64_t>(entries_bytes / (entry_bytes() * entries_columns), 1, tiles);
    columns = columns / column_step * column_step;
    for (std::int64_t tile = first; tile < last;) {
      try {
        const std::int64_t to = std::min(last, tile + tiles);
        if (!run_piece(share, tile, to, columns)) return;
        tile = to;
      } catch (const Error& error) {  // smaller pieces, before it is an error
        if (error.kind != ErrorKind::memory || (tiles == 1 && columns == column_step)) throw;
        share.columns = DeviceBuffer();
        share.columns_to = 0;
        ResidentMatrices::instance().drop_unused(share.gpu.number());
        share.gpu.drop_pool();
        tiles = std::max<std::int64_t>(1, tiles / 2);
        columns = std::max(column_step, columns / 2 / column_step * column_step);
      }
    }
  }

  // All columns for the tiles [first, last); false if it was stopped.
  bool run_piece(Share& share, std::int64_t first, std::int64_t last, std::int64_t columns_at_once) {
    const std::int64_t tiles = last - first, row = first * tile_, rows = std::min(last * tile_, data_.rows) - row;
    const DeviceBuffer packed(share.gpu, static_cast<std::size_t>(tiles * kernel_.row.width * tile_) * sizeof(Real));
    share.row_area.pack(row, rows, packed.at(), share.parameters.at(), share.module.pack, share.module.row_prologue);
    if (entries()) return run_entries(share, first, last, packed, columns_at_once);
    const std::int64_t splits = splits_of();
    const std::size_t value_count = static_cast<std::size_t>(tiles * splits * kernel_.value_slots * tile_),
                      index_count = static_cast<std::size_t>(tiles * splits * kernel_.index_slots * tile_);
    static_assert(sizeof(double) == sizeof(long long), "values and indices share a buffer");
    const DeviceBuffer states(share.gpu, (value_count + index_count) * sizeof(double));
    const DevicePointer values = states.at(), indices = states.at(value_count * sizeof(double));
    share.gpu.launch(share.module.start, tiles * splits, 1, 1, kernel_.lanes, values, indices);
    const std::int64_t slice = slice_of(), at_once = tiles_at_once(share.gpu, std::min(slice, data_.columns));
    for (std::int64_t from = 0; from < data_.columns; from += columns_at_once) {
      const std::int64_t to = std::min(data_.columns, from + columns_at_once);
      load_columns(share, from, to);
      for (std::int64_t j = from; j < to; j += slice) {
        const std::int64_t n = std::min(slice, to - j), part = round_up((n + splits - 1) / splits, share_step);
        const DevicePointer columns =
            share.columns.at(static_cast<std::size_t>((j - from) * kernel_.column_stride) * sizeof(Real));
        for (std::int64_t t = 0; t < tiles; t += at_once) {
          if (share.runner.should_stop()) return false;
          const std::int64_t here = std::min(at_once, tiles - t);
          const auto number = [&](std::int64_t k) { return static_cast<std::size_t>(k * tile_); };
          share.gpu.launch(share.module.fold, here, splits, kernel_.windows(), kernel_.lanes, share.parameters.at(),
                           packed.at(number(t * kernel_.row.width) * sizeof(Real)), columns, long{n}, long{part},
                           static_cast<long long>(j), values + number(t * splits * kernel_.value_slots) * sizeof(double),
                           indices + number(t * splits * kernel_.index_slots) * sizeof(double));
          share.gpu.synchronize();
          done_ += here * n;
        }
      }
    }
    Buffer<double> host_values(value_count + index_count);
    const Gpu::Settled settled(share.gpu);
    states.download(host_values.data(), (value_count + index_count) * sizeof(double));
    share.gpu.synchronize();
    auto* host_indices = reinterpret_cast<long long*>(host_values.data() + value_count);
    for (std::int64_t t = 0; t < tiles; ++t) {
      const auto state = [&](std::int64_t split) {
        const std::int64_t at = t * splits + split;
        return State{host_values.data() + at * kernel_.value_slots * tile_,
                     host_indices + at * kernel_.index_slots * tile_};
      };
      for (std::int64_t split = 1; split < splits; ++split) merge_state(kernel_, state(0), state(split));
      const std::int64_t at = row + t * tile_;
      finish_state(kernel_, state(0), at, std::min<std::int64_t>(tile_, data_.rows - at), data_.rows,
                   data_.parts.data(), options_.index_base, options_.missing_index);
    }
    return true;
  }

  // As run_piece, where all values are wanted: block by block.
  bool run_entries(Share& share, std::int64_t first, std::int64_t last, const DeviceBuffer& packed,
                   std::int64_t columns_at_once) {
    const std::int64_t tiles = last - first, row = first * tile_, rows = std::min(last * tile_, data_.rows);
    const std::int64_t fitting = entries_bytes / (tiles * entry_bytes());
    const std::int64_t step = std::max(entries_step, fitting / entries_step * entries_step);
    const std::int64_t block_columns = std::min(step, data_.columns);
    const DeviceBuffer block(share.gpu, static_cast<std::size_t>(tiles * block_columns * entry_bytes()));
    Buffer<double> host_block(static_cast<std::size_t>(tiles * block_columns * tile_ * kernel_.dim));
    const Gpu::Settled settled(share.gpu);
    for (std::int64_t from = 0; from < data_.columns; from += columns_at_once) {
      const std::int64_t to = std::min(data_.columns, from + columns_at_once);
      load_columns(share, from, to);
      for (std::int64_t j = from; j < to; j += step) {
        if (share.runner.should_stop()) return false;
        const std::int64_t n = std::min(step, to - j), splits = (n + entries_step - 1) / entries_step;
        const DevicePointer columns =
            share.columns.at(static_cast<std::size_t>((j - from) * kernel_.column_stride) * sizeof(Real));
        share.gpu.launch(share.module.fold, tiles, splits, 1, kernel_.lanes, share.parameters.at(), packed.at(), columns,
                         long{n}, long{entries_step}, static_cast<long long>(j), block.at(), DevicePointer{});
        block.download(host_block.data(), static_cast<std::size_t>(tiles * n * entry_bytes()));
        share.gpu.synchronize();
        write_entries(kernel_, host_block.data(), n, row, rows, j, n, data_);
        done_ += tiles * n;
      }
    }
    return true;
  }

  // Columns [from, to) to the device, one after the other; they stay there until others are asked for.
  void load_columns(Share& share, std::int64_t from, std::int64_t to) {
    if (share.columns_to > 0 && share.columns_from == from && share.columns_to == to) return;
    const std::int64_t width = kernel_.column.width, n = to - from, tiles = (n + tile_ - 1) / tile_;
    share.columns_to = 0;
    constexpr std::size_t copied_too_far = 16;
    share.columns = DeviceBuffer(share.gpu, static_cast<std::size_t>(n * kernel_.column_stride) * sizeof(Real) + copied_too_far);
    if (width > 0) {
      const DeviceBuffer by_tiles(share.gpu, static_cast<std::size_t>(tiles * width * tile_) * sizeof(Real));
      share.column_area.pack(from, n, by_tiles.at(), share.parameters.at(), share.module.pack, share.module.column_prologue);
      share.gpu.launch(share.module.columns, tiles, 1, 1, kernel_.lanes, by_tiles.at(), share.columns.at(), long{n});
      share.gpu.synchronize();
    }
    share.columns_from = from;
    share.columns_to = to;
  }

  // share_step: columns that a kernel sums before it adds to the state, so that no cut is finer.
  static constexpr std::int64_t column_step = 4096, share_step = 256, most_tiles = 32768, enough_blocks = 1024;
  // Entries: bytes of a block, columns that it should have at least, and those of a CUDA block.
  static constexpr std::int64_t entries_bytes = 64 << 20, entries_columns = 256, entries_step = 64;
  bool entries() const { return kernel_.reduction.family == Family::entries; }
  std::int64_t entry_bytes() const { return tile_ * kernel_.dim * 8; }  // of a tile, for each column
  static std::int64_t round_up(std::int64_t n, std::int64_t step = column_step) { return (n + step - 1) / step * step; }

  // Of a tile and a split.
  std::int64_t state_bytes() const {
    return 8 * tile_ * std::max<std::int64_t>(1, kernel_.value_slots + kernel_.index_slots);
  }

  // Few tiles: columns are split over blocks too, unless the states of a tile would take much memory.
  std::int64_t splits_of() const {
    constexpr std::int64_t tile_bytes = 256 << 20;
    const std::int64_t least = std::max(column_step, 16 * kernel_.candidates);  // columns
    const std::int64_t most = std::min(data_.columns / least, tile_bytes / state_bytes());
    return std::clamp<std::int64_t>(enough_blocks / (tiles_ * kernel_.windows()), 1, std::max<std::int64_t>(1, most));
  }

  // Columns of a launch. Depends on the sizes and the formula alone, because sums are cut there.
  std::int64_t slice_of() const {
    constexpr double operations = 2e11;
    const double per_column = static_cast<double>(std::min(tiles_, most_tiles) * tile_) * kernel_.cost;
    const auto wanted = static_cast<std::int64_t>(std::min(1e15, operations / per_column));
    return round_up(std::max({wanted, column_step, splits_of() * share_step}), splits_of() * share_step);
  }

  // Tiles of a launch with that many columns, which should take a tenth of a second or so: only between launches can it be
  // interrupted, and a GPU with a display stops what takes seconds. No fewer than keep the GPU busy.
  std::int64_t tiles_at_once(const Gpu& gpu, std::int64_t columns) const {
    constexpr double seconds = 0.1;
    const double each = static_cast<double>(tile_) * static_cast<double>(columns) * kernel_.cost;
    const std::int64_t least = std::max<std::int64_t>(1, gpu.info().processors / (splits_of() * kernel_.windows()));
    const double wanted = seconds * gpu.info().speed(sizeof(Real) == sizeof(double)) / each;
    return std::max(least, static_cast<std::int64_t>(std::min(wanted, static_cast<double>(most_tiles))));
  }

  const KernelPlan& kernel_;
  const StageData& data_;
  const RunOptions& options_;
  const Host& host_;
  const int tile_;
  const std::int64_t tiles_;
  const double progress_from_, progress_to_;
  std::atomic<std::int64_t> done_{0};
  Buffer<Real> parameters_;
};

}  // namespace rkeops
