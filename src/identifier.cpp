// Identifiers of LazyTensor variables: "A0x", 16 digits that no other process draws, a counter, and i, j or NA.
//
// LazyTensors travel: through files, to workers, from forked children. An identifier must therefore be unique everywhere,
// not in this process alone: variables that share one are taken for the same variable. The digits come from the
// system and not from R's generator, so that set.seed() neither repeats them nor is changed by them; after a fork the
// child draws its own.
#include "bridge.h"

#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <random>

using bridge::guarded;

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

// A formula without the digits of its identifiers, which are others when it is written again.
std::uint64_t mix_shape(std::uint64_t state, const char* formula) {
  for (const char* c = formula; *c != '\0'; ++c) {
    state = mix(state, static_cast<unsigned char>(*c));
    if (c[0] == '0' && c[1] == 'x') c += 1 + std::strspn(c + 2, "0123456789abcdef");
  }
  return mix(state, 0);
}

// "A0x1i=Vi(3)" and "A0x2i=Vi(3)" are declared alike.
bool declared_alike(SEXP a, SEXP b) {
  const char *one = std::strchr(CHAR(a), '='), *two = std::strchr(CHAR(b), '=');
  return one != nullptr && two != nullptr && std::strcmp(one, two) == 0;
}

bool same_data(SEXP a, SEXP b) {
  if (a == b) return true;
  SEXP same = bridge::in_r([=] { return Rf_ScalarLogical(R_compute_identical(a, b, 16)); });
  return LOGICAL(same)[0] == TRUE;
}

std::uint64_t bits_of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

// A new identifier that ends in `suffix`.
// [[Rcpp::export(rng = false)]]
SEXP rk_new_identifier(SEXP suffix) {
  return guarded([&]() -> SEXP {
    static Origin origin;  // used on R's thread only
    if (origin.pid != getpid()) origin = {getpid(), draw(), 0};
    char text[64];
    std::snprintf(text, sizeof text, "A0x%016" PRIx64 "%" PRIx64 "%s", origin.digits, ++origin.count,
                  CHAR(STRING_ELT(suffix, 0)));
    return bridge::make_string(text);
  });
}

// The identifier of a plain number: a hash of its value and its place, which is NULL or a list of the operation, its
// operands as they were given, and the number of the operand. Written twice, the same expression has the same
// identifiers and is computed once; numbers that happen to be equal in different places stay two parameters, since
// otherwise the kernel would depend on values.
// [[Rcpp::export(rng = false)]]
SEXP rk_number_identifier(SEXP value, SEXP place) {
  return guarded([&]() -> SEXP {
    std::uint64_t state = mix(0, bits_of(REAL(value)[0]));
    if (TYPEOF(place) == VECSXP) {
      state = mix_shape(state, CHAR(STRING_ELT(VECTOR_ELT(place, 0), 0)));
      SEXP operands = VECTOR_ELT(place, 1);
      for (R_xlen_t k = 0; k < Rf_xlength(operands); ++k) {
        SEXP operand = VECTOR_ELT(operands, k);
        SEXP formula = TYPEOF(operand) == VECSXP && Rf_xlength(operand) > 0 ? VECTOR_ELT(operand, 0) : R_NilValue;
        if (TYPEOF(formula) == STRSXP && Rf_xlength(formula) == 1) state = mix_shape(state, CHAR(STRING_ELT(formula, 0)));
      }
      state = mix(state, static_cast<std::uint64_t>(INTEGER(VECTOR_ELT(place, 2))[0]));
    }
    char text[32];
    std::snprintf(text, sizeof text, "N0x%016" PRIx64, state);
    return bridge::make_string(text);
  });
}

// For each variable (declaration and data) of an operand: the 1-based place among `known` variables of the same one, 0 if it
// is new, minus that place where an identifier is known with other data. The same R object that is declared alike is
// the same variable too, but for plain numbers.
// [[Rcpp::export(rng = false)]]
SEXP rk_merge_places(SEXP args, SEXP data, SEXP known_args, SEXP known_data) {
  return guarded([&]() -> SEXP {
    const R_xlen_t count = Rf_xlength(args), known = Rf_xlength(known_args);
    SEXP places = bridge::in_r([=] { return Rf_allocVector(INTSXP, count); });
    Rcpp::Shield<SEXP> protect(places);
    for (R_xlen_t k = 0; k < count; ++k) {
      SEXP arg = STRING_ELT(args, k), value = VECTOR_ELT(data, k);
      const bool named = CHAR(arg)[0] == 'A';  // and not a plain number
      int place = 0;
      for (R_xlen_t m = 0; m < known; ++m) {
        SEXP other = STRING_ELT(known_args, m);
        if (arg == other) {
          place = static_cast<int>(same_data(value, VECTOR_ELT(known_data, m)) ? m + 1 : -(m + 1));
          break;
        }
        if (named && place == 0 && value == VECTOR_ELT(known_data, m) && declared_alike(arg, other)) {
          place = static_cast<int>(m + 1);
        }
      }
      INTEGER(places)[k] = place;
    }
    return places;
  });
}
