// Kernels for columns in any order: however columns are cut and shuffled, results are those of the plain kernel with all of them
// in order, bit for bit. What reducers skip, or add without a visit, changes nothing either.
#include <numeric>

#include "rkeops/backend/cpu/cpu_backend.hpp"
#include "interpret.hpp"

using namespace check;
using namespace rkeops;

namespace {

using Numbers = std::vector<int>;

// A reduction of a formula of whole numbers x (rows) and y (columns), component by component.
struct Case {
  const Reduction& row;
  std::int64_t dim, k;
  std::int64_t rows, columns;
  std::vector<double> x, y;  // number c of row r is at r * dim + c

  bool scalar() const { return row.reducer == &softmax_reducer() && (row.weighted() || row.finish == Reduction::Finish::pair); }
  bool within_rounding() const { return row.reducer == &softmax_reducer() && !row.weighted(); }
  bool steps() const { return row.reducer == &sum_reducer(); }
  std::string formula() const {
    const std::string f = steps() ? "Step(x*y-3)*3" : scalar() ? "Sum(x*y)" : "x*y";
    return std::string(row.name) + "_Reduction(" + f + (row.weighted() ? ",y" : "") + (row.ranked() ? "," + show(k) : "") + ",1)";
  }
  // Components of F, then of the weight.
  std::vector<double> results(std::int64_t r, std::int64_t j) const {
    std::vector<double> f, w;
    for (std::int64_t c = 0; c < dim; ++c) {
      const double a = x[static_cast<std::size_t>(r * dim + c)], b = y[static_cast<std::size_t>(j * dim + c)];
      f.push_back(steps() ? (a * b - 3 < 0 ? 0 : 3) : a * b);
      w.push_back(b);
    }
    if (scalar()) f = {std::accumulate(f.begin(), f.end(), 0.0)};
    if (row.weighted()) f.insert(f.end(), w.begin(), w.end());
    return f;
  }
};

// Bounds of the results of some pairs.
struct Box {
  Numbers numbers;
  std::vector<double> low, high;
  BoxOfPairs pairs;

  Box(const Case& data, const Numbers& columns) : numbers(columns), low(data.results(0, columns[0])), high(low) {
    for (std::int64_t r = 0; r < data.rows; ++r) {
      for (int j : columns) {
        const std::vector<double> one = data.results(r, j);
        for (std::size_t c = 0; c < one.size(); ++c) {
          if (std::isnan(one[c]) || std::isnan(low[c])) low[c] = high[c] = std::nan("");
          else low[c] = std::min(low[c], one[c]), high[c] = std::max(high[c], one[c]);
        }
      }
    }
    const int least = *std::min_element(numbers.begin(), numbers.end());
    pairs = {low.data(), high.data(), 1, static_cast<double>(numbers.size()), static_cast<double>(data.columns), least};
  }
  Box(Box&&) = default;
  Box& operator=(Box&&) = default;
};

// A tile of rows of a case, its kernel and its state.
class Tiled {
 public:
  Tiled(const Case& data, Precision precision, bool ordered)
      : data_(data), parsed_(data.formula(), {"x=Vi(" + show(data.dim) + ")", "y=Vj(" + show(data.dim) + ")"}) {
    plan = generate(lower(parsed_.root), cpu_target(precision), ordered);
    kernel_ = CpuBackend::instance().kernel(plan, digest_of(plan.text), run_options().jit, {});
    const std::int64_t tile = plan.tile_rows();
    rows_ = Buffer<double>(static_cast<std::size_t>(tile * plan.row.width));
    columns_ = Buffer<double>(static_cast<std::size_t>(data.columns * plan.column_stride));
    values_ = Buffer<double>(static_cast<std::size_t>(tile * plan.value_slots));
    indices_ = Buffer<long long>(static_cast<std::size_t>(tile * plan.index_slots));
    work_ = Buffer<unsigned char>(static_cast<std::size_t>((plan.work_vectors + 1) * plan.vector_bytes));
    for (std::int64_t r = 0; r < tile; ++r) {
      for (std::int64_t c = 0; c < data.dim; ++c) {
        put(rows_, c * tile + r, data.x[static_cast<std::size_t>(std::min(r, data.rows - 1) * data.dim + c)]);
      }
    }
    start_state(plan, {values_.data(), indices_.data()});
  }

