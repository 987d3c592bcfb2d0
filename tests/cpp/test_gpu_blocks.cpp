// Blocks of pairs on the GPU target, by the fake driver: every reduction is what it is with a mask of the same pairs, and positions
// are those of the CPU; stages, derivatives, devices, memory, evaluations; all pairs are somebody's task. NVRTC compiles the kernels.
//   test_gpu_blocks [--full]   all axes and precisions; else in turn
#include <set>

#include "gpu_fake.hpp"
#include "random_blocks.hpp"
#include "rkeops/geometry/make_stage.hpp"

using namespace check;

namespace {

struct Formula {
  std::string text, masked;
  double neutral = 0;
  bool is_exact = false;  // no sums
};

// All reductions, with both ways of the K nearest, over both axes.
std::vector<Formula> reductions_of_blocks() {
  std::vector<Formula> list;
  for (const rkeops::Reduction& row : rkeops::reductions()) {
    if (row.reducer == &rkeops::entries_reducer() || row.reducer == &rkeops::two_sided_reducer()) continue;
    if (row.reducer == &rkeops::where_reducer()) continue;  // on CPUs, test_where.cpp
    const bool is_softmax = row.reducer == &rkeops::softmax_reducer();
    for (const char* k : {"1", "6", "40"}) {
      if (!row.ranked() && *k != '6') continue;
      for (const char* axis : {"0", "1"}) {
        const std::string f = is_softmax ? "(x|y)" : "(x-2*y)", w = row.weighted() ? ",b*a" : "";
        const std::string end = (row.ranked() ? std::string(",") + k : "") + "," + axis + ")";
        const std::string name = std::string(row.name) + "_Reduction(";
        list.push_back({name + f + w + end, name + in_mask(f) + (w.empty() ? "" : ",IfElse((u|v)-0.5,b*a,0)") + end, row.neutral,
                        !is_softmax && row.reducer != &rkeops::sum_reducer()});
      }
    }
  }
  return list;
}

// With K_ for a kernel, or a mask of it: stages, first and second derivatives, formulas with no column or no row; then columns
// that are too wide for shared memory, and results in windows.
std::vector<Formula> other_formulas() {
  std::vector<Formula> list;
  const auto add = [&](const std::string& formula, const std::string& kernel, const std::string& masked, double neutral = 0) {
    list.push_back({rkeops::replace_words(formula, {{"K_", kernel}}), rkeops::replace_words(formula, {{"K_", masked}}), neutral});
  };
  const std::string k = "Exp(-SqDist(x,y)*(w+1))", l = "-SqDist(x,y)", masked = "IfElse((u|v)-0.5," + k + ",0)";
  add("Sum_Reduction(K_*b/(Sum_Reduction(K_,0)+1),1)", k, masked);
  add("Grad(Sum_Reduction(K_*b,1),x,a);Grad(Sum_Reduction(K_*b,1),y,a);Grad(Sum_Reduction(K_*b,1),w,a)", k, masked);
  add("Grad(Grad(Sum_Reduction(K_*b,1),x,a),y,x)", k, masked);
  add("Grad(LogSumExp_Reduction(K_,1),y,a)", l, in_mask(l), -1e9);
  add("Grad(Max_Reduction(K_,1),x,a)", l, in_mask(l), -1e9);
  add("SumBoth_Reduction(K_,K_*x,1)", k, masked);
  for (const char* f : {"b", "a", "Square(b-a)"}) add("Sum_Reduction(K_,1)", f, in_mask(f));
  for (const char* f : {"SqDist(p,q)", "TensorProd(Extract(p,0,20),Extract(q,1,20))"}) add("Sum_Reduction(K_,1)", f, in_mask(f));
  add("ArgMin_Reduction(K_,0)", "(p|q)", in_mask("(p|q)"), std::nan(""));
  list.back().is_exact = true;
  return list;
}

void compare(RandomBlocks& blocks, const Formula& f, Precision precision) {
  const std::vector<Matrix> got = blocks.compare(f.text, f.masked, gpu_options(precision), f.neutral);
  if (!f.is_exact) return;
  const std::vector<Matrix> expected = blocks.run(f.text, run_options(precision));
  bool same = got.size() == expected.size();
  for (std::size_t p = 0; same && p < got.size(); ++p) {
    same = std::equal(got[p].values.begin(), got[p].values.end(), expected[p].values.begin(),
                      [](double a, double b) { return equal(a, b); });
  }
  CHECK_THAT(same, f.text + ", " + name_of(precision) + ": the CPU has other results");
}

void add_wide_variables(RandomBlocks& blocks, std::mt19937_64& random) {
  for (const char* variable : {"p=Vi(140)", "q=Vj(140)"}) {
    blocks.declared.push_back(variable);
    blocks.data.push_back(random_matrix(blocks.data[*variable == 'q'].rows, 140, random));
    for (double& value : blocks.data.back().values) value = std::round(2 * value);
  }
}

void compare_all(const std::vector<Formula>& all) {
  in_processes(2, static_cast<std::int64_t>(all.size()), [&](std::int64_t k) {
    std::mt19937_64 random(31);
    const struct {
      std::int64_t m, n;
      double share;
    } shapes[] = {{60, 45, 0.5}, {300, 901, 0.5}, {1500, 70, 0.5}, {60, 45, 0}};
    for (const auto& [m, n, share] : shapes) {
      RandomBlocks blocks(m, n, random, share);
      add_wide_variables(blocks, random);
      for (Precision precision : {Precision::float64, Precision::float32}) {
        if (!option("--full") && (k / 2 % 2 == 0) != (precision == Precision::float64)) continue;
        compare(blocks, all[static_cast<std::size_t>(k)], precision);
      }
    }
  });
}

TEST("all reductions") {
  use_fake_cuda();
  const std::vector<Formula> all = reductions_of_blocks();
  std::vector<Formula> some;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (option("--full") || k / 2 % 2 == k % 2) some.push_back(all[k]);
  }
  compare_all(some);
}

