// The stages of a program on bound inputs, with what is kept between runs: packed operands and results of inner stages.
#pragma once

#include <cmath>
#include <map>

#include "../backend/cpu/cpu_backend.hpp"
#include "bind.hpp"
#include "gpu_stage.hpp"
#include "host_stage.hpp"

namespace rkeops {

// How a program is computed for one target; made once, never changed.
struct StagePlan {
  KernelPlan kernel;
  Digest digest;              // of its text
  std::int64_t node, width;   // an inner stage: what later stages know its result by, and its columns
  std::int64_t part;          // others write the output, from this part on; -1 for inner ones
};

using ProgramPlan = std::vector<StagePlan>;

// What a fold over no columns at all, or for no rows, gives, or an error where there is nothing neutral.
inline void finish_empty(const KernelPlan& kernel, const StageData& data) {
  kernel.reducer().empty(kernel, {data.parts.data(), 0, data.rows, data.rows, 0, 0}, data.columns);
}

class Execution {
 public:
  // `inputs` fit `sizes`, `options` live as long as this. `keep`: there will be more runs.
  Execution(std::shared_ptr<const ProgramPlan> plan, const std::vector<Input>& inputs, const Sizes& sizes,
            const RunOptions& options, bool keep)
      : plan_(std::move(plan)), options_(options), stages_(plan_->size()) {
    if (plan_->front().part < 0) {  // positions that formulas read count from 0
      inner_options_ = options;
      inner_options_.index_base = 0;
      inner_options_.missing_index = std::nan("");
    }
    for (std::size_t s = 0; s < stages_.size(); ++s) bind(s, inputs, sizes, keep);
  }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // Other data of the same shape for one input.
  void set(std::int64_t position, const Input& input) {
    for (BoundStage& stage : stages_) change(stage, PackedLeaf::From::input, position, &input);
  }

  // What can be done without results of inner stages.
  void prepare(const Host& host) {
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (stages_[s].folds() && !reads_stages(s)) stages_[s].stage->prepare(call(s, host));
    }
  }

  void run(const std::vector<double*>& outputs, const Host& host) {
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      BoundStage& bound = stages_[s];
      const StagePlan& plan = (*plan_)[s];
      if (plan.part >= 0) {
        bound.data().parts.assign(outputs.begin() + static_cast<std::ptrdiff_t>(plan.part), outputs.end());
      } else if (bound.is_done) {
        continue;
      }
      if (bound.folds()) {
        bound.stage->run(call(s, host));
      } else if (bound.empty.rows > 0 || plan.kernel.column_sums > 0) {
        finish_empty(plan.kernel, bound.empty);
      }
      bound.is_done = true;
      if (plan.part < 0) {
        for (BoundStage& later : stages_) change(later, PackedLeaf::From::stage, plan.node, nullptr);
      }
    }
  }

 private:
  struct BoundStage {
    std::unique_ptr<Stage> stage;  // none where there are no rows, or no columns
    StageData empty;               // then
    Buffer<double> result;         // of an inner stage
    bool is_done = false;          // and is what its inputs give

    bool folds() const { return stage != nullptr; }
    StageData& data() { return stage ? stage->data : empty; }
  };

  void bind(std::size_t s, const std::vector<Input>& inputs, const Sizes& sizes, bool keep) {
    const StagePlan& plan = (*plan_)[s];
    const KernelPlan& kernel = plan.kernel;
    StageData data{{}, {}, {}, sizes.of(kernel.rows), sizes.of(kernel.columns), {}};
    const auto sources = [&](const PackedArea& area) {
      std::vector<Source> list;
      for (const PackedLeaf& leaf : area.leaves) {
        Input input;
        if (leaf.from == PackedLeaf::From::input) input = inputs[static_cast<std::size_t>(leaf.index)];
        if (leaf.from == PackedLeaf::From::stage) input = results_.at(leaf.index);
        list.push_back({input, leaf.part});
      }
      return list;
    };
    data.row = sources(kernel.row);
    data.column = sources(kernel.column);
    data.parameter = sources(kernel.parameter);
    BoundStage& bound = stages_[s];
    if (plan.part < 0) {
      bound.result = Buffer<double>(static_cast<std::size_t>(data.rows * plan.width));
      data.parts = {bound.result.data()};
      results_[plan.node] = Input{Input::Type::real64, bound.result.data(), data.rows, plan.width, false};
    }
    if (data.rows == 0 || data.columns == 0) {
      bound.empty = std::move(data);
    } else if (kernel.precision == Precision::float32) {
      bound.stage = make_stage<float>(plan, std::move(data), keep);
    } else {
      bound.stage = make_stage<double>(plan, std::move(data), keep);
    }
  }

  template <class Real>
  std::unique_ptr<Stage> make_stage(const StagePlan& plan, StageData data, bool keep) const {
    const KernelPlan& kernel = plan.kernel;
    if (options_.processor == Processor::gpu) {
      Schedule schedule = dense_gpu_schedule(kernel, data.rows, data.columns);
      return std::make_unique<GpuStage<Real>>(kernel, plan.digest, std::move(data), std::move(schedule));
    }
    Schedule schedule = dense_schedule(kernel, data.rows, data.columns);
    return std::make_unique<HostStage<Real>>(CpuBackend::instance(), kernel, plan.digest, std::move(data),
                                             std::move(schedule), keep);
  }

  // A leaf of that origin is not what was packed.
  static void change(BoundStage& bound, PackedLeaf::From from, std::int64_t index, const Input* input) {
    if (!bound.folds()) return;
    const KernelPlan& kernel = bound.stage->kernel();
    const auto change_area = [&](const PackedArea& area, std::vector<Source>& sources) {
      for (std::size_t l = 0; l < sources.size(); ++l) {
        if (area.leaves[l].from != from || area.leaves[l].index != index) continue;
        if (input) sources[l].input = *input;
        sources[l].is_packed = bound.is_done = false;
      }
    };
    change_area(kernel.row, bound.stage->data.row);
    change_area(kernel.column, bound.stage->data.column);
    change_area(kernel.parameter, bound.stage->data.parameter);
  }

  bool reads_stages(std::size_t s) const {
    const KernelPlan& kernel = (*plan_)[s].kernel;
    for (const PackedArea* area : {&kernel.row, &kernel.column, &kernel.parameter}) {
      for (const PackedLeaf& leaf : area->leaves) {
        if (leaf.from == PackedLeaf::From::stage) return true;
      }
    }
    return false;
  }

  StageCall call(std::size_t s, const Host& host) const {
    const double share = 1.0 / static_cast<double>(stages_.size()), from = share * static_cast<double>(s);
    return {(*plan_)[s].part < 0 ? inner_options_ : options_, host, from, from + share};
  }

  const std::shared_ptr<const ProgramPlan> plan_;
  const RunOptions& options_;
  RunOptions inner_options_;
  std::vector<BoundStage> stages_;
  std::map<std::int64_t, Input> results_;  // of inner stages, by node
};

}  // namespace rkeops
