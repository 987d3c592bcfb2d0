// The stages of a program on bound inputs, with what is kept between runs: packed operands and results of inner stages.
#pragma once

#include <cmath>
#include <list>
#include <map>
#include <set>

#include "bind.hpp"
#include "stage_plan.hpp"

namespace rkeops {

// What a fold over no columns at all, or for no rows, gives, or an error where there is nothing neutral.
inline void finish_empty(const KernelPlan& kernel, const StageData& data) {
  kernel.reducer().empty(kernel, {data.parts.data(), 0, data.rows, data.rows, 0, 0}, data.columns);
}

class Execution {
 public:
  // `inputs` fit `sizes`, `options` live as long as this. `keep`: there will be more runs.
  Execution(std::shared_ptr<const ProgramPlan> plan, const std::vector<Input>& inputs, const Sizes& sizes,
            const RunOptions& options, MakeStage make_stage, bool keep)
      : plan_(std::move(plan)), options_(options), inner_options_(options), make_stage_(make_stage), stages_(plan_->stages.size()) {
    inner_options_.index_base = 0;  // positions that formulas read
    inner_options_.missing_index = std::nan("");
    inner_options_.tolerance = 0;  // what later stages make of an error is not known
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

  // `found`: where the pairs go, if that is what the program gives.
  void run(const std::vector<double*>& outputs, const Host& host, PairCollector* found = nullptr) {
    const std::vector<bool> needed = needed_for(outputs);
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (!needed[s]) continue;
      BoundStage& bound = stages_[s];
      const StagePlan& plan = plan_->stages[s];
      if (plan.part >= 0) {
        if (options_.tolerance > 0 && plan.kernel.reducer().adds()) call(s, host).certify(0);
        bound.data().parts.assign(outputs.begin() + static_cast<std::ptrdiff_t>(plan.part), outputs.end());
      } else if (bound.is_done) {
        continue;
      }
      if (bound.folds()) {
        bound.stage->run(call(s, host, found));
      } else if (bound.empty.rows > 0 || plan.kernel.column_sums > 0) {
        finish_empty(plan.kernel, bound.empty);
      }
      bound.is_done = true;
      if (plan.part < 0) changed(plan.node);
      if (plan.other_node >= 0) changed(plan.other_node);
      for (const ReadingPlan& reading : plan.readings) {
        find_reading(reading, results_.at(reading.source), results_.at(reading.node));
        changed(reading.node);
      }
    }
    for (const Write& write : plan_->writes) {
      if (!outputs[static_cast<std::size_t>(write.part)]) continue;
      const Input& result = results_.at(write.node);
      std::copy_n(static_cast<const double*>(result.data), result.rows * result.cols,
                  outputs[static_cast<std::size_t>(write.part)]);
    }
  }

 private:
  struct BoundStage {
    std::unique_ptr<Stage> stage;  // none where there are no rows, or no columns
    StageData empty;               // then
    Buffer<double> result, other;  // of an inner stage
    bool is_done = false;          // and is what its inputs give

    bool folds() const { return stage != nullptr; }
    StageData& data() { return stage ? stage->data : empty; }
  };

  void bind(std::size_t s, const std::vector<Input>& inputs, const Sizes& sizes, bool keep) {
    const StagePlan& plan = plan_->stages[s];
    const KernelPlan& kernel = plan.kernel;
    StageData data{{}, {}, {}, sizes.of(kernel.rows), sizes.of(kernel.columns), {}, plan.widths};
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
      results_[plan.node] = buffer(bound.result, data.rows, plan.width);
      data.parts = {bound.result.data()};
    }
    if (plan.other_node >= 0) {
      results_[plan.other_node] = buffer(bound.other, data.columns, plan.other_width);
      data.parts.push_back(bound.other.data());
    }
    for (const ReadingPlan& reading : plan.readings) {
      const Input& source = results_.at(reading.source);
      if (reading.how == Found::columns) {
        results_[reading.node] = source;
        results_[reading.node].data = static_cast<const double*>(source.data) + reading.from * source.rows;
        results_[reading.node].cols = reading.width;
      } else {
        found_.emplace_back();
        results_[reading.node] = buffer(found_.back(), reading.how == Found::row_total ? 1 : source.rows, reading.width);
      }
    }
    if (data.rows == 0 || data.columns == 0) {
      bound.empty = std::move(data);
    } else {
      bound.stage = make_stage_(plan, std::move(data), options_, keep);
    }
  }

