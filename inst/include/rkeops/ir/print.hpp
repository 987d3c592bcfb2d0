// Formula text of a node, in the language that the parser reads (reductions: with the axis folded).
#pragma once

#include <unordered_map>

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

// The nodes below `nodes` (arguments first) as lines, each once: what is shared is seen.
inline std::string graph_text(const std::vector<Expr>& nodes) {
  std::unordered_map<const Node*, std::string> names;
  std::string text;
  for (Expr n : nodes) {
    if (is_variable(n) || is_constant(n)) {
      names[n.node()] = formula_text(n);
      continue;
    }
    std::string line = is_reduction(n) ? std::string(reduction_of(n).name) + "_Reduction" : n->operation->name;
    line += "(";
    const std::size_t empty = line.size();
    for (const Node* arg : n->args) line += (line.size() > empty ? ", " : "") + names[arg];
    if (is_reduction(n)) line += ", over " + std::string(name_of(folded_category(n)) + 1);
    else for (std::int64_t p : n->params) line += (line.size() > empty ? ", " : "") + str(p);
    const std::string name = names[n.node()] = "n" + str(static_cast<std::int64_t>(names.size()));
    text += "  " + name + (n->dim > 1 ? "[" + str(n->dim) + "]" : "") + " = " + line + ")\n";
  }
  return text;
}

}  // namespace rkeops
