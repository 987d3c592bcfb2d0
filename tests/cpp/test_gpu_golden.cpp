// The reference answers on the GPU target, by the fake driver: every eighth, or with --full all, which takes minutes.
#include "golden.hpp"
#include "gpu_fake.hpp"

using namespace check;

TEST("golden") {
  const std::vector<Json> all =
      golden_cases(std::filesystem::absolute(__FILE__).parent_path().string() + "/../testthat/golden");
  CHECK(all.size() > 250);
  use_fake_cuda();
  const std::int64_t step = option("--full") ? 1 : 8, size = static_cast<std::int64_t>(all.size()) / step;
  in_processes(2, size, [&](std::int64_t k) {
    compare_golden(all[static_cast<std::size_t>(k * step)], gpu_options(k % 2 ? Precision::float32 : Precision::float64));
  });
}
