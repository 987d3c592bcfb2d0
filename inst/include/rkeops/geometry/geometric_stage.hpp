// A stage that leaves out pairs which cannot matter: rows and columns are put in order, each tile of rows walks the tree of
// columns, and what may matter is folded by the kernels that exist. Whether that is worth it is found out beforehand, from the
// data alone; if it is not, all pairs are folded.
#pragma once

#include "../runtime/host_stage.hpp"
#include "estimate.hpp"
#include "known_orders.hpp"
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
class GeometricStage final : public HostStage<Real> {
  using Base = HostStage<Real>;
  using typename Base::Worker;
  using Base::data, Base::kernel_;

 public:
  // `plan` lives as long as this.
  GeometricStage(Backend<HostKernel>& backend, const KernelPlan& kernel, const Digest& digest, const GeometryPlan& plan,
                 StageData stage_data, Schedule schedule, bool keep)
      : Base(backend, kernel, digest, std::move(stage_data), std::move(schedule), keep), plan_(plan) {}

  void run(const StageCall& call) override {
    if (!is_candidate(call.options.geometry)) return fold_all(call);
    GeometricRun run(*this, call);
    if (!run.arrange()) return fold_all(call);
    run.walk();
  }

 private:
  enum class Decision : std::uint8_t { none, walk, fold_all };

  bool is_candidate(UseOfGeometry use) const {
    constexpr std::int64_t most_points = std::numeric_limits<std::int32_t>::max();
    if (use == UseOfGeometry::never || data.rows > most_points || data.columns > most_points) return false;
    return use == UseOfGeometry::always || nanoseconds_of_all() > heuristics::geometry_nanoseconds;
  }

  double nanoseconds_of_all() const {
    const double pairs = static_cast<double>(data.rows) * static_cast<double>(data.columns);
    return pairs * kernel_.cost / (heuristics::operations_per_nanosecond * kernel_.lanes);
  }

  // What is packed in order is of no use then.
  void fold_all(const StageCall& call) {
    if (rows_are_in_order_) mark(data.row, &Source::is_packed, false);
    rows_are_in_order_ = false;
    Base::run(call);
  }

  static void mark(std::vector<Source>& sources, bool Source::*flag, bool value) {
    for (Source& source : sources) source.*flag = value;
  }

  class GeometricRun : public Base::Run {
    using Run = typename Base::Run;
    using Run::call_, Run::code_, Run::k_, Run::threads_;

   public:
    GeometricRun(GeometricStage& stage, const StageCall& call)
        : Run(stage, call, stage.plan_.ordered, stage.plan_.digest), g_(stage) {}

    // False: there is nothing to be gained.
    bool arrange() {
      const bool had_parameters = Base::all_packed(g_.data.parameter) && g_.parameters_.size() > 0;
      this->pack_parameters();
      const bool moved = has_moved(k_.row, g_.data.row, g_.plan_.coordinates.row, !had_parameters) ||
                         has_moved(k_.column, g_.data.column, g_.plan_.coordinates.column, !had_parameters);
      if (moved || g_.decision_ == Decision::none) g_.decision_ = Decision::none;
      if (g_.decision_ == Decision::fold_all && call_.options.geometry == UseOfGeometry::automatic) return false;
      const bool is_first = g_.decision_ != Decision::walk;
      const bool same_columns = !is_first && Base::all_packed(g_.data.column);
      const bool same_rows = !is_first && g_.rows_are_in_order_ && Base::all_packed(g_.data.row);
      this->pack_columns();
      if (is_first) {
        g_.decision_ = decide();
        mark(g_.data.row, &Source::is_placed, true);
        mark(g_.data.column, &Source::is_placed, true);
        if (g_.decision_ == Decision::fold_all) return false;
      }
      if (!same_rows) arrange_rows(is_first);
      if (!same_columns) arrange_columns(is_first);
      return true;
    }

    void walk() {
      const std::vector<Range> shares = shares_of_tiles();
      const auto count = static_cast<std::int64_t>(shares.size());
      if (g_.two_sided()) g_.totals_ = ColumnTotals<Real>(k_, count, g_.data.columns);
      std::atomic<std::int64_t> visited{0};
      this->run_tasks(
          count,
          [&](std::int64_t number, int worker, TaskRunner& runner) {
            visited += walk(shares[static_cast<std::size_t>(number)], number, this->worker_of(worker), runner);
          },
          [&](std::int64_t done) { return call_.poll(static_cast<double>(done) / static_cast<double>(count)); }, threads_);
      if (g_.two_sided()) g_.totals_.finish(g_.data.parts[1], g_.column_order_->data());
      GeometryCounters::instance().note_walk(static_cast<double>(visited), static_cast<double>(g_.data.rows) * static_cast<double>(g_.data.columns));
      call_.note(percent(static_cast<double>(visited) / static_cast<double>(g_.data.rows) / static_cast<double>(g_.data.columns)) +
                 " of the pairs were visited");
    }

