// Candidates for the K nearest in a state: merge and finish. The counterpart of emit/fold_candidates.hpp.
#pragma once

#include <algorithm>
#include <vector>

#include "../plan/kernel_plan.hpp"

namespace rkeops {

struct State {
  double* values;
  long long* indices;
};

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
  CandidateSlots(const KernelPlan& kernel, State state, std::int64_t row, std::int64_t component)
      : stride_(kernel.slot_stride()) {
    const std::int64_t first = row * kernel.row_stride() + component * (kernel.candidates + 1) * stride_;
    values_ = state.values + first;
    indices_ = state.indices + first;
  }

  void append_to(std::vector<Candidate>& list) const {
    const std::int64_t count = *indices_ + 1;
    for (std::int64_t c = 1; c <= count; ++c) list.push_back({values_[c * stride_], indices_[c * stride_]});
  }

  void assign(const std::vector<Candidate>& list) {
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
  if (static_cast<std::int64_t>(list.size()) <= k) return;
  std::nth_element(list.begin(), list.begin() + k - 1, list.end());
  list.resize(static_cast<std::size_t>(k));
}

inline void merge_candidates(const KernelPlan& kernel, State into, State next, std::int64_t row,
                             std::int64_t component) {
  CandidateSlots slots(kernel, into, row, component);
  std::vector<Candidate> list;
  list.reserve(static_cast<std::size_t>(2 * kernel.candidates));
  slots.append_to(list);
  CandidateSlots(kernel, next, row, component).append_to(list);
  keep_best(list, kernel.k);
  slots.assign(list);
}

// As finish_state: NaN and `missing` where there are fewer than K.
inline void finish_candidates(const KernelPlan& kernel, State state, std::int64_t first, std::int64_t valid,
                              std::int64_t total, double* const* parts, std::int64_t index_base, double missing) {
  std::vector<Candidate> list;
  for (std::int64_t component = 0; component < kernel.dim; ++component) {
    for (std::int64_t r = 0; r < valid; ++r) {
      list.clear();
      CandidateSlots(kernel, state, r, component).append_to(list);
      keep_best(list, kernel.k);
      std::sort(list.begin(), list.end());
      std::int64_t at = component * kernel.k * total + first + r;
      double* const* part = parts;
      double* values = kernel.reduction.values ? *part++ + at : nullptr;
      double* indices = kernel.reduction.indices ? *part + at : nullptr;
      for (std::int64_t rank = 0; rank < kernel.k; ++rank) {
        const bool there = rank < static_cast<std::int64_t>(list.size());
        const Candidate& best = there ? list[static_cast<std::size_t>(rank)] : Candidate{std::nan(""), -1};
        if (values) values[rank * total] = best.value;
        if (indices) indices[rank * total] = there ? static_cast<double>(best.index + index_base) : missing;
      }
    }
  }
}

}  // namespace rkeops
