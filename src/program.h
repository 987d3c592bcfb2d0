// Programs of R formulas, and their inputs: what program.cpp and evaluation.cpp share.
#pragma once

#include <functional>
#include <optional>

#include "bridge.h"

namespace bridge {

// A view of one R value. Matrices are given as they are; vectors are one column.
rkeops::Input view(const rkeops::Argument& argument, SEXP value, bool by_rows);
std::vector<rkeops::Input> views(const rkeops::Program& program, SEXP inputs, bool by_rows);

// `tokens`: NULL, or a list parallel to the inputs of environments that live as long as these inputs stay as they are.
void keep_data(const rkeops::RunOptions& options, std::vector<rkeops::Input>& data, SEXP inputs, SEXP tokens);

// The options with blocks, if there are any: what rk_blocks() gave, or NULL.
std::optional<rkeops::RunOptions> with_blocks(const rkeops::RunOptions& options, SEXP blocks);

// Results as R has them: a matrix; for K nearest of several components an array rows x K x components; for all entries an array.
struct Shape {
  int rows, columns, k;
  bool is_array;
};
// Of all parts of the outputs. They may not be larger than R's can be.
std::vector<Shape> shapes_of(const rkeops::Program& program, const std::vector<rkeops::Input>& data);
// A list, with NULL for parts that are not wanted (`wanted`: logical, or NULL for all).
SEXP allocate(const std::vector<Shape>& shapes, SEXP wanted);
std::vector<double*> memory_of(SEXP results);

// The value of body(hooks), with the warnings that there were; or a jump that came out of a hook goes on.
SEXP with_hooks(const Runtime& runtime, const std::function<SEXP(const rkeops::Host&)>& body);

// The program of a formula over variables, declared as "name=Vi(3)", and definitions, with the options as they are. None,
// but its text, if it is to run and the options say that nothing is to be computed.
struct LazyProgram {
  std::string text;
  std::shared_ptr<const Runtime> runtime;
  ProgramPtr program;
};
LazyProgram lazy_program(std::string_view formula, SEXP args, SEXP definitions, bool is_to_run);

}  // namespace bridge
