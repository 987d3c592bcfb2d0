// Identifiers of LazyTensor variables: "A0x", 16 digits that no other process draws, a counter, and i, j or NA.
//
// LazyTensors travel: through files, to workers, from forked children. An identifier must therefore be unique everywhere,
// not in this process alone: variables that share one are taken for the same variable. The digits come from the
// system and not from R's generator, so that set.seed() neither repeats them nor is changed by them; after a fork the
// child draws its own.
#include "identifier.h"

#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>

#include "expression.h"

namespace {

std::uint64_t mix(std::uint64_t state, std::uint64_t value) {  // one step of splitmix64
  state += value + 0x9e3779b97f4a7c15u;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

// Where the system has no source of entropy, time and process have to do.
std::uint64_t draw() {
  const auto now = [](auto time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); };
  std::uint64_t state = mix(now(std::chrono::system_clock::now()), now(std::chrono::steady_clock::now()));
  state = mix(state, static_cast<std::uint64_t>(getpid()));
  try {
    std::random_device source;
    const std::uint64_t high = source();
    state = mix(0, state) ^ (high << 32 | source());
  } catch (const std::exception&) {
  }
  return state;
}

struct Origin {
  pid_t pid = 0;
  std::uint64_t digits = 0, count = 0;
};

std::uint64_t bits_of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

std::string identifier::fresh(const char* suffix) {
  static Origin origin;  // used on R's thread only
  if (origin.pid != getpid()) origin = {getpid(), draw(), 0};
  int digits = 1;
  for (std::uint64_t rest = ++origin.count >> 4; rest != 0; rest >>= 4) ++digits;
  return "A0x" + names::hexadecimal(origin.digits, 16) + names::hexadecimal(origin.count, digits) + suffix;
}

std::string identifier::of_number(double value, const char* operation, SEXP operands, int k) {
  std::uint64_t state = names::mix_shape(mix(0, bits_of(value)), operation);
  for (R_xlen_t m = 0; m < Rf_xlength(operands); ++m) {
    SEXP operand = VECTOR_ELT(operands, m);
    if (!expression::is_lazytensor(operand)) continue;
    state = names::mix_shape(state, CHAR(STRING_ELT(expression::field(operand, expression::Field::formula), 0)));
  }
  return "N0x" + names::hexadecimal(mix(state, static_cast<std::uint64_t>(k)), 16);
}