  void fold(const Numbers& numbers, bool resumes = false, Bar* bars = nullptr) {
    std::int64_t place = 0;
    for (int j : numbers) {
      for (std::int64_t c = 0; c < data_.dim; ++c) {
        put(columns_, place * plan.column_stride + c, data_.y[static_cast<std::size_t>(j * data_.dim + c)]);
      }
      ++place;
    }
    HostKernel::FoldCall call{nullptr, rows_.data(), columns_.data(), place, numbers.empty() ? 0 : numbers[0], values_.data(),
                              indices_.data(), work_.data()};
    call.numbers = numbers.data(), call.resumes = resumes, call.bars = bars;
    kernel_->fold(call);
  }

  StateRows state() {
    StateRows rows = rows_of(plan, {values_.data(), indices_.data()});
    rows.rows = data_.rows;
    return rows;
  }

  std::vector<double> finished() {
    const std::int64_t columns = std::max(plan.dim * std::max<std::int64_t>(plan.k, 1), plan.sums) + 1;
    std::vector<double> first(static_cast<std::size_t>(data_.rows * columns), 0.5), second = first;
    double* const parts[] = {first.data(), second.data()};
    finish_state(plan, {values_.data(), indices_.data()}, 0, data_.rows, data_.rows, parts, 1, -7);
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  // Whether folding these columns would leave the state of all valid rows as it is. They are not folded.
  bool ignores(const Numbers& numbers) {
    const std::vector<double> values(values_.data(), values_.data() + values_.size());
    const std::vector<long long> indices(indices_.data(), indices_.data() + indices_.size());
    fold(numbers);
    const bool same = std::memcmp(values.data(), values_.data(), values.size() * 8) == 0 &&
                      std::memcmp(indices.data(), indices_.data(), indices.size() * 8) == 0;
    std::copy(values.begin(), values.end(), values_.data());
    std::copy(indices.begin(), indices.end(), indices_.data());
    return same;
  }

  KernelPlan plan;

 private:
  void put(Buffer<double>& memory, std::int64_t at, double x) {
    if (plan.precision == Precision::float64) memory.data()[at] = x;
    else reinterpret_cast<float*>(memory.data())[at] = static_cast<float>(x);
  }

  const Case& data_;
  Parsed parsed_;
  std::shared_ptr<const HostKernel> kernel_;
  Buffer<double> rows_, columns_, values_;
  Buffer<long long> indices_;
  Buffer<unsigned char> work_;
};

// Values: few of them, many, all equal, twice each, with NaN and infinities here and there.
enum Kind { few, many, equal_ones, pairs, odd };

Case make_case(const Reduction& row, std::int64_t dim, std::int64_t k, std::int64_t columns, Kind kind, std::mt19937_64& random) {
  const auto whole = [&](int low, int high) {
    return static_cast<double>(std::uniform_int_distribution<int>(low, high)(random));
  };
  Case data{row, dim, k, std::uniform_int_distribution<int>(1, 8)(random), columns, {}, {}};
  const int least = row.reducer == &softmax_reducer() ? 1 : 0;
  const double x = whole(least, 2);
  for (std::int64_t r = 0; r < data.rows * dim; ++r) data.x.push_back(kind == equal_ones ? x : whole(least, 2));
  for (std::int64_t j = 0; j < columns; ++j) {
    const double middle = kind == equal_ones ? 2 : kind == few ? whole(-2, 2) : whole(-400, 400);
    for (std::int64_t c = 0; c < dim; ++c) {
      data.y.push_back(middle + (kind == many || kind == pairs ? whole(-3, 3) : 0));
      if (kind == few && data.y.back() == 0 && whole(0, 1) == 0) data.y.back() = -0.0;
      if (kind == odd && whole(0, 30) == 0) data.y.back() = std::vector<double>{std::nan(""), inf, -inf}[random() % 3];
    }
  }
  if (kind == pairs) std::copy_n(data.y.begin(), columns / 2 * dim, data.y.end() - columns / 2 * dim);
  return data;
}

Numbers all_of(const Case& data) {
  Numbers list(static_cast<std::size_t>(data.columns));
  std::iota(list.begin(), list.end(), 0);
  return list;
}

std::vector<Numbers> cut(const Numbers& list, std::mt19937_64& random) {
  std::vector<Numbers> parts;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t n = std::min(list.size() - at, static_cast<std::size_t>(1 + random() % 64));
    parts.emplace_back(list.begin() + static_cast<std::ptrdiff_t>(at), list.begin() + static_cast<std::ptrdiff_t>(at + n));
    at += n;
  }
  return parts;
}

// Sums are exact, but for those of exponentials; whether NaN has a sign is not defined where it was computed.
bool same(const Case& data, const std::vector<double>& a, const std::vector<double>& b, Precision precision) {
  if (data.row.reducer == &softmax_reducer()) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      if (!near(a[k], b[k], (precision == Precision::float32 ? 1e-5 : 1e-13) * (1 + std::fabs(b[k])))) return false;
    }
    return true;
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!equal(a[k], b[k]) || (a[k] == 0 && std::signbit(a[k]) != std::signbit(b[k]))) return false;
  }
  return true;
}

