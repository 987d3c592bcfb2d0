// The pairs in which F is true, with the value of a second formula if there is one. Nothing is folded: a kernel lists what it
// finds of a tile and a column_block, runtime/found_pairs.hpp takes it from there. A list begins with its length; then come
// numbers of columns in the upper half and rows of the tile in the lower one.
#pragma once

#include "../emit/fold.hpp"

namespace rkeops {

class WhereFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override { out.line("int64 found = 0;"); }
  void step(Components& c) override {
    const bool has_values = program_.results.size() > 1;
    c.prepare(program_.results, false);
    for (int column = 0; column < c.columns(); ++column) {
      for (int row = 0; row < c.rows(); ++row) {
        const Component first = Component::at(0);
        const std::string condition = c.value(f_, first, {row, column});
        c.out().open("");
        c.out().line("const V f = ", condition, ";");
        c.out().line("const I holds = (f != splat(0)) & (f == f);");
        c.out().open("if (any(holds))");
        if (has_values) c.out().line("const V g = ", c.value(program_.results[1], first, {row, column}), ";");
        c.out().open("FOR_LANES(l)");
        c.out().line("if (!LANE(holds, l)) continue;");
        if (has_values) c.out().line("value[found] = LANE(g, l);");
        c.out().line("index[++found] = (base + j + ", column, ") << 32 | (", row, " * LANES + l);");
        c.out().close().close().close();
      }
    }
  }
  void end(Text& out) override { out.line("index[0] = found;"); }
};

class WhereReducer : public Reducer {
 public:
  std::int64_t dim(const Reduction& row, const Exprs& args, std::int64_t) const override {
    for (Expr arg : args) {
      if (arg->dim == 1) continue;
      dimension_error(std::string(row.name) + "_Reduction: formula has dimension " + str(arg->dim) + ", 1 is needed");
    }
    return 1;
  }
  const char* no_gradient() const override { return "Which pairs there are is constant."; }
  void differentiate(Expr, Expr, Care, const Contribute&) const override {}
  std::vector<OutputPart> parts(Expr reduction) const override { return {{true, 1, result_category(reduction), true}}; }
  void empty(const StateLayout&, const ResultRows&, std::int64_t) const override {}
  void lay_out(StateLayout& layout) const override { layout.finds = true; }
  void merge(const StateLayout&, const StateRows&, const StateRows&) const override {}
  void finish(const StateLayout&, const StateRows&, const ResultRows&) const override {}
  Skipping skipping() const override { return Skipping::by_bounds; }
  bool can_skip(const StateLayout&, const BoxOfPairs& box, const Bar*) const override {
    return box.low[0] == 0 && box.high[0] == 0;
  }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<WhereFold>(kernel, work, program, named);
  }
};

inline const Reducer& where_reducer() {
  static const WhereReducer reducer;
  return reducer;
}

}  // namespace rkeops
