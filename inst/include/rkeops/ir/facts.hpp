// What is known of a formula's values by its structure, found as nodes are made: derivative rules and the emission of
// powers read it. All facts leave NaN aside: sqrt(a) is not negative, for it is NaN where a is.
#pragma once

#include <cmath>
#include <unordered_map>

#include "graph.hpp"

namespace rkeops {

inline bool has(Facts facts, Facts asked) { return (facts & asked) == asked; }
inline bool is_nonnegative(Expr a) { return has(a->facts, fact_nonnegative); }
inline bool is_positive(Expr a) { return has(a->facts, fact_positive); }
inline bool is_tame(Expr a) { return has(a->facts, fact_tame); }

namespace facts {

using Rule = Facts (*)(const Node&);

inline Facts of(const Node& n, std::size_t k) { return n.args[k]->facts; }

inline Facts given(bool condition, Facts facts) { return condition ? facts : Facts{0}; }
inline Facts tame_if(Facts f) { return static_cast<Facts>(f & fact_tame); }
inline Facts all_of(const Node& n, std::size_t from = 0) {
  Facts common = fact_nonnegative | fact_positive | fact_tame;
  for (std::size_t k = from; k < n.args.size(); ++k) common = static_cast<Facts>(common & of(n, k));
  return common;
}

inline bool is_nonpositive(Expr a) {
  if (is_constant(a)) return a->value <= 0;
  if (is(a, "Minus")) return is_nonnegative(a.arg(0));
  if (is(a, "Divide")) return is_nonpositive(a.arg(0)) && is_nonnegative(a.arg(1));
  if (!is(a, "Mult")) return false;
  return (is_nonpositive(a.arg(0)) && is_nonnegative(a.arg(1))) ||
         (is_nonnegative(a.arg(0)) && is_nonpositive(a.arg(1)));
}

inline Facts same(const Node& n) { return all_of(n); }
inline Facts same_but_positive(const Node& n) { return static_cast<Facts>(all_of(n) & ~fact_positive); }
inline Facts tame(const Node& n) { return tame_if(all_of(n)); }
inline Facts nonnegative(const Node& n) { return fact_nonnegative | tame(n); }
inline Facts truth(const Node&) { return fact_nonnegative | fact_tame; }
inline Facts inverse(const Node& n) {
  const Facts f = of(n, 0);
  return static_cast<Facts>((f & (fact_nonnegative | fact_positive)) | given(has(f, fact_positive), tame_if(f)));
}
inline Facts squared(const Node& n) {
  return static_cast<Facts>(fact_nonnegative | (of(n, 0) & (fact_positive | fact_tame)));
}
// Of sign and size like its argument, but defined for arguments that are not negative only.
inline Facts root(const Node& n) {
  const Facts f = of(n, 0);
  return static_cast<Facts>(fact_nonnegative | (f & fact_positive) | given(has(f, fact_nonnegative), tame_if(f)));
}

inline Facts sum_of_two(const Node& n) {
  const Facts a = of(n, 0), b = of(n, 1), both = static_cast<Facts>(a & b);
  return static_cast<Facts>((both & (fact_nonnegative | fact_tame)) |
                            given(has(both, fact_nonnegative) && has(static_cast<Facts>(a | b), fact_positive),
                                  fact_positive));
}

inline Facts quotient(const Node& n) {
  const Expr b = n.args[1];
  const bool safe = is_positive(b) || is_constant(b) || (is_variable(b) && b->indices == 0);
  return static_cast<Facts>((all_of(n) & (fact_nonnegative | fact_positive)) | given(safe, tame(n)));
}

inline Facts power(const Node& n) {
  const Facts f = of(n, 0);
  const bool even = n.params[0] % 2 == 0, bounded = n.params[0] >= 0 || has(f, fact_positive);
  return static_cast<Facts>((even ? fact_nonnegative : f & fact_nonnegative) | (f & fact_positive) |
                            given(bounded, tame_if(f)));
}

inline Facts real_power(const Node& n) {
  const Facts f = of(n, 0);
  const Expr exponent = n.args[1];
  const bool grows = is_constant(exponent) && exponent->value >= 0;
  const bool bounded = has(f, fact_positive) || (has(f, fact_nonnegative) && grows);
  return static_cast<Facts>((f & (fact_nonnegative | fact_positive)) | given(bounded, tame(n)));
}

inline Facts exponential(const Node& n) {
  return static_cast<Facts>(fact_nonnegative | fact_positive | given(is_nonpositive(n.args[0]), tame(n)));
}

inline const std::unordered_map<std::string_view, Rule>& rules() {
  static const std::unordered_map<std::string_view, Rule> map = [] {
    std::unordered_map<std::string_view, Rule> rows{
        {"Var", [](const Node& n) { return given(n.params[0] >= 0, fact_tame); }},
        {"Constant",
         [](const Node& n) {
           return static_cast<Facts>(given(n.value >= 0, fact_nonnegative) | given(n.value > 0, fact_positive) |
                                     given(std::isfinite(n.value), fact_tame));
         }},
        {"Add", sum_of_two}, {"Mult", same}, {"Divide", quotient}, {"Inv", inverse}, {"Square", squared},
        {"Pow", power}, {"Powf", real_power}, {"Sqrt", root}, {"Exp", exponential},
        {"Rsqrt", root}, {"InvOrZero", same_but_positive}, {"Abs", squared},
        {"Cosh", [](const Node&) { return static_cast<Facts>(fact_nonnegative | fact_positive); }},
        {"Log", [](const Node& n) { return given(has(of(n, 0), fact_positive), tame(n)); }},
        {"Log1p", [](const Node& n) { return given(has(of(n, 0), fact_nonnegative), same_but_positive(n)); }},
        {"XLogX", [](const Node& n) { return given(has(of(n, 0), fact_nonnegative), tame(n)); }},
        {"IfElse", [](const Node& n) { return all_of(n, 1); }},
        {"WhereNonzero", [](const Node& n) { return static_cast<Facts>(all_of(n, 1) & ~fact_positive); }},
        {"MultOrZero", same_but_positive}, {"Clamp", same_but_positive},
        {"Sum", same}, {"Max", same}, {"Min", same}, {"SumT", same}, {"Extract", same}, {"Strided", same},
        {"Concat", same}, {"Interleave", same}, {"ExtractT", same_but_positive}, {"Contract", same_but_positive},
        {"ContractOrZero", same_but_positive}};
    for (const char* name : {"Subtract", "Minus", "Sin", "Cos", "SinXDivX", "SinXDivXSlope", "Atan", "Atan2", "Sign",
                             "Floor", "RoundHalfAway", "Tanh", "Erf", "BesselJ0", "BesselJ1"}) {
      rows.emplace(name, tame);
    }
    for (const char* name : {"ReLU", "Erfc", "ArgMax", "ArgMin"}) rows.emplace(name, nonnegative);
    for (const char* name : {"Equal", "NotEqual", "LessThan", "LessOrEqual", "And", "Or", "Not", "Step", "Positions",
                             "RowNumber", "PartOf"}) {
      rows.emplace(name, truth);
    }
    return rows;
  }();
  return map;
}

}  // namespace facts

inline Facts facts_of(const Node& n) {
  const auto rule = facts::rules().find(n.operation->name);
  return rule == facts::rules().end() ? Facts{0} : rule->second(n);
}

// ---- what derivative rules make of it

// The convention at singular points is: the limit where it exists, else 0. Where a is never negative and is computed,
// a = 0 is its minimum or a kink, and a derivative that is infinite there has no limit when seen from the variables.
inline bool ends_at_zero(Expr a) { return is_nonnegative(a) && !is_positive(a) && !a->args.empty(); }
inline Expr unless_zero(Expr a, Expr derivative) { return call("WhereNonzero", a, derivative); }
inline Expr unless_end(Expr a, Expr derivative) { return ends_at_zero(a) ? unless_zero(a, derivative) : derivative; }

// e where the mask is 1, 0 where it is 0.
inline Expr masked(Expr e, Expr mask) { return is_tame(e) ? e * mask : call("WhereNonzero", mask, e); }

}  // namespace rkeops
