// Sums of exp(F - m) W relative to the running maximum m of F, so that nothing overflows: their logarithm, their ratio, or the
// pair of m and the sums.
#pragma once

#include "../pass/guard.hpp"
#include "softmax_fold.hpp"

namespace rkeops {

class SoftmaxReducer : public Reducer {
  using Finish = Reduction::Finish;

 public:
  std::int64_t dim(const Reduction& row, const Exprs& args, std::int64_t) const override {
    const bool by_component = row.finish == Finish::log && !row.weighted();
    if (!by_component && args[0]->dim != 1) {
      dimension_error(std::string(row.name) + "_Reduction: formula has dimension " + str(args[0]->dim) + ", 1 is needed");
    }
    return (row.finish == Finish::pair ? 1 : 0) + args.back()->dim;
  }

  void differentiate(Expr reduction, Expr e, Care care, const Contribute& add) const override {
    const Reduction& row = reduction_of(reduction);
    const Category folded = folded_category(reduction), result = result_category(reduction);
    const Expr f = reduction.arg(0), w = row.weighted() ? reduction.arg(1) : f.graph().constant(1);
    const auto times = [care](Expr a, Expr d) { return careful_product(a, d, care); };
    if (row.finish == Finish::pair) {  // the maximum m, and s, the sum of exp(f - m) w
      const std::int64_t sums = reduction->dim - 1;
      const Expr m = extract(reduction, 0, 1), s = extract(reduction, 1, sums);
      const Expr e_m = extract(e, 0, 1), e_s = extract(e, 1, sums), p = times(e_s, call(Op::Exp, f - m));
      const Expr at = reduce(Reducing::ArgMax, {f}, folded, result);
      const Expr at_max = call(Op::WhereNonzero, selected(at, folded), e_m - sum(times(e_s, s)));
      add(f, sum(times(p, w)) + at_max, static_cast<Care>(care | care_for_all));
      if (row.weighted()) add(w, p, care);
    } else if (!row.weighted()) {
      add(f, times(e, call(Op::Exp, f - reduction)), care);
    } else if (row.finish == Finish::ratio) {
      const Expr p = call(Op::Exp, f - reduce(Reducing::LogSumExp, {f}, folded, result));
      add(f, times(sum(times(e, w - reduction)), p), care);
      add(w, times(e, p), care);
    } else {
      const Expr p = times(e, call(Op::Exp, f - reduction));
      add(f, sum(times(p, w)), care);
      add(w, p, care);
    }
  }

  void empty(const StateLayout& layout, const ResultRows& out, std::int64_t columns) const override {
    const Reduction& row = *layout.reduction;
    if (row.finish == Finish::ratio) return Reducer::empty(layout, out, columns);
    const bool pair = row.finish == Finish::pair;
    std::fill_n(out.column(0, 0), out.rows * (pair ? 1 : layout.sums), -std::numeric_limits<double>::infinity());
    if (pair) std::fill_n(out.column(0, 1), out.rows * layout.sums, 0.0);
  }

  void lay_out(StateLayout& layout) const override {
    const Reduction& row = *layout.reduction;
    layout.compensated = layout.precision == Precision::float64;
    layout.running_max = layout.dim;
    layout.denominator = !row.weighted() || row.finish == Finish::ratio;
    layout.sums = (layout.denominator ? layout.running_max : 0) + layout.second_dim;
    layout.value_slots = layout.running_max + layout.sums * (layout.compensated ? 2 : 1);
  }

  double start_value(const StateLayout& layout, std::int64_t slot) const override {
    return slot < layout.running_max ? lowest(layout.precision) : 0;
  }