struct Share {
  std::int64_t boxes = 0, skipped = 0, added = 0;
};

void check_case(const Case& data, Precision precision, std::mt19937_64& random, Share& share) {
  const std::string name = data.formula() + ", " + name_of(precision) + ", " + show(data.rows) + " rows";
  Tiled plain(data, precision, false);
  plain.fold(all_of(data));
  const std::vector<double> expected = plain.finished();
  // any order
  Numbers shuffled = all_of(data);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  Tiled any_order(data, precision, true);
  for (const Numbers& part : cut(shuffled, random)) any_order.fold(part);
  CHECK_THAT(same(data, any_order.finished(), expected, precision), name + ": shuffled");
  // near columns together, the best boxes first, and only those that may matter
  std::stable_sort(shuffled.begin(), shuffled.end(), [&](int a, int b) {
    return data.y[static_cast<std::size_t>(a * data.dim)] < data.y[static_cast<std::size_t>(b * data.dim)];
  });
  Tiled tiled(data, precision, true);
  const Reducer& reducer = *data.row.reducer;
  std::vector<Box> boxes;
  for (const Numbers& part : cut(shuffled, random)) boxes.emplace_back(data, part);
  std::stable_sort(boxes.begin(), boxes.end(), [&](const Box& a, const Box& b) {
    return reducer.priority(tiled.plan, a.pairs) < reducer.priority(tiled.plan, b.pairs);
  });
  std::vector<Bar> bars(static_cast<std::size_t>(tiled.plan.dim));
  std::int64_t visited = 0;
  for (const Box& box : boxes) {
    reducer.bars(tiled.plan, tiled.state(), bars.data());
    ++share.boxes;
    if (reducer.can_skip(tiled.plan, box.pairs, bars.data())) {
      ++share.skipped;
      if (!data.within_rounding()) CHECK_THAT(tiled.ignores(box.numbers), name + ": what was skipped matters");
    } else if (reducer.add_constant(tiled.plan, tiled.state(), box.pairs)) {
      ++share.added;
    } else {
      tiled.fold(box.numbers);
      ++visited;
    }
  }
  CHECK_THAT(same(data, tiled.finished(), expected, precision), name + ": boxes skipped");
  if (!tiled.plan.ordered) return;
  // the state stays with the kernel, which tells the bars
  Tiled kept(data, precision, true);
  reducer.bars(kept.plan, kept.state(), bars.data());
  bool resumes = false;
  for (const Box& box : boxes) {
    if (reducer.can_skip(kept.plan, box.pairs, bars.data())) continue;
    kept.fold(box.numbers, resumes, bars.data());
    resumes = true;
    --visited;
  }
  kept.fold({}, resumes);
  CHECK_THAT(same(data, kept.finished(), expected, precision), name + ": boxes skipped, bars of the kernel");
  CHECK_THAT(visited == 0, name + ": bars of the kernel differ, visits less by " + show(visited));
}

