// The caller's matrices to the kernels' layout: tiles of rows, component by component (one lane a row), in the
// kernel's precision.
#pragma once

#include <climits>
#include <cmath>

#include "input.hpp"
#include "schedule.hpp"

namespace rkeops {

// A source of rows: an input, an earlier stage's result, or the row numbers themselves (no data).
struct Source {
  Input input;
  Part part = Part::whole;
  bool is_packed = false;  // by a stage that keeps its operands
  bool is_placed = false;  // and in an order that depends on them

  void change() { is_packed = is_placed = false; }

  double at(std::int64_t row, std::int64_t col) const { return part_of(whole(row, col), part); }

  // Number k in memory.
  double number(std::int64_t k) const {
    if (input.type == Input::Type::real64) return static_cast<const double*>(input.data)[k];
    const int value = static_cast<const int*>(input.data)[k];
    return value == INT_MIN ? std::nan("") : value;
  }

  bool is_plain() const {
    return input.data && part == Part::whole && input.type == Input::Type::real64 && !input.by_rows;
  }

 private:
  double whole(std::int64_t row, std::int64_t col) const {
    if (!input.data) return static_cast<double>(row);
    return number(input.by_rows ? col + row * input.rows : row + col * input.rows);
  }
};

// What a stage reads and writes.
struct StageData {
  std::vector<Source> row, column, parameter;  // parallel to the leaves of the kernel's areas
  std::int64_t rows, columns;
  // Of the output, column-major with `rows` rows (sums over rows: `columns`; entries: rows * columns).
  std::vector<double*> parts;
  std::vector<std::int64_t> widths = {};  // columns of these
};

// tile[(offset + c) * tile_rows + r] = component c of row r of the tile; `numbers`, if there are any, say which rows of the
// source these are.
template <class Real>
void pack_tile(const Source& source, std::int64_t dim, Tile rows, Real* tile, std::int64_t offset, std::int64_t tile_rows,
               const std::int32_t* numbers = nullptr) {
  const bool plain = source.is_plain();
  for (std::int64_t c = 0; c < dim; ++c) {
    Real* out = tile + (offset + c) * tile_rows;
    if (numbers) {
      for (std::int64_t r = 0; r < rows.rows; ++r) out[r] = static_cast<Real>(source.at(numbers[rows.first_row + r], c));
    } else if (plain) {
      const double* in = static_cast<const double*>(source.input.data) + c * source.input.rows + rows.first_row;
      for (std::int64_t r = 0; r < rows.rows; ++r) out[r] = static_cast<Real>(in[r]);
    } else {
      for (std::int64_t r = 0; r < rows.rows; ++r) out[r] = static_cast<Real>(source.at(rows.first_row + r, c));
    }
    for (std::int64_t r = rows.rows; r < tile_rows; ++r) out[r] = out[rows.rows - 1];
  }
}

// columns[(first + r) * width + c] = component c of row first + r.
template <class Real>
void pack_columns(const Source& source, std::int64_t dim, Range rows, Real* columns, std::int64_t width) {
  const bool plain = source.is_plain();
  for (std::int64_t c = 0; c < dim; ++c) {
    Real* out = columns + c;
    if (plain) {
      const double* in = static_cast<const double*>(source.input.data) + c * source.input.rows;
      for (std::int64_t r = rows.from; r < rows.to; ++r) out[r * width] = static_cast<Real>(in[r]);
    } else {
      for (std::int64_t r = rows.from; r < rows.to; ++r) out[r * width] = static_cast<Real>(source.at(r, c));
    }
  }
}

// Parameters are read in memory order.
template <class Real>
void pack_parameter(const Source& source, std::int64_t dim, Real* out) {
  for (std::int64_t c = 0; c < dim; ++c) out[c] = static_cast<Real>(source.number(c));
}

}  // namespace rkeops
