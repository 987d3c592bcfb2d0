// Orders, boxes, trees and stages that leave out pairs. That results are those of all pairs is tested from R, on many kinds of data
// (tests/testthat/test-geometry.R); bounds are in test_bounds.cpp.
#include "rkeops/geometry/make_stage.hpp"
#include "rkeops/plan/coordinates.hpp"
#include "rkeops/plan/weights.hpp"
#include "interpret.hpp"

using namespace check;
using namespace rkeops;

namespace {

const auto here = [](std::int64_t tasks, const auto& task) {
  for (std::int64_t k = 0; k < tasks; ++k) task(k);
};

std::vector<float> random_points(std::size_t count, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> points(count * dim);
  for (float& x : points) x = normal(random);
  return points;
}

bool is_permutation(const Order& order) {
  std::vector<bool> seen(order.size());
  for (std::int32_t k : order) {
    if (k < 0 || static_cast<std::size_t>(k) >= order.size() || seen[static_cast<std::size_t>(k)]) return false;
    seen[static_cast<std::size_t>(k)] = true;
  }
  return true;
}

double mean_edge(const std::vector<float>& points, std::size_t dim, const Order& order, std::size_t leaf) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t first = 0; first + leaf <= order.size(); first += leaf) {
    for (std::size_t c = 0; c < dim; ++c, ++count) {
      float low = INFINITY, high = -INFINITY;
      for (std::size_t p = first; p < first + leaf; ++p) {
        const float x = points[static_cast<std::size_t>(order[p]) * dim + c];
        low = std::min(low, x), high = std::max(high, x);
      }
      sum += high - low;
    }
  }
  return sum / static_cast<double>(count);
}

TEST("orders are permutations of any number of points") {
  for (std::size_t count : {1, 2, 31, 32, 33, 64, 65, 1000, 8192, 8193, 20001}) {
    for (std::size_t dim : {1, 3, 20}) {
      const std::vector<float> points = random_points(count, dim, 1);
      const Order order = make_order(points, dim, 32, here);
      CHECK_EQUAL(order.size(), count);
      CHECK(is_permutation(order));
    }
  }
}

TEST("leaves are small, and in the order of their numbers") {
  const std::size_t count = 20000, dim = 2;
  std::vector<float> points = random_points(count, dim, 2);
  Order in_order(count);
  for (std::size_t k = 0; k < count; ++k) in_order[k] = static_cast<std::int32_t>(k);
  const Order order = make_order(points, dim, 32, here);
  CHECK(mean_edge(points, dim, order, 32) < 0.1 * mean_edge(points, dim, in_order, 32));
  for (std::size_t first = 0; first < count; first += 32) {
    CHECK(std::is_sorted(order.begin() + static_cast<std::ptrdiff_t>(first),
                         order.begin() + static_cast<std::ptrdiff_t>(std::min(count, first + 32))));
  }
}

TEST("orders of equal points, NaN and infinite ones") {
  std::vector<float> points(3000, 1.0f);
  CHECK(is_permutation(make_order(points, 3, 32, here)));
  for (std::size_t k = 0; k < points.size(); k += 7) points[k] = std::nanf("");
  for (std::size_t k = 3; k < points.size(); k += 11) points[k] = k % 2 ? INFINITY : -INFINITY;
  CHECK(is_permutation(make_order(points, 3, 32, here)));
  CHECK(is_permutation(make_order(std::vector<float>(100, std::nanf("")), 1, 32, here)));
}

