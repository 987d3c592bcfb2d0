// The runtime: same bits however the work is shared out, special numbers, ties, empty and wrong inputs, interrupts, progress,
// accuracy, exact indices.
#include <chrono>

#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double none = std::nan("");
const Precision precisions[] = {Precision::float64, Precision::float32};

TEST("same for any threads") {
  std::mt19937_64 random(1);
  const char* formulas[] = {"Sum_Reduction(Exp(-SqDist(x,y))*b,1)",          "LogSumExp_Reduction(x|y,1)",
                            "SumSoftMaxWeight_Reduction(x|y,b,1)",           "Min_ArgMin_Reduction(x-y,1)",
                            "KMin_ArgKMin_Reduction(SqDist(x,y),3,1)",       "Max_Reduction(x*y,1)",
                            "Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),x,e)"};
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 100000}, {7, 30001}, {2000, 700}, {129, 5007}};
  for (const char* formula : formulas) {
    const auto program = Program::create(formula, arguments({"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "e=Vi(2)"}));
    for (const auto& [m, n] : sizes) {
      const std::vector<Matrix> data{random_matrix(m, 3, random), random_matrix(n, 3, random), random_matrix(n, 2, random),
                                     random_matrix(m, 2, random)};
      for (Precision precision : precisions) {
        rkeops::RunOptions options = run_options(precision);
        options.threads = 1;
        const std::vector<Matrix> one = run(*program, inputs(data), options);
        for (int threads : {2, 3}) {
          options.threads = threads;
          CHECK_THAT(same_bits(one, run(*program, inputs(data), options)), std::string(formula) + " on " + show(threads) +
                                                                               " threads, M = " + show(m) + ", N = " + show(n) +
                                                                               ", " + name_of(precision));
        }
      }
    }
  }
}

// Many columns are cut into pieces and merged: the result must be what one fold gives.
TEST("split columns") {
  std::mt19937_64 random(2);
  const std::int64_t n = 40003;
  for (std::int64_t m : {1, 3}) {
    const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)", "w=Vj(2)"};
    std::vector<Matrix> data{random_matrix(m, 2, random), random_matrix(n, 2, random), random_matrix(n, 2, random, 0.1, 1)};
    for (double& v : data[1].values) v = std::round(v * 1000) / 1000;  // ties
    for (const rkeops::Reduction& kind : rkeops::reductions()) {
      if (kind.takes('G') || kind.reducer == &rkeops::entries_reducer()) continue;  // test_both.cpp, test_entries.cpp
      if (kind.reducer == &rkeops::where_reducer()) continue;                       // test_where.cpp
      std::string formula =
          std::string(kind.name) + "_Reduction(" + (kind.reducer == &rkeops::softmax_reducer() ? "10*(x|y)" : "x-y");
      if (kind.weighted()) formula += ",w";
      if (kind.reducer == &rkeops::nearest_reducer()) formula += ",5";
      formula += ",1)";
      Parsed parsed(formula, declared);
      Interpreter interpreter(data, m, n);
      const std::vector<Matrix> got = run(formula, declared, data);
      for (std::int64_t r = 0; r < m; ++r) {
        const std::vector<Values> expected = interpreter.row(parsed.root, r);
        for (std::size_t p = 0; p < got.size(); ++p) {
          const bool index = kind.indices && p + 1 == got.size();
          bool same = true;
          for (std::size_t k = 0; k < expected[p].size(); ++k) {
            const double found = got[p].at(r, static_cast<std::int64_t>(k)), wanted = expected[p][k];
            same &= index ? found == wanted + 1 : near(found, wanted, 1e-11 * (1 + std::fabs(wanted)));
          }
          CHECK_THAT(same, formula + ", M = " + show(m) + ", row " + show(r) + ", part " + show(static_cast<std::int64_t>(p)));
        }
      }
    }
  }
}

TEST("kinds of input") {
  std::mt19937_64 random(3);
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{5, 9}, {70, 33}, {1, 1}}) {
    std::vector<int> whole(static_cast<std::size_t>(m * 3));
    for (int& v : whole) v = static_cast<int>(random() % 7) - 3;
    const std::vector<double> real(whole.begin(), whole.end());
    const Matrix y = random_matrix(n, 3, random), p = random_matrix(2, 3, random);
    const auto program =
        Program::create("Sum_Reduction(Concat(Sin(x*y),MatVecMult(p,y)),1)", arguments({"x=Vi(3)", "y=Vj(3)", "p=Pm(6)"}));
    const rkeops::Input x_real{rkeops::Input::Type::real64, real.data(), m, 3, false},
        x_whole{rkeops::Input::Type::integer32, whole.data(), m, 3, false};
    const std::vector<Matrix> expected = run(*program, {x_real, y.input(), p.input()});
    CHECK(same_bits(expected, run(*program, {x_whole, y.input(), p.input()})));
    const auto turned = [](const auto& values, std::int64_t rows, std::int64_t cols) {
      auto out = values;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t c = 0; c < cols; ++c)
          out[static_cast<std::size_t>(c + r * cols)] = values[static_cast<std::size_t>(r + c * rows)];
      }
      return out;
    };
    const std::vector<int> whole_t = turned(whole, m, 3);
    const std::vector<double> real_t = turned(real, m, 3), y_t = turned(y.values, n, 3);
    const rkeops::Input y_rows{rkeops::Input::Type::real64, y_t.data(), 3, n, true};
    CHECK(same_bits(expected, run(*program, {{rkeops::Input::Type::real64, real_t.data(), 3, m, true}, y_rows, p.input()})));
    CHECK(same_bits(expected, run(*program, {{rkeops::Input::Type::integer32, whole_t.data(), 3, m, true}, y_rows, p.input()})));
    // parameters: any shape, memory order
    for (std::int64_t rows : {1, 2, 3, 6})
      CHECK(same_bits(
          expected,
          run(*program, {x_real, y.input(), {rkeops::Input::Type::real64, p.values.data(), rows, 6 / rows, rows == 2}})));
  }
  const int missing[] = {1, INT_MIN, 3};
  const rkeops::Input input{rkeops::Input::Type::integer32, missing, 3, 1, false};
  const auto program = Program::create("Sum_Reduction(x*p,1)", arguments({"x=Vi(1)", "p=Pm(1)"}));
  const int two = 2;
  CHECK_EQUAL(run(*program, {input, {rkeops::Input::Type::integer32, &two, 1, 1, false}})[0].values, (Values{2, none, 6}));
  CHECK_EQUAL(run(*program, {input, {rkeops::Input::Type::integer32, &missing[1], 1, 1, false}})[0].values,
              (Values{none, none, none}));
}

