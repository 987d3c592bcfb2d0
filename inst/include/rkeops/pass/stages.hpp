// A formula of reductions as stages: each reduction is a stage that reads inputs and the results of earlier stages;
// the last one gives the result.
#pragma once

#include "autodiff.hpp"

namespace rkeops {

// All reductions below `root`, in an order in which each comes after those it reads. A root that is not itself a
// reduction becomes one: a sum of a single term per row.
inline std::vector<Expr> stages_of(Expr root) {
  if (!root->has_reduction) {
    throw Error(ErrorKind::argument, "the formula is not a reduction",
                "Write for instance Sum_Reduction(F, 1) to sum F over j, with 0 to sum over i.");
  }
  if (!is_reduction(root)) {
    if (root->indices == (index_i | index_j)) {
      dimension_error("the formula outside of its reductions depends on both i and j");
    }
    const Category category = root->indices == index_i   ? Category::i
                              : root->indices == index_j ? Category::j
                                                         : Category::parameter;
    root = reduce_sum(root, Category::parameter, category);
  }
  std::vector<Expr> stages;
  for (Expr n : nodes_below({root}, true)) {
    if (!is_reduction(n)) continue;
    const Reduction& row = reduction_of(n);
    const std::vector<OutputPart> parts = row.reducer->parts(n);
    if (n != root && (parts.size() > 1 || parts[0].pairs)) {
      throw Error(ErrorKind::unsupported, std::string(row.name) + "_Reduction cannot be used inside a formula");
    }
    const Indices inside = static_cast<Indices>(indices_of(folded_category(n)) | indices_of(result_category(n)));
    for (const Node* arg : n->args) {
      if (arg->indices & ~inside) {
        dimension_error(std::string("a formula inside ") + row.name +
                        "_Reduction depends on an index that is neither folded nor the result's");
      }
    }
    stages.push_back(n);
  }
  return stages;
}

}  // namespace rkeops
