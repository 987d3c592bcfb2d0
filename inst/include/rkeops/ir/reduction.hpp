// The reductions: one row each. A reduction of F over an index is a node like any other, so reductions can be
// differentiated, nested and combined; code generation and runtime know them by their family.
#pragma once

#include <limits>
#include <string>

#include "graph.hpp"

namespace rkeops {

// What a reduction keeps while it folds; decides the generated step and the runtime's merge and finish.
enum class Family : std::uint8_t {
  sum,       // sums of the components
  extremum,  // smallest or largest value per component, and perhaps its index
  nearest,   // the K smallest values per component, sorted, and their indices
  softmax,   // running maximum m of F and sums of exp(F - m) w
  entries    // nothing is folded: all values, one row for each pair (i, j)
};

struct Reduction {
  const char* name;
  const char* summary;
  Family family;
  bool maximum;    // extremum: largest instead of smallest
  bool values;     // gives values
  bool indices;    // gives indices
  bool weighted;   // has a weight formula W
  enum class Finish : std::uint8_t { none, log, ratio, pair } finish;  // softmax: m + log(s), s / sum of exp, (m, s)
  double neutral;  // a value that changes nothing; NaN: none does, or NaN itself
  // How LazyTensors differentiate it in one pass: sum, logsumexp, softmax, selected (by position), position (they are
  // constant); "": they do not.
  const char* differentiation;
  bool both = false;  // sum: a second formula G is summed over the other index, a result of its own

  bool sums() const { return family == Family::sum || family == Family::softmax; }
  bool ranked() const { return family == Family::nearest; }  // K values and positions instead of one
};

inline const std::vector<Reduction>& reductions() {
  using Finish = Reduction::Finish;
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  constexpr Family sum = Family::sum, extremum = Family::extremum, nearest = Family::nearest, softmax = Family::softmax;
  // clang-format off
  static const std::vector<Reduction> rows = {
      //                                           family    max    val    ind    weight finish      neutral
      {"Sum", "sum",                               sum,      false, true,  false, false, Finish::none, 0, "sum"},
      {"Entries", "all values of F, nothing is reduced: an array M x N x D, or N x M x D with axis 0",
                                            Family::entries, false, true,  false, false, Finish::none, nan, ""},
      {"SumBoth", "two results in one pass: the sum of F, and that of G over the other index",
                                                   sum,      false, true,  false, false, Finish::none, nan, "", true},
      {"Min", "smallest value of each component",  extremum, false, true,  false, false, Finish::none, inf, "selected"},
      {"Max", "largest value of each component",   extremum, true,  true,  false, false, Finish::none, -inf, "selected"},
      {"ArgMin", "its row",                        extremum, false, false, true,  false, Finish::none, nan, "position"},
      {"ArgMax", "its row",                        extremum, true,  false, true,  false, Finish::none, nan, "position"},
      {"Min_ArgMin", "smallest value and its row", extremum, false, true,  true,  false, Finish::none, nan, "selected"},
      {"Max_ArgMax", "largest value and its row",  extremum, true,  true,  true,  false, Finish::none, nan, "selected"},
      {"KMin", "the K smallest values of each component, in increasing order",
                                                   nearest,  false, true,  false, false, Finish::none, nan, "selected"},
      {"ArgKMin", "their rows",                    nearest,  false, false, true,  false, Finish::none, nan, "position"},
      {"KMin_ArgKMin", "the K smallest values and their rows",
                                                   nearest,  false, true,  true,  false, Finish::none, nan, "selected"},
      {"LogSumExp", "log of the sum of e^F, without overflow, of each component",
                                                   softmax,  false, true,  false, false, Finish::log, -inf, "logsumexp"},
      {"LogSumExpWeight", "log of the sum of e^F W, for F of dimension 1; also LogSumExp_Reduction(F, W, axis)",
                                                   softmax,  false, true,  false, true,  Finish::log, -inf, "logsumexp"},
      {"SumSoftMaxWeight", "sum of e^F W divided by the sum of e^F, for F of dimension 1",
                                                   softmax,  false, true,  false, true,  Finish::ratio, -inf, "softmax"},
      {"Max_SumShiftExp", "m, the largest F, and the sum of e^(F - m), for F of dimension 1",
                                                   softmax,  false, true,  false, false, Finish::pair, -inf, ""},
      {"Max_SumShiftExpWeight", "m, the largest F, and the sum of e^(F - m) W, for F of dimension 1",
                                                   softmax,  false, true,  false, true,  Finish::pair, -inf, ""},
  };
  // clang-format on
  return rows;
}

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

// args: F; or F and the weight; or F and G.
inline Expr reduce(const Reduction& row, const std::vector<Expr>& args, Category folded, Category result,
                   std::int64_t k = 0) {
  using Finish = Reduction::Finish;
  Graph& g = args[0].graph();
  const bool by_component = row.finish == Finish::log && !row.weighted;
  if (row.family == Family::softmax && !by_component && args[0]->dim != 1) {
    dimension_error(std::string(row.name) + "_Reduction: formula has dimension " + str(args[0]->dim) +
                    ", 1 is needed");
  }
  if (row.ranked() && k < 1) {
    argument_error(std::string(row.name) + "_Reduction: K is " + str(k) + ", at least 1 is needed");
  }
  const std::int64_t ranks = row.ranked() ? k : 1;  // component c of rank r is at r + K * c
  const std::int64_t dim =
      (row.finish == Finish::pair ? 1 : 0) + (row.weighted ? args[1]->dim : args[0]->dim * ranks);
  const std::int64_t id = &row - reductions().data();
  return g.intern(Op::Reduce, args,
                  {id, static_cast<std::int64_t>(folded), static_cast<std::int64_t>(result), k}, dim,
                  indices_of(result));
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
  return reduce(*find_reduction("Sum"), {a}, folded, result);
}

}  // namespace rkeops
