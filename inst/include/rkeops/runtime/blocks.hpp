// Pairs of rows i and rows j that a call is about, chosen by blocks: rows are in groups, and of each group of i some groups of j
// are kept. The same is known seen from j, as sums over i and gradients need it.
#pragma once

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "bind.hpp"
#include "options.hpp"
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
  using Numbers = std::vector<std::int32_t>;

 public:
  explicit PairBlocks(const BlockGroups& given) {
    if (given.kept_i.size() != given.kept_from.size() || given.kept_i.size() != given.kept_to.size()) {
      throw Error(ErrorKind::internal, "blocks are groups that keep groups");
    }
    const Groups i(given.group_i, given.kept_i), j(given.group_j, given.kept_to);
    const Kept kept = kept_of(given, i.places.size());
    i_ = side_of(i, kept, j);
    j_ = side_of(j, transposed(kept, j.places.size()), i);
    for (std::size_t g = 0; g < i_.groups.size(); ++g) pairs_ += static_cast<double>(i_.pairs(g));
  }

  const BlockSide& of(Category rows) const { return rows == Category::i ? i_ : j_; }
  double pairs() const { return pairs_; }

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
      const std::vector<std::int64_t> first = sorted(group, places.size(), order);
      for (std::size_t g = 0; g < places.size(); ++g) places[g] = {first[g], first[g + 1]};
      grouped = first.back();
      for (std::size_t row = 0; row < group.size(); ++row) {
        if (group[row] < 0) order.push_back(static_cast<std::int32_t>(row));
      }
    }
  };

  // For each group the ranges of groups of the other index that it keeps, in order and apart from each other.
  struct Kept {
    std::vector<std::int64_t> first{0};
    std::vector<Range> ranges;

    std::vector<Range> of(std::size_t g) const {
      return {ranges.begin() + static_cast<std::ptrdiff_t>(first[g]), ranges.begin() + static_cast<std::ptrdiff_t>(first[g + 1])};
    }
  };

  // The places of numbers, by number, and where each number begins and the last one ends. Negative ones are left out.
  static std::vector<std::int64_t> sorted(const Numbers& numbers, std::size_t count, Numbers& places) {
    std::vector<std::int64_t> first(count + 1, 0);
    for (std::int32_t g : numbers) {
      if (g >= 0) ++first[static_cast<std::size_t>(g) + 1];
    }
    for (std::size_t g = 1; g < first.size(); ++g) first[g] += first[g - 1];
    std::vector<std::int64_t> next(first.begin(), first.end() - 1);
    places.resize(static_cast<std::size_t>(first.back()));
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      if (numbers[k] < 0) continue;
      places[static_cast<std::size_t>(next[static_cast<std::size_t>(numbers[k])]++)] = static_cast<std::int32_t>(k);
    }
    return first;
  }

  static void append(std::vector<Range>& ranges, std::size_t begin, Range range) {
    if (range.size() == 0) return;
    if (ranges.size() > begin && ranges.back().to >= range.from) ranges.back().to = std::max(ranges.back().to, range.to);
    else ranges.push_back(range);
  }

  static Kept kept_of(const BlockGroups& given, std::size_t groups) {
    Kept kept;
    Numbers places;
    const std::vector<std::int64_t> first = sorted(given.kept_i, groups, places);
    std::vector<Range> own;
    for (std::size_t g = 0; g < groups; ++g) {
      own.clear();
      for (std::int64_t k = first[g]; k < first[g + 1]; ++k) {
        const auto at = static_cast<std::size_t>(places[static_cast<std::size_t>(k)]);
        own.push_back({given.kept_from[at], given.kept_to[at] + std::int64_t{1}});
      }
      std::sort(own.begin(), own.end(), [](const Range& a, const Range& b) { return a.from < b.from; });
      const std::size_t begin = kept.ranges.size();
      for (const Range& range : own) append(kept.ranges, begin, range);
      kept.first.push_back(static_cast<std::int64_t>(kept.ranges.size()));
    }
    return kept;
  }

  // By the differences between what one group keeps and what the next one keeps.
  static Kept transposed(const Kept& kept, std::size_t groups) {
    Numbers number, since(groups, -1);
    std::vector<Range> found;
    std::vector<std::int64_t> ends;
    const std::size_t count = kept.first.size() - 1;
    for (std::size_t g = 0; g <= count; ++g) {
      ends.clear();
      for (std::size_t other : {g - 1, g}) {
        if (other >= count) continue;  // before the first one, behind the last one
        for (const Range& range : kept.of(other)) ends.insert(ends.end(), {range.from, range.to});
      }
      std::sort(ends.begin(), ends.end());
      for (std::size_t e = 0; e < ends.size(); e += 2) {
        for (std::int64_t h = ends[e]; h < ends[e + 1]; ++h) {
          std::int32_t& open = since[static_cast<std::size_t>(h)];
          const auto now = static_cast<std::int32_t>(g);
          if (open >= 0) {
            number.push_back(static_cast<std::int32_t>(h));
            found.push_back({open, now});
          }
          open = open >= 0 ? -1 : now;
        }
      }
    }
    Kept result;
    Numbers places;
    result.first = sorted(number, groups, places);
    for (std::int32_t at : places) result.ranges.push_back(found[static_cast<std::size_t>(at)]);
    return result;
  }

  static BlockSide side_of(const Groups& own, const Kept& kept, const Groups& other) {
    BlockSide side{own.order, {}, {0}, {}};
    std::vector<Range> ranges;
    for (std::size_t g = 0; g < own.places.size(); ++g) {
      ranges.clear();
      for (const Range& range : kept.of(g)) {
        const auto last = static_cast<std::size_t>(range.to) - 1;
        append(ranges, 0, {other.places[static_cast<std::size_t>(range.from)].from, other.places[last].to});
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
