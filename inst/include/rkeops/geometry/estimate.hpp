// What share of the pairs a walk would visit, by bounds alone, on a sample of rows and columns.
#pragma once

#include "../plan/geometry.hpp"
#include "weight_sums.hpp"

namespace rkeops {

// `most` of the numbers below `count`, evenly spread.
inline std::vector<std::int32_t> spread(std::int64_t count, std::int64_t most) {
  const std::int64_t n = std::min(count, most);
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(n));
  for (std::int64_t k = 0; k < n; ++k) numbers[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(k * count / n);
  return numbers;
}

// Some of `count` points, of this width, for the estimate.
inline std::vector<std::int32_t> sample(std::int64_t count, std::int64_t width) {
  using namespace heuristics;
  return spread(count, std::clamp(sample_numbers / std::max<std::int64_t>(1, width), 8 * leaf_columns, sample_points));
}

struct Estimated {
  double share;      // of the pairs
  double dimension;  // that the points seem to have
};

template <class Real>
class Estimate {
 public:
  Estimate(const KernelPlan& kernel, const GeometryPlan& plan, const PairBounds& bounds, const Real* parameters)
      : kernel_(kernel), plan_(plan), bounds_(bounds), parameter_(1, kernel.parameter.width, 1) {
    for (std::int64_t c = 0; c < kernel.parameter.width; ++c) {
      parameter_.low[parameter_.at(c, 0)] = parameter_.high[parameter_.at(c, 0)] = static_cast<double>(parameters[c]);
    }
  }

  // row_points: some rows, evenly spread; columns: all of them. Components side by side.
  Estimated of(const std::vector<Real>& row_points, std::int64_t rows, const Real* columns, std::int64_t column_count,
               double tolerance) const {
    const std::int64_t width = kernel_.column.width;
    std::vector<Real> column_points;
    for (std::int64_t j : sample(column_count, width)) {
      column_points.insert(column_points.end(), columns + j * width, columns + (j + 1) * width);
    }
    double dimensions[2];
    std::vector<Real> ordered;
    const BoxArray<double> tiles =
        boxes(row_points, kernel_.row.width, plan_.coordinates.row, kernel_.tile_rows(), rows, dimensions[0], ordered);
    const BoxArray<double> leaves =
        boxes(column_points, width, plan_.coordinates.column, heuristics::leaf_columns, column_count, dimensions[1], ordered);
    const std::int64_t results = bounds_.results();
    std::vector<double> low(static_cast<std::size_t>(leaves.count * results)), high(low.size()), work;
    double visited = 0;
    const std::vector<std::int32_t> walked = spread(tiles.count, heuristics::sample_tiles);
    for (std::int32_t t : walked) {
      bounds_.bound(view(parameter_), view(tiles, t), view(leaves), leaves.count, low.data(), high.data(), work);
      bounds_.refine(view(parameter_), view(tiles, t), view(leaves), leaves.count, low.data(), high.data(), work);
      const double columns_of_leaf = static_cast<double>(column_count) / static_cast<double>(leaves.count);
      const bool replaces = tolerance > 0 && kernel_.reducer().skipping() == Reducer::Skipping::by_bounds;
      visited += replaces ? replaced_share(ordered, low, high, tolerance)
                          : visited_share(leaves, columns_of_leaf, low, high, tolerance);
    }
    return {visited / static_cast<double>(walked.size()), std::min(dimensions[0], dimensions[1])};
  }

