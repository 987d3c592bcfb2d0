// Folds that select: the smallest or largest value, and the K smallest.
#pragma once

#include "fold.hpp"

namespace rkeops {

class ExtremumFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    declare(out, "V", "best", f_->dim);
    if (indices()) declare(out, "I", "place", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("best", k, row), " = load_state(", memory("value", k, row), ");");
      if (indices()) out.line(slot("place", k, row), " = isplat(-1);");
    });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    const std::string worse = kernel_.reduction.maximum ? " <= " : " >= ",
                      kept = kernel_.reduction.maximum ? " >= " : " <= ";
    for_components(c, [&](const Component& k) {
      for (int column = 0; column < c.columns(); ++column) {
        for (int row = 0; row < c.rows(); ++row) {
          const std::string value = c.value(f_, k, {row, column}), best = slot("best", k.text, row);
          c.out().open("");
          c.out().line("const V f = ", value, ", m = ", best, ";");
          if (indices()) {  // NaN never wins, and the start value NaN always loses
            const std::string place = slot("place", k.text, row);
            c.out().line("const I wins = ~(f", worse, "m) & (f == f);");
            c.out().line(best, " = select(wins, f, m);");
            c.out().line(place, " = iselect(wins, isplat((integer)(j + ", column, ")), ", place, ");");
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
      if (indices()) out.line("store_places(", memory("index", k, row), ", ", slot("place", k, row), ", base);");
    });
  }

 private:
  bool indices() const { return kernel_.reduction.indices; }
};

// K best of each component, in ascending order, in arrays: rarely touched once the first columns have gone by.
class NearestFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    work_.array("best", kernel_.value_slots * rows());
    work_.array("place", kernel_.value_slots * rows(), "I");
    out.open("for (int64 s = 0; s < ", kernel_.value_slots, "; ++s)");
    for (int row = 0; row < rows(); ++row) {
      out.line("best[s * ", rows(), " + ", row, "] = load_state(", memory("value", "s", row), ");");
      out.line("place[s * ", rows(), " + ", row, "] = isplat((integer)(-1 - s % ", kernel_.k, "));");
    }
    out.close();
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    c.for_components(f_, [&](const Component& k) {
      const std::string first = "((" + k.text + ") * " + str(kernel_.k * rows()) + ")";
      for (int row = 0; row < c.rows(); ++row) {
        c.out().open("");
        std::string wins;
        c.out().line("const V last = best[", first, " + ", (kernel_.k - 1) * rows() + row, "];");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
          c.out().line("const V ", f, " = ", value, ";");
          wins += (column ? " | " : "") + std::string("(~(") + f + " >= last) & (" + f + " == " + f + "))";
        }
        c.out().open("if (any(", wins, "))");
        for (int column = 0; column < c.columns(); ++column) {
          c.out().line("insert(best + ", first, " + ", row, ", place + ", first, " + ", row, ", f", column,
                       ", isplat((integer)(j + ", column, ")));");
        }
        c.out().close();
        c.out().close();
      }
    });
  }
  void end(Text& out) override {
    out.open("for (int64 s = 0; s < ", kernel_.value_slots, "; s += ", kernel_.k, ")");
    for (int row = 0; row < rows(); ++row) {
      out.line("store_nearest(value + s * TILE + ", row, " * LANES, index + s * TILE + ", row, " * LANES, best + s * ",
               rows(), " + ", row, ", place + s * ", rows(), " + ", row, ", base);");
    }
    out.close();
  }
};

}  // namespace rkeops
