// Nothing is folded: the values of a tile of rows for a column_block, as a block in memory. Component k of row r and column j
// is at [(j * dim + k) * TILE + r]. runtime/entries.hpp takes it from there.
#pragma once

#include "../emit/fold.hpp"

namespace rkeops {

class EntriesFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text&) override {}
  void step(Components& c) override {
    const char* store = kernel_.precision == Precision::float64 ? "store(" : "store_state(";
    c.prepare({f_}, vector());
    c.for_components(f_, [&](const Component& k) {
      for (int column = 0; column < c.columns(); ++column) {
        for (int row = 0; row < c.rows(); ++row) {
          const std::string value = c.value(f_, k, {row, column});
          const std::string place = "((j + " + str(column) + ") * " + str(f_->dim) + " + " + k.text + ")";
          c.out().line(store, memory("value", place, row), ", ", value, ");");
        }
      }
    });
  }
  void end(Text&) override {}
};

class EntriesReducer : public Reducer {
 public:
  const char* no_gradient() const override { return "Reductions such as Sum have one."; }
  void differentiate(Expr, Expr, Care, const Contribute&) const override {}
  std::vector<OutputPart> parts(Expr reduction) const override {
    return {{false, reduction->dim, result_category(reduction), true}};
  }
  void empty(const StateLayout&, const ResultRows&, std::int64_t) const override {}
  void lay_out(StateLayout& layout) const override { layout.pairs = true; }
  void merge(const StateLayout&, const StateRows&, const StateRows&) const override {}
  void finish(const StateLayout&, const StateRows&, const ResultRows&) const override {}
  std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const override {
    return std::make_unique<EntriesFold>(kernel, work, program, named);
  }
};

inline const Reducer& entries_reducer() {
  static const EntriesReducer reducer;
  return reducer;
}

}  // namespace rkeops
