// Formula text to expression. The grammar, from loosest to tightest binding:
//   text: definitions (name = formula) and formulas, with ; between
//   comparison  <  | (scalar product)  <  + -  <  * /  <  unary -  <  ** ^
// Brackets that are open lie in a list, not on the stack: formulas may be nested as deeply as memory goes. Every error carries
// the place in the text where it arose.
#pragma once

#include "names.hpp"

namespace rkeops {

class Parser {
 public:
  // Differentiation is the business of pass/: the parser is handed what it needs.
  Parser(Graph& graph, const std::string& formula, Arguments& arguments, Differentiation differentiation)
      : g_(graph), names_(graph, formula, arguments, differentiation), tokens_(tokenize(formula)) {}

  // Of a text with one formula.
  Expr parse() {
    const std::vector<Expr> formulas = parse_all();
    if (formulas.size() == 1) return formulas[0];
    names_.fail(second_, "one formula is expected here, not " + str(static_cast<std::int64_t>(formulas.size())));
  }

  // The formulas of a text. A definition is visible in what comes after it.
  std::vector<Expr> parse_all() {
    std::vector<Expr> formulas;
    bool defines = false;
    Token first = {};
    do {
      first = peek();
      const std::string_view behind = first.kind == TokenKind::name ? tokens_[next_ + 1].text : "";
      if (formulas.size() == 1) second_ = first;
      defines = behind == "=";
      if (defines) {
        define();
        continue;
      }
      if (behind == "==" || behind == "<") names_.require_known(first, " Definitions are written as name = formula.");
      formulas.push_back(formula());
      names_of_formulas_.emplace_back(tokens_[next_ - 1].position == first.position ? first.text : "");
    } while (accept(";") && peek().kind != TokenKind::end);
    if (peek().kind != TokenKind::end) {
      const bool begins = peek().kind == TokenKind::name || peek().kind == TokenKind::number;
      names_.fail(peek(), "unexpected '" + str(peek().text) + "'",
                  begins ? "Put ; between definitions and formulas." : equals_hint());
    }
    if (defines) names_.fail_undone(peek(), first, formulas.empty());
    return formulas;
  }

  // Of each formula, if it is nothing but a name: that, else "".
  const std::vector<std::string>& names_of_formulas() const { return names_of_formulas_; }

 private:
  const Token& peek() const { return tokens_[next_]; }
  bool at(std::string_view symbol) const { return peek().kind == TokenKind::symbol && peek().text == symbol; }
  const Token& take() { return tokens_[next_ < tokens_.size() - 1 ? next_++ : next_]; }
  bool accept(std::string_view symbol) { return at(symbol) && (take(), true); }

  void expect(std::string_view symbol) {
    if (accept(symbol)) return;
    const std::string got = peek().kind == TokenKind::end ? "end of formula" : "'" + str(peek().text) + "'";
    names_.fail(peek(), "expected '" + str(symbol) + "' but found " + got, equals_hint());
  }

  std::string equals_hint() const {
    return at("=") ? "Definitions, name = formula, stand before what they are for, with ; between them; == compares." : "";
  }

  void define() {
    const Token name = take();
    names_.require_undefined(name);
    take();
    const Token first = peek();
    names_.define(name, first, formula());
  }

  struct Operator {
    std::string_view symbol;
    int strength;
    Op op;
    bool swapped;
  };
  static constexpr int comparison = 1, sign = 5, power = 6;

