// A naive interpreter of formulas: plain loops in double arithmetic, one pair (i, j) at a time. With `single` every value is
// rounded to float, which tells how far rounding alone can move a result.
#pragma once

#include <algorithm>
#include <memory>
#include <map>

#include "engine_parts.hpp"

namespace check {

using rkeops::Category;
using rkeops::Expr;
using rkeops::Op;
using Values = std::vector<double>;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double pi = 3.14159265358979323846;

class Interpreter {
 public:
  Interpreter(std::vector<Matrix> data, std::int64_t rows_i, std::int64_t rows_j, bool single = false)
      : data_(std::move(data)), rows_i_(rows_i), rows_j_(rows_j), single_(single) {
    for (Matrix& m : data_) {
      for (double& x : m.values) x = rounded(x);
    }
  }

  Matrix& data(std::size_t position) { return data_[position]; }

  // Drops what was computed from data that have changed.
  void forget() { results_.clear(); }

  std::int64_t size(Category c) const { return c == Category::i ? rows_i_ : c == Category::j ? rows_j_ : 1; }

  // Of a formula, reductions below it included, at the pair (i, j).
  Values value(Expr f, std::int64_t i, std::int64_t j) {
    Sweep sweep(*this, f);
    sweep.go(i, j);
    return sweep.of(f);
  }

  // One row of a reduction: its values, then its indices (0-based; NaN for none). Nearest: rank + K * component.
  std::vector<Values> row(Expr reduction, std::int64_t r) {
    const rkeops::Reduction& kind = reduction_of(reduction);
    const Expr f = reduction.arg(0);
    std::unique_ptr<Sweep> of_f = std::make_unique<Sweep>(*this, f), of_w;
    if (kind.weighted()) of_w = std::make_unique<Sweep>(*this, reduction.arg(1));
    const Category result = result_category(reduction), folded = folded_category(reduction);
    std::vector<Values> terms, weights;
    for (std::int64_t t = 0; t < size(folded); ++t) {
      const std::int64_t i = result == Category::i ? r : folded == Category::i ? t : 0;
      const std::int64_t j = result == Category::j ? r : folded == Category::j ? t : 0;
      of_f->go(i, j);
      terms.push_back(of_f->of(f));
      if (!of_w) continue;
      of_w->go(i, j);
      weights.push_back(of_w->of(reduction.arg(1)));
    }
    return fold(kind, terms, weights, static_cast<std::size_t>(f->dim),
                kind.weighted() ? static_cast<std::size_t>(reduction.arg(1)->dim) : 0, static_cast<std::size_t>(k_of(reduction)));
  }

 private:
  double rounded(double x) const { return single_ ? static_cast<double>(static_cast<float>(x)) : x; }

  // Values of all nodes below one root at the current pair.
  class Sweep {
   public:
    Sweep(Interpreter& owner, Expr root) : owner_(owner), nodes_(rkeops::nodes_below({root})) {
      for (Expr n : nodes_) values_[n.node()].resize(static_cast<std::size_t>(n->dim));
    }

    void go(std::int64_t i, std::int64_t j) {
      for (Expr n : nodes_) {
        const bool changed = first_ || ((n->indices & rkeops::index_i) && i != i_) || ((n->indices & rkeops::index_j) && j != j_);
        if (!changed) continue;
        Values& out = values_[n.node()];
        owner_.compute(n, i, j, *this, out);
        for (double& x : out) x = owner_.rounded(x);
      }
      i_ = i, j_ = j, first_ = false;
    }

    const Values& of(Expr n) const { return values_.at(n.node()); }

   private:
    Interpreter& owner_;
    std::vector<Expr> nodes_;
    std::unordered_map<const rkeops::Node*, Values> values_;
    std::int64_t i_ = 0, j_ = 0;
    bool first_ = true;
  };

