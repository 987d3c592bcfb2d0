// The smallest or largest value of each component, and its row. NaN is the extremum of values, and is passed over where
// there are row numbers.
#pragma once

#include "../emit/fold.hpp"
#include "../pass/guard.hpp"
#include "ordered.hpp"

namespace rkeops {

class ExtremumFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    declare(out, "V", "best", f_->dim);
    if (indices()) declare(out, "I", "position", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("best", k, row), ordered() ? " = load_best(" : " = load_state(", memory("value", k, row), ");");
      if (ordered()) out.line(slot("position", k, row), " = load_positions(", memory("index", k, row), ");");
      else if (indices()) out.line(slot("position", k, row), " = isplat(-1);");
    });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    const std::string worse = kernel_.reduction->maximum ? " <= " : " >= ",
                      kept = kernel_.reduction->maximum ? " >= " : " <= ";
    if (ordered()) return for_components(c, [&](const Component& k) { ordered_step(c, k, kept); });
    for_components(c, [&](const Component& k) {
      for (int column = 0; column < c.columns(); ++column) {
        for (int row = 0; row < c.rows(); ++row) {
          const std::string value = c.value(f_, k, {row, column}), best = slot("best", k.text, row);
          c.out().open("");
          c.out().line("const V f = ", value, ", m = ", best, ";");
          if (indices()) {  // NaN never wins, and the start value NaN always loses
            const std::string position = slot("position", k.text, row);
            c.out().line("const I wins = ~(f", worse, "m) & (f == f);");
            c.out().line(best, " = select(wins, f, m);");
            c.out().line(position, " = iselect(wins, isplat((integer)(", number(column), ")), ", position, ");");
          } else {  // NaN wins, and stays
            c.out().line(best, " = select((m", kept, "f) | (m != m), m, f);");
          }
          c.out().close();
        }
      }
    });
  }
  void end(Text& out) override {
    write_bars(out, [&](const std::string& k, int row) { return slot("best", k, row) + ", " + slot("position", k, row); });
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      const std::string value = memory("value", k, row), index = memory("index", k, row), best = slot("best", k, row);
      if (ordered()) {
        out.line("store_best(", value, ", ", index, ", ", best, ", ", slot("position", k, row), ");");
      } else {
        out.line("store_state(", value, ", ", best, ");");
        if (indices()) out.line("store_positions(", index, ", ", slot("position", k, row), ", base);");
      }
    });
  }

 private:
  bool indices() const { return kernel_.reduction->indices; }
  bool ordered() const { return kernel_.ordered; }

  void ordered_step(Components& c, const Component& k, const std::string& kept) const {
    for (int row = 0; row < c.rows(); ++row) {
      const std::string best = slot("best", k.text, row), position = slot("position", k.text, row);
      std::string wins;
      c.out().open("");
      for (int column = 0; column < c.columns(); ++column) {
        const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
        c.out().line("const V ", f, " = ", value, ";");
        wins += (column ? " | " : "") + ("(" + f) + kept + best + ")";
      }
      c.out().open("if (any(", wins, "))");
      for (int column = 0; column < c.columns(); ++column) {
        c.out().line("enter(f", column, ", isplat(", number(column), "), &", best, ", &", position, ");");
      }
      c.out().close();
      c.out().close();
    }
  }
};

// NaN loses against everything.
inline bool beats(double challenger, double holder) { return !(challenger >= holder) && challenger == challenger; }

