// Bounds as steps: which rule makes the bounds of which components from those of which others.
#pragma once

#include <map>

#include "pair_program.hpp"

namespace rkeops {

// Bounds of packed data: component c of box b at [c * stride + b].
struct Boxes {
  const double *low, *high;
  std::int64_t stride;
};

class BoundsProgram {
 public:
  enum class From : std::uint8_t { packed, leaves };
  // A component of a value: its place among all bounds. Where packed data are read, a number below 0 is component ~c of
  // the columns' boxes.
  using Component = std::int64_t;
  using Components = std::vector<Component>;

  // Component `offset` of packed data, that of a parameter, a row, or a column.
  struct Input {
    Component place;
    Variance variance;
    std::int64_t offset;
  };

  // A rule at work on some operands.
  struct Step {
    const Operation* operation;
    BoundsRule rule;
    Component place;
    std::size_t first, count, params;  // operands, and integers of the operation
    bool is_exact;                     // whole numbers
  };

  // From packed data, what is hoisted included, or from what all is computed from.
  BoundsProgram(const PairProgram& program, Precision precision, From from)
      : rounding_(interval::rounding_of(precision)), from_(from) {
    const std::vector<Value> body = PairProgram::section(program.results, [this](Value v) { return is_there(v); });
    for (Value v : body) {
      for (Value arg : v->args) ++uses_[arg.get()];
    }
    for (Value result : program.results) uses_[result.get()] += 2;
    for (Value v : body) find_fused(v);
    for (Value v : body) {
      if (!parts_.count(v.get())) make(v);
    }
    for (Value result : program.results) {
      const Components& components = of(result);
      results.insert(results.end(), components.begin(), components.end());
    }
    made_.clear(), whole_.clear(), constant_places_.clear(), uses_.clear(), fused_.clear(), parts_.clear();
  }

  std::vector<Input> inputs;
  std::vector<Step> steps;
  Components operands, results;
  std::vector<std::int64_t> params;

  std::size_t size(std::int64_t n) const { return static_cast<std::size_t>(2 * n * places_); }

  // Bounds of n boxes at a place are n lower ones, then n upper ones, from 2 n times the place on.
  void start(const Boxes (&areas)[3], std::int64_t n, double* at) const {
    for (const auto& [place, value] : constants_) std::fill_n(at + 2 * n * place, 2 * n, value);
    for (const Input& input : inputs) {
      const Boxes& area = areas[input.variance];
      double* const place = at + 2 * n * input.place;
      const double *low = area.low + input.offset * area.stride, *high = area.high + input.offset * area.stride;
      if (input.variance == varies_column) {
        std::copy_n(low, n, place);
        std::copy_n(high, n, place + n);
      } else {
        std::fill_n(place, n, *low);
        std::fill_n(place + n, n, *high);
      }
    }
  }

  BoxBounds bounds_at(Component c, const Boxes& column, std::int64_t n, const double* at) const {
    if (c < 0) return {column.low + ~c * column.stride, column.high + ~c * column.stride};
    return {at + 2 * n * c, at + 2 * n * c + n};
  }

  void run(const std::vector<Step>& some, const Boxes& column, std::int64_t n, double* at,
           const interval::Rounding& rounding) const {
    constexpr std::size_t few = 16;
    BoxBounds few_args[few];
    std::vector<BoxBounds> many_args(most_args_ > few ? most_args_ : 0);
    BoxBounds* const args = most_args_ > few ? many_args.data() : few_args;
    const interval::Rounding exact{0, 0, rounding.huge, rounding.exp_least};
    for (const Step& step : some) {
      for (std::size_t a = 0; a < step.count; ++a) args[a] = bounds_at(operands[step.first + a], column, n, at);
      double* const out = at + 2 * n * step.place;
      const double error = step.is_exact ? 0 : step.operation->units * rounding.unit;
      step.rule(
          {args, step.count, params.data() + step.params, n, out, out + n, step.is_exact ? exact : rounding, error});
    }
  }

  const interval::Rounding& rounding() const { return rounding_; }

