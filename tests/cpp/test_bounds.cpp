// Bounds of formulas: values that compiled kernels compute lie inside, for random formulas over every row of the operation
// table, in both precisions; known ranges come out tight.
//   test_bounds [first seed] [number of random kernels]   --full: all of the random boxes
#include "pair_kernel.hpp"
#include "random_formula.hpp"

using namespace check;

namespace {

// Random formulas of all rows of the table, not only where they are defined.
class WildFormula : public RandomFormula {
 public:
  explicit WildFormula(std::uint64_t seed) : RandomFormula(seed, 9) {}

  std::string wild(std::int64_t dim, int depth) {
    if (depth == 0 || chance(0.1)) return chance(0.8) ? variable(dim) : expression(dim, 1);
    if (chance(0.15)) return expression(dim, depth);
    const rkeops::Operation& row = pick_row(dim);
    std::string text = std::string(row.name) + "(";
    const bool horizontal = row.structure == rkeops::Structure::horizontal;
    bool first = true;
    for (const char* letter = row.signature; *letter; ++letter) {
      text += first ? "" : ",";
      text += *letter == 'n' ? std::to_string(number(row.op == Op::Pow ? -4 : 0, 5))
                             : wild(horizontal ? number(2, 5) : chance(0.25) ? 1 : dim, depth - 1);
      first = false;
    }
    if (dim > 1 && text.find("v") != std::string::npos) return "(" + text + ")+Zero(" + std::to_string(dim) + "))";
    return text + ")";
  }

 private:
  const rkeops::Operation& pick_row(std::int64_t dim) {
    const auto& rows = rkeops::operations();
    while (true) {
      const rkeops::Operation& row = rows[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(rows.size()) - 1))];
      if (row.structure == rkeops::Structure::elementwise) return row;
      if (row.structure == rkeops::Structure::horizontal && dim == 1) return row;
    }
  }
};

// Numbers of one box: of any size, in a wide box, a narrow one or a point; at times 0, whole, huge, not finite.
class RandomBox {
 public:
  RandomBox(std::mt19937_64& random) : random_(random) {
    const double scales[] = {0.1, 1, 1, 1, 3, 10, 1000}, widths[] = {0, 1e-6, 1e-3, 0.1, 0.1, 1, 1};
    scale_ = scales[random() % 7], width_ = widths[random() % 7] * scale_, center_ = scale_ * unit() * (random() % 4 ? 1 : 0);
    whole_ = random() % 6 == 0, odd_ = random() % 150 == 0;
  }
  double operator()() {
    double x = center_ + width_ * unit();
    if (whole_) x = std::round(x);
    if (odd_ && random_() % 4 == 0) {
      const double odd[] = {0, -0.0, 1e-40, 1e-310, 1e30, -1e200, inf, -inf, std::nan("")};
      x = odd[random_() % 9];
    }
    return x;
  }

 private:
  double unit() { return std::uniform_real_distribution<double>(-1, 1)(random_); }
  std::mt19937_64& random_;
  double scale_, width_, center_;
  bool whole_, odd_;
};

constexpr std::int64_t boxes = 5, each = 8;

Matrix random_data(const rkeops::Argument& a, std::int64_t rows, std::mt19937_64& random) {
  const std::int64_t count = a.category == Category::i ? rows : a.category == Category::j ? boxes * each : 1;
  Matrix m{count, a.dim, std::vector<double>(static_cast<std::size_t>(count * a.dim))};
  for (std::int64_t c = 0; c < a.dim; ++c) {
    for (std::int64_t from = 0; from < count;) {
      RandomBox number(random);
      for (const std::int64_t to = std::min(count, from + (a.category == Category::j ? each : count)); from < to; ++from) {
        m.at(from, c) = number();
      }
    }
  }
  return m;
}

struct Found {
  long boxes = 0, known = 0, refined = 0, components = 0;
};

// All values of all components against their bounds. "" or what is wrong.
template <class Real>
std::string check_boxes(const PairFormula& formula, int repeats, std::mt19937_64& random, Found& found) {
  PairKernel<Real> kernel(formula, boxes, each);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::vector<Matrix> data;
    for (const rkeops::Argument& a : formula.parsed.arguments) data.push_back(random_data(a, kernel.rows(), random));
    kernel.run(data);
    found.boxes += boxes;
    for (std::int64_t k = 0; k < kernel.bounds().results(); ++k) {
      for (std::int64_t b = 0; b < boxes; ++b) {
        const std::size_t at = static_cast<std::size_t>(k * boxes + b);
        const double low = kernel.refined_low[at], high = kernel.refined_high[at];
        ++found.components;
        if (std::isnan(low) && std::isnan(high)) continue;
        found.known += std::isfinite(low) || std::isfinite(high);
        found.refined += low > kernel.low[at] || high < kernel.high[at];
        for (std::int64_t j = b * each; j < (b + 1) * each; ++j) {
          for (std::int64_t r = 0; r < kernel.rows(); ++r) {
            const double x = kernel.value(r, j, k);
            if (low <= x && x <= high) continue;
            std::string where;
            for (std::size_t a = 0; a < data.size(); ++a) {
              const Category c = formula.parsed.arguments[a].category;
              where += "\n      " + formula.parsed.arguments[a].name + " = (";
              for (std::int64_t d = 0; d < data[a].cols; ++d) where += show(data[a].at(c == Category::i ? r : c == Category::j ? j : 0, d)) + " ";
              where += ")";
            }
            return "component " + show(k) + ": " + show(x) + " is not in [" + show(low) + ", " + show(high) + "]" + where;
          }
        }
      }
    }
  }
  return "";
}

