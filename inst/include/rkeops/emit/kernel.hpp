// Text of a kernel: a translation unit with the fold of a block of columns into the state of one tile of rows, and the
// prologues that compute what is hoisted. What it knows of a machine is its Target, and it runs nothing.
#pragma once

#include "../plan/layout.hpp"
#include "../plan/tiling.hpp"
#include "cuda_entries.hpp"
#include "fold.hpp"
#include "prelude/cuda_tensor.hpp"

namespace rkeops {

// The exchange of a state with its place in memory.
constexpr const char* state_text = R"(
INLINE V load_state(const double* p) {
  V x;
  FOR_LANES(l) LANE(x, l) = (real)p[l];
  return x;
}
INLINE void store_state(double* p, V x) {
  FOR_LANES(l) p[l] = LANE(x, l);
}
)";

namespace kernel_text {

// At the head of a loop: what `pointer` points to may be other numbers from here on. Compilers would load all that stays the same
// before the loop, and take a time that grows with the square of what they have to keep: numbers in formulas are parameters,
// so there can be thousands.
inline void read_anew(Text& out, const KernelPlan& kernel, const Area& area, std::int64_t unroll_limit, const char* pointer) {
  std::int64_t kept = 0;
  const auto count = [&](Value v) { kept += v->dim <= unroll_limit ? v->dim : 0; };
  for (const auto& leaf : area.leaves) count(leaf.first);
  for (Value v : area.hoisted) count(v);
  if (kernel.processor == Processor::cpu && kept > heuristics::most_kept_numbers) {
    out.line("__asm__(\"\" : \"+r\"(", pointer, "));");
  }
}

// What is hoisted into one area: a loop over the row vectors of a tile, or one pass for parameters.
inline void prologue(Text& out, Functions& functions, const PairProgram& program, Variance variance, const char* name,
                     std::int64_t unroll_limit, KernelPlan& kernel) {
  const std::vector<Value>& hoisted = program.area(variance).hoisted;
  if (hoisted.empty()) return;
  Text body;
  Workspace work{kernel.processor};
  Components c(body, functions, work, 1, 1, unroll_limit, "t", variance);
  c.prepare(hoisted, false);
  for (Value v : hoisted) {
    c.for_components(v, [&](const Component& k) {
      const std::string value = c.value(v, k, {0, 0}), place = k.shifted(v->offset).text;
      if (variance == 0) {
        body.line("parameter[", place, "] = LANE(", value, ", 0);");
      } else {
        body.line("store(tile + (", place, ") * TILE, ", value, ");");
      }
    });
  }
  if (variance == 0) {
    out.line("/* once: what is hoisted out of all loops, behind the parameters */");
    out.open("ENTRY void ", name, "(real* parameter, V* work)");
  } else {
    out.line("/* for a tile of ", variance == varies_row ? "rows" : "columns", ": what is hoisted out of the loop over pairs */");
    const char* macro = variance == varies_row ? "ROW" : "COLUMN";
    out.line("#undef ", macro).line("#define ", macro, "(k, member) load(tile + (k) * TILE)");
    out.open("ENTRY void ", name, "(const real* parameter, real* tile, V* work)");
    out.open("for (int v = 0; v < ", kernel.row_vectors, "; ++v, tile += LANES)");
    read_anew(out, kernel, program.area(0), unroll_limit, "parameter");
  }
  out.line("(void)parameter, (void)work;");
  out.raw(work.declarations.string());
  out.raw(body.string());
  if (variance != 0) out.close();
  out.close();
  kernel.work_vectors = std::max(kernel.work_vectors, work.vectors);
}

// Bytes to which every n-th packed column is aligned, if the first one is aligned to 16: as many are read at once.
inline std::int64_t alignment_of(const KernelPlan& kernel, std::int64_t n) {
  const std::int64_t bytes = n * kernel.column_stride * kernel.number_bytes();
  return std::min<std::int64_t>(16, bytes & -bytes);
}

inline void tile_step(Text& out, Functions& functions, const PairProgram& program, const KernelPlan& kernel, Fold& fold,
                      Workspace& work, int columns, std::int64_t unroll_limit) {
  if (kernel.processor == Processor::gpu && kernel.column_stride > 0) {
    out.line("column = (const real*)__builtin_assume_aligned(column, ", alignment_of(kernel, columns), ");");
  }
  read_anew(out, kernel, program.area(0), unroll_limit, "parameter");
  read_anew(out, kernel, program.area(varies_row), unroll_limit, "row");
  Components c(out, functions, work, kernel.row_vectors, columns, unroll_limit, columns == 1 ? "u" : "t",
               PairProgram::nothing, kernel.tensor_cores && columns == heuristics::tensor_columns);
  fold.step(c);
}

inline void fold_function(Text& out, Functions& functions, const PairProgram& program, KernelPlan& kernel,
                          std::int64_t unroll_limit) {
  std::int64_t widest = 1;
  for (Value result : program.results) widest = std::max(widest, result->dim);
  Workspace work{kernel.processor};
  Text body;
  const auto fold = kernel.reducer().fold(kernel, work, program, widest <= unroll_limit);
  const int step = kernel.columns_per_step;
  fold->begin(body);
  body.line("int64 j = 0;");
  body.open("while (j < n)");
  if (fold->block() > 0) {
    body.line("const int64 stop = n - j < ", fold->block(), " ? n : j + ", fold->block(), ";");
  } else {
    body.line("const int64 stop = n;");
  }
  fold->begin_block(body);
  if (step > 1) {
    body.line("/* ", kernel.row_vectors, " vectors of rows meet ", step, " columns */");
    body.open("for (; j + ", step, " <= stop; j += ", step, ", column += ", step * kernel.column_stride, ")");
    tile_step(body, functions, program, kernel, *fold, work, step, unroll_limit);
    body.close();
  }
  body.open("for (; j < stop; ++j, column += ", kernel.column_stride, ")");
  tile_step(body, functions, program, kernel, *fold, work, 1, unroll_limit);
  body.close();
  fold->end_block(body);
  body.close();
  fold->end(body);

  if (kernel.window > 0) {
    out.line("INLINE int64 larger_of(int64 a, int64 b) { return a > b ? a : b; }");
    out.line("INLINE int64 smaller_of(int64 a, int64 b) { return a < b ? a : b; }");
  }
  out.line("#undef ROW").line("#undef COLUMN");
  out.line("#define ROW(k, a) load(row + (k) * TILE + (a) * LANES)");
  out.line("#define COLUMN(k, b) splat(column[(b) * ", kernel.column_stride, " + (k)])");
  const bool two_sided = kernel.column_sums > 0;
  const bool ordered = kernel.ordered;
  out.line("/* folds n columns, ", ordered ? "which have `numbers`" : "the first of which is number `base`",
           ", into the state of a tile of rows */");
  out.line("ENTRY void ", two_sided ? "rkeops_fold_two_sided" : ordered ? "rkeops_fold_ordered" : "rkeops_fold",
           "(const real* restrict parameter, const real* restrict row, const real* restrict column, int64 n,");
  out.open("    ", ordered ? "const int* restrict numbers" : "long long base",
           ", double* restrict value, long long* restrict index, V* restrict work",
           two_sided ? ", real* restrict column_sums, int64 valid)" : kernel.resumes() ? ", int resumes, Bar* bars)" : ")");
  out.line("(void)parameter, (void)row, (void)index, (void)",
           kernel.resumes() ? "resumes, (void)bars" : ordered ? "numbers" : "base", ", (void)work;");
  if (kernel.window > 0) {
    out.line("const int64 window_from = blockIdx.z * ", kernel.window, "L;");
    out.line("const int64 window_to = smaller_of(window_from + ", kernel.window, ", ", kernel.dim, ");");
  }
  out.raw(work.declarations.string());
  out.raw(body.string());
  out.close();
  kernel.work_vectors = std::max(kernel.work_vectors, work.vectors);
}

}  // namespace kernel_text