  void compute(Expr n, std::int64_t i, std::int64_t j, const Sweep& sweep, Values& out) {
    using rkeops::Structure;
    const auto arg = [&](std::size_t a) -> const Values& { return sweep.of(n.arg(a)); };
    if (rkeops::is_variable(n)) {
      const Matrix& m = data_[static_cast<std::size_t>(position_of(n))];
      const std::int64_t row = category_of(n) == Category::i ? i : j;
      for (std::size_t k = 0; k < out.size(); ++k) {
        out[k] = category_of(n) == Category::parameter ? m.values[k] : m.at(row, static_cast<std::int64_t>(k));
      }
      return;
    }
    if (is_constant(n)) return out.assign(out.size(), n->value);
    if (is(n, Op::Positions)) {
      for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<double>(k);
      return;
    }
    if (is_row_number(n)) {
      out[0] = part_of(static_cast<double>(n->params[0] == 0 ? i : j), static_cast<rkeops::Part>(n->params[1]));
      return;
    }
    if (is_part_of_reduction(n)) {
      const Values& whole = result_row(n->args[0], i, j);
      for (std::size_t k = 0; k < out.size(); ++k) out[k] = part_of(whole[k], static_cast<rkeops::Part>(n->params[0]));
      return;
    }
    switch (n->operation->structure) {
      case Structure::elementwise:
        for (std::size_t k = 0; k < out.size(); ++k) {
          double x[4] = {0, 0, 0, 0};
          for (std::size_t a = 0; a < n->args.size(); ++a) x[a] = arg(a)[arg(a).size() == 1 ? 0 : k];
          out[k] = is(n, Op::Pow)        ? std::pow(x[0], static_cast<double>(n->params[0]))
                   : is(n, Op::Digamma)  ? digamma(x[0])
                   : is(n, Op::Trigamma) ? trigamma(x[0])
                   : is(n, Op::Polygamma) ? polygamma(x[0], static_cast<int>(n->params[0]))
                                       : n->operation->value(x);
        }
        return;
      case Structure::horizontal: out[0] = across(n, arg(0)); return;
      case Structure::movement: rearrange(n, arg(0), n->args.size() > 1 ? arg(1) : arg(0), out); return;
      case Structure::contraction: contract(rkeops::contraction_of(n), arg(0), arg(1), is(n, Op::ContractOrZero), out); return;
      case Structure::gather: gather(n, arg(0), arg(1), arg(n->args.size() - 1), out); return;
      case Structure::reduction: out = result_row(n, i, j); return;
      default: throw std::logic_error(std::string("interpreter: no rule for ") + n->operation->name);
    }
  }

  // The row of a reduction's result that belongs to (i, j); all rows are computed at the first question.
  const Values& result_row(Expr n, std::int64_t i, std::int64_t j) {
    std::vector<Values>& rows = results_[n.node()];
    const Category category = result_category(n);
    for (std::int64_t r = static_cast<std::int64_t>(rows.size()); r < size(category); ++r) rows.push_back(row(n, r)[0]);
    return rows[static_cast<std::size_t>(category == Category::i ? i : category == Category::j ? j : 0)];
  }

  double across(Expr n, const Values& a) const {
    if (is(n, Op::Sum)) {
      double sum = 0;
      for (double x : a) sum = rounded(sum + x);
      return sum;
    }
    const bool largest = is(n, Op::Max) || is(n, Op::ArgMax), place = is(n, Op::ArgMax) || is(n, Op::ArgMin);
    if (!largest && !place && !is(n, Op::Min))
      throw std::logic_error(std::string("interpreter: no rule for ") + n->operation->name);
    std::size_t best = a.size();
    for (std::size_t k = 0; k < a.size(); ++k) {
      if (std::isnan(a[k])) {
        if (!place) return a[k];
      } else if (best == a.size() || (largest ? a[k] > a[best] : a[k] < a[best])) {
        best = k;
      }
    }
    if (place) return best == a.size() ? std::nan("") : static_cast<double>(best);
    return a[best];
  }