// One row reduces the column y.
std::vector<Values> reduced(const std::string& call, const Values& y, Precision precision = Precision::float64) {
  std::vector<Values> parts;
  for (const Matrix& part : run(call, {"y=Vj(1)"}, {column(y)}, run_options(precision))) parts.push_back(part.values);
  return parts;
}

TEST("special numbers") {
  using Parts = std::vector<Values>;
  for (Precision precision : precisions) {
    const auto is = [&](const std::string& call, const Values& y, const Parts& expected) {
      // The same after many columns that change nothing, so that the special ones are met by other lanes, steps and cuts.
      for (std::size_t before : {std::size_t{0}, std::size_t{1}, std::size_t{130}}) {
        if (before > 0 && call.find("Sum_") != 0) continue;
        Values padded(before, 0.0);
        padded.insert(padded.end(), y.begin(), y.end());
        const Parts got = reduced(call, padded, precision);
        CHECK_THAT(got.size() == expected.size() && std::equal(got.begin(), got.end(), expected.begin(),
                                                               [](const Values& a, const Values& b) { return equal(a, b); }),
                   call + " of " + show(y) + " is " + show(got) + ", not " + show(expected) + ", " + name_of(precision));
      }
    };
    is("Sum_Reduction(y,1)", {1, none, 2}, {{none}});
    is("Sum_Reduction(y,1)", {1, inf, 2}, {{inf}});
    is("Sum_Reduction(y,1)", {1, -inf, 2, inf}, {{none}});
    is("Sum_Reduction(y,1)", {inf, inf}, {{inf}});
    is("Min_Reduction(y,1)", {3, 1, 2}, {{1}});
    is("Max_Reduction(y,1)", {3, 1, 2}, {{3}});
    for (const Values& y : {Values{none, 1, 2}, Values{1, none, 2}, Values{1, 2, none}, Values{none}}) {
      is("Min_Reduction(y,1)", y, {{none}});
      is("Max_Reduction(y,1)", y, {{none}});
    }
    is("Min_Reduction(y,1)", {inf, inf}, {{inf}});
    is("Max_Reduction(y,1)", {-inf}, {{-inf}});
    is("Min_Reduction(y,1)", {inf, -inf}, {{-inf}});
    is("ArgMin_Reduction(y,1)", {none, 2, 1, none}, {{3}});
    is("ArgMax_Reduction(y,1)", {none, 2, 1, none}, {{2}});
    is("ArgMin_Reduction(y,1)", {none, none}, {{none}});
    is("ArgMax_Reduction(y,1)", {none}, {{none}});
    is("Min_ArgMin_Reduction(y,1)", {none, 2, 1, none}, {{1}, {3}});
    is("Max_ArgMax_Reduction(y,1)", {none, none}, {{none}, {none}});
    is("ArgMin_Reduction(y,1)", {inf, inf}, {{1}});
    is("ArgMax_Reduction(y,1)", {none, -inf, -inf}, {{2}});
    is("KMin_ArgKMin_Reduction(y,4,1)", {none, 2, none, 1}, {{1, 2, none, none}, {4, 2, none, none}});
    is("KMin_Reduction(y,2,1)", {none, none}, {{none, none}});
    is("ArgKMin_Reduction(y,3,1)", {inf, none, inf}, {{1, 3, none}});
    is("KMin_ArgKMin_Reduction(y,3,1)", {inf, -inf, 0}, {{-inf, 0, inf}, {2, 3, 1}});
    // ties: the first
    is("ArgMin_Reduction(y,1)", {2, 1, 1, 1}, {{2}});
    is("ArgMax_Reduction(y,1)", {2, 1, 2, 2}, {{1}});
    is("ArgKMin_Reduction(y,3,1)", {1, 0, 1, 0, 1}, {{2, 4, 1}});
    is("ArgMin_Reduction(y,1)", {0.0, -0.0}, {{1}});
    // soft-max family
    is("LogSumExp_Reduction(y,1)", {0}, {{0}});
    is("LogSumExp_Reduction(y,1)", {-inf, 0, -inf}, {{0}});
    is("LogSumExp_Reduction(y,1)", {0, -inf}, {{0}});
    is("LogSumExp_Reduction(y,1)", {-inf, -inf}, {{-inf}});
    is("LogSumExp_Reduction(y,1)", {-inf}, {{-inf}});
    is("LogSumExp_Reduction(y,1)", {1, inf, 2}, {{inf}});
    is("LogSumExp_Reduction(y,1)", {inf, inf, -inf}, {{inf}});
    is("LogSumExp_Reduction(y,1)", {inf, -inf, -inf}, {{inf}});
    for (const Values& y :
         {Values{none, 1, 2}, Values{1, none, 2}, Values{1, 2, none}, Values{none}, Values{inf, none}, Values{-inf, none}}) {
      is("LogSumExp_Reduction(y,1)", y, {{none}});
    }
    CHECK_NEAR(reduced("LogSumExp_Reduction(1000*y,1)", {1, 1, -5}, precision)[0][0], 1000 + std::log(2.0), 1e-4);
    is("LogSumExpWeight_Reduction(y,2,1)", {-inf, -inf}, {{-inf}});
    is("LogSumExpWeight_Reduction(y,-1,1)", {0, 0}, {{none}});
    is("LogSumExpWeight_Reduction(y,0,1)", {0, 0}, {{-inf}});
    is("SumSoftMaxWeight_Reduction(y,3,1)", {-inf, 0, -inf}, {{3}});
    is("SumSoftMaxWeight_Reduction(y,y,1)", {none, 1}, {{none}});
  }
  // One bad pair spoils its own row only.
  Matrix x = column(Values(100, 1.0)), y = column(Values(50, 1.0));
  x.values[37] = none;
  const Matrix sums = run("Sum_Reduction(x*y,1)", {"x=Vi(1)", "y=Vj(1)"}, {x, y})[0];
  for (std::int64_t r = 0; r < 100; ++r) CHECK_EQUAL(sums.at(r, 0), r == 37 ? none : 50.0);
}

