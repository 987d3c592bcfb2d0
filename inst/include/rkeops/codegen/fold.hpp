// The part of a kernel that belongs to the reduction: the state held while columns go by, the step, and the exchange
// with the state in memory. One class per family; runtime/state.hpp is the counterpart for merging and finishing.
#pragma once

#include <memory>

#include "components.hpp"

namespace rkeops {

class Fold {
 public:
  Fold(const KernelPlan& kernel, Workspace& work, Expr reduction, bool named)
      : kernel_(kernel), work_(work), f_(reduction.arg(0)), reduction_(reduction), named_(named) {}
  virtual ~Fold() = default;

  // Columns between two calls of begin_block and end_block; 0: all.
  virtual std::int64_t block() const { return 0; }
  virtual void begin(Text& out) = 0;  // state from memory to variables
  virtual void begin_block(Text&) {}
  virtual void step(Components& c) = 0;  // one tile: rows x columns
  virtual void end_block(Text&) {}
  virtual void end(Text& out) = 0;  // variables to memory

 protected:
  // Components are read in loops over components, not just once.
  bool vector() const { return f_->dim > 1; }
  int rows() const { return kernel_.row_vectors; }

  // A family of V variables, one for each (component, row vector): named when few, else an array.
  std::string slot(const char* name, const std::string& k, int row) const {
    if (named_) return std::string(name) + "_" + k + "_r" + str(row);
    return std::string(name) + "[(" + k + ") * " + str(rows()) + " + " + str(row) + "]";
  }

  // Runs body(component text, row) over all slots; loops where they are an array.
  template <class Body>
  void for_slots(Text& out, std::int64_t count, Body body) const {
    if (named_) {
      for (std::int64_t k = 0; k < count; ++k) {
        for (int row = 0; row < rows(); ++row) body(str(k), row);
      }
      return;
    }
    out.open("for (long k = 0; k < ", count, "; ++k)");
    for (int row = 0; row < rows(); ++row) body("k", row);
    out.close();
  }

  void declare(Text& out, const char* type, const char* name, std::int64_t count) const {
    if (!named_) {
      if (type[0] == 'V')
        work_.array(name, count * rows());
      else
        work_.array(std::string(name) + "_bits", count * rows()), out.line("I* ", name, " = (I*)", name, "_bits;");
      return;
    }
    for_slots(out, count, [&](const std::string& k, int row) { out.line(type, " ", slot(name, k, row), ";"); });
  }

  // Place of lane 0 of a slot in the state in memory.
  std::string memory(const char* array, const std::string& k, int row) const {
    return std::string(array) + " + (" + k + ") * TILE + " + str(row) + " * LANES";
  }

  const KernelPlan& kernel_;
  Workspace& work_;
  const Expr f_, reduction_;
  const bool named_;
};

// Sums run in `real` over a block, then join wider totals: double for float, double with compensation for double.
class SumFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return 128; }
  void begin(Text& out) override { declare(out, "V", "sum", f_->dim); }
  void begin_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    c.for_components(f_, [&](const Component& k) {
      for (int row = 0; row < c.rows(); ++row) {
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column});
          c.out().line(slot("sum", k.text, row), " += ", value, ";");
        }
      }
    });
  }
  void end_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("add_total(", memory("value", k, row), ", ", f_->dim, ", ", slot("sum", k, row), ");");
    });
  }
  void end(Text&) override {}
};

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
    c.for_components(f_, [&](const Component& k) {
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
    work_.array("place_bits", kernel_.value_slots * rows());
    out.line("I* place = (I*)place_bits;");
    out.open("for (long s = 0; s < ", kernel_.value_slots, "; ++s)");
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
    out.open("for (long s = 0; s < ", kernel_.value_slots, "; s += ", kernel_.k, ")");
    for (int row = 0; row < rows(); ++row) {
      out.line("store_nearest(value + s * TILE + ", row, " * LANES, index + s * TILE + ", row, " * LANES, best + s * ",
               rows(), " + ", row, ", place + s * ", rows(), " + ", row, ", base);");
    }
    out.close();
  }
};