   private:
    static std::string percent(double share) {
      char text[32];
      std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
      return text;
    }

    using Sources = std::vector<Source>;

    // Was a leaf changed that coordinates come from?
    static bool has_moved(const PackedArea& area, const Sources& sources, const std::vector<std::int64_t>& components,
                          bool with_parameters) {
      bool hoisted = false;
      std::set<std::int64_t> own;
      for (const PackedLeaf& leaf : area.leaves) {
        for (std::int64_t k = 0; k < leaf.dim; ++k) own.insert(leaf.offset + k);
      }
      for (std::int64_t c : components) hoisted |= own.count(c) == 0;
      if (hoisted && with_parameters) return true;
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

    // Rows with their components side by side, in the order of the data.
    void pack_row_points(Range rows, Worker& own, Real* points) {
      this->pack_points(k_.row, g_.data.row, rows, own, points,
                        [&](Real* tile) { code_->hoist_rows(g_.parameters_.data(), tile, this->work_of(own)); });
    }

    Decision decide() {
      if (call_.options.geometry == UseOfGeometry::always) return Decision::walk;
      mark(g_.data.row, &Source::is_packed, false);
      g_.rows_are_in_order_ = false;
      const std::vector<std::int64_t> rows = spread(g_.data.rows, heuristics::sample_points);
      std::vector<Real> points(rows.size() * static_cast<std::size_t>(k_.row.width));
      for (std::size_t k = 0; k < rows.size(); ++k) {
        pack_row_points({rows[k], rows[k] + 1}, this->worker_of(0), points.data() + static_cast<std::int64_t>(k) * k_.row.width);
      }
      const double share = Estimate<Real>(k_, g_.plan_, g_.parameters_.data())
                               .share(points, g_.data.rows, g_.columns_.data(), g_.data.columns);
      double ordering = 0;
      if (!KnownOrders::instance().find(row_key())) ordering += static_cast<double>(g_.data.rows);
      if (!KnownOrders::instance().find(column_key())) ordering += static_cast<double>(g_.data.columns);
      call_.note("bounds on a sample say that " + percent(share) + " of the pairs matter");
      const double saved = (1 - heuristics::walk_cost * share) * g_.nanoseconds_of_all();
      return saved > heuristics::ordering_nanoseconds * ordering ? Decision::walk : Decision::fold_all;
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

    KnownOrders::Held order_of(const Real* points, std::int64_t count, std::int64_t width,
                               const std::vector<std::int64_t>& components, const KnownOrders::Key& key) {
      if (KnownOrders::Held known = KnownOrders::instance().find(key)) return known;
      std::vector<float> coordinates(static_cast<std::size_t>(count) * components.size());
      float* to = coordinates.data();
      for (std::int64_t p = 0; p < count; ++p) {
        for (std::int64_t c : components) *to++ = static_cast<float>(points[p * width + c]);
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
      const std::int64_t width = k_.row.width, tile = g_.tile_;
      Buffer<Real> points(static_cast<std::size_t>(g_.data.rows * width));
      mark(g_.data.row, &Source::is_packed, false);
      this->pack_in_ranges(g_.data.rows, width, [&](Range range, Worker& own) {
        pack_row_points(range, own, points.data() + range.from * width);
      });
      if (moved) g_.row_order_ = order_of(points.data(), g_.data.rows, width, g_.plan_.coordinates.row, row_key());
      g_.reserve(g_.row_tiles_, g_.tiles_ * tile * width);
      this->pack_in_ranges(g_.tiles_ * tile, width, [&](Range range, Worker&) {
        for (std::int64_t t = range.from / tile; t < range.to / tile; ++t) {
          const Tile own = g_.tile(t);
          for (std::int64_t r = 0; r < tile; ++r) {  // those behind the last one repeat it
            const std::int64_t place = own.first_row + std::min(r, own.rows - 1);
            const Real* from = points.data() + (*g_.row_order_)[static_cast<std::size_t>(place)] * width;
            Real* to = g_.row_tiles_.data() + t * tile * width + r;
            for (std::int64_t c = 0; c < width; ++c) to[c * tile] = from[c];
          }
        }
      });
      mark(g_.data.row, &Source::is_packed, true);
      g_.rows_are_in_order_ = true;
    }

    void arrange_columns(bool moved) {
      const std::int64_t width = k_.column.width, count = g_.data.columns;
      if (moved) g_.column_order_ = order_of(g_.columns_.data(), count, width, g_.plan_.coordinates.column, column_key());
      const Order& order = *g_.column_order_;
      g_.reserve(g_.ordered_columns_, count * width + 1);
      if (moved) g_.tree_ = ColumnTree<Real>(count, heuristics::leaf_columns, width);
      this->pack_in_ranges(count, width, [&](Range range, Worker&) {
        for (std::int64_t j = range.from; j < range.to; ++j) {
          std::copy_n(g_.columns_.data() + order[static_cast<std::size_t>(j)] * width, width, g_.ordered_columns_.data() + j * width);
        }
      });
      this->pack_in_ranges(count, width, [&](Range range, Worker&) {
        constexpr std::int64_t leaf = heuristics::leaf_columns;
        g_.tree_.fill_leaves({divided_up(range.from, leaf), divided_up(range.to, leaf)}, g_.ordered_columns_.data(), order);
      });
      g_.tree_.fill_upper_levels();
    }

    // Sets of totals as few as with all pairs; other shares are as short as balances the load.
    std::vector<Range> shares_of_tiles() const {
      using namespace heuristics;
      const std::int64_t tiles = g_.tiles_;
      const std::int64_t most = g_.two_sided() ? tiles / two_sided_share_tiles : divided_up(tiles, row_block_tiles);
      const std::int64_t count = std::clamp<std::int64_t>(most, 1, g_.two_sided() ? enough_tasks : tiles);
      std::vector<Range> shares;
      for (std::int64_t k = 0; k < count; ++k) shares.push_back({tiles * k / count, tiles * (k + 1) / count});
      return shares;
    }

    // Returns the number of pairs visited.
    std::int64_t walk(Range tiles, std::int64_t totals, Worker& own, TaskRunner& runner) {
      const std::int64_t block = g_.schedule_.column_block;
      g_.reserve(own.values, k_.value_slots * g_.tile_);
      g_.reserve(own.indices, k_.index_slots * g_.tile_);
      if (g_.two_sided()) g_.reserve(own.column_sums, k_.column_sums_size(std::min(block, g_.data.columns)));
      Walk<Real> walk(k_, g_.plan_, g_.tree_, g_.parameters_.data());
      const State state{own.values.data(), own.indices.data()};
      std::int64_t visited = 0;
      for (std::int64_t t = tiles.from; t < tiles.to && !runner.should_stop(); ++t) {
        const std::int64_t valid = g_.tile(t).rows;
        const Real* row = g_.row_tiles_.data() + t * g_.tile_ * k_.row.width;
        start_state(k_, state);
        HostKernel::FoldCall call{g_.parameters_.data(), row, nullptr, 0, 0, state.values, state.indices, this->work_of(own),
                                  own.column_sums.data(), valid};
        call.stays = k_.ordered;
        visited += valid * walk.run(row, state, valid, [&](Range columns) {
          for (std::int64_t j = columns.from; j < columns.to && !runner.should_stop(); j += block) {
            const std::int64_t n = std::min(block, columns.to - j);
            if (g_.two_sided()) std::fill_n(own.column_sums.data(), k_.column_sums_size(n), Real(0));
            call.column = g_.ordered_columns_.data() + j * k_.column.width;
            call.columns = n;
            call.first_column = j;
            call.numbers = g_.column_order_->data() + j;
            code_->fold(call);
            call.resumes = k_.ordered;
            if (g_.two_sided()) g_.totals_.add(totals, j, n, own.column_sums.data());
          }
        });
        if (call.resumes) {
          call.columns = 0;
          call.stays = false;
          code_->fold(call);
        }
        finish(t, state);
      }
      return visited;
    }

    // Results go to where their rows come from.
    void finish(std::int64_t number, State state) {
      const Tile& tile = g_.tile(number);
      std::int64_t size = 0;
      for (std::int64_t columns : g_.data.widths) size += columns * g_.tile_;
      std::vector<double> results(static_cast<std::size_t>(size));
      std::vector<double*> parts;
      for (std::size_t p = 0; p < g_.data.parts.size(); ++p) {
        parts.push_back(p == 0 ? results.data() : parts[p - 1] + g_.data.widths[p - 1] * g_.tile_);
      }
      finish_state(k_, state, 0, tile.rows, g_.tile_, parts.data(), call_.options.index_base, call_.options.missing_index);
      const std::int32_t* rows = g_.row_order_->data() + tile.first_row;
      const std::size_t by_rows = g_.two_sided() ? 1 : g_.data.widths.size();
      for (std::size_t p = 0; p < by_rows; ++p) {
        for (std::int64_t c = 0; c < g_.data.widths[p]; ++c) {
          double* to = g_.data.parts[p] + c * g_.data.rows;
          const double* from = parts[p] + c * g_.tile_;
          for (std::int64_t r = 0; r < tile.rows; ++r) to[rows[r]] = from[r];
        }
      }
    }

    GeometricStage& g_;
  };

  const GeometryPlan& plan_;
  Decision decision_ = Decision::none;
  bool rows_are_in_order_ = false;
  KnownOrders::Held row_order_, column_order_;
  Buffer<Real> row_tiles_, ordered_columns_;
  ColumnTree<Real> tree_;
};

}  // namespace rkeops
