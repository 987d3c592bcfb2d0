// Bounds of formulas in which a variable occurs more than once. Plain ones are wider than the range there: each
// occurrence is taken to be anywhere in the box.
//
// The formula is cut at its waist, the first number through which all that varies goes. What is below is F(c) + S (x-c)
// with c in the middle and bounds S of slopes; what is above, a function of one number, is taken at its ends where it
// only rises or falls, else in the same way. Computed values are covered: a step computes f (1 + d) + e, |d| <= its
// error, and e where numbers are tiny. With d fixed, that is a function of x as well, and bounds at c, at the ends and
// of slopes hold for any d. What e does to a result comes out of its slopes. Where numbers may overflow, nothing of
// this holds.
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
    Run run{n, size, areas[2], work};
    program_.start(areas, n, run.all);
    program_.run(program_.steps, areas[2], n, run.all, rounding_);
    program_.start(areas, n, run.middle);
    for (const BoundsProgram::Input& input : program_.inputs) {
      run.to_points(run.middle, input.place, [](Interval x) { return x.low / 2 + x.high / 2; });
    }
    program_.run(program_.steps, areas[2], n, run.middle, rounding_);
    for (const Way& way : ways_) {
      const Component result = program_.results[way.result];
      std::copy_n(run.all, size, run.top);
      if (way.twice_below) refine_waist(way, run);
      program_.run(way.above, areas[2], n, run.top, rounding_);
      std::vector<Interval> found, lower_end;
      for (std::int64_t b = 0; b < n; ++b) found.push_back(run.at(run.top, result, b));
      if (way.twice_above) {
        find_slopes(result, way.above, run.top, run.top, run);
        value_at(way, run, [](Interval x) { return x.low; });
        for (std::int64_t b = 0; b < n; ++b) lower_end.push_back(run.at(run.point, result, b));
        value_at(way, run, [](Interval x) { return x.high; });
      }
      for (std::int64_t b = 0; b < n; ++b) {
        const std::size_t at = static_cast<std::size_t>(b);
        Interval& best = found[at];
        if (way.twice_above) {
          const Interval slope = run.at(run.adjoints, way.waist, b), x = run.at(run.top, way.waist, b);
          best = interval::common(best, between(x, slope, lower_end[at], run.at(run.point, result, b), run.tiny[at]));
        }
        double &lower = low[static_cast<std::int64_t>(way.result) * n + b],
               &upper = high[static_cast<std::int64_t>(way.result) * n + b];
        if (lower < best.low) lower = best.low;
        if (upper > best.high) upper = best.high;
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

  // Bounds on the whole box, in its middle, those above the waist anew, those at one end; what comes back; one slope.
  struct Run {
    std::int64_t n;
    const Boxes& column;
    double *all, *middle, *top, *point, *adjoints, *slope;
    std::vector<double> tiny;  // what tiny numbers do to the result
    std::vector<BoxBounds> x, c;

    Run(std::int64_t n, std::size_t size, const Boxes& column, std::vector<double>& work) : n(n), column(column) {
      const std::size_t whole = 5 * size + static_cast<std::size_t>(2 * n);
      if (work.size() < whole) work.resize(whole);
      all = work.data(), middle = all + size, top = middle + size, point = top + size, adjoints = point + size;
      slope = adjoints + size;
    }
    BoxBounds bounds(const double* from, Component place) const {
      return {from + 2 * n * place, from + 2 * n * place + n};
    }
    Interval at(const double* from, Component place, std::int64_t b) const {
      return {from[2 * n * place + b], from[2 * n * place + n + b]};
    }
    template <class Choose>
    void to_points(double* where, Component place, Choose choose) const {
      double* const to = where + 2 * n * place;
      for (std::int64_t b = 0; b < n; ++b) to[b] = to[n + b] = choose(at(where, place, b));
    }
  };

  // Slopes of the value at `from`, between the points of a box and those of another one inside, with respect to all
  // that it is made of by `steps`.
  void find_slopes(Component from, const std::vector<Step>& steps, const double* all, const double* inside,
                   Run& run) const {
    const std::int64_t n = run.n;
    std::fill_n(run.adjoints, program_.size(n), 0);
    std::fill_n(run.adjoints + 2 * n * from, 2 * n, 1);
    run.tiny.assign(static_cast<std::size_t>(n), 0);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const BoxBounds adjoint = run.bounds(run.adjoints, step->place), value = run.bounds(all, step->place);
      const Component* const operands = program_.operands.data() + step->first;
      run.x.clear(), run.c.clear();
      for (std::size_t k = 0; k < step->count; ++k) {
        run.x.push_back(run.bounds(all, operands[k]));
        run.c.push_back(run.bounds(inside, operands[k]));
      }
      const double count = static_cast<double>(step->count),
                   error = step->is_exact ? 0 : 4 * step->operation->units * count * rounding_.unit;
      interval::prepare_adjoint(value, step->is_exact, error, n, run.adjoints + 2 * n * step->place);
      for (std::int64_t b = 0; b < n; ++b) {
        const Interval size{adjoint.low[b], adjoint.high[b]};
        run.tiny[static_cast<std::size_t>(b)] += interval::largest_size(size) * rounding_.tiny * count;
      }
      const BoxBounds slope{run.slope, run.slope + n};
      const SlopeRule rule = step->operation->slope;
      for (std::size_t k = 0; k < step->count; ++k) {
        double* const back = run.adjoints + 2 * n * operands[k];
        if (rule == &interval::slopes<interval::OneSlope>) {
          interval::add_product(adjoint, nullptr, n, back);
          continue;
        }
        std::fill_n(run.slope, 2 * n, interval::nan);
        if (rule) {
          rule({run.x.data(), run.c.data(), step->count, k, value, run.bounds(inside, step->place),
                program_.params.data() + step->params, n, run.slope, run.slope + n});
        }
        interval::add_product(adjoint, &slope, n, back);
      }
    }
  }

  void refine_waist(const Way& way, Run& run) const {
    find_slopes(way.waist, way.below, run.all, run.middle, run);
    const std::int64_t n = run.n;
    double* const total = run.point;
    std::copy_n(run.middle + 2 * n * way.waist, 2 * n, total);
    for (const BoundsProgram::Input& input : program_.inputs) {
      const BoxBounds away{run.slope, run.slope + n};
      interval::subtract(run.bounds(run.all, input.place), run.bounds(run.middle, input.place), n, run.slope);
      interval::add_product(run.bounds(run.adjoints, input.place), &away, n, total);
    }
    for (std::int64_t b = 0; b < n; ++b) {
      const double tiny = run.tiny[static_cast<std::size_t>(b)];
      double* const waist = run.top + 2 * n * way.waist + b;
      const Interval both = interval::common({waist[0], waist[n]}, {total[b] - tiny, total[n + b] + tiny});
      waist[0] = both.low, waist[n] = both.high;
    }
  }

  template <class Choose>
  void value_at(const Way& way, Run& run, Choose end) const {
    std::copy_n(run.top, program_.size(run.n), run.point);
    run.to_points(run.point, way.waist, end);
    program_.run(way.above, run.column, run.n, run.point, rounding_);
  }

  // Of a function of x with bounds at both ends: no line from there is steeper than its slope.
  static Interval between(Interval x, Interval slope, Interval lower, Interval upper, double tiny) {
    const double width = (x.high - x.low) * (1 + 1e-12), rise = std::max(0.0, slope.high),
                 fall = std::max(0.0, -slope.low);
    if (!(slope.low <= slope.high) || std::isinf(rise + fall)) return interval::unknown;
    const double rest = rise > 0 && fall > 0 ? rise * (fall / (rise + fall)) * width : 0, part = rise / (rise + fall);
    const auto mixed = [&](double a, double b) { return rise + fall > 0 ? a * (1 - part) + b * part : std::max(a, b); };
    const Interval found{-mixed(-upper.low, -lower.low) - rest, mixed(lower.high, upper.high) + rest};
    const double off = 1e-14 * (interval::largest_size(lower) + interval::largest_size(upper) + rest) + tiny;
    return {found.low - off, found.high + off};
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
