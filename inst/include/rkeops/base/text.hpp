// Append-only text with indentation, for printers and code generation.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace rkeops {

// Shortest decimal form that reads back as the same double.
inline std::string number_text(double value) {
  char digits[40];
  for (int precision : {6, 15, 16, 17}) {
    std::snprintf(digits, sizeof digits, "%.*g", precision, value);
    double back = 0;
    if (std::sscanf(digits, "%lf", &back) == 1 && back == value) break;
  }
  return digits;
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
