// Evaluations: programs whose data stay packed, for loops in which one input changes.
#include "program.h"

using bridge::catch_failure;

namespace {

struct Prepared {
  std::shared_ptr<const bridge::Runtime> runtime;
  rkeops::Argument changing;
  std::vector<bridge::Shape> shapes;  // of the results
  std::unique_ptr<rkeops::Evaluation> evaluation;
};

}  // namespace

// Formulas, as for rk_evaluate(), of which `position` (from 0) is going to change. Answers with an external pointer.
// [[Rcpp::export(rng = false)]]
SEXP rk_prepare(SEXP formula, SEXP args, SEXP definitions, SEXP data, SEXP tokens, SEXP blocks, SEXP position) {
  return catch_failure([&]() -> SEXP {
    const bridge::LazyProgram made = bridge::lazy_program(CHAR(STRING_ELT(formula, 0)), args, definitions, true);
    if (!made.program) return bridge::failure("formula_only", made.text);
    std::vector<rkeops::Input> inputs = bridge::views(*made.program, data, false);
    const std::optional<rkeops::RunOptions> own = bridge::with_blocks(made.runtime->run, blocks);
    const rkeops::RunOptions& options = own ? *own : made.runtime->run;
    bridge::keep_data(options, inputs, data, tokens);
    const std::vector<bridge::Shape> shapes = bridge::shapes_of(*made.program, inputs);
    const Rcpp::Shield<SEXP> pointer(bridge::new_pointer<Prepared>(data, tokens));
    return bridge::with_hooks(*made.runtime, [&](const rkeops::Host& host) -> SEXP {
      const auto at = static_cast<std::size_t>(Rf_asInteger(position));
      auto prepared = std::make_unique<Prepared>(Prepared{made.runtime, made.program->arguments()[at], shapes, nullptr});
      prepared->evaluation = made.program->prepare(inputs, options, host);
      R_SetExternalPtrAddr(pointer, prepared.release());
      return pointer;
    });
  });
}

// The result with `value` as the input that changes, if it is not NULL; of several parts a list, with NULL for those that are
// not `wanted` (NULL: all are). NULL where another evaluation has to be prepared for that: the pointer comes from a file or is
// none, the options have changed, the process was forked, or the value has another shape.
// [[Rcpp::export(rng = false)]]
SEXP rk_run_prepared(SEXP pointer, SEXP value, SEXP wanted) {
  return catch_failure([&]() -> SEXP {
    Prepared* const held = bridge::object_of<Prepared>(pointer);
    if (!held || held->runtime != bridge::current_runtime()) return R_NilValue;
    Prepared& prepared = *held;
    if (value != R_NilValue) {
      const rkeops::Input input = bridge::view(prepared.changing, value, false);
      if (input.cols != prepared.changing.dim) return R_NilValue;
      prepared.evaluation->set(static_cast<std::size_t>(prepared.changing.position), input);
      R_SetExternalPtrTag(pointer, value);  // it is borrowed until there is another one
    }
    const Rcpp::Shield<SEXP> results(bridge::allocate(prepared.shapes, wanted));
    return bridge::with_hooks(*prepared.runtime, [&](const rkeops::Host& host) -> SEXP {
      prepared.evaluation->run(bridge::memory_of(results), host);
      return prepared.shapes.size() == 1 ? VECTOR_ELT(results, 0) : static_cast<SEXP>(results);
    });
  });
}

// What was prepared is not needed any more.
// [[Rcpp::export(rng = false)]]
SEXP rk_release(SEXP pointer) {
  return catch_failure([&]() -> SEXP {
    if (TYPEOF(pointer) == EXTPTRSXP) bridge::destroy<Prepared>(pointer);
    return R_NilValue;
  });
}
