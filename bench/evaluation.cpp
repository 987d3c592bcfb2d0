// What a product costs besides its kernel, at sizes where that shows: the fold of packed operands alone, on one thread, against
// Evaluation::set and run, and against Program::run, as a table:
//   g++ -std=c++17 -O2 -Iinst/include bench/evaluation.cpp -o evaluation -ldl -pthread && ./evaluation
// With -DRKEOPS_BEFORE it compares nothing but Program::run, so that it can be built from older sources too.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "rkeops/engine_impl.hpp"

namespace {

using namespace rkeops;

constexpr const char* formula = "Sum_Reduction(Exp(-SqDist(x,y))*b,1)";

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Microseconds of each body, the least of many turns that they take one after the other: other programs disturb all alike.
std::vector<double> measure(const std::vector<std::function<void()>>& bodies) {
  std::vector<double> best(bodies.size(), HUGE_VAL);
  for (int turn = 0; turn < 60; ++turn) {
    for (std::size_t b = 0; b < bodies.size(); ++b) {
      constexpr int repeats = 5;
      const double start = now();
      for (int k = 0; k < repeats; ++k) bodies[b]();
      best[b] = std::min(best[b], (now() - start) / repeats * 1e6);
    }
  }
  return best;
}

std::vector<double> numbers(std::int64_t count, double step) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = std::fmod(step * static_cast<double>(k), 1.0) - 0.5;
  return values;
}

#ifndef RKEOPS_BEFORE
// The folds of all tiles with all columns, and nothing else: operands are packed, states are never finished.
class Folds {
 public:
  Folds(const std::vector<Argument>& arguments, const std::vector<Input>& inputs, const RunOptions& options) {
    Arguments known(arguments);
    Target target = cpu_target(options.precision);
    plan_ = generate(lower(stages_of(Parser(graph_, formula, known, differentiation()).parse())[0]), target);
    kernel_ = CpuBackend::instance().kernel(plan_, digest_of(plan_.text), options.jit, {});
    schedule_ = dense_schedule(plan_, inputs[0].rows, inputs[1].rows);
    if (options.precision == Precision::float32) {
      pack(floats_, inputs);
    } else {
      pack(doubles_, inputs);
    }
  }

  void run() const { plan_.precision == Precision::float32 ? fold(floats_) : fold(doubles_); }

 private:
  template <class Real>
  struct Packed {
    Buffer<Real> rows, columns, parameters;
  };

  template <class Real>
  void pack(Packed<Real>& packed, const std::vector<Input>& inputs) {
    const auto tiles = static_cast<std::int64_t>(schedule_.tiles.size()), tile = std::int64_t{plan_.tile_rows()};
    packed.rows = Buffer<Real>(static_cast<std::size_t>(tiles * tile * plan_.row.width));
    packed.columns = Buffer<Real>(static_cast<std::size_t>(schedule_.columns * plan_.column.width));
    packed.parameters = Buffer<Real>(1);
    values_ = Buffer<double>(static_cast<std::size_t>(tiles * tile * plan_.value_slots));
    work_ = Buffer<unsigned char>(static_cast<std::size_t>(std::max<std::int64_t>(1, plan_.work_vectors) * plan_.vector_bytes));
    for (const PackedLeaf& leaf : plan_.row.leaves) {
      for (std::int64_t t = 0; t < tiles; ++t) {
        pack_tile({inputs[static_cast<std::size_t>(leaf.index)]}, leaf.dim, schedule_.tiles[static_cast<std::size_t>(t)],
                  packed.rows.data() + t * tile * plan_.row.width, leaf.offset, tile);
      }
    }
    for (const PackedLeaf& leaf : plan_.column.leaves) {
      pack_columns({inputs[static_cast<std::size_t>(leaf.index)]}, leaf.dim, {0, schedule_.columns},
                   packed.columns.data() + leaf.offset, plan_.column.width);
    }
  }

  template <class Real>
  void fold(const Packed<Real>& packed) const {
    const auto tiles = static_cast<std::int64_t>(schedule_.tiles.size()), tile = std::int64_t{plan_.tile_rows()};
    for (std::int64_t t = 0; t < tiles; ++t) {
      const State state{const_cast<double*>(values_.data()) + t * tile * plan_.value_slots, nullptr};
      start_state(plan_, state);
      for (std::int64_t j = 0; j < schedule_.columns; j += schedule_.column_block) {
        kernel_->fold({packed.parameters.data(), packed.rows.data() + t * tile * plan_.row.width,
                       packed.columns.data() + j * plan_.column.width, std::min(schedule_.column_block, schedule_.columns - j), j,
                       state.values, nullptr, const_cast<unsigned char*>(work_.data())});
      }
    }
  }

  Graph graph_;
  KernelPlan plan_;
  std::shared_ptr<const HostKernel> kernel_;
  Schedule schedule_;
  Packed<float> floats_;
  Packed<double> doubles_;
  Buffer<double> values_;
  Buffer<unsigned char> work_;
};
#endif

void compare(std::int64_t n, std::int64_t dim, Precision precision, const RunOptions& common) {
  RunOptions options = common;
  options.precision = precision;
  const std::vector<Argument> arguments{{"x", Category::i, dim, 0}, {"y", Category::j, dim, 1}, {"b", Category::j, 1, 2}};
  const auto program = Program::create(formula, arguments);
  const std::vector<double> x = numbers(n * dim, 0.7548), y = numbers(n * dim, 0.5698), b = numbers(n, 0.8191);
  const auto input = [n](const std::vector<double>& values, std::int64_t columns) {
    return Input{Input::Type::real64, values.data(), n, columns, false};
  };
  const std::vector<Input> inputs{input(x, dim), input(y, dim), input(b, 1)};
  std::vector<double> result(static_cast<std::size_t>(n));
  const std::vector<double*> outputs{result.data()};
  std::vector<std::function<void()>> bodies{[&] { program->run(inputs, outputs, options, {}); }};
#ifndef RKEOPS_BEFORE
  const auto evaluation = program->prepare(inputs, options, {});
  bodies.push_back([&] {
    evaluation->set(2, inputs[2]);
    evaluation->run(outputs, {});
  });
  const Folds folds(arguments, inputs, options);
  bodies.push_back([&] { folds.run(); });
#endif
  const std::vector<double> times = measure(bodies);
  std::printf("| %lld | %lld | %s | %.1f |", static_cast<long long>(n), static_cast<long long>(dim), name_of(precision), times[0]);
  for (std::size_t k = 1; k < times.size(); ++k) std::printf(" %.1f |", times[k]);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  RunOptions options;
  options.threads = argc > 1 ? std::atoi(argv[1]) : 1;
  options.jit.compiler = {"cc"};
  std::printf("%s, %d thread%s, microseconds\n\n", machine_info().cpu.c_str(), options.threads, options.threads == 1 ? "" : "s");
  std::printf("| N | D | precision | Program::run | Evaluation | fold alone |\n|---|---|---|---|---|---|\n");
  for (const std::int64_t n : {10, 100, 1000}) {
    for (const std::int64_t dim : {3, 15}) {
      for (const Precision precision : {Precision::float32, Precision::float64}) compare(n, dim, precision, options);
    }
  }
}
