// What has to be known of a kernel's formula so that pairs can be left out.
#pragma once

#include <memory>

#include "../base/hash.hpp"
#include "kernel_plan.hpp"

namespace rkeops {

class PairBounds;

// Which packed numbers say where a row or a column is.
struct Coordinates {
  std::vector<std::int64_t> row, column;  // components of packed data
};

struct GeometryPlan {
  std::shared_ptr<const PairBounds> bounds;  // none: nothing can be left out by bounds
  Coordinates coordinates;
  KernelPlan ordered;  // for columns in any order
  Digest digest;       // of its text
};

}  // namespace rkeops