inline KernelPlan generate(const PairProgram& program, const Target& target, const Tiling& tiling, bool ordered = false) {
  using namespace kernel_text;
  KernelPlan kernel = layout(program, target, tiling, ordered);
  Functions functions;
  Text body;
  const std::int64_t limit = tiling.unroll_limit;
  prologue(body, functions, program, 0, "rkeops_prologue_parameter", limit, kernel);
  prologue(body, functions, program, varies_row, "rkeops_prologue_row", limit, kernel);
  prologue(body, functions, program, varies_column, "rkeops_prologue_column", limit, kernel);
  fold_function(body, functions, program, kernel, limit);
  const std::string entries = target.processor == Processor::gpu ? cuda_entries(kernel, functions) : "";
  kernel.text = std::string("/* ") + kernel.reduction->name + " of a formula of dimension " + str(kernel.dim) + " */\n" +
                functions.prelude(target) + "#define TILE " + str(kernel.tile_rows()) +
                "\n#define PARAMETER(k) splat(parameter[k])\n"
                "INLINE V square(V a) { return a * a; }\n"
                "INLINE V truth(I mask) { return select(mask, splat(1), splat(0)); }\n" +
                functions.power_definitions();
  if (kernel.tensor_cores) kernel.text += cuda_tensor_text(kernel.row_vectors, kernel.column_stride);
  kernel.text += std::string(state_text) + kernel.reducer().functions(kernel) + body.string() + entries;
  return kernel;
}

// The largest tile whose text stays small enough to compile quickly, and its threads' memory on a GPU too.
inline KernelPlan generate(const PairProgram& program, const Target& target, bool ordered = false) {
  KernelPlan kernel;
  for (const Tiling& tiling : tilings(program, target, ordered)) {
    kernel = generate(program, target, tiling, ordered);
    if (kernel.text.size() < heuristics::longest_text && fits_gpu(kernel)) break;
  }
  return kernel;
}

}  // namespace rkeops
