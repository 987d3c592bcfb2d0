// Blocks of pairs: every reduction over the pairs of random blocks is what it is with a mask of the same pairs, over both axes, for
// stages and derivatives too; evaluations, threads and wrong blocks.
#include <array>
#include <set>

#include "rkeops/runtime/blocks.hpp"
#include "engine_parts.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

using Numbers = std::vector<std::int32_t>;
const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)", "b=Vj(1)", "a=Vi(1)", "u=Vi(7)", "v=Vj(7)", "w=Pm(1)"};
constexpr std::int32_t groups_i = 7, groups_j = 5;

// Random groups, of which one is empty and one keeps nothing; some rows are in no group. Mask: (u|v) is 1 where a pair is kept, else 0.
struct Random {
  rkeops::BlockGroups groups;
  std::vector<Matrix> data;

  Random(std::int64_t m, std::int64_t n, std::mt19937_64& random, double share) {
    auto& [group_i, group_j, kept_i, kept_from, kept_to] = groups;
    const auto whole = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    const auto numbers = [&](std::int64_t rows, std::int64_t columns) {
      Matrix matrix = random_matrix(rows, columns, random);
      for (double& value : matrix.values) value = whole(-3, 3) / 2.0;
      return matrix;
    };
    for (std::int64_t k = 0; k < m; ++k) group_i.push_back(whole(-1, groups_i - 2));
    for (std::int64_t k = 0; k < n; ++k) group_j.push_back(whole(0, groups_j - 1));
    for (std::int32_t g = 1; g < groups_i; ++g) {
      for (std::int32_t h = 0; h < groups_j; ++h) {
        if (whole(0, 999) >= 1000 * share) continue;
        const auto at = static_cast<std::ptrdiff_t>(kept_i.size() / 2);  // in no particular order, and some of them twice
        kept_i.insert(kept_i.begin() + at, g);
        kept_from.insert(kept_from.begin() + at, h);
        kept_to.insert(kept_to.begin() + at, std::min(groups_j - 1, h + whole(0, 1)));
      }
    }
    Matrix u{m, groups_i, std::vector<double>(static_cast<std::size_t>(m * groups_i), 0)};
    Matrix v{n, groups_i, std::vector<double>(static_cast<std::size_t>(n * groups_i), 0)};
    for (std::int64_t k = 0; k < m; ++k) {
      if (group_i[static_cast<std::size_t>(k)] >= 0) u.at(k, group_i[static_cast<std::size_t>(k)]) = 1;
    }
    for (std::int64_t k = 0; k < n; ++k) {
      for (std::size_t b = 0; b < kept_i.size(); ++b) {
        const std::int32_t h = group_j[static_cast<std::size_t>(k)];
        if (kept_from[b] <= h && h <= kept_to[b]) v.at(k, kept_i[b]) = 1;
      }
    }
    data = {numbers(m, 2), numbers(n, 2), numbers(n, 1), numbers(m, 1), u, v, column({0})};
  }

  double kept() const {
    double pairs = 0;
    for (std::int64_t g = 0; g < groups_i; ++g) {
      const auto column = [&](const Matrix& m) {
        return std::count(m.values.begin() + g * m.rows, m.values.begin() + (g + 1) * m.rows, 1);
      };
      pairs += static_cast<double>(column(data[4])) * static_cast<double>(column(data[5]));
    }
    return pairs;
  }

  std::vector<Matrix> run(const std::string& formula, Precision precision, bool in_blocks, int threads = 1) const {
    rkeops::RunOptions options = run_options(precision);
    options.threads = threads;
    if (in_blocks) options.blocks = rkeops::make_blocks(groups);
    return check::run(formula, declared, data, options);
  }

  // `masked`: the formula with a mask, whose neutral value is w.
  void compare(const std::string& formula, const std::string& masked, Precision precision, double neutral = 0) {
    data[6].values[0] = neutral;
    const std::vector<Matrix> expected = run(masked, precision, false), got = run(formula, precision, true);
    const double tolerance = precision == Precision::float32 ? 2e-4 : 1e-11;
    bool same = got.size() == expected.size();
    for (std::size_t p = 0; same && p < got.size(); ++p) {
      for (std::size_t k = 0; same && k < got[p].values.size(); ++k) {
        same = near(got[p].values[k], expected[p].values[k], tolerance * std::max(1.0, std::fabs(expected[p].values[k])));
      }
    }
    CHECK_THAT(same, formula + ", " + name_of(precision) + ", " + show(data[0].rows) + " x " + show(data[1].rows));
    CHECK_THAT(same_bits(run(formula, precision, true, 2), got), formula + " with two threads");
  }
};

