// How a program is run, and the hooks by which the host (R, or a test) is asked and told things.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "../backend/options.hpp"
#include "../base/types.hpp"

namespace rkeops {

// Are pairs that cannot matter left out? Automatic: where that is found to be faster.
enum class UseOfGeometry : std::uint8_t { automatic, never, always };

// Which pairs of rows i and rows j are folded: rows are in groups, numbered from 0 (-1: in none), and group kept_i[k] of rows i
// keeps the groups kept_from[k], ..., kept_to[k] of rows j, for all k in any order.
struct BlockGroups {
  std::vector<std::int32_t> group_i, group_j, kept_i, kept_from, kept_to;
};

// Pairs that satisfy a condition: row r has those from first[r] up to first[r + 1], in the order of their columns.
struct FoundPairs {
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> column;
  std::vector<double> value;  // of the second formula, if there is one
};

class PairBlocks;  // made of them, see runtime/blocks.hpp

struct RunOptions {
  Precision precision = Precision::float64;
  Processor processor = Processor::cpu;
  std::vector<int> devices = {0};                                   // GPUs that share the work
  bool tensor_cores = false;                                        // for matrix products in float32 on GPUs
  UseOfGeometry geometry = UseOfGeometry::automatic;                // on CPUs
  std::shared_ptr<const PairBlocks> blocks;                         // the pairs (i, j) that are folded; null: all of them
  double tolerance = 0;                                             // of sums: an error of this part of sum |F| is allowed
  int threads = 0;                                                  // 0: all cores available to this process
  std::int64_t index_base = 1;                                      // added to 0-based positions of arg-reductions
  double missing_index = std::numeric_limits<double>::quiet_NaN();  // written where no index exists
  JitOptions jit;
};

// All hooks are called on the calling thread only; any may be null.
struct Host {
  bool (*interrupted)(void* context) = nullptr;                // true: stop, raise Error of kind interrupt
  void (*progress)(void* context, double fraction) = nullptr;  // 0..1, at most some ten times a second
  void (*warn)(void* context, const char* message) = nullptr;  // e.g. the cache directory cannot be written
  void* context = nullptr;
  void (*note)(void* context, const char* message) = nullptr;  // what may be of interest: which share of the pairs was visited
  // With a tolerance: the part of sum |F| that a result may be off at most.
  void (*certify)(void* context, double part) = nullptr;
};

}  // namespace rkeops
