// The numbers by which work is cut. None of them changes a result beyond rounding. Where no benchmark is named, a number was
// chosen by reasoning and not measured.
#pragma once

#include <cstdint>

namespace rkeops::heuristics {

constexpr std::int64_t KiB = 1 << 10, MiB = 1 << 20;

// ---- CPU

// Tasks that keep some tens of threads busy to the end, also where some are slower. Not measured.
constexpr std::int64_t enough_tasks = 64;

// A row_block: tiles that are folded over a column_block while that is in the second-level cache.
constexpr std::int64_t row_block_tiles = 8;            // not measured
constexpr std::int64_t row_block_states = 32 * MiB;   // bytes of their states at most
constexpr std::int64_t two_sided_block_tiles = 32;     // column sums are in the kernel's precision for so many; not measured
constexpr std::int64_t two_sided_share_tiles = 8;      // the least that is worth totals of its own; not measured
constexpr std::int64_t two_sided_states = 64 * MiB;   // bytes of partial states that wait for their merging

// A column_block: bytes of packed columns, at most so many columns, a multiple of a step.
constexpr std::int64_t column_block_bytes = 128 * KiB;            // half of a small second-level cache
constexpr std::int64_t two_sided_column_block_bytes = 512 * KiB;  // with the sums of the columns; not measured
constexpr std::int64_t most_block_columns = 4096;
constexpr std::int64_t column_step = 128;  // sums are in the kernel's precision for so many columns
constexpr std::int64_t two_sided_column_step = 32;

// A column_split has a state of its own for each tile: worth it from so many column_blocks on. Not measured.
constexpr std::int64_t least_split_blocks = 2;
constexpr std::int64_t candidates_per_split = 16;  // columns for each place of a candidate, which all are merged

// Blocks of entries stay in the second-level cache until they are written; a column of one is some cache lines long.
constexpr std::int64_t entries_block_bytes = 128 * KiB, entries_block_rows = 256;

// Operations that are worth a thread, some 50 microseconds of one (bench/evaluation.cpp): starting one takes some 20.
constexpr double thread_work = 2e6;
constexpr std::int64_t packing_threads_from = 100000;  // numbers
constexpr std::int64_t packing_rows = 4096;            // of one task

// Packed rows are kept between calls where packing them takes a noticeable part of a call, one part in the number of columns.
constexpr std::int64_t kept_rows_columns = 4096;
constexpr std::int64_t kept_rows_bytes = 1 * MiB;  // whatever the inputs take

// ---- GPU

constexpr std::int64_t gpu_column_step = 4096;      // memory_batches of columns are multiples
constexpr std::int64_t gpu_split_step = 256;        // sums are in the kernel's precision for so many columns
constexpr std::int64_t gpu_most_tiles = 32768;      // of a memory_batch
constexpr std::int64_t gpu_enough_blocks = 1024;    // CUDA blocks that fill a large GPU
constexpr std::int64_t gpu_tile_states = 256 * MiB;  // bytes of the states of a tile
constexpr double gpu_range_operations = 2e11;       // of a launch_range of columns, about a second of a small GPU
constexpr double gpu_launch_seconds = 0.1;          // only between launches can it be interrupted
constexpr double gpu_memory_share = 0.8;            // of the free memory
constexpr double gpu_thread_bytes = 512 * KiB;      // the driver's limit of a thread's own memory
constexpr std::int64_t gpu_entries_bytes = 64 * MiB, gpu_entries_columns = 256, gpu_entries_step = 64;
constexpr std::int64_t gpu_resident_share = 4;      // a matrix is kept up to this part of the memory

}  // namespace rkeops::heuristics
