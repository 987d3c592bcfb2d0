// Bounds of what a reduction folds, over all pairs of a box of rows and a box of columns: the program of the pair, run
// on intervals, for many boxes of columns at once.
#pragma once

#include <memory>

#include "refined_bounds.hpp"

namespace rkeops {

class PairBounds {
 public:
  PairBounds(const PairProgram& program, Precision precision)
      : plain_(program, precision, BoundsProgram::From::packed), refined_(refined_bounds(program, precision)) {}

  // Components of all results together.
  std::int64_t results() const { return static_cast<std::int64_t>(plain_.results.size()); }

  // Of one box of parameters and of rows, and n boxes of columns, as they are packed; component c for box b at [c * n +
  // b].
  void bound(Boxes parameter, Boxes row, Boxes column, std::int64_t n, double* low, double* high,
             std::vector<double>& work) const {
    if (work.size() < plain_.size(n)) work.resize(plain_.size(n));
    plain_.start({parameter, row, column}, n, work.data());
    plain_.run(plain_.steps, column, n, work.data(), plain_.rounding());
    for (BoundsProgram::Component c : plain_.results) {
      const BoxBounds from = plain_.bounds_at(c, column, n, work.data());
      low = std::copy_n(from.low, n, low);
      high = std::copy_n(from.high, n, high);
    }
  }

  // Can bounds be wider than the range since a variable occurs more than once?
  bool needs_refinement() const { return refined_ != nullptr; }

  // Makes bounds that bound() gave for the same boxes tighter, at several times the price.
  void refine(Boxes parameter, Boxes row, Boxes column, std::int64_t n, double* low, double* high,
              std::vector<double>& work) const {
    if (refined_) refined_->refine({parameter, row, column}, n, low, high, work);
  }

 private:
  const BoundsProgram plain_;
  const std::unique_ptr<const RefinedBounds> refined_;
};

}  // namespace rkeops
