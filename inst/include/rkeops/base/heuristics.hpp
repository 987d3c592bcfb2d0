// The numbers that were chosen and could be others: how much a kernel is unrolled, where work is cut. None of them changes a
// result beyond rounding. Each names the file of bench/results that it comes from, or says that it was not measured: then it was
// chosen by reasoning. bench/calibrate.cpp makes the table of tiles for an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rkeops {

// How much a kernel is unrolled.
struct Tiling {
  int row_vectors, columns;
  std::int64_t unroll_limit;  // vectors of more components are loops over components
  bool tensor_cores = false;
};

namespace heuristics {

constexpr std::int64_t KiB = 1 << 10, MiB = 1 << 20;

// ---- kernels, CPU

// The tile: vectors of rows x columns. `loops` where a vector of the formula is longer than the limit, `unrolled` elsewhere.
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

// gcc's model of the processor for x86-64, whatever it runs on: the same file, "Tuning". One for a Zen reads row vectors from
// memory again for each column, up to 15 loads for 9 products.
constexpr const char* gcc_tuning = "skylake-avx512";

// Columns that are summed in the kernel's own precision: a multiple of the columns of every tile, so that none are left over (the
// same file: 2 % for tiles of 3).
constexpr std::int64_t sum_block = 132;

// Components: above, one pass takes as long as two (2026-11-23-amd-epyc-scaling.md).
constexpr std::int64_t longest_two_sided = 32;

// K nearest: from so many on candidates are selected, and not kept sorted. bench/nearest.cpp, one thread with AVX2: at K = 100 it
// takes a third of the time, at K = 1000 a hundredth.
constexpr std::int64_t least_selected_k = 48;
constexpr std::int64_t candidates_of(std::int64_t k) { return 2 * k + 64; }  // a selection every K + 64; not measured

// ---- kernels, text

constexpr std::size_t longest_text = 150000;        // bytes: a smaller tile above, since compilers take seconds
constexpr std::int64_t longest_optimized = 300000;  // bytes: above, -O2 takes minutes
constexpr std::int64_t most_kept_numbers = 256;     // over a loop; above, read in it (2026-11-26-amd-epyc-second-wave.md)
constexpr int most_inlined_calls = 100;             // of one function: every inlined copy is compiled again; not measured
constexpr std::int64_t longest_expression = 200;    // operations written in one place; not measured
constexpr std::int64_t always_hoisted = 4;          // components, whatever they are computed from; not measured

// ---- kernels, GPU. No GPU was there to measure.

constexpr std::int64_t gpu_sum_block = 256;
constexpr std::int64_t least_product_dim = 8;      // components from which a product of rows and columns is worth tensor cores
constexpr std::int64_t gpu_longest_unrolled = 32;  // components, so that a thread's rows and sums stay in registers
constexpr std::int64_t gpu_registers = 120;        // of 255, so that two blocks fit
constexpr Tiling gpu_long_tiles[] = {{4, 16, 4}, {2, 8, 4}, {1, 4, 4}, {1, 1, 1}};  // as of a matrix product
constexpr int tensor_columns = 16;                 // of a step of tensor cores: two 8 x 8 fragments
constexpr std::int64_t gpu_thread_arrays = 4 * KiB;  // bytes: the driver sets them aside for all threads that could run
constexpr std::int64_t gpu_tile_state_bytes = 64 * MiB;
constexpr std::int64_t gpu_window_least = 1 * KiB, gpu_window_most = 4 * KiB;  // bytes of a thread's part of a long result
constexpr std::int64_t gpu_shared_columns = 256, gpu_shared_bytes = 16 * KiB;  // of one of the two buffers of a block

// ---- runtime, CPU

// Tasks that keep some tens of threads busy to the end, also where some are slower. Not measured.
constexpr std::int64_t enough_tasks = 64;

// A row_block: tiles that are folded over a column_block while that is in the second-level cache.
constexpr std::int64_t row_block_tiles = 8;          // not measured
constexpr std::int64_t row_block_states = 32 * MiB;  // bytes of their states at most
constexpr std::int64_t two_sided_block_tiles = 32;   // column sums are in the kernel's precision for so many; not measured
constexpr std::int64_t two_sided_share_tiles = 8;    // the least that is worth totals of its own; not measured
constexpr std::int64_t two_sided_states = 64 * MiB;  // bytes of partial states that wait for their merging

// A column_block: bytes of packed columns, at most so many columns, a multiple of a step.
constexpr std::int64_t column_block_bytes = 128 * KiB;            // half of a small second-level cache
constexpr std::int64_t two_sided_column_block_bytes = 512 * KiB;  // with the sums of the columns; not measured
constexpr std::int64_t column_step = sum_block;                   // sums are in the kernel's precision for so many columns
constexpr std::int64_t most_block_columns = 32 * column_step;
constexpr std::int64_t two_sided_column_step = 32;

// A column_split has a state of its own for each tile: worth it from so many column_blocks on. Not measured.
constexpr std::int64_t least_split_blocks = 2;
constexpr std::int64_t candidates_per_split = 16;  // columns for each place of a candidate, which all are merged

// Blocks of entries stay in the second-level cache until they are written; a column of one is some cache lines long.
constexpr std::int64_t entries_block_bytes = 128 * KiB, entries_block_rows = 256;
constexpr std::int64_t found_block_columns = 256;  // of which a tile's pairs may all be found; not measured

// Operations that are worth a thread, some 50 microseconds of one (2026-11-26-amd-epyc-evaluation.md): starting one takes
// some 20.
constexpr double thread_work = 2e6;
constexpr std::int64_t packing_threads_from = 100000;  // numbers
constexpr std::int64_t packing_rows = 4096;            // of one task

// Packed rows are kept between calls where packing them takes a noticeable part of a call, one part in the number of columns.
constexpr std::int64_t kept_rows_columns = 4096;
constexpr std::int64_t kept_rows_bytes = 1 * MiB;  // whatever the inputs take

// ---- blocks

constexpr std::int64_t block_rows = 64;  // of groups of points near each other: no fewer than a tile has

// ---- geometry: what is not said to be measured was chosen by reasoning

constexpr std::int64_t leaf_columns = 32;        // of a leaf of the tree of columns, as a prototype had them
constexpr std::size_t known_orders = 64;         // that are kept with variables, four bytes a row each
constexpr std::int64_t sample_points = 1024;     // rows and columns that the estimate looks at,
constexpr std::int64_t sample_numbers = 32768;   // fewer where there are so many numbers in them
constexpr std::int64_t sample_tiles = 8;         // of which so many tiles walk
constexpr double geometry_nanoseconds = 8e6;     // of all pairs: forty times what the estimate takes
constexpr double operations_per_nanosecond = 4;  // and lane, of one thread
constexpr double ordering_nanoseconds = 120;     // a point in dimension 3, one thread; measured, 100,000 points
constexpr double walk_cost = 1.5;                // of a pair visited, against one of all pairs
constexpr double refined_walk_cost = 4;          // where bounds have to be refined
constexpr double attempt_cost = 0.015;           // of ordering, as a part of the time of all pairs, where the estimate says no
constexpr std::int64_t attempted_tiles = 4;
constexpr std::int64_t bounded_table_entries = 1024;  // of lookup(): bounds look at all of them, for each box
constexpr double most_dimensions = 10;           // that points seem to have: above, it is not attempted either

// ---- runtime, GPU

constexpr std::int64_t gpu_column_step = 4096;          // memory_batches of columns are multiples
constexpr std::int64_t gpu_split_step = gpu_sum_block;  // sums are in the kernel's precision for so many columns
constexpr std::int64_t gpu_most_tiles = 32768;          // of a memory_batch
constexpr std::int64_t gpu_enough_blocks = 1024;        // CUDA blocks that fill a large GPU
constexpr std::int64_t gpu_tile_states = 256 * MiB;     // bytes of the states of a tile
constexpr double gpu_task_operations = 2e9;             // of a task, a tenth of a second of a small GPU in float64
constexpr double gpu_range_operations = 2e11;           // of a launch_range of columns, about a second of a small GPU
constexpr double gpu_launch_seconds = 0.1;              // only between launches can it be interrupted
constexpr double gpu_memory_share = 0.8;                // of the free memory
constexpr double gpu_thread_bytes = 512 * KiB;          // the driver's limit of a thread's own memory
constexpr std::int64_t gpu_entries_bytes = 64 * MiB, gpu_entries_columns = 256, gpu_entries_step = 64;
constexpr std::int64_t gpu_resident_share = 4;  // a matrix is kept up to this part of the memory

}  // namespace heuristics
}  // namespace rkeops