  static Input buffer(Buffer<double>& memory, std::int64_t rows, std::int64_t columns) {
    memory = Buffer<double>(static_cast<std::size_t>(rows * columns));
    return {Input::Type::real64, memory.data(), rows, columns, false};
  }

  // A result of a reduction is not what was packed.
  void changed(std::int64_t node) {
    for (BoundStage& later : stages_) change(later, PackedLeaf::From::stage, node, nullptr);
  }

  // A leaf of that origin is not what was packed.
  static void change(BoundStage& bound, PackedLeaf::From from, std::int64_t index, const Input* input) {
    if (!bound.folds()) return;
    const KernelPlan& kernel = bound.stage->kernel();
    const auto change_area = [&](const PackedArea& area, std::vector<Source>& sources) {
      for (std::size_t l = 0; l < sources.size(); ++l) {
        if (area.leaves[l].from != from || area.leaves[l].index != index) continue;
        if (input) sources[l].input = *input;
        sources[l].change();
        bound.is_done = false;
      }
    };
    change_area(kernel.row, bound.stage->data.row);
    change_area(kernel.column, bound.stage->data.column);
    change_area(kernel.parameter, bound.stage->data.parameter);
  }

  // The nodes of the reductions that a stage reads.
  static std::set<std::int64_t> read_by(const KernelPlan& kernel) {
    std::set<std::int64_t> read;
    for (const PackedArea* area : {&kernel.row, &kernel.column, &kernel.parameter}) {
      for (const PackedLeaf& leaf : area->leaves) {
        if (leaf.from == PackedLeaf::From::stage) read.insert(leaf.index);
      }
    }
    return read;
  }
  bool reads_stages(std::size_t s) const { return !read_by(plan_->stages[s].kernel).empty(); }

  std::vector<bool> needed_for(const std::vector<double*>& outputs) const {
    std::vector<bool> needed(stages_.size(), true);
    if (std::find(outputs.begin(), outputs.end(), nullptr) == outputs.end()) return needed;
    std::set<std::int64_t> read;
    for (const Write& write : plan_->writes) {
      if (outputs[static_cast<std::size_t>(write.part)]) read.insert(write.node);
    }
    for (std::size_t s = stages_.size(); s-- > 0;) {
      const StagePlan& plan = plan_->stages[s];
      needed[s] = read.count(plan.node) + read.count(plan.other_node) > 0;
      for (std::int64_t k = 0; plan.part >= 0 && k < plan.parts; ++k) {
        needed[s] = needed[s] || outputs[static_cast<std::size_t>(plan.part + k)];
      }
      for (const ReadingPlan& reading : plan.readings) needed[s] = needed[s] || read.count(reading.node) > 0;
      if (needed[s]) read.merge(read_by(plan.kernel));
    }
    return needed;
  }

  StageCall call(std::size_t s, const Host& host, PairCollector* found = nullptr) const {
    const double share = 1.0 / static_cast<double>(stages_.size()), from = share * static_cast<double>(s);
    return {plan_->stages[s].part < 0 ? inner_options_ : options_, host, from, from + share, found};
  }

  const std::shared_ptr<const ProgramPlan> plan_;
  const RunOptions& options_;
  RunOptions inner_options_;
  const MakeStage make_stage_;
  std::vector<BoundStage> stages_;
  std::map<std::int64_t, Input> results_;  // of reductions, by node
  std::list<Buffer<double>> found_;        // those of readings
};

}  // namespace rkeops
