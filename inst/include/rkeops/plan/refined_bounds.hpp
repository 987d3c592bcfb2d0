// Bounds of formulas in which a variable occurs more than once. Plain ones are wider than the range there: each
// occurrence is taken to be anywhere in the box.
//
// The formula is cut at its waist, the first number through which all that varies goes. What is below is F(c) + S (x-c)
// with c in the middle and bounds S of slopes; what is above, a function of one number, is taken at its ends where it
// only rises or falls, else in the same way. Computed values are covered: a step computes f (1 + d) + e, |d| <= its
// error, and e where numbers are tiny. With d fixed, that is a function of x as well, and bounds at c, at the ends and
// of slopes hold for any d. What e does to a result comes out of its slopes. Where numbers may overflow, nothing of this
// holds.
#pragma once

#include <memory>

#include "bounds_program.hpp"

namespace rkeops {

class RefinedBounds {
 public:
  RefinedBounds(const PairProgram& program, Precision precision)
      : program_(program, precision, BoundsProgram::From::leaves), rounding_(program_.rounding()) {
    rounding_.exp_least = -interval::inf;  // (exactly 0 is not exp(x) (1 + d))
    constexpr std::size_t most_steps = 4096, most_results = 16;
    if (program_.results.size() > most_results || program_.steps.size() > most_steps) return;
    for (std::size_t k = 0; k < program_.results.size(); ++k) find_way(k);
  }

  bool is_needed() const { return !ways_.empty(); }

  void refine(const Boxes (&areas)[3], std::int64_t n, double* low, double* high, std::vector<double>& work) const {
    const std::size_t size = program_.size(n);
    if (work.size() < 4 * size) work.resize(4 * size);
    Run run{n, size / static_cast<std::size_t>(2 * n), work.data(), work.data() + size, work.data() + 2 * size};
    double* const point = work.data() + 3 * size;
    const auto at_points = [&](double* all, Component place, auto choose) {
      for (std::int64_t b = 0; b < n; ++b) set(all, place, b, n, point_at(choose(at(all, place, b, n))));
    };
    const auto middle = [](Interval x) { return x.low / 2 + x.high / 2; };
    program_.start(areas, n, run.all);
    program_.run(program_.steps, areas[2], n, run.all, rounding_);
    program_.start(areas, n, run.middle);
    for (const BoundsProgram::Input& input : program_.inputs) at_points(run.middle, input.place, middle);
    program_.run(program_.steps, areas[2], n, run.middle, rounding_);
    for (const Way& way : ways_) {
      const auto evaluate = [&](double* all) { program_.run(way.above, areas[2], n, all, rounding_); };
      const Component result = program_.results[way.result];
      std::copy_n(run.all, size, run.top);
      for (std::int64_t b = 0; way.twice_below && b < n; ++b) {
        set(run.top, way.waist, b, n, interval::common(at(run.top, way.waist, b, n), mean_value(way, b, run)));
      }
      evaluate(run.top);
      std::vector<Interval> ends;  // at the lower end, the upper one, and in between
      const auto try_at = [&](auto choose) {
        std::copy_n(run.top, size, point);
        at_points(point, way.waist, choose);
        evaluate(point);
        for (std::int64_t b = 0; b < n; ++b) ends.push_back(at(point, result, b, n));
      };
      if (way.twice_above) {
        try_at([](Interval x) { return x.low; });
        try_at([](Interval x) { return x.high; });
        try_at(middle);
      }
      for (std::int64_t b = 0; b < n; ++b) {
        Interval found = at(run.top, result, b, n);
        if (way.twice_above) {
          const Interval* const end = ends.data() + b;
          found = interval::common(found, of_one_number(way, b, run, end[0], end[n], end[2 * n]));
        }
        double &lower = low[static_cast<std::int64_t>(way.result) * n + b],
               &upper = high[static_cast<std::int64_t>(way.result) * n + b];
        if (lower < found.low) lower = found.low;
        if (upper > found.high) upper = found.high;
      }
    }
  }

 private:
  using Component = BoundsProgram::Component;
  using Step = BoundsProgram::Step;

  struct Way {
    std::size_t result;
    Component waist;
    std::vector<Step> below, above;  // steps from what varies to the waist, and from there to the result
    bool twice_below, twice_above;   // is there more than one way?
  };

  // Bounds on the whole box, in its middle, and those above the waist anew.
  struct Run {
    std::int64_t n;
    std::size_t places;
    double *all, *middle, *top;
    std::vector<Interval> adjoints = {}, args = {};
    double tiny = 0;  // what tiny numbers do to the result
  };

  static Interval at(const double* all, Component place, std::int64_t b, std::int64_t n) {
    const double* const from = all + 2 * n * place + b;
    return {from[0], from[n]};
  }
  static void set(double* all, Component place, std::int64_t b, std::int64_t n, Interval x) {
    double* const to = all + 2 * n * place + b;
    to[0] = x.low, to[n] = x.high;
  }
  static Interval point_at(double x) { return {x, x}; }

