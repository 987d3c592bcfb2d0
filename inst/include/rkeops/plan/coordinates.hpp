// Which packed numbers say where a row or a column is: the operands of the operations in which rows and columns first meet.
#pragma once

#include <set>

#include "geometry.hpp"
#include "pair_program.hpp"

namespace rkeops {

class CoordinateFinder {
 public:
  explicit CoordinateFinder(const PairProgram& program) {
    const std::vector<Value> body = PairProgram::section(program.results);
    for (Value v : body) best_ = std::min(best_, rank(v));
    for (Value v : body) {
      if (best_ == no_meeting || rank(v) != best_) continue;
      for (Value arg : v->args) {
        if (arg->variance == varies_row) add(arg, row_);
        if (arg->variance == varies_column) add(arg, column_);
      }
    }
  }

  Coordinates coordinates() const { return {{row_.begin(), row_.end()}, {column_.begin(), column_.end()}}; }

 private:
  static constexpr int no_meeting = 3;

  // Differences and comparisons say most of where things are; then products that are summed; weights are products too. That most
  // pairs differ says nothing.
  static int rank(Value v) {
    Variance met = 0;
    for (Value arg : v->args) met |= arg->variance == varies_pair ? Variance{0} : arg->variance;
    if (v->variance != varies_pair || met != varies_pair || is(v, Op::NotEqual)) return no_meeting;
    if (v->operation->structure == Structure::contraction) return 1;
    if (is(v, Op::Mult)) return v->dim > 1 ? 1 : 2;
    if (is(v, Op::Add) || v->operation->structure == Structure::movement) return 2;
    return 0;
  }

  // The packed values that v is made of.
  static void add(Value v, std::set<std::int64_t>& components) {
    if (v->is_packed()) {
      for (std::int64_t k = 0; k < v->dim; ++k) components.insert(v->offset + k);
      return;
    }
    for (Value arg : v->args) {
      if (arg->variance == v->variance) add(arg, components);
    }
  }

  int best_ = no_meeting;
  std::set<std::int64_t> row_, column_;
};

inline Coordinates coordinates_of(const PairProgram& program) { return CoordinateFinder(program).coordinates(); }

}  // namespace rkeops