 private:
  bool is_there(Value v) const { return from_ == From::packed ? v->is_packed() : v->is_leaf; }

  // A sum of products or of sizes of differences is one step.
  struct Fused {
    BoundsRule rule;
    Value x, y;
  };

  void find_fused(Value v) {
    if (from_ == From::leaves || !is(v, Op::Sum)) return;
    const Value terms = v.arg(0);
    const auto is_part = [&](Value part) { return !is_there(part) && uses_[part.get()] == 1; };
    if (!is_part(terms)) return;
    if (is(terms, Op::Mult)) {
      fused_[v.get()] = {interval::sum_of_products<interval::Mult>, terms.arg(0), terms.arg(1)};
    } else if ((is(terms, Op::Square) || is(terms, Op::Abs)) && is(terms.arg(0), Op::Subtract) &&
               is_part(terms.arg(0))) {
      const auto rule =
          is(terms, Op::Square) ? interval::distance<interval::Square> : interval::distance<interval::Abs>;
      fused_[v.get()] = {rule, terms.arg(0).arg(0), terms.arg(0).arg(1)};
      parts_.insert(terms.arg(0).get());
    } else {
      return;
    }
    parts_.insert(terms.get());
  }

  // What is read is placed when it is asked for first.
  const Components& of(Value v) {
    const auto found = made_.find(v.get());
    return found != made_.end() ? found->second : made_[v.get()] = read(v);
  }

  Components read(Value v) {
    Components all;
    for (std::int64_t k = 0; k < v->dim; ++k) {
      if (!is_there(v)) {
        all.push_back(constant(is(v, Op::Positions) ? static_cast<double>(k) : v->value));
      } else if (v->variance == varies_column && from_ == From::packed) {
        all.push_back(~(v->offset + k));
      } else {
        all.push_back(places_);
        inputs.push_back({places_++, v->variance, v->offset + k});
      }
    }
    return all;
  }

  Component constant(double value) {
    if (rounding_.unit > 0x1p-30) value = static_cast<double>(static_cast<float>(value));
    const auto [found, is_new] =
        constant_places_.emplace(std::isnan(value) ? std::string("NaN") : number_text(value), places_);
    if (is_new) constants_.emplace_back(places_++, value);
    return found->second;
  }

  // A part of v, which may be a repeated scalar.
  Component part(Value v, std::int64_t k) { return of(v)[v->dim == 1 ? 0 : static_cast<std::size_t>(k)]; }

  Component step(Value v, const Components& args) { return step(v, args, v->operation->bound); }
  Component step(Value v, const Components& args, BoundsRule rule) {
    const bool is_exact = whole_size(v) * rounding_.unit < 0.25;
    steps.push_back({v->operation, rule, places_, operands.size(), args.size(), params.size(), is_exact});
    operands.insert(operands.end(), args.begin(), args.end());
    most_args_ = std::max(most_args_, args.size());
    return places_++;
  }

  void make(Value v) {
    constexpr std::size_t most_operands = 1 << 22;
    const Structure structure = v->operation->structure;
    Components all;
    if (const auto fused = fused_.find(v.get()); fused != fused_.end()) {
      Components pairs;
      for (std::int64_t k = 0; k < v.arg(0)->dim; ++k) {
        pairs.push_back(part(fused->second.x, k));
        pairs.push_back(part(fused->second.y, k));
      }
      all.push_back(step(v, pairs, fused->second.rule));
    } else if (structure == Structure::movement) {
      for (std::int64_t k = 0; k < v->dim; ++k) all.push_back(moved(v, k));
    } else if (!v->operation->bound || operands.size() > most_operands ||
               (structure == Structure::gather && v->params[0] * v->params[1] > heuristics::bounded_table_entries)) {
      all.assign(static_cast<std::size_t>(v->dim), constant(interval::nan));
    } else if (structure == Structure::horizontal) {
      all.push_back(step(v, Components(of(v.arg(0)))));
    } else if (structure == Structure::contraction) {
      all = products(v);
    } else {
      for (std::int64_t k = 0; k < v->dim; ++k)
        all.push_back(structure == Structure::gather ? entry(v, k) : elementwise(v, k));
    }
    params.insert(params.end(), v->params.begin(), v->params.end());
    made_.emplace(v.get(), std::move(all));
  }

