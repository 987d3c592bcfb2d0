// check.hpp, and all of the engine that tests look into. What is defined in engine.cpp alone is left out: the façade, and the
// families of reductions.
#pragma once

#include "check.hpp"
#include "rkeops/emit/kernel.hpp"
#include "rkeops/geometry/make_stage.hpp"
#include "rkeops/ir/print.hpp"
#include "rkeops/parse/parser.hpp"
#include "rkeops/pass/differential.hpp"
#include "rkeops/pass/quotients.hpp"
#include "rkeops/pass/stages.hpp"
#include "rkeops/plan/lower.hpp"
#include "rkeops/runtime/execution.hpp"

namespace check {

// As the engine does it, in engine.cpp: half a minute less of compiling for all test programs.
rkeops::Expr parse(rkeops::Graph& graph, const std::string& formula, rkeops::Arguments& known);
std::vector<rkeops::Expr> stages(rkeops::Expr root);

}  // namespace check
