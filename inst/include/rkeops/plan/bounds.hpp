// Bounds of what a reduction folds, over all pairs of a box of rows and a box of columns: the program of the pair, run on
// intervals, for many boxes of columns at once.
#pragma once

#include <map>
#include <memory>

#include "pair_program.hpp"

namespace rkeops {

// Bounds of packed data, what is hoisted included: component c of box b at [c * stride + b].
struct Boxes {
  const double *low, *high;
  std::int64_t stride;
};

class PairBounds {
 public:
  PairBounds(const PairProgram& program, Precision precision) : rounding_(interval::rounding_of(precision)) {
    single_ = precision == Precision::float32;
    for (Value v : PairProgram::section(program.results)) make(v);
    for (Value result : program.results) {
      const Components& components = of(result);
      results_.insert(results_.end(), components.begin(), components.end());
    }
    made_.clear(), whole_.clear(), constant_places_.clear();
  }

  // Components of all results together.
  std::int64_t results() const { return static_cast<std::int64_t>(results_.size()); }

  // Of one box of parameters and of rows, and n boxes of columns; component c for box b at [c * n + b].
  void bound(Boxes parameter, Boxes row, Boxes column, std::int64_t n, double* low, double* high,
             std::vector<double>& work) const {
    work.resize(static_cast<std::size_t>(2 * n * places_));
    double* const at = work.data();
    const auto boxes_of = [&](Component c) {
      if (c < 0) return BoxBounds{column.low + ~c * column.stride, column.high + ~c * column.stride};
      return BoxBounds{at + 2 * n * c, at + 2 * n * c + n};
    };
    for (const Input& input : inputs_) {
      const Boxes& area = input.variance == 0 ? parameter : row;
      double* const place = at + 2 * n * input.place;
      std::fill_n(place, n, area.low[input.offset * area.stride]);
      std::fill_n(place + n, n, area.high[input.offset * area.stride]);
    }
    for (const auto& [place, value] : constants_) std::fill_n(at + 2 * n * place, 2 * n, value);
    constexpr std::size_t few = 16;
    BoxBounds few_args[few];
    std::vector<BoxBounds> many_args(most_args_ > few ? most_args_ : 0);
    BoxBounds* const args = most_args_ > few ? many_args.data() : few_args;
    for (const Step& step : steps_) {
      for (std::size_t a = 0; a < step.count; ++a) args[a] = boxes_of(operands_[step.first + a]);
      double* const out = at + 2 * n * step.place;
      step.rule({args, step.count, params_.data() + step.params, n, out, out + n, step.is_exact ? exact() : rounding_,
                 step.is_exact ? 0 : step.units * rounding_.unit});
    }
    for (std::size_t c = 0; c < results_.size(); ++c) {
      const BoxBounds from = boxes_of(results_[c]);
      std::copy_n(from.low, n, low + static_cast<std::int64_t>(c) * n);
      std::copy_n(from.high, n, high + static_cast<std::int64_t>(c) * n);
    }
  }

 private:
  using Component = std::int64_t;  // its place; below 0: ~c is component c of the columns' boxes
  using Components = std::vector<Component>;

  struct Input {
    Component place;
    Variance variance;
    std::int64_t offset;
  };

  // A rule at work on some components.
  struct Step {
    BoundsRule rule;
    Component place;
    std::size_t first, count, params;  // of the operands
    double units;
    bool is_exact;
  };

  interval::Rounding exact() const { return {0, 0, rounding_.huge, rounding_.exp_least}; }

  // What is read is placed when it is asked for first.
  const Components& of(Value v) {
    const auto found = made_.find(v.get());
    return found != made_.end() ? found->second : made_[v.get()] = read(v);
  }

  Components read(Value v) {
    Components all;
    for (std::int64_t k = 0; k < v->dim; ++k) {
      if (!v->is_packed()) {
        all.push_back(constant(is(v, Op::Positions) ? static_cast<double>(k) : v->value));
      } else if (v->variance == varies_column) {
        all.push_back(~(v->offset + k));
      } else {
        all.push_back(places_);
        inputs_.push_back({places_++, v->variance, v->offset + k});
      }
    }
    return all;
  }

  Component constant(double value) {
    if (single_) value = static_cast<double>(static_cast<float>(value));
    const auto [found, is_new] = constant_places_.emplace(std::isnan(value) ? std::string("NaN") : number_text(value), places_);
    if (is_new) constants_.emplace_back(places_++, value);
    return found->second;
  }

  // A part of v, which may be a repeated scalar.
  Component part(Value v, std::int64_t k) { return of(v)[v->dim == 1 ? 0 : static_cast<std::size_t>(k)]; }

