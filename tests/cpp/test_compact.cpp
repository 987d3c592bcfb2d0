// Compact gradients: what the kernels of common covariances and their derivatives compute once per pair. Each exponential,
// root, quotient and distance may be there once. With --table: the counts as a table for design/gradients.md,
// and with --formulas too.
#include "engine_parts.hpp"

using namespace check;
using rkeops::Expr;

namespace {

struct PerPair {
  int exponentials = 0, roots = 0, quotients = 0, sums = 0, scalars = 0, vectors = 0;

  std::string show() const {
    std::string text;
    for (int n : {exponentials, roots, quotients, sums, scalars, vectors}) text += " " + std::to_string(n) + " |";
    return text;
  }
};

// Operations that the fold of the last stage does for every pair.
PerPair count(Expr reduction) {
  using rkeops::Structure;
  PerPair counts;
  for (Expr n : rkeops::nodes_below({reduction.arg(0)})) {
    if (n->indices != (rkeops::index_i | rkeops::index_j) || n->operation->structure == Structure::leaf || is_reduction(n))
      continue;
    const std::string name = n->operation->name;
    if (n->operation->structure == Structure::horizontal || n->operation->structure == Structure::contraction) ++counts.sums;
    else if (name == "Exp") ++counts.exponentials;
    else if (name == "Sqrt" || name == "Rsqrt") ++counts.roots;
    else if (name == "Divide" || name == "Inv" || name == "InvOrZero") ++counts.quotients;
    else if (n->operation->structure == Structure::elementwise) ++(n->dim == 1 ? counts.scalars : counts.vectors);
  }
  return counts;
}

struct Kernel {
  const char *name, *formula;
  int exponentials, roots, quotients, sums;  // of the value
};

constexpr Kernel kernels[] = {{"Gaussian", "Exp(-SqDist(x,y))", 1, 0, 0, 1},
                              {"Laplace", "Exp(-Norm2(x-y))", 1, 1, 0, 1},
                              {"Cauchy", "1/(1+SqDist(x,y))", 0, 0, 1, 1},
                              {"inverse multiquadric", "Rsqrt(1+SqDist(x,y))", 0, 1, 0, 1},
                              {"polynomial", "(1+(x|y))**3", 0, 0, 0, 1}};

struct Derivative {
  const char *name, *formula;  // K: the kernel times b
  int more_sums;               // scalar products with b, e, u
};

constexpr Derivative derivatives[] = {
    {"a = sum K b", "Sum_Reduction(K*b,1)", 0},
    {"adjoint in x", "Grad(Sum_Reduction(K*b,1),x,e)", 1},
    {"adjoint in y", "Grad(Sum_Reduction(K*b,1),y,e)", 1},
    {"adjoint in b", "Grad(Sum_Reduction(K*b,1),b,e)", 0},
    {"differential in x", "Diff(Sum_Reduction(K*b,1),x,u)", 1},
    {"second adjoint in x, x", "Grad(Grad(Sum_Reduction(K*b,1),x,e),x,u)", 2},
    {"second adjoint in x, y", "Grad(Grad(Sum_Reduction(K*b,1),x,e),y,u)", 2},
    {"Laplacian in x", "Sum_Reduction(Laplacian(K,x)*b,1)", 1},
};

TEST("operations of each pair") {
  const bool table = option("--table");
  if (table) {
    std::printf("| kernel | | exp | root | quotient | sum over D | scalar | vector |\n|---|---|---|---|---|---|---|---|\n");
  }
  for (const Kernel& kernel : kernels) {
    for (const Derivative& derivative : derivatives) {
      std::string formula = derivative.formula;
      formula.replace(formula.find('K'), 1, std::string("(") + kernel.formula + ")");
      rkeops::Graph graph;
      rkeops::Arguments known(arguments({"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "e=Vi(2)", "u=Vi(3)"}));
      const Expr root = check::parse(graph, formula, known);
      const Expr last = check::stages(root).back();
      const PerPair counts = count(last);
      if (table) {
        std::printf("| %s | %s |%s\n", kernel.name, derivative.name, counts.show().c_str());
        if (option("--formulas")) std::printf("    %s\n", rkeops::formula_text(last).c_str());
      }
      const std::string what = std::string(kernel.name) + ", " + derivative.name + ":" + counts.show();
      CHECK_THAT(counts.exponentials <= kernel.exponentials, what + " exponentials");
      CHECK_THAT(counts.roots <= kernel.roots, what + " roots");
      CHECK_THAT(counts.quotients <= kernel.quotients + kernel.roots, what + " quotients");
      CHECK_THAT(counts.sums <= kernel.sums + derivative.more_sums, what + " sums");
    }
  }
}

}  // namespace
