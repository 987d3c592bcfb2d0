// A row of the operation table: all that parser, validation, differentiation, code generation, interpreter and
// documentation know about one operation.
#pragma once

#include <string_view>
#include <vector>

#include "node.hpp"

namespace rkeops {

// What the components of a result need of the components of the arguments.
enum class Structure : std::uint8_t {
  leaf,         // variable, constant, or the positions 0, 1, 2, ...
  elementwise,  // component k of the result from component k of every argument (scalars are repeated)
  across,       // one number from all components of the argument
  rearrange,    // each component is one component of one argument, or zero
  gather,       // components of a parameter, at positions found at run time
  contract,     // sums of products of components of two matrices or tensors
  reduction,    // a whole fold over an index
  composed      // never a node: built out of other operations
};

// Rough price of one component, in units of a multiplication; steers what is worth keeping instead of recomputing.
enum Cost : int { free_of_cost = 0, cheap = 1, moderate = 6, costly = 12, library_call = 60 };

// What an incoming adjoint that is exactly 0, or infinite, asks of the products of the chain rule; a set of bits.
// A branch that was not taken gets an adjoint of 0, and must contribute 0 whatever is undefined inside of it.
using Care = std::uint8_t;
constexpr Care care_for_overflow = 1,  // 0 meets factors that can be infinite, but not NaN or Inf from the data themselves
    care_for_all = 2,                  // 0 meets anything
    care_for_poles = 4;                // an infinite adjoint meets factors that are 0: the limit is 0

// What an adjoint e of a node contributes to its arguments.
using AdjointRule = std::vector<Expr> (*)(Expr node, Expr e);

struct Operation {
  const char* name;
  // One letter per argument: x formula, n integer, L list of integers (its length, then its elements, in the parameters
  // of build); a ? makes the rest optional.
  const char* signature;
  const char* summary;
  Structure structure;

  // Elementwise operations: C text with $0, $1, ... for the arguments, the value as a function of numbers, the price.
  // Across: C text of the next total from the total $0 and a component $1.
  const char* code;
  double (*value)(const double* args);
  Cost cost;

  // Contributions of the incoming adjoint e (of the node's dimension) to each argument. An empty Expr means zero.
  // Contributions of the node's dimension to a repeated scalar are summed by the caller. Null: no derivative.
  AdjointRule adjoint;

  // Everything but elementwise: makes the expression from arguments and integers. Throws Error (dimension, argument).
  Expr (*build)(Graph& graph, const std::vector<Expr>& args, const std::vector<std::int64_t>& params);

  // Domain on which random arguments make sense: used by tests and the reference page.
  const char* domain;

  // Its adjoint can be 0 where an argument is not defined (with care_for_all not the first, which decides), or infinite
  // where the first argument is 0.
  Care gates = 0;
  // Where the incoming adjoint is the node times h: contribution to the argument, with a limit at 0 that `adjoint` lacks.
  AdjointRule divided = nullptr;
};

inline Operation gate(Operation operation, Care care) {
  operation.gates = care;
  return operation;
}

inline Operation with_limit(Operation operation, AdjointRule divided) {
  operation.divided = divided;
  return operation;
}

// The operators that differentiate, for the parser; pass/ has them. Their second argument is a variable.
struct DifferentialOperator {
  const char* name;
  std::size_t least, most;  // number of arguments
  Expr (*apply)(Expr f, Expr v, const std::vector<Expr>& rest);
};

struct Differentiation {
  Expr (*gradient)(Expr f, Expr variable, Expr adjoint, bool written);
  Category (*adjoint_category)(Expr f, Expr variable);  // where Grad leaves out the adjoint
  const std::vector<DifferentialOperator>& operators;   // all but Grad
};

}  // namespace rkeops
