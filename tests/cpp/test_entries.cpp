// All values of a formula: the layout of the result, sizes around those of tiles and blocks, both axes and precisions,
// variables of one index or none, threads, empty sides, interrupts.
#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

const Precision precisions[] = {Precision::float64, Precision::float32};

// Entry (i, j), component k at row i + M j (axis 0: j + N i) of column k.
void check_entries(const std::string& f, const std::vector<std::string>& declared, std::int64_t m, std::int64_t n,
                   std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int axis : {1, 0}) {
    const std::string formula = "Entries_Reduction(" + f + "," + show(axis) + ")";
    Parsed parsed(formula, declared);
    std::vector<Matrix> data;
    std::int64_t rows[2] = {1, 1};
    for (const rkeops::Argument& a : parsed.arguments) {
      const std::int64_t count = a.category == Category::i ? m : a.category == Category::j ? n : 1;
      if (a.category != Category::parameter) rows[a.category == Category::i ? 0 : 1] = count;
      data.push_back(random_matrix(count, a.dim, random));
    }
    Interpreter interpreter(data, rows[0], rows[1]);
    for (Precision precision : precisions) {
      const std::vector<Matrix> got = run(formula, declared, data, run_options(precision));
      CHECK(got.size() == 1 && got[0].rows == rows[0] * rows[1] && got[0].cols == parsed.root.arg(0)->dim);
      double worst = 0;
      for (std::int64_t i = 0; i < rows[0]; ++i) {
        for (std::int64_t j = 0; j < rows[1]; ++j) {
          if (i > 5 && i < rows[0] - 5 && (i + j) % 17 != 0) continue;
          const Values expected = interpreter.value(parsed.root.arg(0), i, j);
          for (std::int64_t k = 0; k < got[0].cols; ++k) {
            const double value = got[0].at(axis == 1 ? i + rows[0] * j : j + rows[1] * i, k);
            worst = std::max(worst, std::fabs(value - expected[static_cast<std::size_t>(k)]) / (1 + std::fabs(value)));
          }
        }
      }
      CHECK_THAT(worst <= (precision == Precision::float64 ? 1e-13 : 1e-5),
                 formula + ", " + show(m) + " x " + show(n) + ", " + name_of(precision) + ": off by " + show(worst));
    }
  }
}

TEST("values") {
  const std::vector<std::string> xy{"x=Vi(3)", "y=Vj(3)"};
  for (std::int64_t m : {1, 2, 31, 33, 64, 300}) {
    for (std::int64_t n : {1, 2, 7, 130, 1100}) check_entries("Exp(-SqDist(x,y))", xy, m, n, static_cast<std::uint64_t>(m * n));
  }
  check_entries("x*y", xy, 260, 90, 1);
  check_entries("TensorProd(x,y)", {"x=Vi(6)", "y=Vj(9)"}, 70, 35, 2);
  check_entries("Sin(x)*y", {"x=Vi(100)", "y=Vj(100)"}, 20, 40, 3);
  check_entries("x", xy, 40, 30, 4);
  check_entries("y*p", {"x=Vi(1)", "y=Vj(3)", "p=Pm(3)"}, 40, 30, 5);
  check_entries("Exp(x)*p", {"x=Vi(2)", "p=Pm(1)"}, 40, 1, 6);
  check_entries("Exp(p)", {"p=Pm(5)"}, 1, 1, 7);
  check_entries("ComplexMult(x,y)", {"x=Vi(4)", "y=Vj(4)"}, 9, 50, 8);
}

TEST("threads and empty sides") {
  std::mt19937_64 random(9);
  const auto program = Program::create("Entries_Reduction(SqDist(x,y)*x,1)", arguments({"x=Vi(3)", "y=Vj(3)"}));
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{1, 20000}, {2000, 300}, {90000, 2}}) {
    const std::vector<Matrix> data{random_matrix(m, 3, random), random_matrix(n, 3, random)};
    for (Precision precision : precisions) {
      rkeops::RunOptions options = run_options(precision);
      options.threads = 1;
      const std::vector<Matrix> one = run(*program, inputs(data), options);
      options.threads = 3;
      CHECK_THAT(same_bits(one, run(*program, inputs(data), options)), show(m) + " x " + show(n) + " on 3 threads");
    }
  }
  CHECK(run(*program, inputs({{0, 3, {}}, random_matrix(2, 3, random)}))[0].rows == 0);
  CHECK(run(*program, inputs({random_matrix(2, 3, random), {0, 3, {}}}))[0].rows == 0);
  CHECK_EQUAL(program->rows_of(Category::j, inputs({{0, 3, {}}, random_matrix(2, 3, random)})), std::int64_t{2});
}

// Results of reductions can be read; entries themselves are no part of a formula, and have no gradient.
TEST("in formulas") {
  CHECK_EQUAL(
      run("Entries_Reduction(x*y/Sum_Reduction(x*y,1),1)", {"x=Vi(1)", "y=Vj(1)"}, {column({1, 2}), column({1, 3})})[0].values,
      (Values{0.25, 0.25, 0.75, 0.75}));
  const auto create = [](const std::string& formula) { Program::create(formula, arguments({"x=Vi(1)", "y=Vj(1)"})); };
  CHECK_THROWS({ create("1+Entries_Reduction(x*y,1)"); }, {ErrorKind::unsupported, "cannot be used inside"});
  CHECK_THROWS({ create("Sum_Reduction(x*Entries_Reduction(x*y,1),0)"); }, {ErrorKind::unsupported, "cannot be used inside"});
  CHECK_THROWS({ create("Grad(Entries_Reduction(x*y,1),x,1)"); }, {ErrorKind::unsupported, "has no gradient"});
  CHECK_THROWS({ create("Diff(Entries_Reduction(x*y,1),x,x)"); }, {ErrorKind::unsupported, "has no gradient"});
}

TEST("interrupts") {
  std::mt19937_64 random(10);
  const Matrix x = random_matrix(20000, 3, random);
  const auto program = Program::create("Entries_Reduction(Exp(-SqDist(x,y)),1)", arguments({"x=Vi(3)", "y=Vj(3)"}));
  std::vector<double> out(20000 * 20000ull / 4);
  const Matrix y = random_matrix(5000, 3, random);
  rkeops::Host host;
  host.interrupted = [](void*) { return true; };
  rkeops::RunOptions options = run_options();
  for (int threads : {1, 2}) {
    options.threads = threads;
    CHECK_THROWS({ program->run(inputs({x, y}), {out.data()}, options, host); }, {ErrorKind::interrupt, "interrupted"});
  }
}

}  // namespace
