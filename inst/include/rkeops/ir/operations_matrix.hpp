// What the rows of operations_matrix.def are made of: contractions, and shapes of arrays.
#pragma once

#include <algorithm>

#include "operations_vector.hpp"

namespace rkeops {

// An axis of a contraction: its length and the steps it takes in the two factors.
struct Axis {
  std::int64_t size, a, b;
};

struct Contraction {
  std::vector<Axis> kept, summed;  // kept axes give the result, in C order
};

// Calls body(k, a, b) with the linear index and the places in both factors of every combination of the axes.
template <class Body>
void for_axes(const std::vector<Axis>& axes, Body body) {
  std::int64_t count = 1;
  for (const Axis& axis : axes) count *= axis.size;
  for (std::int64_t k = 0; k < count; ++k) {
    std::int64_t rest = k, a = 0, b = 0;
    for (std::size_t x = axes.size(); x-- > 0; rest /= axes[x].size) {
      a += rest % axes[x].size * axes[x].a;
      b += rest % axes[x].size * axes[x].b;
    }
    body(k, a, b);
  }
}

// Node parameters are: number of kept axes, then (size, a, b) of the kept and of the summed axes.
inline Contraction contraction_of(Expr n) {
  Contraction c;
  const std::size_t kept = static_cast<std::size_t>(n->params[0]);
  for (std::size_t k = 1; k < n->params.size(); k += 3) {
    const Axis axis{n->params[k], n->params[k + 1], n->params[k + 2]};
    ((k - 1) / 3 < kept ? c.kept : c.summed).push_back(axis);
  }
  return c;
}

// Drops axes of length 1 and joins neighbours that are one axis in both factors.
inline void join_axes(std::vector<Axis>& axes) {
  std::vector<Axis> joined;
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (!joined.empty() && joined.back().a == axis.a * axis.size && joined.back().b == axis.b * axis.size) {
      joined.back() = {joined.back().size * axis.size, axis.a, axis.b};
    } else {
      joined.push_back(axis);
    }
  }
  axes = std::move(joined);
}

// `guarded`: components of a that are 0 give 0, whatever they meet in b (see Care).
inline Expr contract(Expr a, Expr b, Contraction c, bool guarded = false) {
  join_axes(c.kept);
  join_axes(c.summed);
  const Op product = guarded ? Op::MultOrZero : Op::Mult;
  if (c.summed.empty() && c.kept.size() <= 1 && (a->dim == 1 || b->dim == 1)) return call(product, a, b);
  if (c.kept.empty() && c.summed.size() == 1 && a->dim == b->dim) return sum(call(product, a, b));
  Integers params{static_cast<std::int64_t>(c.kept.size())};
  std::int64_t dim = 1;
  for (const Axis& axis : c.kept) dim *= axis.size;
  for (const auto* axes : {&c.kept, &c.summed}) {
    for (const Axis& axis : *axes) params.insert(params.end(), {axis.size, axis.a, axis.b});
  }
  return a.graph().intern(guarded ? Op::ContractOrZero : Op::Contract, {a, b}, params, dim);
}

inline Contraction exchanged(Contraction c) {
  for (auto* axes : {&c.kept, &c.summed}) {
    for (Axis& axis : *axes) std::swap(axis.a, axis.b);
  }
  return c;
}

// Adjoint of one factor: its own axes are kept, in the order of its strides; those it lacks are summed.
// `guarded` is for the second factor of a guarded product: where the first, `other`, is 0, so is the adjoint.
inline Expr contract_adjoint(const Contraction& c, Expr e, Expr other, bool of_first, bool guarded = false) {
  struct Step {
    std::int64_t own, size, e, other;
  };
  std::vector<Step> own;
  Contraction result;
  const auto place = [&](const Axis& axis, std::int64_t e_stride) {
    const std::int64_t mine = of_first ? axis.a : axis.b, others = of_first ? axis.b : axis.a;
    if (mine != 0) {
      own.push_back({mine, axis.size, e_stride, others});
    } else {
      result.summed.push_back({axis.size, e_stride, others});
    }
  };
  std::int64_t stride = 1;
  for (std::size_t k = c.kept.size(); k-- > 0;) {
    place(c.kept[k], stride);
    stride *= c.kept[k].size;
  }
  for (const Axis& axis : c.summed) place(axis, 0);
  std::sort(own.begin(), own.end(), [](const Step& l, const Step& r) { return l.own > r.own; });
  for (const Step& s : own) result.kept.push_back({s.size, s.e, s.other});
  return guarded ? contract(other, e, exchanged(result), true) : contract(e, other, result);
}

inline std::int64_t matrix_rows(const char* name, Expr matrix, Expr vector) {
  if (matrix->dim % vector->dim != 0) {
    dimension_error(std::string(name) + ": matrix of dimension " + str(matrix->dim) + " and vector of dimension " +
                        str(vector->dim),
                    "The dimension of the vector must divide that of the matrix.");
  }
  return matrix->dim / vector->dim;
}

// An array in C order: its shape, and what a step along each of its axes skips.
struct Shape {
  Integers sizes, strides;
};