// m is the largest F so far; sums of exp(F - m) w are rescaled in the rare event that m grows.
class SoftmaxFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return 128; }
  void begin(Text& out) override {
    declare(out, "V", "sum", kernel_.sums);
    for (int row = 0; row < rows(); ++row) out.line("V top_r", row, " = load_state(value + ", row, " * LANES);");
  }
  void begin_block(Text& out) override {
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void step(Components& c) override {
    Text& out = c.out();
    std::vector<Expr> roots{f_};
    if (weighted()) roots.push_back(weight());
    c.prepare(roots, false);
    for (int row = 0; row < c.rows(); ++row) {
      std::string top;
      for (int column = 0; column < c.columns(); ++column) {
        const std::string value = c.value(f_, Component::at(0), {row, column}), f = name("f", row, column);
        out.line("const V ", f, " = ", value, ";");
        top = column == 0 ? f : "larger(" + top + ", " + f + ")";
      }
      out.line("const V high_r", row, " = larger(top_r", row, ", smaller(", top, ", splat(HUGE)));");
    }
    std::string grows;
    for (int row = 0; row < c.rows(); ++row)
      grows += (row ? " | " : "") + std::string("(high_r") + str(row) + " > top_r" + str(row) + ")";
    out.open("if (any(", grows, "))");
    for (int row = 0; row < c.rows(); ++row) {
      out.line("const V shrink_r", row, " = v_exp(top_r", row, " - high_r", row, ");");
      out.line("top_r", row, " = high_r", row, ";");
    }
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) {
      out.line(slot("sum", k, row), " *= shrink_r", row, ";");
      out.line("scale_total(", memory("value", "1 + " + k, row), ", ", kernel_.sums, ", shrink_r", row, ");");
    });
    out.close();
    for (int row = 0; row < c.rows(); ++row) {
      for (int column = 0; column < c.columns(); ++column) {
        out.line("const V ", name("p", row, column), " = v_exp(", name("f", row, column), " - top_r", row, ");");
        if (kernel_.has_sum_of_ones) out.line(slot("sum", "0", row), " += ", name("p", row, column), ";");
      }
    }
    if (!weighted()) return;
    c.for_components(weight(), [&](const Component& k) {
      const std::string place = k.shifted(kernel_.has_sum_of_ones).text;
      for (int row = 0; row < c.rows(); ++row) {
        for (int column = 0; column < c.columns(); ++column) {
          const std::string w = c.value(weight(), k, {row, column});
          out.line(slot("sum", place, row), " += ", name("p", row, column), " * ", w, ";");
        }
      }
    });
  }
  void end_block(Text& out) override {
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) {
      out.line("add_total(", memory("value", "1 + " + k, row), ", ", kernel_.sums, ", ", slot("sum", k, row), ");");
    });
  }
  void end(Text& out) override {
    for (int row = 0; row < rows(); ++row) out.line("store_state(value + ", row, " * LANES, top_r", row, ");");
  }

 private:
  bool weighted() const { return kernel_.reduction.weighted; }
  Expr weight() const { return reduction_.arg(1); }
  static std::string name(const char* stem, int row, int column) {
    return std::string(stem) + "_r" + str(row) + "_c" + str(column);
  }
};

inline std::unique_ptr<Fold> make_fold(const KernelPlan& kernel, Workspace& work, Expr reduction, bool named) {
  switch (kernel.reduction.family) {
    case Family::sum:
      return std::make_unique<SumFold>(kernel, work, reduction, named);
    case Family::extremum:
      return std::make_unique<ExtremumFold>(kernel, work, reduction, named);
    case Family::nearest:
      return std::make_unique<NearestFold>(kernel, work, reduction, named);
    default:
      return std::make_unique<SoftmaxFold>(kernel, work, reduction, named);
  }
}

