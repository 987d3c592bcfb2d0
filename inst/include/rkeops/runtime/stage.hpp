// A stage of an evaluation: one kernel and its operands, folded as a schedule says. What is the same on CPU and GPU.
#pragma once

#include "../backend/backend.hpp"
#include "../platform/memory.hpp"
#include "entries.hpp"
#include "found_pairs.hpp"
#include "options.hpp"
#include "pack.hpp"
#include "schedule.hpp"

namespace rkeops {

// One run, of which this stage is the part [progress_from, progress_to).
struct StageCall {
  const RunOptions& options;
  const Host& host;
  double progress_from, progress_to;
  PairCollector* found = nullptr;  // where pairs that are found go

  bool interrupted() const { return host.interrupted && host.interrupted(host.context); }

  // To be asked now and then, with the share that is done; false: stop.
  bool poll(double done) const {
    if (host.progress) host.progress(host.context, progress_from + (progress_to - progress_from) * done);
    return !interrupted();
  }

  void note(const std::string& message) const {
    if (host.note) host.note(host.context, message.c_str());
  }

  void certify(double part) const {
    if (host.certify) host.certify(host.context, part);
  }

  Hooks hooks() const {
    return {[this] { return interrupted(); },
            [this](const std::string& message) {
              if (host.warn) host.warn(host.context, message.c_str());
            }};
  }
};

class Stage {
 public:
  virtual ~Stage() = default;

  // Has its kernel compiled, and packs what is not packed.
  virtual void prepare(const StageCall& call) = 0;
  // Writes data.parts. Prepares what is not.
  virtual void run(const StageCall& call) = 0;

  const KernelPlan& kernel() const { return kernel_; }
  StageData data;

 protected:
  Stage(const KernelPlan& kernel, const Digest& digest, StageData data, Schedule schedule)
      : data(std::move(data)),
        kernel_(kernel),
        digest_(digest),
        schedule_(std::move(schedule)),
        tile_(kernel.tile_rows()),
        tiles_(static_cast<std::int64_t>(schedule_.tiles.size())) {}

  const Tile& tile(std::int64_t number) const { return schedule_.tiles[static_cast<std::size_t>(number)]; }

  template <class Real>
  void pack_parameters(Buffer<Real>& packed) {
    if (packed.size() == 0) packed = Buffer<Real>(static_cast<std::size_t>(std::max<std::int64_t>(1, kernel_.parameter.width)));
    for (std::size_t l = 0; l < data.parameter.size(); ++l) {
      const PackedLeaf& leaf = kernel_.parameter.leaves[l];
      pack_parameter(data.parameter[l], leaf.dim, packed.data() + leaf.offset);
      data.parameter[l].is_packed = true;
    }
  }

  // The states of a tile become one, in the order of their columns. The first one may be another's.
  template <class StateOf>
  void merge(State into, const StateOf& state_of, std::int64_t first = 1) const {
    for (std::int64_t split = first; split < schedule_.column_splits; ++split) merge_state(kernel_, into, state_of(split));
  }

  void finish(std::int64_t number, State state, const RunOptions& options) const {
    finish_state(kernel_, state, tile(number).first_row, tile(number).rows, data.rows, data.parts.data(),
                 options.index_base, options.missing_index);
  }

  // The same where rows are in another order, to where they come from. `results` has room for them on their way.
  void finish(const Tile& tile, State state, const RunOptions& options, const std::int32_t* order,
              Buffer<double>& results) const {
    const std::size_t by_rows = kernel_.column_sums > 0 ? 1 : data.widths.size();
    std::int64_t size = 0;
    for (std::size_t p = 0; p < by_rows; ++p) size += data.widths[p] * tile_;
    if (results.size() < static_cast<std::size_t>(size)) results = Buffer<double>(static_cast<std::size_t>(size));
    std::vector<double*> parts{results.data()};
    for (std::size_t p = 1; p < by_rows; ++p) parts.push_back(parts[p - 1] + data.widths[p - 1] * tile_);
    finish_state(kernel_, state, 0, tile.rows, tile_, parts.data(), options.index_base, options.missing_index);
    for (std::size_t p = 0; p < by_rows; ++p) {
      for (std::int64_t c = 0; c < data.widths[p]; ++c) {
        double* to = data.parts[p] + c * data.rows;
        for (std::int64_t r = 0; r < tile.rows; ++r) to[order[tile.first_row + r]] = parts[p][c * tile_ + r];
      }
    }
  }

  static bool all_packed(const std::vector<Source>& sources) {
    return std::all_of(sources.begin(), sources.end(), [](const Source& source) { return source.is_packed; });
  }

  const KernelPlan& kernel_;
  const Digest digest_;
  const Schedule schedule_;
  const std::int64_t tile_, tiles_;
};

}  // namespace rkeops
