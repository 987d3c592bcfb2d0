// SumBoth: a formula summed over columns and another one over rows, in one pass. Each has to be what Sum gives.
//   test_both [--full]   random formulas in both precisions
#include "random_formula.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct Pair {
  std::string f, g;
  std::vector<std::string> declarations;
};

const std::vector<Pair>& pairs() {
  static const std::vector<std::string> xy{"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "s=Pm(1)"},
      longer{"x=Vi(20)", "y=Vj(20)", "b=Vj(2)", "s=Pm(1)"}, wide{"x=Vi(40)", "y=Vj(40)", "b=Vj(2)", "s=Pm(1)"};
  static const std::vector<Pair> list = {
      {"Exp(-s*SqDist(x,y))*b", "Exp(-s*SqDist(x,y))", xy},
      {"Concat(Exp(-SqDist(x,y)),Grad(Exp(-SqDist(x,y)),x,IntCst(1)))", "Grad(Exp(-SqDist(x,y)),y,IntCst(1))", xy},
      {"x|y", "TensorProd(x,b)", xy},
      {"y", "x", xy},
      {"x", "y", xy},
      {"s", "s*s", xy},
      {"Exp(-SqDist(x,y)/20)*x", "Exp(-SqDist(x,y)/20)*(x-y)", longer},
      {"Exp(-SqDist(x,y)/40)", "Exp(-SqDist(x,y)/40)*(x-y)", wide},
      {"x*y", "x|y", wide},
  };
  return list;
}

std::vector<Matrix> data_for(const Pair& pair, std::int64_t m, std::int64_t n) {
  std::mt19937_64 random(5);
  std::vector<Matrix> data;
  for (const rkeops::Argument& argument : arguments(pair.declarations)) {
    const rkeops::Category category = argument.category;
    data.push_back(random_matrix(category == rkeops::Category::i   ? m
                                 : category == rkeops::Category::j ? n
                                                                   : 1,
                                 argument.dim, random));
  }
  return data;
}

bool close(const Matrix& a, const Matrix& b, double tolerance) {
  if (a.rows != b.rows || a.cols != b.cols) return false;
  double scale = 1;
  for (double v : b.values) scale = std::max(scale, std::fabs(v));
  for (std::size_t k = 0; k < a.values.size(); ++k) {
    if (!near(a.values[k], b.values[k], tolerance * scale)) return false;
  }
  return true;
}

void check_pair(const Pair& pair, std::int64_t m, std::int64_t n, Precision precision, int axis) {
  const std::vector<Matrix> data = data_for(pair, m, n);
  const rkeops::RunOptions options = run_options(precision);
  const std::string along = show(axis), across = show(1 - axis);
  const auto both = run("SumBoth_Reduction(" + pair.f + "," + pair.g + "," + along + ")", pair.declarations, data, options);
  const auto f = run("Sum_Reduction(" + pair.f + "," + along + ")", pair.declarations, data, options);
  const auto g = run("Sum_Reduction(" + pair.g + "," + across + ")", pair.declarations, data, options);
  const double tolerance = precision == Precision::float64 ? 1e-14 : 3e-6;  // both sum up to 132 terms in their own precision
  const std::string what =
      pair.f + ", " + pair.g + ", axis " + along + ", M = " + show(m) + ", N = " + show(n) + ", " + name_of(precision);
  CHECK_EQUAL(both.size(), std::size_t{2});
  CHECK_THAT(close(both[0], f[0], tolerance), "sums over columns: " + what);
  CHECK_THAT(close(both[1], g[0], tolerance), "sums over rows: " + what);
}

TEST("agreement") {
  for (const Pair& pair : pairs()) {
    for (Precision precision : {Precision::float64, Precision::float32}) {
      for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{37, 300}, {300, 37}}) {
        for (int axis : {0, 1}) check_pair(pair, m, n, precision, axis);
      }
    }
  }
}

