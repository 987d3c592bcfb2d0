// Random blocks of pairs, with data whose masks keep the same pairs: for tests of blocks on CPUs and on GPUs.
#pragma once

#include "check.hpp"
#include "rkeops/runtime/blocks.hpp"

namespace check {

inline const std::vector<std::string> block_variables{"x=Vi(2)", "y=Vj(2)", "b=Vj(1)", "a=Vi(1)", "u=Vi(7)", "v=Vj(7)", "w=Pm(1)"};
inline constexpr std::int32_t groups_i = 7, groups_j = 5;

// Random groups, of which one is empty and one keeps nothing; some rows are in no group. Mask: (u|v) is 1 where
// a pair is kept, else 0.
struct RandomBlocks {
  rkeops::BlockGroups groups;
  std::vector<std::string> declared = block_variables;
  std::vector<Matrix> data;

  RandomBlocks(std::int64_t m, std::int64_t n, std::mt19937_64& random, double share) {
    auto& [group_i, group_j, kept_i, kept_from, kept_to] = groups;
    const auto whole = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    const auto numbers = [&](std::int64_t rows, std::int64_t columns) {
      Matrix matrix = random_matrix(rows, columns, random);
      for (double& value : matrix.values) value = whole(-3, 3) / 2.0;
      return matrix;
    };
    for (std::int64_t k = 0; k < m; ++k) group_i.push_back(whole(-1, groups_i - 2));
    for (std::int64_t k = 0; k < n; ++k) group_j.push_back(whole(0, groups_j - 1));
    for (std::int32_t g = 1; g < groups_i; ++g) {
      for (std::int32_t h = 0; h < groups_j; ++h) {
        if (whole(0, 999) >= 1000 * share) continue;
        const auto at = static_cast<std::ptrdiff_t>(kept_i.size() / 2);  // in no particular order, and some of them twice
        kept_i.insert(kept_i.begin() + at, g);
        kept_from.insert(kept_from.begin() + at, h);
        kept_to.insert(kept_to.begin() + at, std::min(groups_j - 1, h + whole(0, 1)));
      }
    }
    Matrix u{m, groups_i, std::vector<double>(static_cast<std::size_t>(m * groups_i), 0)};
    Matrix v{n, groups_i, std::vector<double>(static_cast<std::size_t>(n * groups_i), 0)};
    for (std::int64_t k = 0; k < m; ++k) {
      if (group_i[static_cast<std::size_t>(k)] >= 0) u.at(k, group_i[static_cast<std::size_t>(k)]) = 1;
    }
    for (std::int64_t k = 0; k < n; ++k) {
      for (std::size_t b = 0; b < kept_i.size(); ++b) {
        const std::int32_t h = group_j[static_cast<std::size_t>(k)];
        if (kept_from[b] <= h && h <= kept_to[b]) v.at(k, kept_i[b]) = 1;
      }
    }
    data = {numbers(m, 2), numbers(n, 2), numbers(n, 1), numbers(m, 1), u, v, column({0})};
  }

  double kept() const {
    double pairs = 0;
    for (std::int64_t g = 0; g < groups_i; ++g) {
      const auto column = [&](const Matrix& m) {
        return std::count(m.values.begin() + g * m.rows, m.values.begin() + (g + 1) * m.rows, 1);
      };
      pairs += static_cast<double>(column(data[4])) * static_cast<double>(column(data[5]));
    }
    return pairs;
  }

  std::vector<Matrix> run(const std::string& formula, rkeops::RunOptions options, bool in_blocks = true) const {
    if (in_blocks) options.blocks = rkeops::make_blocks(groups);
    return check::run(formula, declared, data, options);
  }

  // `masked`: the formula with a mask, whose neutral value is w; it is computed on the CPU. Gives what blocks give.
  std::vector<Matrix> compare(const std::string& formula, const std::string& masked, const rkeops::RunOptions& options,
                              double neutral = 0) {
    data[6].values[0] = neutral;
    const std::vector<Matrix> expected = run(masked, run_options(options.precision), false), got = run(formula, options);
    const double tolerance = options.precision == rkeops::Precision::float32 ? 2e-4 : 1e-11;
    bool same = got.size() == expected.size();
    for (std::size_t p = 0; same && p < got.size(); ++p) {
      for (std::size_t k = 0; same && k < got[p].values.size(); ++k) {
        same = near(got[p].values[k], expected[p].values[k], tolerance * std::max(1.0, std::fabs(expected[p].values[k])));
      }
    }
    CHECK_THAT(same, formula + ", " + name_of(options.precision) + ", " + show(data[0].rows) + " x " + show(data[1].rows));
    return got;
  }
};

inline std::string in_mask(const std::string& formula) { return "IfElse((u|v)-0.5," + formula + ",w)"; }

}  // namespace check
