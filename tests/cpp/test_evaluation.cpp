// Evaluations: prepared once, inputs replaced, run again. They give what a fresh run gives, bit for bit; what is not set stays
// packed; hooks and threads may use the program meanwhile.
#include <thread>

#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Evaluation;
using rkeops::Precision;
using rkeops::Program;

namespace {

using ProgramPtr = std::shared_ptr<const Program>;

std::vector<Matrix> run_again(Evaluation& evaluation, const Program& program, const std::vector<Matrix>& data,
                              const rkeops::Host& host = {}) {
  std::vector<Matrix> parts;
  std::vector<double*> memory;
  for (const rkeops::OutputPart& part : program.output().parts) {
    const double unwritten = -7.125e33;
    const std::int64_t rows = program.bind(inputs(data), parts.size());
    parts.push_back({rows, part.columns, Values(static_cast<std::size_t>(rows * part.columns), unwritten)});
  }
  for (Matrix& part : parts) memory.push_back(part.values.data());
  evaluation.run(memory, host);
  return parts;
}

// Every input of a program is replaced in turn.
void equals_fresh_runs(const std::string& formula, std::int64_t m, std::int64_t n, Precision precision, int threads) {
  std::mt19937_64 random(11);
  const ProgramPtr program = Program::create(formula, arguments({"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "p=Pm(1)", "e=Vi(2)"}));
  const auto matrix = [&](std::size_t k) {
    const rkeops::Argument& argument = program->arguments()[k];
    using rkeops::Category;
    const std::int64_t rows = argument.category == Category::i ? m : argument.category == Category::j ? n : 1;
    return random_matrix(rows, argument.dim, random, 0.5, 2);
  };
  std::vector<Matrix> data;
  for (std::size_t k = 0; k < 5; ++k) data.push_back(matrix(k));
  rkeops::RunOptions options = run_options(precision);
  options.threads = threads;
  const std::string what = formula + ", " + show(m) + " x " + show(n) + ", " + name_of(precision);
  const auto evaluation = program->prepare(inputs(data), options, {});
  CHECK_THAT(same_bits(run_again(*evaluation, *program, data), run(*program, inputs(data), options)), what);
  for (const std::size_t k : {2, 3, 0, 1, 4, 2, 2}) {
    data[k] = matrix(k);
    evaluation->set(k, data[k].input());
    const std::vector<Matrix> expected = run(*program, inputs(data), options);
    CHECK_THAT(same_bits(run_again(*evaluation, *program, data), expected),
               what + ": input " + show(static_cast<std::int64_t>(k)));
  }
  CHECK_THAT(same_bits(run_again(*evaluation, *program, data), run(*program, inputs(data), options)), what + ": once more");
}

TEST("all reductions") {
  // Something is hoisted for rows, columns and parameters.
  const std::string f = "Exp(-SqDist(x/p,Sqrt(y)))*Sum(e)", s = "Sum(x*Exp(p))*Sum(y*Square(p))+Sum(e)";
  for (const rkeops::Reduction& kind : rkeops::reductions()) {
    if (kind.reducer == &rkeops::where_reducer()) continue;  // test_where.cpp
    const bool softmax = kind.reducer == &rkeops::softmax_reducer();
    std::string formula = std::string(kind.name) + "_Reduction(" + (softmax ? s : "(" + f + ")*b");
    if (kind.weighted()) formula += ",b*" + f;
    if (kind.takes('G')) formula += "," + f + "*e";
    if (kind.reducer == &rkeops::nearest_reducer()) formula += ",5";
    formula += ",1)";
    for (Precision precision : {Precision::float64, Precision::float32}) {
      equals_fresh_runs(formula, 70, 301, precision, 1);
      equals_fresh_runs(formula, 300, 700, precision, 3);
    }
    equals_fresh_runs(formula, 3, 9001, Precision::float32, 2);
  }
}

TEST("stages") {
  const char* formulas[] = {
      "Sum_Reduction(Exp(-SqDist(x,y))*b,1)/Sum_Reduction(Exp(-SqDist(x,y)),1)",
      "Sum_Reduction(Exp(-SqDist(x,y))*b/Sum_Reduction(Exp(-SqDist(x,p*y)),1),1)",
      "Grad(LogSumExp_Reduction(-SqDist(x,y)*p,1),y,Elem(e,0))",
      "Grad(Min_Reduction(SqDist(x,y)*p,1),x,Elem(e,0))",
      "Sum_Reduction(x,1)", "Sum_Reduction(b,0)", "Sum_Reduction(p,1)"};
  for (const char* formula : formulas) equals_fresh_runs(formula, 40, 130, Precision::float64, 2);
}

// What is not set is not looked at: packed columns stay, and so do results of inner stages.
TEST("what is kept") {
  std::mt19937_64 random(12);
  const ProgramPtr program = Program::create("Sum_Reduction(Exp(-SqDist(x,y))*b,1)*Sum_Reduction(SqDist(x,y),1)",
                                             arguments({"x=Vi(3)", "y=Vj(3)", "b=Vj(1)"}));
  std::vector<Matrix> data{random_matrix(50, 3, random), random_matrix(60, 3, random), random_matrix(60, 1, random)};
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  const std::vector<Matrix> before = run_again(*evaluation, *program, data);
  const Matrix y = data[1];
  for (double& v : data[1].values) v += 1;
  CHECK(same_bits(run_again(*evaluation, *program, data), before));
  const std::vector<Matrix> moved = run(*program, inputs(data));
  CHECK(!same_bits(moved, before));
  data[2] = random_matrix(60, 1, random);
  evaluation->set(2, data[2].input());
  CHECK(same_bits(run_again(*evaluation, *program, data), run(*program, inputs({data[0], y, data[2]}))));
  evaluation->set(1, data[1].input());
  CHECK(same_bits(run_again(*evaluation, *program, data), run(*program, inputs(data))));
}

TEST("wrong inputs") {
  std::mt19937_64 random(13);
  const ProgramPtr program = Program::create("Sum_Reduction(x*y*p,1)", arguments({"x=Vi(2)", "y=Vj(2)", "p=Pm(2)"}));
  const std::vector<Matrix> data{random_matrix(5, 2, random), random_matrix(7, 2, random), random_matrix(1, 2, random)};
  const auto refused = [&](std::size_t position, const Matrix& matrix, const std::string& part, Evaluation& evaluation) {
    const std::string wrong = throws([&] { evaluation.set(position, matrix.input()); }, {ErrorKind::input, part});
    CHECK_THAT(wrong.empty(), wrong);
  };
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  const std::vector<Matrix> expected = run(*program, inputs(data));
  refused(0, random_matrix(6, 2, random), "'x=Vi(2)' has 6 rows, the evaluation was prepared for 5", *evaluation);
  refused(1, random_matrix(7, 3, random), "'y=Vj(2)' is a 7 x 3 matrix", *evaluation);
  refused(2, random_matrix(1, 3, random), "has 3 values, it is declared with 2", *evaluation);
  refused(3, random_matrix(1, 1, random), "takes 3 inputs, number 4 was set", *evaluation);
  CHECK(same_bits(run_again(*evaluation, *program, data), expected));
  CHECK_THROWS({ program->prepare(inputs({data[0], data[1]}), run_options(), {}); }, {ErrorKind::input, "takes 3 inputs"});
  // no rows, no columns
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{0, 7}, {5, 0}, {0, 0}}) {
    const std::vector<Matrix> none{random_matrix(m, 2, random), random_matrix(n, 2, random), data[2]};
    const auto empty = program->prepare(inputs(none), run_options(), {});
    empty->set(1, none[1].input());
    CHECK(same_bits(run_again(*empty, *program, none), run(*program, inputs(none))));
  }
  const ProgramPtr least = Program::create("ArgMin_Reduction(x*y,1)", arguments({"x=Vi(2)", "y=Vj(2)"}));
  const std::vector<Matrix> none{data[0], random_matrix(0, 2, random)};
  const auto without = least->prepare(inputs(none), run_options(), {});
  CHECK_THROWS({ run_again(*without, *least, none); }, {ErrorKind::input, "over no rows has no result"});
}

// Kernels are asked for at each run, so that they can be forgotten.
TEST("cleared caches") {
  const ProgramPtr program = Program::create("Sum_Reduction(y+7.25,1)", arguments({"y=Vj(1)"}));
  const std::vector<Matrix> data{column({1, 2})};
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  CHECK_EQUAL(run_again(*evaluation, *program, data)[0].values[0], 17.5);
  rkeops::clear_memory_cache();
  CHECK_EQUAL(rkeops::statistics().kernels_in_memory, 0);
  const std::int64_t from_disk = rkeops::statistics().kernels_from_disk;
  CHECK_EQUAL(run_again(*evaluation, *program, data)[0].values[0], 17.5);
  CHECK_EQUAL(rkeops::statistics().kernels_from_disk, from_disk + 1);
}

// A hook that uses the program whose run, or compilation, it is asked about.
struct Reentry {
  const Program* program;
  Evaluation* evaluation = nullptr;
  std::vector<Matrix> small;
  std::vector<Values> found;
  std::string refusal;

  static bool interrupted(void* context) {
    Reentry& self = *static_cast<Reentry*>(context);
    if (self.found.size() >= 2) return false;
    self.found.emplace_back();
    const rkeops::RunOptions options = run_options(self.found.size() == 1 ? Precision::float64 : Precision::float32);
    self.found.back() = run(*self.program, inputs(self.small), options)[0].values;
    if (!self.evaluation) return false;
    try {
      run_again(*self.evaluation, *self.program, self.small);
    } catch (const rkeops::Error& error) {
      self.refusal = error.kind == ErrorKind::unsupported ? error.what() : "another error";
    }
    return false;
  }
};

TEST("reentrancy") {
  std::mt19937_64 random(14);
  const std::vector<Matrix> large{random_matrix(30000, 2, random), random_matrix(20000, 2, random)};
  const Directory empty;  // so that kernels are compiled here
  for (const int threads : {1, 2}) {
    for (const bool is_kept : {false, true}) {
      const std::string constant = show(threads) + (is_kept ? ".25" : ".5");
      const ProgramPtr program =
          Program::create("Sum_Reduction(Exp(-SqDist(x,y))+" + constant + ",1)", arguments({"x=Vi(2)", "y=Vj(2)"}));
      Reentry reentry{program.get(), nullptr, {random_matrix(2, 2, random), random_matrix(3, 2, random)}, {}, {}};
      rkeops::Host host;
      host.interrupted = Reentry::interrupted;
      host.context = &reentry;
      rkeops::RunOptions options = run_options();
      options.jit.cache_dir = empty.path();
      options.threads = threads;
      std::vector<Matrix> result;
      if (is_kept) {
        const auto evaluation = program->prepare(inputs(large), options, host);  // asks while it compiles
        CHECK(!reentry.found.empty());
        reentry.found.clear();
        reentry.evaluation = evaluation.get();
        result = run_again(*evaluation, *program, large, host);
        CHECK_THAT(reentry.refusal == "this evaluation is running already", "refusal: " + reentry.refusal);
      } else {
        result = run(*program, inputs(large), options, host);
      }
      CHECK_EQUAL(reentry.found.size(), 2u);
      const std::vector<Matrix> expected = run(*program, inputs(reentry.small));
      for (const Values& values : reentry.found) {
        CHECK_NEAR(values[0], expected[0].values[0], 1e-5);
        CHECK_NEAR(values[1], expected[0].values[1], 1e-5);
      }
      CHECK(same_bits(result, run(*program, inputs(large), options)));
    }
  }
}

TEST("after an interrupt the next run is whole") {
  std::mt19937_64 random(16);
  const ProgramPtr program = Program::create("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", arguments({"x=Vi(2)", "y=Vj(2)", "b=Vj(1)"}));
  std::vector<Matrix> data{random_matrix(30000, 2, random), random_matrix(20000, 2, random), random_matrix(20000, 1, random)};
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  data[2] = random_matrix(20000, 1, random);
  evaluation->set(2, data[2].input());
  rkeops::Host host;
  host.interrupted = [](void*) { return true; };
  CHECK_THROWS({ run_again(*evaluation, *program, data, host); }, {ErrorKind::interrupt, "interrupted"});
  CHECK(same_bits(run_again(*evaluation, *program, data), run(*program, inputs(data))));
}

// Threads that use one program at once, from its first call on; each has an evaluation of its own besides.
TEST("many threads") {
  const ProgramPtr program =
      Program::create("Sum_Reduction(Exp(-SqDist(x,y))*b+0.125,1)", arguments({"x=Vi(2)", "y=Vj(2)", "b=Vj(1)"}));
  rkeops::RunOptions options = run_options();
  options.threads = 1;
  constexpr std::size_t count = 4;
  std::vector<std::vector<Matrix>> data(count), once(count), kept(count);
  std::mt19937_64 random(15);
  for (std::size_t k = 0; k < count; ++k) {
    data[k] = {random_matrix(100, 2, random), random_matrix(90, 2, random), random_matrix(90, 1, random)};
  }
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < count; ++k) {
    threads.emplace_back([&, k] {
      once[k] = run(*program, inputs(data[k]), options);
      const auto evaluation = program->prepare(inputs(data[(k + 1) % count]), options, {});
      for (std::size_t position : {0, 1, 2}) evaluation->set(position, data[k][position].input());
      for (int repeat = 0; repeat < 50; ++repeat) kept[k] = run_again(*evaluation, *program, data[k]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t k = 0; k < count; ++k) {
    const std::vector<Matrix> expected = run(*program, inputs(data[k]), options);
    CHECK(same_bits(once[k], expected));
    CHECK(same_bits(kept[k], expected));
  }
}

}  // namespace
