// Definitions of engine.hpp. Included by exactly one translation unit of a program.
#pragma once

#include "emit/explain.hpp"
#include "engine.hpp"
#include "engine_info.hpp"
#include "geometry/make_stage.hpp"
#include "parse/parser.hpp"
#include "pass/differential.hpp"
#include "pass/grouping.hpp"
#include "pass/quotients.hpp"
#include "pass/stages.hpp"
#include "reduce/all.hpp"
#include "plan/coordinates.hpp"
#include "plan/weights.hpp"
#include "runtime/execution.hpp"

namespace rkeops {

namespace engine_detail {

inline OutputShape shape_of(Expr root, Expr last) {
  const Reduction& row = reduction_of(last);
  OutputShape shape;
  shape.category = result_category(last);
  shape.k = k_of(last);
  shape.dim = last->dim / std::max<std::int64_t>(shape.k, 1);
  shape.reduction = root == last ? row.name : "";
  shape.parts = row.reducer->parts(last);
  return shape;
}

inline Target target_of(const RunOptions& options) {
  Target target = cpu_target(options.precision);
  target.processor = options.processor;
  target.tensor_cores = options.tensor_cores && options.processor == Processor::gpu && options.precision == Precision::float32;
  return target;
}

// None where pairs are not folded. Bounds say nothing where rows and columns never meet, and are not asked on GPUs.
inline std::shared_ptr<const GeometryPlan> geometry_of(const PairProgram& program, const Target& target,
                                                       const KernelPlan& kernel) {
  if (!kernel.folds_pairs()) return nullptr;
  const bool on_gpu = target.processor == Processor::gpu;
  const Coordinates coordinates = coordinates_of(program);
  const bool skips = !on_gpu && kernel.reducer().skipping() != Reducer::Skipping::never && !coordinates.row.empty() &&
                     !coordinates.column.empty();
  KernelPlan ordered = on_gpu || program.reduction.keeps_positions() ? generate(program, target, true) : kernel;
  const Digest digest = digest_of(ordered.text);
  const auto bounds = skips ? std::make_shared<const PairBounds>(program, target.precision) : nullptr;
  const bool replaces = bounds && kernel.reducer().skipping() == Reducer::Skipping::by_bounds;
  Weights weights = replaces ? weights_of(program, bounds, target.precision) : Weights();
  return std::make_shared<const GeometryPlan>(GeometryPlan{bounds, std::move(weights), coordinates, std::move(ordered), digest});
}

}  // namespace engine_detail

struct Program::State {
  std::string formula;
  std::vector<Argument> arguments;
  std::vector<OutputShape> outputs;
  std::vector<OutputPart> parts;
  Graph graph;
  Exprs stages;                  // all reductions
  std::vector<PairPass> passes;  // that compute them
  std::vector<Write> writes;     // their results that are outputs

  // Is the result as many pairs as there are?
  bool finds() const {
    return std::any_of(parts.begin(), parts.end(), [](const OutputPart& part) { return part.pairs && part.is_index; });
  }
  void refuse_pairs() const {
    if (!finds()) return;
    throw Error(ErrorKind::unsupported, "how many pairs there are is not known beforehand, so that no matrix can be their result",
                "pairs_where() finds the pairs of a LazyTensor.");
  }

  // Sizes of both indices; every input and every K checked.
  Sizes checked(const std::vector<Input>& inputs) const {
    const Sizes sizes = checked_sizes(arguments, inputs);
    for (Expr stage : stages) {
      const std::int64_t folded = sizes.of(folded_category(stage));
      if (reduction_of(stage).ranked() && k_of(stage) > folded) {
        throw Error(ErrorKind::input,
                    std::string(reduction_of(stage).name) + "_Reduction: K is " + str(k_of(stage)) + ", but only " +
                        str(folded) + " rows are reduced",
                    "K can be at most the number of rows.");
      }
      if (reduction_of(stage).finish == Reduction::Finish::ratio && folded == 0 && sizes.of(result_category(stage)) > 0) {
        throw nothing_to_reduce(reduction_of(stage));
      }
    }
    return sizes;
  }
  Sizes checked(const std::vector<Input>& inputs, const RunOptions& options) const {
    refuse_pairs();
    return checked_with(inputs, options);
  }
  Sizes checked_with(const std::vector<Input>& inputs, const RunOptions& options) const {
    const Sizes sizes = checked(inputs);
    if (options.blocks) options.blocks->check(sizes);
    return sizes;
  }

