// Append-only text with indentation, for printers and code generation.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rkeops {

// The decimal point of the locale (LC_NUMERIC). Formulas and generated code have a point in any locale, so that numbers
// are written and read here alone.
inline std::string decimal_point() {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.1f", 0.5);
  const std::string text = digits;
  return text.size() > 2 ? text.substr(1, text.size() - 2) : ".";
}

// Shortest decimal form that reads back as the same double.
inline std::string number_text(double value) {
  char digits[40];
  for (int precision : {6, 15, 16, 17}) {
    std::snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (std::strtod(digits, nullptr) == value) break;
  }
  std::string text = digits;
  const std::string point = decimal_point();
  const std::size_t at = text.find(point);
  if (at != std::string::npos) text.replace(at, point.size(), ".");
  return text;
}

// The number that digits, point and exponent stand for.
inline double read_number(std::string_view text) {
  std::string local(text);
  const std::size_t at = local.find('.');
  if (at != std::string::npos) local.replace(at, 1, decimal_point());
  return std::strtod(local.c_str(), nullptr);
}

inline std::string str(std::string_view s) { return std::string(s); }
inline std::string str(std::int64_t n) { return std::to_string(n); }
inline std::string str(int n) { return std::to_string(n); }

// "$0", "$1", ... of `pattern` replaced by `values`.
template <class Values>
std::string substitute(std::string_view pattern, const Values& values) {
  std::string out;
  for (std::size_t c = 0; c < pattern.size(); ++c) {
    if (pattern[c] == '$') {
      out += values[static_cast<std::size_t>(pattern[++c] - '0')];
    } else {
      out += pattern[c];
    }
  }
  return out;
}

// Words of `text` replaced in order: pairs (word, what stands for it).
inline std::string replace_words(std::string text, const std::vector<std::pair<std::string, std::string>>& words) {
  for (const auto& [from, to] : words) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

class Text {
 public:
  // One line, indented; the parts are joined.
  template <class... Parts>
  Text& line(const Parts&... parts) {
    return join({str(parts)...});
  }

  template <class... Parts>
  Text& open(const Parts&... parts) {
    line(parts..., " {");
    ++depth_;
    return *this;
  }

  Text& close(std::string_view after = "") {
    --depth_;
    return line("}", after);
  }

  Text& raw(std::string_view text) {
    text_ += text;
    return *this;
  }

  const std::string& string() const { return text_; }

 private:
  Text& join(std::initializer_list<std::string> parts) {
    text_.append(2 * static_cast<std::size_t>(depth_), ' ');
    for (const std::string& part : parts) text_ += part;
    text_ += '\n';
    return *this;
  }

  std::string text_;
  int depth_ = 0;
};

}  // namespace rkeops
