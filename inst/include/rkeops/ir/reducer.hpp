// A family of reductions: all that differs between reductions. One class for each is in reduce/, one object of it in the rows of
// the reduction table (reductions.def); nobody else asks which family a reduction belongs to.
#pragma once

#include <functional>
#include <memory>

#include "operation.hpp"
#include "state_layout.hpp"

namespace rkeops {

struct Reduction;
struct KernelPlan;
struct Workspace;
class PairProgram;
class Fold;

// What goes back to a formula inside of a reduction: its adjoint for each pair, and the care that this asks for.
using Contribute = std::function<void(Expr formula, Expr adjoint, Care care)>;

// What a value has to beat to enter the state of the weakest of some rows.
struct Bar {
  double value;      // NaN: anything enters
  long long number;  // where positions are kept: a value that is equal enters from earlier columns only
};

// Pairs of some rows with some columns, of which only bounds are known: component c of the results (F, then the second formula)
// is between low[c * step] and high[c * step]. NaN: it may be anything.
struct BoxOfPairs {
  const double *low, *high;
  std::int64_t step;
  double columns, all_columns;  // in the box, and of the reduction
  long long least_number;       // of a column in the box
  double tolerance = 0;         // what may be left out, as a part of all that is summed
};

class Reducer {
 public:
  virtual ~Reducer() = default;

  // ---- formulas
  // Dimension of the reduced formula's first part; throws Error (dimension) where arguments do not fit.
  virtual std::int64_t dim(const Reduction& row, const Exprs& args, std::int64_t k) const;
  virtual bool is_linear() const { return false; }   // in the reduced formula
  virtual bool adds() const { return is_linear(); }  // keeps sums
  // Why there is no gradient, as a hint; null: there is one.
  virtual const char* no_gradient() const { return nullptr; }
  virtual void differentiate(Expr reduction, Expr adjoint, Care care, const Contribute& add) const = 0;
  // As passes over the pairs (i, j).
  virtual Exprs passes(Expr reduction, bool /*can_be_two_sided*/) const { return {reduction}; }

  // ---- results
  virtual std::vector<OutputPart> parts(Expr reduction) const;
  // Of a fold over no columns: an error, where there is nothing neutral. `columns`: so many rows has the other index.
  virtual void empty(const StateLayout& layout, const ResultRows& out, std::int64_t columns) const;

  // ---- states
  // Completes a layout of which reduction, precision, dim, second_dim and k are known.
  virtual void lay_out(StateLayout& layout) const = 0;
  virtual double start_value(const StateLayout&, std::int64_t /*slot*/) const { return 0; }
  // `into` becomes the state of its own columns and those of `next`, which follow, or are in any order where columns have numbers.
  virtual void merge(const StateLayout& layout, const StateRows& into, const StateRows& next) const = 0;
  virtual void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) const = 0;

  // ---- pairs that need not be visited. States are those of valid rows only, in the format of kernels for columns in any order.
  // What tells that pairs do not matter: nothing, bounds of their values, or bounds and what has been visited before.
  enum class Skipping : std::uint8_t { never, by_bounds, by_bars };
  virtual Skipping skipping() const { return Skipping::never; }
  // Of each component of F.
  virtual void bars(const StateLayout&, const StateRows& /*state*/, Bar*) const {}
  // What they will be about when these boxes have been visited, which are all pairs of their rows.
  virtual void expected_bars(const StateLayout&, const std::vector<BoxOfPairs>&, Bar*) const {}
  // Would a visit change nothing?
  virtual bool can_skip(const StateLayout&, const BoxOfPairs&, const Bar*) const { return false; }
  // Does what a visit would do, if bounds tell; else false, and nothing has happened.
  virtual bool add_constant(const StateLayout&, const StateRows& /*state*/, const BoxOfPairs&) const { return false; }
  // Boxes with the lowest one are visited first, equal ones in the order of the columns.
  virtual double priority(const StateLayout&, const BoxOfPairs&) const { return 0; }

  // ---- kernels
  virtual double cost() const { return 1; }  // of a component, in simple operations
  // Arrays of a thread that one component of the result needs, if components can be computed apart from each other; else 0.
  virtual std::int64_t arrays(const StateLayout&) const { return 0; }
  // The part of a kernel that folds, and the functions that its text calls. named: components are few and unrolled.
  virtual std::unique_ptr<Fold> fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) const = 0;
  virtual std::string functions(const KernelPlan&) const { return ""; }
};

const Reducer& sum_reducer();
const Reducer& two_sided_reducer();
const Reducer& extremum_reducer();
const Reducer& nearest_reducer();
const Reducer& softmax_reducer();
const Reducer& entries_reducer();
const Reducer& where_reducer();

}  // namespace rkeops
