// The engine, compiled once for all test programs.
#include "rkeops/engine_impl.hpp"

namespace check {

rkeops::Expr parse(rkeops::Graph& graph, const std::string& formula, rkeops::Arguments& known) {
  return rkeops::Parser(graph, formula, known, rkeops::differentiation()).parse();
}

std::vector<rkeops::Expr> stages(rkeops::Expr root) { return rkeops::stages_of(root); }

}  // namespace check

// The families of reductions are here for all of them: each has half of what writes kernels below it.
extern const rkeops::Reducer& (*const families[])();
const rkeops::Reducer& (*const families[])() = {rkeops::sum_reducer,     rkeops::two_sided_reducer, rkeops::extremum_reducer,
                                                rkeops::nearest_reducer, rkeops::softmax_reducer,   rkeops::entries_reducer,
                                                rkeops::where_reducer};
