// Which stage computes a plan.
#pragma once

#include "../backend/cpu/cpu_backend.hpp"
#include "../runtime/gpu_stage.hpp"
#include "../runtime/stage_plan.hpp"
#include "block_stage.hpp"
#include "geometric_stage.hpp"

namespace rkeops {

template <class Real>
std::unique_ptr<Stage> make_stage_in(const StagePlan& plan, StageData data, const RunOptions& options, bool keep) {
  const KernelPlan& kernel = plan.kernel;
  Backend<HostKernel>& backend = CpuBackend::instance();
  if (options.blocks && kernel.folds_pairs()) {
    if (options.processor == Processor::gpu) {
      throw Error(ErrorKind::unsupported, "blocks of pairs are not available on GPUs", "Compute this on the CPU.");
    }
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
