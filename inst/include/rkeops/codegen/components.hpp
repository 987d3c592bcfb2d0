// Emits the values of formula nodes, component by component, for a tile of rows x columns.
//
// Elementwise nodes and rearrangements are written into their consumer. A node gets variables of its own only where it
// is used twice and dear, where it mixes components, or where it would be recomputed for every component of a vector.
// Short vectors are unrolled into named variables, long ones become arrays and loops.
#pragma once

#include "tile.hpp"

namespace rkeops {

class Components {
 public:
  Components(const Plan& plan, Text& out, Workspace& work, int rows, int columns, std::int64_t unroll_limit, std::string prefix)
      : plan_(plan), out_(out), work_(work), rows_(rows), columns_(columns), unroll_limit_(unroll_limit),
        prefix_(std::move(prefix)) {}

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  bool unrolled(std::int64_t dim) const { return dim <= unroll_limit_; }

  // Emits all that `roots` need before their components can be asked for.
  // vector_use: components are asked for inside loops over components.
  void prepare(const std::vector<Expr>& roots, bool vector_use) {
    std::vector<Expr> body;
    for (Expr n : reachable(roots)) body.push_back(n);
    std::unordered_map<const Node*, int> uses;
    std::unordered_set<const Node*> in_vector, in_contract;
    for (Expr root : roots) {
      ++uses[root.node()];
      if (vector_use) in_vector.insert(root.node());
    }
    for (Expr n : body) {
      for (const Node* arg : n->args) {
        ++uses[arg];
        const bool reads_vector = n->dim > 1 || n->operation->structure == Structure::across;
        if (reads_vector) in_vector.insert(arg);
        if (n->operation->structure == Structure::contract) in_contract.insert(arg);
      }
    }
    mark_loops(body);
    for (Expr n : body) {
      if (needs_variables(n, uses[n.node()], in_vector.count(n.node()) > 0, in_contract.count(n.node()) > 0)) emit(n);
    }
  }

  // Values computed once are kept under their names until the next tile.
  void forget() { held_.clear(); }

  // C expression of component k of n; may emit lines before it.
  std::string value(Expr n, const Component& k, Member m) {
    const Component component = n->dim == 1 ? Component::at(0) : k;
    if (const auto held = held_.find(n.node()); held != held_.end()) return held_value(n, held->second, component, m);
    if (plan_.is_packed(n) && !is_computed_here(n)) return packed_value(n, component, m);
    if (is_constant(n)) return "splat(" + constant_text(n->value) + ")";
    if (is(n, "Positions")) return "splat((real)(" + component.text + "))";
    switch (n->operation->structure) {
      case Structure::elementwise: return elementwise_value(n, component, m);
      case Structure::rearrange: return rearranged_value(n, component, m);
      case Structure::contract: return product_value(n, component, m);
      default: throw Error(ErrorKind::internal, std::string("no code for ") + n->operation->name);
    }
  }

  // Runs `body(component)` for all components: unrolled, or in loops split where a rearrangement changes its source.
  template <class Body>
  void for_components(Expr n, Body body) {
    if (unrolled(n->dim)) {
      for (std::int64_t k = 0; k < n->dim; ++k) body(Component::at(k));
      return;
    }
    std::set<std::int64_t> cuts{0, n->dim};
    add_cuts(n, 0, n->dim, 0, [this](Expr below) { return has_own_place(below); }, cuts);
    for (auto low = cuts.begin(), high = std::next(low); high != cuts.end(); low = high++) {
      if (*high == *low + 1) {
        body(Component::at(*low));
        continue;
      }
      const std::string k = "k" + str(next_name_++);
      out_.open("for (long ", k, " = ", *low, "; ", k, " < ", *high, "; ++", k, ")");
      body(Component{k, *low, *high});
      out_.close();
    }
  }

  template <class Body>
  void for_members(Role role, Body body) const {
    for (int a = 0; a < ((role & varies_row) ? rows_ : 1); ++a) {
      for (int b = 0; b < ((role & varies_column) ? columns_ : 1); ++b) body(Member{a, b});
    }
  }

  Text& out() { return out_; }

  // Derived values of the area being computed are formulas here, not packed data.
  void compute(Role role) { computed_role_ = role; }

 private:
  struct Held {
    std::string name;
    bool array;
  };

