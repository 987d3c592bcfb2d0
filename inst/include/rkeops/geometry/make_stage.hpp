// Which stage computes a plan.
#pragma once

#include "../backend/cpu/cpu_backend.hpp"
#include "../runtime/gpu_task_stage.hpp"
#include "../runtime/stage_plan.hpp"
#include "block_stage.hpp"
#include "geometric_stage.hpp"

namespace rkeops {

template <class Real>
std::unique_ptr<Stage> gpu_block_stage(const GeometryPlan& plan, StageData data, std::shared_ptr<const PairBlocks> blocks) {
  const BlockSide &rows = blocks->of(plan.ordered.rows), &columns = blocks->of(plan.ordered.columns);
  Schedule schedule = block_schedule(plan.ordered, rows, columns.rows());
  ColumnLists lists{groups_of(schedule.tiles, rows), rows.first, rows.kept};
  return std::make_unique<GpuTaskStage<Real>>(plan.ordered, plan.digest, std::move(data), std::move(schedule), std::move(lists),
                                              std::shared_ptr<const Order>(blocks, &rows.order),
                                              std::shared_ptr<const Order>(blocks, &columns.order));
}

template <class Real>
std::unique_ptr<Stage> make_stage_in(const StagePlan& plan, StageData data, const RunOptions& options, bool keep) {
  const KernelPlan& kernel = plan.kernel;
  Backend<HostKernel>& backend = CpuBackend::instance();
  if (options.blocks && kernel.folds_pairs()) {
    if (options.processor == Processor::gpu) return gpu_block_stage<Real>(*plan.geometry, std::move(data), options.blocks);
    return std::make_unique<BlockStage<Real>>(backend, kernel, plan.digest, *plan.geometry, std::move(data), keep,
                                              options.blocks);
  }
  if (options.processor == Processor::gpu) {
    Schedule schedule = dense_gpu_schedule(kernel, data.rows, data.columns);
    return std::make_unique<GpuStage<Real>>(kernel, plan.digest, std::move(data), std::move(schedule));
  }
  Schedule schedule = dense_schedule(kernel, data.rows, data.columns);
  if (!plan.geometry || !plan.geometry->bounds) {
    return std::make_unique<HostStage<Real>>(backend, kernel, plan.digest, std::move(data), std::move(schedule), keep);
  }
  return std::make_unique<GeometricStage<Real>>(backend, kernel, plan.digest, *plan.geometry, std::move(data),
                                                std::move(schedule), keep);
}

inline std::unique_ptr<Stage> make_stage(const StagePlan& plan, StageData data, const RunOptions& options, bool keep) {
  return plan.kernel.precision == Precision::float32 ? make_stage_in<float>(plan, std::move(data), options, keep)
                                                     : make_stage_in<double>(plan, std::move(data), options, keep);
}

}  // namespace rkeops
