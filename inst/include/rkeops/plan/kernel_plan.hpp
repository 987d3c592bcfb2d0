// What the runtime has to know of a generated kernel.
#pragma once

#include <limits>
#include <string>

#include "../ir/reduction.hpp"
#include "packed.hpp"

namespace rkeops {

// Columns whose sums over rows share a vector: as many numbers as there are in 16 bytes.
constexpr int columns_together(Precision precision) { return precision == Precision::float32 ? 4 : 2; }

struct KernelPlan : StateLayout {
  std::string text;  // the generated translation unit
  PackedArea row, column, parameter;
  Category rows, columns;  // which index is which; Category::parameter: a single one
  Processor processor;
  int lanes, row_vectors;  // rows of a tile = lanes * row_vectors
  int columns_per_step;
  bool tensor_cores;           // are they used?
  bool ordered;                // columns come in any order, with their numbers: where positions are kept, kernels differ
  bool by_tasks;               // on a GPU: a task array says which tile and which columns a block folds
  std::int64_t column_stride;  // from one packed column to the next, in numbers
  std::int64_t work_vectors;   // scratch space, in SIMD vectors; on a GPU, in numbers of each thread
  std::int64_t window;         // on a GPU: components of the result that one block computes, 0: all
  double cost;                 // of a pair, in simple operations
  int vector_bytes;

  std::int64_t number_bytes() const { return precision == Precision::float32 ? 4 : 8; }
  // Of pairs (i, j), which are not all part of the result.
  bool folds_pairs() const { return !pairs && rows != Category::parameter && columns != Category::parameter && rows != columns; }
  int tile_rows() const { return lanes * row_vectors; }
  std::int64_t windows() const { return window > 0 ? (dim + window - 1) / window : 1; }
  // Ordered kernels of a CPU may keep the state to themselves from call to call, and tell the bars.
  bool resumes() const { return ordered && !by_tasks; }
  // Places of candidates in a state: on a CPU those of a row are neighbours, so that they are in the cache when they are
  // selected.
  bool candidates_by_row() const { return candidates > 0 && processor == Processor::cpu; }
  // See StateRows.
  std::int64_t row_stride() const { return candidates_by_row() ? value_slots : 1; }
  std::int64_t slot_stride() const { return candidates_by_row() ? 1 : tile_rows(); }
  int columns_together() const { return rkeops::columns_together(precision); }
  std::int64_t column_sums_size(std::int64_t columns) const {
    return (columns + columns_together() - 1) / columns_together() * column_sums * lanes;
  }
};

constexpr double lowest(Precision precision) {
  return precision == Precision::float32 ? -static_cast<double>(std::numeric_limits<float>::max())
                                         : -std::numeric_limits<double>::max();
}

}  // namespace rkeops
