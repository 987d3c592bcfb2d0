// The kernels proper of a CUDA module: one thread a lane, one block a tile of rows. They call the same functions as the
// CPU's runtime does, which stand before them in the text.
#pragma once

#include "../base/heuristics.hpp"
#include "../plan/kernel_plan.hpp"
#include "cuda_tasks.hpp"
#include "functions.hpp"

namespace rkeops {

// Columns that a block copies into one of its two shared buffers at a time; 0 where they are so wide that they are left to the
// caches.
inline std::int64_t shared_columns(const KernelPlan& kernel) {
  constexpr std::int64_t step = 32;
  if (kernel.column.width == 0) return 0;
  const std::int64_t fitting = heuristics::gpu_shared_bytes / (kernel.number_bytes() * kernel.column_stride);
  return std::min(fitting / step * step, heuristics::gpu_shared_columns);
}

// States before the first column.
inline std::string start_entry(const KernelPlan& kernel, Functions& functions) {
  Text out;
  const auto value = [&](std::int64_t slot) {
    return functions.constant(kernel.reducer().start_value(kernel, slot));
  };
  const std::string start = "slot < " + str(kernel.running_max) + " ? " + value(0) + " : " + value(kernel.value_slots - 1);
  out.open("extern \"C\" __global__ void rkeops_gpu_start(double* values, long long* indices)");
  out.open("for (int64 slot = 0; slot < ", kernel.value_slots, "; ++slot)");
  out.line("for (int64 r = threadIdx.x; r < TILE; r += LANES)");
  out.line("  values[(blockIdx.x * ", kernel.value_slots, "L + slot) * TILE + r] = ", start, ";");
  out.close();
  out.open("for (int64 slot = 0; slot < ", kernel.index_slots, "; ++slot)");
  out.line("for (int64 r = threadIdx.x; r < TILE; r += LANES)");
  out.line("  indices[(blockIdx.x * ", kernel.index_slots, "L + slot) * TILE + r] = -1;");
  out.close();
  out.close();
  return out.string();
}

// Copies to shared memory that go on while the block computes, where the architecture has them (8.0). Whole groups of 16 bytes
// are copied: up to 15 bytes behind the last number.
inline const char* copy_text() {
  return R"(
struct __align__(16) Sixteen { unsigned long long low, high; };
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define COPY(to, from) asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" \
                                    :: "r"((unsigned)__cvta_generic_to_shared(to)), "l"(from))
#define COPIES_DONE() asm volatile("cp.async.wait_all;" ::: "memory")
#else
#define COPY(to, from) *(to) = *(from)
#define COPIES_DONE()
#endif
INLINE void copy_columns(real* to, const real* from, int64 count) {
  Sixteen* target = (Sixteen*)to;
  const Sixteen* source = (const Sixteen*)from;
  for (int64 k = threadIdx.x; k * (int64)sizeof(Sixteen) < count * (int64)sizeof(real); k += LANES) COPY(target + k, source + k);
}
)";
}

