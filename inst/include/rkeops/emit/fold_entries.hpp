// Nothing is folded: the values of a tile of rows for a chunk of columns, as a block in memory. Component k of row r
// and column j is at [(j * dim + k) * TILE + r]. runtime/entries.hpp is the counterpart.
#pragma once

#include "fold.hpp"

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

}  // namespace rkeops
