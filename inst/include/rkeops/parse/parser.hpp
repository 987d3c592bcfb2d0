// Formula text to expression: recursive descent over the grammar, from loosest to tightest binding
//   comparison  <  | (scalar product)  <  + -  <  * /  <  unary -  <  ** ^
// Every error carries the place in the text where it arose.
#pragma once

#include "../ir/operations.hpp"
#include "../ir/simplify.hpp"
#include "declarations.hpp"
#include "suggest.hpp"

namespace rkeops {

// Differentiation is the business of pass/; the parser is handed the two functions it needs.
struct Differentiation {
  Expr (*gradient)(Expr f, Expr variable, Expr adjoint, bool written);
  Category (*adjoint_category)(Expr f, Expr variable);  // where the adjoint is left out
};

class Parser {
 public:
  Parser(Graph& graph, const std::string& formula, Arguments& arguments, Differentiation differentiation)
      : g_(graph),
        formula_(formula),
        arguments_(arguments),
        differentiation_(differentiation),
        tokens_(tokenize(formula)) {}

  Expr parse() {
    const Expr result = comparison();
    if (peek().kind != TokenKind::end) fail(peek(), "unexpected '" + str(peek().text) + "'");
    return result;
  }

 private:
  const Token& peek() const { return tokens_[next_]; }
  bool at(std::string_view symbol) const { return peek().kind == TokenKind::symbol && peek().text == symbol; }
  const Token& take() { return tokens_[next_ < tokens_.size() - 1 ? next_++ : next_]; }
  bool accept(std::string_view symbol) { return at(symbol) && (take(), true); }

  [[noreturn]] void fail(const Token& token, const std::string& message, std::string hint = {}) const {
    parse_error(formula_, token.position, message, std::move(hint));
  }

  void expect(std::string_view symbol) {
    if (accept(symbol)) return;
    const std::string got = peek().kind == TokenKind::end ? "end of formula" : "'" + str(peek().text) + "'";
    fail(peek(), "expected '" + str(symbol) + "' but found " + got);
  }

  // Runs `make`; errors of the layers below get the place of `token`.
  template <class Make>
  Expr located(const Token& token, Make make) const {
    try {
      return make();
    } catch (Error& error) {
      if (error.position < 0) {
        error.formula = formula_;
        error.position = token.position;
      }
      throw;
    }
  }

  Expr binary(const Token& token, const char* name, Expr a, Expr b) const {
    return located(token, [&] { return call(name, a, b); });
  }

  Expr comparison() {
    Expr left = scalar_product();
    const Token token = peek();
    const auto right = [&] { return take(), scalar_product(); };
    Expr result = left;
    if (at("<"))
      result = binary(token, "LessThan", left, right());
    else if (at("<="))
      result = binary(token, "LessOrEqual", left, right());
    else if (at(">")) {
      const Expr r = right();
      result = binary(token, "LessThan", r, left);
    } else if (at(">=")) {
      const Expr r = right();
      result = binary(token, "LessOrEqual", r, left);
    } else if (at("=="))
      result = binary(token, "Equal", left, right());
    else if (at("!="))
      result = binary(token, "NotEqual", left, right());
    if (at("<") || at("<=") || at(">") || at(">=") || at("==") || at("!=")) {
      fail(peek(), "comparisons cannot be chained", "Put parentheses around one of them.");
    }
    return result;
  }

  Expr scalar_product() {
    Expr left = additive();
    while (at("|")) {
      const Token token = take();
      left = binary(token, "Scalprod", left, additive());
    }
    return left;
  }

  Expr additive() {
    Expr left = multiplicative();
    while (at("+") || at("-")) {
      const Token token = take();
      left = binary(token, token.text == "+" ? "Add" : "Subtract", left, multiplicative());
    }
    return left;
  }

  Expr multiplicative() {
    Expr left = factor();
    while (at("*") || at("/")) {
      const Token token = take();
      left = binary(token, token.text == "*" ? "Mult" : "Divide", left, factor());
    }
    return left;
  }

  Expr factor() {
    const Nesting guard(*this);
    if (accept("-")) {
      const Expr a = factor();
      return is_constant(a) ? g_.constant(-a->value, a->dim) : -a;
    }
    if (accept("+")) return factor();
    return power();
  }

