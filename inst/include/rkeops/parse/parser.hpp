// Formula text to expression: recursive descent over the grammar, from loosest to tightest binding
//   comparison  <  | (scalar product)  <  + -  <  * /  <  unary -  <  ** ^
// Every error carries the place in the text where it arose.
#pragma once

#include "../ir/operations.hpp"
#include "../ir/simplify.hpp"
#include "declarations.hpp"
#include "suggest.hpp"

namespace rkeops {
// Differentiation is the business of pass/: the parser is handed what it needs.
class Parser {
 public:
  Parser(Graph& graph, const std::string& formula, Arguments& arguments, Differentiation differentiation)
      : g_(graph),
        formula_(formula),
        arguments_(arguments),
        differentiation_(differentiation),
        tokens_(tokenize(formula)) {}

  Expr parse() {
    while (peek().kind == TokenKind::name && tokens_[next_ + 1].text == "=") {
      const std::string_view name = take().text;
      take();
      definitions_[name] = comparison();
      expect(";");
    }
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
  auto located(const Token& token, Make make) const {
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

  Expr binary(const Token& token, Op op, Expr a, Expr b) const {
    return located(token, [&] { return call(op, a, b); });
  }

  Expr comparison() {
    struct Row {
      const char* symbol;
      Op op;
      bool swapped;
    };
    constexpr Row rows[] = {{"<", Op::LessThan, false},    {"<=", Op::LessOrEqual, false}, {">", Op::LessThan, true},
                            {">=", Op::LessOrEqual, true}, {"==", Op::Equal, false},       {"!=", Op::NotEqual, false}};
    const auto at_comparison = [&] {
      return std::find_if(std::begin(rows), std::end(rows), [&](const Row& row) { return at(row.symbol); });
    };
    Expr left = scalar_product();
    const Row* row = at_comparison();
    if (row == std::end(rows)) return left;
    const Token token = take();
    const Expr right = scalar_product();
    const Expr result = row->swapped ? binary(token, row->op, right, left) : binary(token, row->op, left, right);
    if (at_comparison() == std::end(rows)) return result;
    fail(peek(), "comparisons cannot be chained", "Put parentheses around one of them.");
  }

  Expr scalar_product() {
    Expr left = additive();
    while (at("|")) {
      const Token token = take();
      left = binary(token, Op::Scalprod, left, additive());
    }
    return left;
  }

  Expr additive() {
    Expr left = multiplicative();
    while (at("+") || at("-")) {
      const Token token = take();
      left = binary(token, token.text == "+" ? Op::Add : Op::Subtract, left, multiplicative());
    }
    return left;
  }

  Expr multiplicative() {
    Expr left = factor();
    while (at("*") || at("/")) {
      const Token token = take();
      left = binary(token, token.text == "*" ? Op::Mult : Op::Divide, left, factor());
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
      if (exponent->value == 0.5) return call(Op::Sqrt, base);
      if (exponent->value == -0.5) return call(Op::Rsqrt, base);
      if (whole(exponent->value)) return g_.apply(Op::Pow, {base}, {static_cast<std::int64_t>(exponent->value)});
    }
    return call(Op::Powf, base, exponent);
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
      if (const auto found = definitions_.find(token.text); found != definitions_.end()) return found->second;
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

  struct Value {  // an argument of a call: an expression, a list of integers, or several expressions
    Token token;
    Expr expr;
    std::vector<std::int64_t> list;
    bool is_list = false;
    std::vector<Value> tuple = {};
  };

  std::vector<Value> call_arguments(bool tuples = false) {
    std::vector<Value> values;
    expect("(");
    if (accept(")")) return values;
    do {
      values.push_back(tuples && at_tuple() ? Value{peek(), {}, {}, false, call_arguments()} : call_argument());
    } while (accept(","));
    expect(")");
    return values;
  }

  // A parenthesis with a comma of its own.
  bool at_tuple() const {
    int depth = 0;
    for (std::size_t k = next_; at("(") && tokens_[k].kind != TokenKind::end; ++k) {
      const std::string_view text = tokens_[k].text;
      if (text == "(" || text == "[") ++depth;
      if ((text == ")" || text == "]") && --depth == 0) break;
      if (text == "," && depth == 1) return true;
    }
    return false;
  }

  Value call_argument() {
    Value value{peek(), {}, {}, false};
    if (peek().text == "None" && !arguments_.named("None")) {
      take();
      return value;
    }
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

  // None: an optional list that is not given.
  static bool is_none(const Value& value) { return value.token.text == "None" && !value.expr && !value.is_list; }

  // A single number is a list of one.
  std::vector<std::int64_t> list_of(const Value& value, const std::string& what) const {
    if (value.is_list) return value.list;
    if (!value.expr || !is_constant(value.expr) || !whole(value.expr->value)) {
      fail(value.token, what + " must be a list of whole numbers, as in [2,3]");
    }
    return {static_cast<std::int64_t>(value.expr->value)};
  }

  std::int64_t integer_of(const Value& value, const std::string& what) const {
    if (value.is_list || !value.expr || !is_constant(value.expr) || !whole(value.expr->value)) {
      fail(value.token, what + " must be a whole number");
    }
    return static_cast<std::int64_t>(value.expr->value);
  }

  Expr expression_of(const Value& value) const {
    if (value.is_list) fail(value.token, "expected a formula but found a list of integers");
    if (value.expr) return value.expr;
    fail(value.token, "expected a formula but found " + str(value.tuple.empty() ? "None" : "several"));
  }

  void require_count(const Token& name, const std::vector<Value>& values, std::size_t low, std::size_t high) const {
    if (values.size() >= low && values.size() <= high) return;
    std::string wanted = str(static_cast<std::int64_t>(low));
    if (low != high) wanted += (high == low + 1 ? " or " : " to ") + str(static_cast<std::int64_t>(high));
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
    for (const DifferentialOperator& row : differentiation_.operators) {
      if (name.text == row.name) return differential(name, row);
    }
    const Operation* operation = find_operation(name.text);
    if (!operation || !*operation->signature) {
      std::vector<std::string_view> known{"Grad"};
      for (const Operation& row : operations()) {
        if (*row.signature) known.push_back(row.name);
      }
      for (const DifferentialOperator& row : differentiation_.operators) known.push_back(row.name);
      fail(name, "unknown operation '" + str(name.text) + "'", did_you_mean(name.text, known));
    }
    return apply(name, *operation, call_arguments());
  }

  Expr apply(const Token& name, const Operation& operation, const std::vector<Value>& values) {
    std::string signature = operation.signature;
    const std::size_t least = std::min(signature.find('?'), signature.size());
    if (least < signature.size()) signature.erase(least, 1);
    require_count(name, values, least, signature.size());
    std::vector<Expr> args;
    std::vector<std::int64_t> params;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::string what = "argument " + str(static_cast<std::int64_t>(k + 1)) + " of " + str(name.text);
      if (signature[k] == 'x') {
        args.push_back(expression_of(values[k]));
      } else if (signature[k] == 'n') {
        params.push_back(integer_of(values[k], what));
      } else if (!(k >= least && is_none(values[k]))) {
        const std::vector<std::int64_t> list = list_of(values[k], what);
        params.push_back(static_cast<std::int64_t>(list.size()));
        params.insert(params.end(), list.begin(), list.end());
      }
    }
    const Expr result = located(name, [&] { return g_.apply(operation.op, args, params); });
    if (operation.op == Op::Var) located(name, [&] { return declare(result); });
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
      return declare(g_.apply(Op::Var, {}, {position, dim, static_cast<std::int64_t>(category)}));
    });
  }

  // Name_Reduction(F, [K, weight or G,] axis)
  Expr reduction(const Token& name, std::string_view kind) {
    const Reduction* row = find_reduction(kind);
    if (!row) {
      std::vector<std::string_view> known;
      for (const Reduction& r : reductions()) known.push_back(r.name);
      fail(name, "unknown reduction '" + str(kind) + "'", did_you_mean(kind, known));
    }
    const std::vector<Value> values = call_arguments();
    const bool maybe_weighted = kind == "LogSumExp";
    if (maybe_weighted && values.size() > 2) row = find_reduction("LogSumExpWeight");
    const bool two_formulas = row->weighted || row->both;
    const std::size_t count = two_formulas || row->ranked() ? 3 : 2;
    require_count(name, values, maybe_weighted ? 2 : count, maybe_weighted ? 3 : count);
    const std::int64_t axis = integer_of(values.back(), "axis");
    if (axis != 0 && axis != 1) {
      fail(values.back().token, "axis is " + str(axis) + ", 0 (reduce over i) or 1 (reduce over j) is needed");
    }
    const Category folded = axis == 0 ? Category::i : Category::j;
    std::vector<Expr> args{expression_of(values[0])};
    if (two_formulas) args.push_back(expression_of(values[1]));
    const std::int64_t k = row->ranked() ? integer_of(values[1], "K") : 0;
    return located(name, [&] { return reduce(*row, args, folded, other(folded), k); });
  }

  Expr variable_of(const Token& name, const Value& value) const {
    const Expr v = expression_of(value);
    if (is_variable(v)) return v;
    fail(value.token, str(name.text) + " differentiates with respect to a variable", "Give the name of an argument.");
  }

  // Name(F, v, ...); Diff(F, (v, w, ...), (u, t, ...)) is a sum.
  Expr differential(const Token& name, const DifferentialOperator& row) {
    const std::vector<Value> values = call_arguments(name.text == "Diff");
    require_count(name, values, row.least, row.most);
    const Expr f = expression_of(values[0]);
    if (values[1].tuple.empty()) {
      const Expr v = variable_of(name, values[1]);
      std::vector<Expr> rest;
      for (std::size_t k = 2; k < values.size(); ++k) rest.push_back(expression_of(values[k]));
      return located(name, [&] { return row.apply(f, v, rest); });
    }
    const std::vector<Value>&variables = values[1].tuple, &directions = values[2].tuple;
    if (directions.size() != variables.size()) fail(values[2].token, "every variable needs a direction");
    Expr total;
    for (std::size_t k = 0; k < variables.size(); ++k) {
      const Expr v = variable_of(name, variables[k]), u = expression_of(directions[k]);
      const Expr term = located(name, [&] { return row.apply(f, v, {u}); });
      total = total ? total + term : term;
    }
    return total;
  }

  // Grad(F, v [, e])
  Expr gradient(const Token& name) {
    const std::vector<Value> values = call_arguments();
    require_count(name, values, 2, 3);
    const Expr f = expression_of(values[0]), v = variable_of(name, values[1]);
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
      parser.located(parser.peek(), [] { require_stack(); });
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
  std::unordered_map<std::string_view, Expr> definitions_;
};

}  // namespace rkeops