void check_formula(const std::string& f, const std::vector<std::string>& declarations, int repeats, std::uint64_t seed, Found& found) {
  std::string wrong;
  try {
    const PairFormula formula(f, declarations);
    std::mt19937_64 random(seed);
    wrong = check_boxes<float>(formula, repeats, random, found);
    if (wrong.empty()) wrong = check_boxes<double>(formula, repeats, random, found);
    else wrong = "float32: " + wrong;
  } catch (const std::exception& error) {
    wrong = std::string("exception: ") + error.what();
  }
  CHECK_THAT(wrong.empty(), wrong + "\n    " + f + "  with " + show(declarations) + ", seed " + show(seed));
}

TEST("random formulas") {
  const std::uint64_t first = static_cast<std::uint64_t>(number(0, 1));
  const int kernels = static_cast<int>(number(1, option("--full") ? 200 : 20));
  Found found;
  for (int k = 0; k < kernels; ++k) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(k);
    WildFormula random(seed);
    for (int part = 0; part < 6; ++part) {
      const int depth = static_cast<int>(random.number(1, 6));
      const std::int64_t dim = random.number(1, 3);
      const std::string f = random.chance(0.6) ? random.wild(dim, std::min(depth, 4)) : random.expression(dim, depth);
      if (f.size() < 600 && !random.declarations.empty()) check_formula(f, random.declarations, 9, seed, found);
    }
  }
  std::printf("%ld boxes, %ld components, something known of %.0f %%, refined %.0f %%\n", found.boxes, found.components,
              100. * static_cast<double>(found.known) / static_cast<double>(found.components),
              100. * static_cast<double>(found.refined) / static_cast<double>(found.components));
}

// Width of the bounds over the width of the range, which is that of all values at corners and some inside.
double looseness(const std::string& f, const std::vector<std::string>& declarations, double center_x, double center_y, double width,
                 bool refined) {
  const PairFormula formula(f, declarations);
  PairKernel<double> kernel(formula, 1, 2048);
  std::mt19937_64 random(7);
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : formula.parsed.arguments) {
    const std::int64_t count = a.category == Category::i ? kernel.rows() : a.category == Category::j ? kernel.columns() : 1;
    Matrix m = random_matrix(count, a.dim, random, 0, 1);
    for (std::int64_t c = 0; c < a.dim; ++c) {
      const double center = a.category == Category::i ? center_x : center_y;
      for (std::int64_t r = 0; r < count && a.category != Category::parameter; ++r) {
        const double corner = std::round(m.at(r, c));
        m.at(r, c) = center * (1 + (a.category == Category::i ? 0.3 : -0.2) * static_cast<double>(c)) + width * (random() % 4 ? corner : m.at(r, c));
      }
    }
    data.push_back(m);
  }
  kernel.run(data);
  double low = inf, high = -inf;
  for (std::int64_t j = 0; j < kernel.columns(); ++j) {
    for (std::int64_t r = 0; r < kernel.rows(); ++r) low = std::min(low, kernel.value(r, j, 0)), high = std::max(high, kernel.value(r, j, 0));
  }
  return refined ? (kernel.refined_high[0] - kernel.refined_low[0]) / (high - low) : (kernel.high[0] - kernel.low[0]) / (high - low);
}

TEST("tightness") {
  const std::vector<std::string> xy{"x=Vi(3)", "y=Vj(3)"}, points{"x=Vi(2)", "y=Vj(2)"}, matrix{"x=Vi(3)", "y=Vj(3)", "a=Pm(9)"};
  const std::vector<std::tuple<const char*, const char*, std::vector<std::string>>> list = {
      {"squared distance", "SqDist(x,y)", xy},
      {"Gaussian", "Exp(-SqDist(x,y))", xy},
      {"Laplace", "Exp(-Norm2(x-y))", xy},
      {"Cauchy", "Inv(1+SqDist(x,y))", xy},
      {"Matern 3/2", "(1+1.7320508*Norm2(x-y))*Exp(-1.7320508*Norm2(x-y))", xy},
      {"Matern 5/2", "(1+2.236068*Norm2(x-y)+1.6666667*SqDist(x,y))*Exp(-2.236068*Norm2(x-y))", xy},
      {"inverse multiquadric", "Rsqrt(1+SqDist(x,y))", xy},
      {"polynomial", "((x|y)+1)**3", xy},
      {"expanded squared distance", "SqNorm2(x)-2*(x|y)+SqNorm2(y)", xy},
      {"cosine", "(x|y)*Rsqrt(SqNorm2(x)*SqNorm2(y))", xy},
      {"Manhattan", "Sum(Abs(x-y))", xy},
      {"Mahalanobis", "WeightedSqDist(a,x,y)", matrix},
      {"haversine",
       "2*Asin(Sqrt(Square(Sin(0.5*(Elem(x,0)-Elem(y,0))))+Cos(Elem(x,0))*Cos(Elem(y,0))*Square(Sin(0.5*(Elem(x,1)-Elem(y,1))))))",
       points}};
  std::printf("%-26s   plain            refined\n%-26s", "box of width", "");
  for (double width : {0.1, 0.01, 0.1, 0.01}) std::printf("%8g", width);
  for (const auto& [name, f, declarations] : list) {
    std::printf("\n%-26s", name);
    for (bool refined : {false, true}) {
      for (double width : {0.1, 0.01}) {
        const double ratio = looseness(f, declarations, 0.5, 1.2, width, refined);
        std::printf("%8.3f", ratio);
        if (refined && width < 0.1) CHECK_THAT(ratio >= 1 && ratio < 1.2, std::string(name) + ": " + show(ratio));
      }
    }
  }
  std::printf("\n");
}

}  // namespace
