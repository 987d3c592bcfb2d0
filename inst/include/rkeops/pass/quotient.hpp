// Division by a node that can be 0, where the quotient has a limit: of the derivative (1 + n) e^-n - e^-n by n, say.
//
// Norms, roots and absolute values have a kink at 0, where their derivatives are 0 by convention. A smooth function of a
// norm has none, but its derivative in n and the kink's 1 / n meet as 0 / 0. So the derivative is seen as a sum of
// products, whose common factors are taken out; n is taken out of each product that is left, if need be after they are
// multiplied out and what cancels is gone, or out of an odd function of n.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "../ir/operations.hpp"
#include "../ir/simplify.hpp"

namespace rkeops {

struct Division {
  Expr quotient, rest;
};

class Quotient {
 public:
  explicit Quotient(Expr n, int depth = 0) : n_(n), g_(n.graph()), depth_(depth) {}

  // h with e = n h, or nothing.
  Expr of(Expr e) {
    const Division whole = divide(e);
    return whole.rest ? Expr() : whole.quotient;
  }

  // e = n quotient + rest, each perhaps nothing. What comes out of one branch is divided, or is not, as a whole.
  Division divide(Expr e) {
    const std::optional<Sum> sum = depth_ > deepest ? std::nullopt : expand(e, 0);
    if (!sum) return {Expr(), e};
    std::vector<Sum> branches;
    for (const Product& product : combined(*sum)) {
      const auto same = std::find_if(branches.begin(), branches.end(),
                                     [&](const Sum& branch) { return branch[0].gates == product.gates; });
      if (same == branches.end()) branches.push_back({product});
      else same->push_back(product);
    }
    if (branches.empty()) return {g_.constant(0, e->dim), Expr()};
    Division result;
    for (const Sum& branch : branches) {
      distributes_ = false;
      const Division part = of_branch(branch);
      result.quotient = sum_of(result.quotient, part.quotient);
      result.rest = sum_of(result.rest, part.rest);
    }
    if (!result.quotient) result.rest = e;
    return result;
  }

 private:
  // factor n^power product of factors^exponents; 0 where one of the gates is 0, whatever the rest is
  struct Product {
    double factor = 1;
    int power = 0;
    std::map<Expr, int, InOrder> factors;
    std::set<Expr, InOrder> gates;

    bool alike(const Product& other) const {
      return power == other.power && factors == other.factors && gates == other.gates;
    }
    void include(Expr a, int exponent) {
      if (exponent > 1 && is(a, Op::Step)) exponent = 1;
      int& total = factors[a];
      total = is(a, Op::Step) && total + exponent > 1 ? 1 : total + exponent;
      if (total == 0) factors.erase(a);
    }
  };
  using Sum = std::vector<Product>;

  static constexpr std::size_t most_terms = 64;
  static constexpr int deepest = 4, longest = 40, highest_power = 16;

  static Expr sum_of(Expr a, Expr b) { return a && b ? a + b : a ? a : b; }

  Division of_branch(Sum sum) {
    Product common = taken_out(sum);
    if (divide(common)) return {times_common(common, sum), Expr()};
    if (Sum parts = sum; divide_all(parts)) return {times_common(common, parts), Expr()};
    distributes_ = true;
    std::optional<Sum> all = Sum{};
    for (const Product& product : sum) all = plus(all, multiplied_out(product));
    if (!all) return {Expr(), times_common(common, sum)};
    Sum parts, rest;
    for (Product& product : *all = combined(*all)) (divide(product) ? parts : rest).push_back(product);
    if (all->empty()) return {g_.constant(0, n_->dim), Expr()};
    if (rest.empty()) return {times_common(common, parts), Expr()};
    const Expr cancelled = parts.empty() ? Expr() : cancels(rest);
    if (!cancelled) return {Expr(), times_common(common, sum)};
    const Expr smooth = call(Op::Or, n_, cancelled);
    return {call(Op::WhereNonzero, smooth, times_common(common, parts)), times_common(common, rest)};
  }

  // Do terms cancel because parameters have the same values? A truth value, or nothing if they cannot.
  Expr cancels(Sum rest) {
    std::vector<Expr> coefficients;
    std::vector<Product> kinds;
    for (Product& p : rest) {
      Product coefficient;
      coefficient.factor = p.factor;
      p.factor = 1;
      for (auto f = p.factors.begin(); f != p.factors.end();) {
        const bool parameter = f->first->indices == 0 && f->first->dim == 1 && f->first->rank < first_fresh_rank;
        if (parameter) coefficient.factors.insert(*f);
        f = parameter ? p.factors.erase(f) : std::next(f);
      }
      std::size_t k = 0;
      while (k < kinds.size() && !kinds[k].alike(p)) ++k;
      const Expr part = written(coefficient);
      if (k == kinds.size()) kinds.push_back(p), coefficients.push_back(part);
      else coefficients[k] = coefficients[k] + part;
    }
    if (rest.size() < 2 * kinds.size()) return {};
    Expr all;
    for (const Expr c : coefficients) all = product(all, is_zero(c));
    return all;
  }

