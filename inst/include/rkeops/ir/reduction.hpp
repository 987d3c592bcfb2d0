// The reduction table. A reduction of F over an index is a node like any other, so reductions can be differentiated, nested and
// combined; what their families do is in reduce/.
#pragma once

#include <limits>
#include <string>

#include "graph.hpp"
#include "reducer.hpp"

namespace rkeops {

enum class Reducing : std::uint8_t {
#define REDUCTION(name, ...) name,
#include "reductions.def"
#undef REDUCTION
};

struct Reduction {
  const char* name;
  const Reducer* reducer;  // its family
  const char* form;        // the arguments before the axis: formula F, weight W, second formula G, integer K
  bool maximum;            // extremum: the largest instead of the smallest
  bool values, indices;    // what it gives
  enum class Finish : std::uint8_t { none, log, ratio, pair } finish;  // softmax: m + log(s), s / sum of exp, (m, s)
  double neutral;          // a value that changes nothing; NaN: none does, or NaN itself
  // How LazyTensors differentiate it in one pass: sum, logsumexp, softmax, selected (by position), position (they are
  // constant); "": they do not.
  const char* differentiation;
  const char* summary;

  bool takes(char letter) const { return std::string_view(form).find(letter) != std::string_view::npos; }
  bool weighted() const { return takes('W'); }
  bool ranked() const { return takes('K'); }  // K values and positions instead of one
  bool keeps_positions() const { return indices || ranked(); }
};

inline const std::vector<Reduction>& reductions() {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  static const std::vector<Reduction> rows = {
#define REDUCTION(name, family, form, largest, values, positions, finish, ...) \
  {#name, &family##_reducer(), form, largest, values, positions, Reduction::Finish::finish, __VA_ARGS__},
#include "reductions.def"
#undef REDUCTION
  };
  return rows;
}

inline const Reduction& reduction(Reducing name) { return reductions()[static_cast<std::size_t>(name)]; }

inline const Reduction* find_reduction(std::string_view name) {
  if (name == "SoftMax") name = "SumSoftMaxWeight";  // its old name
  for (const Reduction& row : reductions()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

inline bool is_row_number(Expr n) { return is(n, Op::RowNumber); }
inline bool is_part_of_reduction(Expr n) { return is(n, Op::PartOf); }

// Parameters of a reduction node: row of the table, category folded, category of the result, K.
// Category::parameter as the folded one stands for a fold over a single term.
inline const Reduction& reduction_of(Expr n) { return reductions()[static_cast<std::size_t>(n->params[0])]; }
inline Category folded_category(Expr n) { return static_cast<Category>(n->params[1]); }
inline Category result_category(Expr n) { return static_cast<Category>(n->params[2]); }
inline std::int64_t k_of(Expr n) { return n->params[3]; }
inline bool is_reduction(Expr n) { return n->operation->structure == Structure::reduction; }

inline Category other(Category c) { return c == Category::i ? Category::j : Category::i; }

// args: F, and what else the reduction takes.
inline Expr reduce(const Reduction& row, const Exprs& args, Category folded, Category result, std::int64_t k = 0) {
  if (row.ranked() && k < 1) {
    argument_error(std::string(row.name) + "_Reduction: K is " + str(k) + ", at least 1 is needed");
  }
  const std::int64_t dim = row.reducer->dim(row, args, k), id = &row - reductions().data();
  return args[0].graph().intern(Op::Reduce, args,
                                {id, static_cast<std::int64_t>(folded), static_cast<std::int64_t>(result), k}, dim,
                                indices_of(result));
}
inline Expr reduce(Reducing name, const Exprs& args, Category folded, Category result, std::int64_t k = 0) {
  return reduce(reduction(name), args, folded, result, k);
}

// 1 where the row of `index` is the one that `positions`, a reduction to row numbers, gives for the component.
inline Expr selected(Expr positions, Category index) {
  Graph& g = positions.graph();
  const auto equal = [&](Part part) {
    const std::int64_t id = static_cast<std::int64_t>(part), category = static_cast<std::int64_t>(index);
    const Expr here = g.intern(Op::RowNumber, {}, {category, id}, 1, indices_of(index));
    const Expr there = g.intern(Op::PartOf, {positions}, {id}, positions->dim, positions->indices);
    return call(Op::Equal, there, here);
  };
  return equal(Part::high) * equal(Part::low);
}

inline Expr reduce_sum(Expr a, Category folded, Category result) {
  return reduce(Reducing::Sum, {a}, folded, result);
}

inline const Reducer& StateLayout::reducer() const { return *reduction->reducer; }

// ---- what most families have in common

inline std::int64_t Reducer::dim(const Reduction&, const Exprs& args, std::int64_t) const { return args[0]->dim; }

inline std::vector<OutputPart> Reducer::parts(Expr reduction) const {
  const Reduction& row = reduction_of(reduction);
  std::vector<OutputPart> parts;
  if (row.values) parts.push_back({false, reduction->dim, result_category(reduction)});
  if (row.indices) parts.push_back({true, reduction->dim, result_category(reduction)});
  return parts;
}

inline Error nothing_to_reduce(const Reduction& row) {
  return Error(ErrorKind::input, std::string(row.name) + "_Reduction over no rows has no result",
               "The index that is reduced needs at least one row.");
}

inline void Reducer::empty(const StateLayout& layout, const ResultRows&, std::int64_t) const {
  throw nothing_to_reduce(*layout.reduction);
}

}  // namespace rkeops
