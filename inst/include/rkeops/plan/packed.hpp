// Packed data as they lie in memory: for each row, each column and once for the parameters, the components of leaves side by
// side, then what a prologue computes from them.
#pragma once

#include <vector>

#include "../base/types.hpp"

namespace rkeops {

// Read from memory, one number for each component.
struct Leaf {
  enum class From : std::uint8_t { input, stage, row_number } from;
  Part part;           // of a row number
  std::int64_t index;  // of the input, or node of the stage
};

struct PackedLeaf : Leaf {
  std::int64_t dim, offset;
  bool feeds_hoisted = false;  // something hoisted is computed from it
};

struct PackedArea {
  std::vector<PackedLeaf> leaves;
  std::int64_t width = 0;
  bool has_prologue = false;
};

}  // namespace rkeops
