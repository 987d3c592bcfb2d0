// Random well-typed formulas that stay finite: texts for tests that compare the engine with the interpreter.
#pragma once

#include <map>

#include "check.hpp"

namespace check {

class RandomFormula {
 public:
  // long_dim: a dimension that appears now and then among small ones, to force loops in kernels.
  RandomFormula(std::uint64_t seed, std::int64_t long_dim) : random_(seed), long_dim_(long_dim) {}

  std::vector<std::string> declarations;
  std::mt19937_64& random() { return random_; }
  std::int64_t number(std::int64_t low, std::int64_t high) { return std::uniform_int_distribution<std::int64_t>(low, high)(random_); }
  bool chance(double p) { return std::uniform_real_distribution<double>()(random_) < p; }
  std::int64_t any_dim() { return chance(0.35) ? 1 : chance(0.3) ? long_dim_ : number(2, 6); }

  std::string declare(const std::string& category, std::int64_t dim) {
    const std::string name = "v" + std::to_string(declarations.size());
    declarations.push_back(name + "=" + category + "(" + std::to_string(dim) + ")");
    return name;
  }

  std::string variable(std::int64_t dim) {
    std::vector<std::string>& known = variables_[dim];
    if (!known.empty() && chance(known.size() > 2 ? 0.95 : 0.5)) return pick(known);
    known.push_back(declare(chance(0.42) ? "Vi" : chance(0.72) ? "Vj" : "Pm", dim));
    return known.back();
  }

  std::string expression(std::int64_t dim, int depth) {
    std::vector<std::string>& seen = seen_[dim];
    if (!seen.empty() && chance(0.12)) return pick(seen);
    if (depth == 0 || chance(0.08)) return leaf(dim);
    const std::string text = dim == 1 && chance(0.5) ? across(depth - 1) : dim > 1 && chance(0.45) ? structure(dim, depth - 1) : elementwise(dim, depth - 1);
    if (text.size() < 300) seen.push_back(text);
    return text;
  }

