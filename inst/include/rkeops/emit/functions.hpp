// The functions that a kernel calls, recorded while its text is written, and their definitions.
#pragma once

#include <map>
#include <set>

#include "../base/heuristics.hpp"
#include "../base/text.hpp"
#include "prelude/cpu_prelude.hpp"
#include "prelude/cuda_prelude.hpp"

namespace rkeops {

class Functions {
 public:
  // A call of v_... or of another function of the prelude.
  void call(const std::string& name) { ++calls_[name]; }

  // What a piece of C text of the operation table calls.
  void call_all(std::string_view code) {
    for (std::size_t at = code.find("v_"); at != std::string_view::npos; at = code.find("v_", at + 1)) {
      const std::size_t end = code.find('(', at);
      if (end != std::string_view::npos) call(std::string(code.substr(at, end - at)));
    }
  }

  // The function a -> a^m, by its name.
  std::string power(std::int64_t m) {
    powers_.insert(m);
    return power_name(m);
  }

  std::string constant(double value) {
    if (std::isfinite(value)) return "(real)" + number_text(value);
    call("specials");
    return std::isnan(value) ? "NAN_" : value > 0 ? "INF" : "-INF";
  }

  // Definitions for a target: vector types and functions.
  std::string prelude(const Target& target) const {
    // A kernel that calls a long function very often gets it out of line: compile time grows with every inlined copy.
    std::set<std::string> names, far;
    for (const auto& [name, count] : calls_) {
      names.insert(name);
      if (count >= heuristics::most_inlined_calls) far.insert(name);
    }
    return target.processor == Processor::gpu ? cuda_prelude(target.precision, target.lanes(), names, far)
                                              : cpu_prelude(target.precision, target.vector_bytes, names, far);
  }

  std::string power_definitions() const {
    std::string text;
    for (std::int64_t m : powers_) text += power_definition(m);
    return text;
  }

 private:
  static std::string power_name(std::int64_t m) { return "pow_" + (m < 0 ? "m" + str(-m) : str(m)); }

  // By repeated squaring.
  static std::string power_definition(std::int64_t m) {
    std::string body;
    const char* multiply = " V r = a;";
    for (std::uint64_t left = static_cast<std::uint64_t>(m < 0 ? -m : m); left > 0; left >>= 1) {
      if (left & 1) body += multiply, multiply = " r *= a;";
      if (left > 1) body += " a *= a;";
    }
    return "INLINE V " + power_name(m) + "(V a) {" + body + " return " + (m < 0 ? "splat(1) / r" : "r") + "; }\n";
  }

  std::map<std::string, int> calls_;
  std::set<std::int64_t> powers_;
};

}  // namespace rkeops
