// The pairs in which a condition is true: both axes and precisions, with and without geometry and blocks, values, sizes around those
// of tiles and blocks, threads, empty sides, NaN, limits, interrupts.
#include "engine_parts.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::FoundPairs;
using rkeops::Precision;
using rkeops::Program;
using rkeops::UseOfGeometry;

namespace {

const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)", "p=Pm(1)"};
const std::string condition = "LessOrEqual(SqDist(x,y),p)", value = "(SqDist(x,y)+Sum(x))";
constexpr std::int64_t many = 1'000'000'000;

// Coordinates that both precisions have exactly.
Matrix points(std::int64_t rows, std::mt19937_64& random) {
  Matrix matrix = random_matrix(rows, 2, random);
  for (double& x : matrix.values) x = std::round(x * 64) / 64;
  return matrix;
}

FoundPairs find(const std::string& formula, const std::vector<Matrix>& data, const rkeops::RunOptions& options,
                std::int64_t most = many, const rkeops::Host& host = {}) {
  return Program::create(formula, arguments(declared))->find(inputs(data), options, host, most);
}

FoundPairs expected(const std::vector<Matrix>& data, int axis, bool has_values) {
  const Matrix &x = data[0], &y = data[1];
  FoundPairs pairs;
  pairs.first = {0};
  for (std::int64_t r = 0; r < data[static_cast<std::size_t>(1 - axis)].rows; ++r) {
    for (std::int64_t c = 0; c < data[static_cast<std::size_t>(axis)].rows; ++c) {
      const std::int64_t i = axis == 1 ? r : c, j = axis == 1 ? c : r;
      const double a = x.at(i, 0) - y.at(j, 0), b = x.at(i, 1) - y.at(j, 1), distance = a * a + b * b;
      if (!(distance <= data[2].values[0])) continue;
      pairs.column.push_back(static_cast<std::int32_t>(c));
      if (has_values) pairs.value.push_back(distance + (x.at(i, 0) + x.at(i, 1)));
    }
    pairs.first.push_back(static_cast<std::int64_t>(pairs.column.size()));
  }
  return pairs;
}

bool same(const FoundPairs& a, const FoundPairs& b) { return a.first == b.first && a.column == b.column && a.value == b.value; }

std::string formula(int axis, bool has_values) {
  return (has_values ? "WhereValue_Reduction(" + condition + "," + value : "Where_Reduction(" + condition) + "," + show(axis) + ")";
}

TEST("pairs") {
  std::mt19937_64 random(1);
  for (std::int64_t m : {1, 3, 64, 65, 700}) {
    for (std::int64_t n : {1, 31, 257, 3000}) {
      std::vector<Matrix> data{points(m, random), points(n, random), column({0.1})};
      if (n == 257) data[2].values = {100};  // all of them
      if (n == 31 && m > 1) data[0].at(1, 0) = std::nan("");
      for (int axis : {0, 1}) {
        for (bool has_values : {false, true}) {
          const FoundPairs wanted = expected(data, axis, has_values);
          for (Precision precision : {Precision::float64, Precision::float32}) {
            rkeops::RunOptions options = run_options(precision);
            for (UseOfGeometry geometry : {UseOfGeometry::never, UseOfGeometry::always}) {
              options.geometry = geometry;
              options.threads = m == 64 ? 3 : 1;
              const std::string what = show(m) + " x " + show(n) + ", " + formula(axis, has_values) + ", " + name_of(precision);
              CHECK_THAT(same(find(formula(axis, has_values), data, options), wanted), what);
            }
          }
        }
      }
    }
  }
}

// Whether pairs can be left out is found out on some tiles, whose pairs are not found twice.
TEST("attempts") {
  std::mt19937_64 random(5);
  const std::vector<std::string> of_eight{"x=Vi(8)", "y=Vj(8)"};
  const auto program = Program::create("Where_Reduction(SqDist(x,y)<0.6,1)", arguments(of_eight));
  const std::vector<Matrix> data{random_matrix(20000, 8, random), random_matrix(20000, 8, random)};
  rkeops::RunOptions options = run_options();
  static int attempts;
  rkeops::Host host;
  host.note = [](void*, const char* text) { attempts += std::strstr(text, "of some rows matter") != nullptr; };
  const FoundPairs automatic = program->find(inputs(data), options, host, many);
  CHECK_EQUAL(attempts, 1);
  options.geometry = UseOfGeometry::never;
  const FoundPairs all = program->find(inputs(data), options, {}, many);
  CHECK(!all.column.empty() && same(automatic, all));
}