std::string kept(const std::string& formula) { return "IfElse((u|v)-0.5," + formula + ",w)"; }

void each_size(double share, const std::function<void(Random&, Precision)>& body) {
  std::mt19937_64 random(21);
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {40, 25}, {300, 901}, {1500, 33}};
  for (const auto& [m, n] : sizes) {
    Random blocks(m, n, random, share);
    for (Precision precision : {Precision::float64, Precision::float32}) body(blocks, precision);
  }
}

TEST("all reductions") {
  each_size(0.5, [](Random& blocks, Precision precision) {
    for (const rkeops::Reduction& row : rkeops::reductions()) {
      if (row.reducer == &rkeops::entries_reducer() || row.reducer == &rkeops::two_sided_reducer()) continue;
      if (row.reducer == &rkeops::where_reducer()) continue;  // test_where.cpp
      const bool scalar = row.reducer == &rkeops::softmax_reducer();
      for (const char* axis : {"0", "1"}) {
        for (const char* k : {"1", "6", "40"}) {
          if (!row.ranked() && *k != '6') continue;
          if (row.ranked() && std::stoll(k) > std::min(blocks.data[0].rows, blocks.data[1].rows)) continue;
          const std::string f = scalar ? "(x|y)" : "(x-2*y)", w = row.weighted() ? ",b*a" : "";
          const std::string end = w + (row.ranked() ? std::string(",") + k : "") + "," + axis + ")";
          const std::string masked_end = (w.empty() ? "" : ",IfElse((u|v)-0.5,b*a,0)") + end.substr(w.size());
          const std::string name = std::string(row.name) + "_Reduction(";
          blocks.compare(name + f + end, name + kept(f) + masked_end, precision, row.neutral);
        }
      }
    }
  });
}

TEST("both sums, and formulas in which rows and columns never meet") {
  each_size(0.4, [](Random& blocks, Precision precision) {
    blocks.compare("SumBoth_Reduction(x*y,b*x,1)", "SumBoth_Reduction(" + kept("x*y") + "," + kept("b*x") + ",1)", precision);
    for (const char* f : {"x", "y", "IntCst(1)", "w+1"}) {
      for (const char* axis : {",0)", ",1)"}) {
        blocks.compare(std::string("Sum_Reduction(") + f + axis, "Sum_Reduction(" + kept(f) + axis, precision);
        const std::string name = "ArgMin_Reduction(";
        blocks.compare(name + f + axis, name + kept(f) + axis, precision, std::nan(""));
      }
    }
  });
}

TEST("stages and derivatives") {
  each_size(0.5, [](Random& blocks, Precision precision) {
    const std::string k = "Exp(-SqDist(x,y)*(w+1))", l = "-SqDist(x,y)";
    const std::string masked = "IfElse((u|v)-0.5," + k + ",0)";
    const auto same = [&](const std::string& formula, const std::string& kernel, const std::string& in_mask, double neutral = 0) {
      const auto with = [&](std::string text, const std::string& by) {
        for (std::size_t at; (at = text.find("K_")) != text.npos;) text.replace(at, 2, by);
        return text;
      };
      blocks.compare(with(formula, kernel), with(formula, in_mask), precision, neutral);
    };
    same("Sum_Reduction(K_*b,1)/(Sum_Reduction(K_,1)+1)", k, masked);
    same("Sum_Reduction(K_*b/(Sum_Reduction(K_,0)+1),1)", k, masked);
    same("Grad(Sum_Reduction(K_*b,1),x,a);Grad(Sum_Reduction(K_*b,1),y,a);Grad(Sum_Reduction(K_*b,1),w,a)", k, masked);
    same("Grad(Sum_Reduction(K_*a,0),y,b)", k, masked);
    same("Grad(Sum_Reduction(K_*b,1),b,x)", "x", kept("x"));
    same("Grad(Grad(Sum_Reduction(K_*b,1),x,a),y,x)", k, masked);
    same("Diff(Sum_Reduction(K_*b,1),x,x)", k, masked);
    same("Diff(Grad(Sum_Reduction(K_*b,1),y,a),x,x)", k, masked);
    same("Grad(LogSumExp_Reduction(K_,1),y,a)", l, kept(l), -1e9);
    same("Grad(SumSoftMaxWeight_Reduction(K_,y,0),x,y)", l, kept(l), -1e9);
  });
}

