// Names in the formulas of LazyTensors, and the definitions that formulas mention.
//
//   A0x<digits><i|j|NA>  variables, see identifier.cpp        R0x<rows><i|j>  row numbers, see R/lazytensor-mask.R
//   N0x<16 digits>       plain numbers                        D0x<24 digits>  definitions
//
// A definition is the text "D0x...=formula"; its formula may mention definitions that stand before it. Its digits are a
// hash of its shape (8) and of its text (16): equal parts have equal names, whoever made them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace names {

// Operands of up to that many characters are written in place, longer ones become definitions.
constexpr std::size_t longest_in_place = 150;

struct Place {
  std::size_t begin, end;
};

// The first name in `text` at or after `from`; begin is npos if there is none.
Place find(std::string_view text, std::size_t from);

// A variable, number or constant, or a name for something longer: what need not get a name.
inline bool is_short(std::string_view formula) {
  return formula.find('(') == std::string_view::npos || formula.substr(0, 7) == "IntCst(";
}

// The part before '=', and that behind it, of "name=formula" or "name=Vi(3)".
inline std::string_view name_of(std::string_view text) { return text.substr(0, text.find('=')); }
inline std::string_view value_of(std::string_view text) { return text.substr(text.find('=') + 1); }

std::string hexadecimal(std::uint64_t value, int digits);

// A hash of a formula without the digits of its variables, which are others when it is written again.
std::uint64_t mix_shape(std::uint64_t state, std::string_view formula);

// "D0x...=formula".
std::string define(std::string_view formula);

// Names that are replaced by others.
class Renaming {
 public:
  void add(std::string_view from, std::string_view to) { to_[std::string(from)] = std::string(to); }
  bool empty() const { return to_.empty(); }
  std::string formula(std::string_view text) const;
  // Of a definition. Where its formula changes it gets another name, which is replaced in what follows.
  std::string definition(std::string_view text);

 private:
  std::map<std::string, std::string, std::less<>> to_;
};

// `formula` behind the definitions that it needs, with variables called V0, V1, ... in their order, and definitions D0,
// D1, ...: the same text for all expressions of the same form.
std::string canonical(std::string_view formula, const std::vector<std::string_view>& variables,
                      const std::vector<std::string_view>& definitions);

// All names that a formula mentions, also by way of definitions.
std::set<std::string_view> mentioned(std::string_view formula, const std::vector<std::string_view>& definitions);

}  // namespace names
