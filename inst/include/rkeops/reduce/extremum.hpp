// The smallest or largest value of each component, and its row. NaN is the extremum of values, and is passed over where
// there are row numbers.
#pragma once

#include "../emit/fold.hpp"
#include "../pass/guard.hpp"

namespace rkeops {

class ExtremumFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    declare(out, "V", "best", f_->dim);
    if (indices()) declare(out, "I", "position", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("best", k, row), " = load_state(", memory("value", k, row), ");");
      if (indices()) out.line(slot("position", k, row), " = isplat(-1);");
    });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    const std::string worse = kernel_.reduction->maximum ? " <= " : " >= ",
                      kept = kernel_.reduction->maximum ? " >= " : " <= ";
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
            c.out().line(position, " = iselect(wins, isplat((integer)(j + ", column, ")), ", position, ");");
          } else {  // NaN wins, and stays
            c.out().line(best, " = select((m", kept, "f) | (m != m), m, f);");
          }
          c.out().close();
        }
      }
    });
  }
  void end(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("store_state(", memory("value", k, row), ", ", slot("best", k, row), ");");
      if (indices()) out.line("store_positions(", memory("index", k, row), ", ", slot("position", k, row), ", base);");
    });
  }

 private:
  bool indices() const { return kernel_.reduction->indices; }
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
        const bool wins = row.indices ? (row.maximum ? beats(-f, -best) : beats(f, best))
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
      if (row.values) std::copy_n(&state.value(k, 0), count, out.column(0, k));
      if (!row.indices) continue;
      double* to = out.column(row.values, k);
      const long long* from = &state.index(k, 0);
      const double base = static_cast<double>(out.index_base), missing = out.missing;
      for (std::int64_t r = 0; r < count; ++r) to[r] = from[r] < 0 ? missing : static_cast<double>(from[r]) + base;
    }
  }
  std::int64_t arrays(const StateLayout& layout) const override { return layout.reduction->indices ? 2 : 1; }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<ExtremumFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override {
    if (!kernel.reduction->indices) return "";
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
