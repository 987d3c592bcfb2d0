// What a reduction keeps of each row while it folds, as numbers in memory: which slots there are and what they mean. It knows
// nothing of lanes, tiles or text, so that states can be merged, kept and sent wherever they were made.
#pragma once

#include <cstdint>

#include "../base/types.hpp"

namespace rkeops {

struct Reduction;
class Reducer;

struct StateLayout {
  const Reduction* reduction;
  Precision precision;       // that of what is folded; states are doubles
  std::int64_t dim;          // of the reduced formula
  std::int64_t second_dim;   // of its weight, or of what is summed over rows; 0: there is none
  std::int64_t k;            // K, or 0
  std::int64_t value_slots;  // doubles of a row
  std::int64_t index_slots;  // row numbers of a row, from 0; -1: none
  bool compensated;          // sums have a low part, as many slots further on as there are sums
  std::int64_t running_max;  // softmax: the first slots are running maxima; if several, sum k belongs to maximum k
  std::int64_t sums;         // sums, behind the running maxima
  bool denominator;          // softmax: the first sum is that of exp(F - m)
  std::int64_t candidates;   // nearest: room for so many, of which the K best are selected; 0: K are kept sorted
  std::int64_t column_sums;  // sums over rows, for each column; they are no part of the state of a row
  bool pairs;                // nothing is folded: the values of all pairs are the result
  bool finds;                // nothing is folded: the pairs in which F is true are the result, as many as there are

  const Reducer& reducer() const;
};

inline void add_compensated(double& high, double& low, double x) {
  const double sum = high + x, y = sum - high;
  const double lost = (high - (sum - y)) + (x - y);
  if (lost == lost) low += lost;
  high = sum;
}

// The states of some rows in memory: slot s of row r is at [s * slot_stride + r * row_stride].
struct StateRows {
  double* values;
  long long* indices;
  std::int64_t rows, row_stride, slot_stride;

  std::int64_t at(std::int64_t slot, std::int64_t row) const { return slot * slot_stride + row * row_stride; }
  double& value(std::int64_t slot, std::int64_t row) const { return values[at(slot, row)]; }
  long long& index(std::int64_t slot, std::int64_t row) const { return indices[at(slot, row)]; }
};

// Where results go: column-major parts, of which rows [first, first + rows) of `total` are written.
struct ResultRows {
  double* const* parts;
  std::int64_t first, rows, total;
  std::int64_t index_base;  // added to row numbers
  double missing;           // stands for none

  double* column(int part, std::int64_t k) const { return parts[part] + first + k * total; }
  double position(long long index) const { return index < 0 ? missing : static_cast<double>(index + index_base); }
};

}  // namespace rkeops