  // The running maxima first: sums are relative to them.
  void merge(const StateLayout& layout, const StateRows& into, const StateRows& next) const override {
    const std::int64_t sums_of_each = layout.sums / layout.running_max;
    for (std::int64_t row = 0; row < into.rows; ++row) {
      for (std::int64_t m = 0; m < layout.running_max; ++m) {
        double& mine = into.value(m, row);
        const double theirs = next.value(m, row), high = std::max(mine, theirs);
        const double my_scale = std::exp(mine - high), their_scale = std::exp(theirs - high);
        for (std::int64_t k = m * sums_of_each; k < (m + 1) * sums_of_each; ++k) {
          merge_total(layout, into, next, row, layout.running_max + k, my_scale, their_scale);
        }
        mine = high;
      }
    }
  }

  void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) const override {
    const Reduction& row = *layout.reduction;
    const bool ratio = row.finish == Finish::ratio, pair = row.finish == Finish::pair;
    const auto sum = [&](std::int64_t k, std::int64_t r) { return total(layout, state, r, layout.running_max + k); };
    for (std::int64_t k = ratio; k < layout.sums; ++k) {  // the others are divided by the first one
      double* const to = out.column(0, pair ? k + 1 : k - ratio);
      const std::int64_t max = layout.running_max > 1 ? k : 0;
      for (std::int64_t r = 0; r < out.rows; ++r) {
        const double s = sum(k, r);
        to[r] = ratio ? s / sum(0, r) : pair ? s : state.value(max, r) + std::log(s);
      }
    }
    for (std::int64_t r = 0; pair && r < out.rows; ++r) {
      const double max = state.value(0, r);
      out.column(0, 0)[r] = max == lowest(layout.precision) ? -std::numeric_limits<double>::infinity() : max;
    }
  }

  Skipping skipping() const override { return Skipping::by_bars; }
  void expected_bars(const StateLayout& layout, const std::vector<BoxOfPairs>& boxes, Bar* bars) const override {
    expect_bars(layout, boxes, 1, true, bars);
  }
  void bars(const StateLayout& layout, const StateRows& state, Bar* bars) const override {
    for (std::int64_t m = 0; m < layout.running_max; ++m) bars[m] = weakest(state, m, -1, true);
  }
  // Weights may be large and cancel: then exp(F - m) has to be 0 (EXP_MIN of emit/prelude/cpu_exp_log.hpp). Without them the sum
  // is at least 1, and what all columns may add is less than rounding takes from it, or than the tolerance.
  bool can_skip(const StateLayout& layout, const BoxOfPairs& box, const Bar* bars) const override {
    const bool single = layout.precision == Precision::float32, weighted = layout.second_dim > 0;
    const double rounding = (single ? -32 : -53) * std::log(2.0);
    const double lost = weighted ? (single ? -105 : -747) : std::max(rounding, std::log(box.tolerance)) - std::log(box.all_columns);
    for (std::int64_t m = 0; m < layout.running_max; ++m) {
      if (!(box.high[m * box.step] - bars[m].value < lost)) return false;
    }
    for (std::int64_t c = layout.dim; c < layout.dim + layout.second_dim; ++c) {
      if (!std::isfinite(box.low[c * box.step]) || !std::isfinite(box.high[c * box.step])) return false;
    }
    return true;
  }
  double priority(const StateLayout& layout, const BoxOfPairs& box) const override { return best_first(layout, box, true); }

  bool adds() const override { return true; }
  double cost() const override { return 2 * costly; }
  std::int64_t arrays(const StateLayout& layout) const override { return layout.running_max == 1 ? 0 : 2; }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    if (kernel.running_max > 1) return std::make_unique<ComponentSoftmaxFold>(kernel, work, program, named);
    return std::make_unique<SoftmaxFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override {
    const char* huge = kernel.precision == Precision::float32 ? "3.402823466e+38f" : "1.7976931348623157e+308";
    return std::string("#define HUGE ") + huge + R"(
INLINE V larger(V a, V b) { return vmax(b, a); } /* a where one is NaN */
INLINE V smaller(V a, V b) { return vmin(b, a); }
)" + totals_text(kernel.precision);
  }
};

inline const Reducer& softmax_reducer() {
  static const SoftmaxReducer reducer;
  return reducer;
}

}  // namespace rkeops
