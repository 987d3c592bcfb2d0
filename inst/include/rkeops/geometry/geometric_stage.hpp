// A stage that leaves out pairs which cannot matter: rows and columns are put in order, each tile of rows walks the tree of
// columns, and what may matter is folded by the kernels that exist. Whether that is worth it is found out beforehand, from the
// data alone; if it is not, all pairs are folded.
#pragma once

#include "estimate.hpp"
#include "known_orders.hpp"
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
class GeometricStage final : public OrderedStage<Real> {
  using Base = OrderedStage<Real>;
  using typename Base::Worker;
  using Base::data, Base::kernel_, Base::mark;

 public:
  // `plan` lives as long as this.
  GeometricStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, const GeometryPlan& plan,
                 StageData stage_data, Schedule schedule, bool keep)
      : Base(backend, kernel, digest, std::move(stage_data), std::move(schedule), keep), plan_(plan) {}

  void run(const StageCall& call) override {
    if (!is_candidate(call)) return Base::fold_all(call);
    GeometricRun run(*this, call);
    if (!run.arrange()) return Base::fold_all(call);
    run.walk();
  }

 private:
  enum class Decision : std::uint8_t { none, walk, fold_all, attempt };

  bool is_candidate(const StageCall& call) const {
    constexpr std::int64_t most_points = std::numeric_limits<std::int32_t>::max();
    const UseOfGeometry use = call.options.geometry;
    if (use == UseOfGeometry::never || data.rows > most_points || data.columns > most_points) return false;
    if (use == UseOfGeometry::always || nanoseconds_of_all() > heuristics::geometry_nanoseconds) return true;
    call.note("all pairs are visited, since there are few");
    return false;
  }

  double pairs() const { return static_cast<double>(data.rows) * static_cast<double>(data.columns); }
  double nanoseconds_of_all() const {
    return pairs() * kernel_.cost / (heuristics::operations_per_nanosecond * kernel_.lanes);
  }

  class GeometricRun : public Base::OrderedRun {
    using Run = typename Base::OrderedRun;
    using Run::call_, Run::k_, Run::threads_;

   public:
    GeometricRun(GeometricStage& stage, const StageCall& call)
        : Run(stage, call, stage.plan_.ordered, stage.plan_.digest), g_(stage) {}

    // False: there is nothing to be gained.
    bool arrange() {
      const bool had_parameters = Base::all_packed(g_.data.parameter) && g_.parameters_.size() > 0;
      this->pack_parameters();
      const bool moved = !had_parameters || has_moved(k_.row, g_.data.row, g_.plan_.coordinates.row) ||
                         has_moved(k_.column, g_.data.column, g_.plan_.coordinates.column);
      Decision decision = moved ? Decision::none : g_.decision_;
      if (decision == Decision::fold_all && call_.options.geometry == UseOfGeometry::automatic) return false;
      const bool is_first = decision != Decision::walk;
      const bool same_columns = !is_first && Base::all_packed(g_.data.column);
      const bool same_rows = !is_first && g_.rows_are_in_order_ && Base::all_packed(g_.data.row);
      g_.decision_ = Decision::none;  // until all is in its place: this may be interrupted
      this->pack_columns();
      if (is_first) {
        decision = decide();
        mark(g_.data.row, &Source::is_placed, true);
        mark(g_.data.column, &Source::is_placed, true);
      }
      if (decision != Decision::fold_all) {
        if (!same_rows) arrange_rows(is_first);
        if (!same_columns) arrange_columns(is_first);
        if (decision == Decision::attempt) decision = attempt();
      }
      g_.decision_ = decision;
      return decision == Decision::walk;
    }

    void walk() {
      const Walked walked = walk(this->shares_of_tiles(), true);
      GeometryCounters::instance().note_walk(walked.visited, g_.pairs());
      call_.note(percent(walked.visited / g_.pairs()) + " of the pairs were visited");
      if (call_.options.tolerance > 0 && call_.host.certify) call_.host.certify(call_.host.context, walked.certificate);
    }

   private:
    static std::string percent(double share) { return number_text(std::round(share * 1e5) / 1e3) + " %"; }

    using Sources = std::vector<Source>;

    // Was a leaf changed that coordinates come from?
    static bool has_moved(const PackedArea& area, const Sources& sources, const std::vector<std::int64_t>& components) {
      bool hoisted = false;
      std::set<std::int64_t> own;
      for (const PackedLeaf& leaf : area.leaves) {
        for (std::int64_t k = 0; k < leaf.dim; ++k) own.insert(leaf.offset + k);
      }
      for (std::int64_t c : components) hoisted |= own.count(c) == 0;
      for (std::size_t l = 0; l < sources.size(); ++l) {
        if (sources[l].is_placed) continue;
        const PackedLeaf& leaf = area.leaves[l];
        const bool is_read = std::any_of(components.begin(), components.end(), [&](std::int64_t c) {
          return c >= leaf.offset && c < leaf.offset + leaf.dim;
        });
        if (is_read || (hoisted && leaf.feeds_hoisted)) return true;
      }
      return false;
    }

    Decision decide() {
      if (call_.options.geometry == UseOfGeometry::always) return Decision::walk;
      mark(g_.data.row, &Source::is_packed, false);
      g_.rows_are_in_order_ = false;
      const std::vector<std::int32_t> rows = sample(g_.data.rows, k_.row.width);
      std::vector<Real> points(rows.size() * static_cast<std::size_t>(k_.row.width));
      const Range all{0, static_cast<std::int64_t>(rows.size())};
      this->pack_row_points(all, this->worker_of(0), points.data(), rows.data());
      const Estimated estimated = Estimate<Real>(k_, g_.plan_, g_.parameters_.data())
                               .of(points, g_.data.rows, g_.columns_.data(), g_.data.columns, tolerance());
      double ordering = 0;
      if (!KnownOrders::instance().find(row_key())) ordering += static_cast<double>(g_.data.rows);
      if (!KnownOrders::instance().find(column_key())) ordering += static_cast<double>(g_.data.columns);
      call_.note("bounds on a sample say that " + percent(estimated.share) + " of the pairs matter");
      ordering *= heuristics::ordering_nanoseconds;
      if (gain(estimated.share) * g_.nanoseconds_of_all() > ordering) return Decision::walk;
      const bool is_cheap = ordering < heuristics::attempt_cost * g_.nanoseconds_of_all();
      return is_cheap && estimated.dimension < heuristics::most_dimensions ? Decision::attempt : Decision::fold_all;
    }

    // What is won, as a part of the time of all pairs, if this share is visited.
    double gain(double share) const {
      return 1 - share * (g_.plan_.bounds->needs_refinement() ? heuristics::refined_walk_cost : heuristics::walk_cost);
    }

    // The estimate was not in favour, but it is cautious: some tiles walk.
    Decision attempt() {
      std::vector<Range> some;
      std::int64_t rows = 0;
      for (std::int32_t t : spread(g_.tiles_, heuristics::attempted_tiles)) {
        some.push_back({t, t + 1});
        rows += g_.tile(t).rows;
      }
      const double share = walk(some, false).visited / (static_cast<double>(rows) * static_cast<double>(g_.data.columns));
      call_.note(percent(share) + " of the pairs of some rows matter");
      return gain(share) > 0 ? Decision::walk : Decision::fold_all;
    }

    struct Walked {
      double visited = 0, certificate = 0;
    };

    Walked walk(const std::vector<Range>& shares, bool is_progress) {
      std::mutex mutex;
      Walked walked;
      this->fold_tiles(shares, [&] { return Visitor(*this, mutex, walked); }, is_progress);
      return walked;
    }

    KnownOrders::Key row_key() const { return key_of(k_.row, g_.data.row, g_.plan_.coordinates.row, g_.tile_); }
    KnownOrders::Key column_key() const {
      return key_of(k_.column, g_.data.column, g_.plan_.coordinates.column, heuristics::leaf_columns);
    }

    static KnownOrders::Key key_of(const PackedArea& area, const Sources& sources, const std::vector<std::int64_t>& components,
                                   std::int64_t leaf_size) {
      KnownOrders::Key key{{}, leaf_size};
      for (std::int64_t c : components) {
        bool found = false;
        for (std::size_t l = 0; l < sources.size() && !found; ++l) {
          const PackedLeaf& leaf = area.leaves[l];
          const Input& input = sources[l].input;
          found = leaf.from == PackedLeaf::From::input && input.keep && c >= leaf.offset && c < leaf.offset + leaf.dim;
          if (found) key.sources.push_back({input.data, input.rows, c - leaf.offset, input.by_rows});
        }
        if (!found) return {{}, leaf_size};
      }
      return key;
    }

    // points(): packed components side by side, if the order is not known.
    template <class Packed>
    KnownOrders::Held order_of(const KnownOrders::Key& key, std::int64_t count, std::int64_t width,
                               const std::vector<std::int64_t>& components, const Packed& points) {
      if (KnownOrders::Held known = KnownOrders::instance().find(key)) return known;
      std::vector<float> coordinates(static_cast<std::size_t>(count) * components.size());
      {
        const Buffer<Real>& packed = points();
        float* to = coordinates.data();
        for (std::int64_t p = 0; p < count; ++p) {
          for (std::int64_t c : components) *to++ = static_cast<float>(packed.data()[p * width + c]);
        }
      }
      const auto run = [&](std::int64_t tasks, const auto& task) {
        this->run_tasks(
            tasks, [&](std::int64_t k, int, TaskRunner&) { task(k); }, [&](std::int64_t) { return call_.poll(0); },
            count < heuristics::packing_threads_from ? 1 : threads_);
      };
      const auto order = std::make_shared<const Order>(make_order(coordinates, components.size(), key.leaf, run));
      ++GeometryCounters::instance().orders;
      KnownOrders::instance().keep(key, order);
      return order;
    }

    void arrange_rows(bool moved) {
      mark(g_.data.row, &Source::is_packed, false);
      if (moved) {
        g_.row_order_ = order_of(row_key(), g_.data.rows, k_.row.width, g_.plan_.coordinates.row,
                                 [&] { return this->packed_row_points(); });
      }
      this->place_rows();
    }

    void arrange_columns(bool moved) {
      constexpr std::int64_t leaf = heuristics::leaf_columns;
      const std::int64_t width = k_.column.width, count = g_.data.columns;
      if (moved) {
        g_.column_order_ = order_of(column_key(), count, width, g_.plan_.coordinates.column,
                                    [&]() -> const Buffer<Real>& { return g_.columns_; });
        g_.tree_ = ColumnTree<Real>(count, leaf, width);
      }
      this->place_columns();
      this->pack_in_ranges(count, width, [&](Range range, Worker&) {
        const Range leaves{divided_up(range.from, leaf), divided_up(range.to, leaf)};
        g_.tree_.fill_leaves(leaves, g_.ordered_columns_.data(), *g_.column_order_);
      });
      g_.tree_.fill_upper_levels();
    }

    // Sums alone can be cut short: what is left out of them is replaced.
    double tolerance() const {
      return g_.two_sided() ? 0 : call_.options.tolerance;
    }

    class Visitor {
     public:
      Visitor(const GeometricRun& run, std::mutex& mutex, Walked& total)
          : run_(run),
            nodes_(run.k_, *run.g_.plan_.bounds, run.g_.tree_, run.g_.parameters_.data(), run.tolerance()),
            walk_(run.k_, nodes_),
            tolerant_walk_(run.k_, nodes_, run.tolerance()),
            mutex_(mutex),
            total_(total) {}
      ~Visitor() {
        const std::lock_guard<std::mutex> lock(mutex_);
        total_.visited += own_.visited;
        total_.certificate = std::max(total_.certificate, own_.certificate);
      }

      template <class Fold>
      void visit(std::int64_t number, const Real* packed, State state, const Fold& fold) {
        StateRows rows = rows_of(run_.k_, state);
        rows.rows = run_.g_.tile(number).rows;
        nodes_.set_tile(packed, rows.rows);
        const bool replaces = run_.tolerance() > 0 && run_.k_.reducer().skipping() == Reducer::Skipping::by_bounds;
        if (!replaces) own_.certificate = run_.tolerance();
        const std::int64_t columns = replaces ? tolerant_walk_.run(rows, fold, own_.certificate) : walk_.run(rows, fold);
        own_.visited += static_cast<double>(rows.rows * columns);
      }

     private:
      const GeometricRun& run_;
      NodeBounds<Real> nodes_;
      Walk<Real> walk_;
      TolerantWalk<Real> tolerant_walk_;
      std::mutex& mutex_;
      Walked& total_;
      Walked own_;
    };

    GeometricStage& g_;
  };

  const GeometryPlan& plan_;
  Decision decision_ = Decision::none;
  ColumnTree<Real> tree_;
};

}  // namespace rkeops
