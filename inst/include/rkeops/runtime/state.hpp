// State of a reduction in memory, outside of kernels: start, merge of two partial states, finish. Each is the
// counterpart of a class of emit/fold.hpp. A state holds tile_rows rows: slot s of row r is at [s * tile_rows + r].
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "candidates.hpp"

namespace rkeops {

inline void start_state(const KernelPlan& kernel, State state) {
  const std::int64_t rows = kernel.tile_rows();
  for (std::int64_t slot = 0; slot < kernel.value_slots; ++slot) {
    std::fill_n(state.values + slot * rows, rows, start_value(kernel, slot));
  }
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

// Row r of a sum of `into`, at `slot`, becomes that of its own columns followed by those of `next`. Its low part is
// `low` slots further on.
inline void merge_sum(const KernelPlan& kernel, State into, State next, std::int64_t r, std::int64_t slot,
                      std::int64_t low_slots, double into_scale, double next_scale) {
  const std::int64_t rows = kernel.tile_rows(), at = slot * rows + r, low_at = (slot + low_slots) * rows + r;
  const double x = next.values[at] * next_scale;
  into.values[at] *= into_scale;
  if (!kernel.compensated) {
    into.values[at] += x;
    return;
  }
  into.values[low_at] = into.values[low_at] * into_scale + next.values[low_at] * next_scale;
  add_compensated(into.values[at], into.values[low_at], x);
}

// The running maximum first: sums are relative to it.
inline void merge_softmax(const KernelPlan& kernel, State into, State next, std::int64_t r) {
  const std::int64_t rows = kernel.tile_rows(), sums_of_each = kernel.sums / kernel.tops;
  for (std::int64_t t = 0; t < kernel.tops; ++t) {
    double& top = into.values[t * rows + r];
    const double other = next.values[t * rows + r], high = std::max(top, other);
    const double mine = std::exp(top - high), theirs = std::exp(other - high);
    for (std::int64_t k = t * sums_of_each; k < (t + 1) * sums_of_each; ++k) {
      merge_sum(kernel, into, next, r, kernel.tops + k, kernel.sums, mine, theirs);
    }
    top = high;
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
        for (std::int64_t k = 0; k < kernel.dim; ++k) merge_sum(kernel, into, next, r, k, kernel.dim, 1, 1);
        break;
      case Family::softmax:
        merge_softmax(kernel, into, next, r);
        break;
      case Family::nearest:
        for (std::int64_t c = 0; c < kernel.dim; ++c) {
          if (kernel.candidates > 0) merge_candidates(kernel, into, next, r, c);
          else merge_nearest(kernel, into, next, r, c);
        }
        break;
      case Family::entries:
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
      using Finish = Reduction::Finish;
      const auto sum = [&](std::int64_t k, std::int64_t r) { return total_of(kernel.tops + k, kernel.sums, r); };
      const std::int64_t skip = row.finish == Finish::ratio ? 1 : 0;  // the sum that the others are divided by
      for (std::int64_t k = skip; k < kernel.sums; ++k) {
        const double* top = state.values + (kernel.tops > 1 ? k * rows : 0);
        double* to = out(0, row.finish == Finish::pair ? k + 1 : k - skip);
        for (std::int64_t r = 0; r < valid; ++r) {
          const double s = sum(k, r);
          to[r] = row.finish == Finish::ratio ? s / sum(0, r) : row.finish == Finish::pair ? s : top[r] + std::log(s);
        }
      }
      if (row.finish == Finish::pair) {
        const double none = lowest(kernel.precision);
        for (std::int64_t r = 0; r < valid; ++r) {
          out(0, 0)[r] = state.values[r] == none ? -std::numeric_limits<double>::infinity() : state.values[r];
        }
      }
      break;
    }
    case Family::entries:
      break;
    case Family::extremum:
    case Family::nearest: {
      if (kernel.candidates > 0) {
        finish_candidates(kernel, state, first, valid, total, parts, index_base, missing);
        break;
      }
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