 private:
  // The share of leaves that matter for a tile. Bars are those that will hold when all leaves are folded.
  double visited_share(const BoxArray<double>& leaves, double columns, const std::vector<double>& low,
                       const std::vector<double>& high, double tolerance) const {
    const Reducer& reducer = kernel_.reducer();
    std::vector<BoxOfPairs> boxes;
    for (std::int64_t b = 0; b < leaves.count; ++b) {
      const double all = columns * static_cast<double>(leaves.count);
      boxes.push_back({low.data() + b, high.data() + b, leaves.count, columns, all, 0, tolerance});
    }
    std::vector<Bar> bars(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel_.dim)));
    reducer.expected_bars(kernel_, boxes, bars.data());
    std::int64_t kept = 0;
    for (const BoxOfPairs& box : boxes) kept += !reducer.can_skip(kernel_, box, bars.data());
    return static_cast<double>(kept) / static_cast<double>(leaves.count);
  }

  // Sums with a tolerance: the share that is left when leaves with little room between their bounds are replaced. `columns`:
  // leaf after leaf.
  double replaced_share(const std::vector<Real>& columns, const std::vector<double>& low, const std::vector<double>& high,
                        double tolerance) const {
    const Weights& weights = plan_.weights;
    const std::int64_t width = kernel_.column.width, points = static_cast<std::int64_t>(columns.size()) / width;
    const std::int64_t count = divided_up(points, heuristics::leaf_columns);
    std::vector<WeightSum> sums(weights.factors.size());
    std::vector<std::vector<double>> errors(static_cast<std::size_t>(kernel_.dim));
    std::vector<double> sizes(errors.size());
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t first = b * heuristics::leaf_columns, own = std::min(heuristics::leaf_columns, points - first);
      sum_weights(weights, columns.data() + first * width, own, width, sums.data());
      const BoxOfPairs box{low.data() + b, high.data() + b, count, static_cast<double>(own), static_cast<double>(points), 0};
      for (std::size_t c = 0; c < errors.size(); ++c) {
        const Replacement found = replacement(weights, box, static_cast<std::int64_t>(c), sums.data());
        errors[c].push_back(found.error);
        sizes[c] += found.size;
      }
    }
    std::size_t most = 0;
    for (std::size_t c = 0; c < errors.size(); ++c) {
      std::sort(errors[c].begin(), errors[c].end());
      double error = 0;
      std::size_t replaced = 0;
      while (replaced < errors[c].size() && (error += errors[c][replaced]) <= tolerance * sizes[c]) ++replaced;
      most = std::max(most, errors[c].size() - replaced);
    }
    return static_cast<double>(most) / static_cast<double>(count);
  }

  // Of leaves as they would be among all points: in d dimensions, a part of the points in leaves of the same size fills boxes that
  // are larger by the d-th root. `ordered`: the points, leaf after leaf.
  BoxArray<double> boxes(const std::vector<Real>& points, std::int64_t width, const std::vector<std::int64_t>& components,
                         std::int64_t leaf, std::int64_t all, double& dimension, std::vector<Real>& ordered) const {
    const std::int64_t count = static_cast<std::int64_t>(points.size()) / width;
    std::vector<float> coordinates;
    for (std::int64_t p = 0; p < count; ++p) {
      const Real* point = points.data() + p * width;
      for (std::int64_t c : components) coordinates.push_back(static_cast<float>(point[c]));
    }
    const Order order = make_order(coordinates, components.size(), leaf, [](std::int64_t tasks, const auto& task) {
      for (std::int64_t k = 0; k < tasks; ++k) task(k);
    });
    ordered.clear();
    for (std::int32_t p : order) ordered.insert(ordered.end(), points.begin() + p * width, points.begin() + (p + 1) * width);
    dimension = dimension_of(ordered, width, components, leaf);
    const double shrink = std::pow(static_cast<double>(count) / static_cast<double>(all), 1 / dimension);
    BoxArray<double> boxes(divided_up(count, leaf), width, 1);
    for (std::int64_t b = 0; b < boxes.count; ++b) {
      for (std::int64_t c = 0; c < width; ++c) {
        double &low = boxes.low[boxes.at(c, b)], &high = boxes.high[boxes.at(c, b)];
        range_of(ordered.data() + b * leaf * width + c, std::min(leaf, count - b * leaf), width, low, high);
        const double middle = low + (high - low) / 2, half = (high - low) / 2 * shrink;
        if (!std::isfinite(half)) continue;
        low = middle - half;
        high = middle + half;
      }
    }
    return boxes;
  }

  // What the points look like: by how much boxes of four leaves are larger than those of one; no more than there are coordinates.
  static double dimension_of(const std::vector<Real>& ordered, std::int64_t width, const std::vector<std::int64_t>& components,
                             std::int64_t leaf) {
    const std::int64_t count = static_cast<std::int64_t>(ordered.size()) / width;
    const auto most = static_cast<double>(components.size());
    const auto edges = [&](std::int64_t points) {
      double sum = 0;
      std::int64_t boxes = 0;
      for (std::int64_t first = 0; first + points <= count; first += points, ++boxes) {
        for (std::int64_t c : components) {
          double low, high;
          range_of(ordered.data() + first * width + c, points, width, low, high);
          if (std::isfinite(high - low)) sum += high - low;
        }
      }
      return sum / static_cast<double>(std::max<std::int64_t>(1, boxes));
    };
    const double growth = edges(4 * leaf) / edges(leaf);
    return growth > 1 ? std::clamp(std::log(4.0) / std::log(growth), 1.0, most) : most;
  }

  const KernelPlan& kernel_;
  const GeometryPlan& plan_;
  const PairBounds& bounds_;
  BoxArray<double> parameter_;
};

}  // namespace rkeops
