// Decides which values are materialized in variables of their own, and emits those.
//
// Elementwise operations and movements are written into their user. A value gets variables only where it is used twice and
// dear, where it mixes components, or where it would be recomputed for every component of a vector. Short vectors become
// named variables, long ones arrays.
#pragma once

#include "values.hpp"

namespace rkeops {

class Components : public Values {
 public:
  // computed: the variance of which packed data are made, see PairProgram::section().
  Components(Text& out, Functions& functions, Workspace& work, int rows, int columns, std::int64_t unroll_limit,
             std::string prefix, Variance computed = PairProgram::nothing, bool tensor_cores = false)
      : Values(out, functions, rows, columns, unroll_limit, computed),
        work_(work),
        prefix_(std::move(prefix)),
        tensor_cores_(tensor_cores) {}

  // Emits all that `roots` need before their components can be asked for.
  // vector_use: components are asked for inside loops over components.
  void prepare(const std::vector<Value>& roots, bool vector_use) {
    const std::vector<Value> body = PairProgram::section(roots, [this](Value v) { return has_own_place(v); });
    std::unordered_map<const Instruction*, int> uses;
    std::unordered_set<const Instruction*> in_vector, by_place;
    for (Value root : roots) {
      roots_.insert(root.get());
      ++uses[root.get()];
      if (vector_use) in_vector.insert(root.get());
    }
    for (Value v : body) {
      for (Value arg : v->args) {
        ++uses[arg.get()];
        const bool reads_vector = v->dim > 1 || v->operation->structure == Structure::horizontal;
        if (reads_vector) in_vector.insert(arg.get());
        if (v->operation->structure == Structure::contraction || is(v, Op::Strided)) by_place.insert(arg.get());
      }
    }
    mark_loops(body);
    for (Value v : body) {
      if (is_materialized(v, uses[v.get()], in_vector.count(v.get()) > 0, by_place.count(v.get()) > 0)) emit(v);
    }
  }

 private:
  // Values whose components are asked for by the variable of a loop: they cannot live in named variables.
  void mark_loops(const std::vector<Value>& body) {
    for (auto at = body.rbegin(); at != body.rend(); ++at) {
      const Value v = *at;
      bool looped = !unrolled(v->dim) || looped_.count(v.get());
      if (v->operation->structure == Structure::contraction) looped |= !unrolls(v->contraction, v->dim);
      if (v->operation->structure == Structure::horizontal) looped = false;  // its own argument decides
      if (!looped) continue;
      looped_.insert(v.get());
      for (Value arg : v->args) looped_.insert(arg.get());
    }
  }

  bool unrolls(const Contraction& c, std::int64_t dim) const {
    std::int64_t terms = dim;
    for (const Axis& axis : c.summed) terms *= axis.size;
    return unrolled(dim) && terms <= 4 * unroll_limit_;
  }

  bool is_materialized(Value v, int uses, bool in_vector, bool by_place) const {
    const Structure structure = v->operation->structure;
    if (structure == Structure::horizontal) return true;
    if (structure == Structure::contraction) return !v->contraction.summed.empty() || by_place || uses > 1;
    const std::int64_t cost = cost_in_place(v);
    if (structure == Structure::movement) {
      if (is(v, Op::Interleave) && looped_.count(v.get())) return !roots_.count(v.get()) || uses > 1;
      return cost > heuristics::longest_expression || (by_place && v->dim > 1 && looped_.count(v.get()));
    }
    if (v->dim == 1) return in_vector || uses > 1 || cost > heuristics::longest_expression;
    if (by_place || cost > heuristics::longest_expression) return true;
    return uses > 1 && cost > (unrolled(v->dim) ? 1 : 2);
  }

  // What writing v into a user costs there; counted no further than heuristics::longest_expression, which also bounds recursion.
  std::int64_t cost_in_place(Value v) const {
    std::unordered_set<const Instruction*> seen;
    std::vector<Value> todo{v};
    std::int64_t cost = 0, count = 0;
    while (!todo.empty() && cost <= heuristics::longest_expression && ++count <= heuristics::longest_expression) {
      const Value below = todo.back();
      todo.pop_back();
      if (has_own_place(below) || !seen.insert(below.get()).second) continue;
      cost += below->operation->cost;
      for (Value arg : below->args) todo.push_back(arg);
    }
    return todo.empty() ? cost : heuristics::longest_expression + 1;
  }

  void emit(Value v) {
    const std::string name = prefix_ + str(v->number);
    if (v->operation->structure == Structure::horizontal) {
      if (tensor_cores_ && is_matrix_product(v)) return emit_matrix_product(v, name);
      return is(v, Op::ArgMax) || is(v, Op::ArgMin) ? emit_position(v, name) : emit_total(v, name);
    }
    if (!v->contraction.summed.empty()) return emit_contraction(v, name);
    const Materialized kept = keep(v, name);
    for_components(v, [&](const Component& k) {
      for_members(v->variance, [&](Member m) {
        const std::string text = value(v, k, m);
        out_.line(kept.array ? "" : "const V ", variable(v, kept, k, m), " = ", text, ";");
      });
    });
    materialized_.emplace(v.get(), kept);
  }

  Materialized keep(Value v, const std::string& name) {
    const Materialized kept{name, v->dim > 1 && looped_.count(v.get()) > 0};
    if (kept.array) work_.array(name, v->dim * variants(v->variance));
    return kept;
  }