// The NaN or the best value at every place of a long row: lanes, steps of columns, blocks, chunks and cuts.
TEST("special places") {
  const std::int64_t n = 9000;
  for (Precision precision : precisions) {
    const auto program = Program::create("Min_ArgMin_Reduction(y,1)", arguments({"y=Vj(1)"}));
    const auto minimum = Program::create("Min_Reduction(y,1)", arguments({"y=Vj(1)"}));
    const auto softmax = Program::create("LogSumExp_Reduction(y,1)", arguments({"y=Vj(1)"}));
    const auto nearest = Program::create("KMin_ArgKMin_Reduction(y,2,1)", arguments({"y=Vj(1)"}));
    for (std::int64_t at = 0; at < n; at += at < 300 ? 1 : 97) {
      Matrix y = column(Values(static_cast<std::size_t>(n), 5.0));
      y.values[static_cast<std::size_t>(at)] = none;
      CHECK_EQUAL(run(*minimum, inputs({y}), run_options(precision))[0].values[0], none);
      CHECK_EQUAL(run(*program, inputs({y}), run_options(precision))[1].values[0], at == 0 ? 2.0 : 1.0);
      CHECK_EQUAL(run(*softmax, inputs({y}), run_options(precision))[0].values[0], none);
      y.values[static_cast<std::size_t>(at)] = -2;
      CHECK_EQUAL(run(*program, inputs({y}), run_options(precision))[1].values[0], static_cast<double>(at + 1));
      CHECK_EQUAL(run(*nearest, inputs({y}), run_options(precision))[1].values,
                  (Values{static_cast<double>(at + 1), at == 0 ? 2.0 : 1.0}));
      y.values[static_cast<std::size_t>(at)] = 800;
      CHECK_EQUAL(run(*softmax, inputs({y}), run_options(precision))[0].values[0], 800.0);
    }
  }
}

