// A compiled kernel that gives all values of a formula, on boxes of packed rows and columns: what bounds are checked
// against.
#pragma once

#include "interpret.hpp"
#include "rkeops/plan/bounds.hpp"

namespace check {

// The program of Entries_Reduction(F, 1) as the engine makes it.
struct PairFormula {
  Parsed parsed;
  rkeops::PairProgram program;

  PairFormula(const std::string& f, const std::vector<std::string>& declarations)
      : parsed("Entries_Reduction(" + f + ",1)", declarations),
        program(rkeops::lower(rkeops::invert_divisors(rkeops::stages_of(parsed.root).back()))) {}
};

// Minimum and maximum of each component; NaN, if there is one.
struct PackedBoxes {
  std::vector<double> low, high;

  void add(std::int64_t boxes, std::int64_t component, std::int64_t box, double x) {
    const std::size_t at = static_cast<std::size_t>(component * boxes + box);
    if (at >= low.size()) low.resize(at + 1, inf), high.resize(at + 1, -inf);
    const bool nan = std::isnan(x) || std::isnan(low[at]);
    low[at] = nan ? std::nan("") : std::min(low[at], x);
    high[at] = nan ? std::nan("") : std::max(high[at], x);
  }
  rkeops::Boxes boxes(std::int64_t count) const { return {low.data(), high.data(), count}; }
};

template <class Real>
class PairKernel {
 public:
  // Columns are `boxes` boxes of `each`; rows are one box, a tile.
  PairKernel(const PairFormula& formula, std::int64_t boxes, std::int64_t each)
      : boxes_(boxes), each_(each), formula_(formula), bounds_(formula.program, precision) {
    plan_ = rkeops::generate(formula.program, rkeops::cpu_target(precision));
    code_ = rkeops::CpuBackend::instance().kernel(plan_, rkeops::digest_of(plan_.text), run_options().jit, {});
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n + 16); };
    parameter_ = rkeops::Buffer<Real>(size(plan_.parameter.width));
    row_ = rkeops::Buffer<Real>(size(plan_.row.width * rows()));
    column_ = rkeops::Buffer<Real>(size(plan_.column.width * columns()));
    tile_ = rkeops::Buffer<Real>(size(plan_.column.width * rows()));
    values_ = rkeops::Buffer<double>(size(rows() * columns() * plan_.dim));
    work_ = rkeops::Buffer<unsigned char>(size(plan_.work_vectors * plan_.vector_bytes));
  }

  static constexpr rkeops::Precision precision =
      sizeof(Real) == 4 ? rkeops::Precision::float32 : rkeops::Precision::float64;
  std::int64_t rows() const { return plan_.tile_rows(); }
  std::int64_t columns() const { return boxes_ * each_; }
  const rkeops::PairBounds& bounds() const { return bounds_; }

  // data: one matrix for each argument; with rows(), columns() or one row.
  void run(const std::vector<Matrix>& data) {
    const auto pack = [&](const rkeops::PackedArea& area, rkeops::Tile rows, Real* out) {
      for (const rkeops::PackedLeaf& leaf : area.leaves) {
        const rkeops::Source source{data[static_cast<std::size_t>(leaf.index)].input()};
        rkeops::pack_tile(source, leaf.dim, rows, out, leaf.offset, this->rows());
      }
    };
    for (const rkeops::PackedLeaf& leaf : plan_.parameter.leaves) {
      rkeops::pack_parameter({data[static_cast<std::size_t>(leaf.index)].input()}, leaf.dim,
                             parameter_.data() + leaf.offset);
    }
    code_->hoist_parameters(parameter_.data(), work_.data());
    pack(plan_.row, {0, rows()}, row_.data());
    code_->hoist_rows(parameter_.data(), row_.data(), work_.data());
    parameter_box = row_box = column_boxes = {};
    for (std::int64_t first = 0; first < columns(); first += rows()) {
      const rkeops::Tile some{first, std::min(rows(), columns() - first)};
      pack(plan_.column, some, tile_.data());
      code_->hoist_columns(parameter_.data(), tile_.data(), work_.data());
      for (std::int64_t r = 0; r < some.rows; ++r) {
        for (std::int64_t c = 0; c < plan_.column.width; ++c) {
          const Real x = tile_.data()[c * rows() + r];
          column_.data()[(first + r) * plan_.column.width + c] = x;
          column_boxes.add(boxes_, c, (first + r) / each_, static_cast<double>(x));
        }
      }
    }
    for (std::int64_t c = 0; c < plan_.parameter.width; ++c) parameter_box.add(1, c, 0, parameter_.data()[c]);
    for (std::int64_t k = 0; k < plan_.row.width * rows(); ++k) row_box.add(1, k / rows(), 0, row_.data()[k]);
    code_->fold({parameter_.data(), row_.data(), column_.data(), columns(), 0, values_.data(), nullptr, work_.data()});
    const std::size_t results = static_cast<std::size_t>(boxes_ * bounds_.results());
    low.assign(results, 0), high.assign(results, 0);
    bounds_.bound(parameter_box.boxes(1), row_box.boxes(1), column_boxes.boxes(boxes_), boxes_, low.data(), high.data(),
                  scratch);
    refined_low = low, refined_high = high;
    bounds_.refine(parameter_box.boxes(1), row_box.boxes(1), column_boxes.boxes(boxes_), boxes_, refined_low.data(),
                   refined_high.data(), scratch);
  }

  // Component k of row r and column j.
  double value(std::int64_t r, std::int64_t j, std::int64_t k) const {
    return values_.data()[(j * plan_.dim + k) * rows() + r];
  }

  PackedBoxes parameter_box, row_box, column_boxes;
  std::vector<double> low, high, refined_low, refined_high, scratch;  // component k for box b at [k * boxes + b]

 private:
  const std::int64_t boxes_, each_;
  const PairFormula& formula_;
  const rkeops::PairBounds bounds_;
  rkeops::KernelPlan plan_;
  std::shared_ptr<const rkeops::HostKernel> code_;
  rkeops::Buffer<Real> parameter_, row_, column_, tile_;
  rkeops::Buffer<double> values_;
  rkeops::Buffer<unsigned char> work_;
};

}  // namespace check
