#include "names.h"

#include <rkeops/engine.hpp>
#include <unordered_map>

namespace names {
namespace {

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr int shape_digits = 8;

// With the names in `to`, a map, replaced by what stands for them there.
template <class Map>
std::string replaced(std::string_view text, const Map& to) {
  std::string result;
  std::size_t done = 0;
  for (Place place = find(text, 0); place.begin != std::string_view::npos; place = find(text, done)) {
    const auto found = to.find(text.substr(place.begin, place.end - place.begin));
    const std::size_t kept = found == to.end() ? place.end : place.begin;
    result += text.substr(done, kept - done);
    if (found != to.end()) result += found->second;
    done = place.end;
  }
  result += text.substr(done);
  return result;
}

}  // namespace

// No operation has "0x" behind its first letter.
Place find(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find("0x", from + 1); at != std::string_view::npos; at = text.find("0x", at + 2)) {
    const std::size_t begin = at - 1;
    const bool inside = begin > 0 && is_word(text[begin - 1]);
    if (inside || text[begin] < 'A' || text[begin] > 'Z') continue;
    std::size_t end = at + 2;
    while (end < text.size() && is_word(text[end])) ++end;
    return {begin, end};
  }
  return {std::string_view::npos, 0};
}

// The lowest digits.
std::string hexadecimal(std::uint64_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4) *digit = "0123456789abcdef"[value & 15];
  return text;
}

std::uint64_t mix_shape(std::uint64_t state, std::string_view formula) {
  std::size_t done = 0;
  for (Place place = find(formula, 0); place.begin != std::string_view::npos; place = find(formula, done)) {
    const bool defined = formula[place.begin] == 'D', number = formula[place.begin] == 'N';
    const std::size_t known = defined ? 3 + shape_digits : 1;
    state = rkeops::hash_bytes(formula.substr(done, place.begin + known - done), state);
    done = defined || number ? place.end : place.end - 1;  // the index of a variable counts
  }
  return rkeops::hash_bytes(formula.substr(done), state);
}

std::string define(std::string_view formula) {
  return "D0x" + hexadecimal(mix_shape(0, formula), shape_digits) + hexadecimal(rkeops::hash_bytes(formula), 16) + "=" +
         std::string(formula);
}

std::string Renaming::formula(std::string_view text) const { return replaced(text, to_); }

std::string Renaming::definition(std::string_view text) {
  const std::string renamed = formula(value_of(text));
  if (renamed == value_of(text)) return std::string(text);
  std::string result = define(renamed);
  add(name_of(text), name_of(result));
  return result;
}

std::set<std::string_view> mentioned(std::string_view formula, const std::vector<std::string_view>& definitions) {
  std::set<std::string_view> result;
  const auto read = [&](std::string_view text) {
    for (Place place = find(text, 0); place.begin != std::string_view::npos; place = find(text, place.end))
      result.insert(text.substr(place.begin, place.end - place.begin));
  };
  read(formula);
  for (auto definition = definitions.rbegin(); definition != definitions.rend(); ++definition)
    if (result.count(name_of(*definition))) read(value_of(*definition));
  return result;
}

std::string canonical(std::string_view formula, const std::vector<std::string_view>& variables,
                      const std::vector<std::string_view>& definitions) {
  std::unordered_map<std::string_view, std::string> to;
  for (std::size_t k = 0; k < variables.size(); ++k) to.emplace(variables[k], "V" + std::to_string(k));
  std::string result;
  std::set<std::string_view> used;
  if (!definitions.empty()) used = mentioned(formula, definitions);
  std::size_t count = 0;
  for (std::string_view definition : definitions) {
    if (!used.count(name_of(definition))) continue;
    const std::string name = "D" + std::to_string(count++);
    result += name + "=" + replaced(value_of(definition), to) + ";";
    to.emplace(name_of(definition), name);
  }
  return result + replaced(formula, to);
}

}  // namespace names
