// C expressions for components of values, for the members of a tile of rows x columns.
//
// A value is read from where it is kept (variables, packed data) or written out in place, as an expression of its arguments.
// What is materialized in variables is decided in components.hpp.
#pragma once

#include "functions.hpp"
#include "tile.hpp"

namespace rkeops {

class Values {
 public:
  Values(Text& out, Functions& functions, int rows, int columns, std::int64_t unroll_limit, Variance computed)
      : out_(out),
        functions_(functions),
        rows_(rows),
        columns_(columns),
        unroll_limit_(unroll_limit),
        computed_(computed) {}

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  Text& out() { return out_; }
  Functions& functions() { return functions_; }

  // Vectors up to the limit are unrolled, longer ones are loops.
  bool unrolled(std::int64_t dim) const { return dim <= unroll_limit_; }

  // C expression of component k of v; may emit lines before it.
  std::string value(Value v, const Component& k, Member m) {
    require_stack();
    const Component component = v->dim == 1 ? Component::at(0) : k;
    if (const auto found = materialized_.find(v.get()); found != materialized_.end()) {
      return variable(v, found->second, component, m);
    }
    if (v->is_there(computed_)) return packed_value(v, component, m);
    if (is(v, Op::Constant)) return "splat(" + functions_.constant(v->value) + ")";
    if (is(v, Op::Positions)) return "splat((real)(" + component.text + "))";
    switch (v->operation->structure) {
      case Structure::elementwise:
        return elementwise_value(v, component, m);
      case Structure::movement:
        return moved_value(v, component, m);
      case Structure::contraction:
        return product_value(v, component, m);
      case Structure::gather:
        return gathered_value(v, component, m);
      default:
        throw Error(ErrorKind::internal, std::string("no code for ") + v->operation->name);
    }
  }

  // Runs `body(component)` for all components, or those of a block's window: unrolled, or in loops split where a rearrangement
  // changes its source.
  template <class Body>
  void for_components(Value v, Body body, bool in_window = false) {
    if (!is(v, Op::Interleave) || unrolled(v->dim) || has_own_place(v)) return for_range(v, body, in_window ? "" : nullptr);
    for (std::int64_t part : {0, 1}) {
      const auto at_place = [&](const Component& k) {
        Component place = k.strided(part, 2);
        if (!place.known()) place = {place.text, part, part + 2, {k}};
        body(place);
      };
      for_range(v.arg(static_cast<std::size_t>(part)), at_place, in_window ? " / 2" : nullptr);
    }
  }