// Names of the functions of the fold that `fold_text` defines by family.
inline std::string fold_text(const KernelPlan& kernel) {
  const Precision precision = kernel.precision;
  std::string text = R"(
static inline I isplat(integer k) { return k - (I){}; }
static inline V load_state(const double* p) {
  V x;
  for (int l = 0; l < LANES; l++) x[l] = (real)p[l];
  return x;
}
static inline void store_state(double* p, V x) {
  for (int l = 0; l < LANES; l++) p[l] = x[l];
}
)";
  if (kernel.reduction.family == Family::extremum && kernel.reduction.indices) {
    text += R"(
static inline void store_places(long long* index, I place, long long base) {
  for (int l = 0; l < LANES; l++) if (place[l] >= 0) index[l] = base + place[l];
}
)";
  }
  if (kernel.reduction.family == Family::nearest) {
    text += substitute(R"(
enum { K = $0, STRIDE = $1 };
/* f goes behind all that are not worse; the last one drops out */
static __attribute__((noinline)) void insert(V* best, I* place, V f, I j) {
  I wins = ~(f >= best[(K - 1) * STRIDE]) & (f == f);
  for (int k = K - 1; k > 0; k--) {
    V above = best[(k - 1) * STRIDE];
    I above_place = place[(k - 1) * STRIDE];
    I wins_above = ~(f >= above) & (f == f);
    best[k * STRIDE] = select(wins_above, above, select(wins, f, best[k * STRIDE]));
    place[k * STRIDE] = iselect(wins_above, above_place, iselect(wins, j, place[k * STRIDE]));
    wins = wins_above;
  }
  best[0] = select(wins, f, best[0]);
  place[0] = iselect(wins, j, place[0]);
}
/* a negative place is -1 - rank in the state that the fold began with */
static void store_nearest(double* value, long long* index, const V* best, const I* place, long long base) {
  for (int l = 0; l < LANES; l++) {
    long long before[K];
    for (int k = 0; k < K; k++) before[k] = index[k * TILE + l];
    for (int k = 0; k < K; k++) {
      integer at = place[k * STRIDE][l];
      value[k * TILE + l] = best[k * STRIDE][l];
      index[k * TILE + l] = at < 0 ? before[-1 - at] : base + at;
    }
  }
}
)",
                       std::vector<std::string>{str(kernel.k), str(kernel.row_vectors)});
  }
  if (kernel.reduction.family == Family::softmax) {
    text +=
        precision == Precision::float32 ? "#define HUGE 3.402823466e+38f\n" : "#define HUGE 1.7976931348623157e+308\n";
    text += R"(
static inline V larger(V a, V b) { return select(a < b, b, a); }
static inline V smaller(V a, V b) { return select(b < a, b, a); }
)";
  }
  if (kernel.reduction.family == Family::sum || kernel.reduction.family == Family::softmax) {
    text += precision == Precision::float32 ? R"(
static inline void add_total(double* total, long low, V x) {
  (void)low;
  for (int l = 0; l < LANES; l++) total[l] += x[l];
}
static inline void scale_total(double* total, long low, V x) {
  (void)low;
  for (int l = 0; l < LANES; l++) total[l] *= x[l];
}
)"
                                            : R"(
/* error-free sum: what rounding takes from the total goes to the low part, `low` slots further on */
static inline void add_total(double* total, long low, V x) {
  V high = load(total), sum = high + x, y = sum - high;
  V lost = (high - (sum - y)) + (x - y);
  lost = select(lost == lost, lost, splat(0));
  store(total, sum);
  store(total + low * TILE, load(total + low * TILE) + lost);
}
static inline void scale_total(double* total, long low, V x) {
  store(total, load(total) * x);
  store(total + low * TILE, load(total + low * TILE) * x);
}
)";
  }
  return text;
}

}  // namespace rkeops
