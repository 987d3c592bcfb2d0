// The one exception type of the engine. `kind` becomes the class rkeops_error_<kind> of the R condition.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace rkeops {

enum class ErrorKind { parse, dimension, input, argument, unsupported, compiler, cache, interrupt, memory, gpu, internal };

inline const char* name_of(ErrorKind kind) {
  constexpr const char* names[] = {"parse",    "dimension", "input",     "argument", "unsupported",
                                   "compiler", "cache",     "interrupt", "memory",   "gpu",
                                   "internal"};
  return names[static_cast<int>(kind)];
}

// message: one sentence that names what was got and what was expected; hint: what to do (may be empty);
// formula and position: the text and the 0-based place of the fault (position -1: none);
// argument: the name of the faulty data argument (may be empty); log: a compiler's output.
struct Error : std::runtime_error {
  Error(ErrorKind kind, const std::string& message, std::string hint = {})
      : std::runtime_error(message), kind(kind), hint(std::move(hint)) {}

  ErrorKind kind;
  std::string hint;
  std::string formula;
  std::int64_t position = -1;
  std::string argument;
  std::string log;
};

}  // namespace rkeops
