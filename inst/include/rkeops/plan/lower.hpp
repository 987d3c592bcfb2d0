// From the formula of a reduction to the program of a pair.
#pragma once

#include <algorithm>

#include "../base/heuristics.hpp"
#include "pair_program.hpp"

namespace rkeops {

class Lowering {
 public:
  explicit Lowering(Expr reduction)
      : reduction_(reduction),
        program_(reduction_of(reduction), k_of(reduction), result_category(reduction), folded_category(reduction)) {}

  PairProgram run() {
    for (const Node* arg : reduction_->args) program_.results.push_back(lower(arg));
    for (Value result : program_.results) hoist(result);
    return std::move(program_);
  }

 private:
  // Arguments first, from left to right.
  Value lower(Expr root) {
    std::vector<std::pair<Expr, bool>> todo{{root, false}};
    while (!todo.empty()) {
      const auto [n, ready] = todo.back();
      todo.pop_back();
      if (made_.count(n.node())) continue;
      if (ready || is_leaf(n) || n->args.empty()) {
        made_.emplace(n.node(), append(n));
        continue;
      }
      todo.emplace_back(n, true);
      for (std::size_t k = n->args.size(); k-- > 0;) todo.emplace_back(n.arg(k), false);
    }
    return made_.at(root.node());
  }

  Value append(Expr n) {
    Instruction made{n->operation, {},       n->params,   n->value,
                     n->dim,       n->facts, variance(n), static_cast<std::int64_t>(program_.instructions.size())};
    made.is_leaf = is_leaf(n);
    if (!made.is_leaf) {
      for (const Node* arg : n->args) made.args.push_back(made_.at(arg));
    }
    if (n->operation->structure == Structure::contraction) made.contraction = contraction_of(n);
    program_.instructions.push_back(std::move(made));
    const Value value(&program_.instructions.back());
    if (value->is_leaf) {
      place(value);
      program_.area(value->variance).leaves.emplace_back(value, source_of(n));
    }
    return value;
  }

  // Read from memory: inputs, results of earlier stages, row numbers.
  static bool is_leaf(Expr n) {
    return is_variable(n) || is_reduction(n) || is_row_number(n) || is_part_of_reduction(n);
  }

  static Leaf source_of(Expr n) {
    using From = Leaf::From;
    if (is_variable(n)) return {From::input, Part::whole, position_of(n)};
    if (is_reduction(n)) return {From::stage, Part::whole, n->id};
    if (is_row_number(n)) return {From::row_number, static_cast<Part>(n->params[1]), 0};
    return {From::stage, static_cast<Part>(n->params[0]), n->args[0]->id};
  }

  Variance variance(Expr n) const {
    Variance of_rows = 0, of_columns = 0;
    if (program_.rows != Category::parameter && (n->indices & indices_of(program_.rows))) of_rows = varies_row;
    if (program_.columns != Category::parameter && (n->indices & indices_of(program_.columns))) of_columns = varies_column;
    return of_rows | of_columns;
  }

  void place(Value v) {
    Area& area = program_.area(v->variance);
    program_.instructions[static_cast<std::size_t>(v->number)].offset = area.width;
    area.width += v->dim;
  }

  // Finds what is worth computing once per row, column or call: the largest parts with fewer indices, unless packing them
  // would take more memory than the data they come from.
  void hoist(Value root) {
    std::vector<Value> todo{root};
    while (!todo.empty()) {
      const Value v = todo.back();
      todo.pop_back();
      if (!hoisting_seen_.insert(v.get()).second || v->operation->structure == Structure::leaf || v->is_leaf) continue;
      if (v->variance != varies_pair && v->operation->structure != Structure::movement) {
        if (v->dim <= std::max(width_of_leaves(v), heuristics::always_hoisted)) {
          place(v);
          program_.area(v->variance).hoisted.push_back(v);
          continue;
        }
      }
      todo.insert(todo.end(), v->args.begin(), v->args.end());
    }
  }

  static std::int64_t width_of_leaves(Value root) {
    std::int64_t width = 0;
    std::unordered_set<const Instruction*> seen;
    std::vector<Value> todo{root};
    while (!todo.empty()) {
      const Value v = todo.back();
      todo.pop_back();
      if (!seen.insert(v.get()).second) continue;
      if (v->is_leaf) width += v->dim;
      todo.insert(todo.end(), v->args.begin(), v->args.end());
    }
    return width;
  }

  Expr reduction_;
  PairProgram program_;
  std::unordered_map<const Node*, Value> made_;
  std::unordered_set<const Instruction*> hoisting_seen_;
};

inline PairProgram lower(Expr reduction) { return Lowering(reduction).run(); }

}  // namespace rkeops
