// Sums over the rows, one for each column and component, while the rows go by.
#pragma once

#include "../platform/memory.hpp"
#include "state.hpp"

namespace rkeops {

// There are several sets of totals, each of which one task at a time adds to (WorkerShare::totals); they are added up in
// order. Totals are doubles; for float64 they have a low part too.
template <class Real>
class ColumnTotals {
 public:
  ColumnTotals() = default;
  ColumnTotals(const KernelPlan& kernel, std::int64_t sets, std::int64_t columns)
      : lanes_(kernel.lanes), together_(kernel.columns_together()), dim_(kernel.column_sums), sets_(sets), columns_(columns) {
    const std::size_t count = static_cast<std::size_t>(sets * columns * dim_);
    high_ = Buffer<double>(count);
    low_ = Buffer<double>(kernel.compensated ? count : 0);
    std::fill_n(high_.data(), high_.size(), 0.0);
    std::fill_n(low_.data(), low_.size(), 0.0);
  }

  // Column first + j, component k: lanes j % together, j % together + together, ... of vector j / together * dim + k.
  void add(std::int64_t set, std::int64_t first, std::int64_t columns, const Real* sums) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const Real* vector = sums + j / together_ * dim_ * lanes_ + j % together_;
      for (std::int64_t k = 0; k < dim_; ++k, vector += lanes_) {
        double sum = 0;
        for (std::int64_t l = 0; l < lanes_; l += together_) sum += vector[l];
        add_to((set * columns_ + first + j) * dim_ + k, sum);
      }
    }
  }

  // out: column-major, columns x dim; `order`, if there is one, says where a column belongs.
  void finish(double* out, const std::int32_t* order = nullptr) {
    const std::int64_t count = columns_ * dim_;
    for (std::int64_t t = 0; t < count; ++t) {
      for (std::int64_t set = 1; set < sets_; ++set) {
        if (low_.size() > 0) low_[at(t)] += low_[at(set * count + t)];
        add_to(t, high_[at(set * count + t)]);
      }
      const std::int64_t column = t / dim_;
      out[(order ? order[column] : column) + t % dim_ * columns_] =
          low_.size() > 0 ? high_[at(t)] + low_[at(t)] : high_[at(t)];
    }
  }

 private:
  static std::size_t at(std::int64_t t) { return static_cast<std::size_t>(t); }

  void add_to(std::int64_t t, double x) {
    if (low_.size() > 0) {
      add_compensated(high_[at(t)], low_[at(t)], x);
    } else {
      high_[at(t)] += x;
    }
  }

  std::int64_t lanes_ = 0, together_ = 1, dim_ = 0, sets_ = 0, columns_ = 0;
  Buffer<double> high_, low_;
};

}  // namespace rkeops
