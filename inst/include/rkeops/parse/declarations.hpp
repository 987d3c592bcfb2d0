// The data arguments of a formula: `x=Vi(3)`, `x=Vi(0,3)`, and those written inline.
#pragma once

#include <algorithm>

#include "../ir/graph.hpp"
#include "lexer.hpp"

namespace rkeops {

// Vi, Vj, Pm and the old Vx, Vy; false if `name` is none of them.
inline bool category_named(std::string_view name, Category& category) {
  if (name == "Vi" || name == "Vx") return category = Category::i, true;
  if (name == "Vj" || name == "Vy") return category = Category::j, true;
  if (name == "Pm") return category = Category::parameter, true;
  return false;
}

// One declaration; `rank` is the position when none is written. Also `Vi(0,3)` without a name.
inline Argument parse_declaration(const std::string& text, std::int64_t rank) {
  const std::vector<Token> tokens = tokenize(text);
  const auto fail = [&](std::size_t k) {
    parse_error(text, tokens[k].position, "malformed argument declaration",
                "Write for instance \"x=Vi(3)\" or \"x=Vi(0,3)\", with Vi, Vj or Pm.");
  };
  Argument argument{"", Category::i, 0, rank};
  std::size_t k = 0;
  if (tokens[0].kind == TokenKind::name && tokens[1].kind == TokenKind::symbol && tokens[1].text == "=") {
    argument.name = std::string(tokens[0].text);
    k = 2;
  }
  if (tokens[k].kind != TokenKind::name) fail(k);
  if (!category_named(tokens[k].text, argument.category)) fail(k);
  if (tokens[++k].text != "(") fail(k);
  std::vector<std::int64_t> numbers;
  do {
    const Token& token = tokens[++k];
    if (token.kind != TokenKind::number || token.number != std::floor(token.number) || token.number > 1e9) fail(k);
    numbers.push_back(static_cast<std::int64_t>(token.number));
  } while (tokens[++k].text == ",");
  if (tokens[k].text != ")" || tokens[k + 1].kind != TokenKind::end || numbers.size() > 2) fail(k);
  argument.dim = numbers.back();
  if (numbers.size() == 2) argument.position = numbers[0];
  if (argument.dim < 1) fail(k - 1);
  return argument;
}

// The arguments known so far: declared ones, then those met in the formula.
class Arguments {
 public:
  explicit Arguments(std::vector<Argument> declared) {
    for (Argument& argument : declared) add(std::move(argument));
  }

  const Argument* named(std::string_view name) const {
    for (const Argument& argument : list_) {
      if (argument.name == name) return &argument;
    }
    return nullptr;
  }

  std::vector<std::string_view> names() const {
    std::vector<std::string_view> all;
    for (const Argument& argument : list_) all.push_back(argument.name);
    return all;
  }

  // An inline variable: new, or the same as the one declared at its position.
  void add(Argument argument) {
    if (argument.dim < 1)
      argument_error("dimension " + str(argument.dim) + " of argument " + label(argument) + ", at least 1 is needed");
    if (!argument.name.empty() && named(argument.name)) {
      argument_error("argument name '" + argument.name + "' is declared twice");
    }
    for (const Argument& known : list_) {
      if (known.position != argument.position) continue;
      if (known.category == argument.category && known.dim == argument.dim && argument.name.empty()) return;
      argument_error("arguments " + label(known) + " and " + label(argument) + " have the same position " +
                     str(known.position));
    }
    list_.push_back(std::move(argument));
  }

  // An argument after all others, for an adjoint that the formula leaves out.
  Argument append(Category category, std::int64_t dim) {
    std::int64_t position = 0;
    for (const Argument& argument : list_) position = std::max(position, argument.position + 1);
    list_.push_back({"", category, dim, position});
    return list_.back();
  }

  // Sorted by position, which must be 0, 1, 2, ...
  std::vector<Argument> finish() const {
    std::vector<Argument> sorted = list_;
    std::sort(sorted.begin(), sorted.end(),
              [](const Argument& a, const Argument& b) { return a.position < b.position; });
    for (std::size_t k = 0; k < sorted.size(); ++k) {
      if (sorted[k].position != static_cast<std::int64_t>(k)) {
        argument_error("no argument has position " + str(static_cast<std::int64_t>(k)) + ", but " + label(sorted[k]) +
                           " has position " + str(sorted[k].position),
                       "Positions must be 0, 1, 2, ... without gaps.");
      }
    }
    return sorted;
  }

 private:
  static std::string label(const Argument& argument) {
    const std::string type =
        std::string(name_of(argument.category)) + "(" + str(argument.position) + "," + str(argument.dim) + ")";
    return argument.name.empty() ? type : argument.name + "=" + type;
  }

  std::vector<Argument> list_;
};

}  // namespace rkeops
