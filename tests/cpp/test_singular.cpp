// Derivatives where branches hide what is undefined, and at points where kernels are singular: the limit where it exists,
// else 0; nothing from a branch that is not taken, to any order.
//   test_singular [--full] [first seed] [number of random formulas]
// With --full kernels are compiled in both precisions, for every spelling of a norm, of third order too (4 minutes); without it
// in one of the two, in turn, for one spelling, and the rest is interpreted.
#include "gradient_check.hpp"
#include "random_formula.hpp"
#include "value_check.hpp"

using namespace check;

namespace {

// Radial functions at coinciding points: their gradient is 0, their Hessian in x `curvature` times the identity.
struct Radial {
  const char* formula;  // N: the distance, S: its square
  double curvature;
};

constexpr Radial radials[] = {{"Exp(-N)", 0},
                              {"N", 0},
                              {"N**3", 0},
                              {"N**2", 2},
                              {"S", 2},
                              {"Exp(-S)", -2},
                              {"Exp(-N**2)", -2},
                              {"Exp(-N*N/2)", -1},
                              {"(1+N)*Exp(-N)", -1},
                              {"(1+N/p)*Exp(-N/p)", -0.25},
                              {"(1+N*p)*Exp(-N*p)", -4},
                              {"Exp(-N)+N*Exp(-N)", -1},
                              {"(1+2*N)*Exp(-2*N)*p", -8},
                              {"(1+N+N**2/3)*Exp(-N)", -1. / 3},
                              {"(1+N+S/3)*Exp(-N)", -1. / 3},
                              {"(1+p*N+p*p*S/3)*Exp(-p*N)", -4. / 3},
                              {"(1+N/p+S/(3*p**2))*Exp(-N/p)", -1. / 12},
                              {"(1+N+N**2*2/5+N**3/15)*Exp(-N)", -0.2},
                              {"(1+p*N)*Exp(-q*N)", -4},
                              {"(1+p*N+5*N**2/3)*Exp(-q*N)", 10. / 3 - 4},
                              {"S+N", 2},
                              {"(1+p*N)*Exp(-3*q*N)", 0},
                              {"(1+Sqrt(5)*N/p+5*N**2/(3*p**2))*Exp(-Sqrt(5)*N/p)", -5. / 12},
                              {"Cos(N)", -1},
                              {"Cos(3*N)", -9},
                              {"Cosh(N)", 1},
                              {"SinXDivX(N)", -1. / 3},
                              {"SinXDivX(p*N)", -4. / 3},
                              {"BesselJ0(N)", -0.5},
                              {"Log(Cosh(N))", 1},
                              {"N*Sin(N)", 2},
                              {"N*Tanh(N)", 2},
                              {"N*Atan(N)", 2},
                              {"N*Erf(N)", 4 / 1.772453850905516},
                              {"Log(1+N**2)", 2},
                              {"1/(1+N**2)", -2},
                              {"Rsqrt(1+N**2)", -1},
                              {"Sqrt(1+S)", 1},
                              {"Powf(1+N**2/p,-1.5)", -1.5},
                              {"(1-N)**2+2*N", 2},
                              {"Pow(ReLU(1-N),4)*(4*N+1)", -20},
                              {"IfElse(1-N,(1-N)**4*(4*N+1),0)", -20},
                              {"Pow(ReLU(1-N),2)*(N/2+1)", 0},
                              {"ReLU(1-N)", 0},
                              {"XLogX(S)", 0},
                              {"XLogX(N)", 0},
                              {"Powf(S,0.75)", 0},
                              {"Powf(S,1.5)", 0},
                              {"Powf(S,1.25)", 0},
                              {"Powf(S,0.25)", 0},
                              {"Powf(S,p/4)", 0},
                              {"Powf(N,2.5)", 0},
                              {"Powf(N,p)", 0},
                              {"Exp(-Powf(S,0.3))", 0},
                              {"Log(S)", 0},
                              {"Log(N)", 0},
                              {"1/S", 0},
                              {"Inv(N)", 0},
                              {"N**(-2)", 0},
                              {"Rsqrt(S)", 0},
                              {"Powf(S,-0.5)", 0},
                              {"N/(1+N)", 0},
                              {"1/(1+N)", 0},
                              {"Atan2(N,1)", 0},
                              {"Asinh(N)**2", 2},
                              {"Exp(-Acos(Exp(-S))**2)", -4},
                              {"Acosh(1+S)**2", 4},
                              {"Exp(-2*Asin(N/2)**2)", -1},
                              {"ReLU(N)", 0},
                              {"Abs(N)*N", 2},
                              {"IfElse(N,N*N,0)", 2},
                              {"IfElse(N-0.0001,1/N,0)", 0},
                              {"IfElse(-S,0,Log(S))", 0},
                              {"IfElse(S-0.0001,Inv(S)**6-Inv(S)**3,0)", 0},
                              {"IfElse(S-0.0001,Pow(p/N,12)-Pow(p/N,6),Square(N))", 2},
                              {"Max(Concat(-1/S,S))", 2},
                              {"Min(Concat(1/S,S))", 2},
                              {"Clamp(1/S,0,1)+S", 2},
                              {"ReLU(-1/S)+S", 2},
                              {"Max(Concat(Log(N),-3))", 0},
                              {"IfElse(N-1,IfElse(N-2,Sqrt(N-2),1/(N-N)),3*S)", 6}};

std::string with_norms(std::string formula, const std::string& norm, const std::string& square) {
  std::string out;
  for (std::size_t k = 0; k < formula.size(); ++k) {
    const auto letter = [&](std::size_t at) {
      return at < formula.size() && std::isalnum(static_cast<unsigned char>(formula[at]));
    };
    const bool alone = !(k > 0 && letter(k - 1)) && !letter(k + 1);
    out += alone && formula[k] == 'N' ? norm : alone && formula[k] == 'S' ? square : std::string(1, formula[k]);
  }
  return out;
}

Values diagonal(double value, std::size_t n) {
  Values all(n * n, 0);
  for (std::size_t k = 0; k < n; ++k) all[k * n + k] = value;
  return all;
}

Kernels some_kernels() { return option("--full") ? Kernels::both : Kernels::in_turn; }

TEST("coinciding points") {
  const Kernels more = option("--full") ? Kernels::both : Kernels::none;
  struct Norm {
    const char *n, *s;
    std::size_t dim;
  };
  const Norm norms[] = {{"Norm2(x-y)", "SqDist(x,y)", 3},
                        {"Sqrt(SqNorm2(x-y))", "Sum(Square(x-y))", 3},
                        {"Abs(x-y)", "Square(x-y)", 1},
                        {"Norm2(x-y)", "SqDist(x,y)", 1}};
  for (const Norm& norm : norms) {
    const std::string dim = show(static_cast<std::int64_t>(norm.dim));
    const std::vector<std::string> declared{"x=Vi(" + dim + ")", "y=Vj(" + dim + ")", "p=Pm(1)", "u=Vi(" + dim + ")", "q=Pm(1)"};
    const Values at = norm.dim == 3 ? Values{0.5, -1, 2} : Values{0.7}, u = norm.dim == 3 ? Values{1, -2, 0.5} : Values{-2};
    std::vector<ValueCase> cases, third;
    for (const Radial& radial : radials) {
      const std::string f = with_norms(radial.formula, norm.n, norm.s), first = "Grad(" + f + ",x,1)";
      const double c = radial.curvature;
      Values mixed, zeros(norm.dim, 0);
      for (double x : u) mixed.push_back(-c * x);
      cases.push_back({first, zeros});
      cases.push_back({"GradMatrix(" + first + ",x)", diagonal(c, norm.dim)});
      cases.push_back({"Diff(" + first + ",y,u)", mixed});
      cases.push_back({"Grad(" + first + ",y,u)", mixed});
      cases.push_back({"Laplacian(" + f + ",x)", {c * static_cast<double>(norm.dim)}});
      // (of third order nothing but that it is there)
      third.push_back({"0*Grad(Grad(Grad(" + f + ",x,1),x,u),x,u)", zeros});
    }
    const std::vector<Matrix> data{one_row(at), one_row(at), one_row({2}), one_row(u), one_row({2})};
    check_values(cases, declared, data, {1e-9, 2e-4}, &norm == norms ? some_kernels() : more);
    check_values(third, declared, data, {1e-9, 2e-4}, more);
  }
}

// At given points: formulas and their gradients.
TEST("masked branches") {
  const std::vector<std::string> declared{"x=Vi(1)", "y=Vj(1)", "p=Pm(1)", "a=Vi(3)", "b=Vj(3)", "n=Vj(1)", "t=Pm(6)"};
  const double none = std::nan("");
  const std::vector<Matrix> data{one_row({0}),
                                 one_row({800}),
                                 one_row({1.5}),
                                 one_row({0, 3, 4}),
                                 one_row({1, -2, 0}),
                                 one_row({none}),
                                 one_row({1, 2, 3, 4, 5, 6})};
  std::vector<ValueCase> cases;
  // Of y - x = 800, exp(1200) in the branch that is not taken.
  const std::string hidden[] = {"IfElse(x-y,1,0)*x+IfElse(x-y,Exp(p*(y-x)),p*x)",
                                "IfElse(x-1,-x*Log(x),0)",
                                "IfElse(x-1,1/x,2*x)",
                                "IfElse(-y,Sqrt(-y)*Log(-y),x)",
                                "IfElse(x-1,Norm2(Concat(x,x))/x,x)",
                                "IfElse(x-1,Powf(x-1,p),3*x)",
                                "IfElse(x-1,Acos(y)*x,x)",
                                "Clamp(Log(x),-3,3)",
                                "ReLU(-1/Abs(x))",
                                "ReLU(-1/Abs(x))*Exp(y)",
                                "Max(Concat(Log(x),p))",
                                "Min(Concat(1/x,p*p))",
                                "IfElse(n-n,n*x,0)",
                                "IfElse(NotEqual(n,n)-1,0,n*x)",
                                "IfElse(x-1,Log1p(-y),x)",
                                "IfElse(x-1,IfElse(x-2,1/x,Log(-y)),x)",
                                "IfElse(x-1,Digamma(x),x)",
                                "IfElse(x-1,Atanh(y),0)+IfElse(-1,Rsqrt(x-y),x)",
                                "IfElse(x-1,Sum(a/(b*x)),x)"};
  const double slopes[] = {1.5, 0, 2, 1, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
  for (std::size_t k = 0; k < std::size(hidden); ++k) {
    const std::string first = "Grad(" + hidden[k] + ",x,1)";
    cases.push_back({first, {slopes[k]}});
    cases.push_back({"Diff(" + hidden[k] + ",x,1)", {slopes[k]}});
    for (const char* v : {"x", "y", "p"}) {
      const bool both = k == 0 && v[0] == 'p';  // the slope is p
      cases.push_back({"Grad(" + first + "," + v + ",1)", {both ? 1. : 0.}});
      cases.push_back({"Diff(" + first + "," + v + ",1)", {both ? 1. : 0.}});
      cases.push_back({"Grad(Grad(" + first + "," + v + ",1),x,1)", {0}});
    }
  }
  // Branches with horizontal operations and products of matrices inside; conditions by component.
  const std::string vectors[] = {"IfElse(a-1,MatVecMult(TensorProd(a,a),1/a),0)",
                                 "IfElse(x-1,MatVecMult(TensorProd(a/(a*x),b),b),a)",
                                 "IfElse(x-1,Normalize(a/x),a)",
                                 "IfElse(x-1,VecMatMult(a/x,TensorProd(a/x,b)),a)",
                                 "IfElse(a-1,Log(a),a)",
                                 "IfElse(a-1,Sqrt(a-2),2*a)",
                                 "IfElse(x-1,SumT(Norm2(a/x),3),a)",
                                 "IfElse(x-1,Gather(t,n,3)*a,a)",
                                 "IfElse(x-1,TensorDot(a/x,b/x,[3],[3],[],[]),TensorProd(a,b))",
                                 "IfElse(x-1,Reverse(a/x),a)"};
  const std::vector<Values> jacobians{{none},
                                      diagonal(1, 3),
                                      diagonal(1, 3),
                                      diagonal(1, 3),
                                      {1, 0, 0, 0, 1. / 3, 0, 0, 0, 0.25},
                                      {2, 0, 0, 0, 0.5, 0, 0, 0, 0.5 / std::sqrt(2)},
                                      diagonal(1, 3),
                                      diagonal(1, 3),
                                      {1, 0, 0, -2, 0, 0, 0, 0, 0, 0, 1, 0, 0, -2, 0, 0, 0, 0, 0, 0, 1, 0, 0, -2, 0, 0, 0},
                                      diagonal(1, 3)};
  for (std::size_t k = 1; k < std::size(vectors); ++k) {
    cases.push_back({"GradMatrix(" + vectors[k] + ",a)", jacobians[k]});
    cases.push_back({"Grad(Sum(" + vectors[k] + "),x,1)", {0}});
    cases.push_back({"0*Grad(Grad(" + vectors[k] + ",a,1),a,b)", {0, 0, 0}});
    cases.push_back({"Grad(Grad(" + vectors[k] + ",a,1),x,1)", {0}});
  }
  check_values(cases, declared, data, {1e-12, 1e-5}, some_kernels());
}

// Entries that a reduction does not select, and branches around and inside of reductions.
TEST("reductions") {
  const std::vector<std::string> declared{"x=Vi(1)", "y=Vj(1)", "e=Vi(1)", "g=Vj(1)"};
  const std::vector<Matrix> data{{3, 1, {0, 1, 3}}, {4, 1, {0, 1, 2, 5}}, {3, 1, {1, 1, 1}}, {4, 1, {1, 1, 1, 1}}};
  const auto check = [&](const std::string& formula, const Values& expected) {
    for (const auto precision : {rkeops::Precision::float64, rkeops::Precision::float32}) {
      const Values got = run(formula, declared, data, run_options(precision))[0].values;
      CHECK_THAT(agree(got, expected, precision == rkeops::Precision::float64 ? 1e-12 : 1e-5),
                 formula + " gives " + show(got) + ", not " + show(expected));
    }
  };
  // -1/D is greatest at the farthest point; 1/0 is infinite
  check("Grad(Max_Reduction(-1/Abs(x-y),1),x,e)", {-1. / 25, -1. / 16, 1. / 9});
  check("Grad(Min_Reduction(IfElse(Abs(x-y)-0.5,Log(Abs(x-y)),100),1),x,e)", {-1, 1, 1});
  // the sum over i is there once for each of the four j
  check("Grad(Sum_Reduction(KMin_Reduction(IfElse(Abs(x-y)-0.5,Log(Abs(x-y)),100),1,1),0),x,1)", {-4, 4, 4});
  check("Grad(Sum_Reduction(IfElse(Abs(x-y)-0.5,1/Square(x-y),0),1),x,e)",
        {2. * (1 + 1. / 8 + 1. / 125), 2. * (-1 + 1 + 1. / 64), 2. * (-1. / 27 - 1. / 8 - 1 + 1. / 8)});
  check("Grad(LogSumExp_Reduction(IfElse(Abs(x-y)-0.5,-Log(Abs(x-y)),-1000),1),x,e)",
        {(1 + 0.25 + 0.04) / 1.7, (-1 + 1 + 1. / 16) / 2.25, (-1. / 9 - 0.25 - 1 + 0.25) / (1. / 3 + 0.5 + 1 + 0.5)});
  // a reduction that is 1/0 for x = 0 only, where it is not asked for
  check("Grad(IfElse(x-0.5,Sum_Reduction(1/x+0*y,1),x),x,e)", {1, -4, -4. / 9});
  check("Grad(IfElse(x-0.5,LogSumExp_Reduction(Log(x)+0*y,1),x),x,e)", {1, 1, 1. / 3});
}

// Wild parts in the branches of random formulas: v / step(c) is not there where c < 0.
TEST("random formulas") {
  const std::uint64_t first = check::number(0, 1), formulas = check::number(1, 300);
  std::uint64_t settled = 0, tried = 0;
  for (std::uint64_t seed = first; seed < first + formulas; ++seed) {
    RandomFormula random(seed, 5);
    const std::int64_t dim = random.number(1, 3), size = random.number(1, 3);
    const std::string v = random.variable(size), c = "(Sin(2*Sum(" + v + "))+0.3*Cos(" + random.variable(1) + "))";
    const auto branch = [&](const char* undefined) {
      std::string f;
      for (int attempt = 0; attempt < 20 && f.find(v) == std::string::npos; ++attempt)
        f = random.expression(dim, static_cast<int>(random.number(1, 3)));
      std::string wild;
      for (std::size_t k = 0; k < f.size(); ++k) {
        const bool here = f.compare(k, v.size(), v) == 0 &&
                          !(k + v.size() < f.size() && std::isdigit(static_cast<unsigned char>(f[k + v.size()])));
        wild += here ? "(" + v + undefined + ")" : std::string(1, f[k]);
        if (here) k += v.size() - 1;
      }
      return wild;
    };
    const char* taken_above[] = {"/Step(c_)", "+0*Log(c_)",    "*Exp(800*(Sqrt(c_)-Abs(Sqrt(c_))))",
                                 "+Sqrt(c_)", "*Powf(c_,1.5)", "*Step(c_)/Step(c_)"};
    const char* taken_below[] = {"/(1-Step(c_))", "+0*Log(-c_)", "-Sqrt(-c_)", "/Step(-c_)"};
    std::string f =
        "IfElse(c_," + branch(taken_above[random.number(0, 5)]) + "," + branch(taken_below[random.number(0, 3)]) + ")";
    if (random.chance(0.3)) f = "(" + f + "*Sum(" + v + "))";
    if (random.chance(0.2)) f = "Sin(" + f + ")";
    for (std::size_t at; (at = f.find("c_")) != std::string::npos;) f.replace(at, 2, c);
    if (f.size() > 900 || f.find("gamma(") != std::string::npos) continue;
    ++tried;
    const std::string what = f + " by " + v + ", seed " + show(seed) + ": ";
    try {
      bool unsteady = false;
      const std::string wrong = wrong_operator(f, v, random.declarations, "real", seed, 1e-5, unsteady);
      settled += !unsteady;
      CHECK_THAT(wrong.empty(), what + wrong);
      // What is NaN or infinite counts as unsteady above: where the formula is smooth it must not be.
      std::vector<std::string> more = random.declarations;
      more.push_back("e_=Vi(" + show(dim) + ")"), more.push_back("u_=Vj(" + show(size) + ")");
      Pairwise pair(f, v, more, "real", seed);
      bool finite = true;
      for (const Values& row : pair.jacobian(1e-3)) {
        for (double x : row) finite = finite && std::isfinite(x);
      }
      if (!finite) continue;
      for (const std::string& g :
           {"Grad(" + f + "," + v + ",e_)", "Diff(" + f + "," + v + ",u_)", "Grad(Diff(" + f + "," + v + ",u_)," + v + ",e_)"}) {
        for (double x : pair.value(g)) CHECK_THAT(std::isfinite(x), what + g + " has " + show(x));
      }
    } catch (const std::exception& error) {
      CHECK_THAT(false, what + error.what());
    }
  }
  CHECK(2 * settled > tried);
  if (formulas > 1000) std::printf("%ld formulas, %ld smooth\n", static_cast<long>(tried), static_cast<long>(settled));
}

}  // namespace
