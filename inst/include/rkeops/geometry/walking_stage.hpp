// A stage whose tiles of rows walk a tree of the columns, and are folded with what may matter.
#pragma once

#include <optional>

#include "estimate.hpp"
#include "ordered_stage.hpp"
#include "tolerant_walk.hpp"
#include "walk.hpp"

namespace rkeops {

class GeometryCounters {  // since the process started
 public:
  static GeometryCounters& instance() {
    static GeometryCounters counters;
    return counters;
  }

  std::atomic<std::int64_t> orders{0};

  void note_walk(double visited, double pairs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    visited_ += visited;
    pairs_ += pairs;
  }
  double visited() const { return value(visited_); }
  double pairs() const { return value(pairs_); }

 private:
  double value(const double& of) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return of;
  }

  mutable std::mutex mutex_;
  double visited_ = 0, pairs_ = 0;
};

template <class Real>
class WalkingStage : public OrderedStage<Real> {
  using Base = OrderedStage<Real>;

 protected:
  using Base::data, Base::kernel_;
  using typename Base::Worker;

  // `plan` lives as long as this.
  WalkingStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, const GeometryPlan& plan,
               StageData stage_data, Schedule schedule, bool keep)
      : Base(backend, kernel, digest, std::move(stage_data), std::move(schedule), keep), plan_(plan) {}

  // Ranges of places of columns that belong to a tile of rows.
  struct Ranges {
    const Range *first, *last;
    std::int64_t columns() const {
      std::int64_t sum = 0;
      for (const Range* range = first; range != last; ++range) sum += range->size();
      return sum;
    }
  };
  virtual Ranges columns_of(std::int64_t tile) const = 0;
  virtual double pairs() const = 0;
  double nanoseconds_of_all() const {
    return pairs() * kernel_.cost / (heuristics::operations_per_nanosecond * kernel_.lanes);
  }

  class WalkingRun : public Base::OrderedRun {
   public:
    WalkingRun(WalkingStage& stage, const StageCall& call)
        : Base::OrderedRun(stage, call, stage.plan_.ordered, stage.plan_.digest), w_(stage) {}

    void walk() {
      const Walked walked = walk(this->shares_of_tiles(), true);
      GeometryCounters::instance().note_walk(walked.visited, w_.pairs());
      call_.note(percent(walked.visited / std::max(1.0, w_.pairs())) + " of the pairs were visited");
      if (tolerance() > 0 && k_.reducer().adds()) call_.certify(walked.certificate);
    }

   protected:
    using Base::OrderedRun::call_, Base::OrderedRun::k_;

    static std::string percent(double share) { return number_text(std::round(share * 1e5) / 1e3) + " %"; }

    // Two-sided sums are exact, since what is replaced for a row would be missing in the sums of columns; so is what
    // has weights.
    double tolerance() const { return k_.second_dim > 0 ? 0 : call_.options.tolerance; }
    // Is what is left out of sums replaced?
    bool replaces() const { return tolerance() > 0 && k_.reducer().skipping() == Reducer::Skipping::by_bounds; }
    const PairBounds& bounds() const { return replaces() ? *w_.plan_.weights.bounds : *w_.plan_.bounds; }

    // Of columns in order.
    void grow_tree() {
      constexpr std::int64_t leaf = heuristics::leaf_columns;
      const std::int64_t width = k_.column.width, count = w_.data.columns;
      if (w_.tree_.all_columns() != count) w_.tree_ = ColumnTree<Real>(count, leaf, width);
      if (replaces()) w_.weight_sums_ = WeightSums<Real>(w_.plan_.weights, w_.tree_);
      this->pack_in_ranges(count, width, [&](Range range, Worker&) {
        const Range leaves{divided_up(range.from, leaf), divided_up(range.to, leaf)};
        w_.tree_.fill_leaves(leaves, w_.ordered_columns_.data(), *w_.column_order_);
        if (replaces()) w_.weight_sums_.fill_leaves(leaves, w_.ordered_columns_.data());
      });
      w_.tree_.fill_upper_levels();
      if (replaces()) w_.weight_sums_.fill_upper_levels();
    }

    // What is won, as a part of the time of all pairs, if this share is visited.
    double gain(double share) const {
      return 1 - share * (bounds().needs_refinement() ? heuristics::refined_walk_cost : heuristics::walk_cost);
    }

    // Some tiles walk: is it worth it?
    bool attempt() {
      std::vector<Range> some;
      double pairs = 0;
      for (std::int32_t t : spread(w_.tiles_, heuristics::attempted_tiles)) {
        some.push_back({t, t + 1});
        pairs += static_cast<double>(w_.tile(t).rows * w_.columns_of(t).columns());
      }
      const double share = pairs > 0 ? walk(some, false).visited / pairs : 1;
      call_.note(percent(share) + " of the pairs of some rows matter");
      return gain(share) > 0;
    }

   private:
    struct Walked {
      double visited = 0, certificate = 0;
    };

    Walked walk(const std::vector<Range>& shares, bool is_progress) {
      std::mutex mutex;
      Walked walked;
      this->fold_tiles(
          shares, [&] { return Visitor(*this, mutex, walked); }, is_progress);
      return walked;
    }

    class Visitor {
     public:
      Visitor(const WalkingRun& run, std::mutex& mutex, Walked& total)
          : run_(run),
            nodes_(run.k_, run.bounds(), run.w_.tree_, run.w_.parameters_.data(), run.tolerance()),
            walk_(run.k_, nodes_),
            mutex_(mutex),
            total_(total) {
        if (run.replaces())
          tolerant_walk_.emplace(run.k_, run.w_.plan_.weights, run.w_.weight_sums_, nodes_, run.tolerance());
      }
      ~Visitor() {
        const std::lock_guard<std::mutex> lock(mutex_);
        total_.visited += own_.visited;
        total_.certificate = std::max(total_.certificate, own_.certificate);
      }

      template <class Fold>
      void visit(std::int64_t number, const Real* packed, State state, const Fold& fold) {
        StateRows rows = rows_of(run_.k_, state);
        rows.rows = run_.w_.tile(number).rows;
        nodes_.set_tile(packed, rows.rows);
        if (!tolerant_walk_) own_.certificate = run_.tolerance();
        const Ranges own = run_.w_.columns_of(number);
        const std::int64_t columns = tolerant_walk_
                                         ? tolerant_walk_->run(rows, own.first, own.last, fold, own_.certificate)
                                         : walk_.run(rows, fold);
        own_.visited += static_cast<double>(rows.rows * columns);
      }

     private:
      const WalkingRun& run_;
      NodeBounds<Real> nodes_;
      Walk<Real> walk_;
      std::optional<TolerantWalk<Real>> tolerant_walk_;
      std::mutex& mutex_;
      Walked& total_;
      Walked own_;
    };

    WalkingStage& w_;
  };

  const GeometryPlan& plan_;
  ColumnTree<Real> tree_;
  WeightSums<Real> weight_sums_;
};

}  // namespace rkeops
