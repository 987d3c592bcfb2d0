// Which components of F are s(x, y) b, with a product b of packed numbers of the column alone: what many columns add is
// known from bounds of s and sums of b, whatever the signs of b.
#pragma once

#include "bounds.hpp"
#include "geometry.hpp"

namespace rkeops {

class WeightFinder {
 public:
  explicit WeightFinder(const PairProgram& program)
      : made_(program.reduction, program.k, program.rows, program.columns),
        next_number_(static_cast<std::int64_t>(program.instructions.size())) {
    made_.results = program.results;
    std::int64_t places = 0;
    for (Value result : program.results) places += result->dim;
    for (Value v : PairProgram::section({program.results[0]}, [](Value x) { return !can_split(x); })) {
      Terms terms;
      for (std::int64_t k = 0; k < v->dim; ++k) terms.push_back(split(v, k));
      split_.emplace(v.get(), std::move(terms));
    }
    std::map<const Instruction*, std::int64_t> place_of;
    std::map<Factors, std::int64_t> weights;
    for (std::int64_t k = 0; k < program.results[0]->dim; ++k) {
      const Term term = part(program.results[0], k);
      components_.push_back({-1, -1});
      if (term.factors.empty()) continue;
      const auto [place, is_new] = place_of.emplace(term.scale.get(), places);
      if (is_new) made_.results.push_back(term.scale), ++places;
      components_.back() = {place->second,
                            weights.emplace(term.factors, static_cast<std::int64_t>(weights.size())).first->second};
    }
    factors_.resize(weights.size());
    for (const auto& [factors, number] : weights) factors_[static_cast<std::size_t>(number)] = factors;
  }

  // `bounds`: those of the program itself.
  Weights weights(std::shared_ptr<const PairBounds> bounds, Precision precision) const {
    if (!factors_.empty()) bounds = std::make_shared<const PairBounds>(made_, precision);
    return {components_, factors_, std::move(bounds), interval::rounding_of(precision).tiny};
  }

 private:
  using Factors = std::vector<std::int64_t>;
  // A component, as a product.
  struct Term {
    Value scale;
    Factors factors;  // components of packed columns, in order
  };
  using Terms = std::vector<Term>;

  static bool can_split(Value v) {
    if (v->is_packed() || (v->variance & varies_column) == 0) return false;
    if (v->operation->structure == Structure::movement) return true;
    for (Op op :
         {Op::Mult, Op::MultOrZero, Op::Divide, Op::Minus, Op::Add, Op::Subtract, Op::IfElse, Op::WhereNonzero}) {
      if (is(v, op)) return true;
    }
    return false;
  }

  Term part(Value v, std::int64_t k) {
    if (v->dim == 1) k = 0;
    const auto found = split_.find(v.get());
    if (found != split_.end()) return found->second[static_cast<std::size_t>(k)];
    if (v->is_packed() && v->variance == varies_column) return {constant(1), {v->offset + k}};
    return {component(v, k), {}};
  }

  Term split(Value v, std::int64_t k) {
    const Term found = split_further(v, k);
    return found.factors.empty() && !is_number(found.scale, 0) ? Term{component(v, k), {}} : found;
  }

  Term split_further(Value v, std::int64_t k) {
    if (v->operation->structure == Structure::movement) return moved(v, k);
    const auto arg = [&](std::size_t a) { return part(v.arg(a), k); };
    const auto whole = [&](std::size_t a) { return component(v.arg(a), v.arg(a)->dim == 1 ? 0 : k); };
    if (is(v, Op::Minus)) return {make(v, {arg(0).scale}), arg(0).factors};
    if (is(v, Op::Divide)) return {make(v, {arg(0).scale, whole(1)}), arg(0).factors};
    if (is(v, Op::WhereNonzero)) return {make(v, {whole(0), arg(1).scale}), arg(1).factors};
    if (is(v, Op::Mult) || is(v, Op::MultOrZero)) {
      const Term a = arg(0), b = arg(1);
      Factors both;
      std::merge(a.factors.begin(), a.factors.end(), b.factors.begin(), b.factors.end(), std::back_inserter(both));
      return {is_number(a.scale, 1) ? b.scale : is_number(b.scale, 1) ? a.scale : make(v, {a.scale, b.scale}), both};
    }
    // Two terms with the same factors; 0 has any.
    const std::size_t first = is(v, Op::IfElse) ? 1 : 0;
    const Term a = arg(first), b = arg(first + 1);
    const bool same = a.factors == b.factors || is_number(b.scale, 0);
    if (!same && !is_number(a.scale, 0)) return {v, {}};
    std::vector<Value> args{a.scale, b.scale};
    if (first == 1) args.insert(args.begin(), whole(0));
    return {make(v, args), same ? a.factors : b.factors};
  }

  Term moved(Value v, std::int64_t k) {
    const auto [from, at] = origin_of(v, k);
    return from.get() ? part(from, at) : Term{constant(0), {}};
  }

  static bool is_number(Value v, double x) { return is(v, Op::Constant) && v->value == x; }

  Value constant(double x) { return append({&operation(Op::Constant), {}, {}, x, 1, {}, 0, next_number_}); }
  Value component(Value v, std::int64_t k) {
    if (v->dim == 1) return v;
    return append({&operation(Op::Extract), {v}, {k, 1}, 0, 1, v->facts, v->variance, next_number_});
  }
  // The operation of v on numbers.
  Value make(Value v, std::vector<Value> args) {
    Variance variance = 0;
    for (Value arg : args) variance |= arg->variance;
    return append({v->operation, std::move(args), v->params, v->value, 1, v->facts, variance, next_number_});
  }
  // Equal ones are one.
  Value append(Instruction made) {
    std::vector<const void*> key{made.operation};
    for (Value arg : made.args) key.push_back(arg.get());
    const auto [known, is_new] = known_.emplace(Key{std::move(key), made.params, made.value}, nullptr);
    if (is_new) {
      made_.instructions.push_back(std::move(made));
      known->second = &made_.instructions.back();
      ++next_number_;
    }
    return known->second;
  }

  using Key = std::tuple<std::vector<const void*>, std::vector<std::int64_t>, double>;

  PairProgram made_;  // with s among its results; reads instructions of the program given
  std::int64_t next_number_;
  std::map<Key, const Instruction*> known_;
  std::unordered_map<const Instruction*, Terms> split_;
  std::vector<Weights::Component> components_;
  std::vector<Factors> factors_;
};

inline Weights weights_of(const PairProgram& program, std::shared_ptr<const PairBounds> bounds, Precision precision) {
  return WeightFinder(program).weights(std::move(bounds), precision);
}

}  // namespace rkeops
