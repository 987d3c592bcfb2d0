// The K nearest, K small (kept sorted) and large (selected from candidates), against a plain sort: ties, NaN,
// infinities, vectors, both axes, rows that come from far to near, cuts of the columns, threads.
#include "interpret.hpp"

using namespace check;
using rkeops::Precision;
using rkeops::Program;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double none = std::nan("");
const Precision precisions[] = {Precision::float64, Precision::float32};
const std::int64_t large = rkeops::heuristics::least_selected_k;

// The K smallest of `terms` and their positions from 1 on, NaN where there are fewer.
std::pair<Values, Values> sorted(const Values& terms, std::int64_t k) {
  std::vector<std::pair<double, double>> found;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (!std::isnan(terms[t])) found.push_back({terms[t], static_cast<double>(t + 1)});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  found.resize(static_cast<std::size_t>(k), {none, none});
  std::pair<Values, Values> result;
  for (const auto& [value, place] : found) result.first.push_back(value), result.second.push_back(place);
  return result;
}

// x_i + y_j, component by component, over j or over i. Sums of small multiples of 1/8: exact in both precisions.
void check_nearest(const std::string& what, const Matrix& x, const Matrix& y, std::int64_t k, int threads = 2) {
  for (int axis : {1, 0}) {
    const std::string dim = show(x.cols);
    const std::vector<std::string> declared{(axis ? "x=Vi(" : "x=Vj(") + dim + ")", (axis ? "y=Vj(" : "y=Vi(") + dim + ")"};
    const auto program = Program::create("KMin_ArgKMin_Reduction(x+y," + show(k) + "," + show(axis) + ")", arguments(declared));
    for (Precision precision : precisions) {
      rkeops::RunOptions options = run_options(precision);
      options.threads = threads;
      const std::vector<Matrix> got = run(*program, inputs({x, y}), options);
      std::string wrong;
      for (std::int64_t r = 0; r < x.rows; ++r) {
        for (std::int64_t c = 0; c < x.cols; ++c) {
          Values terms;
          for (std::int64_t t = 0; t < y.rows; ++t) terms.push_back(x.at(r, c) + y.at(t, c));
          const auto [values, places] = sorted(terms, k);
          for (std::int64_t rank = 0; rank < k; ++rank) {
            const std::size_t at = static_cast<std::size_t>(rank);
            if (equal(got[0].at(r, c * k + rank), values[at]) && equal(got[1].at(r, c * k + rank), places[at])) continue;
            if (wrong.empty()) {
              wrong = "row " + show(r) + ", component " + show(c) + ", rank " + show(rank) + ": " +
                      show(got[0].at(r, c * k + rank)) + " at " + show(got[1].at(r, c * k + rank)) + " instead of " +
                      show(values[at]) + " at " + show(places[at]);
            }
          }
        }
      }
      CHECK_THAT(wrong.empty(), what + ", K = " + show(k) + ", " + show(x.rows) + " x " + show(y.rows) + ", axis " + show(axis) +
                                    ", " + name_of(precision) + ": " + wrong);
    }
  }
}

Matrix eighths(std::int64_t rows, std::int64_t cols, int range, std::mt19937_64& random) {
  Matrix m = random_matrix(rows, cols, random);
  for (double& v : m.values) v = static_cast<double>(static_cast<int>(random() % static_cast<unsigned>(range)) - range / 2) / 8;
  return m;
}

TEST("orders") {
  std::mt19937_64 random(3);
  const auto at = [](auto function) {
    Matrix y = column(Values(9000));
    for (std::size_t t = 0; t < y.values.size(); ++t) y.values[t] = function(static_cast<int>(t));
    return y;
  };
  const Matrix x = eighths(5, 1, 1000, random);
  for (std::int64_t k : {large - 1, large, std::int64_t{700}}) {
    check_nearest("from far to near", x, at([](int t) { return 9000.0 - t; }), k);
    check_nearest("from near to far", x, at([](int t) { return 1.0 * t; }), k);
    check_nearest("all equal", x, at([](int) { return 1.0; }), k);
    check_nearest("two values", x, at([](int t) { return t % 7 == 0 ? 0.0 : 1.0; }), k);
    check_nearest("a saw", x, at([](int t) { return 100.0 - t % 100; }), k);
    check_nearest("an organ pipe", x, at([](int t) { return t < 4500 ? 4500.0 - t : t - 4500.0; }), k);
    check_nearest("signed zeros", x, at([](int t) { return t % 2 == 0 ? 0.0 : -0.0; }), k);
    check_nearest("NaN here and there", x, at([](int t) { return t % 3 == 1 ? none : (t * 37 % 1000) / 8.0; }), k);
    check_nearest("fewer numbers than K", x, at([](int t) { return t % 300 == 299 ? t / 8.0 : none; }), k);
    check_nearest("nothing but NaN", x, at([](int) { return none; }), k);
    check_nearest("infinities", x, at([](int t) { return t % 200 == 5 ? -inf : t % 30 == 0 ? 1.0 : inf; }), k);
    check_nearest("infinite everywhere", x, at([](int) { return inf; }), k);
  }
}

