// Vocabulary shared by every layer.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace rkeops {

// What a variable (or a result) is indexed by: rows i, rows j, or nothing (a parameter).
enum class Category : std::uint8_t { i = 0, j = 1, parameter = 2 };

enum class Precision : std::uint8_t { float32, float64 };

// One declared data argument: `name = Vi(dim)` and so on; `position` is 0-based.
struct Argument {
  std::string name;
  Category category;
  std::int64_t dim;
  std::int64_t position;
};

enum class Processor : std::uint8_t { cpu, gpu };

// What code generation has to know of the machine; filled in by platform/, read by emit/.
struct Target {
  Precision precision = Precision::float64;
  int vector_bytes = 32;  // of the CPU's SIMD registers
  Processor processor = Processor::cpu;
  bool tensor_cores = false;  // of the GPU may be used, in float32

  // Rows side by side: lanes of a SIMD register, or threads of a block.
  int lanes() const {
    constexpr int block_threads = 128;
    return processor == Processor::gpu ? block_threads : vector_bytes / (precision == Precision::float32 ? 4 : 8);
  }
};

// Row numbers beyond 2^24 do not fit float32; a high and a low part do.
enum class Part : std::uint8_t { whole, high, low };
constexpr double low_part_size = 4096;

inline double part_of(double number, Part part) {
  if (part == Part::whole) return number;
  const double high = std::floor(number / low_part_size);
  return part == Part::high ? high : number - high * low_part_size;
}

inline const char* name_of(Precision precision) { return precision == Precision::float32 ? "float32" : "float64"; }

inline const char* name_of(Category category) {
  constexpr const char* names[] = {"Vi", "Vj", "Pm"};
  return names[static_cast<int>(category)];
}

// How the result of a reduction is found in that of another one.
enum class Found : std::uint8_t {
  columns,    // columns of it
  log_total,  // m + log(columns), m being column 0
  quotient,   // columns / column `total`
  average,    // the same, but 0 where there was nothing to fold
  row_total   // sums of its columns over the rows
};

// A part of a result.
struct OutputPart {
  bool is_index = false;
  std::int64_t columns = 0;
  Category category = Category::i;  // what its rows are
  bool pairs = false;               // they are all pairs of a row of `category`, which runs fastest, with one of the other index
};

}  // namespace rkeops