TEST("sizes") {
  const auto rows = [](std::int64_t m, std::int64_t n) {
    return std::vector<Matrix>{{m, 2, Values(static_cast<std::size_t>(m * 2), 0.5)},
                               {n, 2, Values(static_cast<std::size_t>(n * 2), 0.25)}};
  };
  const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)"};
  for (Precision precision : precisions) {
    const auto get = [&](const std::string& formula, std::int64_t m, std::int64_t n) {
      return run(formula, declared, rows(m, n), run_options(precision));
    };
    for (const char* formula : {"Sum_Reduction(x*y,1)", "ArgMin_Reduction(x*y,1)", "KMin_Reduction(x-y,2,1)",
                                "SumSoftMaxWeight_Reduction(x|y,y,1)", "Grad(Sum_Reduction(Exp(x|y),1),x,1)"}) {
      const std::vector<Matrix> got = get(formula, 0, 5);
      CHECK(got[0].rows == 0 && got[0].values.empty());
    }
    CHECK_EQUAL(get("Sum_Reduction(x*y,1)", 3, 0)[0].values, Values(6, 0.0));
    CHECK_EQUAL(get("Sum_Reduction(x*y,0)", 0, 3)[0].values, Values(6, 0.0));
    CHECK_EQUAL(get("Min_Reduction(x*y,1)", 3, 0)[0].values, Values(6, inf));
    CHECK_EQUAL(get("Max_Reduction(x*y,1)", 3, 0)[0].values, Values(6, -inf));
    CHECK_EQUAL(get("LogSumExp_Reduction(x|y,1)", 3, 0)[0].values, Values(3, -inf));
    CHECK_EQUAL(get("LogSumExpWeight_Reduction(x|y,y,1)", 3, 0)[0].values, Values(6, -inf));
    CHECK_EQUAL(get("Grad(Sum_Reduction(Exp(x|y),1),x,1)", 3, 0)[0].values, Values(6, 0.0));
    CHECK_EQUAL(get("Grad(Sum_Reduction(Exp(x|y),1),y,1)", 3, 0)[0].values, Values());
    CHECK_EQUAL(get("2+Sum_Reduction(x*y,1)", 3, 0)[0].values, Values(6, 2.0));
    for (const char* formula :
         {"ArgMin_Reduction(x*y,1)", "Max_ArgMax_Reduction(x*y,1)", "SumSoftMaxWeight_Reduction(x|y,y,1)"}) {
      const std::string wrong = throws([&] { get(formula, 3, 0); }, {ErrorKind::input, "no rows"});
      CHECK_THAT(wrong.empty(), std::string(formula) + ": " + wrong);
    }
    for (const char* formula : {"KMin_Reduction(x*y,1,1)", "KMin_ArgKMin_Reduction(x*y,2,1)"})
      CHECK_THROWS({ get(formula, 3, 0); }, {ErrorKind::input, "only 0 rows"});
    CHECK_THROWS({ get("ArgKMin_Reduction(x*y,6,1)", 3, 5); }, {ErrorKind::input, "K is 6, but only 5 rows"});
    CHECK_THROWS({ get("ArgKMin_Reduction(x*y,4,0)", 3, 5); }, {ErrorKind::input, "K is 4, but only 3 rows"});
    CHECK_EQUAL(get("ArgKMin_Reduction(Elem(x,0)*Elem(y,0),5,1)", 1, 5)[0].values, (Values{1, 2, 3, 4, 5}));
    // every size near the length of a tile
    for (std::int64_t m = 1; m <= 70; m += m < 20 ? 1 : 7) {
      const Matrix got = get("Sum_Reduction(x*y,1)", m, 3)[0];
      CHECK(got.rows == m && std::all_of(got.values.begin(), got.values.end(), [](double v) { return v == 0.375; }));
    }
  }
  // no variable of an index: a single row or term
  CHECK_EQUAL(run("Sum_Reduction(y,0)", {"y=Vj(1)"}, {column({1, 2})})[0].values, (Values{1, 2}));
  CHECK_EQUAL(run("Sum_Reduction(y,1)", {"y=Vj(1)"}, {column({1, 2})})[0].values, (Values{3}));
  CHECK_EQUAL(run("Sum_Reduction(p,1)", {"p=Pm(2)"}, {column({1, 2})})[0].values, (Values{1, 2}));
  CHECK_EQUAL(
      run("Sum_Reduction(p,1)", {"p=Pm(1)", "x=Vi(1)", "y=Vj(1)"}, {column({2}), column({0, 0, 0}), column({0, 0})})[0].values,
      (Values{4, 4, 4}));
  // options of indices
  rkeops::RunOptions options = run_options();
  options.index_base = 0;
  options.missing_index = -1;
  CHECK_EQUAL(run("ArgMin_Reduction(y,1)", {"y=Vj(1)"}, {column({3, 1})}, options)[0].values, (Values{1}));
  CHECK_EQUAL(run("ArgMin_Reduction(y,1)", {"y=Vj(1)"}, {column({none})}, options)[0].values, (Values{-1}));
}

