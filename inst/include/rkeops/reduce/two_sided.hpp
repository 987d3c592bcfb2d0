// The sum of one formula over an index, and that of another one over the other index, in one pass over the pairs.
#pragma once

#include "sum.hpp"

namespace rkeops {

// The sum of F over columns, and that of G over rows: in memory, `column_sums`, where the runtime gathers it. Some columns
// share a vector, in which they take turns. Rows that only fill up the tile, from `valid` on, do not count.
class TwoSidedSumFold : public SumFold {
 public:
  using SumFold::SumFold;
  void begin(Text& out) override {
    SumFold::begin(out);
    for (int row = 0; row < rows(); ++row) {
      out.line("I live_r", row, ";");
      out.line("FOR_LANES(l) LANE(live_r", row, ", l) = l + ", row, " * LANES < valid ? -1 : 0;");
    }
  }
  void step(Components& c) override {
    const Value g = program_.results[1];
    const int together = kernel_.columns_together();
    c.prepare({f_, g}, vector() || g->dim > 1);
    add(c);
    c.for_components(g, [&](const Component& k) {
      std::string sums;
      for (int column = 0; column < c.columns(); ++column) {
        std::string sum;
        for (int row = 0; row < c.rows(); ++row) {
          sum += (row ? " + " : "") + ("select(live_r" + str(row)) + ", " + c.value(g, k, {row, column}) + ", splat(0))";
        }
        sums += (column ? ", " : "") + sum;
      }
      const std::string total = "column_sums + (j / " + str(together) + " * " + str(g->dim) + " + " + k.text + ") * LANES";
      const std::string gather = (c.columns() == together ? "gather(" : "gather_one(j % " + str(together) + ", ") + sums + ")";
      c.out().line("store(", total, ", load(", total, ") + ", gather, ");");
    });
  }
};

// gather(): the sums of the lanes of several vectors in one vector, in which they take turns. It adds halves of every 16 bytes
// until each vector has a single lane there. gather_one(): the same of a single vector at place c, the others are 0.
inline std::string gather_text(const KernelPlan& kernel) {
  const int width = kernel.columns_together();
  Text out;
  out.line("#if defined __clang__").line("#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)");
  out.line("#else").line("#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})").line("#endif");
  const auto half = [&](int unit, int from) {
    std::string lanes;
    for (int block = 0; block < kernel.lanes; block += width) {
      for (int k = block + from; k < block + from + width / 2; k += unit) {
        for (int source : {0, kernel.lanes}) {
          for (int u = 0; u < unit; ++u) lanes += (lanes.empty() ? "" : ", ") + str(source + k + u);
        }
      }
    }
    return "SHUFFLE(a, b, " + lanes + ")";
  };
  for (int unit = 1; unit < width; unit *= 2) {
    out.line("INLINE V halves_", unit, "(V a, V b) { return ", half(unit, 0), " + ", half(unit, width / 2), "; }");
  }
  out.line(width == 4 ? "INLINE V gather(V a, V b, V c, V d) { return halves_2(halves_1(a, b), halves_1(c, d)); }"
                      : "INLINE V gather(V a, V b) { return halves_1(a, b); }");
  out.open("INLINE V gather_one(int64 c, V a)");
  out.line("V all[", width, "];");
  out.line("for (int k = 0; k < ", width, "; ++k) all[k] = k == c ? a : splat(0);");
  out.line(width == 4 ? "return gather(all[0], all[1], all[2], all[3]);" : "return gather(all[0], all[1]);");
  out.close();
  return out.string();
}

class TwoSidedSumReducer : public SumReducer {
 public:
  const char* no_gradient() const override { return "Sum has one: take one sum at a time."; }
  // Two passes where they cannot share one, or where vectors are so long that they gain nothing from it.
  Exprs passes(Expr reduction, bool can_be_two_sided) const override {
    if (can_be_two_sided && reduction.arg(1)->dim <= heuristics::longest_two_sided) return {reduction};
    const Category folded = folded_category(reduction), result = result_category(reduction);
    return {reduce_sum(reduction.arg(0), folded, result), reduce_sum(reduction.arg(1), result, folded)};
  }
  std::vector<OutputPart> parts(Expr reduction) const override {
    return {{false, reduction->dim, result_category(reduction)},
            {false, reduction.arg(1)->dim, folded_category(reduction)}};
  }
  void empty(const StateLayout& layout, const ResultRows& out, std::int64_t columns) const override {
    SumReducer::empty(layout, out, columns);
    std::fill_n(out.parts[1], columns * layout.column_sums, 0.0);
  }
  void lay_out(StateLayout& layout) const override {
    SumReducer::lay_out(layout);
    layout.column_sums = layout.second_dim;
  }
  std::int64_t arrays(const StateLayout&) const override { return 0; }
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<TwoSidedSumFold>(kernel, work, program, named);
  }
  std::string functions(const KernelPlan& kernel) const override { return gather_text(kernel) + totals_text(kernel.precision); }
};

inline const Reducer& two_sided_reducer() {
  static const TwoSidedSumReducer reducer;
  return reducer;
}

}  // namespace rkeops