TEST("any order") {
  std::mt19937_64 random(number(0, 1));
  for (const Reduction& row : reductions()) {
    if (row.reducer == &two_sided_reducer() || row.reducer == &entries_reducer() || row.reducer == &where_reducer()) continue;
    for (Precision precision : {Precision::float32, Precision::float64}) {
      Share share;
      for (std::int64_t dim : {1, 3}) {
        for (std::int64_t k : {1, 5, 60}) {
          if (k != 5 && !(row.ranked() && row.values && row.indices)) continue;
          for (Kind kind : {few, many, equal_ones, pairs, odd}) {
            if (kind == odd && row.finish == Reduction::Finish::pair) continue;  // beside a sum that is NaN, m may be any value
            for (std::int64_t columns : {40, 700, 701, 800}) {
              check_case(make_case(row, dim, k, columns, kind, random), precision, random, share);
            }
          }
        }
      }
      const bool adds = row.reducer == &sum_reducer();
      const std::string of = std::string(row.name) + ", " + show(share.boxes) + " boxes: ";
      CHECK_THAT(share.skipped > 0, of + show(share.skipped) + " skipped");
      CHECK_THAT((share.added > 0) == adds, of + show(share.added) + " added without a visit");
    }
  }
}

TEST("texts") {  // only positions make a difference
  for (const Reduction& row : reductions()) {
    const std::string more = row.takes('W') || row.takes('G') ? ",y" : row.ranked() ? ",3" : "";
    Parsed parsed(std::string(row.name) + "_Reduction(x*y" + more + ",1)", {"x=Vi(1)", "y=Vj(1)"});
    const PairProgram program = lower(parsed.root);
    const KernelPlan plain = generate(program, cpu_target(Precision::float64)),
                     any_order = generate(program, cpu_target(Precision::float64), true);
    CHECK_THAT(any_order.ordered == (row.indices || row.ranked()), row.name);
    CHECK_THAT((plain.text == any_order.text) != any_order.ordered, row.name);
  }
}

// A state of one row and two components, and a box of pairs with bounds of up to four components.
struct Decision {
  StateLayout layout{};
  std::vector<double> values;
  std::vector<long long> indices;
  StateRows state{};

  Decision(Reducing name, std::vector<double> value, std::vector<long long> index, std::int64_t second_dim = 0)
      : values(std::move(value)), indices(std::move(index)) {
    layout.reduction = &reduction(name);
    layout.precision = Precision::float64;
    layout.dim = 2, layout.second_dim = second_dim, layout.k = reduction(name).ranked() ? 1 : 0;
    layout.reducer().lay_out(layout);
    values.resize(static_cast<std::size_t>(layout.value_slots));
    state = {values.data(), indices.data(), 1, 1, 1};
  }
  static BoxOfPairs box(const std::vector<double>& low, const std::vector<double>& high, long long least = 5) {
    return {low.data(), high.data(), 1, 10, 1000, least};
  }
  bool skips(const std::vector<double>& low, const std::vector<double>& high, long long least = 5) const {
    Bar bars[2];
    layout.reducer().bars(layout, state, bars);
    return layout.reducer().can_skip(layout, box(low, high, least), bars);
  }
  bool adds(const std::vector<double>& low, const std::vector<double>& high) const {
    return layout.reducer().add_constant(layout, state, box(low, high));
  }
};

