// C expressions for components of formula nodes, for the members of a tile of rows x columns.
//
// A node is read from where it is held (variables, packed data) or written out in place, as an expression of its
// arguments. What is held is decided in components.hpp.
#pragma once

#include "tile.hpp"

namespace rkeops {

inline std::string constant_text(double value) {
  if (std::isnan(value)) return "NAN_";
  if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
  return "(real)" + number_text(value);
}

class Values {
 public:
  Values(const Plan& plan, Text& out, int rows, int columns, std::int64_t unroll_limit)
      : plan_(plan), out_(out), rows_(rows), columns_(columns), unroll_limit_(unroll_limit) {}

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  Text& out() { return out_; }

  // Vectors up to the limit are unrolled, longer ones are loops.
  bool unrolled(std::int64_t dim) const { return dim <= unroll_limit_; }

  // Derived values of the area being computed are formulas here, not packed data.
  void compute(Role role) { computed_role_ = role; }

  // C expression of component k of n; may emit lines before it.
  std::string value(Expr n, const Component& k, Member m) {
    require_stack();
    const Component component = n->dim == 1 ? Component::at(0) : k;
    if (const auto held = held_.find(n.node()); held != held_.end()) return held_value(n, held->second, component, m);
    if (plan_.is_packed(n) && !is_computed_here(n)) return packed_value(n, component, m);
    if (is_constant(n)) return "splat(" + constant_text(n->value) + ")";
    if (is(n, Op::Positions)) return "splat((real)(" + component.text + "))";
    switch (n->operation->structure) {
      case Structure::elementwise:
        return elementwise_value(n, component, m);
      case Structure::movement:
        return rearranged_value(n, component, m);
      case Structure::contraction:
        return product_value(n, component, m);
      case Structure::gather:
        return gathered_value(n, component, m);
      default:
        throw Error(ErrorKind::internal, std::string("no code for ") + n->operation->name);
    }
  }

  // Runs `body(component)` for all components, or those of a block's window: unrolled, or in loops split where a rearrangement
  // changes its source.
  template <class Body>
  void for_components(Expr n, Body body, bool in_window = false) {
    if (!is(n, Op::Interleave) || unrolled(n->dim) || has_own_place(n)) return for_range(n, body, in_window ? "" : nullptr);
    for (std::int64_t part : {0, 1}) {
      const auto at_place = [&](const Component& k) {
        Component place = k.strided(part, 2);
        if (!place.known()) place = {place.text, part, part + 2, {k}};
        body(place);
      };
      for_range(n.arg(static_cast<std::size_t>(part)), at_place, in_window ? " / 2" : nullptr);
    }
  }

  // `window`: what is done to the ends of the window to get components of n; null: all components.
  template <class Body>
  void for_range(Expr n, Body body, const char* window) {
    if (unrolled(n->dim)) {
      for (std::int64_t k = 0; k < n->dim; ++k) body(Component::at(k));
      return;
    }
    std::set<std::int64_t> cuts{0, n->dim};
    add_cuts(
        n, 0, n->dim, 0, [this](Expr below) { return has_own_place(below); }, cuts);
    for (auto low = cuts.begin(), high = std::next(low); high != cuts.end(); low = high++) {
      const std::string end = window ? window : "", from = "window_from" + end, to = "window_to" + end;
      if (*high == *low + 1) {
        if (window) out_.open("if (", from, " <= ", *low, " && ", *low, " < ", to, ")");
        body(Component::at(*low));
        if (window) out_.close();
        continue;
      }
      const std::string k = "k" + str(next_name_++), low_text = str(*low), high_text = str(*high);
      if (window) {
        out_.open("for (long ", k, " = larger_of(", low_text, ", ", from, "), end = smaller_of(", high_text, ", ", to, "); ", k,
                  " < end; ++", k, ")");
      } else {
        out_.open("for (long ", k, " = ", low_text, "; ", k, " < ", high_text, "; ++", k, ")");
      }
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

 protected:
  struct Held {
    std::string name;
    bool array;
  };

  // Read from a variable or from packed data, not written into the consumer.
  bool has_own_place(Expr n) const { return held_.count(n.node()) || (plan_.is_packed(n) && !is_computed_here(n)); }
  bool is_computed_here(Expr n) const { return computed_role_ == plan_.role(n) && !is_leaf(n); }

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
    if (is(n, Op::SumT)) return value(a, Component::at(0), m);
    if (is(n, Op::Extract)) return value(a, k.shifted(n->params[0]), m);
    if (is(n, Op::ExtractT)) {
      const Component inner = k.shifted(-n->params[0]);
      return inner.low >= 0 && inner.high <= a->dim ? value(a, inner, m) : "splat(0)";
    }
    if (is(n, Op::Strided)) return value(a, k.strided(n->params[0], n->params[1]), m);
    if (is(n, Op::Interleave)) {
      return value(n.arg(static_cast<std::size_t>(k.low % 2)), k.known() ? Component::at(k.low / 2) : k.of_part[0], m);
    }
    return k.high <= a->dim ? value(a, k, m) : value(n.arg(1), k.shifted(-a->dim), m);  // Concat
  }

  // Read from the packed parameter, at a position of each lane's own.
  std::string gathered_value(Expr n, const Component& k, Member m) {
    const Expr table = n.arg(0);
    std::string text = "parameter + " + str(plan_.area(0).offsets.at(table.node()));
    if (k.text != "0") text += " + " + k.text;
    text += ", " + str(n->params[0]) + ", " + str(n->params[1]);
    for (std::size_t a = 1; a < n->args.size(); ++a) text += ", " + value(n.arg(a), Component::at(0), m);
    return (n->args.size() == 2 ? "v_gather_row(" : "v_gather_entry(") + text + ")";
  }

  // A contraction without summed axes: one product per component.
  std::string product_value(Expr n, const Component& k, Member m) {
    const Contraction c = contraction_of(n);
    const Component left = place_on(c.kept, &Axis::a, k), right = place_on(c.kept, &Axis::b, k);
    const std::string a = value(n.arg(0), left, m);
    return "(" + product_text(n, a, value(n.arg(1), right, m)) + ")";
  }

  // One term of a contraction.
  std::string product_text(Expr n, std::string left, const std::string& right) {
    if (is(n, Op::Contract)) return left + " * " + right;
    left = named(left);
    return "select(" + left + " == splat(0), splat(0), " + left + " * " + right + ")";
  }

  const Plan& plan_;
  Text& out_;
  const int rows_, columns_;
  const std::int64_t unroll_limit_;
  std::unordered_map<const Node*, Held> held_;
  int next_name_ = 0;

 private:
  Role computed_role_ = 255;
};

}  // namespace rkeops
