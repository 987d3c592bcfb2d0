// Several formulas in few passes over the pairs (i, j), which is where the time goes:
//   - sums over the same index, of which none needs the result of another, are one sum of a long vector;
//   - sums over i and sums over j share a pass, as SumBoth does;
//   - soft-maxima of the same F and sums of exp(F - L) T, with L = log sum exp F, as derivatives have them, are sums of
//     exp(F - m) times a long vector of weights, where m is the maximum (Max_SumShiftExpWeight).
// The formulas stay as they are: a reduction is known by its node, wherever its numbers come from.
#pragma once

#include "differential.hpp"
#include "stages.hpp"

namespace rkeops {

// A reduction whose result is found in that of another one, its source, without looking at pairs again.
struct Reading {
  Expr node, source;
  Found how;
  std::int64_t from = 0, total = 0;  // columns of the source
};

struct PairPass {
  Expr stage;
  Expr other = {};  // a sum over the other index, of the same pairs
  std::vector<Reading> readings = {};
  std::int64_t part = -1;  // it writes the output, from this part on
};

inline Expr sum_both(Expr sum, Expr other) {
  return reduce(Reducing::SumBoth, {sum.arg(0), other.arg(0)}, folded_category(sum), result_category(sum));
}

// Sums over the same index that are added up are one sum, as are totals of these.
class SumMerger {
 public:
  Expr of(Expr root) {
    for (Expr n : post_order({root}, is_added_up)) made_[n.node()] = merged(n);
    return made_.at(root.node());
  }

 private:
  static bool is_sum(Expr n) { return is_reduction(n) && &reduction_of(n) == &reduction(Reducing::Sum); }
  static bool is_added_up(Expr n) { return is(n, Op::Add) || is(n, Op::Subtract) || is(n, Op::Minus); }
  static bool is_total(Expr n) {
    return is_sum(n) && result_category(n) == Category::parameter && is_reduction(n.arg(0)) && is_sum(n.arg(0));
  }

  Expr merged(Expr n) const {
    if (!is_added_up(n)) return n;
    const Expr a = made_.at(n->args[0]);
    if (is(n, Op::Minus)) return is_sum(a) ? sum_like(a, -a.arg(0)) : n;
    return added(n, a, made_.at(n->args[1]));
  }

  static Expr added(Expr n, Expr a, Expr b) {
    if (!is_sum(a) || !is_sum(b) || a->dim != b->dim || folded_category(a) != folded_category(b) ||
        result_category(a) != result_category(b)) {
      return n;
    }
    const Expr term = call(n.op(), a.arg(0), b.arg(0));
    return sum_like(a, is_total(a) && is_total(b) && is_added_up(term) ? added(term, a.arg(0), b.arg(0)) : term);
  }

  static Expr sum_like(Expr sum, Expr term) { return reduce_sum(term, folded_category(sum), result_category(sum)); }

  std::unordered_map<const Node*, Expr> made_;
};

// The reductions whose results the formula of a reduction reads.
inline Exprs reductions_read(Expr n) {
  Exprs read;
  for (Expr below : nodes_below(Exprs(n->args.begin(), n->args.end()))) {
    if (is_reduction(below)) read.push_back(below);
    else if (is_part_of_reduction(below)) read.push_back(below.arg(0));
  }
  return read;
}

class Grouping {
 public:
  // Of reductions, each with all that is below it.
  explicit Grouping(const Exprs& roots) {
    for (Expr n : nodes_below(roots, true)) {
      if (is_reduction(n)) place(n);
    }
    for (std::size_t level = 0; level < levels_.size(); ++level) group(levels_[level]);
    for (const Reading& total : totals_) pass_of(total.source).readings.push_back(total);
  }

  std::vector<PairPass> passes;

 private:
  // A sum that is that of exp(F - log) * term.
  struct Joined {
    Expr log, term;
  };

