// Generated kernels against the interpreter: random formulas under every reduction, gradients of them, and formulas
// that mix short and long vectors in ways that code generation treats one by one.
//   test_kernels [first seed] [number of random formulas] [greatest depth]
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interpret.hpp"
#include "processes.hpp"
#include "random_formula.hpp"

using namespace check;

namespace {

std::string reduction_text(RandomFormula& random, int depth, std::string& output_declaration, bool& smooth) {
  const auto& kinds = rkeops::reductions();
  std::size_t which =
      random.chance(0.4) ? 0 : static_cast<std::size_t>(random.number(0, static_cast<std::int64_t>(kinds.size()) - 1));
  for (const rkeops::Reducer* other : {&rkeops::two_sided_reducer(), &rkeops::entries_reducer(), &rkeops::where_reducer()}) {
    if (kinds[which].reducer == other) which = 0;  // test_both.cpp, test_entries.cpp, test_where.cpp
  }
  const rkeops::Reduction& kind = kinds[which];
  const std::int64_t axis = random.number(0, 1);
  std::int64_t dim = random.any_dim();
  std::string f, middle;
  if (kind.reducer == &rkeops::softmax_reducer()) {
    f = random.expression(1, depth);
    if (kind.weighted())
      middle = kind.finish == rkeops::Reduction::Finish::ratio ? random.expression(dim, depth - 1)
                                                               : "(1.5+Sin(" + random.expression(dim, depth - 1) + "))";
    else if (kind.finish == rkeops::Reduction::Finish::log) f = random.expression(dim, depth);
    else dim = 1;
  } else {
    f = random.expression(dim, depth);
    if (kind.reducer == &rkeops::nearest_reducer()) middle = std::to_string(random.number(1, 4));
  }
  const bool pair = kind.finish == rkeops::Reduction::Finish::pair;
  smooth = kind.reducer == &rkeops::sum_reducer() || (kind.reducer == &rkeops::softmax_reducer() && !pair);
  output_declaration = (axis == 1 ? "Vi(" : "Vj(") + std::to_string(dim) + ")";
  return std::string(kind.name) + "_Reduction(" + f + "," + (middle.empty() ? "" : middle + ",") + std::to_string(axis) + ")";
}

// Compares `rows` rows of the engine's result with the interpreter's. "" or what differs.
std::string compare(const std::string& formula, const std::vector<std::string>& declarations, std::int64_t m, std::int64_t n,
                    std::uint64_t seed, rkeops::Precision precision, int rows = 3) {
  Parsed plain(formula, declarations, false);
  std::mt19937_64 random(seed);
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : plain.arguments) {
    data.push_back(random_matrix(a.category == Category::i ? m : a.category == Category::j ? n : 1, a.dim, random));
  }
  const auto program = rkeops::Program::create(formula, plain.arguments);
  const std::vector<Matrix> got = run(*program, inputs(data), run_options(precision));
  const Expr root = check::stages(plain.root).back();
  const bool has_i =
      std::any_of(plain.arguments.begin(), plain.arguments.end(), [](const auto& a) { return a.category == Category::i; });
  const bool has_j =
      std::any_of(plain.arguments.begin(), plain.arguments.end(), [](const auto& a) { return a.category == Category::j; });
  Interpreter exact(data, has_i ? m : 1, has_j ? n : 1), coarse(data, has_i ? m : 1, has_j ? n : 1, true);
  const bool single = precision == rkeops::Precision::float32;
  const rkeops::Reduction& kind = reduction_of(root);
  const std::int64_t total = exact.size(result_category(root));
  for (const Matrix& part : got) {
    if (part.rows != total) return "the result has " + show(part.rows) + " rows, not " + show(total);
  }
  std::vector<std::int64_t> chosen{0, total - 1};
  for (int k = 2; k < rows; ++k) chosen.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(total)));
  for (std::int64_t r : chosen) {
    const std::vector<Values> expected = exact.row(root, r), rough = coarse.row(root, r);
    for (std::size_t p = 0; p < got.size(); ++p) {
      const bool index = kind.indices && p + 1 == got.size();
      double scale = 1;
      for (double x : expected[p]) {
        if (std::isfinite(x)) scale = std::max(scale, std::fabs(x));
      }
      for (std::size_t k = 0; k < expected[p].size(); ++k) {
        const double found = got[p].at(r, static_cast<std::int64_t>(k)), wanted = expected[p][k];
        if (equal(found, index ? wanted + 1 : wanted)) continue;
        const std::string where = " at row " + show(r) + ", component " + show(static_cast<std::int64_t>(k)) + " of part " +
                                  show(static_cast<std::int64_t>(p)) + ": " + show(found) + " instead of " + show(wanted);
        const double doubt = std::fabs(rough[p][k] - wanted);
        if (index) {  // another index is right where the values are as good as equal
          if (std::isnan(found) || std::isnan(wanted) || found < 1) return "index" + where;
          const Category folded = folded_category(root), result = result_category(root);
          const auto value_at = [&](Interpreter& interpreter, double t) {
            const std::int64_t c = static_cast<std::int64_t>(t);
            const Values v = interpreter.value(root.arg(0), result == Category::i ? r : folded == Category::i ? c : 0,
                                               result == Category::j ? r : folded == Category::j ? c : 0);
            return v[k / static_cast<std::size_t>(std::max<std::int64_t>(1, k_of(root)))];
          };
          const double mine = value_at(exact, found - 1), theirs = value_at(exact, wanted);
          const double blur = std::fabs(value_at(coarse, found - 1) - mine) + std::fabs(value_at(coarse, wanted) - theirs);
          if (!near(mine, theirs,
                    single ? 1e-4 * (1 + std::fabs(theirs)) + 8 * blur : 1e-10 * (1 + std::fabs(theirs)) + 1e-6 * blur))
            return "index" + where;
          continue;
        }
        if (!std::isfinite(rough[p][k])) continue;  // beyond float32 in between: sines of such numbers are noise
        const double tolerance = single ? 2e-4 * scale + 20 * doubt : 1e-10 * scale + 1e-6 * doubt;
        if (!(std::fabs(found - wanted) <= tolerance)) return "value" + where + " (tolerance " + show(tolerance) + ")";
      }
    }
  }
  return "";
}