TEST("wrong inputs") {
  const auto program = Program::create("Sum_Reduction(x*y*p+Vj(3,2),1)", arguments({"x=Vi(2)", "y=Vj(2)", "p=Pm(2)"}));
  const auto m = [](std::int64_t rows, std::int64_t cols) {
    return Matrix{rows, cols, Values(static_cast<std::size_t>(rows * cols), 1.0)};
  };
  const auto refused = [&](const std::vector<Matrix>& data, const std::string& part, const std::string& argument,
                           const std::string& hint = "") {
    const std::string wrong = throws([&] { program->bind(inputs(data)); }, {ErrorKind::input, part});
    CHECK_THAT(wrong.empty(), wrong);
    try {
      run(*program, inputs(data));
    } catch (const rkeops::Error& error) {
      CHECK_EQUAL(error.argument, argument);
      CHECK_THAT(error.hint.find(hint) != std::string::npos, "hint: " + error.hint);
    }
  };
  CHECK_EQUAL(program->bind(inputs({m(3, 2), m(4, 2), m(1, 2), m(4, 2)})), 3);
  refused({m(3, 2), m(4, 2), m(1, 2)}, "takes 4 inputs, got 3", "");
  refused({m(3, 2), m(4, 2), m(1, 2), m(4, 2), m(1, 1)}, "takes 4 inputs, got 5", "");
  refused({m(3, 3), m(4, 2), m(1, 2), m(4, 2)}, "'x=Vi(2)' is a 3 x 3 matrix", "x");
  refused({m(2, 3), m(4, 2), m(1, 2), m(4, 2)}, "2 columns are needed", "x", "transposed");
  refused({m(3, 2), m(4, 1), m(1, 2), m(4, 2)}, "'y=Vj(2)'", "y");
  refused({m(3, 2), m(4, 2), m(1, 3), m(4, 2)}, "has 3 values, it is declared with 2", "p");
  refused({m(3, 2), m(4, 2), m(1, 2), m(5, 2)}, "has 5 rows, but 'y=Vj(2)' has 4", "position 4", "same number of rows");
  CHECK_THROWS({ rkeops::operation_dim("Sum", {}, {}); }, {ErrorKind::argument, "the form of Sum is Sum(a)"});
}