// Around lanes, tiles, groups, chunks; few rows and many columns, and the other way round; several bands.
TEST("sizes") {
  const Pair& gradients = pairs()[1];
  for (std::int64_t m : {1, 2, 15, 16, 17, 63, 64, 65, 511, 2049}) {
    for (std::int64_t n : {1, 2, 127, 513}) check_pair(gradients, m, n, Precision::float32, 1);
  }
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{3, 50000}, {50000, 3}, {4100, 4100}, {30000, 700}}) {
    check_pair(gradients, m, n, Precision::float64, 1);
  }
  check_pair(pairs()[6], 3000, 5000, Precision::float64, 1);
}

TEST("empty") {
  const Pair& pair = pairs()[0];
  const std::string formula = "SumBoth_Reduction(" + pair.f + "," + pair.g + ",1)";
  const auto no_columns = run(formula, pair.declarations, data_for(pair, 2, 0));
  CHECK_EQUAL(no_columns[0].values, (std::vector<double>{0, 0, 0, 0}));
  CHECK_EQUAL(no_columns[1].rows, std::int64_t{0});
  const auto no_rows = run(formula, pair.declarations, data_for(pair, 0, 2));
  CHECK_EQUAL(no_rows[0].rows, std::int64_t{0});
  CHECK_EQUAL(no_rows[1].values, (std::vector<double>{0, 0}));
}

// What fills up a tile repeats the last row, which must not count twice, nor spoil anything.
TEST("special numbers") {
  const std::vector<std::string> declared{"x=Vi(1)", "y=Vj(1)"};
  const auto sums = [&](std::vector<double> x, std::vector<double> y) {
    return run("SumBoth_Reduction(x*y,x+y,1)", declared, {column(std::move(x)), column(std::move(y))});
  };
  auto got = sums({1, inf}, {1, 2, -3});
  CHECK_EQUAL(got[1].values, (std::vector<double>{inf, inf, inf}));
  got = sums({1, std::nan("")}, {1, 2});
  CHECK_THAT(std::isnan(got[1].values[0]) && std::isnan(got[1].values[1]), "NaN in a row");
  CHECK_EQUAL(got[0].values[0], 3.0);
  got = sums({1, 2}, {1, -inf, 5});
  CHECK_EQUAL(got[1].values, (std::vector<double>{5, -inf, 13}));
  // One row: 1/(x - 1) is finite there.
  got = run("SumBoth_Reduction(x,Inv(x-1)*y,1)", declared, {column({2}), column({3, 4})});
  CHECK_EQUAL(got[1].values, (std::vector<double>{3, 4}));
}

TEST("same for any threads") {
  const Pair& pair = pairs()[1];
  const auto program = Program::create("SumBoth_Reduction(" + pair.f + "," + pair.g + ",1)", arguments(pair.declarations));
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{1, 100000}, {100000, 2}, {2000, 3000}, {20000, 600}}) {
    const std::vector<Matrix> data = data_for(pair, m, n);
    for (Precision precision : {Precision::float32, Precision::float64}) {
      rkeops::RunOptions options = run_options(precision);
      options.threads = 1;
      const auto one = run(*program, inputs(data), options);
      for (int threads : {2, 3}) {
        options.threads = threads;
        CHECK_THAT(same_bits(one, run(*program, inputs(data), options)),
                   show(threads) + " threads, M = " + show(m) + ", N = " + show(n) + ", " + name_of(precision));
      }
    }
  }
}

// Sums of many terms of one sign, in both directions.
TEST("accuracy") {
  const std::int64_t n = 200000;
  std::mt19937_64 random(9);
  const Matrix x = random_matrix(n, 1, random, 0, 1), y = column({1});
  long double exact = 0;
  for (double v : x.values) exact += static_cast<float>(v);
  const auto over = [&](const Matrix& i, const Matrix& j, int part) {
    return run("SumBoth_Reduction(x*y,x*y,1)", {"x=Vi(1)", "y=Vj(1)"}, {i, j},
               run_options(Precision::float32))[static_cast<std::size_t>(part)]
        .values[0];
  };
  CHECK_NEAR(over(x, y, 1), static_cast<double>(exact), 1e-6 * static_cast<double>(exact));
  CHECK_NEAR(over(y, x, 0), static_cast<double>(exact), 1e-6 * static_cast<double>(exact));
}