class ExtremumReducer : public Reducer {
 public:
  void differentiate(Expr reduction, Expr adjoint, Care care, const Contribute& add) const override {
    const Category folded = folded_category(reduction);
    const Expr f = reduction.arg(0);
    const Expr at = reduce(reduction_of(reduction).maximum ? Reducing::ArgMax : Reducing::ArgMin, {f}, folded,
                           result_category(reduction));
    add(f, masked(adjoint, selected(at, folded)), static_cast<Care>(care | care_for_all));
  }
  void empty(const StateLayout& layout, const ResultRows& out, std::int64_t columns) const override {
    const Reduction& row = *layout.reduction;
    if (row.indices) return Reducer::empty(layout, out, columns);
    std::fill_n(out.column(0, 0), out.rows * layout.dim, start_value(layout, 0));
  }
  void lay_out(StateLayout& layout) const override {
    const Reduction& row = *layout.reduction;
    layout.value_slots = layout.dim;
    layout.index_slots = row.indices ? layout.dim : 0;
  }
  double start_value(const StateLayout& layout, std::int64_t) const override {
    const Reduction& row = *layout.reduction;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return row.indices ? std::nan("") : row.maximum ? -infinity : infinity;
  }
  void merge(const StateLayout& layout, const StateRows& into, const StateRows& next) const override {
    const Reduction& row = *layout.reduction;
    for (std::int64_t k = 0; k < layout.dim; ++k) {
      for (std::int64_t r = 0; r < into.rows; ++r) {
        double& best = into.value(k, r);
        const double f = next.value(k, r);
        const bool is_earlier = row.indices && f == best && next.index(k, r) < into.index(k, r);
        const bool wins = row.indices ? is_earlier || (row.maximum ? beats(-f, -best) : beats(f, best))
                                      : best == best && !(row.maximum ? best >= f : best <= f);
        if (!wins) continue;
        best = f;
        if (row.indices) into.index(k, r) = next.index(k, r);
      }
    }
  }
  void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) const override {
    const Reduction& row = *layout.reduction;
    const std::int64_t count = out.rows;  // (a copy: what is written could be the original)
    for (std::int64_t k = 0; k < layout.dim; ++k) {
      if (!row.indices) {  // of 0 and -0, which are equal, 0: it must not matter which one came first
        std::transform(&state.value(k, 0), &state.value(k, 0) + count, out.column(0, k), [](double x) { return x + 0.0; });
        continue;
      }
      if (row.values) std::copy_n(&state.value(k, 0), count, out.column(0, k));
      double* to = out.column(row.values, k);
      const long long* from = &state.index(k, 0);
      const double base = static_cast<double>(out.index_base), missing = out.missing;
      for (std::int64_t r = 0; r < count; ++r) to[r] = from[r] < 0 ? missing : static_cast<double>(from[r]) + base;
    }
  }
  Skipping skipping() const override { return Skipping::by_bars; }
  void expected_bars(const StateLayout& layout, const std::vector<BoxOfPairs>& boxes, Bar* bars) const override {
    expect_bars(layout, boxes, 1, layout.reduction->maximum, bars);
  }
  void bars(const StateLayout& layout, const StateRows& state, Bar* bars) const override {
    const bool maximum = layout.reduction->maximum;
    for (std::int64_t c = 0; c < layout.dim; ++c) {
      if (layout.reduction->indices) {
        bars[c] = weakest(state, c, c, maximum);
        continue;
      }
      bars[c] = {maximum ? HUGE_VAL : -HUGE_VAL, -1};  // equal values change nothing; nor does anything where there is NaN
      for (std::int64_t r = 0; r < state.rows; ++r) {
        const double value = state.value(c, r);
        if (maximum ? value < bars[c].value : value > bars[c].value) bars[c].value = value;
      }
    }
  }
  bool can_skip(const StateLayout& layout, const BoxOfPairs& box, const Bar* bars) const override {
    return none_enters(layout, box, bars);
  }
  double priority(const StateLayout& layout, const BoxOfPairs& box) const override {
    return best_first(layout, box, layout.reduction->maximum);
  }
  std::int64_t arrays(const StateLayout& layout) const override { return layout.reduction->indices ? 2 : 1; }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<ExtremumFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override {
    if (!kernel.reduction->indices) return "";
    if (kernel.ordered) {
      return ordered_text(kernel) + R"(
INLINE void enter(V f, I j, V* best, I* position) {
  const I wins = is_before(f, j, *best, *position);
  *best = select(wins, f, *best);
  *position = iselect(wins, j, *position);
}
)";
    }
    return R"(
INLINE void store_positions(long long* index, I position, long long base) {
  FOR_LANES(l) if (LANE(position, l) >= 0) index[l] = base + LANE(position, l);
}
)";
  }
};

inline const Reducer& extremum_reducer() {
  static const ExtremumReducer reducer;
  return reducer;
}

}  // namespace rkeops