TEST("blocks") {
  std::mt19937_64 random(2);
  const std::vector<Matrix> data{points(200, random), points(300, random), column({0.5})};
  rkeops::BlockGroups groups;
  for (int k = 0; k < 200; ++k) groups.group_i.push_back(k % 3);
  for (int k = 0; k < 300; ++k) groups.group_j.push_back(k % 2);
  groups.kept_i = {0, 2};
  groups.kept_from = groups.kept_to = {0, 1};
  rkeops::RunOptions options = run_options();
  options.blocks = rkeops::make_blocks(groups);
  const FoundPairs all = expected(data, 1, true), some = find(formula(1, true), data, options);
  FoundPairs kept;
  kept.first = {0};
  for (std::size_t i = 0; i < 200; ++i) {
    for (auto k = static_cast<std::size_t>(all.first[i]); k < static_cast<std::size_t>(all.first[i + 1]); ++k) {
      if (i % 3 == 1 || all.column[k] % 2 != (i % 3 == 2)) continue;
      kept.column.push_back(all.column[k]);
      kept.value.push_back(all.value[k]);
    }
    kept.first.push_back(static_cast<std::int64_t>(kept.column.size()));
  }
  CHECK(kept.column.size() > 1000 && same(some, kept));
}

TEST("one index, stages, other devices") {
  std::mt19937_64 random(3);
  const std::vector<Matrix> data{points(50, random), points(70, random), column({0.5})};
  const FoundPairs rows = find("Where_Reduction(Elem(y,0)<p,1)", data, run_options());
  CHECK(rows.first.size() == 51 && rows.first[1] == rows.first[50] / 50);
  // nearer than the mean distance
  const FoundPairs near = find("Where_Reduction(SqDist(x,y)*70<Sum_Reduction(SqDist(x,y),1),1)", data, run_options());
  CHECK(near.column.size() > 1000 && near.column.size() < 2500);
  rkeops::RunOptions options = run_options();
  options.processor = rkeops::Processor::gpu;
  static int notes;
  rkeops::Host host;
  host.note = [](void*, const char* text) { notes += std::strcmp(text, "pairs are found on the CPU") == 0; };
  CHECK(same(find(formula(1, true), data, options, many, host), expected(data, 1, true)));
  CHECK_EQUAL(notes, 1);
}

TEST("empty sides") {
  const Matrix none{0, 2, {}};
  Matrix two{2, 2, {1, 2, 3, 4}};
  CHECK(same(find(formula(1, false), {none, two, column({1})}, run_options()), {{0}, {}, {}}));
  CHECK(same(find(formula(1, true), {two, none, column({1})}, run_options()), {{0, 0, 0}, {}, {}}));
}

TEST("errors") {
  std::mt19937_64 random(4);
  const std::vector<Matrix> data{points(300, random), points(400, random), column({100})};
  CHECK_EQUAL(find(formula(1, false), data, run_options(), 120000).column.size(), std::size_t{120000});
  for (UseOfGeometry geometry : {UseOfGeometry::never, UseOfGeometry::always}) {
    rkeops::RunOptions options = run_options();
    options.geometry = geometry;
    CHECK_THROWS({ find(formula(1, false), data, options, 119999); }, {ErrorKind::memory, "more than 119999 pairs"});
  }
  const auto create = [](const std::string& text) { return Program::create(text, arguments(declared)); };
  CHECK_THROWS({ create("Where_Reduction(x,1)"); }, {ErrorKind::dimension, "dimension 2, 1 is needed"});
  CHECK_THROWS({ create("1+Where_Reduction(p,1)"); }, {ErrorKind::unsupported, "cannot be used inside"});
  CHECK_THROWS({ create("Grad(" + formula(1, false) + ",x,1)"); }, {ErrorKind::unsupported, "has no gradient"});
  double unused;
  CHECK_THROWS({ create(formula(1, false))->run(inputs(data), {&unused}, run_options(), {}); },
               {ErrorKind::unsupported, "no matrix can be their result"});
  CHECK_THROWS({ create(formula(1, false))->bind(inputs(data)); }, {ErrorKind::unsupported, "no matrix can be their result"});
  CHECK_THROWS({ find("Sum_Reduction(SqDist(x,y)*p,1)", data, run_options()); }, {ErrorKind::internal, "does not give pairs"});
  rkeops::Host host;
  host.interrupted = [](void*) { return true; };
  const std::vector<Matrix> long_one{points(60000, random), points(60000, random), column({1e-3})};
  for (int threads : {1, 2}) {
    rkeops::RunOptions options = run_options();
    options.threads = threads;
    options.geometry = UseOfGeometry::never;
    CHECK_THROWS({ find(formula(1, false), long_one, options, many, host); }, {ErrorKind::interrupt, "interrupted"});
  }
}

}  // namespace
