// A stage whose rows and columns are packed in another order than that of the data, and whose tiles of rows are folded with some
// of the columns only. Which, is up to what derives from it.
#pragma once

#include "../runtime/host_stage.hpp"
#include "order.hpp"

namespace rkeops {

template <class Real>
class OrderedStage : public HostStage<Real> {
  using Base = HostStage<Real>;

 protected:
  using typename Base::Worker;
  using Base::Base, Base::data, Base::kernel_;

  // Packed rows that are in order are of no use for this.
  void fold_all(const StageCall& call) {
    if (rows_are_in_order_) mark(data.row, &Source::is_packed, false);
    rows_are_in_order_ = false;
    Base::run(call);
  }

  static void mark(std::vector<Source>& sources, bool Source::*flag, bool value) {
    for (Source& source : sources) source.*flag = value;
  }

  class OrderedRun : public Base::Run {
   public:
    using Run = typename Base::Run;
    // By a kernel of the same layout as the stage's, for columns in any order.
    OrderedRun(OrderedStage& stage, const StageCall& call, const KernelPlan& kernel, const Digest& digest)
        : Run(stage, call, kernel, digest), o_(stage) {}

    // visitor(): for each share of tiles, visit(number, packed rows, state, fold), which calls fold(range, bars) for ranges
    // of places of columns. Where it gives bars to an ordered kernel, that writes them, and keeps the state to itself. An attempt
    // shows no progress, and the pairs that it finds are found again.
    template <class MakeVisitor>
    void fold_tiles(const std::vector<Range>& shares, const MakeVisitor& visitor, bool is_progress = true) {
      const auto count = static_cast<std::int64_t>(shares.size());
      keeps_found_ = is_progress;
      if (o_.two_sided()) o_.totals_ = ColumnTotals<Real>(k_, count, o_.data.columns);
      this->run_tasks(
          count,
          [&](std::int64_t number, int worker, TaskRunner& runner) {
            fold_share(shares[static_cast<std::size_t>(number)], number, this->worker_of(worker), runner, visitor);
          },
          [&](std::int64_t done) {
            return call_.poll(is_progress ? static_cast<double>(done) / static_cast<double>(count) : 0);
          },
          threads_);
      if (o_.two_sided()) o_.totals_.finish(o_.data.parts[1], o_.column_order_->data());
    }

   protected:
    using Run::call_, Run::code_, Run::k_, Run::threads_;

    // Two-sided: as few sets of totals as with all pairs. Other shares are as short as balances the load.
    std::vector<Range> shares_of_tiles() const {
      using namespace heuristics;
      const std::int64_t tiles = o_.tiles_;
      const std::int64_t wanted = o_.two_sided() ? std::min(enough_tasks, tiles / two_sided_share_tiles) : tiles / row_block_tiles;
      const std::int64_t count = std::max<std::int64_t>(1, std::max(wanted, o_.two_sided() ? 1 : std::min(tiles, enough_tasks)));
      std::vector<Range> shares;
      for (std::int64_t k = 0; k < count; ++k) shares.push_back({tiles * k / count, tiles * (k + 1) / count});
      return shares;
    }

    // Rows with their components side by side, in the order of the data, or those of `numbers`.
    void pack_row_points(Range rows, Worker& own, Real* points, const std::int32_t* numbers = nullptr) {
      const auto hoist = [&](Real* tile) { code_->hoist_rows(o_.parameters_.data(), tile, this->work_of(own)); };
      this->pack_points(k_.row, o_.data.row, rows, own, points, hoist, numbers);
    }

    Buffer<Real> packed_row_points() {
      const std::int64_t width = k_.row.width;
      Buffer<Real> points(static_cast<std::size_t>(o_.data.rows * width + 1));
      this->pack_in_ranges(o_.data.rows, width, [&](Range range, Worker& own) {
        pack_row_points(range, own, points.data() + range.from * width);
      });
      return points;
    }

