// The K nearest where K is large: what beats the bar, the K-th best when candidates were last selected, joins the
// candidates, and when there is no room left the K best of them are selected. The cost of a candidate does not depend
// on K; keeping them sorted costs K.
#pragma once

#include <vector>

#include "../emit/fold.hpp"
#include "ordered.hpp"

namespace rkeops {

// Slot 0 of a component's state is the bar, and as an index the number of candidates less 1; the candidates follow.
class CandidatesFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    declare(out, "V", "bar", f_->dim);
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      out.line(slot("bar", k, row), " = load_bar(value + ", place(k, row), ");");
    });
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    c.for_components(f_, [&](const Component& k) {
      for (int row = 0; row < c.rows(); ++row) {
        const std::string bar = slot("bar", k.text, row), at = place(k.text, row);
        std::string wins;
        c.out().open("");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
          c.out().line("const V ", f, " = ", value, ";");
          wins += (column ? " | " : "") + std::string("beats(") + f + ", " + bar + ")";
        }
        c.out().open("if (any(", wins, "))");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string from = kernel_.ordered ? number(column) : "base + " + number(column);
          c.out().line(bar, " = collect(f", column, ", ", from, ", ", bar, ", value + ", at, ", index + ", at, ");");
        }
        c.out().close();
        c.out().close();
      }
    });
  }
  void end(Text& out) override {
    write_bars(out, [&](const std::string& k, int row) {
      return slot("bar", k, row) + ", bar_numbers(value + " + place(k, row) + ", index + " + place(k, row) + ")";
    });
  }

 private:
  std::string place(const std::string& k, int row) const {
    return "(" + k + ") * " + str((kernel_.candidates + 1) * kernel_.slot_stride()) + "L + " +
           str(row * kernel_.lanes * kernel_.row_stride()) + "L";
  }
};

// Candidates are ordered by value, then by position, so that the selection is the same however they lie. Pivots are
// drawn at random, though the same in each run: no order of the columns makes all of them bad.
inline std::string candidates_text(const KernelPlan& kernel) {
  const bool ordered = kernel.ordered;
  const std::string beats = ordered ? "f <= bar" : "~(f >= bar) & (f == f)";
  const std::string bar = ordered ? "select(x == x, x, splat(WORST))" : "x";
  // Of what is equal, that which comes after the bar itself.
  const std::string skip = ordered ? "\n    if (LANE(f, l) == *v && j > at[KEPT * NEXT_SLOT]) continue;" : "";
  const std::string bar_numbers = R"(
INLINE I bar_numbers(const double* value, const long long* index) {
  I x;
  FOR_LANES(l) {
    const double bar = value[l * NEXT_ROW];
    LANE(x, l) = bar == bar ? (integer)index[l * NEXT_ROW + KEPT * NEXT_SLOT] : NOWHERE;
  }
  return x;
}
)";
  const std::string more = (ordered ? ordered_text(kernel) : "") + (kernel.resumes() ? bar_numbers : "");
  return substitute(R"(
#define KEPT $0L
#define CANDIDATES $1L
#define NEXT_ROW $2L
#define NEXT_SLOT $3L
$7INLINE I beats(V f, V bar) { return $4; }
INLINE V load_bar(const double* value) {
  V x;
  FOR_LANES(l) LANE(x, l) = (real)value[l * NEXT_ROW];
  return $5;
}
INLINE void exchange(double* value, long long* index, int64 a, int64 b) {
  const double v = value[a * NEXT_SLOT];
  const long long i = index[a * NEXT_SLOT];
  value[a * NEXT_SLOT] = value[b * NEXT_SLOT];
  index[a * NEXT_SLOT] = index[b * NEXT_SLOT];
  value[b * NEXT_SLOT] = v;
  index[b * NEXT_SLOT] = i;
}
/* the KEPT best to the front, the last of them behind the others */
FAR void select_best(double* value, long long* index) {
  unsigned long long random = (unsigned long long)index[(CANDIDATES - 1) * NEXT_SLOT];
  int64 low = 0, high = CANDIDATES - 1;
  while (low < high) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    exchange(value, index, low + (int64)((random >> 33) % (unsigned long long)(high - low + 1)), high);
    const double pivot = value[high * NEXT_SLOT];
    const long long pivot_at = index[high * NEXT_SLOT];
    int64 better = low;
    for (int64 c = low; c < high; c++) {
      const double v = value[c * NEXT_SLOT];
      const int first = (v < pivot) | ((v == pivot) & (index[c * NEXT_SLOT] < pivot_at));
      exchange(value, index, c, better);
      better += first;
    }
    exchange(value, index, better, high);
    if (better == KEPT - 1) return;
    if (better < KEPT - 1) low = better + 1;
    else high = better - 1;
  }
}
RARE V collect(V f, long long j, V bar, double* value, long long* index) {
  const I wins = beats(f, bar);
  FOR_LANES(l) if (LANE(wins, l)) {
    double* v = value + l * NEXT_ROW;
    long long* at = index + l * NEXT_ROW;$6
    const long long last = ++*at;
    v[(1 + last) * NEXT_SLOT] = LANE(f, l);
    at[(1 + last) * NEXT_SLOT] = j;
    if (last == CANDIDATES - 1) {
      select_best(v + NEXT_SLOT, at + NEXT_SLOT);
      *at = KEPT - 1;
      *v = v[KEPT * NEXT_SLOT];
      LANE(bar, l) = (real)*v;
    }
  }
  return bar;
}
)",
                                                            std::vector<std::string>{
                                                                str(kernel.k), str(kernel.candidates), str(kernel.row_stride()),
                                                                str(kernel.slot_stride()), beats, bar, skip, more});
}

