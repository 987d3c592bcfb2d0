// A stage on GPUs that folds some pairs only: each tile of rows with a list of ranges of columns. Rows and columns are packed in
// orders, in which those that are folded together are neighbours; kernels take tasks from an array. Devices, batches and launches
// are those of GpuStage.
#pragma once

#include "gpu_stage.hpp"
#include "gpu_tasks.hpp"

namespace rkeops {

template <class Real>
class GpuTaskStage final : public GpuStage<Real> {
  using Base = GpuStage<Real>;
  using SharedOrder = std::shared_ptr<const std::vector<std::int32_t>>;

 public:
  // A schedule with tiles of places of rows, by a kernel that takes tasks; lists of places of columns.
  GpuTaskStage(const KernelPlan& kernel, const Digest& digest, StageData stage_data, Schedule schedule, ColumnLists lists,
               SharedOrder rows, SharedOrder columns)
      : Base(kernel, digest, std::move(stage_data), std::move(schedule)),
        tasks_(kernel, std::move(lists)),
        rows_(std::move(rows)),
        columns_(std::move(columns)) {
    this->row_order_ = rows_->data();
    this->column_order_ = columns_->data();
  }

  void run(const StageCall& call) override { TaskRun(*this, call, this->modules(call)).run(); }

 private:
  double columns_to_fold() const override { return tasks_.columns(); }
  std::int64_t first_tile(std::int64_t share, std::int64_t of) const override {
    if (share == of) return this->tiles_;
    return tasks_.tile_after(tasks_.columns() * static_cast<double>(share) / static_cast<double>(of));
  }
  std::int64_t states_of_tile() const override { return divided_up(tasks_.states({0, this->tiles_}).size(), this->tiles_); }

  class TaskRun : public Base::Run {
    using typename Base::Run::DeviceShare;

   public:
    TaskRun(const GpuTaskStage& stage, const StageCall& call, typename Base::Modules modules)
        : Base::Run(stage, call, std::move(modules)), t_(stage) {}

   private:
    using Base::Run::call_, Base::Run::k_;

    bool run_batch(DeviceShare& share, Range tiles, std::int64_t columns_at_once) override {
      const std::int64_t count = tiles.size(), tile = t_.tile_;
      const Range states = t_.tasks_.states(tiles);
      const std::vector<Range>& ranges = t_.tasks_.ranges();
      if (share.ranges.size() == 0 && !ranges.empty()) {
        share.ranges = DeviceBuffer(share.gpu, ranges.size() * sizeof(Range));
        share.ranges.upload(ranges.data(), ranges.size() * sizeof(Range));
      }
      std::vector<Range> places;
      for (std::int64_t t = tiles.from; t < tiles.to; ++t) {
        places.push_back({t_.tile(t).first_row, t_.tile(t).first_row + t_.tile(t).rows});
      }
      const DeviceBuffer rows(share.gpu, static_cast<std::size_t>(count * k_.row.width * tile) * sizeof(Real));
      share.row_area.pack(places, rows.at(), share.parameters.at(), share.module.pack, share.module.row_prologue);
      const std::int64_t value_count = states.size() * k_.value_slots * tile, index_count = states.size() * k_.index_slots * tile;
      Buffer<double> on_host(static_cast<std::size_t>(value_count + index_count));
      const DeviceBuffer memory(share.gpu, on_host.size() * sizeof(double));
      const DevicePointer values = memory.at(), indices = memory.at(static_cast<std::size_t>(value_count) * sizeof(double));
      share.gpu.launch(share.module.start, states.size(), 1, 1, k_.lanes, values, indices);
      for (std::int64_t from = 0; from < t_.data.columns; from += columns_at_once) {
        const Range batch{from, std::min(t_.data.columns, from + columns_at_once)};
        const std::vector<GpuTask> tasks = t_.tasks_.of(tiles, batch);
        if (tasks.empty()) continue;
        this->load_columns(share, batch);
        if (!fold(share, tasks, rows, values, indices)) return false;
      }
      const Gpu::Settled settled(share.gpu);
      memory.download(on_host.data(), on_host.size() * sizeof(double));
      share.gpu.synchronize();
      const auto state = [&](std::int64_t number) {
        const std::int64_t at = (number - states.from) * tile;
        return State{on_host.data() + at * k_.value_slots,
                     reinterpret_cast<long long*>(on_host.data() + value_count) + at * k_.index_slots};
      };
      Buffer<double> results(0);
      for (std::int64_t t = tiles.from; t < tiles.to; ++t) {
        const Range own = t_.tasks_.states({t, t + 1});
        for (std::int64_t s = own.from + 1; s < own.to; ++s) merge_state(k_, state(own.from), state(s));
        t_.finish(t_.tile(t), state(own.from), call_.options, t_.row_order_, results);
      }
      return true;
    }

    // As many tasks at a time as keep the GPU busy, but no longer than a launch may take.
    bool fold(DeviceShare& share, const std::vector<GpuTask>& tasks, const DeviceBuffer& rows, DevicePointer values,
              DevicePointer indices) {
      const DeviceBuffer list(share.gpu, tasks.size() * sizeof(GpuTask));
      const Gpu::Settled settled(share.gpu);
      list.upload(tasks.data(), tasks.size() * sizeof(GpuTask));
      const std::int64_t base = share.loaded.from;
      for (std::size_t first = 0, end = 0; first < tasks.size(); first = end) {
        if (share.runner.should_stop()) return false;
        std::int64_t columns = 0;
        const auto few = [&] { return static_cast<std::int64_t>(end - first) < this->least_at_once(share.gpu, 1); };
        while (end < tasks.size() && (few() || static_cast<double>(columns) < this->columns_at_once(share.gpu))) {
          columns += tasks[end++].count;
        }
        share.gpu.launch(share.module.fold, static_cast<std::int64_t>(end - first), 1, k_.windows(), k_.lanes,
                         share.parameters.at(), rows.at(), this->column(share, base), share.column_area.order(), base,
                         share.ranges.at(), list.at(first * sizeof(GpuTask)), values, indices);
        share.gpu.synchronize();
        this->done_ += columns;
      }
      return true;
    }

    const GpuTaskStage& t_;
  };

  const GpuTasks tasks_;
  const SharedOrder rows_, columns_;
};

}  // namespace rkeops
