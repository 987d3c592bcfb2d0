// Rows of the operation table: products of matrices stored row by row in vectors. All are one node, Contract: a sum
// of products over strided axes, C[o] = sum_s A[o . a + s . a'] B[o . b + s . b'].
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

inline Expr contract(Expr a, Expr b, Contraction c) {
  const auto unit = [](const Axis& axis) { return axis.size == 1; };
  c.kept.erase(std::remove_if(c.kept.begin(), c.kept.end(), unit), c.kept.end());
  c.summed.erase(std::remove_if(c.summed.begin(), c.summed.end(), unit), c.summed.end());
  if (c.summed.empty() && (a->dim == 1 || b->dim == 1)) return a * b;
  if (c.kept.empty() && c.summed.size() == 1 && a->dim == b->dim) return dot(a, b);
  Integers params{static_cast<std::int64_t>(c.kept.size())};
  std::int64_t dim = 1;
  for (const Axis& axis : c.kept) dim *= axis.size;
  for (const auto* axes : {&c.kept, &c.summed}) {
    for (const Axis& axis : *axes) params.insert(params.end(), {axis.size, axis.a, axis.b});
  }
  return a.graph().intern(*find_operation("Contract"), {a, b}, params, dim);
}

// Adjoint of one factor: its own axes are kept, in the order of its strides; those it lacks are summed.
inline Expr contract_adjoint(const Contraction& c, Expr e, Expr other, bool of_first) {
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
  return contract(e, other, result);
}

inline std::int64_t matrix_rows(const char* name, Expr matrix, Expr vector) {
  if (matrix->dim % vector->dim != 0) {
    dimension_error(std::string(name) + ": matrix of dimension " + str(matrix->dim) + " and vector of dimension " +
                        str(vector->dim),
                    "The dimension of the vector must divide that of the matrix.");
  }
  return matrix->dim / vector->dim;
}

// clang-format off
inline std::vector<Operation> matrix_operations() {
  using Args = const std::vector<Expr>&;
  using Params = const Integers&;
  return {
      structural("Contract", "", Structure::contract,
                 [](Expr n, Expr e) {
                   const Contraction c = contraction_of(n);
                   return std::vector<Expr>{contract_adjoint(c, e, n.arg(1), true),
                                            contract_adjoint(c, e, n.arg(0), false)};
                 },
                 nullptr, "sum of products over axes"),
      composed("MatVecMult", "xx", [](Graph&, Args a, Params) {
        const std::int64_t p = a[1]->dim, n = matrix_rows("MatVecMult", a[0], a[1]);
        return contract(a[0], a[1], {{{n, p, 0}}, {{p, 1, 1}}});
      }, "matrix (row-major) times vector"),
      composed("VecMatMult", "xx", [](Graph&, Args a, Params) {
        const std::int64_t n = a[0]->dim, p = matrix_rows("VecMatMult", a[1], a[0]);
        return contract(a[0], a[1], {{{p, 0, 1}}, {{n, 1, p}}});
      }, "vector times matrix (row-major)"),
      composed("TensorProd", "xx", [](Graph&, Args a, Params) {
        return contract(a[0], a[1], {{{a[0]->dim, 1, 0}, {a[1]->dim, 0, 1}}, {}});
      }, "outer product, row-major"),
  };
}
// clang-format on

}  // namespace rkeops
