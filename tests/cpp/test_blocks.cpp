// Blocks of pairs: every reduction over the pairs of random blocks is what it is with a mask of the same pairs, over both axes, for
// stages and derivatives too; evaluations, threads and wrong blocks.
#include <array>
#include <set>

#include "engine_parts.hpp"
#include "random_blocks.hpp"

using namespace check;
using rkeops::ErrorKind;
using rkeops::Precision;
using rkeops::Program;

namespace {

const std::vector<std::string>& declared = block_variables;

void compare(RandomBlocks& blocks, const std::string& formula, const std::string& masked, Precision precision, double neutral = 0) {
  rkeops::RunOptions options = run_options(precision);
  options.threads = 1;
  const std::vector<Matrix> got = blocks.compare(formula, masked, options, neutral);
  options.threads = 2;
  CHECK_THAT(same_bits(blocks.run(formula, options), got), formula + " with two threads");
}

void each_size(double share, const std::function<void(RandomBlocks&, Precision)>& body) {
  std::mt19937_64 random(21);
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {40, 25}, {300, 901}, {1500, 33}};
  for (const auto& [m, n] : sizes) {
    RandomBlocks blocks(m, n, random, share);
    for (Precision precision : {Precision::float64, Precision::float32}) body(blocks, precision);
  }
}

TEST("all reductions") {
  each_size(0.5, [](RandomBlocks& blocks, Precision precision) {
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
          compare(blocks, name + f + end, name + in_mask(f) + masked_end, precision, row.neutral);
        }
      }
    }
  });
}

TEST("both sums, and formulas in which rows and columns never meet") {
  each_size(0.4, [](RandomBlocks& blocks, Precision precision) {
    compare(blocks, "SumBoth_Reduction(x*y,b*x,1)", "SumBoth_Reduction(" + in_mask("x*y") + "," + in_mask("b*x") + ",1)", precision);
    for (const char* f : {"x", "y", "IntCst(1)", "w+1"}) {
      for (const char* axis : {",0)", ",1)"}) {
        compare(blocks, std::string("Sum_Reduction(") + f + axis, "Sum_Reduction(" + in_mask(f) + axis, precision);
        const std::string name = "ArgMin_Reduction(";
        compare(blocks, name + f + axis, name + in_mask(f) + axis, precision, std::nan(""));
      }
    }
  });
}

TEST("stages and derivatives") {
  each_size(0.5, [](RandomBlocks& blocks, Precision precision) {
    const std::string k = "Exp(-SqDist(x,y)*(w+1))", l = "-SqDist(x,y)";
    const std::string masked = "IfElse((u|v)-0.5," + k + ",0)";
    const auto same = [&](const std::string& formula, const std::string& kernel, const std::string& in_mask, double neutral = 0) {
      const auto with = [&](std::string text, const std::string& by) {
        for (std::size_t at; (at = text.find("K_")) != text.npos;) text.replace(at, 2, by);
        return text;
      };
      compare(blocks, with(formula, kernel), with(formula, in_mask), precision, neutral);
    };
    same("Sum_Reduction(K_*b,1)/(Sum_Reduction(K_,1)+1)", k, masked);
    same("Sum_Reduction(K_*b/(Sum_Reduction(K_,0)+1),1)", k, masked);
    same("Grad(Sum_Reduction(K_*b,1),x,a);Grad(Sum_Reduction(K_*b,1),y,a);Grad(Sum_Reduction(K_*b,1),w,a)", k, masked);
    same("Grad(Sum_Reduction(K_*a,0),y,b)", k, masked);
    same("Grad(Sum_Reduction(K_*b,1),b,x)", "x", in_mask("x"));
    same("Grad(Grad(Sum_Reduction(K_*b,1),x,a),y,x)", k, masked);
    same("Diff(Sum_Reduction(K_*b,1),x,x)", k, masked);
    same("Diff(Grad(Sum_Reduction(K_*b,1),y,a),x,x)", k, masked);
    same("Grad(LogSumExp_Reduction(K_,1),y,a)", l, in_mask(l), -1e9);
    same("Grad(SumSoftMaxWeight_Reduction(K_,y,0),x,y)", l, in_mask(l), -1e9);
  });
}

TEST("evaluations") {
  std::mt19937_64 random(22);
  RandomBlocks blocks(200, 300, random, 0.3);
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
  const RandomBlocks some(70, 90, random, 0.4);
  CHECK_EQUAL(pairs(some.groups), some.kept());
  CHECK_EQUAL(pairs({{0, 0, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 0}, {0, 1, 1, 1}}), 2 + 4.0);
  CHECK_EQUAL(pairs({}), 0.0);
  // Groups that keep the same are one, and so are ranges that meet.
  const rkeops::PairBlocks blocks({{0, 1, 0, 2, -1}, {0, 1, 2, 0}, {0, 0, 1, 2}, {0, 1, 0, 2}, {0, 1, 1, 2}});
  const rkeops::BlockSide &i = blocks.of(rkeops::Category::i), &j = blocks.of(rkeops::Category::j);
  CHECK_EQUAL(i.order, (std::vector<std::int32_t>{0, 2, 1, 3, 4}));
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
  const RandomBlocks some(30, 20, random, 0.5);
  rkeops::RunOptions options = run_options();
  options.blocks = rkeops::make_blocks({some.groups.group_j, some.groups.group_i, {0}, {0}, {0}});
  CHECK_THROWS({ run("Sum_Reduction(x*y,1)", declared, some.data, options); },
               {ErrorKind::dimension, "those of 20 rows i and 30 rows j, there are 30 and 20"});
  CHECK_THROWS({ Program::create("Sum_Reduction(x*y,1)", arguments(declared))->prepare(inputs(some.data), options, {}); },
               {ErrorKind::dimension, "those of 20 rows i"});
}

}  // namespace
