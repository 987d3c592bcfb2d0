// Decides which nodes get variables of their own, and emits those.
//
// Elementwise nodes and rearrangements are written into their consumer. A node gets variables only where it is used
// twice and dear, where it mixes components, or where it would be recomputed for every component of a vector. Short
// vectors become named variables, long ones arrays.
#pragma once

#include "values.hpp"

namespace rkeops {

class Components : public Values {
 public:
  Components(const Plan& plan, Text& out, Workspace& work, int rows, int columns, std::int64_t unroll_limit,
             std::string prefix, bool tensor_cores = false)
      : Values(plan, out, rows, columns, unroll_limit),
        work_(work),
        prefix_(std::move(prefix)),
        tensor_cores_(tensor_cores) {}

  // Emits all that `roots` need before their components can be asked for.
  // vector_use: components are asked for inside loops over components.
  void prepare(const std::vector<Expr>& roots, bool vector_use) {
    const std::vector<Expr> body = reachable(roots);
    std::unordered_map<const Node*, int> uses;
    std::unordered_set<const Node*> in_vector, by_place;
    for (Expr root : roots) {
      roots_.insert(root.node());
      ++uses[root.node()];
      if (vector_use) in_vector.insert(root.node());
    }
    for (Expr n : body) {
      for (const Node* arg : n->args) {
        ++uses[arg];
        const bool reads_vector = n->dim > 1 || n->operation->structure == Structure::horizontal;
        if (reads_vector) in_vector.insert(arg);
        if (n->operation->structure == Structure::contraction || is(n, Op::Strided)) by_place.insert(arg);
      }
    }
    mark_loops(body);
    for (Expr n : body) {
      if (needs_variables(n, uses[n.node()], in_vector.count(n.node()) > 0, by_place.count(n.node()) > 0)) emit(n);
    }
  }

 private:
  std::vector<Expr> reachable(const std::vector<Expr>& roots) const {
    const auto computed = [&](Expr n) { return !has_own_place(n) && n->operation->structure != Structure::leaf; };
    std::vector<Expr> found = post_order(roots, computed);
    found.erase(std::stable_partition(found.begin(), found.end(), computed), found.end());
    return found;
  }

  // Nodes whose components are asked for by the variable of a loop: they cannot live in named variables.
  void mark_loops(const std::vector<Expr>& body) {
    for (auto n = body.rbegin(); n != body.rend(); ++n) {
      bool looped = !unrolled((*n)->dim) || looped_.count(n->node());
      if ((*n)->operation->structure == Structure::contraction) looped |= !unrolls(contraction_of(*n), (*n)->dim);
      if ((*n)->operation->structure == Structure::horizontal) looped = false;  // its own argument decides
      if (!looped) continue;
      looped_.insert(n->node());
      for (const Node* arg : (*n)->args) looped_.insert(arg);
    }
  }

  bool unrolls(const Contraction& c, std::int64_t dim) const {
    std::int64_t terms = dim;
    for (const Axis& axis : c.summed) terms *= axis.size;
    return unrolled(dim) && terms <= 4 * unroll_limit_;
  }

  bool needs_variables(Expr n, int uses, bool in_vector, bool by_place) {
    const Structure structure = n->operation->structure;
    if (structure == Structure::horizontal) return true;
    if (structure == Structure::contraction) return !contraction_of(n).summed.empty() || by_place || uses > 1;
    const std::int64_t cost = lazy_cost(n);
    if (structure == Structure::movement) {
      if (is(n, Op::Interleave) && looped_.count(n.node())) return !roots_.count(n.node()) || uses > 1;
      return cost > too_long || (by_place && n->dim > 1 && looped_.count(n.node()));
    }
    if (n->dim == 1) return in_vector || uses > 1 || cost > too_long;
    if (by_place || cost > too_long) return true;
    return uses > 1 && cost > (unrolled(n->dim) ? 1 : 2);
  }