  // The operator between two operands that comes next, or null.
  const Operator* next_operator() const {
    static constexpr Operator rows[] = {
        {"<", comparison, Op::LessThan, false},    {"<=", comparison, Op::LessOrEqual, false},
        {">", comparison, Op::LessThan, true},     {">=", comparison, Op::LessOrEqual, true},
        {"==", comparison, Op::Equal, false},      {"!=", comparison, Op::NotEqual, false},
        {"|", 2, Op::Scalprod, false},             {"+", 3, Op::Add, false},
        {"-", 3, Op::Subtract, false},             {"*", 4, Op::Mult, false},
        {"/", 4, Op::Divide, false},               {"**", power, Op::Powf, false},
        {"^", power, Op::Powf, false}};
    if (peek().kind != TokenKind::symbol) return nullptr;
    const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const Operator& r) { return at(r.symbol); });
    return row == std::end(rows) ? nullptr : row;
  }

  // An operator that waits for its right operand; the sign - has no left one.
  struct Pending {
    Token token;
    int strength;
    Op op;
    bool swapped;
    Expr left;
  };

  // A formula that has begun: the whole, or what is in a bracket that is open.
  struct Open {
    enum class Kind : std::uint8_t { whole, group, call, tuple, list } kind;
    Token token;  // of a call its name, else where it begins
    Callee callee = {};
    std::string_view closing = ")";
    std::vector<Pending> pending = {};
    CallArguments values = {};  // those of a call that are complete
    std::vector<std::int64_t> list = {};
    Token value = {};    // where the present one begins
  };

  // What is read next: an argument of a call, an operand, or what is behind them.
  enum class State : std::uint8_t { value, operand, after_operand, after_value };

  Expr formula() {
    using Kind = typename Open::Kind;
    std::vector<Open> open{{Kind::whole, peek()}};
    State state = State::operand;
    open.back().value = peek();
    Expr operand;
    while (true) {
      Open& in = open.back();
      switch (state) {
        case State::value:  // the next argument of a call
          in.value = peek();
          state = State::operand;
          if (peek().text == "None" && !names_.is_argument("None")) {
            in.values.push_back({take(), {}});
            state = State::after_value;
          } else if (at("[") || (peek().text == "Ind" && tokens_[next_ + 1].text == "(")) {
            const bool ind = take().text == "Ind" && accept("(");
            open.push_back({Kind::list, in.value, {}, ind ? ")" : "]"});
            open.back().value = peek();
            if (accept(open.back().closing)) state = close_list(open);
          } else if (in.kind == Kind::call && in.token.text == "Diff" && at_tuple()) {
            open.push_back({Kind::tuple, take()});
            state = State::value;
          }
          break;
        case State::operand: {
          const Token token = take();
          if (token.kind == TokenKind::number) {
            operand = g_.constant(token.number);
            state = State::after_operand;
          } else if (token.kind == TokenKind::name && at("(")) {
            open.push_back({Kind::call, token, names_.callee_of(token)});
            take();
            state = at(")") ? State::after_value : State::value;
          } else if (token.kind == TokenKind::name) {
            if (at("=")) names_.require_known(token, " " + equals_hint());
            operand = names_.named(token);
            state = State::after_operand;
          } else if (token.kind == TokenKind::symbol && token.text == "(") {
            open.push_back({Kind::group, token});
          } else if (token.kind == TokenKind::symbol && token.text == "-") {
            in.pending.push_back({token, sign, Op::Minus, false, {}});
          } else if (token.kind != TokenKind::symbol || token.text != "+") {
            const bool ends = token.kind == TokenKind::end;
            names_.fail(token, ends ? "the formula ends too early" : "unexpected '" + str(token.text) + "'");
          }
          break;
        }
        case State::after_operand:
          if (const Operator* next = next_operator()) {
            const bool chained = next->strength == comparison && !in.pending.empty() && in.pending[0].strength == comparison;
            operand = applied(in, operand, next->strength + (next->strength == power));
            if (chained) names_.fail(peek(), "comparisons cannot be chained", "Put parentheses around one of them.");
            in.pending.push_back({take(), next->strength, next->op, next->swapped, operand});
            state = State::operand;
            break;
          }
          operand = applied(in, operand, 0);
          if (in.kind == Kind::whole) return operand;
          if (in.kind == Kind::group) {
            expect(")");
            open.pop_back();
          } else if (in.kind == Kind::list) {
            in.list.push_back(names_.integer_of({in.value, operand}, "list element"));
            const bool more = accept(",") && !at(in.closing);
            in.value = peek();
            state = State::operand;
            if (!more) {
              expect(in.closing);
              state = close_list(open);
            }
          } else {
            in.values.push_back({in.value, operand});
            state = State::after_value;
          }
          break;
        case State::after_value:
          if (accept(",")) {
            state = State::value;
            break;
          }
          expect(")");
          if (in.kind == Kind::call) {
            operand = in.callee(in.values);
            open.pop_back();
            state = State::after_operand;
          } else {
            CallArgument tuple{in.token, {}, {}, false, std::move(in.values)};
            open.pop_back();
            open.back().values.push_back(std::move(tuple));
          }
          break;
      }
    }
  }

  // The operand with the operators before it that bind at least as strongly.
  Expr applied(Open& in, Expr operand, int strength) const {
    for (; !in.pending.empty() && in.pending.back().strength >= strength; in.pending.pop_back()) {
      const Pending& p = in.pending.back();
      if (p.strength == sign) {
        operand = is_constant(operand) ? g_.constant(-operand->value, operand->dim) : -operand;
        continue;
      }
      operand = names_.located(p.token, [&] {
        if (p.strength == power) return names_.raised(p.left, operand);
        return p.swapped ? call(p.op, operand, p.left) : call(p.op, p.left, operand);
      });
    }
    return operand;
  }

  // A list of integers is complete.
  static State close_list(std::vector<Open>& open) {
    CallArgument list{open.back().token, {}, std::move(open.back().list), true};
    open.pop_back();
    open.back().values.push_back(std::move(list));
    return State::after_value;
  }

  // Has the bracket that comes next a comma of its own?
  bool at_tuple() {
    if (commas_.empty()) {
      commas_.resize(tokens_.size());
      std::vector<std::size_t> open;
      for (std::size_t k = 0; k < tokens_.size(); ++k) {
        const std::string_view text = tokens_[k].text;
        if (text == "(" || text == "[") open.push_back(k);
        if ((text == ")" || text == "]") && !open.empty()) open.pop_back();
        if (text == "," && !open.empty()) commas_[open.back()] = true;
      }
    }
    return at("(") && commas_[next_];
  }

  Graph& g_;
  Names names_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  Token second_ = {};         // where the second formula begins
  std::vector<std::string> names_of_formulas_;
  std::vector<bool> commas_;  // of brackets: have they one of their own?
};

}  // namespace rkeops