  std::vector<Expr> reachable(const std::vector<Expr>& roots) const {
    std::unordered_set<const Node*> seen;
    std::vector<Expr> todo(roots), found;
    while (!todo.empty()) {
      const Expr n = todo.back();
      todo.pop_back();
      if (has_own_place(n) || n->operation->structure == Structure::leaf) continue;
      if (!seen.insert(n.node()).second) continue;
      found.push_back(n);
      for (Expr arg : n->args) todo.push_back(arg);
    }
    std::sort(found.begin(), found.end(), OlderFirst());
    return found;
  }

  // Read from a variable or from packed data, not written into the consumer.
  bool has_own_place(Expr n) const { return held_.count(n.node()) || (plan_.is_packed(n) && !is_computed_here(n)); }

  bool is_computed_here(Expr n) const { return computed_role_ == plan_.role(n) && !is_leaf(n); }

  // Nodes whose components are asked for by the variable of a loop: they cannot live in named variables.
  void mark_loops(const std::vector<Expr>& body) {
    for (auto n = body.rbegin(); n != body.rend(); ++n) {
      bool looped = !unrolled((*n)->dim) || looped_.count(n->node());
      if ((*n)->operation->structure == Structure::contract) looped |= !unrolls(contraction_of(*n), (*n)->dim);
      if ((*n)->operation->structure == Structure::across) looped = false;  // its own argument decides
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

  bool needs_variables(Expr n, int uses, bool in_vector, bool in_contract) {
    const Structure structure = n->operation->structure;
    if (structure == Structure::across) return true;
    if (structure == Structure::contract) return !contraction_of(n).summed.empty() || in_contract || uses > 1;
    if (structure == Structure::rearrange) return in_contract && n->dim > 1 && looped_.count(n.node());
    const std::int64_t cost = lazy_cost(n);
    if (n->dim == 1) return in_vector || uses > 1 || cost > 200;
    if (in_contract) return true;
    return uses > 1 && cost > (unrolled(n->dim) ? 1 : 2);
  }

  // What writing n into a consumer costs there.
  std::int64_t lazy_cost(Expr n) const {
    std::int64_t cost = 0;
    for (Expr below : reachable({n})) cost += below->operation->cost;
    return cost;
  }

  std::string suffix(Role role, Member m) const {
    std::string s;
    if (role & varies_row) s += "_r" + str(m.row);
    if (role & varies_column) s += "_c" + str(m.column);
    return s;
  }

  std::int64_t variants(Role role) const {
    return ((role & varies_row) ? rows_ : 1) * static_cast<std::int64_t>((role & varies_column) ? columns_ : 1);
  }

  std::int64_t variant(Role role, Member m) const {
    const int b = (role & varies_column) ? m.column : 0, a = (role & varies_row) ? m.row : 0;
    return a * ((role & varies_column) ? columns_ : 1) + b;
  }

  std::string held_value(Expr n, const Held& held, const Component& k, Member m) const {
    const Role role = plan_.role(n);
    if (!held.array) return held.name + (n->dim > 1 ? "_" + k.text : "") + suffix(role, m);
    return held.name + "[(" + k.text + ") * " + str(variants(role)) + " + " + str(variant(role, m)) + "]";
  }

  std::string packed_value(Expr n, const Component& k, Member m) const {
    const Role role = plan_.role(n);
    const std::string place = k.shifted(plan_.area(role).offsets.at(n.node())).text;
    if (role == varies_row) return "ROW(" + place + ", " + str(m.row) + ")";
    if (role == varies_column) return "COLUMN(" + place + ", " + str(m.column) + ")";
    return "PARAMETER(" + place + ")";
  }

  static std::string constant_text(double value) {
    if (std::isnan(value)) return "(real)__builtin_nan(\"\")";
    if (std::isinf(value)) return value > 0 ? "(real)__builtin_inf()" : "-(real)__builtin_inf()";
    return "(real)" + number_text(value);
  }

  static bool atomic(const std::string& text) {
    return text.find(' ') == std::string::npos || text.compare(0, 4, "ROW(") == 0 || text.compare(0, 7, "COLUMN(") == 0;
  }

  // A variable for an expression that is written more than once.
  std::string named(const std::string& text) {
    if (atomic(text)) return text;
    const std::string name = "q" + str(next_name_++);
    out_.line("const V ", name, " = ", text, ";");
    return name;
  }

  std::string elementwise_value(Expr n, const Component& k, Member m) {
    const std::string_view code = n->operation->code;
    std::vector<std::string> args;
    for (std::size_t a = 0; a < n->args.size(); ++a) {
      std::string text = value(n.arg(a), k, m);
      const std::string place = "$" + str(static_cast<std::int64_t>(a));
      const std::size_t first = code.find(place);
      const bool repeated = first != std::string_view::npos && code.find(place, first + 1) != std::string_view::npos;
      if (repeated || text.size() > 400) text = named(text);
      args.push_back(std::move(text));
    }
    std::string pattern(code);
    if (const std::size_t p = pattern.find("$p"); p != std::string::npos) {
      const std::int64_t m0 = n->params[0];
      pattern.replace(p, 2, m0 < 0 ? "m" + str(-m0) : str(m0));
    }
    return substitute(pattern, args);
  }

  std::string rearranged_value(Expr n, const Component& k, Member m) {
    const Expr a = n.arg(0);
    if (is(n, "SumT")) return value(a, Component::at(0), m);
    if (is(n, "Extract")) return value(a, k.shifted(n->params[0]), m);
    if (is(n, "ExtractT")) {
      const Component inner = k.shifted(-n->params[0]);
      return inner.low >= 0 && inner.high <= a->dim ? value(a, inner, m) : "splat(0)";
    }
    return k.high <= a->dim ? value(a, k, m) : value(n.arg(1), k.shifted(-a->dim), m);  // Concat
  }

  // A contraction without summed axes: one product per component.
  std::string product_value(Expr n, const Component& k, Member m) {
    const Contraction c = contraction_of(n);
    const Component left = place_on(c.kept, &Axis::a, k), right = place_on(c.kept, &Axis::b, k);
    return "(" + value(n.arg(0), left, m) + " * " + value(n.arg(1), right, m) + ")";
  }

  void emit(Expr n) {
    const std::string name = prefix_ + str(static_cast<std::int64_t>(n->id));
    switch (n->operation->structure) {
      case Structure::across: gives_position(n) ? emit_place(n, name) : emit_total(n, name); return;
      case Structure::contract:
        if (!contraction_of(n).summed.empty()) return emit_contraction(n, name);
        break;
      default: break;
    }
    const Role role = plan_.role(n);
    const Held held = hold(n, name);
    for_components(n, [&](const Component& k) {
      for_members(role, [&](Member m) {
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
  static bool gives_position(Expr n) { return std::string_view(n->operation->code).find('$') == std::string_view::npos; }

  // Sum, Max, Min: the total so far and the next component make the next total.
  void emit_total(Expr n, const std::string& name) {
    const Expr a = n.arg(0);
    const Role role = plan_.role(n);
    const Held held{name, false};
    const bool add = is(n, "Sum");
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

  // ArgMax, ArgMin: the best component so far, NaN at first, and its position.
  void emit_place(Expr n, const std::string& name) {
    const Role role = plan_.role(n);
    for_members(role, [&](Member m) {
      const std::string end = suffix(role, m);
      out_.line("V ", name, end, " = splat((real)__builtin_nan(\"\")), best", name, end, " = ", name, end, ";");
    });
    for_components(n.arg(0), [&](const Component& k) {
      for_members(role, [&](Member m) {
        const std::string end = suffix(role, m), best = "best" + name + end, text = named(value(n.arg(0), k, m));
        const std::string wins = "w" + str(next_name_++);
        out_.line("const I ", wins, " = ~(", text, " ", n->operation->code, " ", best, ") & (", text, " == ", text, ");");
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
          const std::string left = value(n.arg(0), Component::at(a0 + a), m), right = value(n.arg(1), Component::at(b0 + b), m);
          const std::string target = held_value(n, held, Component::at(k), m);
          out_.line(s == 0 && !held.array ? "V " : "", target, s == 0 ? " = " : " += ", left, " * ", right, ";");
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
      out_.line(total, suffix(role, m), " += ", left, " * ", right, ";");
    });
    for (; open > outside; --open) out_.close();
    for_members(role, [&](Member m) {
      const bool scalar = n->dim == 1;
      if (!scalar) out_.line(held_value(n, held, Component{place, 0, 2}, m), " = ", total, suffix(role, m), ";");
    });
    for (; open > 0; --open) out_.close();
    if (n->dim == 1) held.name = total;
  }

  const Plan& plan_;
  Text& out_;
  Workspace& work_;
  const int rows_, columns_;
  const std::int64_t unroll_limit_;
  const std::string prefix_;
  std::unordered_map<const Node*, Held> held_;
  std::unordered_set<const Node*> looped_;
  int next_name_ = 0;
  Role computed_role_ = 255;
};

}  // namespace rkeops
