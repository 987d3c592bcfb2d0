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

// What sums with a tolerance know of F. Component k is s b, if it has a weight: b is a product of packed numbers of the column.
struct Weights {
  struct Component {
    std::int64_t scale, weight;  // the place of s among the results of `bounds`, the number of b; -1: none
  };
  std::vector<Component> components;
  std::vector<std::vector<std::int64_t>> factors;  // of each weight: components of packed columns
  std::shared_ptr<const PairBounds> bounds;        // of the results of the formula, then of each s
  double tiny = 0;                                 // what s b may be off where it is computed as 0
};

struct GeometryPlan {
  std::shared_ptr<const PairBounds> bounds;  // none: nothing can be left out by bounds
  Weights weights;                           // of sums
  Coordinates coordinates;
  KernelPlan ordered;  // for columns in any order
  Digest digest;       // of its text
};

}  // namespace rkeops