  // `window`: what is done to the ends of the window to get components of v; null: all components.
  template <class Body>
  void for_range(Value v, Body body, const char* window) {
    if (unrolled(v->dim)) {
      for (std::int64_t k = 0; k < v->dim; ++k) body(Component::at(k));
      return;
    }
    std::set<std::int64_t> cuts{0, v->dim};
    add_cuts(
        v, 0, v->dim, 0, [this](Value below) { return has_own_place(below); }, cuts);
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
        out_.open("for (int64 ", k, " = larger_of(", low_text, ", ", from, "), end = smaller_of(", high_text, ", ", to, "); ", k,
                  " < end; ++", k, ")");
      } else {
        out_.open("for (int64 ", k, " = ", low_text, "; ", k, " < ", high_text, "; ++", k, ")");
      }
      body(Component{k, *low, *high});
      out_.close();
    }
  }

  template <class Body>
  void for_members(Variance variance, Body body) const {
    for (int a = 0; a < ((variance & varies_row) ? rows_ : 1); ++a) {
      for (int b = 0; b < ((variance & varies_column) ? columns_ : 1); ++b) body(Member{a, b});
    }
  }

 protected:
  // A value that is kept: in a variable for each component and member, or in an array.
  struct Materialized {
    std::string name;
    bool array;
  };

  // Read from a variable or from packed data, not written into its user.
  bool has_own_place(Value v) const { return materialized_.count(v.get()) || v->is_there(computed_); }

  std::string suffix(Variance variance, Member m) const {
    std::string s;
    if (variance & varies_row) s += "_r" + str(m.row);
    if (variance & varies_column) s += "_c" + str(m.column);
    return s;
  }

  std::int64_t variants(Variance variance) const {
    return ((variance & varies_row) ? rows_ : 1) * static_cast<std::int64_t>((variance & varies_column) ? columns_ : 1);
  }

  std::int64_t variant(Variance variance, Member m) const {
    const int b = (variance & varies_column) ? m.column : 0, a = (variance & varies_row) ? m.row : 0;
    return a * ((variance & varies_column) ? columns_ : 1) + b;
  }

  std::string variable(Value v, const Materialized& kept, const Component& k, Member m) const {
    if (!kept.array) return kept.name + (v->dim > 1 ? "_" + k.text : "") + suffix(v->variance, m);
    return kept.name + "[(" + k.text + ") * " + str(variants(v->variance)) + " + " + str(variant(v->variance, m)) + "]";
  }

  std::string packed_value(Value v, const Component& k, Member m) const {
    const std::string place = k.shifted(v->offset).text;
    if (v->variance == varies_row) return "ROW(" + place + ", " + str(m.row) + ")";
    if (v->variance == varies_column) return "COLUMN(" + place + ", " + str(m.column) + ")";
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

  std::string elementwise_value(Value v, const Component& k, Member m) {
    if (is(v, Op::Exp) && has(v.arg(0)->facts, fact_nonpositive)) return decay_value(v.arg(0), k, m);
    const std::string_view code = v->operation->code;
    std::vector<std::string> args;
    for (std::size_t a = 0; a < v->args.size(); ++a) {
      std::string text = value(v.arg(a), k, m);
      const std::string place = "$" + str(static_cast<std::int64_t>(a));
      const std::size_t first = code.find(place);
      const bool repeated = first != std::string_view::npos && code.find(place, first + 1) != std::string_view::npos;
      if (repeated || text.size() > 400) text = named(text);
      args.push_back(std::move(text));
    }
    if (is(v, Op::Pow)) return functions_.power(v->params[0]) + "(" + args[0] + ")";  // a function of its own for each power
    functions_.call_all(code);
    if (!v->params.empty()) args.push_back(str(v->params[0]));
    return substitute(code, args);
  }

  // exp(x), x <= 0: fewer operations than for any x.
  std::string decay_value(Value x, const Component& k, Member m) {
    functions_.call("v_exp_minus");
    const bool negated = is(x, Op::Minus) && !has_own_place(x);
    return "v_exp_minus(" + (negated ? value(x.arg(0), k, m) : "-" + value(x, k, m)) + ")";
  }

  std::string moved_value(Value v, const Component& k, Member m) {
    const Value a = v.arg(0);
    if (is(v, Op::SumT)) return value(a, Component::at(0), m);
    if (is(v, Op::Extract)) return value(a, k.shifted(v->params[0]), m);
    if (is(v, Op::ExtractT)) {
      const Component inner = k.shifted(-v->params[0]);
      return inner.low >= 0 && inner.high <= a->dim ? value(a, inner, m) : "splat(0)";
    }
    if (is(v, Op::Strided)) return value(a, k.strided(v->params[0], v->params[1]), m);
    if (is(v, Op::Interleave)) {
      return value(v.arg(static_cast<std::size_t>(k.low % 2)), k.known() ? Component::at(k.low / 2) : k.of_part[0], m);
    }
    return k.high <= a->dim ? value(a, k, m) : value(v.arg(1), k.shifted(-a->dim), m);  // Concat
  }

  // Read from the packed parameter, at a position of each lane's own.
  std::string gathered_value(Value v, const Component& k, Member m) {
    std::string text = "parameter + " + str(v.arg(0)->offset);
    if (k.text != "0") text += " + " + k.text;
    text += ", " + str(v->params[0]) + ", " + str(v->params[1]);
    for (std::size_t a = 1; a < v->args.size(); ++a) text += ", " + value(v.arg(a), Component::at(0), m);
    const std::string function = v->args.size() == 2 ? "v_gather_row" : "v_gather_entry";
    functions_.call(function);
    return function + "(" + text + ")";
  }

  // A contraction without summed axes: one product per component.
  std::string product_value(Value v, const Component& k, Member m) {
    const Contraction& c = v->contraction;
    const Component left = place_on(c.kept, &Axis::a, k), right = place_on(c.kept, &Axis::b, k);
    const std::string a = value(v.arg(0), left, m);
    return "(" + product_text(v, a, value(v.arg(1), right, m)) + ")";
  }

  // One term of a contraction.
  std::string product_text(Value v, std::string left, const std::string& right) {
    if (is(v, Op::Contract)) return left + " * " + right;
    left = named(left);
    return "select(" + left + " == splat(0), splat(0), " + left + " * " + right + ")";
  }

  Text& out_;
  Functions& functions_;
  const int rows_, columns_;
  const std::int64_t unroll_limit_;
  const Variance computed_;
  std::unordered_map<const Instruction*, Materialized> materialized_;
  int next_name_ = 0;
};

}  // namespace rkeops