// The fold: block (tile, split) folds its share of the columns into its state.
inline std::string fold_entry(const KernelPlan& kernel, std::int64_t shared) {
  Text out;
  const std::int64_t stride = kernel.column_stride, stage = shared > 0 ? shared : heuristics::gpu_shared_columns;
  out.line("extern \"C\" __global__ void __launch_bounds__(LANES) rkeops_gpu_fold(");
  out.line("    const real* restrict parameter, const real* restrict rows, const real* restrict columns, int64 n,");
  out.open("    int64 share, long long base, double* restrict values, long long* restrict indices)");
  if (shared > 0) out.line("__shared__ __align__(16) real shared[2][", shared * stride, "];");
  out.line("const int64 tile = blockIdx.x, split = blockIdx.y, at = tile * gridDim.y + split;");
  out.line("const real* row = rows + tile * ", kernel.row.width, " * TILE + threadIdx.x;");
  const bool entries = kernel.pairs;
  const std::string block = entries ? "tile * n * " + str(kernel.dim) : "at * " + str(kernel.value_slots);
  out.line("double* value = values + ", block, " * TILE + threadIdx.x;");
  out.line("long long* index = indices + at * ", kernel.index_slots, " * TILE + threadIdx.x;");
  out.line("const int64 from = split * share, to = n - from < share ? n : from + share;");
  const auto columns_from = [&](const std::string& j) {
    return "(to - " + j + " < " + str(stage) + " ? to - " + j + " : " + str(stage) + ")";
  };
  if (shared > 0) {
    out.line("int buffer = 0;");
    out.line("copy_columns(shared[0], columns + from * ", stride, ", ", columns_from("from"), " * ", stride, ");");
  }
  out.open("for (int64 j = from; j < to; j += ", stage, ")");
  out.line("const int64 here = ", columns_from("j"), ";");
  if (shared > 0) {
    out.line("COPIES_DONE();");
    out.line("__syncthreads(); /* this buffer is full, and nobody reads the other one any more */");
    out.line("const int64 next = j + ", stage, ";");
    out.line("if (next < to) copy_columns(shared[buffer ^ 1], columns + next * ", stride, ", ", columns_from("next"), " * ",
             stride, ");");
  }
  out.line("rkeops_fold(parameter, row, ", shared > 0 ? "shared[buffer]" : "columns + j * " + str(stride),
           ", here, base + j, value", entries ? " + j * " + str(kernel.dim) + " * TILE" : "", ", index, (V*)0);");
  if (shared > 0) out.line("buffer ^= 1;");
  out.close();
  out.close();
  return out.string();
}

inline const char* pack_text() {
  return R"(/* rows [first, end) of a column-major matrix of doubles to their place in tiles; the last one fills up its tile */
extern "C" __global__ void rkeops_gpu_pack(const double* matrix, int64 rows, int64 first, int64 end, int64 dim,
    real* tiles, int64 width, int64 offset) {
  real* tile = tiles + (blockIdx.x * width + offset) * TILE;
  for (int64 r = threadIdx.x; r < TILE; r += LANES) {
    const int64 row = first + blockIdx.x * (int64)TILE + r, at = row < end ? row : end - 1;
    for (int64 c = 0; c < dim; ++c) tile[c * TILE + r] = (real)matrix[c * rows + at];
  }
}
)";
}

// Prologues: block = tile.
inline std::string cuda_entries(const KernelPlan& kernel, Functions& functions) {
  Text out;
  const std::int64_t width = kernel.column.width, stride = kernel.column_stride, shared = shared_columns(kernel);
  if (shared > 0) out.raw(copy_text());
  out.raw(kernel.by_tasks ? task_fold_entry(kernel, shared) : fold_entry(kernel, shared));
  out.raw(start_entry(kernel, functions));
  out.raw(kernel.by_tasks ? pack_places_text() : pack_text());
  out.line("/* tiles of columns, component by component, to columns one after the other */");
  out.open("extern \"C\" __global__ void rkeops_gpu_columns(const real* tiles, real* columns, int64 n)");
  out.line("const real* tile = tiles + blockIdx.x * ", width, "L * TILE;");
  out.open("for (int64 r = threadIdx.x, j = blockIdx.x * (int64)TILE + r; r < TILE && j < n; r += LANES, j += LANES)");
  out.line("for (int64 k = 0; k < ", width, "; ++k) columns[j * ", stride, " + k] = tile[k * TILE + r];");
  out.close();
  out.close();
  const auto prologue = [&](const char* area) {
    out.line("extern \"C\" __global__ void rkeops_gpu_prologue_", area, "(const real* parameter, real* tiles, int64 width) {");
    out.line("  rkeops_prologue_", area, "(parameter, tiles + blockIdx.x * width * TILE + threadIdx.x, (V*)0);");
    out.line("}");
  };
  if (kernel.parameter.has_prologue) {
    out.line("extern \"C\" __global__ void rkeops_gpu_prologue_parameter(real* parameter) {");
    out.line("  if (blockIdx.x == 0 && threadIdx.x == 0) rkeops_prologue_parameter(parameter, (V*)0);");
    out.line("}");
  }
  if (kernel.row.has_prologue) prologue("row");
  if (kernel.column.has_prologue) prologue("column");
  return out.string();
}

}  // namespace rkeops
