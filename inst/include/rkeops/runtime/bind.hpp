// The caller's inputs against the declarations of a program: shapes are checked here, and nowhere else.
#pragma once

#include "../base/text.hpp"
#include "input.hpp"

namespace rkeops {

// Number of rows of both indices; 1 for an index without variables.
struct Sizes {
  std::int64_t i = 1, j = 1;
  std::int64_t of(Category c) const { return c == Category::i ? i : c == Category::j ? j : 1; }
};

inline Error input_error(const Argument& argument, const std::string& message, std::string hint = {}) {
  Error error(ErrorKind::input, message, std::move(hint));
  error.argument = argument.name.empty() ? "position " + str(argument.position + 1) : argument.name;
  return error;
}

inline std::string label(const Argument& argument) {
  const std::string type = std::string(name_of(argument.category)) + "(" + str(argument.dim) + ")";
  return argument.name.empty() ? type + " at position " + str(argument.position)
                               : "'" + argument.name + "=" + type + "'";
}

// Number of rows of one input that is as declared; 1 for a parameter.
inline std::int64_t checked_rows(const Argument& argument, const Input& input) {
  if (argument.category == Category::parameter) {
    const std::int64_t size = input.rows * input.cols;
    if (size == argument.dim) return 1;
    throw input_error(argument, "parameter " + label(argument) + " has " + str(size) + " value" + (size == 1 ? "" : "s") +
                                    ", it is declared with " + str(argument.dim));
  }
  const std::int64_t rows = input.by_rows ? input.cols : input.rows, dim = input.by_rows ? input.rows : input.cols;
  if (dim == argument.dim) return rows;
  throw input_error(argument,
                    "input " + label(argument) + " is a " + str(input.rows) + " x " + str(input.cols) + " matrix, " +
                        str(argument.dim) + (input.by_rows ? " rows" : " columns") + " are needed",
                    rows == argument.dim ? "It seems to be transposed: t() may help." : "");
}

inline Sizes checked_sizes(const std::vector<Argument>& arguments, const std::vector<Input>& inputs) {
  if (inputs.size() != arguments.size()) {
    throw Error(ErrorKind::input, "the formula takes " + str(static_cast<std::int64_t>(arguments.size())) +
                                      " inputs, got " + str(static_cast<std::int64_t>(inputs.size())));
  }
  Sizes sizes;
  const Argument* first[2] = {nullptr, nullptr};
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Argument& argument = arguments[k];
    const std::int64_t rows = checked_rows(argument, inputs[k]);
    if (argument.category == Category::parameter) continue;
    const int which = argument.category == Category::i ? 0 : 1;
    std::int64_t& size = which == 0 ? sizes.i : sizes.j;
    if (first[which] && rows != size) {
      throw input_error(
          argument,
          "input " + label(argument) + " has " + str(rows) + " rows, but " + label(*first[which]) + " has " + str(size),
          "All inputs of one index need the same number of rows.");
    }
    if (!first[which]) first[which] = &argument;
    size = rows;
  }
  return sizes;
}

}  // namespace rkeops
