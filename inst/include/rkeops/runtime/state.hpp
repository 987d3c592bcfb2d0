// State of a reduction in memory, outside of kernels: start, merge of two partial states, finish. Each is the
// counterpart of a class of codegen/fold.hpp. A state holds tile_rows rows: slot s of row r is at [s * tile_rows + r].
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../codegen/plan.hpp"

namespace rkeops {

struct State {
  double* values;
  long long* indices;
};

constexpr double lowest(Precision precision) {
  return precision == Precision::float32 ? -static_cast<double>(std::numeric_limits<float>::max())
                                         : -std::numeric_limits<double>::max();
}

inline void start_state(const KernelPlan& kernel, State state) {
  const std::int64_t rows = kernel.tile_rows();
  double start = 0;
  if (kernel.reduction.family == Family::extremum) {
    const double infinity = std::numeric_limits<double>::infinity();
    start = kernel.reduction.indices ? std::nan("") : kernel.reduction.maximum ? -infinity : infinity;
  }
  if (kernel.reduction.family == Family::nearest) start = std::nan("");
  std::fill_n(state.values, kernel.value_slots * rows, start);
  if (kernel.reduction.family == Family::softmax) std::fill_n(state.values, rows, lowest(kernel.precision));
  std::fill_n(state.indices, kernel.index_slots * rows, -1);
}

// NaN loses against everything.
inline bool beats(double challenger, double holder) { return !(challenger >= holder) && challenger == challenger; }

inline void add_compensated(double& high, double& low, double x) {
  const double sum = high + x, y = sum - high;
  const double lost = (high - (sum - y)) + (x - y);
  if (lost == lost) low += lost;
  high = sum;
}

// Row r of `into` becomes the state of its own columns followed by those of `next`.
inline void merge_sums(const KernelPlan& kernel, State into, State next, std::int64_t r, std::int64_t first,
                       std::int64_t count, double into_scale, double next_scale) {
  const std::int64_t rows = kernel.tile_rows();
  for (std::int64_t k = 0; k < count; ++k) {
    double& high = into.values[(first + k) * rows + r];
    const double x = next.values[(first + k) * rows + r] * next_scale;
    high *= into_scale;
    if (!kernel.compensated) {
      high += x;
      continue;
    }
    double& low = into.values[(first + count + k) * rows + r];
    low = low * into_scale + next.values[(first + count + k) * rows + r] * next_scale;
    add_compensated(high, low, x);
  }
}

inline void merge_nearest(const KernelPlan& kernel, State into, State next, std::int64_t r, std::int64_t component) {
  const std::int64_t rows = kernel.tile_rows(), k = kernel.k;
  const auto place = [&](std::int64_t rank) { return (component * k + rank) * rows + r; };
  std::int64_t mine = k - 1, fit = 0;  // how many of next get in, then merge from the back
  for (; fit < k && beats(next.values[place(fit)], into.values[place(k - 1 - fit)]); ++fit) {
  }
  mine = k - 1 - fit;
  for (std::int64_t to = k - 1, theirs = fit - 1; theirs >= 0; --to) {
    const bool take_mine = mine >= 0 && beats(next.values[place(theirs)], into.values[place(mine)]);
    const State& from = take_mine ? into : next;
    const std::int64_t at = place(take_mine ? mine-- : theirs--);
    into.values[place(to)] = from.values[at];
    into.indices[place(to)] = from.indices[at];
  }
}

inline void merge_state(const KernelPlan& kernel, State into, State next) {
  const std::int64_t rows = kernel.tile_rows();
  const Reduction& row = kernel.reduction;
  for (std::int64_t r = 0; r < rows; ++r) {
    switch (row.family) {
      case Family::sum:
        merge_sums(kernel, into, next, r, 0, kernel.dim, 1, 1);
        break;
      case Family::softmax: {
        double& top = into.values[r];
        const double other = next.values[r], high = std::max(top, other);
        merge_sums(kernel, into, next, r, 1, kernel.sums, std::exp(top - high), std::exp(other - high));
        top = high;
        break;
      }
      case Family::nearest:
        for (std::int64_t c = 0; c < kernel.dim; ++c) merge_nearest(kernel, into, next, r, c);
        break;
      case Family::extremum:
        for (std::int64_t c = 0; c < kernel.dim; ++c) {
          const std::int64_t at = c * rows + r;
          double& best = into.values[at];
          const double f = next.values[at];
          const bool wins = row.indices ? (row.maximum ? beats(-f, -best) : beats(f, best))
                                        : best == best && !(row.maximum ? best >= f : best <= f);
          if (!wins) continue;
          best = f;
          if (row.indices) into.indices[at] = next.indices[at];
        }
        break;
    }
  }
}

// Writes the results of `valid` rows, from row `first` of `total` on, to the parts of the output in order.
// index_base is added to positions; missing stands for none.
inline void finish_state(const KernelPlan& kernel, State state, std::int64_t first, std::int64_t valid,
                         std::int64_t total, double* const* parts, std::int64_t index_base, double missing) {
  const std::int64_t rows = kernel.tile_rows();
  const auto total_of = [&](std::int64_t slot, std::int64_t count, std::int64_t r) {
    const double high = state.values[slot * rows + r];
    return kernel.compensated ? high + state.values[(slot + count) * rows + r] : high;
  };
  const auto position = [&](std::int64_t slot, std::int64_t r) {
    const long long index = state.indices[slot * rows + r];
    return index < 0 ? missing : static_cast<double>(index + index_base);
  };
  const auto out = [&](int part, std::int64_t column) { return parts[part] + first + column * total; };
  const Reduction& row = kernel.reduction;
  switch (row.family) {
    case Family::sum:
      for (std::int64_t k = 0; k < kernel.dim; ++k) {
        for (std::int64_t r = 0; r < valid; ++r) out(0, k)[r] = total_of(k, kernel.dim, r);
      }
      break;
    case Family::softmax: {
      const std::int64_t skip = row.ratio ? 1 : 0;  // the sum that the others are divided by
      for (std::int64_t k = skip; k < kernel.sums; ++k) {
        for (std::int64_t r = 0; r < valid; ++r) {
          const double s = total_of(1 + k, kernel.sums, r);
          out(0, k - skip)[r] = row.ratio ? s / total_of(1, kernel.sums, r) : state.values[r] + std::log(s);
        }
      }
      break;
    }
    case Family::extremum:
    case Family::nearest: {
      const std::int64_t slots = kernel.value_slots;  // component * K + rank: R's order
      for (std::int64_t slot = 0; slot < slots; ++slot) {
        int part = 0;
        if (row.values) std::copy_n(state.values + slot * rows, valid, out(part++, slot));
        if (!row.indices) continue;
        for (std::int64_t r = 0; r < valid; ++r) out(part, slot)[r] = position(slot, r);
      }
      break;
    }
  }
}

}  // namespace rkeops
