// How a program is computed for one target: its passes over the pairs, with their kernels.
#pragma once

#include "../plan/geometry.hpp"
#include "readings.hpp"
#include "stage.hpp"

namespace rkeops {

// Made once, never changed.
struct StagePlan {
  KernelPlan kernel;
  Digest digest;                                  // of its text
  std::vector<std::int64_t> widths;               // columns of the parts of its result
  std::shared_ptr<const GeometryPlan> geometry;   // none: all pairs are folded
  std::int64_t node, width;                       // an inner stage: what later stages know its result by, and its columns
  std::int64_t part, parts;                       // others write the output, from this part on; -1 for inner ones
  std::int64_t other_node = -1, other_width = 0;  // an inner stage that sums over rows as well: that result
  std::vector<ReadingPlan> readings = {};         // results found in these
};

struct ProgramPlan {
  std::vector<StagePlan> stages;
  std::vector<Write> writes;
};

// The stage that computes a plan, for `keep` of more runs than one.
using MakeStage = std::unique_ptr<Stage> (*)(const StagePlan& plan, StageData data, const RunOptions& options, bool keep);

}  // namespace rkeops