  static Sum number(double value) {
    Product p;
    p.factor = value;
    return {p};
  }

  static Sum factor(Expr a, int exponent = 1) {
    Product p;
    p.include(a, exponent);
    return {p};
  }

  Sum n_to_the(int power) const {
    Product p;
    p.power = power;
    return {p};
  }

  std::optional<Sum> expand(Expr a, int depth) {
    if (depth > longest) return {};
    if (a == n_) return n_to_the(1);
    if (is_square_of_n(a)) return n_to_the(2);
    if (is_constant(a)) return number(a->value);
    const auto sub = [&](std::size_t k) { return expand(a.arg(k), depth + 1); };
    // Sums inside of products stay whole until all is multiplied out.
    const auto within = [&](std::size_t k, int exponent = 1) -> std::optional<Sum> {
      const std::optional<Sum> whole = sub(k);
      if (!whole || distributes_) return power_of(whole, exponent);
      return whole->size() == 1 ? power_of(whole, exponent) : factor(a.arg(k), exponent);
    };
    if (is(a, Op::SumT)) return sub(0);
    if (is(a, Op::Minus)) return times(sub(0), number(-1));
    if (is(a, Op::Add)) return plus(sub(0), sub(1));
    if (is(a, Op::Subtract)) return plus(sub(0), times(sub(1), number(-1)));
    if (is(a, Op::Mult)) return times(within(0), within(1));
    if (is(a, Op::Divide)) return times(within(0), factor(a.arg(1), -1));
    if (is(a, Op::Square)) return within(0, 2);
    if (is(a, Op::Pow) && a->params[0] > 0 && a->params[0] <= highest_power) {
      return within(0, static_cast<int>(a->params[0]));
    }
    if (is(a, Op::ReLU) && distributes_) return times(factor(call(Op::Step, a.arg(0))), sub(0));
    if (is(a, Op::WhereNonzero)) return gated(within(1), a.arg(0));
    if (is(a, Op::MultOrZero)) {
      const std::optional<Sum> gate = within(0);
      const bool through = gate && gate->size() == 1 && (!(*gate)[0].gates.empty() || (*gate)[0].power > 0);
      if (through) return times(gate, within(1));  // gated further down, or by n itself
      return gated(times(factor(a.arg(0)), within(1)), a.arg(0));
    }
    return factor(a);
  }

  static std::optional<Sum> gated(std::optional<Sum> sum, Expr gate) {
    if (!sum) return {};
    for (Product& product : *sum) product.gates.insert(gate);
    return sum;
  }

  bool is_square_of_n(Expr a) const {
    if (is(n_, Op::Sqrt)) return a == n_.arg(0);
    return is(n_, Op::Abs) && is(a, Op::Square) && a.arg(0) == n_.arg(0);
  }

  // With all its factors multiplied out.
  std::optional<Sum> multiplied_out(const Product& p) {
    Product rest = p;
    rest.factors.clear();
    std::optional<Sum> sum = Sum{rest};
    for (const auto& [factor_of_p, exponent] : p.factors) {
      sum = times(sum, exponent > 0 ? power_of(expand(factor_of_p, 0), exponent) : factor(factor_of_p, exponent));
    }
    return sum;
  }

  static std::optional<Sum> plus(std::optional<Sum> a, const std::optional<Sum>& b) {
    if (!a || !b || a->size() + b->size() > most_terms) return {};
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }

  static std::optional<Sum> times(const std::optional<Sum>& a, const std::optional<Sum>& b) {
    if (!a || !b || a->size() * b->size() > most_terms) return {};
    Sum all;
    for (const Product& x : *a) {
      for (const Product& y : *b) {
        Product p = x;
        p.factor *= y.factor;
        p.power += y.power;
        for (const auto& [factor_of_y, exponent] : y.factors) p.include(factor_of_y, exponent);
        p.gates.insert(y.gates.begin(), y.gates.end());
        all.push_back(std::move(p));
      }
    }
    return combined(all);
  }

  static std::optional<Sum> power_of(const std::optional<Sum>& base, int exponent) {
    std::optional<Sum> power = base;
    for (int k = 1; k < exponent; ++k) power = times(power, base);
    return power;
  }

  // Like products added up; those that cancel, but for rounding of their factors, are gone.
  static Sum combined(const Sum& sum) {
    Sum kept;
    std::vector<double> sizes;
    for (const Product& p : sum) {
      std::size_t k = 0;
      while (k < kept.size() && !kept[k].alike(p)) ++k;
      if (k == kept.size()) {
        kept.push_back(p);
        sizes.push_back(std::fabs(p.factor));
      } else {
        kept[k].factor += p.factor;
        sizes[k] += std::fabs(p.factor);
      }
    }
    Sum left;
    for (std::size_t k = 0; k < kept.size(); ++k) {
      if (std::fabs(kept[k].factor) > 1e-14 * sizes[k]) left.push_back(kept[k]);
    }
    return left;
  }

