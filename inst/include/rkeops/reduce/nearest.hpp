// The K smallest values of each component, and their rows. Order is that of value, then of position. NaN is passed over.
#pragma once

#include "nearest_selected.hpp"
#include "nearest_sorted.hpp"

namespace rkeops {

class NearestReducer : public Reducer {
 public:
  std::int64_t dim(const Reduction&, const Exprs& args, std::int64_t k) const override {
    return args[0]->dim * k;  // component c of rank r is at r + K * c
  }
  void differentiate(Expr reduction, Expr adjoint, Care care, const Contribute& add) const override {
    const Category folded = folded_category(reduction);
    const Expr f = reduction.arg(0);
    const std::int64_t k = k_of(reduction);
    const Expr at = reduce(Reducing::ArgKMin, {f}, folded, result_category(reduction), k);
    const Expr of_f = call(Op::MatVecMult, masked(adjoint, selected(at, folded)), f.graph().constant(1, k));
    add(f, of_f, static_cast<Care>(care | care_for_all));
  }
  void lay_out(StateLayout& layout) const override {
    layout.candidates = layout.k < heuristics::least_selected_k ? 0 : heuristics::candidates_of(layout.k);
    layout.value_slots = layout.dim * (layout.candidates > 0 ? layout.candidates + 1 : layout.k);
    layout.index_slots = layout.value_slots;
  }
  double start_value(const StateLayout&, std::int64_t) const override { return std::nan(""); }
  void merge(const StateLayout& layout, const StateRows& into, const StateRows& next) const override {
    for (std::int64_t row = 0; row < into.rows; ++row) {
      for (std::int64_t component = 0; component < layout.dim; ++component) {
        if (layout.candidates > 0) CandidateStates::merge(layout, into, next, row, component);
        else SortedStates::merge(layout, into, next, row, component);
      }
    }
  }
  void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) const override {
    if (layout.candidates > 0) CandidateStates::finish(layout, state, out);
    else SortedStates::finish(layout, state, out);
  }
  Skipping skipping() const override { return Skipping::by_bars; }
  void expected_bars(const StateLayout& layout, const std::vector<BoxOfPairs>& boxes, Bar* bars) const override {
    expect_bars(layout, boxes, layout.k, false, bars);
  }
  void bars(const StateLayout& layout, const StateRows& state, Bar* bars) const override {
    for (std::int64_t c = 0; c < layout.dim; ++c) {
      const std::int64_t head = c * (layout.candidates + 1), last = c * layout.k + layout.k - 1;
      bars[c] = layout.candidates > 0 ? weakest(state, head, head + layout.k, false) : weakest(state, last, last, false);
    }
  }
  bool can_skip(const StateLayout& layout, const BoxOfPairs& box, const Bar* bars) const override {
    return none_enters(layout, box, bars);
  }
  double priority(const StateLayout& layout, const BoxOfPairs& box) const override { return best_first(layout, box, false); }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    if (kernel.candidates > 0) return std::make_unique<CandidatesFold>(kernel, work, program, named);
    return std::make_unique<NearestFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override {
    return kernel.candidates > 0 ? candidates_text(kernel) : sorted_text(kernel);
  }
};

inline const Reducer& nearest_reducer() {
  static const NearestReducer reducer;
  return reducer;
}

}  // namespace rkeops
