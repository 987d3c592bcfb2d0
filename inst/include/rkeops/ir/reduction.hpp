// The reductions: one row each. A reduction of F over an index is a node like any other, so reductions can be
// differentiated, nested and combined; code generation and runtime know them by their family.
#pragma once

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
  Family family;
  bool maximum;    // extremum: largest instead of smallest
  bool values;     // gives values
  bool indices;    // gives indices
  bool weighted;   // has a weight formula W
  enum class Finish : std::uint8_t { none, log, ratio, pair } finish;  // softmax: m + log(s), s / sum of exp, (m, s)
  bool both = false;  // sum: a second formula G is summed over the other index, a result of its own
};

inline const std::vector<Reduction>& reductions() {
  using Finish = Reduction::Finish;
  static const std::vector<Reduction> rows = {
      //                      family            max    val    ind    weight finish
      {"Sum", Family::sum, false, true, false, false, Finish::none},
      {"SumBoth", Family::sum, false, true, false, false, Finish::none, true},
      {"Min", Family::extremum, false, true, false, false, Finish::none},
      {"Max", Family::extremum, true, true, false, false, Finish::none},
      {"ArgMin", Family::extremum, false, false, true, false, Finish::none},
      {"ArgMax", Family::extremum, true, false, true, false, Finish::none},
      {"Min_ArgMin", Family::extremum, false, true, true, false, Finish::none},
      {"Max_ArgMax", Family::extremum, true, true, true, false, Finish::none},
      {"KMin", Family::nearest, false, true, false, false, Finish::none},
      {"ArgKMin", Family::nearest, false, false, true, false, Finish::none},
      {"KMin_ArgKMin", Family::nearest, false, true, true, false, Finish::none},
      {"LogSumExp", Family::softmax, false, true, false, false, Finish::log},
      {"LogSumExpWeight", Family::softmax, false, true, false, true, Finish::log},
      {"SumSoftMaxWeight", Family::softmax, false, true, false, true, Finish::ratio},
      {"Max_SumShiftExp", Family::softmax, false, true, false, false, Finish::pair},
      {"Max_SumShiftExpWeight", Family::softmax, false, true, false, true, Finish::pair},
      {"Entries", Family::entries, false, true, false, false, Finish::none},
  };
  return rows;
}

inline const Reduction* find_reduction(std::string_view name) {
  if (name == "SoftMax") name = "SumSoftMaxWeight";  // its old name
  for (const Reduction& row : reductions()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

inline std::vector<Operation> reduction_operations() {
  return {{"Reduce", "", "fold over an index", Structure::reduction, nullptr, nullptr, library_call, nullptr, nullptr,
           "real"},
          {"RowNumber", "", "number of the row i or j, from 0, or a part of it", Structure::leaf, nullptr, nullptr,
           free_of_cost, flat, nullptr, "real"},
          {"PartOf", "", "a part of the row numbers that a reduction gives", Structure::leaf, nullptr, nullptr,
           free_of_cost, flat, nullptr, "real"}};
}

inline bool is_row_number(Expr n) { return is(n, "RowNumber"); }
inline bool is_part_of_reduction(Expr n) { return is(n, "PartOf"); }

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
  if (row.family == Family::nearest && k < 1) {
    argument_error(std::string(row.name) + "_Reduction: K is " + str(k) + ", at least 1 is needed");
  }
  const std::int64_t ranks = row.family == Family::nearest ? k : 1;  // component c of rank r is at r + K * c
  const std::int64_t dim =
      (row.finish == Finish::pair ? 1 : 0) + (row.weighted ? args[1]->dim : args[0]->dim * ranks);
  const std::int64_t id = &row - reductions().data();
  return g.intern(*find_operation("Reduce"), args,
                  {id, static_cast<std::int64_t>(folded), static_cast<std::int64_t>(result), k}, dim,
                  indices_of(result));
}

// 1 where the row of `index` is the one that `positions`, a reduction to row numbers, gives for the component.
inline Expr selected(Expr positions, Category index) {
  Graph& g = positions.graph();
  const auto equal = [&](Part part) {
    const std::int64_t id = static_cast<std::int64_t>(part), category = static_cast<std::int64_t>(index);
    const Expr here = g.intern(*find_operation("RowNumber"), {}, {category, id}, 1, indices_of(index));
    const Expr there = g.intern(*find_operation("PartOf"), {positions}, {id}, positions->dim, positions->indices);
    return call("Equal", there, here);
  };
  return equal(Part::high) * equal(Part::low);
}

inline Expr reduce_sum(Expr a, Category folded, Category result) {
  return reduce(*find_reduction("Sum"), {a}, folded, result);
}

}  // namespace rkeops