  void take(const Exprs& roots) {
    Exprs last;
    for (Expr root : roots) {
      last.push_back(stages_of(SumMerger().of(root)).back());
      outputs.push_back(engine_detail::shape_of(root, last.back()));
    }
    for (Expr n : nodes_below(last, true)) {
      if (is_reduction(n)) stages.push_back(n);
    }
    passes = Grouping(last).passes;
    for (std::size_t k = 0; k < last.size(); ++k) {
      write(last[k], std::count(last.begin(), last.end(), last[k]) == 1, static_cast<std::int64_t>(parts.size()));
      parts.insert(parts.end(), outputs[k].parts.begin(), outputs[k].parts.end());
    }
  }

  // How it is computed for a target: made when it is asked for first. The lock is for that alone, since making it makes
  // nodes; nobody is called meanwhile.
  std::shared_ptr<const ProgramPlan> plan(const Target& target) {
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<const ProgramPlan>& known = plans[{target.precision, target.processor, target.tensor_cores}];
    if (!known) known = std::make_shared<const ProgramPlan>(make_plans(target));
    return known;
  }

  // The result of a reduction is this part of the output. A pass that nobody else reads from writes it itself, and so does one
  // that gives positions: those that formulas read count from 0.
  void write(Expr n, bool once, std::int64_t part) {
    const std::vector<OutputPart> of = reduction_of(n).reducer->parts(n);
    const bool itself = of.size() > 1 || of[0].is_index || of[0].pairs;
    for (PairPass& pass : passes) {
      if (pass.stage != n || pass.other || pass.part >= 0 || !pass.readings.empty() || is_read(n) || !(once || itself)) continue;
      pass.part = part;
      return;
    }
    if (itself) passes.push_back({n, {}, {}, part});
    else writes.push_back({n->id, part});
  }

  bool is_read(Expr n) const {
    return std::any_of(stages.begin(), stages.end(), [&](Expr stage) {
      const Exprs read = reductions_read(stage);
      return std::find(read.begin(), read.end(), n) != read.end();
    });
  }

  // Passes of formulas as kernels.
  template <class Body>
  void each_kernel(const Target& target, const Body& body) const {
    const bool can_be_two_sided = target.processor == Processor::cpu;
    for (const PairPass& pass : passes) {
      const Expr whole = pass.other ? sum_both(pass.stage, pass.other) : pass.stage;
      const Exprs kernels =
          reduction_of(whole).reducer->passes(target.tensor_cores ? expand_distances(whole) : whole, can_be_two_sided);
      for (std::size_t k = 0; k < kernels.size(); ++k) body(pass, k, kernels.size(), invert_divisors(kernels[k]));
    }
  }

 private:
  ProgramPlan make_plans(const Target& target) const {
    ProgramPlan plan;
    each_kernel(target, [&](const PairPass& pass, std::size_t k, std::size_t of, Expr formula) {
      const PairProgram program = lower(formula);
      KernelPlan kernel = generate(program, target);
      const Digest digest = digest_of(kernel.text);
      const Expr stage = k == 0 ? pass.stage : pass.other ? pass.other : pass.stage;
      const bool last = k + 1 == of;
      const auto parts = static_cast<std::int64_t>(reduction_of(stage).reducer->parts(stage).size() / of);
      const std::int64_t part = pass.part < 0 ? -1 : pass.part + static_cast<std::int64_t>(k);
      std::vector<std::int64_t> widths;
      for (const OutputPart& output : reduction_of(formula).reducer->parts(formula)) widths.push_back(output.columns);
      std::shared_ptr<const GeometryPlan> geometry = engine_detail::geometry_of(program, target, kernel);
      StagePlan one{std::move(kernel), digest, widths, std::move(geometry), stage->id, stage->dim, part, parts};
      if (pass.other && of == 1) one.other_node = pass.other->id, one.other_width = pass.other->dim;
      for (std::size_t m = 0; last && m < pass.readings.size(); ++m) {
        const Reading& reading = pass.readings[m];
        one.readings.push_back(
            {reading.how, reading.node->id, reading.source->id, reading.node->dim, reading.from, reading.total});
      }
      plan.stages.push_back(std::move(one));
    });
    plan.writes = writes;
    return plan;
  }