// Formulas of all kinds, under both sums and under each of them alone.
TEST("random formulas") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    RandomFormula random(seed, std::vector<std::int64_t>{9, 17, 33}[seed % 3]);
    const std::string f = random.expression(random.any_dim(), 3), g = random.expression(random.any_dim(), 3);
    if (f.size() + g.size() > 800) continue;
    random.declare("Vi", 1);
    random.declare("Vj", 1);
    const Pair pair{f, g, random.declarations};
    const std::vector<Matrix> data = data_for(pair, 70, 131);
    for (Precision precision : {Precision::float32, Precision::float64}) {
      if ((seed % 2 == 0) == (precision == Precision::float64) && !option("--full")) continue;
      const rkeops::RunOptions options = run_options(precision);
      const auto both = run("SumBoth_Reduction(" + f + "," + g + ",1)", pair.declarations, data, options);
      for (const auto& [formula, axis, part] : {std::tuple{f, ",1)", 0}, std::tuple{g, ",0)", 1}}) {
        const std::string alone_and_size = "Sum_Reduction(Concat(" + formula + ",Abs(" + formula + "))" + axis;
        const std::vector<double> alone = run(alone_and_size, pair.declarations, data, options)[0].values;
        const Matrix& got = both[static_cast<std::size_t>(part)];
        bool same = 2 * got.values.size() == alone.size();
        for (std::size_t k = 0; same && k < got.values.size(); ++k) {
          const double size = alone[got.values.size() + k];
          same = near(got.values[k], alone[k], (precision == Precision::float64 ? 1e-13 : 1e-5) * size) || !std::isfinite(size);
        }
        CHECK_THAT(same, "part " + show(part) + " of " + f + ", " + g + ", " + name_of(precision));
      }
    }
  }
}

TEST("hooks") {
  const Pair& pair = pairs()[1];
  const auto program = Program::create("SumBoth_Reduction(" + pair.f + "," + pair.g + ",1)", arguments(pair.declarations));
  const std::vector<Matrix> data = data_for(pair, 60000, 60000);
  struct Seen {
    double last = -1;
    bool rises = true;
    int calls = 0;
  } seen;
  rkeops::Host host;
  host.context = &seen;
  host.progress = [](void* context, double share) {
    Seen& s = *static_cast<Seen*>(context);
    s.rises &= share >= s.last && share <= 1;
    s.last = share;
  };
  host.interrupted = [](void* context) { return ++static_cast<Seen*>(context)->calls > 6; };
  const std::string wrong = throws([&] { run(*program, inputs(data), run_options(), host); }, {ErrorKind::interrupt, ""});
  CHECK_THAT(wrong.empty(), wrong);
  CHECK_THAT(seen.rises && seen.last >= 0, "progress rises");
}

TEST("refused") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "e=Vi(1)"};
  const auto refuse = [&](const std::string& formula, ErrorKind kind, const std::string& part) {
    const std::string wrong = throws([&] { Program::create(formula, arguments(declared)); }, {kind, part});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
  };
  refuse("Grad(SumBoth_Reduction(x|y,x|y,1),x,e)", ErrorKind::unsupported, "SumBoth_Reduction has no gradient");
  refuse("Grad(2*SumBoth_Reduction(x|y,x|y,1),x,e)", ErrorKind::unsupported, "SumBoth_Reduction has no gradient");
  refuse("2*SumBoth_Reduction(x|y,x|y,1)", ErrorKind::unsupported, "cannot be used inside a formula");
  refuse("SumBoth_Reduction(x|y,1)", ErrorKind::parse, "takes 3 arguments, got 2");
}

}  // namespace