TEST("stages, derivatives, wide ones") {
  use_fake_cuda();
  compare_all(other_formulas());
}

// Several states for a tile, of which equal ones meet. Devices, memory and the length of launches change no bit.
TEST("many columns") {
  use_fake_cuda();
  const auto formula = [](const std::string& name, const std::string& f, const std::string& end) {
    const bool is_exact = name != "Sum";
    return Formula{name + "_Reduction(" + f + end, name + "_Reduction(" + in_mask(f) + end, is_exact ? std::nan("") : 0, is_exact};
  };
  for (const Formula& f : {formula("KMin_ArgKMin", "(x-y)", ",3,1)"), formula("Max_ArgMax", "(x-y)", ",1)"),
                           formula("ArgKMin", "(x|y)", ",40,1)"), formula("Sum", "(x*y)", ",1)")}) {
    const auto each_precision = [&](const char* what, std::vector<std::pair<const char*, const char*>> settings,
                                    const std::function<bool(RandomBlocks&, rkeops::RunOptions)>& body) {
      std::mt19937_64 random(32);
      RandomBlocks blocks(20, 30000, random, 0.9);
      in_child(what, settings, [&] {
        return body(blocks, gpu_options(Precision::float64)) && body(blocks, gpu_options(Precision::float32));
      });
    };
    each_precision("masks", {}, [&](RandomBlocks& blocks, const rkeops::RunOptions& options) {
      const std::int64_t failed = counts().failed;
      compare(blocks, f, options.precision);
      return counts().failed == failed;
    });
    each_precision("batches", {}, [&](RandomBlocks& blocks, const rkeops::RunOptions& options) {
      setenv("FAKE_CUDA_MEMORY", "1000000000", 1);
      const auto whole = blocks.run(f.text, options);
      setenv("FAKE_CUDA_MEMORY", "1500000", 1);
      return same_bits(blocks.run(f.text, options), whole);
    });
    each_precision("devices", {{"FAKE_CUDA_DEVICES", "3"}, {"FAKE_CUDA_SLOW", "1"}},
                   [&](RandomBlocks& blocks, rkeops::RunOptions options) {
                     const auto whole = blocks.run(f.text, options);
                     options.devices = {2, 1, 0};
                     return same_bits(blocks.run(f.text, options), whole);
                   });
  }
}

TEST("evaluations") {
  use_fake_cuda();
  in_child("an evaluation", {}, [] {
    std::mt19937_64 random(33);
    RandomBlocks blocks(200, 300, random, 0.3);
    const auto program = rkeops::Program::create("Grad(LogSumExp_Reduction(-SqDist(x,y)*Exp(w),1),y,a)", arguments(blocks.declared));
    rkeops::RunOptions options = gpu_options(Precision::float64);
    options.blocks = rkeops::make_blocks(blocks.groups);
    const auto evaluation = program->prepare(inputs(blocks.data), options, {});
    bool good = true;
    for (const std::size_t k : {0, 1, 3, 6}) {
      std::vector<Matrix> got = run(*program, inputs(blocks.data), options);
      for (double& value : got[0].values) value = 0;
      evaluation->run({got[0].values.data()}, {});
      good = same_bits(got, run(*program, inputs(blocks.data), options)) && good;
      for (double& value : blocks.data[k].values) value += 0.25;
      evaluation->set(k, blocks.data[k].input());
    }
    return good;
  });
}

TEST("tensor cores") {
  use_fake_cuda();
  std::mt19937_64 random(34);
  RandomBlocks blocks(300, 250, random, 0.5);
  add_wide_variables(blocks, random);
  rkeops::RunOptions options = gpu_options(Precision::float32);
  options.tensor_cores = true;
  const std::string f = "Exp(-SqDist(p,q)/200)*b";
  blocks.compare("Sum_Reduction(" + f + ",1)", "Sum_Reduction(" + in_mask(f) + ",1)", options);
}

rkeops::KernelPlan kernel_by_tasks(rkeops::Expr stage, const rkeops::Target& target) {
  return generate(rkeops::lower(target.tensor_cores ? expand_distances(stage) : stage), target, true);
}