TEST("evaluations") {
  std::mt19937_64 random(22);
  Random blocks(200, 300, random, 0.3);
  for (const char* formula : {"Sum_Reduction(Exp(-SqDist(x,y))*b,1)", "ArgKMin_Reduction(SqDist(x,y)+a,3,1)",
                              "Grad(LogSumExp_Reduction(-SqDist(x,y)*Exp(w),1),y,a)"}) {
    const auto program = Program::create(formula, arguments(declared));
    rkeops::RunOptions options = run_options();
    options.blocks = rkeops::make_blocks(blocks.groups);
    const auto evaluation = program->prepare(inputs(blocks.data), options, {});
    for (const std::size_t k : {2, 0, 1, 3, 6, 2}) {
      std::vector<Matrix> got = run(*program, inputs(blocks.data), options);
      for (double& value : got[0].values) value = 0;
      evaluation->run({got[0].values.data()}, {});
      CHECK_THAT(same_bits(got, run(*program, inputs(blocks.data), options)), formula);
      for (double& value : blocks.data[k].values) value += 0.25;
      evaluation->set(k, blocks.data[k].input());
    }
  }
}

TEST("what is kept") {
  std::mt19937_64 random(23);
  const auto pairs = [](const rkeops::BlockGroups& groups) { return rkeops::kept_pairs(*rkeops::make_blocks(groups)); };
  const Random some(70, 90, random, 0.4);
  CHECK_EQUAL(pairs(some.groups), some.kept());
  CHECK_EQUAL(pairs({{0, 0, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 0}, {0, 1, 1, 1}}), 2 + 4.0);
  CHECK_EQUAL(pairs({}), 0.0);
  // Groups that keep the same are one, and so are ranges that meet.
  const rkeops::PairBlocks blocks({{0, 1, 0, 2, -1}, {0, 1, 2, 0}, {0, 0, 1, 2}, {0, 1, 0, 2}, {0, 1, 1, 2}});
  const rkeops::BlockSide &i = blocks.of(rkeops::Category::i), &j = blocks.of(rkeops::Category::j);
  CHECK_EQUAL(i.order, (Numbers{0, 2, 1, 3, 4}));
  CHECK_EQUAL(i.groups.size(), 3u);
  CHECK_EQUAL(i.kept.size(), 2u);
  CHECK_EQUAL(i.kept[0].to, 3);
  CHECK_EQUAL(j.groups.size(), 2u);
  CHECK_EQUAL(j.kept[1].from, 3);
  CHECK_EQUAL(j.kept[1].to, 4);
}

TEST("points within a radius") {
  std::mt19937_64 random(25);
  for (const auto& [m, n, dim] : {std::array<std::int64_t, 3>{1000, 700, 2}, {3000, 3000, 3}, {1, 130, 1}, {64, 65, 5}, {0, 3, 2}}) {
    const Matrix x = random_matrix(dim, m, random), y = random_matrix(dim, n, random);
    const double radius = 0.3;
    const rkeops::BlockGroups groups = rkeops::groups_within(x.values, y.values, dim, radius);
    const rkeops::PairBlocks blocks(groups);
    std::set<std::pair<std::int32_t, std::int32_t>> kept;
    for (std::size_t k = 0; k < groups.kept_i.size(); ++k) kept.insert({groups.kept_i[k], groups.kept_from[k]});
    bool all = true;
    for (std::int64_t a = 0; a < m; ++a) {
      for (std::int64_t b = 0; b < n; ++b) {
        double sum = 0;
        for (std::int64_t c = 0; c < dim; ++c) sum += std::pow(x.at(c, a) - y.at(c, b), 2);
        if (sum > radius * radius) continue;
        all = all && kept.count({groups.group_i[static_cast<std::size_t>(a)], groups.group_j[static_cast<std::size_t>(b)]});
      }
    }
    CHECK_THAT(all, show(m) + " and " + show(n) + " points");
    if (m >= 1000) CHECK(blocks.pairs() < 0.6 * static_cast<double>(m) * static_cast<double>(n));
  }
}

TEST("wrong blocks") {
  std::mt19937_64 random(24);
  const Random some(30, 20, random, 0.5);
  rkeops::RunOptions options = run_options();
  options.blocks = rkeops::make_blocks({some.groups.group_j, some.groups.group_i, {0}, {0}, {0}});
  CHECK_THROWS({ run("Sum_Reduction(x*y,1)", declared, some.data, options); },
               {ErrorKind::dimension, "those of 20 rows i and 30 rows j, there are 30 and 20"});
  CHECK_THROWS({ Program::create("Sum_Reduction(x*y,1)", arguments(declared))->prepare(inputs(some.data), options, {}); },
               {ErrorKind::dimension, "those of 20 rows i"});
  options.blocks = rkeops::make_blocks(some.groups);
  options.processor = rkeops::Processor::gpu;
  CHECK_THROWS({ run("Sum_Reduction(x*y,1)", declared, some.data, options); }, {ErrorKind::unsupported, "not available on GPUs"});
}

}  // namespace
