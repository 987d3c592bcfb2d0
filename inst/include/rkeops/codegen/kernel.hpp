// Text of a kernel: a translation unit with the fold over a chunk of columns for one tile of rows, and the prologues
// that compute what is needed once per row, per column and per call. Text in, text out: what it knows of
// a machine is its Target, and it runs nothing.
#pragma once

#include "../kernel/cpu_prelude.hpp"
#include "../kernel/cuda_prelude.hpp"
#include "../kernel/cuda_tensor.hpp"
#include "../plan/heuristics.hpp"
#include "cuda_entries.hpp"
#include "folds.hpp"

namespace rkeops {

namespace kernel_text {

inline PackedArea packed(const Area& area) {
  PackedArea out;
  out.width = area.width;
  out.has_prologue = !area.derived.empty();
  for (Expr leaf : area.leaves) {
    using From = PackedLeaf::From;
    const std::int64_t offset = area.offsets.at(leaf.node());
    if (is_variable(leaf)) {
      out.leaves.push_back({From::input, Part::whole, position_of(leaf), leaf->dim, offset});
    } else if (is_reduction(leaf)) {
      out.leaves.push_back({From::stage, Part::whole, leaf->id, leaf->dim, offset});
    } else if (is_row_number(leaf)) {
      out.leaves.push_back({From::row_number, static_cast<Part>(leaf->params[1]), 0, 1, offset});
    } else {
      out.leaves.push_back({From::stage, static_cast<Part>(leaf->params[0]), leaf->args[0]->id, leaf->dim, offset});
    }
  }
  return out;
}

// On a GPU columns are read 16 bytes at a time, where they have as much.
inline std::int64_t stride_of(const KernelPlan& kernel) {
  const std::int64_t width = kernel.column.width, group = kernel.precision == Precision::float32 ? 4 : 2;
  if (kernel.processor == Processor::cpu || width <= group / 2) return width;
  return (width + group - 1) / group * group;
}

// On a GPU, long results are shared out over blocks: as few components to each as make what all blocks compute anew cheap, so that
// they lie in fast memory, and no more than threads have memory for. Only reductions that treat each component alike can do that.
inline std::int64_t window_of(const KernelPlan& kernel, std::int64_t unroll_limit, const PairCost& cost) {
  constexpr std::int64_t least_bytes = 1024, most_bytes = 4096;
  const Family family = kernel.reduction.family;
  if (kernel.processor == Processor::cpu || kernel.reduction.both || kernel.dim <= unroll_limit) return 0;
  if (family == Family::nearest || family == Family::entries || (family == Family::softmax && kernel.tops == 1)) return 0;
  const std::int64_t arrays = family == Family::softmax || kernel.reduction.indices ? 2 : 1;
  const double each = cost.components / static_cast<double>(kernel.dim);
  std::int64_t bytes = least_bytes;
  const auto window = [&] { return bytes / (arrays * kernel.row_vectors * kernel.number_bytes()); };
  while (bytes < most_bytes && cost.shared > each * static_cast<double>(window())) bytes *= 2;
  return kernel.dim > window() ? window() : 0;
}

inline KernelPlan layout(const Plan& plan, const Target& target, const Tiling& tiling) {
  KernelPlan k{};
  const Reduction& row = reduction_of(plan.reduction);
  const Expr f = plan.reduction.arg(0);
  k.row = packed(plan.row);
  k.column = packed(plan.column);
  k.parameter = packed(plan.parameter);
  k.rows = result_category(plan.reduction);
  k.columns = folded_category(plan.reduction);
  k.reduction = row;
  k.dim = f->dim;
  k.back_dim = row.both ? plan.reduction.arg(1)->dim : 0;
  k.k = k_of(plan.reduction);
  k.precision = target.precision;
  k.processor = target.processor;
  k.lanes = target.lanes();
  k.vector_bytes = target.vector_bytes;
  k.row_vectors = tiling.row_vectors;
  k.columns_per_step = tiling.columns;
  k.tensor_cores = tiling.tensor_cores;
  k.column_stride = stride_of(k);
  const bool wide = target.precision == Precision::float64;
  switch (row.family) {
    case Family::sum:
      k.compensated = wide;
      k.value_slots = k.dim * (wide ? 2 : 1);
      break;
    case Family::extremum:
      k.value_slots = k.dim;
      k.index_slots = row.indices ? k.dim : 0;
      break;
    case Family::nearest:
      k.candidates = k.k < least_selected_k ? 0 : 2 * k.k + 64;
      k.value_slots = k.index_slots = k.dim * (k.candidates > 0 ? k.candidates + 1 : k.k);
      break;
    case Family::softmax:
      k.tops = f->dim;
      k.has_sum_of_ones = !row.weighted || row.finish == Reduction::Finish::ratio;
      k.sums = (k.has_sum_of_ones ? k.tops : 0) + (row.weighted ? plan.reduction.arg(1)->dim : 0);
      k.compensated = wide;
      k.value_slots = k.tops + k.sums * (wide ? 2 : 1);
      break;
    case Family::entries:
      break;
  }
  const PairCost cost = pair_cost(plan);
  k.window = window_of(k, tiling.unroll_limit, cost);
  k.cost = cost.components + static_cast<double>(k.windows()) * cost.shared;
  return k;
}

// Names that start with `stem` in `text`, e.g. the v_ functions that a body calls.
inline std::set<std::string> names_in(const std::string& text, const std::string& stem) {
  std::set<std::string> names;
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (std::size_t at = text.find(stem); at != std::string::npos; at = text.find(stem, at + 1)) {
    if (at > 0 && part(text[at - 1])) continue;
    std::size_t end = at;
    while (end < text.size() && part(text[end])) ++end;
    names.insert(text.substr(at, end - at));
  }
  return names;
}

// pow_5, pow_m2, ...: integer powers by repeated squaring.
inline std::string power_function(const std::string& name) {
  const bool negative = name[4] == 'm';
  unsigned long long m = std::stoull(name.substr(negative ? 5 : 4));
  std::string body;
  bool first = true;
  for (; m > 0; m >>= 1) {
    if (m & 1) body += first ? " V r = a;" : " r *= a;", first = false;
    if (m > 1) body += " a *= a;";
  }
  return "INLINE V " + name + "(V a) {" + body + " return " + (negative ? "splat(1) / r" : "r") + "; }\n";
}

// A formula that calls a long function very often gets it out of line: compile time grows with every inlined copy.
inline std::string out_of_line(const std::string& prelude, const std::string& body, const std::string& name) {
  constexpr int many = 100;
  int calls = 0;
  for (std::size_t at = body.find(name + "("); at != std::string::npos; at = body.find(name + "(", at + 1)) ++calls;
  const std::string head = "INLINE V " + name + "(";
  const std::size_t from = prelude.find(head);
  if (calls < many || from == std::string::npos) return {};
  const std::string parameters = prelude.substr(from + head.size(), prelude.find(')', from) - from - head.size());
  if (parameters.find('*') != std::string::npos) return {};
  std::string arguments;
  for (std::size_t at = 0; at != std::string::npos; at = parameters.find(", ", at)) {
    at += at ? 2 : 0;
    const std::size_t word = parameters.find(' ', at) + 1;
    arguments += (arguments.empty() ? "" : ", ") + parameters.substr(word, parameters.find(',', word) - word);
  }
  return "FAR V far_" + name + "(" + parameters + ") { return " + name + "(" + arguments +
         "); }\n#define " + name + " far_" + name + "\n";
}

// What derived values of one area need: a loop over the row vectors of a tile, or one pass for parameters.
inline void prologue(Text& out, const Plan& plan, Role role, const char* name, std::int64_t unroll_limit,
                     KernelPlan& kernel) {
  const Area& area = plan.area(role);
  if (area.derived.empty()) return;
  Text body;
  Workspace work{kernel.processor};
  Components c(plan, body, work, 1, 1, unroll_limit, "t");
  c.compute(role);
  c.prepare(area.derived, false);
  for (Expr n : area.derived) {
    c.for_components(n, [&](const Component& k) {
      const std::string value = c.value(n, k, {0, 0});
      const std::string place = k.shifted(area.offsets.at(n.node())).text;
      if (role == 0) {
        body.line("parameter[", place, "] = LANE(", value, ", 0);");
      } else {
        body.line("store(tile + (", place, ") * TILE, ", value, ");");
      }
    });
  }
  if (role == 0) {
    out.open("ENTRY void ", name, "(real* parameter, V* work)");
  } else {
    const char* macro = role == varies_row ? "ROW" : "COLUMN";
    out.line("#undef ", macro).line("#define ", macro, "(k, member) load(tile + (k) * TILE)");
    out.open("ENTRY void ", name, "(const real* parameter, real* tile, V* work)");
    out.open("for (int v = 0; v < ", kernel.row_vectors, "; ++v, tile += LANES)");
  }
  out.line("(void)parameter, (void)work;");
  out.raw(work.declarations.string());
  out.raw(body.string());
  if (role != 0) out.close();
  out.close();
  kernel.work_vectors = std::max(kernel.work_vectors, work.vectors);
}

// Bytes to which every n-th packed column is aligned, if the first one is aligned to 16: as many are read at once.
inline std::int64_t alignment_of(const KernelPlan& kernel, std::int64_t n) {
  const std::int64_t bytes = n * kernel.column_stride * (kernel.precision == Precision::float32 ? 4 : 8);
  return std::min<std::int64_t>(16, bytes & -bytes);
}

inline void tile_step(Text& out, const Plan& plan, const KernelPlan& kernel, Fold& fold, Workspace& work, int columns,
                      std::int64_t unroll_limit) {
  if (kernel.processor == Processor::gpu && kernel.column_stride > 0) {
    out.line("column = (const real*)__builtin_assume_aligned(column, ", alignment_of(kernel, columns), ");");
  }
  Components c(plan, out, work, kernel.row_vectors, columns, unroll_limit, columns == 1 ? "u" : "t",
               kernel.tensor_cores && columns == tensor_columns);
  fold.step(c);
}

inline void fold_function(Text& out, const Plan& plan, KernelPlan& kernel, std::int64_t unroll_limit) {
  std::int64_t widest = 1;
  for (Expr arg : plan.reduction->args) widest = std::max(widest, arg->dim);
  Workspace work{kernel.processor};
  Text body;
  const auto fold = make_fold(kernel, work, plan.reduction, widest <= unroll_limit);
  const int step = kernel.columns_per_step;
  fold->begin(body);
  body.line("long j = 0;");
  body.open("while (j < n)");
  if (fold->block() > 0) {
    body.line("const long stop = n - j < ", fold->block(), " ? n : j + ", fold->block(), ";");
  } else {
    body.line("const long stop = n;");
  }
  fold->begin_block(body);
  if (step > 1) {
    body.open("for (; j + ", step, " <= stop; j += ", step, ", column += ", step * kernel.column_stride, ")");
    tile_step(body, plan, kernel, *fold, work, step, unroll_limit);
    body.close();
  }
  body.open("for (; j < stop; ++j, column += ", kernel.column_stride, ")");
  tile_step(body, plan, kernel, *fold, work, 1, unroll_limit);
  body.close();
  fold->end_block(body);
  body.close();
  fold->end(body);

  if (kernel.window > 0) {
    out.line("INLINE long larger_of(long a, long b) { return a > b ? a : b; }");
    out.line("INLINE long smaller_of(long a, long b) { return a < b ? a : b; }");
  }
  out.line("#undef ROW").line("#undef COLUMN");
  out.line("#define ROW(k, a) load(row + (k) * TILE + (a) * LANES)");
  out.line("#define COLUMN(k, b) splat(column[(b) * ", kernel.column_stride, " + (k)])");
  const bool both = kernel.reduction.both;
  out.line("ENTRY void ", both ? "rkeops_fold_both" : "rkeops_fold",
           "(const real* restrict parameter, const real* restrict row, const real* restrict column, long n,");
  out.open("    long long base, double* restrict value, long long* restrict index, V* restrict work",
           both ? ", real* restrict back, long valid)" : ")");
  out.line("(void)parameter, (void)row, (void)index, (void)base, (void)work;");
  if (kernel.window > 0) {
    out.line("const long window_from = blockIdx.z * ", kernel.window, "L;");
    out.line("const long window_to = smaller_of(window_from + ", kernel.window, ", ", kernel.dim, ");");
  }
  out.raw(work.declarations.string());
  out.raw(body.string());
  out.close();
  kernel.work_vectors = std::max(kernel.work_vectors, work.vectors);
}

}  // namespace kernel_text

inline KernelPlan generate(const Plan& plan, const Target& target, const Tiling& tiling) {
  using namespace kernel_text;
  KernelPlan kernel = layout(plan, target, tiling);
  Text body;
  const std::int64_t limit = tiling.unroll_limit;
  prologue(body, plan, 0, "rkeops_prologue_parameter", limit, kernel);
  prologue(body, plan, varies_row, "rkeops_prologue_row", limit, kernel);
  prologue(body, plan, varies_column, "rkeops_prologue_column", limit, kernel);
  fold_function(body, plan, kernel, limit);
  std::set<std::string> functions = names_in(body.string(), "v_");
  for (const char* constant : {"INF", "NAN_"}) {
    if (!names_in(body.string(), constant).empty()) functions.insert("specials");
  }
  if (kernel.reduction.family == Family::softmax) functions.insert({"vmin", "vmax"});
  const bool gpu = target.processor == Processor::gpu;
  const std::string prelude = gpu ? cuda_prelude(target.precision, kernel.lanes, functions)
                                  : cpu_prelude(target.precision, target.vector_bytes, functions);
  kernel.text = std::string("/* ") + kernel.reduction.name + " of a formula of dimension " + str(kernel.dim) + " */\n" +
                prelude;
  for (const std::string& name : functions) kernel.text += out_of_line(prelude, body.string(), name);
  kernel.text += "#define TILE " + str(kernel.tile_rows()) +
                "\n#define PARAMETER(k) splat(parameter[k])\n"
                "INLINE V square(V a) { return a * a; }\n"
                "INLINE V truth(I mask) { return select(mask, splat(1), splat(0)); }\n";
  for (const std::string& name : names_in(body.string(), "pow_")) kernel.text += power_function(name);
  if (kernel.tensor_cores) kernel.text += cuda_tensor_text(kernel.row_vectors, kernel.column_stride);
  kernel.text += fold_text(kernel) + body.string();
  if (gpu) kernel.text += cuda_entries(kernel);
  return kernel;
}

inline std::vector<Expr> formula_nodes(const Plan& plan) {
  return nodes_below({plan.reduction->args.begin(), plan.reduction->args.end()});
}

inline bool uses_tensor_cores(const Plan& plan, const Target& target) {
  if (!target.tensor_cores || target.processor == Processor::cpu || target.precision != Precision::float32) return false;
  const std::vector<Expr> nodes = formula_nodes(plan);
  return std::any_of(nodes.begin(), nodes.end(), [&](Expr n) { return is_matrix_product(plan, n); });
}

// Tiles to try, the best first. On a GPU, vectors of moderate length are unrolled so that a thread's rows and sums stay in
// its registers; long ones are loops over components, which need many columns at a time for each row they read.
inline std::vector<Tiling> tilings(const Plan& plan, const Target& target) {
  std::int64_t longest = 1;
  for (Expr n : formula_nodes(plan)) longest = std::max(longest, n->dim);
  if (target.processor == Processor::cpu) {
    if (!reduction_of(plan.reduction).both) return {heuristics::cpu_tile(target.vector_bytes, longest), {2, 2, 4}, {1, 2, 1}, {1, 1, 1}};
    const int columns = target.precision == Precision::float32 ? 4 : 2;  // KernelPlan::back_columns()
    return {{4, columns, 4}, {2, columns, 4}, {1, columns, 1}, {1, 1, 1}};
  }
  constexpr std::int64_t longest_unrolled = 32, registers = 120;
  if (uses_tensor_cores(plan, target)) {
    if (longest > longest_unrolled) return {{4, tensor_columns, 4, true}, {2, tensor_columns, 4, true}, {1, 1, 1}};
    return {{2, tensor_columns, longest_unrolled, true}, {1, 1, 1}};
  }
  if (longest > longest_unrolled) return {{4, 16, 4}, {2, 8, 4}, {1, 4, 4}, {1, 1, 1}};
  const std::int64_t words = target.precision == Precision::float64 ? 2 : 1;
  const std::int64_t per_row = (plan.row.width + plan.reduction->dim + 4) * words;
  std::vector<Tiling> list;
  for (int rows : {4, 2, 1}) {
    if (rows == 1 || per_row * rows <= registers) list.push_back({rows, 2, longest_unrolled});
  }
  list.push_back({1, 1, 1});
  return list;
}

// What a thread of a GPU keeps in arrays lies in memory that the driver sets aside for all threads that could run at once.
inline bool fits_gpu(const KernelPlan& kernel) {
  constexpr std::int64_t thread_bytes = 4096, tile_bytes = 64 << 20;
  return kernel.processor == Processor::cpu ||
         (kernel.work_vectors * kernel.number_bytes() <= thread_bytes &&
          (kernel.value_slots + kernel.index_slots) * kernel.tile_rows() * 8 <= tile_bytes);
}

// The largest tile whose text stays small enough to compile quickly, and its threads' memory on a GPU too.
inline KernelPlan generate(const Plan& plan, const Target& target) {
  constexpr std::size_t text_limit = 150000;
  KernelPlan kernel;
  for (const Tiling& tiling : tilings(plan, target)) {
    kernel = generate(plan, target, tiling);
    if (kernel.text.size() < text_limit && fits_gpu(kernel)) break;
  }
  return kernel;
}

}  // namespace rkeops
