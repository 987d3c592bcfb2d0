// The engine's façade: formula text in, numbers out. Uses no R header, prints nothing, never aborts; every
// failure is an rkeops::Error.
//
//   auto program = rkeops::Program::create("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", arguments);
//   auto shape   = program->bind(inputs);                 // checks all inputs, allocates nothing
//   program->run(inputs, outputs, options, host);         // outputs: memory for every part of the result
//
//   auto evaluation = program->prepare(inputs, options, host);  // many runs, between which few inputs change
//   evaluation->set(2, b);
//   evaluation->run(outputs, host);
//
// Several formulas with ; between them are one program with an output for each: value and gradients, say. What folds the same
// pairs is folded together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/options.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/recent.hpp"
#include "base/types.hpp"
#include "base/utf8.hpp"
#include "runtime/input.hpp"
#include "runtime/options.hpp"

namespace rkeops {

class Evaluation;

// Any number of threads may use a program at once, and hooks may use it while it runs.
class Program {
 public:
  // Parses, validates, differentiates and simplifies `formula` (a reduction, a Grad of one, or any expression of
  // reductions). `interrupted` is asked now and then; true ends it. Throws Error of kind parse, dimension, argument,
  // unsupported or interrupt.
  static std::shared_ptr<const Program> create(const std::string& formula, const std::vector<Argument>& arguments,
                                               const std::function<bool()>& interrupted = {});

  const std::string& formula() const;
  const std::vector<Argument>& arguments() const;   // declared ones, then inline Vi(0,3)... ones, by position
  const std::vector<OutputShape>& outputs() const;  // of each formula
  const OutputShape& output() const;                // of the first one: category, dim, parts of the result
  const std::vector<OutputPart>& parts() const;     // of all of them, one after the other

  // Checks inputs (one per argument, by position) and returns the number of rows of a part of the result.
  std::int64_t bind(const std::vector<Input>& inputs, std::size_t part = 0) const;

  // Number of rows of an index.
  std::int64_t rows_of(Category index, const std::vector<Input>& inputs) const;

  // Computes. outputs[p] is column-major memory of bind(inputs, p) x parts()[p].columns doubles.
  void run(const std::vector<Input>& inputs, const std::vector<double*>& outputs, const RunOptions& options,
           const Host& host) const;

  // Where the formula is a reduction to the pairs that satisfy a condition, which cannot be run: these pairs. Always on the CPU.
  // More of them than `most`: Error of kind memory, before more memory is taken.
  FoundPairs find(const std::vector<Input>& inputs, const RunOptions& options, const Host& host, std::int64_t most) const;

  // The same in steps, for many runs: all inputs are checked, kernels compiled, operands packed.
  std::unique_ptr<Evaluation> prepare(const std::vector<Input>& inputs, const RunOptions& options, const Host& host) const;

  // The generated kernels as text.
  std::string source(const RunOptions& options) const;

  // How the formula becomes these kernels: graph, plan, program of a pair and text of each pass, for readers.
  std::string explain(const RunOptions& options) const;

  ~Program();

 private:
  friend class Evaluation;
  Program();
  struct State;
  std::shared_ptr<State> state_;
};

// A program with its inputs, packed, and the results of inner stages, all of which are kept as long as what they come from
// stays as it is. Inputs are borrowed until they are replaced, or until the end; on GPUs they stay for as long. One thread at
// a time.
class Evaluation {
 public:
  // Other data for one input, of the same shape (Error of kind input if not). Only that input is packed again.
  void set(std::size_t position, const Input& input);

  // As Program::run. Outputs that are null are not asked for (or have no rows), and what only they need is not
  // computed.
  void run(const std::vector<double*>& outputs, const Host& host);

  ~Evaluation();

 private:
  friend class Program;
  Evaluation();
  struct State;
  std::unique_ptr<State> state_;
};

// Dimension of `operation` applied to operands of the given dimensions and integer parameters, by the rules of
// the operation table; throws Error of kind dimension or argument. Used to check LazyTensors as they are built.
std::int64_t operation_dim(const std::string& operation, const std::vector<std::int64_t>& operand_dims,
                           const std::vector<std::int64_t>& parameters);

// One row per operation of formulas, and per reduction: for those who write formulas, reference pages and tests.
struct OperationInfo {
  std::string name, call, summary;
  bool has_gradient, complex, keeps_names;
  int truth;  // the result is a truth value if so many operands, the first ones, are; -1: it is none
};
std::vector<OperationInfo> operation_table();

struct ReductionInfo {
  std::string name, call, summary;  // the call is that of formulas, Name_Reduction(F, axis)
  std::string differentiation;      // see Reduction in ir/reduction.hpp
  bool values, positions;           // what it gives
  bool sums, weighted, ranked;      // adds up; has a weight; has K
  double neutral;                   // the value that changes nothing, NaN if there is none
};
std::vector<ReductionInfo> reduction_table();

// For RunOptions::blocks. Stages of a formula that fold other pairs than (i, j), and entries, are not concerned. In a run for other
// numbers of rows: Error of kind dimension.
std::shared_ptr<const PairBlocks> make_blocks(const BlockGroups& groups);
double kept_pairs(const PairBlocks& blocks);  // how many
// Groups of points that are near each other, which keep all pairs whose distance is at most `radius` (and others). Coordinates of a
// point, finite numbers, are side by side.
BlockGroups groups_within(const std::vector<double>& x, const std::vector<double>& y, std::int64_t dim, double radius);

// Counters since the process started, for tests and check_rkeops().
struct Statistics {
  std::int64_t kernels_compiled, kernels_from_disk, kernels_in_memory;
  double compile_seconds;
  std::int64_t resident_bytes;  // of matrices kept on GPUs
  std::int64_t orders_made;     // of rows or columns, for leaving out pairs
  double pairs_visited, pairs;  // in all walks, and what there would have been to visit
};
Statistics statistics();

// Drops every kernel held in memory (those in use stay until their last call ends).
void clear_memory_cache();

// Why kernels cannot be kept in the cache directory, or not be loaded from it, as the rest of a sentence; "" if all is
// well. Makes the directory if it is not there.
std::string cache_trouble(const JitOptions& options);
// Bytes in a directory that are kernels, or what compilations that were killed left there; and their removal, also from
// the directory for temporary files.
std::int64_t cache_bytes(const std::string& directory);
void clear_cache(const std::string& directory);

// The data at this address, given as an Input with `keep`, end or change: GPUs forget them, and so does who has put them in order.
void forget(const void* data);

// GPUs, and what is needed to use them. Asking never fails: `problem` says what is missing (empty: all is there). Of `open`
// (numbers from 0; those that are not there are passed over) it says whether they can be computed on, by opening them; without,
// GPUs are only looked at.
struct GpuDevice {
  std::string name, architecture;  // compute capability, such as "90"
  double memory_bytes;
};
struct GpuReport {
  std::string problem, hint;
  int driver_version = 0;  // highest CUDA version of the driver: 1000 * major + 10 * minor
  std::string nvrtc, nvrtc_place;
  std::vector<GpuDevice> devices;
};
GpuReport gpu_report(const JitOptions& options, const std::vector<int>& open = {});

// The machine as the runtime sees it.
struct MachineInfo {
  int threads;       // cores available to this process
  int vector_bytes;  // SIMD width
  std::string cpu;
};
MachineInfo machine_info();

}  // namespace rkeops