// Each kept pair of a tile and a column is part of one task, however columns are cut, and states have theirs in order.
TEST("tasks") {
  rkeops::Graph graph;
  rkeops::Arguments known(arguments({"x=Vi(3)", "y=Vj(3)"}));
  const rkeops::Expr stage = check::stages(check::parse(graph, "Sum_Reduction(Exp(-SqDist(x,y)),1)", known)).back();
  const rkeops::KernelPlan kernel = kernel_by_tasks(stage, {Precision::float32, 32, Processor::gpu});
  std::mt19937_64 random(35);
  for (const std::int64_t columns : {50, 3000, 60000}) {
    const auto whole = [&](std::int64_t low, std::int64_t high) { return std::uniform_int_distribution<std::int64_t>(low, high)(random); };
    rkeops::ColumnLists lists{{0, 0, 2, 1, 3, 3}, {0}, {}};
    std::vector<std::int64_t> kept;
    for (std::int64_t list = 0; list < 4; ++list) {
      std::int64_t count = 0;
      for (std::int64_t at = whole(0, 9); list != 2 && at < columns;) {  // list 2 is empty
        const std::int64_t to = std::min(columns, at + whole(1, 1 + columns / 8));
        lists.ranges.push_back({at, to});
        count += to - at;
        at = to + whole(1, 9);
      }
      lists.first.push_back(static_cast<std::int64_t>(lists.ranges.size()));
      kept.push_back(count);
    }
    const rkeops::GpuTasks tasks(kernel, lists);
    const rkeops::Range tiles{1, 6};
    CHECK_EQUAL(tasks.columns(), static_cast<double>(2 * kept[0] + kept[2] + kept[1] + 2 * kept[3]));
    CHECK_EQUAL(tasks.states({2, 3}).size(), std::int64_t{1});
    CHECK(tasks.states({0, 6}).size() > 6 || columns < 60000);
    std::set<std::pair<std::int64_t, std::int64_t>> done;
    std::vector<std::int64_t> last(static_cast<std::size_t>(tasks.states(tiles).size()), -1);
    std::int64_t count = 0;
    bool good = true;
    for (std::int64_t from = 0; from < columns;) {
      const rkeops::Range batch{from, from + whole(1, columns)};
      for (const rkeops::GpuTask& task : tasks.of(tiles, batch)) {
        std::int64_t range = task.range, at = task.from;
        for (std::int64_t k = 0; k < task.count; ++k, ++at) {
          if (at == lists.ranges[static_cast<std::size_t>(range)].to) at = lists.ranges[static_cast<std::size_t>(++range)].from;
          good = good && at >= batch.from && at < batch.to && at > last[static_cast<std::size_t>(task.state)];
          last[static_cast<std::size_t>(task.state)] = at;
          done.insert({task.tile, at});
        }
        const std::int64_t list = lists.of_tile[static_cast<std::size_t>(tiles.from + task.tile)];
        good = good && range < lists.first[static_cast<std::size_t>(list + 1)] && task.range >= lists.first[static_cast<std::size_t>(list)];
        count += task.count;
      }
      from = batch.to;
    }
    CHECK_THAT(good, show(columns) + " columns");
    CHECK_EQUAL(count, kept[0] + kept[2] + kept[1] + 2 * kept[3]);
    CHECK_EQUAL(static_cast<std::int64_t>(done.size()), count);
  }
}

TEST("nvrtc") {
  const rkeops::Nvrtc* real = real_nvrtc();
  if (!real) return skip("no NVRTC");
  std::vector<Case> all = cases();
  for (const std::vector<Case>& more : {long_cases(), product_cases()}) all.insert(all.end(), more.begin(), more.end());
  const auto products = static_cast<std::int64_t>(all.size() - product_cases().size());
  in_processes(2, static_cast<std::int64_t>(all.size()), [&](std::int64_t k) {
    const Case& c = all[static_cast<std::size_t>(k)];
    if (!option("--full") && k % 4 != 0) return;
    for (Precision precision : {Precision::float32, Precision::float64}) {
      if (!option("--full") && (k % 8 == 0) != (precision == Precision::float32)) continue;
      rkeops::Graph graph;
      rkeops::Arguments known(arguments(c.declarations));
      for (rkeops::Expr stage : check::stages(check::parse(graph, c.formula, known))) {
        const rkeops::KernelPlan kernel = kernel_by_tasks(stage, {precision, 32, Processor::gpu, k >= products});
        if (!kernel.folds_pairs()) continue;
        for (const int capability : option("--full") ? std::vector<int>{75, 80, 90, 100} : std::vector<int>{in_turn(k / 4)}) {
          if (kernel.tensor_cores && capability == 75) continue;
          std::string problem;
          try {
            real->compile_for("sm_" + show(capability), kernel.text);
          } catch (const rkeops::Error& error) {
            problem = error.what() + ("\n" + error.log);
          }
          CHECK_THAT(problem.empty(), c.formula + " for " + show(capability) + ": " + problem);
        }
      }
    }
  });
}

}  // namespace
