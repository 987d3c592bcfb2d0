// Given blocks on GPUs. Rows and columns are put in order on the host, so that groups are ranges; those of rows begin with a tile
// each. What a group keeps are tasks of its own in the schedule of a stage that knows nothing of blocks.
#pragma once

#include "../runtime/blocks.hpp"
#include "../runtime/gpu_stage.hpp"

namespace rkeops {

template <class Real>
class GpuBlockStage final : public Stage {
 public:
  GpuBlockStage(const KernelPlan& kernel, const Digest& digest, StageData stage_data, const PairBlocks& blocks)
      : Stage(kernel, digest, std::move(stage_data), {}), columns_(blocks.of(kernel.columns).order) {
    const bool sorted = std::is_sorted(columns_.begin(), columns_.end());
    if (kernel.reduction->indices && !sorted) {
      throw Error(ErrorKind::unsupported, "positions in blocks of rows that are not sorted by their groups are not available on GPUs",
                  "Sort the rows by their labels, or use the CPU.");
    }
    Schedule schedule = in_tiles(blocks.of(kernel.rows));
    StageData inner{{}, {}, data.parameter, static_cast<std::int64_t>(rows_.size()), data.columns, {}, data.widths};
    inner.row.resize(data.row.size());
    inner.column.resize(data.column.size());
    sorted_rows_.resize(data.row.size());
    sorted_columns_.resize(data.column.size());
    inner_ = std::make_unique<GpuStage<Real>>(kernel, digest, std::move(inner), std::move(schedule));
  }

  void prepare(const StageCall& call) override {
    arrange();
    inner_->prepare(call);
  }

  void run(const StageCall& call) override {
    arrange();
    std::vector<Buffer<double>> results;
    inner_->data.parts.clear();
    for (std::int64_t width : data.widths) {
      results.emplace_back(static_cast<std::size_t>(width) * rows_.size());
      inner_->data.parts.push_back(results.back().data());
    }
    inner_->run(call);
    for (std::size_t p = 0; p < results.size(); ++p) {
      for (std::int64_t c = 0; c < data.widths[p]; ++c) {
        const double* from = results[p].data() + static_cast<std::size_t>(c) * rows_.size();
        for (std::size_t place = 0; place < rows_.size(); ++place) data.parts[p][rows_[place] + c * data.rows] = from[place];
      }
    }
  }

 private:
  // A tile that is not full repeats its last row.
  Schedule in_tiles(const BlockSide& side) {
    Schedule s;
    const std::int64_t tile = kernel_.tile_rows();
    for (std::size_t g = 0; g < side.groups.size(); ++g) {
      const Range group = side.groups[g];
      const auto first = static_cast<std::int64_t>(s.tiles.size());
      for (std::int64_t from = group.from; from < group.to; from += tile) {
        s.tiles.push_back({static_cast<std::int64_t>(rows_.size()), tile});
        for (std::int64_t r = 0; r < tile; ++r) rows_.push_back(side.order[static_cast<std::size_t>(std::min(from + r, group.to - 1))]);
      }
      for (std::int64_t k = side.first[g]; k < side.first[g + 1]; ++k) {
        s.tasks.push_back({{first, static_cast<std::int64_t>(s.tiles.size())}, side.kept[static_cast<std::size_t>(k)], 0});
      }
    }
    s.rows = static_cast<std::int64_t>(rows_.size());
    s.columns = data.columns;
    return s;
  }

  void arrange() {
    arrange(kernel_.row, data.row, rows_, sorted_rows_, inner_->data.row);
    arrange(kernel_.column, data.column, columns_, sorted_columns_, inner_->data.column);
    inner_->data.parameter = data.parameter;
  }

  static void arrange(const PackedArea& area, std::vector<Source>& sources, const std::vector<std::int32_t>& order,
                      std::vector<Buffer<double>>& sorted, std::vector<Source>& inner) {
    for (std::size_t l = 0; l < sources.size(); ++l) {
      Source& source = sources[l];
      if (source.is_packed) continue;
      const std::int64_t dim = area.leaves[l].dim, rows = static_cast<std::int64_t>(order.size());
      sorted[l] = Buffer<double>(static_cast<std::size_t>(rows * dim));
      double* to = sorted[l].data();
      for (std::int64_t c = 0; c < dim; ++c) {
        for (std::int32_t row : order) *to++ = source.at(row, c);
      }
      inner[l] = {{Input::Type::real64, sorted[l].data(), rows, dim, false}};
      source.is_packed = true;
    }
  }

  std::vector<std::int32_t> rows_;           // in order, of whole tiles
  const std::vector<std::int32_t> columns_;  // in order
  std::vector<Buffer<double>> sorted_rows_, sorted_columns_;
  std::unique_ptr<GpuStage<Real>> inner_;
};

}  // namespace rkeops
