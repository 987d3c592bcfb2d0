// Definitions of engine.hpp. Included by exactly one translation unit of a program.
#pragma once

#include <map>

#include "emit/explain.hpp"
#include "engine.hpp"
#include "parse/parser.hpp"
#include "pass/differential.hpp"
#include "pass/quotients.hpp"
#include "pass/stages.hpp"
#include "runtime/execute_gpu.hpp"

namespace rkeops {

namespace engine_detail {

inline OutputShape shape_of(Expr root, Expr last) {
  const Reduction& row = reduction_of(last);
  OutputShape shape;
  shape.category = result_category(last);
  shape.k = k_of(last);
  shape.dim = last->dim / std::max<std::int64_t>(shape.k, 1);
  shape.reduction = root == last ? row.name : "";
  if (row.values) shape.parts.push_back({false, last->dim, shape.category, row.family == Family::entries});
  if (row.indices) shape.parts.push_back({true, last->dim, shape.category});
  if (row.both) shape.parts.push_back({false, last.arg(1)->dim, folded_category(last)});
  return shape;
}

inline Target target_of(const RunOptions& options) {
  Target target = cpu_target(options.precision);
  target.processor = options.processor;
  target.tensor_cores = options.tensor_cores && options.processor == Processor::gpu && options.precision == Precision::float32;
  return target;
}

inline Error input_error(const Argument& argument, const std::string& message, std::string hint = {}) {
  Error error(ErrorKind::input, message, std::move(hint));
  error.argument = argument.name.empty() ? "position " + str(argument.position + 1) : argument.name;
  return error;
}

inline std::string label(const Argument& argument) {
  const std::string type = std::string(name_of(argument.category)) + "(" + str(argument.dim) + ")";
  return argument.name.empty() ? type + " at position " + str(argument.position)
                               : "'" + argument.name + "=" + type + "'";
}

struct Sizes {
  std::int64_t i = 1, j = 1;
  std::int64_t of(Category c) const { return c == Category::i ? i : c == Category::j ? j : 1; }
};

// Number of rows of i and j; every input checked against its declaration.
inline Sizes sizes_of(const std::vector<Argument>& arguments, const std::vector<Input>& inputs) {
  if (inputs.size() != arguments.size()) {
    throw Error(ErrorKind::input, "the formula takes " + str(static_cast<std::int64_t>(arguments.size())) +
                                      " inputs, got " + str(static_cast<std::int64_t>(inputs.size())));
  }
  Sizes sizes;
  const Argument* first[2] = {nullptr, nullptr};
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Argument& argument = arguments[k];
    const Input& input = inputs[k];
    if (argument.category == Category::parameter) {
      if (input.rows * input.cols != argument.dim) {
        throw input_error(argument, "parameter " + label(argument) + " has " + str(input.rows * input.cols) +
                                        " value" + (input.rows * input.cols == 1 ? "" : "s") +
                                        ", it is declared with " + str(argument.dim));
      }
      continue;
    }
    const std::int64_t rows = input.by_rows ? input.cols : input.rows, dim = input.by_rows ? input.rows : input.cols;
    if (dim != argument.dim) {
      throw input_error(argument,
                        "input " + label(argument) + " is a " + str(input.rows) + " x " + str(input.cols) +
                            " matrix, " + str(argument.dim) + (input.by_rows ? " rows" : " columns") + " are needed",
                        rows == argument.dim ? "It seems to be transposed: t() may help." : "");
    }
    const int which = argument.category == Category::i ? 0 : 1;
    std::int64_t& size = which == 0 ? sizes.i : sizes.j;
    if (first[which] && rows != size) {
      throw input_error(
          argument,
          "input " + label(argument) + " has " + str(rows) + " rows, but " + label(*first[which]) + " has " + str(size),
          "All inputs of one index need the same number of rows.");
    }
    if (!first[which]) first[which] = &argument;
    size = rows;
  }
  return sizes;
}

// What a fold over no columns at all, or for no rows, gives, or an error where there is nothing neutral.
inline void finish_empty(const KernelPlan& kernel, const StageData& data) {
  const Reduction& row = kernel.reduction;
  if (row.family == Family::entries) return;
  if (row.both) std::fill_n(data.parts[1], data.columns * kernel.back_dim, 0.0);
  const double infinity = std::numeric_limits<double>::infinity();
  if (row.indices || row.finish == Reduction::Finish::ratio || row.family == Family::nearest) {
    throw Error(ErrorKind::input, std::string(row.name) + "_Reduction over no rows has no result",
                "The index that is reduced needs at least one row.");
  }
  const double value = row.family == Family::sum                      ? 0
                       : row.family == Family::softmax || row.maximum ? -infinity
                                                                      : infinity;
  const bool pair = row.finish == Reduction::Finish::pair;
  const std::int64_t columns = pair ? 1 : row.weighted ? kernel.sums : kernel.dim;
  std::fill_n(data.parts[0], data.rows * columns, value);
  if (pair) std::fill_n(data.parts[0] + data.rows, data.rows * kernel.sums, 0.0);
}

}  // namespace engine_detail