TEST("decisions") {
  const double nan = std::nan("");
  for (Reducing name : {Reducing::ArgMin, Reducing::KMin}) {
    const Decision least(name, {2, 3}, {7, 4});
    CHECK(least.skips({2.5, 3.5}, {9, 9}, 0));
    CHECK(!least.skips({2.5, 2.5}, {9, 9}, 0));
    CHECK(least.skips({2, 3}, {9, 9}, 8));
    CHECK(!least.skips({2, 3}, {9, 9}, 6));
    CHECK(!least.skips({2, 3}, {9, 9}, 7));
    CHECK(!least.skips({nan, 4}, {nan, 9}) && !least.skips({-inf, 4}, {inf, 9}));
    const Decision begun(name, {nan, nan}, {-1, -1});
    CHECK(!begun.skips({2, 2}, {9, 9}) && !begun.skips({inf, inf}, {inf, inf}));
  }
  const Decision most(Reducing::Max_ArgMax, {2, 3}, {7, 4});
  CHECK(most.skips({0, 0}, {1, 1}, 0) && most.skips({0, 0}, {2, 3}, 8));
  CHECK(!most.skips({0, 0}, {2, 3}, 6) && !most.skips({0, 0}, {4, 1}, 8) && !most.skips({nan, 0}, {nan, 1}));
  const Decision largest(Reducing::Max, {2, nan}, {});  // NaN stays
  CHECK(largest.skips({0, 8}, {2, 9}) && !largest.skips({0, 0}, {2.5, 1}) && !largest.skips({0, nan}, {1, nan}));
  const Decision sum(Reducing::Sum, {1, 2}, {});
  CHECK(sum.skips({0, -0.0}, {0, 0}) && !sum.skips({0, 0}, {0, 1}) && !sum.skips({0, nan}, {0, nan}));
  CHECK(!sum.adds({3, 0}, {3, 1}) && !sum.adds({3, nan}, {3, nan}));
  CHECK_EQUAL(sum.values[0], 1.0);
  CHECK(sum.adds({3, -2}, {3, -2}));
  CHECK_EQUAL(sum.values[0], 31.0);
  CHECK_EQUAL(sum.values[1], -18.0);
  const Decision both(Reducing::SumBoth, {1, 2}, {}, 2);
  CHECK(both.skips({0, 0, 0, 0}, {0, 0, 0, 0}) && !both.skips({0, 0, 0, 1}, {0, 0, 0, 1}));
  CHECK(!both.adds({1, 1, 1, 1}, {1, 1, 1, 1}));
  const Decision log(Reducing::LogSumExp, {0, 100}, {});
  CHECK(log.skips({-90, 0}, {-50, 50}) && !log.skips({-90, 0}, {-30, 50}) && !log.skips({-90, 0}, {-50, 70}));
  CHECK(!log.skips({nan, 0}, {nan, 0}) && log.skips({-inf, -inf}, {-inf, -inf}));
  const Decision entries(Reducing::Entries, {}, {});
  CHECK(!entries.skips({0, 0}, {0, 0}) && !entries.adds({0, 0}, {0, 0}));
}

TEST("priorities") {
  const std::vector<double> low{1, 2}, high{4, 8}, none{std::nan(""), 1};
  const auto of = [&](Reducing name, const std::vector<double>& a, const std::vector<double>& b) {
    StateLayout layout{};
    layout.reduction = &reduction(name);
    layout.dim = 2;
    return layout.reducer().priority(layout, Decision::box(a, b));
  };
  CHECK_EQUAL(of(Reducing::KMin, low, high), 3.0);
  CHECK_EQUAL(of(Reducing::Min, low, high), 3.0);
  CHECK_EQUAL(of(Reducing::ArgMax, low, high), -12.0);
  CHECK_EQUAL(of(Reducing::LogSumExp, low, high), -12.0);
  CHECK_EQUAL(of(Reducing::Sum, low, high), 0.0);
  CHECK_EQUAL(of(Reducing::ArgMin, none, none), -inf);
}

}  // namespace