  // What writing n into a consumer costs there; counted no further than too_long, which also bounds recursion.
  std::int64_t lazy_cost(Expr n) const {
    std::unordered_set<const Node*> seen;
    std::vector<Expr> todo{n};
    std::int64_t cost = 0, count = 0;
    while (!todo.empty() && cost <= too_long && ++count <= too_long) {
      const Expr below = todo.back();
      todo.pop_back();
      if (has_own_place(below) || !seen.insert(below.node()).second) continue;
      cost += below->operation->cost;
      for (Expr arg : below->args) todo.push_back(arg);
    }
    return todo.empty() ? cost : too_long + 1;
  }

  void emit(Expr n) {
    const std::string name = prefix_ + str(next_name_++);
    switch (n->operation->structure) {
      case Structure::horizontal:
        if (tensor_cores_ && is_matrix_product(plan_, n)) return emit_matrix_product(n, name);
        gives_position(n) ? emit_place(n, name) : emit_total(n, name);
        return;
      case Structure::contraction:
        if (!contraction_of(n).summed.empty()) return emit_contraction(n, name);
        break;
      default:
        break;
    }
    const Held held = hold(n, name);
    for_components(n, [&](const Component& k) {
      for_members(plan_.role(n), [&](Member m) {
        const std::string text = value(n, k, m);
        out_.line(held.array ? "" : "const V ", held_value(n, held, k, m), " = ", text, ";");
      });
    });
    held_.emplace(n.node(), held);
  }

  Held hold(Expr n, const std::string& name) {
    const Held held{name, n->dim > 1 && looped_.count(n.node()) > 0};
    if (held.array) work_.array(name, n->dim * variants(plan_.role(n)));
    return held;
  }

  // ArgMax, ArgMin: their code is a bare comparison.
  static bool gives_position(Expr n) {
    return std::string_view(n->operation->code).find('$') == std::string_view::npos;
  }

  // Sum, Max, Min: the total so far and the next component make the next total.
  void emit_total(Expr n, const std::string& name) {
    const Expr a = n.arg(0);
    const Role role = plan_.role(n);
    const Held held{name, false};
    const bool add = is(n, Op::Sum);
    if (!unrolled(a->dim)) {
      for_members(role, [&](Member m) {
        const std::string first = add ? "splat(0)" : value(a, Component::at(0), m);
        out_.line("V ", name, suffix(role, m), " = ", first, ";");
      });
    }
    for_components(a, [&](const Component& k) {
      const bool first = unrolled(a->dim) && k.low == 0;
      for_members(role, [&](Member m) {
        const std::string total = name + suffix(role, m);
        std::string text = value(a, k, m);
        if (add || first) {
          out_.line(first ? "V " : "", total, first ? " = " : " += ", text, ";");
        } else {
          out_.line(total, " = ", substitute(n->operation->code, std::vector<std::string>{total, named(text)}), ";");
        }
      });
    });
    held_.emplace(n.node(), held);
  }

  void emit_matrix_product(Expr n, const std::string& name) {
    Expr x = n.arg(0).arg(0), y = n.arg(0).arg(1);
    if (plan_.role(x) == varies_column) std::swap(x, y);
    out_.line("V ", name, "[", rows_ * columns_, "];");
    out_.line("tensor_products(", name, ", row + ", plan_.row.offsets.at(x.node()), " * TILE, column + ",
              plan_.column.offsets.at(y.node()), ", ", x->dim, ");");
    held_.emplace(n.node(), Held{name, true});
  }

