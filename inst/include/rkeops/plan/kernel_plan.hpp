// What the runtime has to know of a generated kernel.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "../ir/reduction.hpp"
#include "packed.hpp"

namespace rkeops {

struct KernelPlan {
  std::string text;  // the generated translation unit
  PackedArea row, column, parameter;
  Category rows, columns;  // which index is which; Category::parameter: a single one
  Reduction reduction;
  std::int64_t dim, k;   // of the reduced formula; K
  std::int64_t back_dim;  // of the formula that is summed over rows, 0 if there is none
  std::int64_t tops;     // softmax: number of running maxima; if several, sum k belongs to maximum k
  std::int64_t sums;     // softmax: number of accumulated sums
  bool has_sum_of_ones;  // softmax: the first sum is that of exp(F - m)
  std::int64_t candidates;  // nearest: room for so many, of which the K best are selected; 0: K are kept sorted
  bool compensated;      // sums have a low part after all high parts
  Precision precision;
  Processor processor;
  int lanes, row_vectors;  // rows of a tile = lanes * row_vectors
  int columns_per_step;
  bool tensor_cores;           // are they used?
  std::int64_t column_stride;  // from one packed column to the next, in numbers
  std::int64_t value_slots, index_slots;
  std::int64_t work_vectors;  // scratch space, in SIMD vectors; on a GPU, in numbers of each thread
  std::int64_t window;  // on a GPU: components of the result that one block computes, 0: all
  double cost;          // of a pair, in simple operations
  int vector_bytes;

  std::int64_t number_bytes() const { return precision == Precision::float32 ? 4 : 8; }
  int tile_rows() const { return lanes * row_vectors; }
  std::int64_t windows() const { return window > 0 ? (dim + window - 1) / window : 1; }
  // Places of candidates in a state: on a CPU those of a row are neighbours, so that they are in the cache when they are
  // selected.
  bool candidates_by_row() const { return candidates > 0 && processor == Processor::cpu; }
  std::int64_t row_stride() const { return candidates_by_row() ? value_slots : 1; }
  std::int64_t slot_stride() const { return candidates_by_row() ? 1 : tile_rows(); }
  // Columns whose sums over rows share a vector: as many numbers as there are in 16 bytes.
  int back_columns() const { return precision == Precision::float32 ? 4 : 2; }
  std::int64_t back_size(std::int64_t columns) const {
    return (columns + back_columns() - 1) / back_columns() * back_dim * lanes;
  }
};

constexpr double lowest(Precision precision) {
  return precision == Precision::float32 ? -static_cast<double>(std::numeric_limits<float>::max())
                                         : -std::numeric_limits<double>::max();
}

// What the values of a state are before the first column.
inline double start_value(const KernelPlan& kernel, std::int64_t slot) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Reduction& row = kernel.reduction;
  switch (row.family) {
    case Family::extremum:
      return row.indices ? std::nan("") : row.maximum ? -infinity : infinity;
    case Family::nearest:
      return std::nan("");
    case Family::softmax:
      return slot < kernel.tops ? lowest(kernel.precision) : 0;
    default:
      return 0;
  }
}

}  // namespace rkeops
