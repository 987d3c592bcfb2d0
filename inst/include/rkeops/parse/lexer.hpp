// Formula text to tokens, each with its 0-based position.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "../base/utf8.hpp"

namespace rkeops {

enum class TokenKind { number, name, symbol, end };

struct Token {
  TokenKind kind;
  std::string_view text;
  std::int64_t position;
  double number = 0;
};

[[noreturn]] inline void parse_error(const std::string& formula, std::int64_t position, const std::string& message,
                                     std::string hint = {}) {
  Error error(ErrorKind::parse, message, std::move(hint));
  error.formula = formula;
  error.position = position;
  throw error;
}

// What a locale takes for letters does not matter.
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
inline bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A character that means nothing in formulas, whole, or a byte that belongs to none.
[[noreturn]] inline void unexpected_character(const std::string& formula, std::size_t at) {
  const std::size_t size = character_size(formula, at);
  const std::int64_t position = static_cast<std::int64_t>(at);
  const unsigned char byte = static_cast<unsigned char>(formula[at]);
  if (size == 0 || byte < ' ') {
    char digits[5];
    std::snprintf(digits, sizeof digits, "0x%02x", byte);
    parse_error(formula, position, std::string("unexpected byte ") + digits,
                size == 0 ? "Formulas are text in UTF-8; enc2utf8() turns other text into it." : "");
  }
  parse_error(formula, position, "unexpected character '" + formula.substr(at, size) + "'",
              byte == '$'   ? "R variables are declared as arguments, e.g. \"x=Vi(3)\"."
              : byte == ':' ? "Definitions are written as name = formula."
              : byte > 0x7f ? "Names and operators of formulas are ASCII."
                            : "");
}

inline std::vector<Token> tokenize(const std::string& formula) {
  const auto digit = is_digit, letter = is_letter;
  std::vector<Token> tokens;
  const std::string_view text = formula;
  std::size_t k = 0;
  const auto push = [&](TokenKind kind, std::size_t length) {
    tokens.push_back({kind, text.substr(k, length), static_cast<std::int64_t>(k)});
    k += length;
  };
  while (k < text.size()) {
    const char c = text[k];
    if (is_blank(c)) {
      ++k;
    } else if (digit(c) || (c == '.' && k + 1 < text.size() && digit(text[k + 1]))) {
      std::size_t end = k;
      while (end < text.size() && digit(text[end])) ++end;
      if (end < text.size() && text[end] == '.') {
        for (++end; end < text.size() && digit(text[end]);) ++end;
      }
      if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
        std::size_t power = end + 1;
        if (power < text.size() && (text[power] == '+' || text[power] == '-')) ++power;
        if (power < text.size() && digit(text[power])) {
          while (power < text.size() && digit(text[power])) ++power;
          end = power;
        }
      }
      if (end < text.size() && text[end] == 'L') {  // R's integer literals
        push(TokenKind::number, end - k);
        tokens.back().number = read_number(tokens.back().text);
        ++k;
        continue;
      }
      if (end < text.size() && (letter(text[end]) || text[end] == '.')) {
        parse_error(formula, static_cast<std::int64_t>(end), "malformed number",
                    "Write products with *; names cannot begin with a digit.");
      }
      push(TokenKind::number, end - k);
      tokens.back().number = read_number(tokens.back().text);
    } else if (letter(c)) {
      std::size_t end = k;
      while (end < text.size() && (letter(text[end]) || digit(text[end]) || text[end] == '.')) ++end;
      push(TokenKind::name, end - k);
    } else {
      const std::string_view two = text.substr(k, 2);
      if (two == "**" || two == "<=" || two == ">=" || two == "==" || two == "!=") {
        push(TokenKind::symbol, 2);
      } else if (std::string_view("+-*/^()[],|<>=;").find(c) != std::string_view::npos) {
        push(TokenKind::symbol, 1);
      } else {
        unexpected_character(formula, k);
      }
    }
  }
  tokens.push_back({TokenKind::end, {}, static_cast<std::int64_t>(text.size())});
  return tokens;
}

}  // namespace rkeops