struct Program::State {
  std::string formula;
  std::vector<Argument> arguments;
  OutputShape output;
  Graph graph;
  std::vector<Expr> stages;

  struct Stage {
    KernelPlan kernel;
    std::string name;  // of its text in the cache
  };
  // Sizes of both indices; every input and every K checked.
  engine_detail::Sizes checked_sizes(const std::vector<Input>& inputs) const {
    const engine_detail::Sizes sizes = engine_detail::sizes_of(arguments, inputs);
    for (Expr stage : stages) {
      const std::int64_t folded = sizes.of(folded_category(stage));
      if (reduction_of(stage).family == Family::nearest && k_of(stage) > folded) {
        throw Error(ErrorKind::input,
                    std::string(reduction_of(stage).name) + "_Reduction: K is " + str(k_of(stage)) + ", but only " +
                        str(folded) + " rows are reduced",
                    "K can be at most the number of rows.");
      }
    }
    return sizes;
  }

  using Key = std::tuple<Precision, Processor, bool>;
  std::map<Key, std::vector<Stage>> compiled;
  std::mutex mutex;

  std::vector<Stage>& plans(const Target& target) {
    std::vector<Stage>& result = compiled[{target.precision, target.processor, target.tensor_cores}];
    if (result.empty()) {
      for (Expr stage : stages) {
        if (target.tensor_cores) stage = expand_distances(stage);
        for (Expr pass : passes_of(stage, target.processor == Processor::cpu)) {
          result.push_back({generate(lower(invert_divisors(pass)), target), {}});
          result.back().name = KernelCache::name_of(result.back().kernel.text);
        }
      }
    }
    return result;
  }
};

Program::Program() : state_(std::make_unique<State>()) {}
Program::~Program() = default;

std::shared_ptr<const Program> Program::create(const std::string& formula, const std::vector<Argument>& declared,
                                               const std::function<bool()>& interrupted) {
  std::shared_ptr<Program> program(new Program());
  State& state = *program->state_;
  state.formula = formula;
  state.graph.interrupted = interrupted;
  Arguments arguments(declared);
  Parser parser(state.graph, formula, arguments, differentiation());
  const Expr root = parser.parse();
  state.arguments = arguments.finish();
  state.stages = stages_of(root);
  state.output = engine_detail::shape_of(root, state.stages.back());
  state.graph.interrupted = nullptr;
  return program;
}

const std::string& Program::formula() const { return state_->formula; }
const std::vector<Argument>& Program::arguments() const { return state_->arguments; }
const OutputShape& Program::output() const { return state_->output; }

std::int64_t Program::bind(const std::vector<Input>& inputs, std::size_t part) const {
  const engine_detail::Sizes sizes = state_->checked_sizes(inputs);
  const OutputPart& shape = state_->output.parts[part];
  return sizes.of(shape.category) * (shape.pairs ? sizes.of(other(shape.category)) : 1);
}

std::int64_t Program::rows_of(Category index, const std::vector<Input>& inputs) const {
  return state_->checked_sizes(inputs).of(index);
}

