// Kernels of sums of exponentials relative to a running maximum.
#pragma once

#include "ordered.hpp"
#include "totals.hpp"

namespace rkeops {

// m is the largest F so far, one number; sums of exp(F - m) w are rescaled in the rare event that m grows.
class SoftmaxFold : public TotalsFold {
 public:
  using TotalsFold::TotalsFold;
  void begin(Text& out) override {
    declare(out, "V", "sum", kernel_.sums);
    for (int row = 0; row < rows(); ++row) out.line("V max_r", row, " = load_state(value + ", row, " * LANES);");
  }
  void step(Components& c) override {
    Text& out = c.out();
    for (const char* name : {"v_exp", "vmin", "vmax"}) c.functions().call(name);
    std::vector<Value> roots{f_};
    if (weighted()) roots.push_back(weight());
    c.prepare(roots, false);
    for (int row = 0; row < c.rows(); ++row) {
      std::string max;
      for (int column = 0; column < c.columns(); ++column) {
        const std::string value = c.value(f_, Component::at(0), {row, column}), f = name("f", row, column);
        out.line("const V ", f, " = ", value, ";");
        max = column == 0 ? f : "larger(" + max + ", " + f + ")";
      }
      out.line("const V high_r", row, " = larger(max_r", row, ", smaller(", max, ", splat(HUGE)));");
    }
    std::string grows;
    for (int row = 0; row < c.rows(); ++row)
      grows += (row ? " | " : "") + std::string("(high_r") + str(row) + " > max_r" + str(row) + ")";
    out.open("if (any(", grows, "))");
    for (int row = 0; row < c.rows(); ++row) {
      out.line("const V rescale_r", row, " = v_exp(max_r", row, " - high_r", row, ");");
      out.line("max_r", row, " = high_r", row, ";");
    }
    for_slots(out, kernel_.sums, [&](const std::string& k, int row) {
      out.line(slot("sum", k, row), " *= rescale_r", row, ";");
      out.line("scale_total(", total_of(k, row), ", rescale_r", row, ");");
    });
    out.close();
    for (int row = 0; row < c.rows(); ++row) {
      for (int column = 0; column < c.columns(); ++column) {
        out.line("const V ", name("p", row, column), " = v_exp(", name("f", row, column), " - max_r", row, ");");
        if (kernel_.denominator) out.line(slot("sum", "0", row), " += ", name("p", row, column), ";");
      }
    }
    if (!weighted()) return;
    c.for_components(weight(), [&](const Component& k) {
      const std::string place = k.shifted(kernel_.denominator).text;
      for (int row = 0; row < c.rows(); ++row) {
        for (int column = 0; column < c.columns(); ++column) {
          const std::string w = c.value(weight(), k, {row, column});
          out.line(slot("sum", place, row), " += ", name("p", row, column), " * ", w, ";");
        }
      }
    });
  }
  void end(Text& out) override {
    for (int row = 0; row < rows(); ++row) out.line("store_state(value + ", row, " * LANES, max_r", row, ");");
  }

 private:
  bool weighted() const { return kernel_.reduction->weighted(); }
  Value weight() const { return program_.results[1]; }
  static std::string name(const char* stem, int row, int column) {
    return std::string(stem) + "_r" + str(row) + "_c" + str(column);
  }
};

// The sum of exp(F - m) for each component of F, with a running maximum m of its own.
class ComponentSoftmaxFold : public TotalsFold {
 public:
  using TotalsFold::TotalsFold;
  void begin(Text& out) override {
    declare(out, "V", "sum", f_->dim);
    declare(out, "V", "max", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("max", k, row), " = load_state(", memory("value", k, row), ");");
    });
  }
  void step(Components& c) override {
    Text& out = c.out();
    for (const char* name : {"v_exp", "vmin", "vmax"}) c.functions().call(name);
    c.prepare({f_}, true);
    for_components(c, [&](const Component& k) {
      for (int row = 0; row < c.rows(); ++row) {
        const std::string max = slot("max", k.text, row), sum = slot("sum", k.text, row);
        std::string largest;
        out.open("");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
          out.line("const V ", f, " = ", value, ";");
          largest = column == 0 ? f : "larger(" + largest + ", " + f + ")";
        }
        out.line("const V high = larger(", max, ", smaller(", largest, ", splat(HUGE)));");
        out.open("if (any(high > ", max, "))");
        out.line("const V rescale = v_exp(", max, " - high);");
        out.line(max, " = high;");
        out.line(sum, " *= rescale;");
        out.line("scale_total(", total_of(k.text, row), ", rescale);");
        out.close();
        for (int column = 0; column < c.columns(); ++column) out.line(sum, " += v_exp(f", column, " - ", max, ");");
        out.close();
      }
    });
  }
  void end(Text& out) override {
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line("store_state(", memory("value", k, row), ", ", slot("max", k, row), ");");
    });
  }
};

}  // namespace rkeops
