// A stage that folds the pairs of given blocks. Rows and columns are packed group after group, tiles do not cross groups, and each
// is folded with the ranges of columns that its group keeps; sums with a tolerance walk a tree through them. On GPUs
// runtime/gpu_task_stage.hpp does the same.
#pragma once

#include "../runtime/blocks.hpp"
#include "walking_stage.hpp"

namespace rkeops {

// Tiles that do not cross groups.
inline Schedule block_schedule(const KernelPlan& kernel, const BlockSide& side, std::int64_t columns) {
  Schedule s = dense_schedule(kernel, 1, columns);  // the column_block
  s.rows = side.rows();
  s.tiles.clear();
  const std::int64_t tile = kernel.tile_rows();
  for (const Range& group : side.groups) {
    for (std::int64_t row = group.from; row < group.to; row += tile) s.tiles.push_back({row, std::min(tile, group.to - row)});
  }
  return s;
}

// The group that each tile is of.
inline std::vector<std::int64_t> groups_of(const std::vector<Tile>& tiles, const BlockSide& side) {
  std::vector<std::int64_t> groups;
  std::int64_t group = 0;
  for (const Tile& tile : tiles) {
    while (tile.first_row >= side.groups[static_cast<std::size_t>(group)].to) ++group;
    groups.push_back(group);
  }
  return groups;
}

template <class Real>
class BlockStage final : public WalkingStage<Real> {
  using Base = WalkingStage<Real>;
  using typename Base::Worker, typename Base::Ranges;

 public:
  // `plan` lives as long as this, as `blocks` do.
  BlockStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, const GeometryPlan& plan,
             StageData stage_data, bool keep, std::shared_ptr<const PairBlocks> blocks)
      : Base(backend, kernel, digest, plan, std::move(stage_data),
             block_schedule(kernel, blocks->of(kernel.rows), blocks->of(kernel.columns).rows()), keep),
        blocks_(std::move(blocks)),
        side_(blocks_->of(kernel.rows)) {
    this->row_order_ = {blocks_, &side_.order};
    this->column_order_ = {blocks_, &blocks_->of(kernel.columns).order};
    group_of_tile_ = groups_of(this->schedule_.tiles, side_);
  }

  void prepare(const StageCall& call) override { BlockRun(*this, call).arrange(); }

  void run(const StageCall& call) override {
    BlockRun run(*this, call);
    run.arrange();
    run.fold();
  }

 private:
  double pairs_to_fold() const override { return blocks_->pairs(); }
  double pairs() const override { return blocks_->pairs(); }
  Ranges columns_of(std::int64_t tile) const override {
    const auto group = static_cast<std::size_t>(group_of_tile_[static_cast<std::size_t>(tile)]);
    return {side_.kept.data() + side_.first[group], side_.kept.data() + side_.first[group + 1]};
  }

  struct Visitor {
    const BlockStage& b;
    std::vector<Bar> bars;  // not looked at: kernels that write them keep the state to themselves from range to range

    template <class Fold>
    void visit(std::int64_t number, const Real*, State, const Fold& fold) {
      const Ranges own = b.columns_of(number);
      for (const Range* range = own.first; range != own.last; ++range) fold(*range, bars.data());
    }
  };

  class BlockRun : public Base::WalkingRun {
   public:
    BlockRun(BlockStage& stage, const StageCall& call) : Base::WalkingRun(stage, call), b_(stage) {}

    void arrange() {
      this->pack_parameters();
      const bool same_columns = b_.columns_are_placed_ && Base::all_packed(b_.data.column);
      b_.columns_are_placed_ = same_columns;  // this may be interrupted
      if (!b_.rows_are_in_order_ || !Base::all_packed(b_.data.row)) this->place_rows();
      this->pack_columns();
      if (!same_columns) this->place_columns();
      b_.columns_are_placed_ = true;
    }

    void fold() {
      if (may_walk()) {
        this->grow_tree();
        if (is_asked_for() || this->attempt()) return this->walk();
      }
      const std::vector<Bar> bars(static_cast<std::size_t>(b_.kernel_.dim));
      this->fold_tiles(this->shares_of_tiles(), [&] { return Visitor{b_, bars}; });
    }

   private:
    bool is_asked_for() const { return this->call_.options.geometry == UseOfGeometry::always; }
    bool may_walk() const {
      if (!b_.plan_.bounds || !this->replaces() || this->call_.options.geometry == UseOfGeometry::never) return false;
      return is_asked_for() || b_.nanoseconds_of_all() > heuristics::geometry_nanoseconds;
    }

    BlockStage& b_;
  };

  const std::shared_ptr<const PairBlocks> blocks_;
  const BlockSide& side_;
  std::vector<std::int64_t> group_of_tile_;
  bool columns_are_placed_ = false;
};

}  // namespace rkeops