void Program::run(const std::vector<Input>& inputs, const std::vector<double*>& outputs, const RunOptions& options,
                  const Host& host) const {
  const engine_detail::Sizes sizes = state_->checked_sizes(inputs);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  std::vector<State::Stage>& stages = state_->plans(engine_detail::target_of(options));
  std::unordered_map<std::int64_t, std::pair<Buffer<double>, Input>> results;  // of inner stages, by node
  const auto source = [&](const PackedLeaf& leaf) {
    switch (leaf.from) {
      case PackedLeaf::From::input:
        return Source{inputs[static_cast<std::size_t>(leaf.index)], leaf.part};
      case PackedLeaf::From::stage:
        return Source{results.at(leaf.index).second, leaf.part};
      default:
        return Source{{}, leaf.part};
    }
  };
  RunOptions inner = options;  // positions that formulas read count from 0
  inner.index_base = 0;
  inner.missing_index = std::nan("");
  const auto stop = [&] { return host.interrupted && host.interrupted(host.context); };
  const auto warn = [&](const std::string& message) {
    if (host.warn) host.warn(host.context, message.c_str());
  };
  for (std::size_t s = 0; s < stages.size(); ++s) {
    State::Stage& stage = stages[s];
    const KernelPlan& kernel = stage.kernel;
    StageData data{{}, {}, {}, sizes.of(kernel.rows), sizes.of(kernel.columns), {}};
    for (const PackedLeaf& leaf : kernel.row.leaves) data.row.push_back(source(leaf));
    for (const PackedLeaf& leaf : kernel.column.leaves) data.column.push_back(source(leaf));
    for (const PackedLeaf& leaf : kernel.parameter.leaves) data.parameter.push_back(source(leaf));
    const std::size_t last_node = state_->stages.size() - 1;
    const bool last = s >= last_node;
    if (last) {
      data.parts.assign(outputs.begin() + static_cast<std::ptrdiff_t>(s - last_node), outputs.end());
    } else {
      const Expr node = state_->stages[s];
      Buffer<double> memory(static_cast<std::size_t>(data.rows * node->dim));
      const Input view{Input::Type::real64, memory.data(), data.rows, node->dim, false};
      data.parts = {memory.data()};
      results.emplace(node->id, std::make_pair(std::move(memory), view));
    }
    if (data.rows == 0 && !kernel.reduction.both) continue;
    if (data.rows == 0 || data.columns == 0) {
      engine_detail::finish_empty(kernel, data);
      continue;
    }
    const double share = 1.0 / static_cast<double>(stages.size()), from = share * static_cast<double>(s);
    const RunOptions& own = last ? options : inner;
    if (options.processor == Processor::gpu) {
      if (options.precision == Precision::float32) {
        GpuExecution<float>(kernel, data, own, host, from, from + share).run();
      } else {
        GpuExecution<double>(kernel, data, own, host, from, from + share).run();
      }
      continue;
    }
    const LoadedKernelPtr code = KernelCache::instance().get(stage.name, kernel.text, options.jit, stop, warn);
    if (options.precision == Precision::float32) {
      Execution<float>(kernel, *code, data, own, host, from, from + share).run();
    } else {
      Execution<double>(kernel, *code, data, own, host, from, from + share).run();
    }
  }
}

std::string Program::source(const RunOptions& options) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  std::string text;
  for (const State::Stage& stage : state_->plans(engine_detail::target_of(options))) {
    text += (text.empty() ? "" : "\n/* ---- next stage ---- */\n\n") + stage.kernel.text;
  }
  return text;
}

std::string Program::explain(const RunOptions& options) const {
  const Target target = engine_detail::target_of(options);
  std::string text = "formula: " + state_->formula + "\n";
  for (const Argument& argument : state_->arguments) {
    text += "input " + str(argument.position + 1) + ": " + engine_detail::label(argument) + "\n";
  }
  std::int64_t number = 0;
  for (Expr stage : state_->stages) {
    if (target.tensor_cores) stage = expand_distances(stage);
    for (Expr pass : passes_of(stage, target.processor == Processor::cpu)) {
      text += "\n==== pass " + str(++number) + "\n\n" + rkeops::explain(invert_divisors(pass), target);
    }
  }
  return text;
}

namespace engine_detail {

// Are `parameters` what a signature asks for: numbers, and lists as a length with as many elements behind it?
inline bool parameters_fit(std::string_view signature, const std::vector<std::int64_t>& parameters) {
  const std::int64_t size = static_cast<std::int64_t>(parameters.size());
  std::int64_t at = 0;
  bool optional = false;
  for (char letter : signature) {
    if (letter == '?') optional = true;
    if (letter != 'n' && letter != 'L') continue;
    if (at == size) return optional;
    const std::int64_t length = letter == 'L' ? parameters[static_cast<std::size_t>(at)] : 0;
    if (length < 0 || length > size - at - 1) return false;
    at += 1 + length;
  }
  return at == size;
}

inline std::string call_form(const Operation& operation) {
  std::string call = std::string(operation.name) + "(";
  char formula = 'a', number = 'm', list = 'M';
  for (const char* c = operation.signature; *c; ++c) {
    if (*c == '?') continue;
    call += call.back() == '(' ? "" : ", ";
    call += *c == 'x' ? formula++ : *c == 'n' ? number++ : list++;
  }
  return call + ")";
}

}  // namespace engine_detail

