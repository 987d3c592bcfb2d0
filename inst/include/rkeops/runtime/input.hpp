// Views of the caller's data and the shape of what comes back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../base/types.hpp"

namespace rkeops {

// A borrowed column-major matrix, rows x cols. Integer NA is INT_MIN, as in R; it becomes NaN.
// by_rows: the data are given transposed, dim x n. Parameters are read in memory order, whatever their shape.
// keep: the data at this address are the same until forget() is called, so that a GPU need not get them twice.
struct Input {
  enum class Type : std::uint8_t { real64, integer32 };
  Type type = Type::real64;
  const void* data = nullptr;
  std::int64_t rows = 0, cols = 0;
  bool by_rows = false, keep = false;
};

// The result of a formula. Parts with K nearest values have K * dim columns, that of rank k (0-based) and component d being
// k + K * d, so that the memory is an R array rows x K x dim.
struct OutputShape {
  Category category = Category::i;  // of the (first) part
  std::int64_t dim = 0;             // dimension of the reduced formula
  std::int64_t k = 0;               // K of KMin and its kind, else 0
  std::string name;                 // that the formula has by a definition, or ""
  std::string reduction;            // "Sum", "KMin_ArgKMin", ...; "" for an expression of reductions
  std::vector<OutputPart> parts;
};

}  // namespace rkeops
