// Schedules: tiles cover all rows, tasks all pairs once, states are merged in the order of their columns; for every
// reduction, CPU and GPU, around the sizes of tiles, blocks and splits.
#include "interpret.hpp"

using namespace check;
using namespace rkeops;

namespace {

KernelPlan kernel_of(const std::string& formula, const std::vector<std::string>& declared, Processor processor,
                     Precision precision) {
  Parsed parsed(formula, declared);
  return generate(lower(parsed.root), Target{precision, 32, processor});
}

// What is wrong with it; "" if nothing is.
std::string fault(const Schedule& s, const KernelPlan& kernel, std::int64_t rows, std::int64_t columns) {
  std::int64_t row = 0;
  for (const Tile& tile : s.tiles) {
    if (tile.first_row != row || tile.rows < 1 || tile.rows > kernel.tile_rows()) return "tiles do not follow each other";
    row += tile.rows;
  }
  if (row != rows) return "tiles do not cover the rows";
  const auto tiles = static_cast<std::int64_t>(s.tiles.size());
  std::int64_t task = 0, share = 0, tile = 0;
  std::vector<std::int64_t> done(s.tiles.size(), 0);    // columns that a tile has been folded with
  std::vector<std::int64_t> splits(s.tiles.size(), 0);  // and their splits
  for (const Pass& pass : s.passes) {
    if (pass.tiles.from != tile || pass.shares.from != share) return "passes do not follow each other";
    tile = pass.tiles.to;
    for (; share < pass.shares.to; ++share) {
      const WorkerShare& own = s.shares[static_cast<std::size_t>(share)];
      if (own.tasks.from != task) return "shares do not follow each other";
      if (own.totals < 0 || own.totals >= s.totals) return "a share without totals";
      for (; task < own.tasks.to; ++task) {
        const Task& t = s.tasks[static_cast<std::size_t>(task)];
        if (t.tiles.from < pass.tiles.from || t.tiles.to > pass.tiles.to) return "a task outside of its pass";
        if (t.tiles.size() < 1 || t.tiles.size() > s.row_block) return "a task of too many tiles";
        if (t.split < 0 || t.split >= s.column_splits) return "a task without a state";
        for (std::int64_t k = t.tiles.from; k < t.tiles.to; ++k) {
          const auto at = static_cast<std::size_t>(k);
          if (t.columns.from != done[at] || t.columns.to < t.columns.from) return "columns do not follow each other";
          done[at] = t.columns.to;
          if (kernel.processor == Processor::cpu && t.split != splits[at]++) return "states are not in the order of columns";
        }
      }
    }
  }
  if (tile != tiles || share != static_cast<std::int64_t>(s.shares.size())) return "passes do not cover all";
  if (task != static_cast<std::int64_t>(s.tasks.size())) return "shares do not cover all";
  for (std::int64_t end : done) {
    if (end != columns) return "a tile without all columns";
  }
  return "";
}

// Two workers never add to the same totals of a column: shares of the same totals have columns of their own.
bool totals_are_apart(const Schedule& s) {
  for (const Pass& pass : s.passes) {
    for (std::int64_t a = pass.shares.from; a < pass.shares.to; ++a) {
      for (std::int64_t b = a + 1; b < pass.shares.to; ++b) {
        const WorkerShare &one = s.shares[static_cast<std::size_t>(a)], &other = s.shares[static_cast<std::size_t>(b)];
        if (one.totals != other.totals || one.tasks.size() == 0 || other.tasks.size() == 0) continue;
        const Range x = s.tasks[static_cast<std::size_t>(one.tasks.from)].columns;
        const Range y = s.tasks[static_cast<std::size_t>(other.tasks.from)].columns;
        if (x.to > y.from && y.to > x.from) return false;
      }
    }
  }
  return true;
}

TEST("all pairs once") {
  const std::pair<const char*, const char*> formulas[] = {
      {"Sum_Reduction(Exp(-SqDist(x,y))*b,1)", "2"},
      {"SumBoth_Reduction(x*y,b*x,1)", "2"},
      {"Min_ArgMin_Reduction(x-y,1)", "2"},
      {"KMin_Reduction(x-y,3,1)", "2"},
      {"KMin_Reduction(x-y,60,1)", "2"},
      {"LogSumExp_Reduction(x|y,1)", "2"},
      {"Entries_Reduction(x*y,1)", "2"},
      {"Sum_Reduction(TensorProd(x,y),1)", "40"}};
  const std::int64_t rows[] = {0, 1, 15, 16, 17, 33, 500, 513, 4096, 70001};
  const std::int64_t columns[] = {0, 1, 2, 131, 132, 133, 4096, 4097, 8192, 100003};
  for (const auto& [formula, dim] : formulas) {
    const std::string of_dim = std::string("(") + dim + ")";
    for (Processor processor : {Processor::cpu, Processor::gpu}) {
      if (processor == Processor::gpu && std::string(formula).find("SumBoth") == 0) continue;  // two passes there
      for (Precision precision : {Precision::float32, Precision::float64}) {
        const KernelPlan kernel = kernel_of(formula, {"x=Vi" + of_dim, "y=Vj" + of_dim, "b=Vj" + of_dim}, processor, precision);
        for (std::int64_t m : rows) {
          for (std::int64_t n : columns) {
            const Schedule s = processor == Processor::cpu ? dense_schedule(kernel, m, n) : dense_gpu_schedule(kernel, m, n);
            const std::string what = std::string(formula) + ", " + show(m) + " x " + show(n) + ": " + fault(s, kernel, m, n);
            CHECK_THAT(m == 0 || n == 0 || fault(s, kernel, m, n).empty(), what);
            CHECK_THAT(kernel.column_sums == 0 || totals_are_apart(s), what);
          }
        }
      }
    }
  }
}

// Sizes decide, and nothing else: a schedule made again is the same, and few rows are split into columns for many threads.
TEST("cuts") {
  const KernelPlan kernel = kernel_of("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", {"x=Vi(3)", "y=Vj(3)", "b=Vj(1)"}, Processor::cpu,
                                      Precision::float32);
  CHECK_EQUAL(dense_schedule(kernel, 1000, 1000).column_splits, std::int64_t{1});
  CHECK(dense_schedule(kernel, 1, 1000000).column_splits > 1);
  CHECK(dense_schedule(kernel, 1, 1000000).tasks.size() <= 64);
  CHECK(dense_schedule(kernel, 1000000, 1000).row_block > 1);
  CHECK_EQUAL(dense_schedule(kernel, 1, 1000000).column_block % rkeops::heuristics::column_step, std::int64_t{0});
  const KernelPlan two_sided =
      kernel_of("SumBoth_Reduction(x*y,y,1)", {"x=Vi(1)", "y=Vj(1)"}, Processor::cpu, Precision::float64);
  CHECK(dense_schedule(two_sided, 100000, 1000).totals > 1);
  CHECK(dense_schedule(two_sided, 4000000, 3000000).passes.size() > 1);
}

}  // namespace