  // ArgMax, ArgMin: the best component so far, NaN at first, and its position.
  void emit_place(Expr n, const std::string& name) {
    const Role role = plan_.role(n);
    for_members(role, [&](Member m) {
      const std::string end = suffix(role, m);
      out_.line("V ", name, end, " = splat(NAN_), best", name, end, " = ", name, end, ";");
    });
    for_components(n.arg(0), [&](const Component& k) {
      for_members(role, [&](Member m) {
        const std::string end = suffix(role, m), best = "best" + name + end, text = named(value(n.arg(0), k, m));
        const std::string wins = "w" + str(next_name_++);
        out_.line("const I ", wins, " = ~(", text, " ", n->operation->code, " ", best, ") & (", text, " == ", text,
                  ");");
        out_.line(best, " = select(", wins, ", ", text, ", ", best, ");");
        out_.line(name, end, " = select(", wins, ", splat((real)(", k.text, ")), ", name, end, ");");
      });
    });
    held_.emplace(n.node(), Held{name, false});
  }

  void emit_contraction(Expr n, const std::string& name) {
    const Contraction c = contraction_of(n);
    const Role role = plan_.role(n);
    Held held = hold(n, name);
    if (unrolls(c, n->dim)) {
      emit_unrolled_contraction(n, c, held);
    } else {
      emit_looped_contraction(n, c, held, role);
    }
    held_.emplace(n.node(), held);
  }

  // Calls body(k, a, b) with the linear index and the places in both factors of every combination of the axes.
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
      body(k, a, b);
    }
  }

  void emit_unrolled_contraction(Expr n, const Contraction& c, const Held& held) {
    for_axes(c.kept, [&](std::int64_t k, std::int64_t a0, std::int64_t b0) {
      for_axes(c.summed, [&](std::int64_t s, std::int64_t a, std::int64_t b) {
        for_members(plan_.role(n), [&](Member m) {
          const std::string left = value(n.arg(0), Component::at(a0 + a), m),
                            right = value(n.arg(1), Component::at(b0 + b), m);
          const std::string target = held_value(n, held, Component::at(k), m), term = product_text(n, left, right);
          out_.line(s == 0 && !held.array ? "V " : "", target, s == 0 ? " = " : " += ", term, ";");
        });
      });
    });
  }

  void emit_looped_contraction(Expr n, const Contraction& c, Held& held, Role role) {
    std::string a = "0", b = "0", place = "0";
    int open = 0;
    const auto loop = [&](const Axis& axis, bool kept) {
      const std::string x = "x" + str(next_name_++);
      out_.open("for (long ", x, " = 0; ", x, " < ", axis.size, "; ++", x, ")");
      ++open;
      if (axis.a) a += " + " + x + " * " + str(axis.a);
      if (axis.b) b += " + " + x + " * " + str(axis.b);
      if (kept) place = "(" + place + ") * " + str(axis.size) + " + " + x;
    };
    for (const Axis& axis : c.kept) loop(axis, true);
    const std::string total = "s" + str(next_name_++);
    for_members(role, [&](Member m) { out_.line("V ", total, suffix(role, m), " = splat(0);"); });
    const int outside = open;
    for (const Axis& axis : c.summed) loop(axis, false);
    const Component ka{"(" + a + ")", 0, 2}, kb{"(" + b + ")", 0, 2};
    for_members(role, [&](Member m) {
      const std::string left = value(n.arg(0), n.arg(0)->dim == 1 ? Component::at(0) : ka, m);
      const std::string right = value(n.arg(1), n.arg(1)->dim == 1 ? Component::at(0) : kb, m);
      const std::string term = product_text(n, left, right);
      out_.line(total, suffix(role, m), " += ", term, ";");
    });
    for (; open > outside; --open) out_.close();
    for_members(role, [&](Member m) {
      const bool scalar = n->dim == 1;
      if (!scalar) out_.line(held_value(n, held, Component{place, 0, 2}, m), " = ", total, suffix(role, m), ";");
    });
    for (; open > 0; --open) out_.close();
    if (n->dim == 1) held.name = total;
  }

  static constexpr std::int64_t too_long = 200;  // for one expression
  Workspace& work_;
  const std::string prefix_;
  const bool tensor_cores_;
  std::unordered_set<const Node*> roots_, looped_;
};

}  // namespace rkeops
