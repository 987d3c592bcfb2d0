// A stage that leaves out pairs which cannot matter: rows and columns are put in order, each tile of rows walks the tree of
// columns, and what may matter is folded by the kernels that exist. Whether that is worth it is found out beforehand, from the
// data alone; if it is not, all pairs are folded.
#pragma once

#include "known_orders.hpp"
#include "walking_stage.hpp"

namespace rkeops {

template <class Real>
class GeometricStage final : public WalkingStage<Real> {
  using Base = WalkingStage<Real>;
  using typename Base::Worker, typename Base::Ranges;
  using Base::data, Base::kernel_, Base::mark, Base::plan_, Base::nanoseconds_of_all;

 public:
  // `plan` lives as long as this.
  GeometricStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, const GeometryPlan& plan,
                 StageData stage_data, Schedule schedule, bool keep)
      : Base(backend, kernel, digest, plan, std::move(stage_data), std::move(schedule), keep), all_columns_{0, data.columns} {}

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

  Ranges columns_of(std::int64_t) const override { return {&all_columns_, &all_columns_ + 1}; }
  double pairs() const override { return static_cast<double>(data.rows) * static_cast<double>(data.columns); }

  class GeometricRun : public Base::WalkingRun {
    using Run = typename Base::WalkingRun;
    using Run::call_, Run::k_, Run::threads_;

   public:
    GeometricRun(GeometricStage& stage, const StageCall& call) : Run(stage, call), g_(stage) {}

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
        if (decision == Decision::attempt) decision = this->attempt() ? Decision::walk : Decision::fold_all;
      }
      g_.decision_ = decision;
      return decision == Decision::walk;
    }

   private:
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
      const Estimated estimated = Estimate<Real>(k_, g_.plan_, this->bounds(), g_.parameters_.data())
                               .of(points, g_.data.rows, g_.columns_.data(), g_.data.columns, this->tolerance());
      double ordering = 0;
      if (!KnownOrders::instance().find(row_key())) ordering += static_cast<double>(g_.data.rows);
      if (!KnownOrders::instance().find(column_key())) ordering += static_cast<double>(g_.data.columns);
      call_.note("bounds on a sample say that " + Run::percent(estimated.share) + " of the pairs matter");
      ordering *= heuristics::ordering_nanoseconds;
      if (this->gain(estimated.share) * g_.nanoseconds_of_all() > ordering) return Decision::walk;
      const bool is_cheap = ordering < heuristics::attempt_cost * g_.nanoseconds_of_all();
      return is_cheap && estimated.dimension < heuristics::most_dimensions ? Decision::attempt : Decision::fold_all;
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
      if (moved) {
        g_.column_order_ = order_of(column_key(), g_.data.columns, k_.column.width, g_.plan_.coordinates.column,
                                    [&]() -> const Buffer<Real>& { return g_.columns_; });
      }
      this->place_columns();
      this->grow_tree();
    }

    GeometricStage& g_;
  };

  const Range all_columns_;
  Decision decision_ = Decision::none;
};

}  // namespace rkeops
