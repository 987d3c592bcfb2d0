// The program of a pair: what a reduction computes once for the parameters, once per row, once per column and once per pair of
// a row and a column, as a list of typed instructions in the order in which they can be computed. It is made from the
// formula before any text; emitters are visitors of it, and whoever evaluates or bounds a formula reads the same list.
//
// Everything is seen from the result: its index is the row, the folded index the column.
#pragma once

#include <array>
#include <deque>
#include <unordered_set>

#include "../pass/products.hpp"
#include "packed.hpp"

namespace rkeops {

// What a value varies with: a set.
using Variance = std::uint8_t;
constexpr Variance varies_row = 1, varies_column = 2, varies_pair = varies_row | varies_column;

struct Instruction;

// A handle to an instruction: the value that it computes.
class Value {
 public:
  Value() = default;
  Value(const Instruction* instruction) : instruction_(instruction) {}

  const Instruction* operator->() const { return instruction_; }
  const Instruction* get() const { return instruction_; }
  friend bool operator==(Value a, Value b) { return a.instruction_ == b.instruction_; }

  Value arg(std::size_t k) const;

 private:
  const Instruction* instruction_ = nullptr;
};

struct Instruction {
  const Operation* operation;
  std::vector<Value> args;           // they come before; none of a leaf
  std::vector<std::int64_t> params;  // as of the node
  double value;                      // of a constant
  std::int64_t dim;
  Facts facts;  // what is known of its components
  Variance variance;
  std::int64_t number;       // its place in the program: the same for the same formula, however that was built
  std::int64_t offset = -1;  // in the packed data of its variance: leaves, and what is hoisted
  bool is_leaf = false;
  Contraction contraction = {};

  bool is_packed() const { return offset >= 0; }
  // Is it there already while the packed data of variance `computed` are being made?
  bool is_there(Variance computed) const { return is_packed() && (is_leaf || variance != computed); }
};

inline Value Value::arg(std::size_t k) const { return instruction_->args[k]; }

inline bool is(Value v, Op op) { return v->operation->op == op; }

// Component k of a movement is a component of an argument; no value: it is 0.
inline std::pair<Value, std::int64_t> origin_of(Value v, std::int64_t k) {
  const Value a = v.arg(0);
  if (is(v, Op::SumT)) return {a, 0};
  if (is(v, Op::Extract)) return {a, k + v->params[0]};
  if (is(v, Op::Strided)) return {a, v->params[0] + k * v->params[1]};
  if (is(v, Op::Interleave)) return {v.arg(static_cast<std::size_t>(k % 2)), k / 2};
  if (is(v, Op::Concat)) return k < a->dim ? std::pair(a, k) : std::pair(v.arg(1), k - a->dim);
  k -= v->params[0];  // ExtractT
  return {k >= 0 && k < a->dim ? a : Value(), k};
}

// Data of one variance as they lie in memory: leaves, then what is hoisted out of the loop over pairs.
struct Area {
  std::vector<std::pair<Value, Leaf>> leaves;
  std::vector<Value> hoisted;
  std::int64_t width = 0;
};

class PairProgram {
 public:
  PairProgram(const Reduction& reduction, std::int64_t k, Category rows, Category columns)
      : reduction(reduction), k(k), rows(rows), columns(columns) {}
  PairProgram(PairProgram&&) = default;

  const Reduction& reduction;
  std::int64_t k;              // of K nearest values
  Category rows, columns;      // which index is which; Category::parameter: a single one
  std::vector<Value> results;  // what is reduced; and its weight, or what is summed over rows
  std::deque<Instruction> instructions;

  Area& area(Variance variance) { return areas_[variance]; }
  const Area& area(Variance variance) const { return areas_[variance]; }

  // What has to be computed for `roots`, in order. Packed values are there already, but for those of `computed`, the
  // variance of which the packed data are being made.
  static constexpr Variance nothing = 255;
  static std::vector<Value> section(const std::vector<Value>& roots, Variance computed = nothing) {
    return section(roots, [computed](Value v) { return v->is_there(computed); });
  }
  template <class IsThere>
  static std::vector<Value> section(const std::vector<Value>& roots, const IsThere& is_there) {
    std::unordered_set<const Instruction*> seen;
    std::vector<Value> todo(roots), found;
    while (!todo.empty()) {
      const Value v = todo.back();
      todo.pop_back();
      if (v->operation->structure == Structure::leaf || is_there(v) || !seen.insert(v.get()).second) continue;
      found.push_back(v);
      todo.insert(todo.end(), v->args.begin(), v->args.end());
    }
    std::sort(found.begin(), found.end(), [](Value a, Value b) { return a->number < b->number; });
    return found;
  }

 private:
  std::array<Area, varies_pair> areas_;  // parameter, row, column
};

// Is v a sum of products of a packed vector of the row with one of the column, an entry of a matrix product?
inline bool is_matrix_product(Value v) {
  if (!is(v, Op::Sum) || !is(v.arg(0), Op::Mult)) return false;
  const Value x = v.arg(0).arg(0), y = v.arg(0).arg(1);
  return x->dim == y->dim && x->dim >= heuristics::least_product_dim && x->is_packed() && y->is_packed() &&
         (x->variance | y->variance) == varies_pair && (x->variance & y->variance) == 0;
}

}  // namespace rkeops
