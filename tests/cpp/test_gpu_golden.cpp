// The reference answers on the GPU target, by the fake driver: every eighth, or all with the argument "all", which takes minutes.
#include "golden.hpp"
#include "gpu_fake.hpp"

using namespace check;

int main(int argc, char** argv) {
  const std::string here = __FILE__;
  const std::vector<Json> all = golden_cases(std::filesystem::absolute(here).parent_path().string() + "/../testthat/golden");
  CHECK(all.size() > 250);
  const Directory directory;
  use_fake_cuda(directory, here);
  const std::int64_t step = argc > 1 && std::string(argv[1]) == "all" ? 1 : 8, size = static_cast<std::int64_t>(all.size()) / step;
  in_processes(2, size, [&](std::int64_t k) {
    compare_golden(all[static_cast<std::size_t>(k * step)], gpu_options(k % 2 ? Precision::float32 : Precision::float64));
  });
  return finish();
}
