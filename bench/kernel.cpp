// The text of one kernel, and the time of variants of it that were written by hand or compiled with other flags:
//   g++ -std=c++17 -O2 -Iinst/include bench/kernel.cpp -o kernel -ldl -pthread
//   ./kernel text 0 float32 32 3x3 > a.c            work 0 of kernel_lab.hpp, vectors of 32 bytes, a tile of 3 rows x 3 columns
//   ./kernel time 0 float32 32 3x3:a.c "3x3:b.c:-O3 -mtune=native" "3x3:b.c"
// Variants take turns on one thread; ratios are to the throughput of FMA instructions in the same run.
#include <iterator>

#include "kernel_lab.hpp"

namespace {

using namespace rkeops;

struct Variant {
  Tiling tiling{1, 1, 4};
  std::string file, flags = "-O2";
};

// ROWSxCOLUMNS[:FILE[:FLAGS]]
Variant variant_of(const std::string& words) {
  Variant v;
  const std::size_t file = words.find(':'), flags = file == std::string::npos ? file : words.find(':', file + 1);
  v.tiling.row_vectors = std::atoi(words.c_str());
  v.tiling.columns = std::atoi(words.c_str() + words.find('x') + 1);
  if (file != std::string::npos) v.file = words.substr(file + 1, flags == std::string::npos ? flags : flags - file - 1);
  if (flags != std::string::npos) v.flags = words.substr(flags + 1);
  return v;
}

int time(const lab::Work& work, const Target& target, const std::vector<Variant>& variants) {
  const char* named = std::getenv("CC");
  const std::string compiler = named ? named : "cc";
  lab::FmaLoop fma(target, compiler);
  std::vector<std::unique_ptr<lab::Run>> runs;
  for (const Variant& v : variants) {
    std::ifstream file(v.file);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const lab::Code code = lab::compile(text, compiler, v.flags, target.vector_bytes);
    if (!code.library) return 1;
    runs.push_back(std::make_unique<lab::Run>(lab::kernel_of(work, target, v.tiling), work, code));
  }
  for (int round = 0; round < 200; ++round) {
    fma.turn();
    for (auto& run : runs) run->turn();
  }
  const int bound = target.precision == Precision::float32 ? work.fma32 : work.fma64;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const double vector = runs[k]->nanoseconds();
    std::printf("%-60s %.3f ns per pair, %.1f FMA instructions, %.3f of the bound, compiled in %.2f s\n",
                (variants[k].file + " " + variants[k].flags).c_str(), vector / target.lanes(), vector / fma.nanoseconds(),
                vector / fma.nanoseconds() / bound, runs[k]->compile_seconds());
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 6) return std::fputs("see the head of kernel.cpp\n", stderr), 2;
  const lab::Work& work = lab::works().at(static_cast<std::size_t>(std::atoi(words[2])));
  Target target;
  target.precision = std::string(words[3]) == "float32" ? Precision::float32 : Precision::float64;
  target.vector_bytes = std::atoi(words[4]);
  std::vector<Variant> variants;
  for (int k = 5; k < count; ++k) variants.push_back(variant_of(words[k]));
  if (std::string(words[1]) == "time") return time(work, target, variants);
  std::fputs(lab::kernel_of(work, target, variants[0].tiling).text.c_str(), stdout);
}
