// What programs that time single kernels share: text of a work for a tile, at any vector width; its compilation with any flags;
// and timing by turns, next to a loop of nothing but FMA instructions. One thread, on columns that fit the cache.
#pragma once

#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "rkeops/engine_impl.hpp"

namespace lab {

using namespace rkeops;

struct Work {
  const char *name, *formula;
  std::vector<Argument> arguments;
  std::int64_t columns;
  int fma32, fma64;  // FMA instructions and products that a vector of pairs needs at least; subtractions take other units
};

inline const std::vector<Work>& works() {
  const auto vi = [](const char* n, std::int64_t d, int p) { return Argument{n, Category::i, d, p}; };
  const auto vj = [](const char* n, std::int64_t d, int p) { return Argument{n, Category::j, d, p}; };
  static const std::vector<Work> list = {
      {"Gaussian sum, D = 15", "Sum_Reduction(Exp(-SqDist(x,y))*b,1)", {vi("x", 15, 0), vj("y", 15, 1), vj("b", 15, 2)}, 30000, 42, 48},
      {"its gradient in y", "Sum_Reduction(Grad(Exp(-SqDist(x,y))*b,y,e),0)",
       {vi("x", 15, 0), vj("y", 15, 1), vj("b", 15, 2), vi("e", 15, 3)}, 30000, 59, 65},
      {"Gaussian sum, D = 3", "Sum_Reduction(Exp(-SqDist(x,y)),1)", {vi("x", 3, 0), vj("y", 3, 1)}, 30000, 15, 21},
      {"log-sum-exp, D = 3", "LogSumExp_Reduction(-SqDist(x,y),1)", {vi("x", 3, 0), vj("y", 3, 1)}, 30000, 15, 21},
      {"10 nearest, D = 3", "ArgKMin_Reduction(SqDist(x,y),10,1)", {vi("x", 3, 0), vj("y", 3, 1)}, 30000, 3, 3},
      {"argmin of 50, D = 2", "ArgMin_Reduction(SqDist(x,y),1)", {vi("x", 2, 0), vj("y", 2, 1)}, 50, 2, 2}};
  return list;
}

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline KernelPlan kernel_of(const Work& work, const Target& target, const Tiling& tiling) {
  Graph graph;
  Arguments arguments(work.arguments);
  const std::string formula = work.formula;
  Parser parser(graph, formula, arguments, differentiation());
  return generate(lower(invert_divisors(stages_of(parser.parse()).back())), target, tiling);
}

// The instruction set whose widest vector has this many bytes, of those of this machine.
inline std::string machine_flags(int vector_bytes) {
  return vector_bytes < 64 ? "-march=native -mno-avx512f" : "-march=native -mprefer-vector-width=512";
}

// A library made of a text; null, with the compiler's words on stderr, where that fails.
struct Code {
  void* library = nullptr;
  double compile_seconds = 0;
  template <class F>
  F function(const char* name) const { return reinterpret_cast<F>(dlsym(library, name)); }
};

inline Code compile(const std::string& text, const std::string& compiler, const std::string& flags, int vector_bytes) {
  char folder[] = "/tmp/rkeops-lab-XXXXXX";
  if (!mkdtemp(folder)) return {};
  const std::string stem = std::string(folder) + "/kernel";
  std::ofstream(stem + ".c") << text;
  const std::string command = compiler + " " + machine_flags(vector_bytes) + " -std=gnu11 " + flags +
                              " -ffp-contract=fast -fno-math-errno -fno-trapping-math -w -fPIC -shared " + stem + ".c -o " +
                              stem + ".so -lm";
  const double begin = now();
  const bool good = std::system(command.c_str()) == 0;
  Code code{nullptr, now() - begin};
  if (good) code.library = dlopen((stem + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (std::system((std::string("rm -rf ") + folder).c_str()) != 0) std::perror(folder);
  return code;
}

// Nanoseconds of one FMA instruction at this width and precision: ten chains, so that their latency does not count.
class FmaLoop {
 public:
  FmaLoop(const Target& target, const std::string& compiler) {
    Text text;
    text.line("typedef ", target.precision == Precision::float32 ? "float" : "double", " V __attribute__((vector_size(",
              target.vector_bytes, ")));");
    text.open("void fma_loop(V* p, long n)");
    for (int k = 0; k < 10; ++k) text.line("V a", k, " = p[", k, "];");
    text.line("const V b = p[10], c = p[11];");
    text.open("for (; n > 0; --n)");
    for (int k = 0; k < 10; ++k) text.line("a", k, " = a", k, " * b + c;");
    text.close();
    for (int k = 0; k < 10; ++k) text.line("p[", k, "] = a", k, ";");
    text.close();
    code_ = compile(text.string(), compiler, "-O2", target.vector_bytes);
    if (!code_.library) std::exit(1);
  }
  void turn() {
    constexpr long rounds = 2000;
    alignas(64) static unsigned char memory[12 * 64];
    const double begin = now();
    code_.function<void (*)(void*, long)>("fma_loop")(memory, rounds);
    best_ = std::min(best_, (now() - begin) / (10 * rounds));
  }
  double nanoseconds() const { return best_ * 1e9; }

 private:
  Code code_;
  double best_ = 1e9;
};

// One compiled kernel with data: a tile of rows, and as many columns as the runtime folds at a time.
class Run {
 public:
  Run(const KernelPlan& kernel, const Work& work, const Code& code) : kernel_(kernel), code_(code) {
    const std::int64_t column = std::max<std::int64_t>(1, kernel.column.width) * kernel.number_bytes();
    columns_ = std::min<std::int64_t>(work.columns, std::clamp<std::int64_t>((128 << 10) / column / 128 * 128, 128, 4096));
    fill(rows_, std::max<std::int64_t>(1, kernel.row.width) * kernel.tile_rows(), 0.57);
    fill(columns_data_, columns_ * std::max<std::int64_t>(1, kernel.column.width), 0.13);
    fill(parameters_, std::max<std::int64_t>(1, kernel.parameter.width), 0.29);
    work_ = Buffer<unsigned char>(static_cast<std::size_t>((kernel.work_vectors + 1) * kernel.vector_bytes));
    values_ = Buffer<double>(static_cast<std::size_t>((kernel.value_slots + 1) * kernel.tile_rows()));
    indices_ = Buffer<long long>(static_cast<std::size_t>((kernel.index_slots + 1) * kernel.tile_rows()));
    start_state(kernel, {values_.data(), indices_.data()});
  }

  void turn() {
    const auto fold = code_.function<Fold>("rkeops_fold");
    const double begin = now();
    fold(parameters_.data(), rows_.data(), columns_data_.data(), static_cast<long long>(columns_), 0, values_.data(), indices_.data(),
         work_.data());
    best_ = std::min(best_, now() - begin);
  }
  // Of a vector of pairs.
  double nanoseconds() const { return best_ * 1e9 / static_cast<double>(columns_ * kernel_.row_vectors); }
  double compile_seconds() const { return code_.compile_seconds; }
  const KernelPlan& kernel() const { return kernel_; }

 private:
  using Fold = void (*)(const void*, const void*, const void*, long long, long long, double*, long long*, void*);

  void fill(Buffer<unsigned char>& memory, std::int64_t count, double start) {
    memory = Buffer<unsigned char>(static_cast<std::size_t>(count * kernel_.number_bytes()));
    for (std::int64_t k = 0; k < count; ++k) {
      const double x = std::fmod(static_cast<double>(k + 1) * 0.7548776662466927 + start, 1.0) - 0.5;
      if (kernel_.precision == Precision::float32) reinterpret_cast<float*>(memory.data())[k] = static_cast<float>(x);
      else reinterpret_cast<double*>(memory.data())[k] = x;
    }
  }

  KernelPlan kernel_;
  Code code_;
  std::int64_t columns_;
  Buffer<unsigned char> rows_, columns_data_, parameters_, work_;
  Buffer<double> values_;
  Buffer<long long> indices_;
  double best_ = 1e9;
};

}  // namespace lab
