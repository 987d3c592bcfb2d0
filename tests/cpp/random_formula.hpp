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
  std::int64_t number(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
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

  std::string parameter(std::int64_t dim) {
    std::vector<std::string>& known = parameters_[dim];
    if (known.empty() || chance(0.3)) known.push_back(declare("Pm", dim));
    return pick(known);
  }

  // A differential operator on a random formula; result_dim gets its dimension. Empty where none came out.
  std::string differential(int depth, std::int64_t& result_dim) {
    const bool square = chance(0.5);
    const std::int64_t d = number(1, 4), dim = square ? d : number(1, 3);
    const std::string v = variable(d);
    std::string f;
    for (int attempt = 0; attempt < 20 && f.find(v) == std::string::npos; ++attempt) f = expression(dim, depth);
    if (f.size() > 250 || f.find("gamma(") != std::string::npos) return "";  // not all of those have derivatives
    const std::string u = declare(chance(0.5) ? "Vi" : "Vj", d), left = variable(dim), linear = call("Diff", {f, v, u});
    const int kinds = dim == 1 ? 8 : square ? 7 : 6;
    result_dim = 1;
    switch (number(0, kinds - 1)) {
      case 0: return result_dim = dim, linear;
      case 1: return result_dim = d, call("Grad", {f, v, left});
      case 2: return result_dim = dim * d, call("GradMatrix", {f, v});
      case 3: return result_dim = d, call("AdjointOperator", {linear, u, left});
      case 4: return call("SumLinOperator", {linear, u, left, variable(d)});
      case 5: return dim == d || dim == 1 ? call("TraceOperator", {linear, u, variable(d)}) : call("SumLinOperator", {linear, u});
      case 6: return dim == d ? call("Divergence", {f, v}) : call("TraceOperator", {linear, u});
      default: return call("Laplacian", {f, v});
    }
  }

  std::string expression(std::int64_t dim, int depth) {
    std::vector<std::string>& seen = seen_[dim];
    if (!seen.empty() && chance(0.12)) return pick(seen);
    if (depth == 0 || chance(0.08)) return leaf(dim);
    const std::string text = chance(0.12)                ? complex_parts(dim, depth - 1)
                             : dim == 1 && chance(0.5)   ? across(depth - 1)
                             : dim > 1 && chance(0.45)   ? structure(dim, depth - 1)
                             : dim % 2 == 0 && chance(0.2) ? complex(dim, depth - 1)
                                                         : elementwise(dim, depth - 1);
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
    switch (number(0, 47)) {
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
      case 27: return clamp(dim, a, depth);
      case 28: return call("Mod", {a, away_from_zero(dim, depth), operand(dim, depth)});
      case 29: return call("LessThan", {a, operand(dim, depth)});
      case 30: return chance(0.5) ? call("Round", {a, text(number(0, 2))}) : call("Floor", {"(3*" + a + ")"});
      case 31: return call("Inv", {"(1.5+Sin(" + a + "))"});
      case 32: return call(chance(0.5) ? "Tanh" : "Asinh", {a});
      case 33: return call(chance(0.5) ? "Sinh" : "Cosh", {"Sin(" + a + ")"});
      case 34: return call(chance(0.5) ? "Tan" : "Atanh", {"(0.9*Sin(" + a + "))"});
      case 35: return call("Acosh", {"(1.5+Square(" + a + "))"});
      case 36: return call("Expm1", {"Sin(" + a + ")"});
      case 37: return call("Log1p", {"Square(" + a + ")"});
      case 38: case 39: return call(chance(0.5) ? "Erf" : "Erfc", {a});
      case 40: return call(chance(0.6) ? "LGamma" : chance(0.7) ? "Digamma" : "Trigamma", {"(1.6+Sin(" + a + "))"});
      case 41: return call(chance(0.5) ? "BesselJ0" : "BesselJ1", {a});
      case 42: return call(chance(0.5) ? "And" : "Or", {"Step(" + a + ")", "Step(" + operand(dim, depth) + ")"});
      case 43: return chance(0.5) ? call("Not", {"Step(" + a + ")"}) : call("InvOrZero", {"ReLU(Sin(" + a + ")+0.5)"});
      case 44: return call("SoftMin", {a, operand(dim, depth), operand(dim, depth), away_from_zero(dim, depth)});
      case 45: return call("Factorize", {a, operand(dim, depth)});
      case 46: return call("Reverse", {a});
      default: return call("AutoFactorize", {a});
    }
  }

  // With its bounds in order: else the derivative is a convention.
  std::string clamp(std::int64_t dim, const std::string& a, int depth) {
    const std::string low = operand(dim, depth);
    return call("Clamp", {a, low, "(" + low + "+0.1+Abs(" + operand(dim, depth) + "))"});
  }

  // Complex, of an even dimension.
  std::string complex(std::int64_t dim, int depth) {
    const auto z = [&] { return expression(chance(0.25) ? 2 : dim, depth); };
    const std::string a = expression(dim, depth);
    switch (number(0, 9)) {
      case 0: return call(chance(0.5) ? "Real2Complex" : "Imag2Complex", {expression(dim / 2, depth)});
      case 1: return call("Conj", {a});
      case 2: return call(chance(0.5) ? "ComplexAdd" : "ComplexSubtract", {z(), a});
      case 3: case 4: return call(chance(0.5) ? "ComplexMult" : "ComplexScal", {a, z()});
      case 5: return call("ComplexDivide", {a, "ComplexExp(Sin(" + z() + "))"});
      case 6:
        return chance(0.5) ? call("ComplexRealScal", {expression(1, depth), a})
                           : call("ComplexRealScal", {a, expression(1, depth)});
      case 7: return call("ComplexExp", {"Sin(" + a + ")"});
      case 8: return call("ComplexExp1j", {expression(dim / 2, depth)});
      default: return call("ComplexSumT", {expression(2, depth), text(dim)});
    }
  }

  // Real, from a complex vector.
  std::string complex_parts(std::int64_t dim, int depth) {
    if (dim == 2 && chance(0.3)) return call("ComplexSum", {expression(2 * number(1, 4), depth)});
    if (dim % 2 == 1 && chance(0.1)) return call("ComplexSumT", {expression(2, depth), text(dim)});
    static const std::vector<std::string> names{"ComplexReal", "ComplexImag", "ComplexSquareAbs", "ComplexAbs", "ComplexAngle"};
    const std::string& name = pick(names), z = expression(2 * dim, depth);
    return call(name, {name == "ComplexAngle" ? "(0.1+" + z + ")" : z});  // the sign of a zero decides on the cut
  }

  // A number from vectors.
  std::string across(int depth) {
    const std::int64_t d = any_dim();
    const std::string a = expression(d, depth);
    switch (number(0, 13)) {
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
      case 11:
        return call("Lookup", {parameter(24), call("ArgMax", {expression(number(1, 6), depth)}),
                               call("ArgMin", {expression(number(1, 4), depth)}), "4"});
      case 12:
        return call("SoftDTW_SqDist", {expression(number(1, 5), depth), expression(number(1, 4), depth),
                                       "(1.5+Sin(" + expression(1, depth) + "))"});
      default: return call("Elem", {a, text(number(0, d - 1))});
    }
  }

  // A vector from parts, or a product.
  std::string structure(std::int64_t dim, int depth) {
    const std::int64_t q = number(1, dim > 20 ? 3 : 5), cut = number(1, dim - 1), more = chance(0.3) ? long_dim_ : number(1, 5);
    switch (number(0, 13)) {
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
      case 9: return call("Gather", {parameter(dim * q), call("ArgMin", {expression(number(1, q), depth)}), text(dim)});
      case 10: case 11: return tensor_dot(dim, depth);
      case 12: return dim <= 6 ? spline(dim, depth) : kronecker(dim, depth);
      default: return call("Normalize", {expression(dim, depth)});
    }
  }

  static std::string listed(const std::vector<std::int64_t>& list) {
    std::string all = "[";
    for (std::size_t k = 0; k < list.size(); ++k) all += (k ? "," : "") + text(list[k]);
    return all + "]";
  }

  std::vector<std::int64_t> factors(std::int64_t dim) {
    std::vector<std::int64_t> list;
    for (std::int64_t f = 2; dim > 1 && list.size() < 3; ++f) {
      if (dim % f == 0 && chance(0.7)) list.push_back(f), dim /= f, --f;
      if (f > 7) break;
    }
    if (dim > 1 || list.empty()) list.push_back(dim);
    std::shuffle(list.begin(), list.end(), random_);
    return list;
  }

  // Axes of the result shared out between the two factors at random, up to two axes contracted, all in random order.
  std::string tensor_dot(std::int64_t dim, int depth) {
    struct Axis {
      std::int64_t size;
      int contracted;  // which pair; -1: kept
    };
    std::vector<Axis> axes[2];
    for (std::int64_t size : factors(dim)) axes[number(0, 1)].push_back({size, -1});
    const int pairs = static_cast<int>(number(0, 2));
    for (int p = 0; p < pairs; ++p) {
      const std::int64_t size = number(1, 3);
      for (auto& side : axes) side.push_back({size, p});
    }
    std::vector<std::int64_t> shapes[2], contracted[2], order;
    std::int64_t dims[2] = {1, 1};
    for (int side : {0, 1}) {
      contracted[side].resize(static_cast<std::size_t>(pairs));
      std::shuffle(axes[side].begin(), axes[side].end(), random_);
      for (std::size_t k = 0; k < axes[side].size(); ++k) {
        shapes[side].push_back(axes[side][k].size);
        dims[side] *= axes[side][k].size;
        if (axes[side][k].contracted >= 0)
          contracted[side][static_cast<std::size_t>(axes[side][k].contracted)] = static_cast<std::int64_t>(k);
        else order.push_back(static_cast<std::int64_t>(order.size()));
      }
    }
    std::shuffle(order.begin(), order.end(), random_);
    std::vector<std::string> args{expression(dims[0], depth), expression(dims[1], depth), listed(shapes[0]),
                                  listed(shapes[1]),          listed(contracted[0]),      listed(contracted[1])};
    if (chance(0.7)) args.push_back(listed(order));
    return call("TensorDot", args);
  }

  std::string kronecker(std::int64_t dim, int depth) {
    std::vector<std::int64_t> shapes[2]{{1}, {1}};
    std::int64_t dims[2] = {1, 1};
    for (std::int64_t size : factors(dim)) {
      const std::int64_t side = number(0, 1);
      shapes[side].push_back(size), dims[side] *= size;
    }
    return call("Kron", {expression(dims[0], depth), expression(dims[1], depth), listed(shapes[0]), listed(shapes[1])});
  }

  // On increasing knots.
  std::string spline(std::int64_t dim, int depth) {
    const std::int64_t degree = number(0, 3), knots = dim + degree + 1;
    std::string apart = "-2";
    for (std::int64_t k = 1; k < knots; ++k) apart = call("Concat", {apart, "(" + text(k) + "*0.6-2)"});
    return call("BSpline", {"(" + apart + "+0.2*Sin(" + expression(knots, depth) + "))", "(2*Sin(" + expression(1, depth) + "))",
                            text(degree)});
  }

  std::string product(std::int64_t dim, std::int64_t factor, int depth) {
    const std::int64_t first = chance(0.5) ? factor : dim / factor;
    return call("TensorProd", {expression(first, depth), expression(dim / first, depth)});
  }

  std::mt19937_64 random_;
  std::int64_t long_dim_;
  std::map<std::int64_t, std::vector<std::string>> variables_, parameters_, seen_;
};

}  // namespace check
