// Every row of the R tests' case table (tests/testthat/case_table.txt) on the GPU target: its CUDA text goes through NVRTC for
// three architectures, and runs on the CPU, where it must give what the CPU's kernels give (which the R tests compare with R).
#include "gpu_fake.hpp"

using namespace check;

int main(int argc, char** argv) {
  const std::string here = __FILE__, only = argc > 1 ? argv[1] : "";
  const std::vector<Case> table = case_table(here.substr(0, here.rfind('/')) + "/../testthat/case_table.txt");
  CHECK(table.size() > 200);
  const Directory directory;
  use_fake_cuda(directory, here);
  const auto precision_of = [](std::int64_t k) { return k % 4 < 2 ? Precision::float64 : Precision::float32; };
  const auto size = static_cast<std::int64_t>(table.size());
  if (only != "nvrtc") {
    in_processes(2, size, [&](std::int64_t k) { compare(table[static_cast<std::size_t>(k)], 7, 63, precision_of(k)); });
  }
  if (only == "agreement") return finish();
  if (!real_nvrtc()) {
    skip("no NVRTC");
    return finish();
  }
  in_processes(2, size, [&](std::int64_t k) {
    compile_for_all(*real_nvrtc(), table[static_cast<std::size_t>(k)], precision_of(k + 2));
  });
  return finish();
}
