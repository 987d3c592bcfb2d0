// What a pair costs where columns come leaf by leaf, from near to far, as in a walk of a tree, on one thread:
//   g++ -std=c++17 -O2 -Iinst/include bench/ordered.cpp -o ordered -ldl -pthread && ./ordered
// Plain kernels with all columns in one call and leaf by leaf; ordered ones leaf by leaf. They take turns; ratios are to the
// first.
#include <algorithm>
#include <random>

#include "kernel_lab.hpp"

namespace {

using namespace rkeops;

struct Variant {
  const char* name;
  bool ordered, bars;
  std::int64_t leaf;
  bool fresh;  // begins with nothing; else nothing new is seen
  double best = 1e9;
};

struct Setting {
  const char* formula;
  std::int64_t dim, leaves;
};

// Points of unit cubes on a lattice around the one of the rows, from near to far, `each` in a cube.
std::vector<double> columns_of(std::int64_t dim, std::int64_t count, std::int64_t each, std::mt19937_64& random) {
  std::vector<std::vector<int>> cubes{{}};
  for (std::int64_t c = 0; c < dim; ++c) {
    std::vector<std::vector<int>> more;
    for (const auto& cube : cubes) {
      for (int at = -4; at <= 4; ++at) more.push_back(cube), more.back().push_back(at);
    }
    cubes = more;
  }
  const auto distance = [](const std::vector<int>& cube) {
    int sum = 0;
    for (int at : cube) sum += at * at;
    return sum;
  };
  std::stable_sort(cubes.begin(), cubes.end(), [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  std::uniform_real_distribution<double> number(0, 1);
  std::vector<double> y;
  for (std::int64_t j = 0; j < count; ++j) {
    for (int at : cubes.at(static_cast<std::size_t>(j / each))) y.push_back(at + number(random));
  }
  return y;
}

template <class Real>
void measure(const Setting& setting, Precision precision) {
  Target target = cpu_target(precision);
  const auto tile_of = [&](bool ordered) {
    Graph graph;
    Arguments arguments(std::vector<Argument>{{"x", Category::i, setting.dim, 0}, {"y", Category::j, setting.dim, 1}});
    const std::string formula = setting.formula;
    Parser parser(graph, formula, arguments, differentiation());
    return generate(lower(invert_divisors(stages_of(parser.parse()).back())), target, ordered);
  };
  const KernelPlan plans[] = {tile_of(false), tile_of(true)};
  const lab::Code codes[] = {lab::compile(plans[0].text, "cc", "-O2", target.vector_bytes),
                             lab::compile(plans[1].text, "cc", "-O2", target.vector_bytes)};
  const std::int64_t tile = plans[0].tile_rows(), count = setting.leaves * 32;
  std::mt19937_64 random(1);
  const std::vector<double> y = columns_of(setting.dim, count, 32, random);
  Buffer<Real> rows(static_cast<std::size_t>(tile * setting.dim)), columns(static_cast<std::size_t>(count * setting.dim));
  std::uniform_real_distribution<double> number(0, 1);
  for (std::int64_t k = 0; k < tile * setting.dim; ++k) rows.data()[k] = static_cast<Real>(number(random));
  for (std::int64_t k = 0; k < count * setting.dim; ++k) columns.data()[k] = static_cast<Real>(y[static_cast<std::size_t>(k)]);
  std::vector<int> numbers(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<int>(k);
  std::shuffle(numbers.begin(), numbers.end(), random);
  const std::int64_t work_vectors = std::max(plans[0].work_vectors, plans[1].work_vectors) + 1;
  Buffer<unsigned char> work(static_cast<std::size_t>(work_vectors * target.vector_bytes));
  Buffer<double> values(static_cast<std::size_t>((plans[0].value_slots + 1) * tile));
  Buffer<long long> indices(static_cast<std::size_t>((plans[0].index_slots + 1) * tile));
  const State state{values.data(), indices.data()};
  using Fold = void (*)(const void*, const void*, const void*, long long, long long, double*, long long*, void*);
  using FoldOrdered =
      void (*)(const void*, const void*, const void*, long long, const int*, double*, long long*, void*, int, Bar*);
  const auto plain = codes[0].template function<Fold>("rkeops_fold");
  const auto ordered = codes[1].template function<FoldOrdered>("rkeops_fold_ordered");
  std::vector<Variant> variants;
  for (bool fresh : {true, false}) {
    variants.push_back({"plain, one call", false, false, count, fresh});
    variants.push_back({"plain, 32 columns a call", false, false, 32, fresh});
    variants.push_back({"ordered, 32", true, false, 32, fresh});
    variants.push_back({"ordered, 32, with bars", true, true, 32, fresh});
    variants.push_back({"ordered, 64, with bars", true, true, 64, fresh});
  }
  const auto fold = [&](const Variant& v) {
    bool resumes = false;
    Bar bar;
    for (std::int64_t j = 0; j < count; j += v.leaf) {
      const std::int64_t n = std::min(v.leaf, count - j);
      const Real* from = columns.data() + j * setting.dim;
      if (v.ordered) {
        ordered(nullptr, rows.data(), from, n, numbers.data() + j, values.data(), indices.data(), work.data(), resumes,
                v.bars ? &bar : nullptr);
      } else {
        plain(nullptr, rows.data(), from, n, j, values.data(), indices.data(), work.data());
      }
      resumes = v.bars;
    }
    if (v.bars) {
      ordered(nullptr, rows.data(), columns.data(), 0, numbers.data(), values.data(), indices.data(), work.data(), 1, nullptr);
    }
  };
  for (int round = 0; round < 300; ++round) {
    for (Variant& v : variants) {
      start_state(plans[v.ordered], state);
      if (!v.fresh) fold(v);
      const double begin = lab::now();
      fold(v);
      v.best = std::min(v.best, lab::now() - begin);
    }
  }
  std::printf("%s, D = %d, %d columns, %s, tile of %d rows\n", setting.formula, static_cast<int>(setting.dim),
              static_cast<int>(count), name_of(precision), static_cast<int>(tile));
  for (const Variant& v : variants) {
    std::printf("  %s%-26s %.3f ns per pair, %.2f\n", v.fresh ? "" : "seen: ", v.name,
                v.best * 1e9 / static_cast<double>(tile * count), v.best / variants[0].best);
  }
}

}  // namespace

int main() {
  const Setting settings[] = {{"ArgKMin_Reduction(SqDist(x,y),10,1)", 3, 24},
                              {"ArgMin_Reduction(SqDist(x,y),1)", 2, 8},
                              {"ArgKMin_Reduction(SqDist(x,y),60,1)", 3, 40}};
  for (const Setting& setting : settings) {
    measure<float>(setting, Precision::float32);
    measure<double>(setting, Precision::float64);
  }
}
