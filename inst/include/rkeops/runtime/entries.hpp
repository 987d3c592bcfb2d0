// Blocks of entries, as kernels leave them, to the result. The counterpart of reduce/entries.hpp.
#pragma once

#include <cstring>

#include "pack.hpp"

namespace rkeops {

// Rows [first, end) and columns [column, column + count): `block` has a tile of rows after the other, each with room
// for `room` columns.
inline void write_entries(const KernelPlan& kernel, const double* block, std::int64_t room, std::int64_t first,
                          std::int64_t end, std::int64_t column, std::int64_t count, const StageData& data) {
  const std::int64_t tile = kernel.tile_rows();
  for (std::int64_t k = 0; k < kernel.dim; ++k) {
    for (std::int64_t j = 0; j < count; ++j) {
      double* out = data.parts[0] + (k * data.columns + column + j) * data.rows;
      const double* in = block + (j * kernel.dim + k) * tile;
      for (std::int64_t row = first; row < end; row += tile, in += room * kernel.dim * tile) {
        std::memcpy(out + row, in, static_cast<std::size_t>(std::min(tile, end - row)) * sizeof(double));
      }
    }
  }
}

}  // namespace rkeops