  Component step(Value v, const Components& operands) {
    steps_.push_back({v->operation->bound, places_, operands_.size(), operands.size(), params_.size(),
                      static_cast<double>(v->operation->units), whole_size(v) * rounding_.unit < 0.25});
    operands_.insert(operands_.end(), operands.begin(), operands.end());
    most_args_ = std::max(most_args_, operands.size());
    return places_++;
  }

  void make(Value v) {
    constexpr std::size_t most_operands = 1 << 22;
    const Structure structure = v->operation->structure;
    Components all;
    if (structure == Structure::movement) {
      for (std::int64_t k = 0; k < v->dim; ++k) all.push_back(moved(v, k));
    } else if (!v->operation->bound || operands_.size() > most_operands) {
      all.assign(static_cast<std::size_t>(v->dim), constant(interval::nan));
    } else if (structure == Structure::horizontal) {
      all.push_back(step(v, Components(of(v.arg(0)))));
    } else if (structure == Structure::contraction) {
      all = products(v);
    } else {
      for (std::int64_t k = 0; k < v->dim; ++k) all.push_back(structure == Structure::gather ? entry(v, k) : elementwise(v, k));
    }
    params_.insert(params_.end(), v->params.begin(), v->params.end());
    made_.emplace(v.get(), std::move(all));
  }

  Component elementwise(Value v, std::int64_t k) {
    Components operands;
    for (Value arg : v->args) operands.push_back(part(arg, k));
    return step(v, operands);
  }

  Component moved(Value v, std::int64_t k) {
    const Value a = v.arg(0);
    if (is(v, Op::SumT)) return part(a, 0);
    if (is(v, Op::Extract)) return part(a, k + v->params[0]);
    if (is(v, Op::ExtractT)) {
      k -= v->params[0];
      return k >= 0 && k < a->dim ? part(a, k) : constant(0);
    }
    if (is(v, Op::Strided)) return part(a, v->params[0] + k * v->params[1]);
    if (is(v, Op::Interleave)) return part(v.arg(static_cast<std::size_t>(k % 2)), k / 2);
    return k < a->dim ? part(a, k) : part(v.arg(1), k - a->dim);  // Concat
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
    for_axes(v->contraction.kept, [&](std::int64_t a0, std::int64_t b0) {
      Components factors;
      for_axes(v->contraction.summed, [&](std::int64_t a, std::int64_t b) {
        factors.push_back(part(v.arg(0), a0 + a));
        factors.push_back(part(v.arg(1), b0 + b));
      });
      all.push_back(step(v, factors));
    });
    return all;
  }

  template <class Body>
  static void for_axes(const std::vector<Axis>& axes, Body body) {
    std::int64_t count = 1;
    for (const Axis& axis : axes) count *= axis.size;
    for (std::int64_t k = 0; k < count; ++k) {
      std::int64_t rest = k, a = 0, b = 0;
      for (std::size_t x = axes.size(); x-- > 0; rest /= axes[x].size) {
        a += rest % axes[x].size * axes[x].a;
        b += rest % axes[x].size * axes[x].b;
      }
      body(a, b);
    }
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
      case Op::Constant: return std::floor(v->value) == v->value ? std::fabs(v->value) : interval::inf;
      case Op::Positions: return static_cast<double>(v->dim);
      case Op::ArgMax:
      case Op::ArgMin: return static_cast<double>(v.arg(0)->dim);
      case Op::Sign:
      case Op::Step: return 1;
      case Op::Add:
      case Op::Subtract: return sum;
      case Op::Mult: return product;
      case Op::Square: return product * product;
      case Op::Sum: return sum * static_cast<double>(v.arg(0)->dim);
      case Op::Minus:
      case Op::Abs:
      case Op::ReLU:
      case Op::Max:
      case Op::Min: return largest;
      case Op::IfElse: return std::max(whole_size(v.arg(1)), whole_size(v.arg(2)));
      case Op::WhereNonzero: return whole_size(v.arg(1));
      default: return interval::inf;
    }
  }

  interval::Rounding rounding_;
  bool single_;
  Component places_ = 0;
  std::vector<Input> inputs_;
  std::vector<std::pair<Component, double>> constants_;
  std::vector<Step> steps_;
  Components operands_, results_;
  std::vector<std::int64_t> params_;
  std::size_t most_args_ = 0;

  // While it is made:
  std::unordered_map<const Instruction*, Components> made_;
  std::unordered_map<const Instruction*, double> whole_;
  std::map<std::string, Component> constant_places_;
};

}  // namespace rkeops
