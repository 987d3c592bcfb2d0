// Bounds of formulas: values that compiled kernels compute lie inside, for random formulas over every row of the
// operation table, in both precisions; known ranges come out tight.
//   test_bounds [first seed] [number of random kernels]   --full: all of the random boxes
#include <set>

#include "pair_kernel.hpp"
#include "random_formula.hpp"

using namespace check;

namespace {

// Random formulas of all rows of the table, not only where they are defined.
class WildFormula : public RandomFormula {
 public:
  explicit WildFormula(std::uint64_t seed) : RandomFormula(seed, 9) {}

  // smooth: of two variables, one of the rows and one of the columns, by rows that have slopes.
  std::string wild(std::int64_t dim, int depth, bool smooth) {
    if (smooth && (depth == 0 || chance(0.1))) return one_of_two(dim);
    if (depth == 0 || chance(0.1)) return chance(0.8) ? variable(dim) : expression(dim, 1);
    if (!smooth && chance(0.15)) return expression(dim, depth);
    const rkeops::Operation& row = pick_row(dim, smooth);
    std::string text = std::string(row.name) + "(";
    const bool horizontal = row.structure == rkeops::Structure::horizontal;
    bool first = true;
    for (const char* letter = row.signature; *letter; ++letter) {
      text += first ? "" : ",";
      text += *letter == 'n' ? std::to_string(number(row.op == Op::Pow ? -4 : 0, 5))
                             : wild(horizontal     ? smooth ? 3 : number(2, 5)
                                        : chance(0.25) ? 1
                                                   : dim,
                                    depth - 1, smooth);
      first = false;
    }
    return dim > 1 ? "(" + text + ")+Zero(" + std::to_string(dim) + "))" : text + ")";
  }

 private:
  std::string one_of_two(std::int64_t dim) {
    const bool row = chance(0.5);
    std::string& name = (row ? rows_ : columns_)[dim];
    if (name.empty()) name = declare(row ? "Vi" : "Vj", dim);
    return name;
  }

  const rkeops::Operation& pick_row(std::int64_t dim, bool smooth) {
    const auto& rows = rkeops::operations();
    if (smooth && chance(0.5)) return rkeops::operation(chance(0.5) ? Op::Mult : chance(0.7) ? Op::Subtract : Op::Add);
    while (true) {
      const rkeops::Operation& row =
          rows[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(rows.size()) - 1))];
      if (smooth && (!row.slope || std::string(row.domain) != "real")) continue;
      if (row.structure == rkeops::Structure::elementwise) return row;
      if (row.structure == rkeops::Structure::horizontal && dim == 1) return row;
    }
  }

  std::map<std::int64_t, std::string> rows_, columns_;
};

// Numbers of one box: of any size, in a wide box, a narrow one or a point; at times 0, whole, huge, not finite.
class RandomBox {
 public:
  RandomBox(std::mt19937_64& random) : random_(random) {
    const double scales[] = {0.1, 1, 1, 1, 3, 10, 1000}, widths[] = {0, 1e-6, 1e-3, 0.1, 0.1, 1, 1};
    scale_ = scales[random() % 7], width_ = widths[random() % 7] * scale_,
    center_ = scale_ * unit() * (random() % 4 ? 1 : 0);
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
      for (const std::int64_t to = std::min(count, from + (a.category == Category::j ? each : count)); from < to;
           ++from) {
        m.at(from, c) = number();
      }
    }
  }
  return m;
}

struct Found {
  long boxes = 0, known = 0, refined = 0, components = 0;

  void print() const {
    std::printf("%ld boxes; of %ld bounds %ld are known, %ld refined\n", boxes, components, known, refined);
  }
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
              for (std::int64_t d = 0; d < data[a].cols; ++d)
                where += show(data[a].at(c == Category::i ? r : c == Category::j ? j : 0, d)) + " ";
              where += ")";
            }
            return "component " + show(k) + ": " + show(x) + " is not in [" + show(low) + ", " + show(high) + "]" +
                   where;
          }
        }
      }
    }
  }
  return "";
}

