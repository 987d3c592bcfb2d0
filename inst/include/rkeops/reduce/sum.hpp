// Sums.
#pragma once

#include "totals.hpp"

namespace rkeops {

class SumFold : public TotalsFold {
 public:
  using TotalsFold::TotalsFold;
  void begin(Text& out) override { declare(out, "V", "sum", f_->dim); }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    add(c);
  }
  void end(Text&) override {}

 protected:
  void add(Components& c) const {
    for_components(c, [&](const Component& k) {
      for (int row = 0; row < c.rows(); ++row) {
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column});
          c.out().line(slot("sum", k.text, row), " += ", value, ";");
        }
      }
    });
  }
};

class SumReducer : public Reducer {
 public:
  bool is_linear() const override { return true; }
  void differentiate(Expr reduction, Expr adjoint, Care care, const Contribute& add) const override {
    add(reduction.arg(0), adjoint, care);
  }
  void empty(const StateLayout& layout, const ResultRows& out, std::int64_t) const override {
    std::fill_n(out.column(0, 0), out.rows * layout.dim, 0.0);
  }
  void lay_out(StateLayout& layout) const override {
    layout.compensated = layout.precision == Precision::float64;
    layout.sums = layout.dim;
    layout.value_slots = layout.sums * (layout.compensated ? 2 : 1);
  }
  void merge(const StateLayout& layout, const StateRows& into, const StateRows& next) const override {
    for (std::int64_t k = 0; k < layout.sums; ++k) {
      for (std::int64_t row = 0; row < into.rows; ++row) merge_total(layout, into, next, row, k);
    }
  }
  void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) const override {
    for (std::int64_t k = 0; k < layout.sums; ++k) {
      for (std::int64_t row = 0; row < out.rows; ++row) out.column(0, k)[row] = total(layout, state, row, k);
    }
  }
  Skipping skipping() const override { return Skipping::by_bounds; }
  bool can_skip(const StateLayout& layout, const BoxOfPairs& box, const Bar*) const override {
    for (std::int64_t c = 0; c < layout.dim + layout.second_dim; ++c) {
      if (box.low[c * box.step] != 0 || box.high[c * box.step] != 0) return false;
    }
    return true;
  }
  // Where all values of a component are the same.
  bool add_constant(const StateLayout& layout, const StateRows& state, const BoxOfPairs& box) const override {
    if (layout.column_sums > 0) return false;
    for (std::int64_t c = 0; c < layout.dim; ++c) {
      if (!(box.low[c * box.step] == box.high[c * box.step])) return false;
    }
    for (std::int64_t c = 0; c < layout.dim; ++c) {
      const double sum = box.columns * box.low[c * box.step];
      for (std::int64_t r = 0; r < state.rows; ++r) add_to_total(layout, state, r, c, sum);
    }
    return true;
  }
  std::int64_t arrays(const StateLayout&) const override { return 1; }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<SumFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override { return totals_text(kernel.precision); }
};

inline const Reducer& sum_reducer() {
  static const SumReducer reducer;
  return reducer;
}

}  // namespace rkeops
