// Folds that add: plain sums, and sums of exponentials relative to a running maximum.
#pragma once

#include "fold.hpp"

namespace rkeops {

// Sums run in `real` over a block, then join wider totals: double for float, double with compensation for double.
class SumFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return sum_block(); }
  void begin(Text& out) override { declare(out, "V", "sum", f_->dim); }
  void begin_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    add(c);
  }
  void end_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("add_total(", memory("value", k, row), ", ", f_->dim, ", ", slot("sum", k, row), ");");
    });
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

// The sum of F over columns, and that of G over rows: in memory, `back`, where the runtime gathers it. `back_columns` columns
// share a vector, in which they take turns. Rows that only fill up the tile, from `valid` on, do not count.
class BothSumsFold : public SumFold {
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
    const int together = kernel_.back_columns();
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
      const std::string total = "back + (j / " + str(together) + " * " + str(g->dim) + " + " + k.text + ") * LANES";
      const std::string gather = (c.columns() == together ? "gather(" : "gather_one(j % " + str(together) + ", ") + sums + ")";
      c.out().line("store(", total, ", load(", total, ") + ", gather, ");");
    });
  }
};

// gather(): the sums of the lanes of several vectors in one vector, in which they take turns. It adds halves of every 16 bytes
// until each vector has a single lane there. gather_one(): the same of a single vector at place c, the others are 0.
inline std::string gather_text(const KernelPlan& kernel) {
  const int width = kernel.back_columns();
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

// m is the largest F so far, one number; sums of exp(F - m) w are rescaled in the rare event that m grows.
class SoftmaxFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return sum_block(); }
  void begin(Text& out) override {
    declare(out, "V", "sum", kernel_.sums);
    for (int row = 0; row < rows(); ++row) out.line("V top_r", row, " = load_state(value + ", row, " * LANES);");
  }
  void begin_block(Text& out) override {
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void step(Components& c) override {
    Text& out = c.out();
    c.functions().call("v_exp");
    std::vector<Value> roots{f_};
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
  Value weight() const { return program_.results[1]; }
  static std::string name(const char* stem, int row, int column) {
    return std::string(stem) + "_r" + str(row) + "_c" + str(column);
  }
};

// The sum of exp(F - m) for each component of F, with a running maximum m of its own.
class ComponentSoftmaxFold : public Fold {
 public:
  using Fold::Fold;
  std::int64_t block() const override { return sum_block(); }
  void begin(Text& out) override {
    declare(out, "V", "sum", f_->dim);
    declare(out, "V", "top", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("top", k, row), " = load_state(", memory("value", k, row), ");");
    });
  }
  void begin_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) { out.line(slot("sum", k, row), " = splat(0);"); });
  }
  void step(Components& c) override {
    Text& out = c.out();
    c.functions().call("v_exp");
    c.prepare({f_}, true);
    for_components(c, [&](const Component& k) {
      for (int row = 0; row < c.rows(); ++row) {
        const std::string top = slot("top", k.text, row), sum = slot("sum", k.text, row);
        std::string largest;
        out.open("");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
          out.line("const V ", f, " = ", value, ";");
          largest = column == 0 ? f : "larger(" + largest + ", " + f + ")";
        }
        out.line("const V high = larger(", top, ", smaller(", largest, ", splat(HUGE)));");
        out.open("if (any(high > ", top, "))");
        out.line("const V shrink = v_exp(", top, " - high);");
        out.line(top, " = high;");
        out.line(sum, " *= shrink;");
        out.line("scale_total(", memory("value", str(f_->dim) + " + " + k.text, row), ", ", f_->dim, ", shrink);");
        out.close();
        for (int column = 0; column < c.columns(); ++column) out.line(sum, " += v_exp(f", column, " - ", top, ");");
        out.close();
      }
    });
  }
  void end_block(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("add_total(", memory("value", str(f_->dim) + " + " + k, row), ", ", f_->dim, ", ",
               slot("sum", k, row), ");");
    });
  }
  void end(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("store_state(", memory("value", k, row), ", ", slot("top", k, row), ");");
    });
  }
};

}  // namespace rkeops
