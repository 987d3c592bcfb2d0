// The GPU target without a GPU: the CUDA text of many formulas goes through the real NVRTC for several architectures (skipped
// where there is none), and runs on the CPU under cuda_on_cpu.hpp, through the whole runtime and a fake driver; both
// precisions, sizes around those of tiles, splits and pieces. What drivers are particular about, and how they fail, is in
// test_gpu_driver.cpp.
#include <cstring>
#include <list>

#include "gpu_fake.hpp"

using namespace check;

namespace {
// First the tests in children, which must open the driver themselves.

// Pieces that fit the memory give what the whole gives; so do several devices.
TEST("pieces") {
  use_fake_cuda();
  for (const Case& c : {cases()[0], cases()[13]}) {
    const auto compute = [&](std::vector<int> devices) { return on_gpu(c, 1100, 9000, Precision::float64, std::move(devices)); };
    in_child("streaming", {}, [&] {
      const auto whole = compute({0});
      setenv("FAKE_CUDA_MEMORY", "700000", 1);
      return same_bits(compute({0}), whole);
    });
    in_child("three devices", {{"FAKE_CUDA_DEVICES", "3"}}, [&] { return same_bits(compute({0, 2, 1}), compute({0})); });
  }
}

// Matrices that may be kept go to each GPU once, until they are forgotten or their memory is needed.
TEST("resident") {
  use_fake_cuda();
  const Case c = cases()[0];
  const auto uploads = [](const std::function<void()>& body) {
    const unsigned long long before = fake_count("fake_cuda_uploaded");
    body();
    return fake_count("fake_cuda_uploaded") - before;
  };
  in_child("resident", {{"FAKE_CUDA_DEVICES", "2"}}, [&] {
    const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
    const auto data = data_for(program->arguments(), 700, 900);
    auto views = inputs(data);
    const unsigned long long all = 8 * (700 * 3 + 900 * 3 + 900 * 2);
    const auto expected = run(*program, views, gpu_options(Precision::float64));
    bool good = uploads([&] { good = same_bits(run(*program, views, gpu_options(Precision::float64)), expected); }) >= all;
    views[0].keep = views[1].keep = true;
    const auto compute = [&](Precision precision, std::vector<int> devices) {
      rkeops::RunOptions options = gpu_options(precision);
      options.devices = std::move(devices);
      return run(*program, views, options);
    };
    const unsigned long long some = 8 * 900 * 2 + 64;
    good = uploads([&] { compute(Precision::float64, {0}); }) >= all && good;
    good = uploads([&] { good = same_bits(compute(Precision::float64, {0}), expected) && good; }) <= some && good;
    good = uploads([&] { compute(Precision::float32, {0}); }) <= some && good;
    good = uploads([&] { compute(Precision::float64, {0, 1}); }) >= all && good;
    good = uploads([&] { good = same_bits(compute(Precision::float64, {1, 0}), expected) && good; }) <= 2 * some && good;
    const std::int64_t held = rkeops::ResidentMatrices::instance().bytes();
    rkeops::forget(views[0].data);
    good = rkeops::ResidentMatrices::instance().bytes() < held && good;
    good = uploads([&] { compute(Precision::float64, {0}); }) > some && good;
    return good;
  });
  in_child("what is not in use gives way", {{"FAKE_CUDA_MEMORY", "300000"}}, [&] {
    const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
    std::list<std::vector<Matrix>> alive;
    const auto compute = [&](bool keep) {
      alive.push_back(data_for(program->arguments(), 700, 900));
      auto views = inputs(alive.back());
      views[0].keep = views[1].keep = keep;
      return run(*program, views, gpu_options(Precision::float64));
    };
    const auto expected = compute(false);
    bool good = true;
    for (int k = 0; k < 12; ++k) good = same_bits(compute(true), expected) && good;
    return good;
  });
}

// An evaluation: what is not set stays on the device, and goes when it ends.
TEST("evaluations") {
  use_fake_cuda();
  in_child("an evaluation", {}, [] {
    const Case c = cases()[0];
    const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
    auto data = data_for(program->arguments(), 700, 900);
    const rkeops::RunOptions options = gpu_options(Precision::float64);
    std::vector<Matrix> result{{700, 2, std::vector<double>(1400)}};
    const std::vector<double*> memory{result[0].values.data()};
    auto evaluation = program->prepare(inputs(data), options, {});
    evaluation->run(memory, {});
    bool good = same_bits(result, run(*program, inputs(data), options));
    std::mt19937_64 random(1);
    for (int k = 0; k < 3; ++k) {
      data[2] = random_matrix(900, 2, random);
      evaluation->set(2, data[2].input());
      const unsigned long long before = fake_count("fake_cuda_uploaded");
      evaluation->run(memory, {});
      good = fake_count("fake_cuda_uploaded") - before <= 8 * 900 * 2 + 64 && good;
      good = same_bits(result, run(*program, inputs(data), options)) && good;
    }
    good = rkeops::ResidentMatrices::instance().bytes() > 0 && good;
    evaluation.reset();
    return rkeops::ResidentMatrices::instance().bytes() == 0 && good;
  });
}

// Launch ranges whose splits take turns are merged in the order of the columns: the first of equal ones wins.
TEST("launch ranges") {
  use_fake_cuda();
  in_child("launch_ranges", {}, [] {
    const rkeops::KernelPlan kernel = gpu_kernels({"Min_ArgMin_Reduction(y,1)", {"y=Vj(1)"}}, Precision::float64)[0];
    const std::int64_t n = 9000;
    Matrix y = column(std::vector<double>(static_cast<std::size_t>(n), 1.0));
    y.values[3000] = y.values[5000] = 0;
    std::vector<double> least(1), position(1);
    rkeops::StageData data{{}, {rkeops::Source{y.input()}}, {}, 1, n, {least.data(), position.data()}};
    rkeops::Schedule schedule = rkeops::dense_gpu_schedule(kernel, 1, n);
    const bool is_split = schedule.column_splits == 2 && schedule.tasks.size() == 1;
    schedule.tasks = {{{0, 1}, {0, 4096}, 0}, {{0, 1}, {4096, 8192}, 0}, {{0, 1}, {8192, n}, 0}};
    const rkeops::RunOptions options = gpu_options(Precision::float64);
    rkeops::GpuStage<double>(kernel, rkeops::digest_of(kernel.text), data, schedule).run({options, {}, 0, 1});
    return is_split && least[0] == 0 && position[0] == 3001;
  });
}

// Launches are as long as the GPU is fast, and results do not depend on it.
TEST("launches") {
  use_fake_cuda();
  in_child("a slow GPU", {{"FAKE_CUDA_DEVICES", "2"}, {"FAKE_CUDA_SLOW", "1"}}, [] {
    const auto compute = [](int device) { return on_gpu(cases()[0], 2500, 9000, Precision::float64, {device}); };
    const auto fast = compute(0);
    const unsigned long long few = fake_count("fake_cuda_launches");
    return same_bits(compute(1), fast) && fake_count("fake_cuda_launches") > 2 * few;
  });
  const auto cost = [](const char* formula, std::vector<std::string> declarations) {
    return gpu_kernels({formula, std::move(declarations)}, Precision::float32)[0].cost;
  };
  const double three = cost("Sum_Reduction(Exp(-SqDist(x,y)),1)", {"x=Vi(3)", "y=Vj(3)"}),
               fifteen = cost("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", {"x=Vi(15)", "y=Vj(15)", "b=Vj(15)"}),
               tensor = cost("Sum_Reduction(MatVecMult(TensorProd(x,y),x),1)", {"x=Vi(30)", "y=Vj(30)"});
  CHECK(three > 10 && three < 40);
  CHECK(fifteen > 50 && fifteen < 150);
  CHECK(tensor > 900);
}

// What cannot be shared out over blocks is refused where it does not fit.
TEST("long results") {
  use_fake_cuda();
  const Case weights{"SumSoftMaxWeight_Reduction(Sum(x),TensorProd(x,y),1)", {"x=Vi(100)", "y=Vj(100)"}};
  in_child("too long for the GPU", {{"FAKE_CUDA_MEMORY", "100000000"}}, [&] {
    const std::string wrong =
        throws([&] { on_gpu(weights, 5, 5, Precision::float32); }, {rkeops::ErrorKind::memory, "too long for GPU 0"});
    std::printf("%s", wrong.c_str());
    return wrong.empty();
  });
  for (const Case& c : long_cases()) {
    for (Precision precision : {Precision::float32, Precision::float64}) compare(c, 150, 70, precision);
  }
  compare(long_cases()[0], 3, 9000, Precision::float32);  // columns are split too
  // What threads keep lies in registers and little memory, as PTX says.
  for (Precision precision : {Precision::float32, Precision::float64}) {
    const Case tensor{"Sum_Reduction(TensorProd(x,y),1)", {"x=Vi(100)", "y=Vj(100)"}};
    const rkeops::KernelPlan kernel = gpu_kernels(tensor, precision)[0];
    CHECK(kernel.windows() > 1 && kernel.windows() * kernel.window >= 10000);
    if (!real_nvrtc()) continue;
    const std::string ptx = real_nvrtc()->compile_for("compute_80", kernel.text), local = "__local_depot";
    long bytes = 0;
    for (std::size_t at = 0; (at = ptx.find(local, at)) != std::string::npos; at += local.size()) {
      const std::size_t open = ptx.find_first_of("[;", at);
      if (ptx[open] == '[') bytes = std::max(bytes, std::atol(ptx.c_str() + open + 1));
    }
    CHECK_THAT(bytes > 0 && bytes <= 4096, "TensorProd, D = 100: " + show(bytes) + " bytes of local memory");
  }
}

TEST("tensor cores") {
  use_fake_cuda();
  for (const Case& c : product_cases()) {
    for (const std::int64_t n : {16, 300}) compare_products(c, n);
  }
}

TEST("agreement") {
  use_fake_cuda();
  std::size_t k = 0;
  for (const Case& c : cases()) {
    for (Precision precision :
         {k % 2 ? Precision::float32 : Precision::float64, k % 2 ? Precision::float64 : Precision::float32}) {
      compare(c, 37, 300, precision);
      if (!option("--full")) break;
    }
    ++k;
  }
}

// Around the sizes of blocks, tiles, shared memory and splits.
TEST("sizes") {
  use_fake_cuda();
  const Case sum = cases()[0], nearest = cases()[13], soft = cases()[5];
  for (std::int64_t m : {1, 127, 128, 512, 513}) {
    for (std::int64_t n : {1, 2, 255, 257}) compare(sum, m, n, Precision::float64);
  }
  for (const Case& c : {sum, nearest, soft}) {
    for (std::int64_t n : {4096, 8192, 8193, 20000}) compare(c, 3, n, Precision::float32);
  }
  const Case many{"KMin_ArgKMin_Reduction(SqDist(x,y),60,1)", {"x=Vi(3)", "y=Vj(3)"}},
      vectors{"KMin_ArgKMin_Reduction(x*y,50,0)", {"x=Vi(3)", "y=Vj(3)"}};
  for (std::int64_t n : {60, 300, 8193}) compare(many, 130, n, Precision::float32);
  compare(many, 3, 20000, Precision::float64);
  compare(vectors, 100, 37, Precision::float64);
  const Case entries{"Entries_Reduction(SqDist(x,y)*x,1)", {"x=Vi(3)", "y=Vj(3)"}},
      columns{"Entries_Reduction(y,1)", {"x=Vi(1)", "y=Vj(2)"}};
  for (std::int64_t m : {1, 127, 513}) {
    for (std::int64_t n : {1, 63, 64, 65, 4097}) compare(entries, m, n, Precision::float64);
  }
  compare(entries, 40000, 300, Precision::float32);
  compare(columns, 70, 5000, Precision::float32);
  const Case both{"SumBoth_Reduction(Exp(-SqDist(x,y)),Exp(-SqDist(x,y))*x,1)", {"x=Vi(3)", "y=Vj(3)"}};
  compare(both, 300, 200, Precision::float32);
  compare(both, 20, 9000, Precision::float64);
  const auto empty = on_gpu(sum, 0, 5, Precision::float64);
  CHECK_EQUAL(empty[0].rows, std::int64_t{0});
  CHECK_EQUAL(on_gpu(sum, 2, 0, Precision::float64)[0].values, (std::vector<double>{0, 0, 0, 0}));
}

TEST("nvrtc") {
  use_fake_cuda();
  const rkeops::Nvrtc* real = real_nvrtc();
  if (!real) return skip("no NVRTC");
  std::vector<Case> all = cases();
  for (const Case& c : long_cases()) all.push_back(c);
  in_processes(2, static_cast<std::int64_t>(all.size()), [&](std::int64_t k) {
    const Case& c = all[static_cast<std::size_t>(k)];
    for (Precision precision : {Precision::float32, Precision::float64}) {
      // The text asks for the architecture only where it writes all values.
      if (option("--full") || c.formula.rfind("Entries", 0) == 0) {
        compile_for_all(*real, c, precision);
      } else if ((k % 2 == 0) == (precision == Precision::float32)) {
        compile_for({in_turn(k)}, *real, c, precision);
      }
    }
  });
  for (const Case& c : product_cases()) compile_for_all(*real, c, Precision::float32, true);
}

}  // namespace