  Expr power() {
    const Expr base = atom();
    if (!at("**") && !at("^")) return base;
    const Token token = take();
    const Expr exponent = factor();
    return located(token, [&] { return raise(base, exponent); });
  }

  Expr raise(Expr base, Expr exponent) const {
    if (is_constant(exponent) && exponent->dim == 1) {
      if (exponent->value == 0.5) return call("Sqrt", base);
      if (exponent->value == -0.5) return call("Rsqrt", base);
      if (whole(exponent->value)) return g_.apply("Pow", {base}, {static_cast<std::int64_t>(exponent->value)});
    }
    return call("Powf", base, exponent);
  }

  static bool whole(double value) { return value == std::floor(value) && std::fabs(value) < 1e9; }

  Expr atom() {
    const Token token = take();
    if (token.kind == TokenKind::number) return g_.constant(token.number);
    if (token.kind == TokenKind::symbol && token.text == "(") {
      const Expr inner = comparison();
      expect(")");
      return inner;
    }
    if (token.kind == TokenKind::name) {
      if (at("(")) return invocation(token);
      if (const Argument* argument = arguments_.named(token.text)) {
        return g_.variable(argument->position, argument->dim, argument->category);
      }
      const std::string similar = did_you_mean(token.text, arguments_.names());
      fail(token, "unknown variable '" + str(token.text) + "'",
           similar.empty() ? "Every variable must be declared in `args`." : similar);
    }
    fail(token, token.kind == TokenKind::end ? "the formula ends too early" : "unexpected '" + str(token.text) + "'");
  }

  // ---- calls

  struct Value {  // an argument of a call: an expression or a list of integers
    Token token;
    Expr expr;
    std::vector<std::int64_t> list;
    bool is_list = false;
  };

  std::vector<Value> call_arguments() {
    std::vector<Value> values;
    expect("(");
    if (accept(")")) return values;
    do {
      values.push_back(call_argument());
    } while (accept(","));
    expect(")");
    return values;
  }

  Value call_argument() {
    Value value{peek(), {}, {}, false};
    const bool ind = peek().text == "Ind" && tokens_[next_ + 1].text == "(";
    if (ind) take();
    if (!ind && !at("[")) {
      value.expr = comparison();
      return value;
    }
    value.is_list = true;
    const std::string_view closing = take().text == "[" ? "]" : ")";
    while (!at(closing)) {
      const Token token = peek();
      value.list.push_back(integer_of({token, factor(), {}, false}, "list element"));
      if (!accept(",")) break;
    }
    expect(closing);
    return value;
  }

  std::int64_t integer_of(const Value& value, const std::string& what) const {
    if (value.is_list || !is_constant(value.expr) || !whole(value.expr->value)) {
      fail(value.token, what + " must be a whole number");
    }
    return static_cast<std::int64_t>(value.expr->value);
  }

  Expr expression_of(const Value& value) const {
    if (value.is_list) fail(value.token, "expected a formula but found a list of integers");
    return value.expr;
  }

  void require_count(const Token& name, const std::vector<Value>& values, std::size_t low, std::size_t high) const {
    if (values.size() >= low && values.size() <= high) return;
    const std::string wanted =
        low == high ? str(static_cast<std::int64_t>(low))
                    : str(static_cast<std::int64_t>(low)) + " to " + str(static_cast<std::int64_t>(high));
    fail(name, str(name.text) + " takes " + wanted + " argument" + (high == 1 ? "" : "s") + ", got " +
                   str(static_cast<std::int64_t>(values.size())));
  }

  Expr invocation(const Token& name) {
    const Nesting guard(*this);
    Category category;
    if (category_named(name.text, category)) return inline_variable(name, category);
    constexpr std::string_view suffix = "_Reduction";
    if (name.text.size() > suffix.size() && name.text.substr(name.text.size() - suffix.size()) == suffix) {
      return reduction(name, name.text.substr(0, name.text.size() - suffix.size()));
    }
    if (name.text == "Grad") return gradient(name);
    const Operation* operation = find_operation(name.text);
    if (!operation || !*operation->signature) refuse(name);
    return apply(name, *operation, call_arguments());
  }