  std::map<std::tuple<Precision, Processor, bool>, std::shared_ptr<const ProgramPlan>> plans;
  std::mutex mutex;
};

Program::Program() : state_(std::make_shared<State>()) {}
Program::~Program() = default;

std::shared_ptr<const Program> Program::create(const std::string& formula, const std::vector<Argument>& declared,
                                               const std::function<bool()>& interrupted) {
  std::shared_ptr<Program> program(new Program());
  State& state = *program->state_;
  state.formula = formula;
  state.graph.interrupted = interrupted;
  Arguments arguments(declared);
  Parser parser(state.graph, formula, arguments, differentiation());
  const Exprs roots = parser.parse_all();
  state.arguments = arguments.finish();
  state.take(roots);
  for (std::size_t k = 0; k < roots.size(); ++k) state.outputs[k].name = parser.names_of_formulas()[k];
  state.graph.interrupted = nullptr;
  return program;
}

const std::string& Program::formula() const { return state_->formula; }
const std::vector<Argument>& Program::arguments() const { return state_->arguments; }
const std::vector<OutputShape>& Program::outputs() const { return state_->outputs; }
const OutputShape& Program::output() const { return state_->outputs.front(); }
const std::vector<OutputPart>& Program::parts() const { return state_->parts; }

std::int64_t Program::bind(const std::vector<Input>& inputs, std::size_t part) const {
  state_->refuse_pairs();
  const Sizes sizes = state_->checked(inputs);
  const OutputPart& shape = state_->parts[part];
  return sizes.of(shape.category) * (shape.pairs ? sizes.of(other(shape.category)) : 1);
}

std::int64_t Program::rows_of(Category index, const std::vector<Input>& inputs) const {
  return state_->checked(inputs).of(index);
}

void Program::run(const std::vector<Input>& inputs, const std::vector<double*>& outputs, const RunOptions& options,
                  const Host& host) const {
  const Sizes sizes = state_->checked(inputs, options);
  Execution(state_->plan(engine_detail::target_of(options)), inputs, sizes, options, make_stage, false).run(outputs, host);
}

FoundPairs Program::find(const std::vector<Input>& inputs, const RunOptions& given, const Host& host, std::int64_t most) const {
  if (!state_->finds() || state_->parts.size() > 1) throw Error(ErrorKind::internal, "the formula does not give pairs");
  RunOptions options = given;
  options.processor = Processor::cpu;
  options.tolerance = 0;
  if (given.processor == Processor::gpu && host.note) host.note(host.context, "pairs are found on the CPU");
  const Sizes sizes = state_->checked_with(inputs, options);
  if (std::max(sizes.i, sizes.j) > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorKind::unsupported, "pairs of more than 2^31 - 1 rows");
  }
  PairCollector collector(most);
  Execution(state_->plan(engine_detail::target_of(options)), inputs, sizes, options, make_stage, false).run({}, host, &collector);
  return collector.finish(sizes.of(state_->outputs[0].category), options.threads > 0 ? options.threads : available_threads(),
                          [&] { return !(host.interrupted && host.interrupted(host.context)); });
}

std::string Program::source(const RunOptions& options) const {
  std::string text;
  for (const StagePlan& stage : state_->plan(engine_detail::target_of(options))->stages) {
    text += (text.empty() ? "" : "\n/* ---- next stage ---- */\n\n") + stage.kernel.text;
  }
  return text;
}

