// The caller's matrices to the kernels' layout: tiles of rows, component by component (one lane a row), in the
// kernel's precision.
#pragma once

#include <climits>
#include <cmath>

#include "../plan/kernel_plan.hpp"
#include "input.hpp"

namespace rkeops {

// A source of rows: an input, an earlier stage's result, or the row numbers themselves (no data).
struct Source {
  Input input;
  Part part = Part::whole;

  double at(std::int64_t row, std::int64_t col) const { return part_of(whole(row, col), part); }

  bool is_plain() const {
    return input.data && part == Part::whole && input.type == Input::Type::real64 && !input.by_rows;
  }

 private:
  double whole(std::int64_t row, std::int64_t col) const {
    if (!input.data) return static_cast<double>(row);
    const std::int64_t k = input.by_rows ? col + row * input.rows : row + col * input.rows;
    if (input.type == Input::Type::real64) return static_cast<const double*>(input.data)[k];
    const int value = static_cast<const int*>(input.data)[k];
    return value == INT_MIN ? std::nan("") : value;
  }
};

// What one run of a stage reads and writes.
struct StageData {
  std::vector<Source> row, column, parameter;  // parallel to the leaves of the kernel's areas
  std::int64_t rows, columns;
  // Of the output, column-major with `rows` rows (sums over rows: `columns`; entries: rows * columns).
  std::vector<double*> parts;
};

// tile[(offset + c) * tile_rows + r] = component c of row first + r. Rows past the end repeat the last one.
template <class Real>
void pack_tile(const Source& source, std::int64_t dim, std::int64_t first, std::int64_t rows, Real* tile,
               std::int64_t offset, std::int64_t tile_rows) {
  const std::int64_t valid = std::min<std::int64_t>(tile_rows, rows - first);
  const bool plain = source.is_plain();
  for (std::int64_t c = 0; c < dim; ++c) {
    Real* out = tile + (offset + c) * tile_rows;
    if (plain) {
      const double* in = static_cast<const double*>(source.input.data) + c * source.input.rows + first;
      for (std::int64_t r = 0; r < valid; ++r) out[r] = static_cast<Real>(in[r]);
    } else {
      for (std::int64_t r = 0; r < valid; ++r) out[r] = static_cast<Real>(source.at(first + r, c));
    }
    for (std::int64_t r = valid; r < tile_rows; ++r) out[r] = out[valid - 1];
  }
}

// Parameters are read in memory order.
template <class Real>
void pack_parameter(const Source& source, std::int64_t dim, Real* out) {
  for (std::int64_t c = 0; c < dim; ++c) {
    if (source.input.type == Input::Type::real64) {
      out[c] = static_cast<Real>(static_cast<const double*>(source.input.data)[c]);
    } else {
      const int value = static_cast<const int*>(source.input.data)[c];
      out[c] = value == INT_MIN ? std::numeric_limits<Real>::quiet_NaN() : static_cast<Real>(value);
    }
  }
}

// One tile of an area; `sources` are parallel to its leaves.
template <class Real>
void pack_area(const PackedArea& area, const std::vector<Source>& sources, std::int64_t first, std::int64_t rows,
               Real* tile, int tile_rows) {
  for (std::size_t l = 0; l < area.leaves.size(); ++l) {
    pack_tile(sources[l], area.leaves[l].dim, first, rows, tile, area.leaves[l].offset, tile_rows);
  }
}

template <class Real>
void pack_parameters(const PackedArea& area, const std::vector<Source>& sources, Real* out) {
  for (std::size_t l = 0; l < area.leaves.size(); ++l) {
    pack_parameter(sources[l], area.leaves[l].dim, out + area.leaves[l].offset);
  }
}

}  // namespace rkeops
