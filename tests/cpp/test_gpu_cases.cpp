// Every row of the R tests' case table (tests/testthat/case_table.txt) on the GPU target: its CUDA text goes through NVRTC and
// runs on the CPU, where it must give what the CPU's kernels give (which the R tests compare with R).
//   test_gpu_cases [--full]   NVRTC for all architectures; else each row for one, in turn (test_gpu.cpp has a few for all)
#include "gpu_fake.hpp"

using namespace check;

namespace {

const std::vector<Case>& table() {
  static const std::vector<Case> rows =
      case_table(std::filesystem::absolute(__FILE__).parent_path().string() + "/../testthat/case_table.txt");
  return rows;
}

void each(const std::function<void(std::int64_t, const Case&, Precision)>& body, std::int64_t shift) {
  CHECK(table().size() > 200);
  in_processes(2, static_cast<std::int64_t>(table().size()), [&](std::int64_t k) {
    body(k, table()[static_cast<std::size_t>(k)], (k + shift) % 4 < 2 ? Precision::float64 : Precision::float32);
  });
}

TEST("agreement") {
  use_fake_cuda();
  each([](std::int64_t, const Case& row, Precision precision) { compare(row, 7, 63, precision); }, 0);
}

TEST("nvrtc") {
  if (!real_nvrtc()) return skip("no NVRTC");
  each([](std::int64_t k, const Case& row, Precision precision) {
    if (option("--full")) return compile_for_all(*real_nvrtc(), row, precision);
    compile_for({in_turn(k)}, *real_nvrtc(), row, precision);
  }, 2);
}

}  // namespace