TEST("sizes") {
  std::mt19937_64 random(4);
  for (std::int64_t k : {std::int64_t{1}, large, 2 * large + 1}) {
    for (std::int64_t n : {k, k + 1, 2 * k - 1, 2 * k, 2 * k + 1, 3 * k})
      check_nearest("sizes", eighths(7, 1, 90, random), eighths(n, 1, 90, random), k);
  }
  for (std::int64_t dim : {2, 3, 5, 40})
    check_nearest("vectors", eighths(70, dim, 900, random), eighths(400, dim, 900, random), large);
  check_nearest("many rows", eighths(1500, 1, 900, random), eighths(300, 1, 900, random), 100);
  check_nearest("cut columns", eighths(1, 2, 900, random), eighths(90000, 2, 90000, random), large);
  check_nearest("cut columns", eighths(20, 1, 900, random), eighths(70000, 1, 9000, random), large + 10);
}

// Positions beyond what float32 counts; the same bits for any number of threads.
TEST("far positions and threads") {
  const std::int64_t n = 16777216 + 100;
  Matrix y = column(Values(static_cast<std::size_t>(n), 1.0));
  for (std::int64_t t = n - large; t < n; ++t) y.values[static_cast<std::size_t>(t)] = 0.5;
  const std::string k = show(large);
  const Values places = run("ArgKMin_Reduction(y," + k + ",1)", {"y=Vj(1)"}, {y}, run_options(Precision::float32))[0].values;
  for (std::int64_t rank = 0; rank < large; ++rank)
    CHECK_EQUAL(places[static_cast<std::size_t>(rank)], static_cast<double>(n - large + rank + 1));

  std::mt19937_64 random(5);
  const auto program = Program::create("KMin_ArgKMin_Reduction(SqDist(x,y)," + k + ",1)", arguments({"x=Vi(3)", "y=Vj(3)"}));
  for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{1, 100000}, {7, 60001}, {2000, 700}}) {
    const std::vector<Matrix> data{random_matrix(rows, 3, random), random_matrix(columns, 3, random)};
    for (Precision precision : precisions) {
      rkeops::RunOptions options = run_options(precision);
      options.threads = 1;
      const std::vector<Matrix> one = run(*program, inputs(data), options);
      for (int threads : {2, 3}) {
        options.threads = threads;
        CHECK_THAT(same_bits(one, run(*program, inputs(data), options)),
                   show(rows) + " x " + show(columns) + " on " + show(threads) + " threads");
      }
    }
  }
}

// The gradient sums the adjoint over the K columns that are selected.
TEST("gradients") {
  std::mt19937_64 random(6);
  const std::int64_t m = 5, n = 300, k = large;
  const Matrix x = random_matrix(m, 2, random), y = random_matrix(n, 2, random), e = random_matrix(m, k, random);
  const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)", "e=Vi(" + show(k) + ")"};
  const std::string kmin = "KMin_Reduction(SqDist(x,y)," + show(k) + ",1)";
  const Matrix at = run("ArgKMin_Reduction(SqDist(x,y)," + show(k) + ",1)", {"x=Vi(2)", "y=Vj(2)"}, {x, y})[0];
  const Matrix got = run("Grad(" + kmin + ",x,e)", declared, {x, y, e})[0];
  for (std::int64_t r = 0; r < m; ++r) {
    for (std::int64_t c = 0; c < 2; ++c) {
      double sum = 0;
      for (std::int64_t rank = 0; rank < k; ++rank)
        sum += e.at(r, rank) * 2 * (x.at(r, c) - y.at(static_cast<std::int64_t>(at.at(r, rank)) - 1, c));
      CHECK_NEAR(got.at(r, c), sum, 1e-10);
    }
  }
}

TEST("options") {
  rkeops::RunOptions options = run_options();
  options.index_base = 0;
  options.missing_index = -1;
  Matrix y = column(Values(static_cast<std::size_t>(large), 2.0));
  y.values[0] = none;
  const Values places = run("ArgKMin_Reduction(y," + show(large) + ",1)", {"y=Vj(1)"}, {y}, options)[0].values;
  CHECK_EQUAL(places.front(), 1.0);
  CHECK_EQUAL(places.back(), -1.0);
}

}  // namespace