TEST("accuracy") {
  std::mt19937_64 random(7);
  const std::int64_t n = 1000000;
  const Matrix y = random_matrix(n, 1, random, 0.5, 1.5);
  long double exact = 0;
  for (double v : y.values) exact += v;
  const double single = run("Sum_Reduction(y,1)", {"y=Vj(1)"}, {y}, run_options(Precision::float32))[0].values[0];
  CHECK_NEAR(single, static_cast<double>(exact), 2e-6 * static_cast<double>(exact));
  const double whole = run("Sum_Reduction(y,1)", {"y=Vj(1)"}, {y})[0].values[0];
  CHECK_NEAR(whole, static_cast<double>(exact), 1e-15 * static_cast<double>(exact));
  // M large enough that columns are not cut; every row the same sum
  const Matrix rows =
      run("Sum_Reduction(x*y,1)", {"x=Vi(1)", "y=Vj(1)"}, {column(Values(500, 1.0)), y}, run_options(Precision::float32))[0];
  for (double v : rows.values) CHECK_NEAR(v, static_cast<double>(exact), 2e-6 * static_cast<double>(exact));
  const double lse = run("LogSumExp_Reduction(Log(y),1)", {"y=Vj(1)"}, {y}, run_options(Precision::float32))[0].values[0];
  CHECK_NEAR(lse, std::log(static_cast<double>(exact)), 1e-5);
  CHECK_NEAR(run("LogSumExp_Reduction(Log(y),1)", {"y=Vj(1)"}, {y})[0].values[0], std::log(static_cast<double>(exact)), 1e-14);
  // constants in full precision
  CHECK_EQUAL(run("Sum_Reduction(y/3,1)", {"y=Vj(1)"}, {column({1})})[0].values[0], 1.0 / 3);
  CHECK_EQUAL(run("Sum_Reduction(y+16777217,1)", {"y=Vj(1)"}, {column({0})})[0].values[0], 16777217.0);
  CHECK_EQUAL(run("Sum_Reduction(y*0.1,1)", {"y=Vj(1)"}, {column({1})})[0].values[0], 0.1);
  // cancellation in float64: compensated
  Matrix mixed = column(Values(20001, 1.0));
  mixed.values[3] = 1e16, mixed.values[17000] = -1e16;
  CHECK_NEAR(run("Sum_Reduction(y,1)", {"y=Vj(1)"}, {mixed})[0].values[0], 19999.0, 200.0);
}

TEST("exact indices") {
  const std::int64_t n = 20000003;
  Matrix y = column(Values(static_cast<std::size_t>(n), 1.0));
  const auto program = Program::create("ArgMin_Reduction(y,1)", arguments({"y=Vj(1)"}));
  for (std::int64_t at : {std::int64_t{16777217}, n - 1}) {
    y.values[static_cast<std::size_t>(at)] = 0.5;
    CHECK_EQUAL(run(*program, inputs({y}), run_options(Precision::float32))[0].values[0], static_cast<double>(at + 1));
    y.values[static_cast<std::size_t>(at)] = 1;
  }
  y.values[static_cast<std::size_t>(n - 2)] = 0.25, y.values[16777217] = 0.5;
  CHECK_EQUAL(run("ArgKMin_Reduction(y,3,1)", {"y=Vj(1)"}, {y}, run_options(Precision::float32))[0].values,
              (Values{static_cast<double>(n - 1), 16777218, 1}));
}

}  // namespace
