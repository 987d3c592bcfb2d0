// Pairs that satisfy a condition, for R/pairs-where.R.
#include "expression.h"
#include "program.h"

namespace {

template <class From, class Body>
SEXP vector_of(SEXPTYPE type, const std::vector<From>& from, const Body& fill) {
  return bridge::unwind_protect([&] {
    SEXP to = Rf_allocVector(type, static_cast<R_xlen_t>(from.size()));
    fill(to);
    return to;
  });
}

}  // namespace

// `formula`: a reduction to pairs; the rest as for rk_evaluate(). `most`: so many pairs are allowed. Answers with a list: `first`,
// for each row of the result how many pairs come before it, and for all of them; `column`, the numbers of the other index in
// order, from 1; and `value`, if there are values.
// [[Rcpp::export(rng = false)]]
SEXP rk_find_pairs(SEXP formula, SEXP args, SEXP definitions, SEXP data, SEXP tokens, SEXP blocks, SEXP most) {
  return bridge::catch_failure([&]() -> SEXP {
    const bridge::LazyProgram made = bridge::lazy_program(CHAR(STRING_ELT(formula, 0)), args, definitions, true);
    if (!made.program) return bridge::failure("formula_only", made.text);
    std::vector<rkeops::Input> inputs = bridge::views(*made.program, data, false);
    const std::optional<rkeops::RunOptions> own = bridge::with_blocks(made.runtime->run, blocks);
    const rkeops::RunOptions& options = own ? *own : made.runtime->run;
    bridge::keep_data(options, inputs, data, tokens);
    return bridge::with_hooks(*made.runtime, [&](const rkeops::Host& host) -> SEXP {
      const rkeops::FoundPairs found =
          made.program->find(inputs, options, host, static_cast<std::int64_t>(REAL(most)[0]));
      bridge::ListBuilder list;
      list.add("first", vector_of(REALSXP, found.first, [&](SEXP to) { std::copy(found.first.begin(), found.first.end(), REAL(to)); }));
      list.add("column", vector_of(INTSXP, found.column, [&](SEXP to) {
                 std::transform(found.column.begin(), found.column.end(), INTEGER(to), [](std::int32_t c) { return c + 1; });
               }));
      list.add("value", vector_of(REALSXP, found.value, [&](SEXP to) { std::copy(found.value.begin(), found.value.end(), REAL(to)); }));
      return list.finish();
    });
  });
}