    // Tiles of rows, by row_order_.
    void place_rows() {
      const std::int64_t width = k_.row.width, tile = o_.tile_;
      o_.reserve(o_.row_tiles_, o_.tiles_ * tile * width);
      mark(o_.data.row, &Source::is_packed, false);
      this->pack_in_ranges(o_.tiles_ * tile, width, [&](Range range, Worker& own) {
        for (std::int64_t t = range.from / tile; t < range.to / tile; ++t) {
          this->pack_row_tile(t, o_.row_tiles_.data() + t * tile * width, own, o_.row_order_->data());
        }
      });
      mark(o_.data.row, &Source::is_packed, true);
      o_.rows_are_in_order_ = true;
    }

    // By column_order_.
    void place_columns() {
      const std::int64_t width = k_.column.width;
      o_.reserve(o_.ordered_columns_, o_.data.columns * width + 1);
      this->pack_in_ranges(o_.data.columns, width, [&](Range range, Worker&) {
        for (std::int64_t j = range.from; j < range.to; ++j) {
          const Real* from = o_.columns_.data() + (*o_.column_order_)[static_cast<std::size_t>(j)] * width;
          std::copy_n(from, width, o_.ordered_columns_.data() + j * width);
        }
      });
    }

   private:
    template <class MakeVisitor>
    void fold_share(Range tiles, std::int64_t totals, Worker& own, TaskRunner& runner, const MakeVisitor& make_visitor) {
      auto visitor = make_visitor();
      const std::int64_t block = o_.schedule_.column_block;
      o_.reserve(own.values, k_.value_slots * o_.tile_);
      o_.reserve(own.indices, k_.index_slots * o_.tile_);
      if (k_.finds) this->reserve_found(own, block);
      if (o_.two_sided()) o_.reserve(own.column_sums, k_.column_sums_size(std::min(block, o_.data.columns)));
      const State state{own.values.data(), own.indices.data()};
      for (std::int64_t t = tiles.from; t < tiles.to && !runner.should_stop(); ++t) {
        const std::int64_t valid = o_.tile(t).rows;
        const Real* rows = o_.row_tiles_.data() + t * o_.tile_ * k_.row.width;
        start_state(k_, state);
        HostKernel::FoldCall call{o_.parameters_.data(), rows, nullptr, 0, 0, state.values, state.indices, this->work_of(own),
                                  own.column_sums.data(), valid};
        visitor.visit(t, rows, state, [&](Range columns, Bar* bars) {
          for (std::int64_t j = columns.from; j < columns.to && !runner.should_stop(); j += block) {
            call.columns = std::min(block, columns.to - j);
            if (o_.two_sided()) std::fill_n(own.column_sums.data(), k_.column_sums_size(call.columns), Real(0));
            call.column = o_.ordered_columns_.data() + j * k_.column.width;
            call.first_column = j;
            call.numbers = o_.column_order_->data() + j;
            call.bars = k_.ordered ? bars : nullptr;
            code_->fold(call);
            call.resumes = call.bars != nullptr;
            if (k_.finds && keeps_found_) this->collect(own, state, t, o_.row_order_->data(), o_.column_order_->data());
            if (o_.two_sided()) o_.totals_.add(totals, j, call.columns, own.column_sums.data());
          }
        });
        if (call.resumes) {  // the state is in the kernel's own format
          call.columns = 0;
          call.bars = nullptr;
          code_->fold(call);
        }
        if (o_.has_states()) o_.finish(o_.tile(t), state, call_.options, o_.row_order_->data(), own.results);
      }
      if (k_.finds) call_.found->take(std::move(own.found));
    }

    OrderedStage& o_;
    bool keeps_found_ = true;
  };

  bool rows_are_in_order_ = false;
  std::shared_ptr<const Order> row_order_, column_order_;
  Buffer<Real> row_tiles_, ordered_columns_;
};

}  // namespace rkeops