std::int64_t operation_dim(const std::string& name, const std::vector<std::int64_t>& operand_dims,
                           const std::vector<std::int64_t>& parameters) {
  const Operation* operation = find_operation(name);
  if (!operation || !*operation->signature) {
    std::vector<std::string_view> known;
    for (const Operation& row : operations()) {
      if (*row.signature) known.push_back(row.name);
    }
    throw Error(ErrorKind::argument, "unknown operation '" + name + "'", did_you_mean(name, known));
  }
  const std::string_view signature = operation->signature;
  const auto count = [&](char letter) {
    return static_cast<std::size_t>(std::count(signature.begin(), signature.end(), letter));
  };
  if (operand_dims.size() != count('x') || !engine_detail::parameters_fit(signature, parameters)) {
    throw Error(ErrorKind::argument, "the form of " + name + " is " + engine_detail::call_form(*operation),
                "There a, b, ... are operands, m, n, ... integers, and M, N, ... lists of integers.");
  }
  Graph graph;
  std::vector<Expr> operands;
  for (std::size_t k = 0; k < operand_dims.size(); ++k) {
    operands.push_back(graph.variable(static_cast<std::int64_t>(k), operand_dims[k], Category::parameter));
  }
  return graph.apply(operation->op, operands, parameters)->dim;
}

std::vector<OperationInfo> operation_table() {
  std::vector<OperationInfo> table;
  for (const Operation& row : operations()) {
    if (!*row.signature) continue;
    table.push_back({row.name, engine_detail::call_form(row), row.summary,
                     row.structure == Structure::composed || row.adjoint != nullptr,
                     (row.properties & complex_result) != 0, (row.properties & keeps_names) != 0, row.truth_operands});
  }
  return table;
}

std::vector<ReductionInfo> reduction_table() {
  std::vector<ReductionInfo> table;
  for (const Reduction& row : reductions()) {
    const char* middle = row.both ? ", G" : row.weighted ? ", W" : row.ranked() ? ", K" : "";
    table.push_back({row.name, std::string(row.name) + "_Reduction(F" + middle + ", axis)", row.summary,
                     row.differentiation, row.values, row.indices, row.sums(), row.weighted, row.ranked(), row.neutral});
  }
  return table;
}

Statistics statistics() {
  KernelCache& cache = KernelCache::instance();
  return {cache.counters.compiled, cache.counters.from_disk, cache.size(),
          static_cast<double>(cache.counters.compile_microseconds) * 1e-6, ResidentMatrices::instance().bytes()};
}

void clear_memory_cache() {
  KernelCache::instance().clear();
  ModuleCache::instance().clear();
}

std::string cache_trouble(const JitOptions& options) { return KernelCache::trouble_with(options); }
std::int64_t cache_bytes(const std::string& directory) { return DiskCache::usage(directory); }
void clear_cache(const std::string& directory) {
  DiskCache::clear(directory);
  for (const std::string& place : temporary_directories()) Scratch::sweep(place);
}

void forget(const void* data) { ResidentMatrices::instance().forget(data); }

GpuReport gpu_report(const JitOptions& options, const std::vector<int>& open) {
  GpuReport report;
  try {
    const CudaApi& api = CudaApi::instance();
    report.driver_version = api.version();
    NvrtcSearch& compilers = ModuleCache::compilers(options);
    const auto show = [&](const Nvrtc& nvrtc) {
      report.nvrtc = nvrtc.identity();
      report.nvrtc_place = nvrtc.place();
    };
    if (const Nvrtc* nvrtc = compilers.first()) show(*nvrtc);
    api.require();
    std::vector<int> capabilities;
    for (int k = 0; k < api.devices(); ++k) {
      const GpuInfo info = describe_gpu(api, k);
      capabilities.push_back(info.capability());
      report.devices.push_back({info.name, std::to_string(info.capability()), static_cast<double>(info.memory)});
    }
    const bool look = open.empty();
    for (int k : look ? std::vector<int>{0} : open) {
      if (k < 0 || k >= api.devices()) continue;
      show(compilers.choose(api.version(), capabilities[static_cast<std::size_t>(k)]));
      if (!look) Gpu::instance(k);
    }
  } catch (const Error& error) {
    report.problem = error.what();
    report.hint = error.hint;
  }
  return report;
}

MachineInfo machine_info() { return {available_threads(), cpu_info().vector_bytes, cpu_info().name}; }

}  // namespace rkeops
