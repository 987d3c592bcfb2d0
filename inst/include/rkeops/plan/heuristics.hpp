// Numbers that were chosen by measuring, each with the file of bench/results that it comes from. bench/calibrate.cpp makes the
// tables for an instruction set; what holds for all of them stands here, what differs is in the table below.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../base/types.hpp"

namespace rkeops {

// How much a kernel is unrolled.
struct Tiling {
  int row_vectors, columns;
  std::int64_t unroll_limit;  // vectors of more components are loops over components
  bool tensor_cores = false;
};

namespace heuristics {

// The tile of a CPU: vectors of rows x columns. `loops` where a vector of the formula is longer than the limit, `unrolled` elsewhere.
struct CpuTiles {
  int vector_bytes;
  Tiling loops, unrolled;
};

// 2026-11-26-amd-epyc-avx2.md. Loops: 16 registers hold 3 x 3 sums with the rows and columns that they come from, 32 hold 4 x 3.
// Unrolled vectors: the tile hardly matters, and an even number of columns leaves fewer over.
constexpr CpuTiles cpu_tiles[] = {{16, {3, 3, 4}, {4, 2, 4}}, {32, {3, 3, 4}, {4, 2, 4}}, {64, {4, 3, 4}, {4, 2, 4}}};

inline Tiling cpu_tile(int vector_bytes, std::int64_t longest) {
  for (const CpuTiles& row : cpu_tiles) {
    if (row.vector_bytes == vector_bytes) return longest > row.loops.unroll_limit ? row.loops : row.unrolled;
  }
  return {1, 1, 1};
}

}  // namespace heuristics
}  // namespace rkeops
