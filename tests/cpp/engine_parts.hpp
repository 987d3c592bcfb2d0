// All of the engine that tests look into, without the definitions of engine.hpp: those are compiled once, in engine.cpp.
#pragma once

#include "rkeops/emit/kernel.hpp"
#include "rkeops/engine.hpp"
#include "rkeops/ir/print.hpp"
#include "rkeops/parse/parser.hpp"
#include "rkeops/pass/differential.hpp"
#include "rkeops/pass/quotients.hpp"
#include "rkeops/pass/stages.hpp"
#include "rkeops/reduce/all.hpp"
#include "rkeops/plan/lower.hpp"
#include "rkeops/runtime/execution.hpp"