// Reads the list that starts at p[at], and moves on behind it.
inline Integers list_at(const Integers& p, std::size_t& at) {
  const auto from = p.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  const Integers list(from, from + p[at]);
  at += list.size() + 1;
  return list;
}

inline Shape shape_of(const char* name, Expr a, const Integers& sizes) {
  Shape shape{sizes, Integers(sizes.size())};
  std::int64_t count = 1;
  bool possible = true;
  for (std::size_t k = sizes.size(); k-- > 0;) {
    possible = possible && sizes[k] >= 1 && sizes[k] <= a->dim / count;
    shape.strides[k] = count;
    if (possible) count *= sizes[k];
  }
  if (!possible || count != a->dim) {
    constexpr std::size_t shown = 20;
    std::string lengths;
    for (std::size_t k = 0; k < std::min(sizes.size(), shown); ++k) lengths += (k ? "," : "") + str(sizes[k]);
    if (sizes.size() > shown) lengths += ",...";
    dimension_error(std::string(name) + ": axes of lengths [" + lengths + "] do not make up an operand of dimension " +
                    str(a->dim));
  }
  return shape;
}

// Which axes of a shape are in `list`; each may be there once.
inline std::vector<bool> marked_axes(const char* name, const Integers& list, std::size_t count) {
  std::vector<bool> marked(count, false);
  for (std::int64_t k : list) {
    if (k < 0 || k >= static_cast<std::int64_t>(count) || marked[static_cast<std::size_t>(k)]) {
      argument_error(std::string(name) + ": axis " + str(k) + " is not there, or is named twice",
                     "Axes count from 0; there are " + str(static_cast<std::int64_t>(count)) + ".");
    }
    marked[static_cast<std::size_t>(k)] = true;
  }
  return marked;
}

// Axis number v of those kept goes to place to[v] of the result.
inline std::vector<Axis> permuted(const char* name, const std::vector<Axis>& kept, const Integers& to) {
  if (to.size() != kept.size()) {
    argument_error(std::string(name) + ": the permutation has " + str(static_cast<std::int64_t>(to.size())) +
                   " elements, the result has " + str(static_cast<std::int64_t>(kept.size())) + " axes");
  }
  marked_axes(name, to, kept.size());
  std::vector<Axis> result(kept.size());
  for (std::size_t v = 0; v < kept.size(); ++v) result[static_cast<std::size_t>(to[v])] = kept[v];
  return result;
}

// Lists in p: shapes of both arrays, axes of both that are contracted with each other, perhaps a permutation.
inline Expr tensor_dot(Expr a, Expr b, const Integers& p) {
  const char* name = "TensorDot";
  std::size_t at = 0;
  const Shape sa = shape_of(name, a, list_at(p, at)), sb = shape_of(name, b, list_at(p, at));
  const Integers ca = list_at(p, at), cb = list_at(p, at);
  if (ca.size() != cb.size()) {
    argument_error("TensorDot: " + str(static_cast<std::int64_t>(ca.size())) + " axes are contracted with " +
                   str(static_cast<std::int64_t>(cb.size())));
  }
  const std::vector<bool> summed_a = marked_axes(name, ca, sa.sizes.size()),
                          summed_b = marked_axes(name, cb, sb.sizes.size());
  Contraction c;
  for (std::size_t k = 0; k < ca.size(); ++k) {
    const auto x = static_cast<std::size_t>(ca[k]), y = static_cast<std::size_t>(cb[k]);
    if (sa.sizes[x] != sb.sizes[y]) {
      dimension_error("TensorDot: axes of lengths " + str(sa.sizes[x]) + " and " + str(sb.sizes[y]) +
                      " are contracted with each other");
    }
    c.summed.push_back({sa.sizes[x], sa.strides[x], sb.strides[y]});
  }
  for (std::size_t k = 0; k < sa.sizes.size(); ++k) {
    if (!summed_a[k]) c.kept.push_back({sa.sizes[k], sa.strides[k], 0});
  }
  for (std::size_t k = 0; k < sb.sizes.size(); ++k) {
    if (!summed_b[k]) c.kept.push_back({sb.sizes[k], 0, sb.strides[k]});
  }
  if (at < p.size()) c.kept = permuted(name, c.kept, list_at(p, at));
  return contract(a, b, c);
}

// Lists in p: shapes of both arrays.
inline Expr kronecker(Expr a, Expr b, const Integers& p) {
  std::size_t at = 0;
  const Shape sa = shape_of("Kron", a, list_at(p, at)), sb = shape_of("Kron", b, list_at(p, at));
  Contraction c;
  const std::size_t axes = std::max(sa.sizes.size(), sb.sizes.size());
  const std::size_t lacks_a = axes - sa.sizes.size(), lacks_b = axes - sb.sizes.size();  // first axes, of length 1
  for (std::size_t k = 0; k < axes; ++k) {
    if (k >= lacks_a) c.kept.push_back({sa.sizes[k - lacks_a], sa.strides[k - lacks_a], 0});
    if (k >= lacks_b) c.kept.push_back({sb.sizes[k - lacks_b], 0, sb.strides[k - lacks_b]});
  }
  return contract(a, b, c);
}

}  // namespace rkeops
