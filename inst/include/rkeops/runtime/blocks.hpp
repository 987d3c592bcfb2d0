// Pairs of rows i and rows j that a call is about, chosen by blocks: rows are in groups, and of each group of i some groups of j
// are kept. The same is known seen from j, as sums over i and gradients need it.
#pragma once

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "bind.hpp"
#include "schedule.hpp"

namespace rkeops {

// Seen from one index: its rows, group after group, and for each group what is kept of the other index.
struct BlockSide {
  std::vector<std::int32_t> order;  // place k has the row of this number; those of a group are in the order of their numbers
  std::vector<Range> groups;        // of places: all of them
  std::vector<std::int64_t> first;  // group g keeps kept[first[g]], ... up to kept[first[g + 1]]
  std::vector<Range> kept;          // places of the other index, in order and apart from each other

  std::int64_t rows() const { return static_cast<std::int64_t>(order.size()); }
  std::int64_t pairs(std::size_t group) const {
    std::int64_t columns = 0;
    for (std::int64_t k = first[group]; k < first[group + 1]; ++k) columns += kept[static_cast<std::size_t>(k)].size();
    return groups[group].size() * columns;
  }
};

class PairBlocks {
 public:
  using Numbers = std::vector<std::int32_t>;

  // The group of each row, from 0; -1: no pair of it is kept. Group kept_i[k] keeps group kept_j[k], in any order.
  PairBlocks(const Numbers& group_i, const Numbers& group_j, const Numbers& kept_i, const Numbers& kept_j) {
    const Groups i(group_i, kept_i), j(group_j, kept_j);
    if (kept_i.size() != kept_j.size()) throw Error(ErrorKind::internal, "blocks are pairs of groups");
    i_ = side_of(i, kept_i, j, kept_j);
    j_ = side_of(j, kept_j, i, kept_i);
    for (std::size_t g = 0; g < i_.groups.size(); ++g) pairs_ += static_cast<double>(i_.pairs(g));
  }

  const BlockSide& of(Category rows) const { return rows == Category::i ? i_ : j_; }
  double pairs() const { return pairs_; }
  double share() const { return pairs_ / std::max(1.0, static_cast<double>(i_.rows()) * static_cast<double>(j_.rows())); }

  void check(const Sizes& sizes) const {
    if (sizes.i == i_.rows() && sizes.j == j_.rows()) return;
    throw Error(ErrorKind::dimension,
                "the blocks are those of " + str(i_.rows()) + " rows i and " + str(j_.rows()) + " rows j, there are " +
                    str(sizes.i) + " and " + str(sizes.j),
                "Both indices have to occur in what is reduced.");
  }

 private:
  // Rows by groups.
  struct Groups {
    Numbers order;
    std::vector<Range> places;
    std::int64_t grouped;  // the others come last

    Groups(const Numbers& group, const Numbers& kept) {
      if (group.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        throw Error(ErrorKind::unsupported, "blocks of more than 2^31 - 1 rows");
      }
      std::int32_t most = -1;
      for (const Numbers* numbers : {&group, &kept}) {
        for (std::int32_t g : *numbers) most = std::max(most, g);
      }
      places.resize(static_cast<std::size_t>(most + 1));
      const std::vector<std::int64_t> first = sorted(group, most + 1, order);
      for (std::size_t g = 0; g < places.size(); ++g) places[g] = {first[g], first[g + 1]};
      grouped = first.back();
      for (std::size_t row = 0; row < group.size(); ++row) {
        if (group[row] < 0) order.push_back(static_cast<std::int32_t>(row));
      }
    }
  };

  // Their numbers by group, and where each group begins and the last one ends. Negative ones are left out.
  static std::vector<std::int64_t> sorted(const Numbers& group, std::int64_t count, Numbers& numbers) {
    std::vector<std::int64_t> first(static_cast<std::size_t>(count + 1), 0);
    for (std::int32_t g : group) {
      if (g >= 0) ++first[static_cast<std::size_t>(g) + 1];
    }
    for (std::size_t g = 1; g < first.size(); ++g) first[g] += first[g - 1];
    std::vector<std::int64_t> next(first.begin(), first.end() - 1);
    numbers.resize(static_cast<std::size_t>(first.back()));
    for (std::size_t k = 0; k < group.size(); ++k) {
      if (group[k] < 0) continue;
      numbers[static_cast<std::size_t>(next[static_cast<std::size_t>(group[k])]++)] = static_cast<std::int32_t>(k);
    }
    return first;
  }

  static BlockSide side_of(const Groups& own, const Numbers& kept_own, const Groups& other, const Numbers& kept_other) {
    if (kept_own.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
      throw Error(ErrorKind::unsupported, "more than 2^31 - 1 blocks");
    }
    BlockSide side{own.order, {}, {0}, {}};
    Numbers by_own, kept;
    const std::vector<std::int64_t> first = sorted(kept_own, static_cast<std::int64_t>(own.places.size()), by_own);
    for (std::size_t g = 0; g < own.places.size(); ++g) {
      kept.clear();
      for (std::int64_t k = first[g]; k < first[g + 1]; ++k) {
        kept.push_back(kept_other[static_cast<std::size_t>(by_own[static_cast<std::size_t>(k)])]);
      }
      std::sort(kept.begin(), kept.end());
      kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
      std::vector<Range> ranges;
      for (std::int32_t h : kept) {
        const Range range = other.places[static_cast<std::size_t>(h)];
        if (range.size() == 0) continue;
        if (!ranges.empty() && ranges.back().to == range.from) ranges.back().to = range.to;
        else ranges.push_back(range);
      }
      add(side, own.places[g], ranges);
    }
    add(side, {own.grouped, side.rows()}, {});
    return side;
  }

  // Groups that keep the same are one.
  static void add(BlockSide& side, Range group, const std::vector<Range>& kept) {
    if (group.size() == 0) return;
    const auto same = [](const Range& a, const Range& b) { return a.from == b.from && a.to == b.to; };
    if (!side.groups.empty()) {
      const auto last = side.kept.begin() + static_cast<std::ptrdiff_t>(side.first[side.groups.size() - 1]);
      if (std::equal(last, side.kept.end(), kept.begin(), kept.end(), same)) {
        side.groups.back().to = group.to;
        return;
      }
    }
    side.groups.push_back(group);
    side.kept.insert(side.kept.end(), kept.begin(), kept.end());
    side.first.push_back(static_cast<std::int64_t>(side.kept.size()));
  }

  BlockSide i_, j_;
  double pairs_ = 0;
};

}  // namespace rkeops
