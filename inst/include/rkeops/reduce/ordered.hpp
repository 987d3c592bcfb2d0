// Kernels for columns in any order, each with its number: what they have in common, and bars. Results are those of all columns in
// order: of equal values that of the earlier column comes first. While columns go by, what is not there yet is the
// worst value with a number behind all columns, so that f <= last is all that is asked of a pair.
#pragma once

#include <algorithm>

#include "../plan/kernel_plan.hpp"

namespace rkeops {

inline std::string ordered_text(const KernelPlan& kernel) {
  const bool maximum = kernel.reduction->maximum;
  const std::string order = R"(
#define WORST ($0(real)__builtin_inff())
#define NOWHERE ((integer)(~(uinteger)0 >> 1))
typedef struct { double value; long long number; } Bar;
INLINE I is_before(V f, I j, V g, I k) { return (f $1 g) | ((f == g) & (j < k)); }
INLINE V load_best(const double* p) {
  const V x = load_state(p);
  return select(x == x, x, splat(WORST));
}
INLINE I load_positions(const long long* p) {
  I x;
  FOR_LANES(l) LANE(x, l) = p[l] < 0 ? NOWHERE : (integer)p[l];
  return x;
}
INLINE void store_best(double* value, long long* index, V best, I position) {
  store_state(value, select(position == isplat(NOWHERE), splat((real)__builtin_nanf("")), best));
  FOR_LANES(l) index[l] = LANE(position, l) == NOWHERE ? -1 : LANE(position, l);
}
)";
  const std::string bars = R"(INLINE void weaken(V* worst, I* number, V f, I j) {
  const I weaker = is_before(*worst, *number, f, j);
  *worst = select(weaker, f, *worst);
  *number = iselect(weaker, j, *number);
}
INLINE Bar bar_of(V worst, I number) {
  Bar bar = {LANE(worst, 0), LANE(number, 0)};
  for (int l = 1; l < LANES; l++) {
    if (bar.value $1 LANE(worst, l) || (bar.value == LANE(worst, l) && bar.number < LANE(number, l))) {
      bar.value = LANE(worst, l);
      bar.number = LANE(number, l);
    }
  }
  return bar;
}
)";
  const std::vector<std::string> signs{maximum ? "-" : "", maximum ? ">" : "<"};
  if (kernel.resumes()) return substitute(order + bars, signs);
  return replace_words(substitute(order, signs),
                       {{"__builtin_inff()", "INF"}, {"__builtin_nanf(\"\")", "NAN_"}, {"uinteger", "unsigned"}});
}

// The weakest of the rows: of the largest value, or the smallest, that with the largest number, if there are any (slot -1: no).
inline Bar weakest(const StateRows& state, std::int64_t value_slot, std::int64_t number_slot, bool maximum) {
  Bar bar{maximum ? HUGE_VAL : -HUGE_VAL, -1};
  for (std::int64_t r = 0; r < state.rows; ++r) {
    const double value = state.value(value_slot, r);
    if (value != value) return {value, 0};
    const long long number = number_slot < 0 ? -1 : state.index(number_slot, r);
    if (maximum ? value < bar.value : value > bar.value) bar = {value, number};
    else if (value == bar.value) bar.number = std::max(bar.number, number);
  }
  return bar;
}

// Are all pairs worse than the bars?
inline bool none_enters(const StateLayout& layout, const BoxOfPairs& box, const Bar* bars) {
  const bool maximum = layout.reduction->maximum;
  for (std::int64_t c = 0; c < layout.dim; ++c) {
    const double best = maximum ? box.high[c * box.step] : box.low[c * box.step], bar = bars[c].value;
    if (maximum ? best < bar : best > bar) continue;
    if (!(best == bar && box.least_number > bars[c].number)) return false;
  }
  return true;
}

// The bars when so many values of each row have been found for each component, by bounds alone.
inline void expect_bars(const StateLayout& layout, const std::vector<BoxOfPairs>& boxes, std::int64_t values, bool maximum,
                        Bar* bars) {
  std::vector<std::pair<double, double>> worst;  // values of boxes, and how many there are
  for (std::int64_t c = 0; c < layout.dim; ++c) {
    worst.clear();
    for (const BoxOfPairs& box : boxes) {
      const double value = maximum ? -box.low[c * box.step] : box.high[c * box.step];
      if (value == value) worst.emplace_back(value, box.columns);
    }
    std::sort(worst.begin(), worst.end());
    double found = 0;
    bars[c] = {std::nan(""), 0};
    for (const auto& [value, columns] : worst) {
      found += columns;
      if (found < static_cast<double>(values)) continue;
      bars[c] = {maximum ? -value : value, -1};
      break;
    }
  }
}

// The priority of a box, where the least values matter most, or the largest; all components count.
inline double best_first(const StateLayout& layout, const BoxOfPairs& box, bool largest) {
  double best = 0;
  for (std::int64_t c = 0; c < layout.dim; ++c) best += largest ? -box.high[c * box.step] : box.low[c * box.step];
  return best == best ? best : -HUGE_VAL;
}

}  // namespace rkeops
