// The kernels proper of a CUDA module whose blocks take their work from a task array (KernelPlan::by_tasks): what
// runtime/gpu_tasks.hpp makes. Rows and columns are packed in any order, by places.
#pragma once

#include "../base/text.hpp"
#include "../plan/kernel_plan.hpp"

namespace rkeops {

// The fold: a block folds the columns of its task into the state of its task. Columns of several ranges come together in shared
// memory, `shared` at a time, so that short ranges cost no more than long ones; if that is 0 they are read where they are.
inline std::string task_fold_entry(const KernelPlan& kernel, std::int64_t shared) {
  const std::int64_t stride = kernel.column_stride;
  const bool ordered = kernel.ordered;
  Text out;
  out.raw(R"(
struct Range { int64 from, to; };
/* `count` columns, from place `from` in this range on, for a tile and a state */
struct Task { int64 tile, state, range, from, count; };
/* so many of the next columns lie side by side */
INLINE int64 side_by_side(const Range* ranges, const Task* task, int64 most) {
  const int64 left = ranges[task->range].to - task->from, n = left < task->count ? left : task->count;
  return n < most ? n : most;
}
INLINE void leave_behind(const Range* ranges, Task* task, int64 n) {
  task->from += n;
  task->count -= n;
  if (task->count > 0 && task->from == ranges[task->range].to) task->from = ranges[++task->range].from;
}
)");
  if (shared > 0) {
    out.line("/* the next columns to shared memory, as many as fit; how many these are */");
    out.line("INLINE int64 gather(const real* columns, const int* numbers, int64 base, const Range* ranges, Task* task,");
    out.open("                    real* to", ordered ? ", int* to_numbers)" : ")");
    out.line("int64 count = 0;");
    out.open("for (int64 n; (n = side_by_side(ranges, task, ", shared, " - count)) > 0;",
             " count += n, leave_behind(ranges, task, n))");
    out.line("copy_columns(to + count * ", stride, ", columns + (task->from - base) * ", stride, ", n * ", stride, ");");
    if (ordered) out.line("for (int64 k = threadIdx.x; k < n; k += LANES) to_numbers[count + k] = numbers[task->from + k];");
    out.close();
    out.line("return count;");
    out.close();
  }
  out.line("/* the first of `columns` has the place `base`; `numbers` are those of all places */");
  out.line("extern \"C\" __global__ void __launch_bounds__(LANES) rkeops_gpu_fold(");
  out.line("    const real* restrict parameter, const real* restrict rows, const real* restrict columns,");
  out.open("    const int* restrict numbers, int64 base, const Range* restrict ranges, const Task* restrict tasks, double* restrict values,"
           " long long* restrict indices)");
  if (shared > 0) out.line("__shared__ __align__(16) real shared[2][", shared * stride, "];");
  if (shared > 0 && ordered) out.line("__shared__ int shared_numbers[2][", shared, "];");
  out.line("Task task = tasks[blockIdx.x];");
  out.line("const real* row = rows + task.tile * ", kernel.row.width, " * TILE + threadIdx.x;");
  out.line("double* value = values + task.state * ", kernel.value_slots, " * TILE + threadIdx.x;");
  out.line("long long* index = indices + task.state * ", kernel.index_slots, " * TILE + threadIdx.x;");
  const auto fold = [&](const char* columns, const char* count, const char* numbers) {
    out.line(ordered ? "rkeops_fold_ordered" : "rkeops_fold", "(parameter, row, ", columns, ", ", count, ", ",
             ordered ? numbers : "0", ", value, index, (V*)0);");
  };
  const auto gather = [&](const std::string& buffer) {
    const std::string to_numbers = ordered ? ", shared_numbers[" + buffer + "]" : "";
    return "gather(columns, numbers, base, ranges, &task, shared[" + buffer + "]" + to_numbers + ");";
  };
  if (shared > 0) {
    out.line("int64 here = ", gather("0"));
    out.open("for (int buffer = 0; here > 0; buffer ^= 1)");
    out.line("COPIES_DONE();");
    out.line("__syncthreads(); /* this buffer is full, and nobody reads the other one any more */");
    out.line("const int64 next = ", gather("buffer ^ 1"));
    fold("shared[buffer]", "here", "shared_numbers[buffer]");
    out.line("here = next;");
  } else {
    out.open("for (int64 n; (n = side_by_side(ranges, &task, task.count)) > 0; leave_behind(ranges, &task, n))");
    fold(("columns + (task.from - base) * " + str(stride)).c_str(), "n", "numbers + task.from");
  }
  out.close();
  out.close();
  return out.string();
}

// Packing: a block has a tile, rows at the places of a range.
inline const char* pack_places_text() {
  return R"(/* rows of a column-major matrix of doubles to tiles; the last one fills up its tile. `order` has their numbers, by places;
   without one the matrix has the rows from place `first` on. */
extern "C" __global__ void rkeops_gpu_pack(const double* matrix, int64 rows, const int* order, int64 first, const Range* places,
    int64 dim, real* tiles, int64 width, int64 offset) {
  const Range own = places[blockIdx.x];
  real* tile = tiles + (blockIdx.x * width + offset) * TILE;
  for (int64 r = threadIdx.x; r < TILE; r += LANES) {
    const int64 place = own.from + r < own.to ? own.from + r : own.to - 1, at = order ? order[place] : place - first;
    for (int64 c = 0; c < dim; ++c) tile[c * TILE + r] = (real)matrix[c * rows + at];
  }
}
)";
}

}  // namespace rkeops
