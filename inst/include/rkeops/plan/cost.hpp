// What a pair of a row and a column costs, roughly, in simple operations.
#pragma once

#include "pair_program.hpp"

namespace rkeops {

struct PairCost {
  double components = 0;  // for the components of the result, all together
  double shared = 0;      // whatever component is asked for
};

inline PairCost pair_cost(const PairProgram& program) {
  PairCost cost;
  std::unordered_set<const Instruction*> by_component;  // vectors of which a component of the result needs just one
  std::vector<Value> todo(program.results);
  while (!todo.empty()) {
    const Value v = todo.back();
    todo.pop_back();
    const bool mixes = v->operation->structure == Structure::horizontal || !v->contraction.summed.empty();
    if (v->dim == 1 || mixes || !by_component.insert(v.get()).second) continue;
    todo.insert(todo.end(), v->args.begin(), v->args.end());
  }
  for (const Instruction& v : program.instructions) {
    const Structure structure = v.operation->structure;
    if (v.variance != varies_pair || structure == Structure::movement) continue;
    double each = std::max<int>(1, v.operation->cost);
    for (const Axis& axis : v.contraction.summed) each *= static_cast<double>(axis.size);
    const std::int64_t dim = structure == Structure::horizontal ? v.args[0]->dim : v.dim;
    (by_component.count(&v) ? cost.components : cost.shared) += each * static_cast<double>(dim);
  }
  const double fold = program.reduction.reducer->cost();
  for (Value result : program.results) cost.components += fold * static_cast<double>(result->dim);
  return cost;
}

}  // namespace rkeops
