// Formula text of a node, in the language that the parser reads (reductions: with the axis folded).
#pragma once

#include "reduction.hpp"

namespace rkeops {

inline std::string formula_text(Expr n) {
  require_stack();
  if (is_variable(n)) {
    return std::string(name_of(category_of(n))) + "(" + str(position_of(n)) + "," + str(n->dim) + ")";
  }
  if (is_constant(n)) {
    if (n->dim == 1) return n->value < 0 ? "(" + number_text(n->value) + ")" : number_text(n->value);
    if (n->value == 0) return "Zero(" + str(n->dim) + ")";
    return "SumT(" + number_text(n->value) + "," + str(n->dim) + ")";
  }
  std::string text =
      is_reduction(n) ? std::string(reduction_of(n).name) + "_Reduction(" : std::string(n->operation->name) + "(";
  for (std::size_t k = 0; k < n->args.size(); ++k) text += (k ? "," : "") + formula_text(n.arg(k));
  if (is_reduction(n)) {
    if (k_of(n) > 0) text += "," + str(k_of(n));
    return text + "," + str(static_cast<std::int64_t>(folded_category(n))) + ")";
  }
  for (std::int64_t p : n->params) text += "," + str(p);
  return text + ")";
}

}  // namespace rkeops