std::string listed(const std::vector<std::string>& declarations) {
  std::string text;
  for (const std::string& d : declarations) text += (text.empty() ? "" : ", ") + d;
  return text;
}

void check_formula(const std::string& formula, const std::vector<std::string>& declarations, std::int64_t m, std::int64_t n,
                   std::uint64_t seed, rkeops::Precision precision) {
  std::string wrong;
  try {
    wrong = compare(formula, declarations, m, n, seed, precision);
  } catch (const rkeops::Error& error) {
    wrong = show(error.kind) + " error: " + error.what() + "\n" + error.log.substr(0, 600);
  } catch (const std::exception& error) {
    wrong = std::string("exception: ") + error.what();
  }
  CHECK_THAT(wrong.empty(), wrong + "\n    " + formula + "  with " + listed(declarations) + "  M = " + show(m) +
                                ", N = " + show(n) + ", " + name_of(precision) + ", seed " + show(seed));
}

void random_formula(std::uint64_t seed, int deepest) {
  RandomFormula random(seed, std::vector<std::int64_t>{9, 17, 20, 33, 70}[seed % 5]);
  std::string formula, output;
  bool smooth = false;
  do {
    random.declarations.clear();
    random = RandomFormula(random.random()(), std::vector<std::int64_t>{9, 17, 20, 33, 70}[seed % 5]);
    const int depth = static_cast<int>(random.number(1, deepest));
    std::int64_t dim = 0;
    const std::string operated = random.chance(0.15) ? random.differential(std::min(depth, 4), dim) : "";
    smooth = operated.empty();
    if (smooth) formula = reduction_text(random, depth, output, smooth);
    else formula = "Sum_Reduction(" + operated + (random.chance(0.5) ? ",1)" : ",0)");
  } while (formula.size() > 1200 || random.declarations.empty());
  if (formula.find("KMin") != std::string::npos) {  // K must not exceed the number of rows, of which there is one without these
    random.declare("Vi", 1);
    random.declare("Vj", 1);
  }
  bool inner = false;
  // What has a derivative that has none.
  const int highest = formula.find("Trigamma") != std::string::npos ? 0 : formula.find("Digamma") != std::string::npos ? 1 : 2;
  for (int order = 0; order < highest && smooth && random.chance(order == 0 ? 0.4 : 0.25); ++order) {
    inner = true;
    const std::string declaration =
        random
            .declarations[static_cast<std::size_t>(random.number(0, static_cast<std::int64_t>(random.declarations.size()) - 1))];
    const std::size_t equals = declaration.find('=');
    const std::string adjoint = "v" + std::to_string(random.declarations.size());
    random.declarations.push_back(adjoint + "=" + output);
    formula = "Grad(" + formula + "," + declaration.substr(0, equals) + "," + adjoint + ")";
    output = declaration.substr(equals + 1);
    smooth = formula.size() < 400;
  }
  static const std::vector<std::int64_t> sizes{1, 2, 7, 63, 129, 1000};
  const auto size = [&] { return sizes[static_cast<std::size_t>(random.number(0, inner ? 4 : 5))]; };
  const std::int64_t m = std::max<std::int64_t>(4, size()), n = std::max<std::int64_t>(4, size());  // K is up to 4
  const bool tiny = formula.find("KMin") == std::string::npos && random.chance(0.2);
  check_formula(formula, random.declarations, tiny ? 1 : m, n, seed, rkeops::Precision::float64);
  // In single precision exp(F - log sum exp F) is noise where F is large.
  const bool noisy = inner && formula.find("Sum_Reduction") == std::string::npos;
  if (seed % 3 == 0 && !noisy) check_formula(formula, random.declarations, m, tiny ? 2 : n, seed, rkeops::Precision::float32);
}