  static void rearrange(Expr n, const Values& a, const Values& b, Values& out) {
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::int64_t at = static_cast<std::int64_t>(k);
      const auto from = [&](std::int64_t place) { return a[static_cast<std::size_t>(place)]; };
      const std::int64_t size = static_cast<std::int64_t>(a.size());
      if (is(n, Op::SumT)) out[k] = a[0];
      else if (is(n, Op::Extract)) out[k] = from(at + n->params[0]);
      else if (is(n, Op::ExtractT)) out[k] = at < n->params[0] || at >= n->params[0] + size ? 0 : from(at - n->params[0]);
      else if (is(n, Op::Concat)) out[k] = at < size ? from(at) : b[k - a.size()];
      else if (is(n, Op::Strided)) out[k] = from(n->params[0] + at * n->params[1]);
      else if (is(n, Op::Interleave)) out[k] = (k % 2 == 0 ? a : b)[k / 2];
      else throw std::logic_error(std::string("interpreter: no rule for ") + n->operation->name);
    }
  }

  // A whole row of the table (Gather), or one entry (Lookup); the node's parameters are its numbers of rows and columns.
  static void gather(Expr n, const Values& table, const Values& row, const Values& column, Values& out) {
    const auto nearest = [](double x, std::int64_t size) {  // -1 outside
      const double at = std::floor(x) + (x - std::floor(x) >= 0.5);
      return at >= 0 && at < static_cast<double>(size) ? static_cast<std::int64_t>(at) : -1;
    };
    const std::int64_t rows = n->params[0], columns = n->params[1], r = nearest(row[0], rows);
    const bool whole = is(n, Op::Gather);
    for (std::size_t k = 0; k < out.size(); ++k) {
      const std::int64_t c = whole ? static_cast<std::int64_t>(k) : nearest(column[0], columns);
      out[k] = r < 0 || c < 0 ? std::nan("") : table[static_cast<std::size_t>(r * columns + c)];
    }
  }

  // Derivatives of log Gamma: by recurrence to large arguments, then differences of lgamma's asymptotic series.
  static double digamma(double x) {
    if (x <= 0) return x == std::floor(x) ? std::nan("") : digamma(1 - x) - pi / std::tan(pi * x);
    long double y = x, sum = 0;
    for (; y < 60; y += 1) sum -= 1 / y;
    const long double z = 1 / (y * y);
    return static_cast<double>(sum + std::log(y) - 0.5L / y - z * (1 / 12.0L - z * (1 / 120.0L - z * (1 / 252.0L - z / 240))));
  }
  static double trigamma(double x) {
    if (x <= 0) return x == std::floor(x) ? inf : pi / std::sin(pi * x) * (pi / std::sin(pi * x)) - trigamma(1 - x);
    long double y = x, sum = 0;
    for (; y < 60; y += 1) sum += 1 / (y * y);
    const long double z = 1 / (y * y);
    return static_cast<double>(sum + 1 / y + z / 2 + z / y * (1 / 6.0L - z * (1 / 30.0L - z * (1 / 42.0L - z / 30))));
  }

  // By the sum that defines it, and an integral for what is left; positive x only.
  static double polygamma(double x, int n) {
    long double factorial = 1, y = x, sum = 0;
    for (int k = 2; k <= n; ++k) factorial *= k;
    for (; y < 200; y += 1) sum += factorial / std::pow(y, n + 1.0L);
    const long double p = factorial / std::pow(y, static_cast<long double>(n)), z = 1 / (y * y);
    sum += p / n + p / (2 * y) + p * (n + 1) * z / 12 - p * (n + 1) * (n + 2) * (n + 3) * z * z / 720;
    return static_cast<double>(n % 2 ? sum : -sum);
  }

  void contract(const rkeops::Contraction& c, const Values& a, const Values& b, bool guarded, Values& out) const {
    std::fill(out.begin(), out.end(), 0);
    std::vector<rkeops::Axis> axes = c.kept;
    axes.insert(axes.end(), c.summed.begin(), c.summed.end());
    std::int64_t count = 1, summed = 1;
    for (const rkeops::Axis& axis : axes) count *= axis.size;
    for (const rkeops::Axis& axis : c.summed) summed *= axis.size;
    for (std::int64_t k = 0; k < count; ++k) {
      std::int64_t rest = k, at_a = 0, at_b = 0;
      for (std::size_t x = axes.size(); x-- > 0; rest /= axes[x].size) {
        at_a += rest % axes[x].size * axes[x].a;
        at_b += rest % axes[x].size * axes[x].b;
      }
      double& total = out[static_cast<std::size_t>(k / summed)];
      if (guarded && a[static_cast<std::size_t>(at_a)] == 0) continue;
      total = rounded(total + a[static_cast<std::size_t>(at_a)] * b[static_cast<std::size_t>(at_b)]);
    }
  }

