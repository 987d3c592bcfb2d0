// Values of formulas at one pair (i, j), by the interpreter and by kernels, against numbers that a test works out.
#pragma once

#include "interpret.hpp"

namespace check {

struct ValueCase {
  std::string formula;
  Values expected;
};

// Deviations allowed in float64 and, unless 0, float32; relative to the larger of 1 and the value expected.
struct Tolerance {
  double of_double, of_single;
};

inline Matrix one_row(const Values& v) { return {1, static_cast<std::int64_t>(v.size()), v}; }

inline bool agree(const Values& got, const Values& expected, double tolerance) {
  bool same = got.size() == expected.size();
  for (std::size_t k = 0; same && k < got.size(); ++k)
    same = near(got[k], expected[k], tolerance * std::max(1.0, std::fabs(expected[k])));
  return same;
}

// By kernels in both precisions, or each kernel in one of the two, in turn.
enum class Kernels { none, in_turn, both };

// Many formulas share a kernel, as parts of one long vector: compiling takes the time.
inline void check_values(const std::vector<ValueCase>& cases, const std::vector<std::string>& declared,
                         const std::vector<Matrix>& data, Tolerance tolerance, Kernels kernels = Kernels::both) {
  const std::size_t together = 12;
  for (std::size_t from = 0; from < cases.size(); from += together) {
    const std::size_t to = std::min(cases.size(), from + together);
    std::string all;
    for (std::size_t k = from; k < to; ++k) {
      const auto& [formula, expected] = cases[k];
      try {
        Parsed parsed(formula, declared);
        Interpreter interpreter(data, 1, 1);
        const Values got = interpreter.value(parsed.root, 0, 0);
        CHECK_THAT(agree(got, expected, tolerance.of_double),
                   formula + " gives " + show(got) + " by hand, not " + show(expected));
      } catch (const std::exception& error) {
        CHECK_THAT(false, formula + ": " + error.what());
        return;
      }
      all = all.empty() ? formula : "Concat(" + all + "," + formula + ")";
    }
    if (kernels == Kernels::none) continue;
    for (const auto precision : {rkeops::Precision::float64, rkeops::Precision::float32}) {
      const double allowed = precision == rkeops::Precision::float64 ? tolerance.of_double : tolerance.of_single;
      const bool turn = (from / together % 2 == 0) == (precision == rkeops::Precision::float64);
      if (allowed == 0 || (kernels == Kernels::in_turn && !turn)) continue;
      const Values got = run("Sum_Reduction(" + all + ",1)", declared, data, run_options(precision))[0].values;
      std::size_t at = 0;
      for (std::size_t k = from; k < to; ++k) {
        const Values& expected = cases[k].expected;
        const Values part(got.begin() + static_cast<std::ptrdiff_t>(at),
                          got.begin() + static_cast<std::ptrdiff_t>(at + expected.size()));
        at += expected.size();
        CHECK_THAT(agree(part, expected, allowed),
                   cases[k].formula + " gives " + show(part) + " in " + name_of(precision) + ", not " + show(expected));
      }
    }
  }
}

}  // namespace check
