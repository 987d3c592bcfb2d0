// Results of reductions that are found in those of others, without looking at pairs again.
#pragma once

#include <cmath>
#include <limits>

#include "input.hpp"

namespace rkeops {

// Reductions are known by their nodes. width, from, total: columns.
struct ReadingPlan {
  Found how;
  std::int64_t node, source, width, from, total;
};

// The result of a reduction is a part of the output.
struct Write {
  std::int64_t node, part;
};

// `result` is memory of its own, but for Found::columns, which are where they are.
inline void find_reading(const ReadingPlan& reading, const Input& source, const Input& result) {
  if (reading.how == Found::columns) return;
  const double* const in = static_cast<const double*>(source.data);
  double* const out = static_cast<double*>(const_cast<void*>(result.data));
  for (std::int64_t c = 0; c < reading.width; ++c) {
    const double* const column = in + (reading.from + c) * source.rows;
    if (reading.how == Found::row_total) {
      long double sum = 0;
      for (std::int64_t r = 0; r < source.rows; ++r) sum += column[r];
      out[c] = static_cast<double>(sum);
      continue;
    }
    const double* const total = in + reading.total * source.rows;
    for (std::int64_t r = 0; r < source.rows; ++r) {
      double& value = out[c * source.rows + r];
      if (reading.how == Found::log_total) value = in[r] + std::log(column[r]);
      else if (reading.how == Found::average && in[r] == -std::numeric_limits<double>::infinity()) value = 0;
      else value = column[r] / total[r];
    }
  }
}

}  // namespace rkeops