// Each names what it is for.
const std::vector<std::pair<const char*, std::vector<std::string>>> special = {
    {"Sum_Reduction(Concat(Extract(x,3,2),ExtractT(y,1,60))*z,1)", {"x=Vi(40)", "y=Vj(50)", "z=Pm(62)"}},
    {"Sum_Reduction(MatVecMult(Concat(x,Exp(y)),Concat(z,w)),1)", {"x=Vi(30)", "y=Vj(30)", "z=Vj(2)", "w=Vi(1)"}},
    {"Sum_Reduction(VecMatMult(Concat(z,w),TensorProd(Sin(x),y)),0)", {"x=Vi(6)", "y=Vj(7)", "z=Vj(2)", "w=Vi(1)"}},
    {"Sum_Reduction(TensorProd(ExtractT(x,2,9),Extract(y,1,8))+Sum(x*Extract(y,0,5)),1)", {"x=Vi(5)", "y=Vj(9)"}},
    {"Max_Reduction(Extract(TensorProd(x,y),7,40)-Elem(TensorProd(x,y),11),1)", {"x=Vi(9)", "y=Vj(9)"}},
    {"Sum_Reduction(MatVecMult(TensorProd(x,y),y)|MatVecMult(TensorProd(y,x),x),1)", {"x=Vi(17)", "y=Vj(17)"}},
    {"Grad(Sum_Reduction(MatVecMult(A,Concat(x,y)*Concat(y,x)),1),A,e)", {"A=Pm(48)", "x=Vi(4)", "y=Vj(4)", "e=Vi(6)"}},
    {"Grad(Sum_Reduction(Concat(Exp(-SqDist(x,y)),MatVecMult(TensorProd(x,y),x)),1),x,e)", {"x=Vi(20)", "y=Vj(20)", "e=Vi(21)"}},
    {"Sum_Reduction(Exp(-SqDist(x,y))*b,1)", {"x=Vi(300)", "y=Vj(300)", "b=Vj(2)"}},
    {"Grad(Sum_Reduction(Exp(-SqDist(x,y)/300)*b,1),y,e)", {"x=Vi(300)", "y=Vj(300)", "b=Vj(2)", "e=Vi(2)"}},
    {"Sum_Reduction(ElemT(Elem(x,16)*Sum(y),17,16)+ElemT(x|y,17,0)+ElemT(1,17,8),0)", {"x=Vi(17)", "y=Vj(17)"}},
    {"LogSumExpWeight_Reduction(-SqDist(x,y),Square(Concat(y,x))+0.1,1)", {"x=Vi(33)", "y=Vj(33)"}},
    {"SumSoftMaxWeight_Reduction(x|y,TensorProd(x,y),0)", {"x=Vi(8)", "y=Vj(8)"}},
    {"KMin_ArgKMin_Reduction(Abs(x-y),3,1)", {"x=Vi(40)", "y=Vj(40)"}},
    {"Sum_Reduction(Max(Concat(x,y)*Concat(y,x))*OneHot(ArgMin(x-y),40),1)", {"x=Vi(20)", "y=Vj(20)"}},
    {"Sum_Reduction(SumT(Sum(x*y),100)*SumT(x|Exp(y),100),1)", {"x=Vi(100)", "y=Vj(100)"}},
    {"Sum_Reduction(p*Exp(p)+q,1)", {"p=Pm(40)", "q=Pm(40)"}},
    {"Sum_Reduction(OneHot(2,30)+Zero(30)+IntCst(2),1)", {"x=Vi(1)", "y=Vj(1)"}},
    {"Sum_Reduction(IntCst(3),0)", {"x=Vi(1)", "y=Vj(1)"}},
    {"Sum_Reduction(x,1)+Sum_Reduction(Square(x),1)*Exp(-Sum_Reduction(x*y,1))", {"x=Vi(19)", "y=Vj(19)"}},
    {"Sum_Reduction(LogSumExp_Reduction(-SqDist(x,y),1)*x,0)", {"x=Vi(3)", "y=Vj(3)"}},
    {"Sum_Reduction(Exp(x-Max_Reduction(x*y,1))*y,1)", {"x=Vi(18)", "y=Vj(18)"}},
    {"Sum_Reduction((Sin(x)+Cos(y))*(Sin(x)+Cos(y))+Extract(Concat(Sin(x)+Cos(y),x),5,20),1)", {"x=Vi(20)", "y=Vj(20)"}},
    {"Sum_Reduction(MatVecMult(x,MatVecMult(x,MatVecMult(x,y))),1)", {"x=Vi(25)", "y=Vj(5)"}},
    {"Sum_Reduction(VecMatMult(MatVecMult(Extract(Concat(A,x*y),3,24),Extract(y,1,4)),Extract(Concat(A,B),2,36)),1)",
     {"A=Pm(24)", "B=Vj(24)", "x=Vi(5)", "y=Vj(5)"}},
    {"Sum_Reduction(ComplexMult(z,w),1)", {"z=Vi(40)", "w=Vj(40)"}},
    {"Sum_Reduction(ComplexDivide(ComplexExp1j(x),ComplexExp(Sin(w))),0)", {"x=Vi(25)", "w=Vj(50)"}},
    {"Sum_Reduction(ComplexAbs(ComplexSubtract(c,z))*x,1)", {"c=Pm(2)", "z=Vj(34)", "x=Vi(17)"}},
    {"Sum_Reduction(Reverse(Concat(x,y))*Real2Complex(z)+Concat(Reverse(y),Exp(x)),1)", {"x=Vi(20)", "y=Vj(20)", "z=Vj(20)"}},
    {"Grad(Sum_Reduction(ComplexAbs(ComplexMult(Real2Complex(x),w)),1),x,e)", {"x=Vi(21)", "w=Vj(42)", "e=Vi(21)"}},
    {"Sum_Reduction(Gather(T,ArgMin(x-y),30)*Extract(ComplexSumT(c,31),1,30),1)", {"T=Pm(90)", "x=Vi(3)", "y=Vj(3)", "c=Pm(2)"}},
    {"Max_Reduction(Lookup(T,ArgMax(x),ArgMin(y),9)*ComplexReal(z),0)", {"T=Pm(90)", "x=Vi(10)", "y=Vj(9)", "z=Vi(40)"}},
    {"Grad(Sum_Reduction(Gather(T,ArgMax(x*y),20)*w,1),T,e)", {"T=Pm(60)", "x=Vi(3)", "y=Vj(3)", "w=Vj(20)", "e=Vi(20)"}},
    {"LogSumExp_Reduction(x-Square(y),1)", {"x=Vi(40)", "y=Vj(40)"}},
    {"LogSumExp_Reduction(ComplexMult(z,w)*9,0)", {"z=Vi(4)", "w=Vj(4)"}},
    {"Grad(LogSumExp_Reduction(x*y,1),y,e)", {"x=Vi(20)", "y=Vj(20)", "e=Vi(20)"}},
    {"Max_SumShiftExpWeight_Reduction(-SqDist(x,y),Concat(y,Reverse(x)),1)", {"x=Vi(20)", "y=Vj(20)"}},
    {"Sum_Reduction(TensorDot(A,B,[4,5,6],[6,3,5],[2,1],[0,2],[1,0]),1)", {"A=Vi(120)", "B=Vj(90)"}},
    {"Grad(Sum_Reduction(Sum(TensorDot(A,B,[4,5,2],[2,3,5],[2,1],[0,2],[1,0])*Kron(x,y,[2,2],[3])),1),B,e)",
     {"A=Vi(40)", "B=Vj(30)", "x=Vi(4)", "y=Vj(3)", "e=Vi(1)"}},
    {"Sum_Reduction(SoftDTW_SqDist(x,y,0.5),1)", {"x=Vi(20)", "y=Vj(15)"}},
    {"Grad(Sum_Reduction(SoftDTW_SqDist(x,y,0.5)*s,1),y,e)", {"x=Vi(9)", "y=Vj(7)", "s=Vj(1)", "e=Vi(1)"}},
    {"Sum_Reduction(GradMatrix(Exp(-SqDist(x,y))*(x-y),x),1)", {"x=Vi(6)", "y=Vj(6)"}},
    {"Sum_Reduction(Laplacian(Exp(-SqDist(x,y)/30),x)*y,1)", {"x=Vi(30)", "y=Vj(30)"}},
    {"Diff(Sum_Reduction(Exp(-SqDist(x,y))*b,1),y,u)", {"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "u=Vj(3)"}},
    {"Grad(KMin_Reduction(x*y,3,1),y,e)", {"x=Vi(18)", "y=Vj(18)", "e=Vi(54)"}},
    {"Grad(Grad(Sum_Reduction(Exp(-WeightedSqDist(S,x,y)),1),x,e),S,f)",
     {"S=Pm(36)", "x=Vi(6)", "y=Vj(6)", "e=Vi(1)", "f=Vi(6)"}},
};

// A long sum is a deep graph: generating its kernel must need neither a deep stack nor long. In a child, for it may crash.
TEST("long formula") {
  const rkeops::RunOptions options = run_options();  // its directory is the parent's to remove
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit little{1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &little);
    alarm(60);
    std::string formula = "x";
    for (int k = 0; k < 3000; ++k) formula += "+x*y";
    int status = 1;
    try {
      status =
          std::fabs(run("Sum_Reduction(" + formula + ",1)", {"x=Vi(2)", "y=Vj(2)"}, {{1, 2, {1, 2}}, {1, 2, {1, 2}}}, options)[0]
                        .values[1] -
                    12002) > 1e-6;
    } catch (const rkeops::Error& error) {
      status = error.kind == rkeops::ErrorKind::internal;  // refused: as good
    }
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a sum of 3000 terms, wait status " + show(status));
}

// Compiling takes most of the time: two processes share the work.
TEST("special formulas") {
  in_processes(2, static_cast<std::int64_t>(special.size()), [](std::int64_t number) {
    const auto k = static_cast<std::size_t>(number);
    for (auto precision : {rkeops::Precision::float64, rkeops::Precision::float32}) {
      check_formula(special[k].first, special[k].second, k % 3 == 0 ? 129 : 7, k % 2 == 0 ? 70 : 201, k, precision);
    }
  });
}

TEST("random formulas") {
  const std::uint64_t first = check::number(0, 1), formulas = check::number(1, 60);
  const int deepest = static_cast<int>(check::number(2, 5));
  in_processes(2, static_cast<std::int64_t>(formulas), [&](std::int64_t k) {
    random_formula(first + static_cast<std::uint64_t>(k), deepest);
  });
}

}  // namespace