  void place(Expr n) {
    std::size_t level = 0;
    for (Expr read : reductions_read(n)) level = std::max(level, level_.at(read.node()) + 1);
    if (is_row_total(n)) {
      level_[n.node()] = level;
      totals_.push_back({n, n.arg(0), Found::row_total});
      return;
    }
    if (const Joined joined = joined_sum(n); joined.log) {
      joined_.emplace(n.node(), joined);
      level = level_.at(joined.log.node());
    }
    level_[n.node()] = level;
    levels_.resize(std::max(levels_.size(), level + 1));
    levels_[level].push_back(n);
  }

  static bool is_row_total(Expr n) {
    return is_sum(n) && result_category(n) == Category::parameter && folded_category(n) != Category::parameter &&
           is_reduction(n.arg(0)) && result_category(n.arg(0)) == folded_category(n);
  }
  static bool is_sum(Expr n) { return &reduction_of(n) == &reduction(Reducing::Sum); }
  static bool same_indices(Expr a, Expr b) {
    return folded_category(a) == folded_category(b) && result_category(a) == result_category(b);
  }
  static bool of_one_exponent(Expr n) {  // log sum exp and soft-max of F, of dimension 1
    const Reduction& row = reduction_of(n);
    return (row.finish == Reduction::Finish::log || row.finish == Reduction::Finish::ratio) && n.arg(0)->dim == 1;
  }

  Joined joined_sum(Expr n) const {
    if (!is_sum(n)) return {};
    for (Expr log : reductions_read(n)) {
      if (!of_one_exponent(log) || log->dim != 1 || reduction_of(log).finish != Reduction::Finish::log) continue;
      if (!same_indices(n, log)) continue;
      const Expr term = without_factor(n.arg(0), call(Op::Exp, log.arg(0) - log));
      if (!term || !known_before(term, log)) continue;
      return {log, term->dim == n->dim ? term : repeat(term, n->dim)};
    }
    return {};
  }

  bool known_before(Expr term, Expr log) const {
    for (Expr n : nodes_below({term}, true)) {
      if (is_reduction(n) && level_.at(n.node()) >= level_.at(log.node())) return false;
    }
    return true;
  }

  // T, if a formula is p T for a number p, and T is without p; else nothing.
  static Expr without_factor(Expr formula, Expr p) {
    const Exprs nodes = nodes_below({formula});
    std::unordered_map<const Node*, int> degree;
    std::unordered_map<const Node*, Expr> made;
    for (Expr n : nodes) {
      Exprs args;
      int least = 2, most = 0, all = 0;
      for (const Node* arg : n->args) {
        const auto found = degree.find(arg);
        const int d = found == degree.end() || is_reduction(n) ? 0 : found->second;
        if (!is_constant(Expr(arg), 0)) least = std::min(least, d);
        most = std::max(most, d), all += d;
        args.push_back(found == degree.end() ? Expr(arg) : made.at(arg));
      }
      int d = n == p ? 1 : 0;
      if (n != p && most > 0) {
        const bool product = is(n, Op::Mult) || is(n, Op::Contract);
        const bool linear = is(n, Op::Add) || is(n, Op::Subtract) || is(n, Op::Minus) || is(n, Op::Sum) ||
                            n->operation->structure == Structure::movement;
        if (product) d = all;
        else if (linear && least == most) d = most;
        else if (is(n, Op::Divide) && degree.at(n->args[1]) == 0) d = most;
        else return {};
        if (d > 1) return {};
      }
      degree[n.node()] = d;
      made[n.node()] = n == p ? p.graph().constant(1) : d == 0 ? n : again(n, args);
    }
    return degree.at(formula.node()) == 1 ? made.at(formula.node()) : Expr();
  }

  static Expr again(Expr n, const Exprs& args) {
    return is(n, Op::Contract) ? contract(args[0], args[1], contraction_of(n)) : n.graph().apply(n.op(), args, n->params);
  }