  // Slopes of the value at `from`, between the points of a box and those of another one inside, with respect to all
  // that it is made of by `steps`; false where one is not known.
  bool find_slopes(Component from, const std::vector<Step>& steps, const double* all, const double* inside,
                   std::int64_t b, Run& run) const {
    run.adjoints.assign(run.places, Interval{0, 0});
    run.tiny = 0;
    const auto adjoint_of = [&](Component place) -> Interval& { return run.adjoints[static_cast<std::size_t>(place)]; };
    adjoint_of(from) = interval::one;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const Interval adjoint = adjoint_of(step->place), value = at(all, step->place, b, run.n);
      if (interval::is_zero(adjoint) || (step->is_exact && value.low == value.high)) continue;
      if (!step->operation->slope || !(interval::largest_size(value) < interval::inf)) return false;
      const Component* const operands = program_.operands.data() + step->first;
      run.args.clear();
      for (const double* from : {all, inside}) {
        for (std::size_t k = 0; k < step->count; ++k) run.args.push_back(at(from, operands[k], b, run.n));
      }
      run.tiny += interval::largest_size(adjoint) * rounding_.tiny * static_cast<double>(step->count);
      const double roundings = step->is_exact ? 0 : step->operation->units * static_cast<double>(step->count);
      const SlopeCall call{run.args.data(), run.args.data() + step->count,     step->count,
                           value,           at(inside, step->place, b, run.n), program_.params.data() + step->params};
      for (std::size_t k = 0; k < step->count; ++k) {
        Interval slope = step->operation->slope(call, k);
        if (roundings > 0) slope = interval::outward(slope, 4 * roundings * rounding_.unit, interval::exactly());
        Interval& back = adjoint_of(operands[k]);
        back = interval::plus(back, interval::times(adjoint, slope));
      }
    }
    return true;
  }

  // Of the waist.
  Interval mean_value(const Way& way, std::int64_t b, Run& run) const {
    if (!find_slopes(way.waist, way.below, run.all, run.middle, b, run)) return interval::unknown;
    Interval total = interval::widened(at(run.middle, way.waist, b, run.n), run.tiny);
    for (const BoundsProgram::Input& input : program_.inputs) {
      const Interval slope = run.adjoints[static_cast<std::size_t>(input.place)],
                     x = at(run.all, input.place, b, run.n);
      if (!interval::is_zero(slope))
        total = interval::plus(total, interval::times(slope, away(x, at(run.middle, input.place, b, run.n))));
    }
    return total;
  }
  static Interval away(Interval x, Interval from) { return interval::plus(x, interval::negative(from)); }

  // Of the result, given its bounds where the waist is at its lower end, at its upper one, and in between.
  Interval of_one_number(const Way& way, std::int64_t b, Run& run, Interval lower, Interval upper,
                         Interval between) const {
    const Interval x = at(run.top, way.waist, b, run.n);
    if (!find_slopes(program_.results[way.result], way.above, run.top, run.top, b, run)) return interval::unknown;
    const Interval slope = run.adjoints[static_cast<std::size_t>(way.waist)];
    if (slope.low >= 0) return interval::widened({lower.low, upper.high}, run.tiny);
    if (slope.high <= 0) return interval::widened({upper.low, lower.high}, run.tiny);
    const Interval rest = interval::times(slope, away(x, point_at(x.low / 2 + x.high / 2)));
    return interval::plus(interval::widened(between, run.tiny), rest);
  }

  // Counts the ways from what varies to each place, and from there to the result.
  void find_way(std::size_t result) {
    const Component end = program_.results[result];
    std::vector<double> from(program_.size(1) / 2), to(from.size());
    const auto of = [](std::vector<double>& counts, Component place) -> double& {
      return counts[static_cast<std::size_t>(place)];
    };
    const auto for_operands = [&](const Step& step, auto body) {
      for (std::size_t k = 0; k < step.count; ++k) body(program_.operands[step.first + k]);
    };
    for (const BoundsProgram::Input& input : program_.inputs) of(from, input.place) = input.variance == 0 ? 0 : 1;
    for (const Step& step : program_.steps) {
      for_operands(step, [&](Component operand) { of(from, step.place) += of(from, operand); });
    }
    of(to, end) = 1;
    for (auto step = program_.steps.rbegin(); step != program_.steps.rend(); ++step) {
      for_operands(*step, [&](Component operand) { of(to, operand) += of(to, step->place); });
    }
    constexpr double most_ways = 0x1p53;
    if (of(from, end) >= most_ways) return;
    Way way{result, end, {}, {}, false, false};
    for (const Step& step : program_.steps) {
      if (of(from, step.place) * of(to, step.place) != of(from, end)) continue;
      way.waist = step.place;
      break;
    }
    bool is_above = false;
    for (const Step& step : program_.steps) {
      if (of(to, step.place) > 0 && of(from, step.place) > 0) (is_above ? way.above : way.below).push_back(step);
      is_above = is_above || step.place == way.waist;
    }
    for (const BoundsProgram::Input& input : program_.inputs) {
      way.twice_below = way.twice_below || (input.variance != 0 && of(to, input.place) > of(to, way.waist));
    }
    way.twice_above = of(to, way.waist) > 1;
    const auto has_no_slope = [](const Step& step) { return !step.operation->slope && !step.is_exact; };
    way.twice_below = way.twice_below && std::none_of(way.below.begin(), way.below.end(), has_no_slope);
    way.twice_above = way.twice_above && std::none_of(way.above.begin(), way.above.end(), has_no_slope);
    if (way.twice_below || way.twice_above) ways_.push_back(std::move(way));
  }

  const BoundsProgram program_;
  interval::Rounding rounding_;
  std::vector<Way> ways_;
};

// Null where there is nothing to refine.
inline std::unique_ptr<const RefinedBounds> refined_bounds(const PairProgram& program, Precision precision) {
  auto bounds = std::make_unique<const RefinedBounds>(program, precision);
  if (!bounds->is_needed()) bounds = nullptr;
  return bounds;
}

}  // namespace rkeops