 private:
  const std::string& pick(const std::vector<std::string>& list) {
    return list[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(list.size()) - 1))];
  }

  static std::string call(const std::string& name, const std::vector<std::string>& args) {
    std::string text = name + "(";
    for (std::size_t k = 0; k < args.size(); ++k) text += (k ? "," : "") + args[k];
    return text + ")";
  }
  static std::string text(std::int64_t n) { return std::to_string(n); }

  std::string leaf(std::int64_t dim) {
    if (!chance(0.12)) return variable(dim);
    static const std::vector<std::string> constants{"0.5", "2", "(-1)", "1.25", "0", "3", "1"};
    return dim == 1 ? pick(constants) : chance(0.2) ? call("Zero", {text(dim)}) : call("SumT", {pick(constants), text(dim)});
  }

  // Of dimension dim, or repeated.
  std::string operand(std::int64_t dim, int depth) { return expression(chance(0.25) ? 1 : dim, depth); }
  std::string away_from_zero(std::int64_t dim, int depth) { return "(1.5+Sin(" + operand(dim, depth) + "))"; }

  std::string elementwise(std::int64_t dim, int depth) {
    const std::string a = expression(dim, depth);
    switch (number(0, 31)) {
      case 0: return "(" + a + "+" + operand(dim, depth) + ")";
      case 1: case 2: return "(" + a + "-" + operand(dim, depth) + ")";
      case 3: case 4: case 5: return "(" + operand(dim, depth) + "*" + a + ")";
      case 6: return "(" + a + "/" + away_from_zero(dim, depth) + ")";
      case 7: return "(-" + a + ")";
      case 8: return call("Exp", {"Sin(" + a + ")"});
      case 9: return call("Exp", {"-Square(" + a + ")"});
      case 10: return call("Sin", {a});
      case 11: return call("Cos", {a});
      case 12: return call("Square", {a});
      case 13: return call("Abs", {a});
      case 14: return call(chance(0.5) ? "Sign" : "Step", {a});
      case 15: return call("ReLU", {a});
      case 16: return call("Atan", {a});
      case 17: return call("Sqrt", {"Abs(" + a + ")"});
      case 18: return call("Rsqrt", {"(0.5+Square(" + a + "))"});
      case 19: return call("Log", {"(0.5+Square(" + a + "))"});
      case 20: return call("XLogX", {"Abs(" + a + ")"});
      case 21: return call("SinXDivX", {a});
      case 22: return call(chance(0.5) ? "Asin" : "Acos", {"(0.9*Sin(" + a + "))"});
      case 23: return call("Atan2", {a, "(0.3+Abs(" + operand(dim, depth) + "))"});
      case 24: return "((1.5+Sin(" + a + "))" + (chance(0.5) ? "**3" : chance(0.5) ? "**(-2)" : "^5") + ")";
      case 25: return call("Powf", {"(1.5+Sin(" + a + "))", operand(dim, depth)});
      case 26: return call("IfElse", {a, operand(dim, depth), operand(dim, depth)});
      case 27: return call("Clamp", {a, operand(dim, depth), operand(dim, depth)});
      case 28: return call("Mod", {a, away_from_zero(dim, depth), operand(dim, depth)});
      case 29: return call("LessThan", {a, operand(dim, depth)});
      case 30: return chance(0.5) ? call("Round", {a, text(number(0, 2))}) : call("Floor", {"(3*" + a + ")"});
      default: return call("Inv", {"(1.5+Sin(" + a + "))"});
    }
  }

  // A number from vectors.
  std::string across(int depth) {
    const std::int64_t d = any_dim();
    const std::string a = expression(d, depth);
    switch (number(0, 11)) {
      case 0: case 1: return call("Sum", {a});
      case 2: return "(" + a + "|" + operand(d, depth) + ")";
      case 3: return call("SqDist", {a, operand(d, depth)});
      case 4: return call("SqNorm2", {a});
      case 5: return call("Norm2", {a});
      case 6: return call(chance(0.5) ? "Max" : "Min", {a});
      case 7: return call(chance(0.5) ? "ArgMax" : "ArgMin", {a});
      case 8: return call("WeightedSqNorm", {expression(d <= 8 ? d * d : d, depth > 0 ? depth - 1 : 0), a});
      case 9: return call("WeightedSqDist", {expression(chance(0.5) ? 1 : d, depth), a, operand(d, depth)});
      case 10: return call("MatVecMult", {expression(d, depth), a});
      default: return call("Elem", {a, text(number(0, d - 1))});
    }
  }

  // A vector from parts, or a product.
  std::string structure(std::int64_t dim, int depth) {
    const std::int64_t q = number(1, dim > 20 ? 3 : 5), cut = number(1, dim - 1), more = chance(0.3) ? long_dim_ : number(1, 5);
    switch (number(0, 9)) {
      case 0: return call("SumT", {expression(1, depth), text(dim)});
      case 1: return call("Extract", {expression(dim + more, depth), text(number(0, more)), text(dim)});
      case 2: return call("ExtractT", {expression(cut, depth), text(number(0, dim - cut)), text(dim)});
      case 3: case 4: return call("Concat", {expression(cut, depth), expression(dim - cut, depth)});
      case 5: return chance(0.5) ? call("ElemT", {expression(1, depth), text(dim), text(number(0, dim - 1))})
                                 : call("OneHot", {"(" + text(dim / 2) + "+" + expression(1, depth) + ")", text(dim)});
      case 6: return call("MatVecMult", {expression(dim * q, depth), expression(q, depth)});
      case 7: return call("VecMatMult", {expression(q, depth), expression(dim * q, depth)});
      case 8:
        for (std::int64_t f = number(2, 6); f > 1; --f) {
          if (dim % f == 0) return product(dim, f, depth);
        }
        return call("Normalize", {expression(dim, depth)});
      default: return call("Normalize", {expression(dim, depth)});
    }
  }

  std::string product(std::int64_t dim, std::int64_t factor, int depth) {
    const std::int64_t first = chance(0.5) ? factor : dim / factor;
    return call("TensorProd", {expression(first, depth), expression(dim / first, depth)});
  }

  std::mt19937_64 random_;
  std::int64_t long_dim_;
  std::map<std::int64_t, std::vector<std::string>> variables_, seen_;
};

}  // namespace check
