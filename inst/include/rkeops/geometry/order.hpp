// An order of points in which neighbours in memory are neighbours in space: ranges are split again and again at the median of
// their widest coordinate. Aligned blocks of leaf * 2^k points are the nodes of a binary tree that need not be stored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "../base/heuristics.hpp"
#include "../runtime/schedule.hpp"

namespace rkeops {

// Place k of the order has the point of this number.
using Order = std::vector<std::int32_t>;

// Some points, by places: coordinates side by side, as floats, since how exact they are does not matter.
class PointRange {
 public:
  PointRange(const float* coordinates, std::size_t dim, std::int64_t count)
      : coordinates_(coordinates), dim_(dim), keyed_(static_cast<std::size_t>(count)) {
    for (std::size_t k = 0; k < keyed_.size(); ++k) keyed_[k] = k;
  }

  std::int64_t point(std::int64_t place) const {
    return static_cast<std::int64_t>(keyed_[static_cast<std::size_t>(place)] & 0xffffffff);
  }

  // The lower coordinates go before the place returned. Both sides are whole leaves, but for the last one.
  std::int64_t split(Range range, std::int64_t leaf) {
    const std::int64_t leaves = divided_up(range.size(), leaf);
    if (leaves < 2) return range.to;
    std::int64_t left = 1;
    while (2 * left < leaves) left *= 2;
    const std::int64_t middle = range.from + left * leaf;
    const std::size_t c = widest(range);
    for (std::int64_t p = range.from; p < range.to; ++p) set_key(p, at(point(p), c));
    select(keyed_.data() + range.from, keyed_.data() + middle, keyed_.data() + range.to);
    return middle;
  }

  // Those of a leaf are in the order of their numbers.
  void split_up(Range range, std::int64_t leaf) {
    const std::int64_t middle = split(range, leaf);
    if (middle == range.to) return sort(range);
    split_up({range.from, middle}, leaf);
    split_up({middle, range.to}, leaf);
  }

  void sort(Range range) {
    for (std::int64_t p = range.from; p < range.to; ++p) keyed_[static_cast<std::size_t>(p)] &= 0xffffffff;
    std::sort(keyed_.begin() + range.from, keyed_.begin() + range.to);
  }

 private:
  float at(std::int64_t point, std::size_t component) const {
    return coordinates_[static_cast<std::size_t>(point) * dim_ + component];
  }

  // Above the number, so that points with equal coordinates are in the order of numbers; NaN comes last.
  void set_key(std::int64_t place, float coordinate) {
    std::uint32_t bits;
    std::memcpy(&bits, &coordinate, sizeof bits);
    bits = coordinate != coordinate ? ~0u : bits ^ (bits >> 31 ? ~0u : 1u << 31);
    std::uint64_t& keyed = keyed_[static_cast<std::size_t>(place)];
    keyed = static_cast<std::uint64_t>(bits) << 32 | (keyed & 0xffffffff);
  }

  std::size_t widest(Range range) const {
    constexpr std::int64_t sample = 64;
    const std::int64_t step = std::max<std::int64_t>(1, range.size() / sample);
    std::size_t widest = 0;
    float most = -1;
    for (std::size_t c = 0; dim_ > 1 && c < dim_; ++c) {
      float low = std::numeric_limits<float>::infinity(), high = -low;
      for (std::int64_t p = range.from; p < range.to; p += step) {
        const float x = at(point(p), c);
        if (!std::isfinite(x)) continue;
        low = std::min(low, x);
        high = std::max(high, x);
      }
      if (high - low <= most) continue;
      most = high - low;
      widest = c;
    }
    return widest;
  }

  // std::nth_element of different values, without branches that depend on them: half of the time.
  static void select(std::uint64_t* from, std::uint64_t* middle, std::uint64_t* to) {
    constexpr std::ptrdiff_t sample = 31;
    while (to - from > 4 * sample) {
      std::uint64_t values[sample];
      for (std::ptrdiff_t k = 0; k < sample; ++k) values[k] = from[(to - from - 1) * k / (sample - 1)];
      std::sort(values, values + sample);
      const std::ptrdiff_t rank = sample * (middle - from) / (to - from);
      const std::uint64_t pivot = values[std::clamp<std::ptrdiff_t>(rank, 1, sample - 2)];
      std::uint64_t* below = from;
      for (std::uint64_t* at = from; at < to; ++at) {
        const std::uint64_t value = *at;
        *at = *below;
        *below = value;
        below += value < pivot;
      }
      (middle < below ? to : from) = below;
    }
    std::nth_element(from, middle, to);
  }

  const float* const coordinates_;
  const std::size_t dim_;
  std::vector<std::uint64_t> keyed_;
};

// `coordinates`: dim of each of fewer than 2^31 points, side by side. `leaf` points are neighbours in any case.
// run(count, task): task(k) for k = 0 ... count - 1, on several threads.
template <class Run>
Order make_order(const std::vector<float>& coordinates, std::size_t dim, std::int64_t leaf, const Run& run) {
  constexpr std::int64_t in_cache = 8192;  // points
  const auto count = static_cast<std::int64_t>(coordinates.size() / dim);
  PointRange points(coordinates.data(), dim, count);
  std::vector<Range> ranges{{0, count}};
  while (ranges[0].size() > std::max(in_cache, leaf)) {
    std::vector<Range> halves(2 * ranges.size());
    run(static_cast<std::int64_t>(ranges.size()), [&](std::int64_t k) {
      const Range whole = ranges[static_cast<std::size_t>(k)];
      const std::int64_t middle = points.split(whole, leaf);
      halves[static_cast<std::size_t>(2 * k)] = {whole.from, middle};
      halves[static_cast<std::size_t>(2 * k + 1)] = {middle, whole.to};
    });
    ranges = std::move(halves);
  }
  Order order(static_cast<std::size_t>(count));
  run(static_cast<std::int64_t>(ranges.size()), [&](std::int64_t k) {
    const Range range = ranges[static_cast<std::size_t>(k)];
    if (range.size() == 0) return;
    points.sort(range);
    std::vector<float> own;
    own.reserve(static_cast<std::size_t>(range.size()) * dim);
    for (std::int64_t p = range.from; p < range.to; ++p) {
      const float* from = coordinates.data() + static_cast<std::size_t>(points.point(p)) * dim;
      own.insert(own.end(), from, from + dim);
    }
    PointRange part(own.data(), dim, range.size());
    part.split_up({0, range.size()}, leaf);
    for (std::int64_t p = 0; p < range.size(); ++p) {
      order[static_cast<std::size_t>(range.from + p)] = static_cast<std::int32_t>(points.point(range.from + part.point(p)));
    }
  });
  return order;
}

}  // namespace rkeops