TEST("the tree contains its points, says where NaN is, and is small") {
  const std::int64_t width = 3;
  for (std::int64_t count : {1, 32, 33, 300, 5000}) {
    std::vector<float> packed = random_points(static_cast<std::size_t>(count), width, 3);
    const std::int64_t with_nan = count / 2;
    packed[static_cast<std::size_t>(with_nan * width + 1)] = std::nanf("");
    Order order(static_cast<std::size_t>(count));
    for (std::int64_t k = 0; k < count; ++k) order[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(count - 1 - k);
    ColumnTree<float> tree(count, 32, width);
    tree.fill_leaves({0, divided_up(count, 32)}, packed.data(), order);
    tree.fill_upper_levels();
    for (int level = 0; level <= tree.top(); ++level) {
      const BoxArray<float>& boxes = tree.level(level);
      std::int64_t covered = 0;
      bool contains = true;
      for (std::int64_t b = 0; b < boxes.count; ++b) {
        const Range columns = tree.columns(level, b);
        CHECK_EQUAL(columns.from, covered);
        covered = columns.to;
        CHECK_EQUAL(tree.least(level, b), count - columns.to);
        for (std::int64_t c = 0; c < width; ++c) {
          const float low = boxes.low[boxes.at(c, b)], high = boxes.high[boxes.at(c, b)];
          const bool has_nan = c == 1 && columns.from <= with_nan && with_nan < columns.to;
          contains = contains && std::isnan(low) == has_nan && std::isnan(high) == has_nan;
          for (std::int64_t j = columns.from; j < columns.to && !has_nan; ++j) {
            const float x = packed[static_cast<std::size_t>(j * width + c)];
            contains = contains && low <= x && x <= high;
          }
        }
      }
      CHECK(contains);
      CHECK_EQUAL(covered, count);
    }
    if (count >= 5000) CHECK(tree.bytes() < count * width * 4 / 2);
  }
}

TEST("coordinates are what rows and columns first meet in") {
  const auto coordinates = [](const std::string& formula) {
    Parsed parsed(formula, {"x=Vi(2)", "y=Vj(2)", "a=Vi(1)", "b=Vj(1)"});
    const PairProgram program = lower(parsed.root);
    const Coordinates found = coordinates_of(program);
    return std::pair<std::size_t, std::size_t>(found.row.size(), found.column.size());
  };
  using Sizes = std::pair<std::size_t, std::size_t>;
  CHECK(coordinates("Sum_Reduction(Exp(-SqDist(x,y))*b,1)") == Sizes(2, 2));
  CHECK(coordinates("Sum_Reduction(Exp(-SqDist(x,y))*a*b,1)") == Sizes(2, 2));  // not the weights
  CHECK(coordinates("Max_Reduction((x|y),1)") == Sizes(2, 2));
  CHECK(coordinates("Sum_Reduction(a<b,1)") == Sizes(1, 1));
  CHECK(coordinates("Sum_Reduction(b*b,1)") == Sizes(0, 0));
}

TEST("weights are numbers of columns that a formula is a product with") {
  // Components with a weight, and how many scales and weights are different ones.
  const auto counts = [](const std::string& formula) {
    Parsed parsed("Sum_Reduction(" + formula + ",1)", {"x=Vi(2)", "y=Vj(2)", "a=Vi(1)", "b=Vj(1)", "c=Vj(3)"});
    const Weights found = weights_of(lower(parsed.root), nullptr, Precision::float64);
    std::set<std::int64_t> scales;
    std::int64_t weighted = 0;
    for (const Weights::Component& component : found.components) {
      weighted += component.weight >= 0;
      if (component.weight >= 0) scales.insert(component.scale);
    }
    return std::vector<std::size_t>{static_cast<std::size_t>(weighted), scales.size(), found.factors.size()};
  };
  using Counts = std::vector<std::size_t>;
  const std::string k = "Exp(-SqDist(x,y))";
  CHECK(counts(k + "*b") == Counts({1, 1, 1}));
  CHECK(counts("-IntCst(2)*a*" + k + "*b/(a+SqDist(x,y))") == Counts({1, 1, 1}));
  CHECK(counts(k + "*c") == Counts({3, 1, 3}));
  CHECK(counts(k + "*c*b") == Counts({3, 1, 3}));
  CHECK(counts("(x-y)*b*" + k) == Counts({2, 2, 1}));
  CHECK(counts(k + "*y") == Counts({2, 1, 2}));
  CHECK(counts("Concat(" + k + "*b," + k + ")") == Counts({1, 1, 1}));
  CHECK(counts("IfElse(a-SqDist(x,y)," + k + "*b,IntCst(0))") == Counts({1, 1, 1}));
  CHECK(counts("b*SqDist(x,y)-" + k + "*b") == Counts({1, 1, 1}));
  CHECK(counts("ExtractT(" + k + "*b,0,2)+ExtractT(Square(" + k + ")*a*b,1,2)") == Counts({2, 2, 1}));
  CHECK(counts(k + "*b+" + k) == Counts({0, 0, 0}));
  CHECK(counts("IfElse(a-SqDist(x,y)," + k + "*b,IntCst(1))") == Counts({0, 0, 0}));
  CHECK(counts("Exp(-SqDist(x,y)*b)") == Counts({0, 0, 0}));
}

TEST("orders are known as long as their data stay") {
  KnownOrders& orders = KnownOrders::instance();
  const double data[2] = {1, 2};
  const KnownOrders::Key key{{{data, 2, 0, false}}, 32}, other{{{data, 2, 0, false}}, 64}, anonymous{{}, 32};
  const auto order = std::make_shared<const Order>(Order{1, 0});
  orders.keep(key, order);
  orders.keep(anonymous, order);
  CHECK(orders.find(key) == order);
  CHECK(!orders.find(other));
  CHECK(!orders.find(anonymous));
  forget(data);
  CHECK(!orders.find(key));
}

RunOptions always() {
  RunOptions options = run_options();
  options.geometry = UseOfGeometry::always;
  return options;
}

TEST("walks can be interrupted, while orders are made and later") {
  std::mt19937_64 random(5);
  const std::int64_t n = 300000;
  std::vector<Matrix> data{random_matrix(n, 3, random), random_matrix(n, 3, random)};
  const auto program = Program::create("KMin_Reduction(SqDist(x,y),40,1)", arguments({"x=Vi(3)", "y=Vj(3)"}));
  for (int threads : {1, 2}) {
    for (int polls : {0, 1, 4}) {
      RunOptions options = always();
      options.threads = threads;
      int left = polls;
      Host host;
      host.interrupted = [](void* count) { return (*static_cast<int*>(count))-- <= 0; };
      host.context = &left;
      std::vector<double> result(static_cast<std::size_t>(n * 40));
      CHECK_THROWS({ program->run(inputs(data), {result.data()}, options, host); }, {ErrorKind::interrupt, "interrupted"});
    }
  }
}

TEST("an evaluation that was interrupted begins anew") {
  std::mt19937_64 random(9);
  const std::int64_t n = 300000;
  std::vector<Matrix> data{random_matrix(n, 2, random), random_matrix(n, 2, random), random_matrix(n, 1, random)};
  std::vector<Matrix> others{data[0], data[1], random_matrix(n, 1, random)};
  const auto program = Program::create("KMin_Reduction(SqDist(x,y)+Square(b),5,1)", arguments({"x=Vi(2)", "y=Vj(2)", "b=Vj(1)"}));
  RunOptions options = always();
  options.threads = 1;
  std::vector<double> expected(static_cast<std::size_t>(5 * n)), got(expected.size());
  program->run(inputs(others), {expected.data()}, options, {});
  int left = 1;
  Host host;
  host.interrupted = [](void* count) { return (*static_cast<int*>(count))-- <= 0; };
  host.context = &left;
  const auto evaluation = program->prepare(inputs(data), options, {});
  for (int polls : {0, 0, 1}) {
    left = polls;
    CHECK_THROWS({ evaluation->run({got.data()}, host); }, {ErrorKind::interrupt, "interrupted"});
  }
  evaluation->run({got.data()}, {});
  evaluation->set(2, inputs(others)[2]);
  left = 0;
  CHECK_THROWS({ evaluation->run({got.data()}, host); }, {ErrorKind::interrupt, "interrupted"});
  evaluation->run({got.data()}, {});
  CHECK(got == expected);
}

TEST("sums have the same bits for any number of threads, with a tolerance too") {
  std::mt19937_64 random(6);
  std::vector<Matrix> data{random_matrix(3000, 2, random), random_matrix(4000, 2, random), random_matrix(4000, 1, random)};
  const auto program = Program::create("Sum_Reduction(Exp(-SqDist(x,y)*IntCst(50))*b,1)", arguments({"x=Vi(2)", "y=Vj(2)", "b=Vj(1)"}));
  for (double tolerance : {0.0, 1e-6}) {
    for (Precision precision : {Precision::float32, Precision::float64}) {
      std::vector<std::vector<double>> results;
      for (int threads : {1, 2, 3}) {
        RunOptions options = always();
        options.precision = precision;
        options.tolerance = tolerance;
        options.threads = threads;
        results.emplace_back(3000);
        program->run(inputs(data), {results.back().data()}, options, {});
      }
      CHECK(results[0] == results[1]);
      CHECK(results[0] == results[2]);
    }
  }
}

TEST("progress rises, also where some tiles walk before") {
  std::mt19937_64 random(8);
  const std::int64_t n = 40000;
  std::vector<Matrix> data{random_matrix(n, 7, random), random_matrix(n, 7, random)};
  const auto program = Program::create("ArgKMin_Reduction(SqDist(x,y),10,1)", arguments({"x=Vi(7)", "y=Vj(7)"}));
  struct Seen {
    std::vector<double> progress;
    std::string notes;
  } seen;
  Host host;
  host.progress = [](void* self, double done) { static_cast<Seen*>(self)->progress.push_back(done); };
  host.note = [](void* self, const char* note) { static_cast<Seen*>(self)->notes += note; };
  host.context = &seen;
  std::vector<double> result(static_cast<std::size_t>(10 * n));
  RunOptions options = run_options();
  options.threads = 1;
  program->run(inputs(data), {result.data()}, options, host);
  CHECK_THAT(seen.notes.find("some rows") != std::string::npos, "some tiles walk before: " + seen.notes);
  CHECK(std::is_sorted(seen.progress.begin(), seen.progress.end()));
}

TEST("automatic: data decide, and the notes say how") {
  std::mt19937_64 random(7);
  const auto notes_of = [&](std::int64_t n, std::int64_t dim) {
    const std::string d = std::to_string(dim);
    std::vector<Matrix> data{random_matrix(n, dim, random), random_matrix(n, dim, random)};
    const auto program = Program::create("ArgKMin_Reduction(SqDist(x,y),5,1)", arguments({"x=Vi(" + d + ")", "y=Vj(" + d + ")"}));
    std::string notes;
    Host host;
    host.note = [](void* text, const char* note) { *static_cast<std::string*>(text) += note; };
    host.context = &notes;
    std::vector<double> result(static_cast<std::size_t>(5 * n));
    program->run(inputs(data), {result.data()}, run_options(), host);
    return notes;
  };
  CHECK_THAT(notes_of(200, 2).find("few") != std::string::npos, "all pairs of few points are visited");
  CHECK_THAT(notes_of(20000, 2).find("were visited") != std::string::npos, "some pairs are left out");
  CHECK_THAT(notes_of(10000, 30).find("were visited") == std::string::npos, "nothing can be left out");
}

}  // namespace