void check_formula(const std::string& f, const std::vector<std::string>& declarations, int repeats, std::uint64_t seed,
                   Found& found, std::set<Op>* seen = nullptr) {
  std::string wrong;
  try {
    const PairFormula formula(f, declarations);
    for (const rkeops::Instruction& v : formula.program.instructions) {
      if (seen) seen->insert(v.operation->op);
    }
    std::mt19937_64 random(seed);
    wrong = check_boxes<float>(formula, repeats, random, found);
    if (!wrong.empty())
      wrong = "float32, " + wrong;
    else
      wrong = check_boxes<double>(formula, repeats, random, found);
  } catch (const std::exception& error) {
    wrong = std::string("exception: ") + error.what();
  }
  CHECK_THAT(wrong.empty(), wrong + "\n    " + f + "  with " + show(declarations) + ", seed " + show(seed));
}

// Some formulas side by side make a kernel.
void random_kernel(std::uint64_t seed, int repeats, Found& found) {
  WildFormula random(seed);
  std::string all;
  std::int64_t components = 0;
  while (components < 6) {
    const int depth = static_cast<int>(random.number(1, 6));
    const std::int64_t dim = random.number(1, 3);
    const std::string f = random.chance(0.3)   ? random.expression(dim, depth)
                          : random.chance(0.4) ? random.wild(dim, static_cast<int>(random.number(3, 5)), true)
                                               : random.wild(dim, std::min(depth, 4), false);
    if (f.size() > 300) continue;
    all = all.empty() ? f : "Concat(" + all + "," + f + ")";
    components += dim;
  }
  if (!random.declarations.empty()) check_formula(all, random.declarations, repeats, seed, found);
}

TEST("random formulas") {
  const bool full = option("--full");
  const std::uint64_t first = number(0, 1);
  const int kernels = static_cast<int>(number(1, full ? 200 : 24));
  Found found;
  for (int k = 0; k < kernels; ++k) random_kernel(first + static_cast<std::uint64_t>(k), full ? 50 : 42, found);
  found.print();
}

TEST("every entry of a table is looked at, if it is small") {
  for (const bool small : {true, false}) {
    const PairFormula formula(small ? "Lookup(a,x,y,3)" : "Lookup(a,x,y,40)",
                              {"x=Vi(1)", "y=Vj(1)", small ? "a=Pm(12)" : "a=Pm(2000)"});
    std::mt19937_64 random(1);
    Found found;
    CHECK_EQUAL(check_boxes<double>(formula, 10, random, found), std::string());
    CHECK((found.known > 0) == small);
  }
}

const std::vector<std::string> xy{"x=Vi(3)", "y=Vj(3)", "a=Pm(12)"};

// Each row by itself, as it is written, or where it comes from.
TEST("every row") {
  std::vector<std::string> formulas{"Sum(x*y)",
                                    "Max(x-y)",
                                    "Min(x*y)",
                                    "ArgMax(x-y)",
                                    "ArgMin(x*y)",
                                    "MatVecMult(a,y)",
                                    "Lookup(a,Elem(x,0),2*Elem(y,1),3)",
                                    "-(x*y)",
                                    "Gather(a,3*Elem(y,0),4)",
                                    "Grad(IfElse(Elem(x,0)-Elem(y,1),Sum(Sqrt(MatVecMult(a,y))),1),a,Elem(x,2))",
                                    "Concat(OneHot(2*Elem(y,1),4),Concat(Reverse(x*y),Real2Complex(y)))"};
  for (const rkeops::Operation& row : rkeops::operations()) {
    if (row.structure != rkeops::Structure::elementwise) continue;
    const char* const args[] = {"x*y", "y-x", "x", "Abs(y)"};
    std::string text = std::string(row.name) + "(";
    for (std::size_t k = 0; row.signature[k]; ++k) {
      text += k == 0 ? "" : ",";
      text += row.signature[k] == 'n' ? "3" : row.signature[1] ? args[k] : "(x-y)";
    }
    formulas.push_back(text + ")");
  }
  std::set<Op> seen;
  Found found;
  for (std::size_t from = 0; from < formulas.size(); from += 10) {
    std::string all = formulas[from];
    for (std::size_t k = from + 1; k < std::min(formulas.size(), from + 10); ++k)
      all = "Concat(" + all + "," + formulas[k] + ")";
    check_formula(all, xy, 100, from, found, &seen);
  }
  for (const rkeops::Operation& row : rkeops::operations()) {
    using rkeops::Structure;
    const Structure structure = row.structure;
    if (structure == Structure::elementwise || structure == Structure::horizontal || structure == Structure::gather ||
        structure == Structure::contraction) {
      CHECK_THAT(row.bound && seen.count(row.op), std::string(row.name) + " has a rule and occurs");
    }
  }
}

