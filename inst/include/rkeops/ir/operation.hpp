// A row of the operation table: all that parser, validation, differentiation, code generation, interpreter and
// documentation know about one operation.
#pragma once

#include <string_view>
#include <vector>

#include "node.hpp"
#include "op.hpp"

namespace rkeops {

using Exprs = std::vector<Expr>;
using Integers = std::vector<std::int64_t>;

// What the components of a result need of the components of the arguments.
enum class Structure : std::uint8_t {
  leaf,         // variable, constant, or the positions 0, 1, 2, ...
  elementwise,  // component k of the result from component k of every argument (scalars are repeated)
  horizontal,   // one number from all components of the argument
  movement,     // each component is one component of one argument, or zero
  gather,       // components of a parameter, at positions found at run time
  contraction,  // sums of products of components of two matrices or tensors
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
using AdjointRule = Exprs (*)(Expr node, Expr e);
// Makes an expression from arguments and integers. Throws Error (dimension, argument).
using Build = Expr (*)(Graph& graph, const Exprs& args, const Integers& params);

// What is known of a value by its arguments; see facts.hpp.
using FactsRule = Facts (*)(const Node&);
// Bounds of values from bounds of the arguments, of many boxes at once; see interval.hpp.
template <class T>
struct BoundsOf;
using Interval = BoundsOf<double>;
struct BoundsCall;
using BoundsRule = void (*)(const BoundsCall&);
struct SlopeCall;
using SlopeRule = Interval (*)(const SlopeCall&, std::size_t argument);

// Other properties, a set of bits.
using Traits = std::uint8_t;
constexpr Traits commutative = 1,  // the simplifier exchanges the operands
    complex_result = 2,            // the result is a vector of complex numbers
    keeps_names = 4;               // components of the result are what those of the operands are

struct Operation {
  Op op;
  const char* name;
  // One letter per argument: x formula, n integer, L list of integers (its length, then its elements, in the parameters
  // of build); a ? makes the rest optional.
  const char* signature;
  const char* summary;
  Structure structure;

  // Elementwise operations: C text with $0, $1, ... for the arguments, then the integers, the value as a function of numbers,
  // the price.
  // Horizontal ones: C text of the next total from the total $0 and a component $1.
  const char* code;
  double (*value)(const double* args);
  Cost cost;

  // Contributions of the incoming adjoint e (of the node's dimension) to each argument. An empty Expr means zero.
  // Contributions of the node's dimension to a repeated scalar are summed by the caller. Null: no derivative.
  AdjointRule adjoint;

  // Null: a node of the dimension of its operands.
  Build build;

  // Domain on which random arguments make sense: used by tests and the reference page.
  const char* domain;

  // Its adjoint can be 0 where an argument is not defined (with care_for_all not the first, which decides), or infinite
  // where the first argument is 0.
  Care gates = 0;
  // Where the incoming adjoint is the node times h: contribution to the argument, with a limit at 0 that `adjoint` lacks.
  AdjointRule divided = nullptr;
  FactsRule known = nullptr;  // null: nothing is known
  Traits properties = 0;
  // Truth values are 0 and 1. The result is one if so many operands, the first ones, are truth values; -1: it is none.
  int truth_operands = -1;
  BoundsRule bound = nullptr;  // null: nothing is known
  // By how many units (half ulps) computed values may be off: of functions, twice what tests/cpp/test_cpu_math.cpp allows.
  int units = 0;
  SlopeRule slope = nullptr;  // bounds of the derivative with respect to an argument; null: none is known

  // Rows of the table are written with these.
  Operation& gate(Care care) { return gates = care, *this; }
  Operation& limit(AdjointRule rule) { return divided = rule, *this; }
  Operation& facts(FactsRule rule) { return known = rule, *this; }
  Operation& traits(Traits set) { return properties = set, *this; }
  Operation& truth(int operands) { return truth_operands = operands, *this; }
  Operation& bounds(BoundsRule rule, int off = 0, SlopeRule derivative = nullptr) {
    return bound = rule, units = off, slope = derivative, *this;
  }
  Operation& price(Cost of_component) { return cost = of_component, *this; }
};

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