std::string Program::explain(const RunOptions& options) const {
  const Target target = engine_detail::target_of(options);
  std::string text = "formula: " + state_->formula + "\n";
  for (const Argument& argument : state_->arguments)
    text += "input " + str(argument.position + 1) + ": " + label(argument) + "\n";
  std::int64_t number = 0;
  state_->each_kernel(target, [&](const PairPass&, std::size_t, std::size_t, Expr formula) {
    text += "\n==== pass " + str(++number) + "\n\n" + rkeops::explain(formula, target);
  });
  return text;
}

struct Evaluation::State {
  std::shared_ptr<Program::State> program;
  RunOptions options;
  Sizes sizes;
  std::vector<Input> inputs;
  std::vector<bool> lent;  // GPUs may keep them, because we say so
  std::unique_ptr<Execution> execution;
  std::atomic<bool> busy{false};

  // A GPU keeps what it is given until we let go of it. What has been replaced once is not lent again: it will be replaced
  // again, and may be gone before.
  void lend(std::size_t k) {
    lent[k] = options.processor == Processor::gpu && !inputs[k].keep;
    inputs[k].keep = inputs[k].keep || lent[k];
  }
  void take_back(std::size_t k) {
    if (lent[k]) forget(inputs[k].data);
    lent[k] = false;
  }
  ~State() {
    for (std::size_t k = 0; k < inputs.size(); ++k) take_back(k);
  }
};

namespace engine_detail {

// One at a time: what is packed is in use.
class Busy {
 public:
  explicit Busy(std::atomic<bool>& flag) : flag_(flag) {
    if (flag_.exchange(true)) {
      throw Error(ErrorKind::unsupported, "this evaluation is running already",
                  "Prepare one for each thread, and one for a call from inside of a run.");
    }
  }
  ~Busy() { flag_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::atomic<bool>& flag_;
};

}  // namespace engine_detail

Evaluation::Evaluation() : state_(std::make_unique<State>()) {}
Evaluation::~Evaluation() = default;

std::unique_ptr<Evaluation> Program::prepare(const std::vector<Input>& inputs, const RunOptions& options,
                                             const Host& host) const {
  std::unique_ptr<Evaluation> evaluation(new Evaluation());
  Evaluation::State& state = *evaluation->state_;
  state.sizes = state_->checked(inputs, options);
  state.program = state_;
  state.options = options;
  state.inputs = inputs;
  state.lent.resize(inputs.size());
  for (std::size_t k = 0; k < inputs.size(); ++k) state.lend(k);
  state.execution = std::make_unique<Execution>(state_->plan(engine_detail::target_of(options)), state.inputs, state.sizes,
                                                state.options, make_stage, true);
  state.execution->prepare(host);
  return evaluation;
}

void Evaluation::set(std::size_t position, const Input& input) {
  const engine_detail::Busy busy(state_->busy);
  const std::vector<Argument>& arguments = state_->program->arguments;
  if (position >= arguments.size()) {
    throw Error(ErrorKind::input, "the formula takes " + str(static_cast<std::int64_t>(arguments.size())) +
                                      " inputs, number " + str(static_cast<std::int64_t>(position) + 1) + " was set");
  }
  const Argument& argument = arguments[position];
  const std::int64_t rows = checked_rows(argument, input), prepared = state_->sizes.of(argument.category);
  if (rows != prepared) {
    throw input_error(
        argument, "input " + label(argument) + " has " + str(rows) + " rows, the evaluation was prepared for " + str(prepared),
        "Prepare another one for other sizes.");
  }
  state_->take_back(position);
  state_->inputs[position] = input;
  state_->execution->set(static_cast<std::int64_t>(position), state_->inputs[position]);
}

void Evaluation::run(const std::vector<double*>& outputs, const Host& host) {
  const engine_detail::Busy busy(state_->busy);
  state_->execution->run(outputs, host);
}

}  // namespace rkeops
