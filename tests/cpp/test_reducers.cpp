// Reducers outside of kernels: states of some rows, wherever they lie in memory, are started, merged and finished.
#include "engine_parts.hpp"

using namespace check;
using rkeops::Precision;
using rkeops::Reduction;
using rkeops::StateLayout;
using rkeops::StateRows;

namespace {

constexpr std::int64_t some_rows = 5;

StateLayout layout_of(const Reduction& row, Precision precision, std::int64_t dim, std::int64_t k) {
  StateLayout layout{};
  layout.reduction = &row;
  layout.precision = precision;
  layout.dim = dim;
  layout.second_dim = row.takes('W') || row.takes('G') ? 3 : 0;
  layout.k = row.ranked() ? k : 0;
  row.reducer->lay_out(layout);
  return layout;
}

// States in memory of their own: the rows of a slot are neighbours, or the slots of a row.
struct States {
  States(const StateLayout& layout, bool by_slot)
      : values(static_cast<std::size_t>(some_rows * layout.value_slots)),
        indices(static_cast<std::size_t>(some_rows * layout.index_slots), -1),
        rows{values.data(), indices.data(), some_rows, by_slot ? 1 : layout.value_slots, by_slot ? some_rows : 1} {
    for (std::int64_t slot = 0; slot < layout.value_slots; ++slot) {
      for (std::int64_t r = 0; r < some_rows; ++r) rows.value(slot, r) = layout.reducer().start_value(layout, slot);
    }
  }
  States(const States&) = delete;

  std::vector<double> values;
  std::vector<long long> indices;
  StateRows rows;
};

// What columns [from, to) leave: whole numbers, so that sums are exact; the K nearest in order, or as candidates.
void fold(const StateLayout& layout, const StateRows& state, int from, int to) {
  const auto value = [](std::int64_t r, std::int64_t component, int column) {
    return static_cast<double>((r * 7 + component * 5 + column * 11) % 23) - 9;
  };
  for (int column = from; column < to; ++column) {
    States one(layout, true);
    for (std::int64_t r = 0; r < some_rows; ++r) {
      for (std::int64_t c = 0; c < layout.dim; ++c) {
        const double f = value(r, c, column);
        const std::int64_t slot = layout.k == 0 ? c : layout.candidates == 0 ? c * layout.k : c * (layout.candidates + 1) + 1;
        one.rows.value(slot, r) = layout.running_max > 0 ? 2 : f;
        if (layout.index_slots > 0) one.rows.index(slot, r) = column;
        if (layout.candidates > 0) one.rows.index(slot - 1, r) = 0;
      }
      for (std::int64_t s = 0; layout.running_max > 0 && s < layout.sums; ++s) {
        one.rows.value(layout.running_max + s, r) = s == 0 ? 1 : value(r, s, column) + 12;
      }
    }
    layout.reducer().merge(layout, state, one.rows);
  }
}

std::vector<double> finished(const StateLayout& layout, const StateRows& state, std::int64_t columns) {
  std::vector<double> first(static_cast<std::size_t>(some_rows * columns), 0.5), second = first;
  double* const parts[] = {first.data(), second.data()};
  layout.reducer().finish(layout, state, {parts, 0, some_rows, some_rows, 1, -7});
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

void check_reduction(const Reduction& row, Precision precision, std::int64_t dim, std::int64_t k) {
  const std::string name = std::string(row.name) + ", " + rkeops::name_of(precision) + ", K = " + show(k);
  const StateLayout layout = layout_of(row, precision, dim, k);
  if (layout.pairs || layout.finds) return CHECK_THAT(layout.value_slots == 0 && layout.index_slots == 0, name + ": has a state");
  const std::int64_t columns = std::max(layout.value_slots, layout.dim * std::max<std::int64_t>(layout.k, 1)) + 1;
  States whole(layout, true), first(layout, true), second(layout, false), third(layout, false);
  fold(layout, whole.rows, 0, 70);
  fold(layout, first.rows, 0, 20);
  fold(layout, second.rows, 20, 50);
  fold(layout, third.rows, 50, 70);
  const std::vector<double> expected = finished(layout, whole.rows, columns);
  layout.reducer().merge(layout, second.rows, third.rows);
  layout.reducer().merge(layout, first.rows, second.rows);
  CHECK_THAT(equal(finished(layout, first.rows, columns), expected), name + ": parts merged differ from the whole");
  States nothing(layout, false);
  layout.reducer().merge(layout, first.rows, nothing.rows);
  CHECK_THAT(equal(finished(layout, first.rows, columns), expected), name + ": a state of nothing changes something");
  States begun(layout, true);
  layout.reducer().merge(layout, begun.rows, whole.rows);
  CHECK_THAT(equal(finished(layout, begun.rows, columns), expected), name + ": the start changes something");
  // what is left of no columns, or that there is nothing
  std::vector<double> result(static_cast<std::size_t>(some_rows * columns), 0.5), other(64, 0.5);
  double* const parts[] = {result.data(), other.data()};
  try {
    layout.reducer().empty(layout, {parts, 0, some_rows, some_rows, 0, 0}, 4);
    States start(layout, true);
    result.insert(result.end(), result.size(), 0.5);
    CHECK_THAT(equal(finished(layout, start.rows, columns), result), name + ": the end of a start is not that of nothing");
    CHECK_EQUAL(other[0], row.takes('G') ? 0 : 0.5);
  } catch (const rkeops::Error& error) {
    CHECK_THAT(row.indices || row.ranked() || row.finish == Reduction::Finish::ratio, name + ": " + error.what());
  }
}

TEST("reducers") {
  for (const Reduction& row : rkeops::reductions()) {
    CHECK(&rkeops::reduction(static_cast<rkeops::Reducing>(&row - rkeops::reductions().data())) == &row);
    CHECK(rkeops::find_reduction(row.name) == &row);
    for (Precision precision : {Precision::float32, Precision::float64}) {
      for (std::int64_t k : {1, 3, 60}) {
        if (k > 1 && !row.ranked()) continue;
        const bool scalar = row.reducer == &rkeops::softmax_reducer() && (row.weighted() || row.finish != Reduction::Finish::log);
        check_reduction(row, precision, scalar ? 1 : 2, k);
      }
    }
  }
}

}  // namespace