struct Candidate {
  double value;
  long long index;
  bool operator<(const Candidate& other) const {
    return value < other.value || (value == other.value && index < other.index);
  }
};

// The slots of one component of one row: the head, then the candidates.
class CandidateSlots {
 public:
  CandidateSlots(const StateLayout& layout, const StateRows& state, std::int64_t row, std::int64_t component)
      : stride_(state.slot_stride) {
    const std::int64_t first = state.at(component * (layout.candidates + 1), row);
    values_ = state.values + first;
    indices_ = state.indices + first;
  }

  void append_to(std::vector<Candidate>& list) const {
    const std::int64_t count = *indices_ + 1;
    for (std::int64_t c = 1; c <= count; ++c) list.push_back({values_[c * stride_], indices_[c * stride_]});
  }

  // If there are k of them, the last one is the k-th best, and the bar.
  void assign(const std::vector<Candidate>& list, std::int64_t k) {
    if (static_cast<std::int64_t>(list.size()) == k) *values_ = list.back().value;
    *indices_ = static_cast<long long>(list.size()) - 1;
    std::int64_t c = 0;
    for (const Candidate& candidate : list) {
      ++c;
      values_[c * stride_] = candidate.value;
      indices_[c * stride_] = candidate.index;
    }
  }

 private:
  std::int64_t stride_;
  double* values_;
  long long* indices_;
};

inline void keep_best(std::vector<Candidate>& list, std::int64_t k) {
  if (static_cast<std::int64_t>(list.size()) < k) return;
  std::nth_element(list.begin(), list.begin() + k - 1, list.end());
  list.resize(static_cast<std::size_t>(k));
}

struct CandidateStates {
  static void merge(const StateLayout& layout, const StateRows& into, const StateRows& next, std::int64_t row,
                    std::int64_t component) {
    CandidateSlots slots(layout, into, row, component);
    std::vector<Candidate> list;
    list.reserve(static_cast<std::size_t>(2 * layout.candidates));
    slots.append_to(list);
    CandidateSlots(layout, next, row, component).append_to(list);
    keep_best(list, layout.k);
    slots.assign(list, layout.k);
  }
  // NaN and no position where there are fewer than K.
  static void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) {
    const Reduction& row = *layout.reduction;
    std::vector<Candidate> list;
    for (std::int64_t component = 0; component < layout.dim; ++component) {
      for (std::int64_t r = 0; r < out.rows; ++r) {
        list.clear();
        CandidateSlots(layout, state, r, component).append_to(list);
        keep_best(list, layout.k);
        std::sort(list.begin(), list.end());
        list.resize(static_cast<std::size_t>(layout.k), {std::nan(""), -1});
        for (std::int64_t rank = 0; rank < layout.k; ++rank) {
          const Candidate& best = list[static_cast<std::size_t>(rank)];
          if (row.values) out.column(0, component * layout.k + rank)[r] = best.value;
          if (row.indices) out.column(row.values, component * layout.k + rank)[r] = out.position(best.index);
        }
      }
    }
  }
};

}  // namespace rkeops
