// What is known of a formula's values by its structure, found as nodes are made: derivative rules and the emission of
// powers read it. All facts leave NaN aside: sqrt(a) is not negative, for it is NaN where a is.
#pragma once

#include <cmath>

#include "graph.hpp"

namespace rkeops {

inline bool has(Facts facts, Facts asked) { return (facts & asked) == asked; }
inline bool is_nonnegative(Expr a) { return has(a->facts, fact_nonnegative); }
inline bool is_positive(Expr a) { return has(a->facts, fact_positive); }
inline bool is_tame(Expr a) { return has(a->facts, fact_tame); }

namespace facts {

inline Facts of(const Node& n, std::size_t k) { return n.args[k]->facts; }

inline Facts given(bool condition, Facts facts) { return condition ? facts : Facts{0}; }
inline Facts tame_if(Facts f) { return static_cast<Facts>(f & fact_tame); }
inline Facts all_of(const Node& n, std::size_t from = 0) {
  Facts common = fact_nonnegative | fact_positive | fact_tame;
  for (std::size_t k = from; k < n.args.size(); ++k) common = static_cast<Facts>(common & of(n, k));
  return common;
}

inline Facts same(const Node& n) { return all_of(n); }
inline Facts same_but_positive(const Node& n) { return static_cast<Facts>(all_of(n) & ~fact_positive); }
inline Facts tame(const Node& n) { return tame_if(all_of(n)); }
inline Facts negated(const Node& n) {
  return static_cast<Facts>(tame(n) | given(has(of(n, 0), fact_nonnegative), fact_nonpositive));
}
inline bool of_two_signs(const Node& n, std::size_t above, std::size_t below) {
  return has(of(n, above), fact_nonnegative) && has(of(n, below), fact_nonpositive);
}
inline Facts product(const Node& n) {
  return static_cast<Facts>(all_of(n) | given(of_two_signs(n, 0, 1) || of_two_signs(n, 1, 0), fact_nonpositive));
}
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
  return static_cast<Facts>((all_of(n) & (fact_nonnegative | fact_positive)) | given(safe, tame(n)) |
                            given(of_two_signs(n, 1, 0), fact_nonpositive));
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
  return static_cast<Facts>(fact_nonnegative | fact_positive | given(has(of(n, 0), fact_nonpositive), tame(n)));
}

inline Facts variable(const Node& n) { return given(n.params[0] >= 0, fact_tame); }
inline Facts constant(const Node& n) {
  return static_cast<Facts>(given(n.value >= 0, fact_nonnegative) | given(n.value > 0, fact_positive) |
                            given(n.value <= 0, fact_nonpositive) |
                            given(std::isfinite(n.value), fact_tame));
}
inline Facts above_zero(const Node&) { return static_cast<Facts>(fact_nonnegative | fact_positive); }
inline Facts tame_if_positive(const Node& n) { return given(has(of(n, 0), fact_positive), tame(n)); }
inline Facts tame_if_nonnegative(const Node& n) { return given(has(of(n, 0), fact_nonnegative), tame(n)); }
inline Facts log_of_one_more(const Node& n) {
  return given(has(of(n, 0), fact_nonnegative), same_but_positive(n));
}
inline Facts one_of_two(const Node& n) { return all_of(n, 1); }
inline Facts second_or_zero(const Node& n) { return static_cast<Facts>(all_of(n, 1) & ~fact_positive); }

}  // namespace facts

inline Facts facts_of(const Node& n) { return n.operation->known ? n.operation->known(n) : Facts{0}; }

// ---- what derivative rules make of it

// The convention at singular points is: the limit where it exists, else 0. Where a is never negative and is computed,
// a = 0 is its minimum or a kink, and a derivative that is infinite there has no limit when seen from the variables.
inline bool ends_at_zero(Expr a) { return is_nonnegative(a) && !is_positive(a) && !a->args.empty(); }
inline Expr unless_zero(Expr a, Expr derivative) { return call(Op::WhereNonzero, a, derivative); }
inline Expr unless_end(Expr a, Expr derivative) { return ends_at_zero(a) ? unless_zero(a, derivative) : derivative; }

// e where the mask is 1, 0 where it is 0.
inline Expr masked(Expr e, Expr mask) { return is_tame(e) ? e * mask : call(Op::WhereNonzero, mask, e); }

}  // namespace rkeops