// Width of the bounds over the width of the range, which is that of all values at corners and some inside.
double looseness(const std::string& f, double center_x, double center_y, double width, bool refined) {
  const PairFormula formula(f, xy);
  PairKernel<double> kernel(formula, 1, 2048);
  std::mt19937_64 random(7);
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : formula.parsed.arguments) {
    const std::int64_t count = a.category == Category::i   ? kernel.rows()
                               : a.category == Category::j ? kernel.columns()
                                                           : 1;
    Matrix m = random_matrix(count, a.dim, random, 0, 1);
    for (std::int64_t c = 0; c < a.dim; ++c) {
      const double center = a.category == Category::i ? center_x : center_y;
      for (std::int64_t r = 0; r < count && a.category != Category::parameter; ++r) {
        const double corner = std::round(m.at(r, c));
        m.at(r, c) = center * (1 + (a.category == Category::i ? 0.3 : -0.2) * static_cast<double>(c)) +
                     width * (random() % 4 ? corner : m.at(r, c));
      }
    }
    data.push_back(m);
  }
  kernel.run(data);
  double low = inf, high = -inf;
  for (std::int64_t j = 0; j < kernel.columns(); ++j) {
    for (std::int64_t r = 0; r < kernel.rows(); ++r)
      low = std::min(low, kernel.value(r, j, 0)), high = std::max(high, kernel.value(r, j, 0));
  }
  return refined ? (kernel.refined_high[0] - kernel.refined_low[0]) / (high - low)
                 : (kernel.high[0] - kernel.low[0]) / (high - low);
}

struct Known {
  const char *name, *formula;
};
const Known known_kernels[] = {
    {"squared distance", "SqDist(x,y)"},
    {"Gaussian", "Exp(-SqDist(x,y))"},
    {"Laplace", "Exp(-Norm2(x-y))"},
    {"Cauchy", "Inv(1+SqDist(x,y))"},
    {"Matern 3/2", "(1+1.7320508*Norm2(x-y))*Exp(-1.7320508*Norm2(x-y))"},
    {"Matern 5/2", "(1+2.236068*Norm2(x-y)+1.6666667*SqDist(x,y))*Exp(-2.236068*Norm2(x-y))"},
    {"inverse multiquadric", "Rsqrt(1+SqDist(x,y))"},
    {"polynomial", "((x|y)+1)**3"},
    {"expanded squared distance", "SqNorm2(x)-2*(x|y)+SqNorm2(y)"},
    {"cosine", "(x|y)*Rsqrt(SqNorm2(x)*SqNorm2(y))"},
    {"cosine distance", "1-(x|y)/(Norm2(x)*Norm2(y))"},
    {"Manhattan", "Sum(Abs(x-y))"},
    {"Mahalanobis", "WeightedSqDist(Extract(a,0,9)-0.5,x,y)"},
    {"haversine",
     "2*Asin(Sqrt(Square(Sin(0.5*(Elem(x,0)-Elem(y,0))))+Cos(Elem(x,0))*Cos(Elem(y,0))*Square(Sin(0.5*(Elem(x,1)-Elem("
     "y,1))))))"}};

TEST("known kernels on random boxes") {
  Found found;
  for (const Known& known : known_kernels) check_formula(known.formula, xy, option("--full") ? 1000 : 100, 1, found);
  found.print();
}

// Bounds are at most 1.2 times as wide as the range on small boxes, as in the table in design/bounds.md.
TEST("tightness") {
  std::printf("%-26s   plain            refined\n%-26s", "box of width", "");
  for (double width : {0.1, 0.01, 0.1, 0.01}) std::printf("%8g", width);
  for (const auto& [name, f] : known_kernels) {
    std::printf("\n%-26s", name);
    for (bool refined : {false, true}) {
      for (double width : {0.1, 0.01}) {
        const double ratio = looseness(f, 0.5, 1.2, width, refined);
        std::printf("%8.3f", ratio);
        if (refined && width < 0.1) CHECK_THAT(ratio >= 1 && ratio < 1.2, std::string(name) + ": " + show(ratio));
      }
    }
  }
  std::printf("\n");
}

}  // namespace