  // The formula has one component where there are weights; else each of its components has a maximum of its own.
  static Values softmax(const rkeops::Reduction& kind, const std::vector<Values>& terms, const std::vector<Values>& weights,
                        std::size_t dim, std::size_t weight_dim) {
    using Finish = rkeops::Reduction::Finish;
    const double largest = std::numeric_limits<double>::max();
    const std::size_t sums = kind.weighted() ? weight_dim : dim;
    Values out;
    for (std::size_t d = 0; d < sums; ++d) {
      const std::size_t component = kind.weighted() ? 0 : d;
      double top = -largest, ones = 0, sum = 0;
      for (const Values& term : terms) top = std::max(top, std::min(term[component], largest));
      for (std::size_t t = 0; t < terms.size(); ++t) {
        const double p = std::exp(terms[t][component] - top);
        ones += p;
        sum += kind.weighted() ? p * weights[t][d] : p;
      }
      if (kind.finish == Finish::pair && d == 0) out.push_back(top == -largest ? -inf : top);
      out.push_back(kind.finish == Finish::pair ? sum : kind.finish == Finish::ratio ? sum / ones : top + std::log(sum));
    }
    return out;
  }

  static std::vector<Values> fold(const rkeops::Reduction& kind, const std::vector<Values>& terms,
                                  const std::vector<Values>& weights, std::size_t dim, std::size_t weight_dim, std::size_t k) {
    std::vector<Values> parts;
    if (kind.reducer == &rkeops::sum_reducer()) {
      Values sums(dim, 0);
      for (const Values& term : terms) {
        for (std::size_t d = 0; d < dim; ++d) sums[d] += term[d];
      }
      return {sums};
    }
    if (kind.reducer == &rkeops::softmax_reducer()) return {softmax(kind, terms, weights, dim, weight_dim)};
    const std::size_t ranks = kind.reducer == &rkeops::nearest_reducer() ? k : 1;
    Values values(dim * ranks, std::nan("")), indices(dim * ranks, std::nan(""));
    for (std::size_t d = 0; d < dim; ++d) {
      std::vector<std::pair<double, double>> found;
      bool nan = false;
      for (std::size_t t = 0; t < terms.size(); ++t) {
        const double f = terms[t][d];
        if (std::isnan(f)) nan = true;
        else found.push_back({kind.maximum ? -f : f, static_cast<double>(t)});
      }
      std::sort(found.begin(), found.end());
      for (std::size_t r = 0; r < std::min(ranks, found.size()); ++r) {
        values[d * ranks + r] = kind.maximum ? -found[r].first : found[r].first;
        indices[d * ranks + r] = found[r].second;
      }
      if (nan && kind.reducer == &rkeops::extremum_reducer() && !kind.indices) values[d] = std::nan("");
    }
    if (kind.values) parts.push_back(values);
    if (kind.indices) parts.push_back(indices);
    return parts;
  }

  std::vector<Matrix> data_;
  std::int64_t rows_i_, rows_j_;
  bool single_;
  std::unordered_map<const rkeops::Node*, std::vector<Values>> results_;
};

// A formula parsed on its own, with its graph.
struct Parsed {
  rkeops::Graph graph;
  rkeops::Expr root;
  std::vector<rkeops::Argument> arguments;

  Parsed(const std::string& formula, const std::vector<std::string>& declarations, bool simplifies = true) {
    graph.simplifies = simplifies;
    rkeops::Arguments known(check::arguments(declarations));
    root = check::parse(graph, formula, known);
    arguments = known.finish();
  }
};

}  // namespace check