  // Sum, Max, Min: the total so far and the next component make the next total.
  void emit_total(Value v, const std::string& name) {
    const Value a = v.arg(0);
    const bool add = is(v, Op::Sum);
    if (!unrolled(a->dim)) {
      for_members(v->variance, [&](Member m) {
        const std::string first = add ? "splat(0)" : value(a, Component::at(0), m);
        out_.line("V ", name, suffix(v->variance, m), " = ", first, ";");
      });
    }
    for_components(a, [&](const Component& k) {
      const bool first = unrolled(a->dim) && k.low == 0;
      for_members(v->variance, [&](Member m) {
        const std::string total = name + suffix(v->variance, m);
        std::string text = value(a, k, m);
        if (add || first) {
          out_.line(first ? "V " : "", total, first ? " = " : " += ", text, ";");
        } else {
          out_.line(total, " = ", substitute(v->operation->code, std::vector<std::string>{total, named(text)}), ";");
        }
      });
    });
    materialized_.emplace(v.get(), Materialized{name, false});
  }

  void emit_matrix_product(Value v, const std::string& name) {
    Value x = v.arg(0).arg(0), y = v.arg(0).arg(1);
    if (x->variance == varies_column) std::swap(x, y);
    out_.line("V ", name, "[", rows_ * columns_, "];");
    out_.line("tensor_products(", name, ", row + ", x->offset, " * TILE, column + ", y->offset, ", ", x->dim, ");");
    materialized_.emplace(v.get(), Materialized{name, true});
  }

  // ArgMax, ArgMin: the best component so far, NaN at first, and its position.
  void emit_position(Value v, const std::string& name) {
    const char* worse = is(v, Op::ArgMax) ? " <= " : " >= ";
    functions_.call("specials");
    for_members(v->variance, [&](Member m) {
      const std::string end = suffix(v->variance, m);
      out_.line("V ", name, end, " = splat(NAN_), best", name, end, " = ", name, end, ";");
    });
    for_components(v.arg(0), [&](const Component& k) {
      for_members(v->variance, [&](Member m) {
        const std::string end = suffix(v->variance, m), best = "best" + name + end, text = named(value(v.arg(0), k, m));
        const std::string wins = "w" + str(next_name_++);
        out_.line("const I ", wins, " = ~(", text, worse, best, ") & (", text, " == ", text, ");");
        out_.line(best, " = select(", wins, ", ", text, ", ", best, ");");
        out_.line(name, end, " = select(", wins, ", splat((real)(", k.text, ")), ", name, end, ");");
      });
    });
    materialized_.emplace(v.get(), Materialized{name, false});
  }

  void emit_contraction(Value v, const std::string& name) {
    Materialized kept = keep(v, name);
    if (unrolls(v->contraction, v->dim)) {
      emit_unrolled_contraction(v, kept);
    } else {
      emit_looped_contraction(v, kept);
    }
    materialized_.emplace(v.get(), kept);
  }

  void emit_unrolled_contraction(Value v, const Materialized& kept) {
    const Contraction& c = v->contraction;
    for_axes(c.kept, [&](std::int64_t k, std::int64_t a0, std::int64_t b0) {
      for_axes(c.summed, [&](std::int64_t s, std::int64_t a, std::int64_t b) {
        for_members(v->variance, [&](Member m) {
          const std::string left = value(v.arg(0), Component::at(a0 + a), m),
                            right = value(v.arg(1), Component::at(b0 + b), m);
          const std::string target = variable(v, kept, Component::at(k), m), term = product_text(v, left, right);
          out_.line(s == 0 && !kept.array ? "V " : "", target, s == 0 ? " = " : " += ", term, ";");
        });
      });
    });
  }

  void emit_looped_contraction(Value v, Materialized& kept) {
    const Contraction& c = v->contraction;
    std::string a = "0", b = "0", place = "0";
    int open = 0;
    const auto loop = [&](const Axis& axis, bool of_result) {
      const std::string x = "x" + str(next_name_++);
      out_.open("for (int64 ", x, " = 0; ", x, " < ", axis.size, "; ++", x, ")");
      ++open;
      if (axis.a) a += " + " + x + " * " + str(axis.a);
      if (axis.b) b += " + " + x + " * " + str(axis.b);
      if (of_result) place = "(" + place + ") * " + str(axis.size) + " + " + x;
    };
    for (const Axis& axis : c.kept) loop(axis, true);
    const std::string total = "s" + str(next_name_++);
    for_members(v->variance, [&](Member m) { out_.line("V ", total, suffix(v->variance, m), " = splat(0);"); });
    const int outside = open;
    for (const Axis& axis : c.summed) loop(axis, false);
    const Component ka{"(" + a + ")", 0, 2}, kb{"(" + b + ")", 0, 2};
    for_members(v->variance, [&](Member m) {
      const std::string left = value(v.arg(0), v.arg(0)->dim == 1 ? Component::at(0) : ka, m);
      const std::string right = value(v.arg(1), v.arg(1)->dim == 1 ? Component::at(0) : kb, m);
      const std::string term = product_text(v, left, right);
      out_.line(total, suffix(v->variance, m), " += ", term, ";");
    });
    for (; open > outside; --open) out_.close();
    for_members(v->variance, [&](Member m) {
      if (v->dim == 1) return;
      out_.line(variable(v, kept, Component{place, 0, 2}, m), " = ", total, suffix(v->variance, m), ";");
    });
    for (; open > 0; --open) out_.close();
    if (v->dim == 1) kept.name = total;
  }

  Workspace& work_;
  const std::string prefix_;
  const bool tensor_cores_;
  std::unordered_set<const Instruction*> roots_, looped_;
};

}  // namespace rkeops