  // The reductions of one level, none of which reads another, as passes.
  void group(const Exprs& level) {
    std::unordered_set<const Node*> done;
    for (Expr n : level) {
      if (done.count(n.node()) || joined_.count(n.node()) || !of_one_exponent(n)) continue;
      Exprs together;
      for (Expr other : level) {
        const auto joined = joined_.find(other.node());
        const Expr soft = joined == joined_.end() ? other : joined->second.log;
        if (of_one_exponent(soft) && soft.arg(0) == n.arg(0) && same_indices(soft, n)) together.push_back(other);
      }
      if (together.size() > 1) soft_pass(together);
      else passes.push_back({n});
      for (Expr other : together) done.insert(other.node());
    }
    for (const Category result : {Category::i, Category::j}) {
      Exprs sums, others;
      for (Expr n : level) {
        if (done.count(n.node()) || !is_sum(n) || is_single_term(n) || folded_category(n) == result_category(n)) continue;
        if (result_category(n) == Category::parameter) continue;
        (result_category(n) == result ? sums : others).push_back(n);
      }
      if (sums.empty()) continue;
      sum_pass(sums, others);
      for (Expr n : sums) done.insert(n.node());
      for (Expr n : others) done.insert(n.node());
    }
    for (Expr n : level) {
      if (!done.count(n.node())) passes.push_back({n});
    }
  }

  static bool is_single_term(Expr n) { return folded_category(n) == Category::parameter; }

  void sum_pass(const Exprs& sums, const Exprs& others) {
    PairPass pass;
    pass.stage = sum_of(sums, pass.readings);
    if (!others.empty()) pass.other = sum_of(others, pass.readings);
    passes.push_back(std::move(pass));
  }

  static Expr sum_of(const Exprs& sums, std::vector<Reading>& readings) {
    if (sums.size() == 1) return sums[0];
    Exprs parts;
    for (Expr n : sums) parts.push_back(n.arg(0));
    const Expr shared = reduce_sum(concat_all(parts, 0, parts.size()), folded_category(sums[0]), result_category(sums[0]));
    std::int64_t from = 0;
    for (Expr n : sums) {
      readings.push_back({n, shared, Found::columns, from});
      from += n->dim;
    }
    return shared;
  }

  void soft_pass(const Exprs& together) {
    Graph& g = together[0].graph();
    Exprs weights;
    std::int64_t columns = 1;
    std::vector<Reading> readings;
    std::map<const Node*, std::int64_t> places;
    const auto place_of = [&](Expr weight) {
      const auto [found, fresh] = places.emplace(weight.node(), columns);
      if (fresh) weights.push_back(weight), columns += weight->dim;
      return found->second;
    };
    const auto total_of = [&](Expr soft) {
      const bool own = reduction_of(soft).weighted() && reduction_of(soft).finish == Reduction::Finish::log;
      return place_of(own ? soft.arg(1) : g.constant(1));
    };
    for (Expr n : together) {
      const auto joined = joined_.find(n.node());
      if (joined != joined_.end()) {
        const std::int64_t total = total_of(joined->second.log);
        readings.push_back({n, {}, Found::average, place_of(joined->second.term), total});
      } else if (reduction_of(n).finish == Reduction::Finish::log) {
        readings.push_back({n, {}, Found::log_total, total_of(n)});
      } else {
        const std::int64_t total = total_of(n);
        readings.push_back({n, {}, Found::quotient, place_of(n.arg(1)), total});
      }
    }
    const Expr shared = reduce(Reducing::Max_SumShiftExpWeight,
                               {soft_exponent(together), concat_all(weights, 0, weights.size())},
                               folded_category(together[0]), result_category(together[0]));
    for (Reading& reading : readings) reading.source = shared;
    passes.push_back({shared, {}, std::move(readings)});
  }

  Expr soft_exponent(const Exprs& together) const {
    const auto joined = joined_.find(together[0].node());
    return (joined == joined_.end() ? together[0] : joined->second.log).arg(0);
  }

  // The pass that gives the result of a reduction.
  PairPass& pass_of(Expr n) {
    for (PairPass& pass : passes) {
      bool here = pass.stage == n || pass.other == n;
      for (const Reading& reading : pass.readings) here = here || reading.node == n;
      if (here) return pass;
    }
    throw Error(ErrorKind::internal, "a reduction is in no pass");
  }

  std::unordered_map<const Node*, std::size_t> level_;
  std::vector<Exprs> levels_;
  std::unordered_map<const Node*, Joined> joined_;
  std::vector<Reading> totals_;
};

}  // namespace rkeops
