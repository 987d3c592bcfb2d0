// What the names in formulas mean: arguments, definitions, operations, reductions, differential operators.
#pragma once

#include <functional>
#include <map>

#include "../ir/operations.hpp"
#include "../ir/simplify.hpp"
#include "declarations.hpp"
#include "suggest.hpp"

namespace rkeops {

struct CallArgument {  // an argument of a call: an expression, a list of integers, several expressions, or None
  Token token;
  Expr expr;
  std::vector<std::int64_t> list = {};
  bool is_list = false;
  std::vector<CallArgument> tuple = {};
};
using CallArguments = std::vector<CallArgument>;
using Callee = std::function<Expr(const CallArguments&)>;

class Names {
 public:
  Names(Graph& graph, const std::string& formula, Arguments& arguments, Differentiation differentiation)
      : g_(graph), formula_(formula), arguments_(arguments), differentiation_(differentiation) {}

  [[noreturn]] void fail(const Token& token, const std::string& message, std::string hint = {}) const {
    parse_error(formula_, token.position, message, std::move(hint));
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

  // Of a name without a bracket behind it.
  Expr named(const Token& name) const {
    const auto defined = definitions_.find(name.text);
    if (defined != definitions_.end()) return defined->second.value;
    require_known(name);
    const Argument* argument = arguments_.named(name.text);
    return g_.variable(argument->position, argument->dim, argument->category);
  }

  void require_known(const Token& name, const std::string& more = {}) const {
    if (definitions_.count(name.text) || is_argument(name.text)) return;
    std::vector<std::string_view> known = arguments_.names();
    for (const auto& [own, definition] : definitions_) known.push_back(own);
    const std::string similar = did_you_mean(name.text, known);
    fail(name, "unknown variable '" + str(name.text) + "'",
         (similar.empty() ? "Every variable must be declared in `args`." : similar) + more);
  }

  // Of a name with a bracket behind it: what makes an expression of the arguments.
  Callee callee_of(const Token& name) {
    Category category;
    if (category_named(name.text, category)) {
      return [=](const CallArguments& values) { return inline_variable(name, category, values); };
    }
    const std::string_view kind = reduction_kind(name.text);
    if (!kind.empty()) {
      const Reduction* row = find_reduction(kind);
      std::vector<std::string_view> known;
      for (const Reduction& r : reductions()) known.push_back(r.name);
      if (!row) fail(name, "unknown reduction '" + str(kind) + "'", did_you_mean(kind, known));
      return [=](const CallArguments& values) { return reduction(name, *row, values); };
    }
    if (name.text == "Grad") return [=](const CallArguments& values) { return gradient(name, values); };
    if (const DifferentialOperator* row = find_differential(name.text)) {
      return [=](const CallArguments& values) { return differential(name, *row, values); };
    }
    const Operation* operation = find_operation(name.text);
    if (operation && *operation->signature) {
      return [=](const CallArguments& values) { return apply(name, *operation, values); };
    }
    std::vector<std::string_view> known{"Grad"};
    for (const Operation& row : operations()) {
      if (*row.signature) known.push_back(row.name);
    }
    for (const DifferentialOperator& row : differentiation_.operators) known.push_back(row.name);
    fail(name, "unknown operation '" + str(name.text) + "'", did_you_mean(name.text, known));
  }

  // `first` is the token with which the value begins.
  void define(const Token& name, const Token& first, Expr value) {
    definitions_.emplace(name.text, Definition{value, begins_with_gradient(first)});
  }

  void require_undefined(const Token& name) const {
    Category category;
    const std::string_view kind = reduction_kind(name.text);
    const char* meaning = arguments_.named(name.text) ? "an argument"
                          : definitions_.count(name.text) ? "defined already"
                          : category_named(name.text, category) || name.text == "None" ? "a word of the language"
                          : name.text == "Grad" || find_differential(name.text) || find_operation(name.text) ? "an operation"
                          : !kind.empty() && find_reduction(kind) ? "a reduction" : nullptr;
    if (meaning) fail(name, "'" + str(name.text) + "' cannot be defined, it is " + meaning, "Choose another name.");
  }

  // Definition `last` stands at the end of the text.
  [[noreturn]] void fail_undone(const Token& end, const Token& last, bool only_definitions) const {
    const std::string name = str(last.text);
    const bool reduced = definitions_.at(last.text).value->has_reduction;
    fail(end,
         only_definitions ? "there are only definitions, and no formula" : "no formula follows the definition of '" + name + "'",
         "Add what is to be computed, for example \"; " + (reduced ? name : "Sum_Reduction(" + name + ", 1)") + "\".");
  }

  bool is_argument(std::string_view name) const { return arguments_.named(name) != nullptr; }

  Expr raised(Expr base, Expr exponent) const {
    if (is_constant(exponent) && exponent->dim == 1) {
      if (exponent->value == 0.5) return call(Op::Sqrt, base);
      if (exponent->value == -0.5) return call(Op::Rsqrt, base);
      if (whole(exponent->value)) return g_.apply(Op::Pow, {base}, {static_cast<std::int64_t>(exponent->value)});
    }
    return call(Op::Powf, base, exponent);
  }

  static bool whole(double value) { return value == std::floor(value) && std::fabs(value) < 1e9; }

  std::int64_t integer_of(const CallArgument& value, const std::string& what) const {
    if (value.is_list || !value.expr || !is_constant(value.expr) || !whole(value.expr->value)) {
      fail(value.token, what + " must be a whole number");
    }
    return static_cast<std::int64_t>(value.expr->value);
  }

 private:
  struct Definition {
    Expr value;
    bool is_gradient;  // written as Grad(...), or a name for that
  };

  // "Sum" of "Sum_Reduction", "" of other names.
  static std::string_view reduction_kind(std::string_view name) {
    constexpr std::string_view suffix = "_Reduction";
    const bool ends = name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
    return ends ? name.substr(0, name.size() - suffix.size()) : std::string_view();
  }

  const DifferentialOperator* find_differential(std::string_view name) const {
    for (const DifferentialOperator& row : differentiation_.operators) {
      if (name == row.name) return &row;
    }
    return nullptr;
  }

  bool begins_with_gradient(const Token& first) const {
    const auto defined = definitions_.find(first.text);
    return defined == definitions_.end() ? first.text == "Grad" : defined->second.is_gradient;
  }

  // None: an optional list that is not given.
  static bool is_none(const CallArgument& value) { return value.token.text == "None" && !value.expr && !value.is_list; }

  // A single number is a list of one.
  std::vector<std::int64_t> list_of(const CallArgument& value, const std::string& what) const {
    if (value.is_list) return value.list;
    if (!value.expr || !is_constant(value.expr) || !whole(value.expr->value)) {
      fail(value.token, what + " must be a list of whole numbers, as in [2,3]");
    }
    return {static_cast<std::int64_t>(value.expr->value)};
  }

  Expr expression_of(const CallArgument& value) const {
    if (value.is_list) fail(value.token, "expected a formula but found a list of integers");
    if (value.expr) return value.expr;
    fail(value.token, "expected a formula but found " + str(value.tuple.empty() ? "None" : "several"));
  }

  void require_count(const Token& name, const CallArguments& values, std::size_t low, std::size_t high) const {
    if (values.size() >= low && values.size() <= high) return;
    std::string wanted = str(static_cast<std::int64_t>(low));
    if (low != high) wanted += (high == low + 1 ? " or " : " to ") + str(static_cast<std::int64_t>(high));
    fail(name, str(name.text) + " takes " + wanted + " argument" + (high == 1 ? "" : "s") + ", got " +
                   str(static_cast<std::int64_t>(values.size())));
  }

  Expr apply(const Token& name, const Operation& operation, const CallArguments& values) {
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

  Expr inline_variable(const Token& name, Category category, const CallArguments& values) {
    require_count(name, values, 2, 2);
    const std::int64_t position = integer_of(values[0], "position"), dim = integer_of(values[1], "dimension");
    return located(name, [&] {
      return declare(g_.apply(Op::Var, {}, {position, dim, static_cast<std::int64_t>(category)}));
    });
  }

  // Name_Reduction(F, [K, weight or G,] axis)
  Expr reduction(const Token& name, const Reduction& named, const CallArguments& values) {
    const Reduction* row = &named;
    const bool maybe_weighted = row == &rkeops::reduction(Reducing::LogSumExp);
    if (maybe_weighted && values.size() > 2) row = &rkeops::reduction(Reducing::LogSumExpWeight);
    const std::size_t count = str(row->form).size() + 1;
    require_count(name, values, maybe_weighted ? 2 : count, maybe_weighted ? 3 : count);
    const std::int64_t axis = integer_of(values.back(), "axis");
    if (axis != 0 && axis != 1) {
      fail(values.back().token, "axis is " + str(axis) + ", 0 (reduce over i) or 1 (reduce over j) is needed");
    }
    const Category folded = axis == 0 ? Category::i : Category::j;
    std::vector<Expr> args;
    std::int64_t k = 0;
    for (std::size_t a = 0; row->form[a]; ++a) {
      if (row->form[a] == 'K') k = integer_of(values[a], "K");
      else args.push_back(expression_of(values[a]));
    }
    return located(name, [&] { return reduce(*row, args, folded, other(folded), k); });
  }

  Expr variable_of(const Token& name, const CallArgument& value) const {
    const Expr v = expression_of(value);
    if (is_variable(v)) return v;
    fail(value.token, str(name.text) + " differentiates with respect to a variable", "Give the name of an argument.");
  }

  // Name(F, v, ...); Diff(F, (v, w, ...), (u, t, ...)) is a sum.
  Expr differential(const Token& name, const DifferentialOperator& row, const CallArguments& values) {
    require_count(name, values, row.least, row.most);
    const Expr f = expression_of(values[0]);
    if (values[1].tuple.empty()) {
      const Expr v = variable_of(name, values[1]);
      std::vector<Expr> rest;
      for (std::size_t k = 2; k < values.size(); ++k) rest.push_back(expression_of(values[k]));
      return located(name, [&] { return row.apply(f, v, rest); });
    }
    const CallArguments &variables = values[1].tuple, &directions = values[2].tuple;
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
  Expr gradient(const Token& name, const CallArguments& values) {
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
      const bool written = is_reduction(f) && !begins_with_gradient(values[0].token);
      return differentiation_.gradient(f, v, adjoint, written);
    });
  }

  Graph& g_;
  const std::string& formula_;
  Arguments& arguments_;
  Differentiation differentiation_;
  std::map<std::string_view, Definition> definitions_;
};

}  // namespace rkeops
