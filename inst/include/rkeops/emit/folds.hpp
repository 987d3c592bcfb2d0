// The fold of a reduction, and the functions that its text calls.
#pragma once

#include <memory>

#include "fold_candidates.hpp"
#include "fold_entries.hpp"
#include "fold_extrema.hpp"
#include "fold_sums.hpp"

namespace rkeops {

inline std::unique_ptr<Fold> make_fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named) {
  switch (kernel.reduction.family) {
    case Family::sum:
      if (kernel.reduction.both) return std::make_unique<BothSumsFold>(kernel, work, program, named);
      return std::make_unique<SumFold>(kernel, work, program, named);
    case Family::extremum:
      return std::make_unique<ExtremumFold>(kernel, work, program, named);
    case Family::nearest:
      if (kernel.candidates > 0) return std::make_unique<CandidatesFold>(kernel, work, program, named);
      return std::make_unique<NearestFold>(kernel, work, program, named);
    case Family::entries:
      return std::make_unique<EntriesFold>(kernel, work, program, named);
    default:
      if (kernel.tops > 1) return std::make_unique<ComponentSoftmaxFold>(kernel, work, program, named);
      return std::make_unique<SoftmaxFold>(kernel, work, program, named);
  }
}

// Names of the functions of the fold that `fold_text` defines by family.
inline std::string fold_text(const KernelPlan& kernel) {
  const Precision precision = kernel.precision;
  std::string text = R"(
INLINE V load_state(const double* p) {
  V x;
  FOR_LANES(l) LANE(x, l) = (real)p[l];
  return x;
}
INLINE void store_state(double* p, V x) {
  FOR_LANES(l) p[l] = LANE(x, l);
}
)";
  if (kernel.reduction.family == Family::extremum && kernel.reduction.indices) {
    text += R"(
INLINE void store_places(long long* index, I place, long long base) {
  FOR_LANES(l) if (LANE(place, l) >= 0) index[l] = base + LANE(place, l);
}
)";
  }
  if (kernel.candidates > 0) text += candidates_text(kernel);
  if (kernel.reduction.family == Family::nearest && kernel.candidates == 0) {
    text += substitute(R"(
enum { K = $0, STRIDE = $1 };
/* f goes behind all that are not worse; the last one drops out */
RARE void insert(V* best, I* place, V f, I j) {
  I wins = ~(f >= best[(K - 1) * STRIDE]) & (f == f);
  for (int k = K - 1; k > 0; k--) {
    V above = best[(k - 1) * STRIDE];
    I above_place = place[(k - 1) * STRIDE];
    I wins_above = ~(f >= above) & (f == f);
    best[k * STRIDE] = select(wins_above, above, select(wins, f, best[k * STRIDE]));
    place[k * STRIDE] = iselect(wins_above, above_place, iselect(wins, j, place[k * STRIDE]));
    wins = wins_above;
  }
  best[0] = select(wins, f, best[0]);
  place[0] = iselect(wins, j, place[0]);
}
/* a negative place is -1 - rank in the state that the fold began with */
RARE void store_nearest(double* value, long long* index, const V* best, const I* place, long long base) {
  FOR_LANES(l) {
    long long before[K];
    for (int k = 0; k < K; k++) before[k] = index[k * TILE + l];
    for (int k = 0; k < K; k++) {
      integer at = LANE(place[k * STRIDE], l);
      value[k * TILE + l] = LANE(best[k * STRIDE], l);
      index[k * TILE + l] = at < 0 ? before[-1 - at] : base + at;
    }
  }
}
)",
                       std::vector<std::string>{str(kernel.k), str(kernel.row_vectors)});
  }
  if (kernel.reduction.family == Family::softmax) {
    text +=
        precision == Precision::float32 ? "#define HUGE 3.402823466e+38f\n" : "#define HUGE 1.7976931348623157e+308\n";
    text += R"(
INLINE V larger(V a, V b) { return select(a < b, b, a); }
INLINE V smaller(V a, V b) { return select(b < a, b, a); }
)";
  }
  if (kernel.reduction.both) text += gather_text(kernel);
  if (kernel.reduction.family == Family::sum || kernel.reduction.family == Family::softmax) {
    text += precision == Precision::float32 ? R"(
INLINE void add_total(double* total, int64 low, V x) {
  (void)low;
  FOR_LANES(l) total[l] += LANE(x, l);
}
INLINE void scale_total(double* total, int64 low, V x) {
  (void)low;
  FOR_LANES(l) total[l] *= LANE(x, l);
}
)"
                                            : R"(
/* error-free sum: what rounding takes from the total goes to the low part, `low` slots further on */
INLINE void add_total(double* total, int64 low, V x) {
  V high = load(total), sum = high + x, y = sum - high;
  V lost = (high - (sum - y)) + (x - y);
  lost = select(lost == lost, lost, splat(0));
  store(total, sum);
  store(total + low * TILE, load(total + low * TILE) + lost);
}
INLINE void scale_total(double* total, int64 low, V x) {
  store(total, load(total) * x);
  store(total + low * TILE, load(total + low * TILE) * x);
}
)";
  }
  return text;
}

}  // namespace rkeops