  [[noreturn]] void refuse(const Token& name) const {
    for (std::string_view planned : planned_operations()) {
      if (planned != name.text) continue;
      Error error(ErrorKind::unsupported, "operation '" + str(name.text) + "' is not available in this version");
      error.formula = formula_;
      error.position = name.position;
      throw error;
    }
    std::vector<std::string_view> known;
    for (const Operation& row : operations()) known.push_back(row.name);
    fail(name, "unknown operation '" + str(name.text) + "'", did_you_mean(name.text, known));
  }

  Expr apply(const Token& name, const Operation& operation, const std::vector<Value>& values) {
    const std::string_view signature = operation.signature;
    require_count(name, values, signature.size(), signature.size());
    std::vector<Expr> args;
    std::vector<std::int64_t> params;
    for (std::size_t k = 0; k < signature.size(); ++k) {
      if (signature[k] == 'x') {
        args.push_back(expression_of(values[k]));
      } else {
        params.push_back(
            integer_of(values[k], "argument " + str(static_cast<std::int64_t>(k + 1)) + " of " + str(name.text)));
      }
    }
    const Expr result = located(name, [&] { return g_.apply(operation, args, params); });
    if (name.text == "Var") located(name, [&] { return declare(result); });
    return result;
  }

  Expr declare(Expr variable) {
    arguments_.add({"", category_of(variable), variable->dim, position_of(variable)});
    return variable;
  }

  Expr inline_variable(const Token& name, Category category) {
    const std::vector<Value> values = call_arguments();
    require_count(name, values, 2, 2);
    const std::int64_t position = integer_of(values[0], "position"), dim = integer_of(values[1], "dimension");
    return located(name, [&] {
      return declare(g_.apply("Var", {}, {position, dim, static_cast<std::int64_t>(category)}));
    });
  }

  // Name_Reduction(F, [K or weight,] axis)
  Expr reduction(const Token& name, std::string_view kind) {
    const Reduction* row = find_reduction(kind);
    if (!row) {
      std::vector<std::string_view> known;
      for (const Reduction& r : reductions()) known.push_back(r.name);
      fail(name, "unknown reduction '" + str(kind) + "'", did_you_mean(kind, known));
    }
    const std::vector<Value> values = call_arguments();
    const bool three = row->weighted || row->family == Family::nearest;
    require_count(name, values, three ? 3 : 2, three ? 3 : 2);
    const std::int64_t axis = integer_of(values.back(), "axis");
    if (axis != 0 && axis != 1) {
      fail(values.back().token, "axis is " + str(axis) + ", 0 (reduce over i) or 1 (reduce over j) is needed");
    }
    const Category folded = axis == 0 ? Category::i : Category::j;
    std::vector<Expr> args{expression_of(values[0])};
    if (row->weighted) args.push_back(expression_of(values[1]));
    const std::int64_t k = row->family == Family::nearest ? integer_of(values[1], "K") : 0;
    return located(name, [&] { return reduce(*row, args, folded, other(folded), k); });
  }

  // Grad(F, v [, e])
  Expr gradient(const Token& name) {
    const std::vector<Value> values = call_arguments();
    require_count(name, values, 2, 3);
    const Expr f = expression_of(values[0]), v = expression_of(values[1]);
    if (!is_variable(v)) {
      fail(values[1].token, "Grad differentiates with respect to a variable", "Give the name of an argument.");
    }
    return located(name, [&] {
      Expr adjoint;
      if (values.size() == 3) {
        adjoint = expression_of(values[2]);
      } else {
        const Argument extra = arguments_.append(differentiation_.adjoint_category(f, v), f->dim);
        adjoint = g_.variable(extra.position, extra.dim, extra.category);
      }
      const bool written = is_reduction(f) && values[0].token.text != "Grad";
      return differentiation_.gradient(f, v, adjoint, written);
    });
  }

  // Bounds recursion, so that no text can exhaust the stack.
  struct Nesting {
    explicit Nesting(Parser& parser) : parser(parser) {
      if (++parser.depth_ > 1600) parser.fail(parser.peek(), "the formula is nested too deeply");
    }
    ~Nesting() { --parser.depth_; }
    Parser& parser;
  };

  Graph& g_;
  const std::string& formula_;
  Arguments& arguments_;
  Differentiation differentiation_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
};

}  // namespace rkeops