  // Removes from all products what they have in common. Factors that are gates stay with their gate.
  static Product taken_out(Sum& sum) {
    Product common = sum[0];
    common.factor = 1;
    for (const Product& p : sum) {
      common.power = std::min(common.power, p.power);
      for (auto gate = common.gates.begin(); gate != common.gates.end();) {
        gate = p.gates.count(*gate) ? std::next(gate) : common.gates.erase(gate);
      }
    }
    for (const Product& p : sum) {
      for (auto f = common.factors.begin(); f != common.factors.end();) {
        const auto same = p.factors.find(f->first);
        const bool shared = same != p.factors.end() && (same->second > 0) == (f->second > 0) &&
                            p.gates.count(f->first) == common.gates.count(f->first);
        if (!shared) {
          f = common.factors.erase(f);
          continue;
        }
        f->second = f->second > 0 ? std::min(f->second, same->second) : std::max(f->second, same->second);
        ++f;
      }
    }
    for (Product& p : sum) {
      p.power -= common.power;
      for (const Expr gate : common.gates) p.gates.erase(gate);
      for (const auto& [factor_of_all, exponent] : common.factors) {
        if ((p.factors[factor_of_all] -= exponent) == 0) p.factors.erase(factor_of_all);
      }
    }
    return common;
  }

  bool divide_all(Sum& sum) {
    for (Product& product : sum) {
      if (!divide(product)) return false;
    }
    return true;
  }

  bool divide(Product& p) {
    if (p.power > 0) return --p.power, true;
    for (auto& [candidate, exponent] : p.factors) {
      if (exponent < 1) continue;
      const Expr whole = candidate, quotient = divided(whole);
      if (!quotient) continue;
      if (--exponent == 0) p.factors.erase(whole);
      p.include(quotient, 1);
      return true;
    }
    return false;
  }

  // f / n for a sum; for a function that is 0 at 0, of a multiple of n; for n^b.
  Expr divided(Expr f) {
    if (is(f, Op::Add) || is(f, Op::Subtract)) return Quotient(n_, depth_ + 1).of(f);
    if (is(f, Op::Powf) && f.arg(0) == n_ && is_constant(f.arg(1)) && f.arg(1)->value >= 1) {
      return call(Op::Powf, n_, f.arg(1) - 1);
    }
    if (f->args.size() != 1) return {};
    static const std::pair<Op, double> slopes[] = {
        {Op::Sin, 1},   {Op::Tan, 1},   {Op::Asin, 1},  {Op::Atan, 1},  {Op::Sinh, 1},
        {Op::Tanh, 1},  {Op::Asinh, 1}, {Op::Atanh, 1}, {Op::Expm1, 1}, {Op::Log1p, 1},
        {Op::Erf, 1.1283791670955126},  {Op::BesselJ1, 0.5},            {Op::SinXDivXSlope, -1. / 3}};
    for (const auto& [op, slope] : slopes) {
      if (!is(f, op)) continue;
      const Expr a = f.arg(0), part = Quotient(n_, depth_ + 1).of(a);
      if (!part) return {};
      return part * (is(f, Op::Sin) ? call(Op::SinXDivX, a) : over_at_zero(f, a, slope));
    }
    return {};
  }

  Expr power(Expr a, int exponent) { return g_.apply(Op::Pow, {a}, {exponent}); }

  static Expr product(Expr a, Expr b) { return a ? a * b : b; }

  Expr written(Product p) {
    std::vector<Expr> first;  // factors that are gates
    for (const Expr gate : p.gates) {
      const auto found = p.factors.find(gate);
      if (found == p.factors.end() || found->second != 1) continue;
      first.push_back(gate);
      p.factors.erase(found);
    }
    Expr top, bottom;
    for (const auto& [factor_of_p, exponent] : p.factors) {
      if (exponent > 0) top = product(top, power(factor_of_p, exponent));
      if (exponent < 0) bottom = product(bottom, power(factor_of_p, -exponent));
    }
    if (p.power > 0) top = product(power(n_, p.power), top ? top : g_.constant(1));
    top = p.factor * (top ? top : g_.constant(1));
    if (bottom) top = top / bottom;
    for (const Expr gate : p.gates) {
      const bool multiplies = std::find(first.begin(), first.end(), gate) != first.end();
      top = call(multiplies ? Op::MultOrZero : Op::WhereNonzero, gate, top);
    }
    return top;
  }

  // The sum of the products, times what they have in common.
  Expr times_common(Product common, Sum sum) {
    const Product more = taken_out(sum);
    common.power += more.power;
    for (const auto& [factor_of_all, exponent] : more.factors) common.include(factor_of_all, exponent);
    common.gates.insert(more.gates.begin(), more.gates.end());
    Expr total;
    for (const Product& p : sum) {
      const Expr term = written(p);
      total = total ? total + term : term;
    }
    if (!is_constant(total)) common.include(total, 1);
    if (is_constant(total)) common.factor *= total->value;
    return written(common);
  }

  Expr n_;
  Graph& g_;
  int depth_;
  bool distributes_ = false;
};

// e = n quotient + rest, where n may be 0; either may be empty.
inline Division divided(Expr e, Expr n) { return Quotient(n).divide(e); }

}  // namespace rkeops
