// The text that opens every generated CPU kernel: vector types, and the vector functions the formula calls.
// It includes no header, for compile time's sake, and holds nothing that is not asked for.
#pragma once

#include <cctype>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "../../base/text.hpp"
#include "../../base/types.hpp"
#include "cpu_basics.hpp"
#include "cpu_exp_log.hpp"
#include "cpu_polynomials.hpp"
#include "cpu_special.hpp"
#include "cpu_trigonometry.hpp"

namespace rkeops {
namespace cpu {

// Fills in the `$` tokens listed in cpu_basics.hpp.
inline std::string fill_tokens(const std::string& text, Precision precision, int vector_bytes) {
  const bool single = precision == Precision::float32;
  const bool wide = vector_bytes == 64;
  return replace_words(text, {
      {"$has_vector", wide                 ? "0"
                      : vector_bytes == 32 ? "defined __AVX__"
                                           : "defined __SSE2__"},
      {"$has_round", wide                 ? "0"
                     : vector_bytes == 32 ? "defined __AVX__"
                                          : "defined __SSE4_1__"},
      {"$avx512", wide ? "defined __AVX512F__" : "defined __AVX512VL__"},
      {"$integer", single ? "int" : "long long"},
      {"$real", single ? "float" : "double"},
      {"$round", wide ? ", 4" : ""},
      {"$bytes", std::to_string(vector_bytes)},
      {"$bits", std::to_string(8 * vector_bytes)},
      {"$f", single ? "ps" : "pd"},
      {"$s", single ? "f" : ""},
      {"$x", vector_bytes == 16 ? "" : std::to_string(8 * vector_bytes)},
  });
}

// Collects snippets, each after what it needs.
class PreludeWriter {
 public:
  PreludeWriter(Precision precision, int vector_bytes, std::set<std::string> far = {})
      : precision_(precision), vector_bytes_(vector_bytes), text_(base_text()), far_(std::move(far)) {}

  void add(const std::string& name) {
    if (!done_.insert(name).second) return;
    if (name.compare(0, 5, "poly_") == 0) return add_polynomial(name);
    if (name.compare(0, 2, "w_") == 0) {
      if (precision_ == Precision::float32) wide_.insert("v_" + name.substr(2));
      return;
    }
    const Snippet& snippet = find(name);
    for (const char* need : snippet.needs) add(need);
    const std::string& text = precision_ == Precision::float64 && !snippet.text64.empty() ? snippet.text64 : snippet.text;
    text_ += far_.count(name) ? out_of_line(text, name) : text;
  }

  std::string text() const {
    std::string all = fill_tokens(text_, precision_, vector_bytes_);
    if (!wide_.empty()) {
      PreludeWriter doubles(Precision::float64, vector_bytes_);
      for (const std::string& name : wide_) doubles.add(name);
      all = widened(doubles.text()) + all;
    }
    return all;
  }

 private:
  static const Snippet& find(const std::string& name) {
    for (const auto* table :
         {&basic_snippets(), &exp_log_snippets(), &trigonometry_snippets(), &special_snippets()})
      for (const Snippet& snippet : *table)
        if (name == snippet.name) return snippet;
    throw std::out_of_range("cpu_prelude: no function named " + name);
  }

  void add_polynomial(const std::string& name) {
    for (const Polynomial& p : polynomials())
      if (name.compare(5, std::string::npos, p.name) == 0) {
        text_ += polynomial_text(p, precision_);
        return;
      }
    throw std::out_of_range("cpu_prelude: no polynomial named " + name);
  }

  // The float64 prelude under names of its own, for float32 functions that compute in double: every name but
  // C's own gets the prefix w_ (v_exp: w_exp).
  static std::string widened(const std::string& text);

  Precision precision_;
  int vector_bytes_;
  std::string text_;
  std::set<std::string> far_, done_, wide_;
};

inline std::string PreludeWriter::widened(const std::string& text) {
  static const std::set<std::string> c_words = {
      "INLINE", "OUTLINE", "aligned", "char",    "const", "define",   "defined",     "double", "elif",
      "else",   "endif",   "enum",    "float",   "for",   "if",       "int",         "long",   "may_alias",
      "return", "sizeof",  "static",  "typedef", "union", "unsigned", "vector_size", "void"};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto is_word = [&](std::size_t k) {
      return k < text.size() && (std::isalnum(static_cast<unsigned char>(text[k])) || text[k] == '_');
    };
    std::size_t end = at;
    while (is_word(end)) end++;
    const std::string word = text.substr(at, end - at);
    if (word.empty()) {
      out += text[at++];
      continue;
    }
    const bool number = std::isdigit(static_cast<unsigned char>(word[0])) != 0;
    const bool foreign = number || word.compare(0, 2, "__") == 0 || c_words.count(word) != 0;
    if (foreign)
      out += word;
    else
      out += "w_" + (word.compare(0, 2, "v_") == 0 ? word.substr(2) : word);
    at = end;
  }
  return out;
}

}  // namespace cpu

// Text of the kernel prelude: type definitions and exactly the functions named in `functions` (plus what they
// need), in dependency order; those in `far` out of line. vector_bytes: 16, 32 or 64. Throws std::out_of_range on an unknown
// name.
inline std::string cpu_prelude(Precision precision, int vector_bytes, const std::set<std::string>& functions,
                               const std::set<std::string>& far = {}) {
  cpu::PreludeWriter writer(precision, vector_bytes, far);
  for (const std::string& name : functions) writer.add(name);
  return cpu::inline_text() + writer.text();
}

}  // namespace rkeops