  Component elementwise(Value v, std::int64_t k) {
    Components args;
    for (Value arg : v->args) args.push_back(part(arg, k));
    return step(v, args);
  }

  Component moved(Value v, std::int64_t k) {
    const auto [from, at] = origin_of(v, k);
    return from.get() ? part(from, at) : constant(0);
  }

  // Of a row of a table at one position; or of what a second position selects in each row.
  Component entry(Value v, std::int64_t k) {
    const std::int64_t rows = v->params[0], columns = v->params[1];
    Components by_row{part(v.arg(1), 0)};
    for (std::int64_t r = 0; r < rows; ++r) {
      if (v->args.size() == 2) {
        by_row.push_back(part(v.arg(0), r * columns + k));
        continue;
      }
      Components of_row{part(v.arg(2), 0)};
      for (std::int64_t c = 0; c < columns; ++c) of_row.push_back(part(v.arg(0), r * columns + c));
      by_row.push_back(step(v, of_row));
    }
    return step(v, by_row);
  }

  Components products(Value v) {
    Components all;
    for_axes(v->contraction.kept, [&](std::int64_t, std::int64_t a0, std::int64_t b0) {
      Components factors;
      for_axes(v->contraction.summed, [&](std::int64_t, std::int64_t a, std::int64_t b) {
        factors.push_back(part(v.arg(0), a0 + a));
        factors.push_back(part(v.arg(1), b0 + b));
      });
      all.push_back(step(v, factors));
    });
    return all;
  }

  // How large components are, if all are whole numbers, which are computed exactly; else infinite.
  double whole_size(Value v) {
    const auto found = whole_.find(v.get());
    return found != whole_.end() ? found->second : whole_[v.get()] = find_whole_size(v);
  }

  double find_whole_size(Value v) {
    double sum = 0, largest = 0, product = 1;
    for (Value arg : v->args) {
      const double size = whole_size(arg);
      sum += size, product *= std::max(1.0, size), largest = std::max(largest, size);
    }
    if (v->is_leaf) return interval::inf;
    if (v->operation->truth_operands == 0) return 1;
    if (v->operation->structure == Structure::movement) return largest;
    switch (v->operation->op) {
      case Op::Constant:
        return std::floor(v->value) == v->value ? std::fabs(v->value) : interval::inf;
      case Op::Positions:
        return static_cast<double>(v->dim);
      case Op::ArgMax:
      case Op::ArgMin:
        return static_cast<double>(v.arg(0)->dim);
      case Op::Sign:
      case Op::Step:
        return 1;
      case Op::Add:
      case Op::Subtract:
        return sum;
      case Op::Mult:
        return product;
      case Op::Square:
        return product * product;
      case Op::Sum:
        return sum * static_cast<double>(v.arg(0)->dim);
      case Op::Minus:
      case Op::Abs:
      case Op::ReLU:
      case Op::Max:
      case Op::Min:
        return largest;
      case Op::IfElse:
        return std::max(whole_size(v.arg(1)), whole_size(v.arg(2)));
      case Op::WhereNonzero:
        return whole_size(v.arg(1));
      default:
        return interval::inf;
    }
  }

  const interval::Rounding rounding_;
  const From from_;
  Component places_ = 0;
  std::vector<std::pair<Component, double>> constants_;
  std::size_t most_args_ = 0;

  // While it is made:
  std::unordered_map<const Instruction*, Components> made_;
  std::unordered_map<const Instruction*, double> whole_;
  std::map<std::string, Component> constant_places_;
  std::unordered_map<const Instruction*, int> uses_;
  std::unordered_map<const Instruction*, Fused> fused_;
  std::unordered_set<const Instruction*> parts_;  // of what is fused
};

}  // namespace rkeops
