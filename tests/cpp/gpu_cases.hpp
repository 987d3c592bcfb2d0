// Formulas that together use most operations, every family of reductions and derivatives, for tests of the GPU target: by
// test_gpu.cpp through a fake driver, by bench/gpu.cpp on a real one.
#pragma once

#include <fstream>
#include <sstream>

#include "check.hpp"

namespace check {

using rkeops::Precision;
using rkeops::Processor;

struct Case {
  std::string formula;
  std::vector<std::string> declarations;
  double low = -1, high = 1, grid = 0;  // the data: multiples of `grid` between the two
};

inline const std::vector<Case>& cases() {
  static const std::vector<std::string> xyb{"x=Vi(3)", "y=Vj(3)", "b=Vj(2)"}, xy{"x=Vi(3)", "y=Vj(3)"},
      grad{"x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "e=Vi(2)"}, scalar{"x=Vi(1)", "y=Vj(1)"}, complex{"x=Vi(6)", "y=Vj(6)"},
      table{"x=Vi(1)", "y=Vj(1)", "t=Pm(12)"}, wide{"x=Vi(40)", "y=Vj(40)", "b=Vj(1)"};
  static const std::vector<Case> list = {
      {"Sum_Reduction(Exp(-SqDist(x,y))*b,1)", xyb},
      {"Sum_Reduction(Exp(-SqDist(x,y))*b,0)", xyb},
      {"Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),x,e)", grad},
      {"Grad(Sum_Reduction(Exp(-Norm2(x-y))*b,1),y,e)", grad},
      {"Grad(LogSumExp_Reduction(-SqDist(x,y),1),x,Elem(e,0))", grad},
      {"LogSumExp_Reduction(-SqDist(x,y),1)", xy},
      {"LogSumExp_Reduction(x*y,1)", xy},
      {"LogSumExpWeight_Reduction(x|y,Exp(b),1)", xyb},
      {"SumSoftMaxWeight_Reduction(x|y,b,0)", xyb},
      {"Max_SumShiftExp_Reduction(x|y,1)", xy},
      {"Min_Reduction(x*y,1)", xy},
      {"Max_ArgMax_Reduction(x*y,0)", xy},
      {"ArgMin_Reduction(SqDist(x,y),1)", xy},
      {"KMin_ArgKMin_Reduction(SqDist(x,y),3,1)", xy},
      {"Grad(Min_Reduction(SqDist(x,y),1),x,Elem(e,0))", grad},
      {"Grad(KMin_Reduction(SqDist(x,y),2,1),x,e)", grad},
      {"Sum_Reduction(Laplacian(Exp(-SqDist(x,y)),x),1)", xy},
      {"Sum_Reduction(GradMatrix(Normalize(x-y),x),1)", xy},
      {"Sum_Reduction(TensorProd(x,y),1)", xy},
      {"Sum_Reduction(MatVecMult(TensorProd(x,y),x),1)", xy},
      {"Sum_Reduction(Concat(x,y)*Max(x)+ArgMin(y)+Min(x*y),1)", xy},
      {"Sum_Reduction(IfElse(x-y,Sin(x*y),Cos(x))+Clamp(y,-1,x)+Mod(x,2,0)+Round(y,1),1)", xy},
      {"Sum_Reduction(Powf(Abs(x),y)+Pow(x,5)+Pow(1.5+Sin(y),-3)+XLogX(Abs(y))+SinXDivX(x)+Sign(y)+Step(x)+ReLU(y),1)", xy},
      {"Sum_Reduction(Asin(0.5*Sin(x))+Acos(0.5*Sin(y))+Atan(x*y)+Atan2(x,y)+Log(1+x*x)+Rsqrt(1+y*y)+Sqrt(Abs(x)),1)", xy},
      {"Sum_Reduction(Erf(x)*Erfc(y)+Tanh(x)+Sinh(y)+Cosh(x)+Expm1(y)+Log1p(x*x)+Tan(0.5*Sin(x))+Asinh(y),1)", xy},
      {"Sum_Reduction(LGamma(1+x*x)+Digamma(1+y*y)+Trigamma(1+x*x)+BesselJ0(x)+BesselJ1(y)+Acosh(1+x*x)+Atanh(0.5*Sin(y)),1)",
       xy},
      {"Sum_Reduction(And(x<y,y<1)+Or(x,y)+Not(x<y)+(x==y)+(x!=y)+(x<=y),1)", xy},
      {"Sum_Reduction(ComplexMult(x,ComplexExp(y))+ComplexDivide(Conj(x),y),1)", complex},
      {"Sum_Reduction(ComplexAngle(x)*ComplexAbs(y),1)", complex},
      {"Sum_Reduction(Gather(t,4+2*x,3)*Lookup(t,1+x,2+y,4),1)", table},
      {"Sum_Reduction(SoftDTW_SqDist(x,y,1.5),1)", xy},
      {"Sum_Reduction(BSpline(t,x*y,2),1)", table},
      {"Sum_Reduction(Exp(-SqDist(x,y)/40)*b,1)", wide},
      {"Sum_Reduction(x*y,1)", wide},
      {"Min_ArgMin_Reduction(x*y,1)", wide},
      {"LogSumExp_Reduction(x*y,1)", wide},
      {"Grad(Sum_Reduction(IfElse(Norm2(x-y)-0.7,1/Norm2(x-y)+Log(Norm2(x-y)-0.7),0),1),x,Elem(e,0))", grad},
      {"Grad(Sum_Reduction(IfElse(Elem(x-y,0),MatVecMult(TensorProd(x,y),Log(SumT(0.1+Elem(x-y,0),3))),x),1),x,Elem(e,0))", grad},
      {"Grad(Grad(Sum_Reduction(IfElse(x-y,Powf(x-y,1.5)*Sqrt(x-y),ReLU(x)+Clamp(y,0,1)),1),x,Elem(e,0)),y,Elem(e,1))", grad},
      {"Sum_Reduction(Laplacian((1+Norm2(x-x*y))*Exp(-Norm2(x-x*y)),x)+Laplacian(SinXDivX(Norm2(x-y)),y),1)", xy},
      {"Grad(Max_SumShiftExpWeight_Reduction(x|y,Sum(b),1),y,e)", grad},
      {"Laplacian(LogSumExp_Reduction(x|y,1),y)", xy},
      {"Sum_Reduction(Mod(1000000*x,y,0)+Mod(x,y,3)+FloorDivide(x,y)+Polygamma(1+x*x,3)+SinXDivXSlope(x)+MultOrZero(ReLU(x),1/"
       "y),1)",
       xy},
      {"Sum_Reduction(OneHot(Sum(x-y),4),1)+Sum_Reduction(WhereNonzero(Step(Sum(x)),Powf(Square(Sum(y)),1.7)),1)", xy},
      {"Entries_Reduction(Exp(-SqDist(x,y))*b,1)", xyb},
      {"Entries_Reduction(x*y,0)", wide},
      {"Sum_Reduction(x,1)", xy},
      {"Sum_Reduction(y,1)", xy},
      {"Sum_Reduction(Exp(x)*Exp(y)*Sum(Square(t)),1)", table},
      {"KMin_ArgKMin_Reduction(x-y,60,1)", xy},
  };
  return list;
}

inline std::vector<Case> product_cases() {
  const std::vector<std::string> wide{"x=Vi(40)", "y=Vj(40)", "b=Vj(1)"}, short_ones{"x=Vi(13)", "y=Vj(13)", "b=Vj(3)"};
  return {{"Sum_Reduction(Exp(-SqDist(x,y)/40)*b,1)", wide},
          {"Sum_Reduction(Exp(-SqDist(x,y)/9)*b,1)", short_ones},
          {"Sum_Reduction(Exp(-SqDist(x,y)/9)*b,0)", short_ones},
          {"LogSumExp_Reduction((x|y)-SqDist(x,2*y),1)", short_ones},
          {"Grad(Sum_Reduction(Exp((x|y)/40),1),x,Elem(x,0))", wide}};
}

// Results too long for a thread, which are shared out over blocks in windows.
inline std::vector<Case> long_cases() {
  const std::vector<std::string> xy{"x=Vi(20)", "y=Vj(20)"}, row{"x=Vi(1)", "y=Vj(301)"}, complex{"x=Vi(302)", "y=Vj(302)"};
  return {{"Sum_Reduction(Exp(-SqDist(x,y)/20)*TensorProd(x,y),1)", xy},
          {"Sum_Reduction(TensorProd(x,y),0)", xy},
          {"Grad(Sum_Reduction(TensorProd(x,y)|TensorProd(x*x,y),1),x,Sum(x))", xy},
          {"Sum_Reduction(Concat(x,Concat(x*y,x)),1)", row},
          {"Min_ArgMin_Reduction(TensorProd(x,y),1)", xy},
          {"Max_Reduction(x*y,1)", row},
          {"LogSumExp_Reduction(TensorProd(x,y),1)", xy},
          {"Sum_Reduction(ComplexMult(x,Conj(y)),1)", complex},
          {"Sum_Reduction(MatVecMult(TensorProd(x,y),x),1)", xy}};
}

// The R tests' case table, tests/testthat/case_table.txt; lines: formula, declarations, low, high, grid; with tabs between.
inline std::vector<Case> case_table(const std::string& path) {
  std::vector<Case> table;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line), words;
    Case c;
    std::string declarations;
    std::getline(fields, c.formula, '\t');
    std::getline(fields, declarations, '\t');
    fields >> c.low >> c.high >> c.grid;
    words.str(declarations);
    for (std::string word; words >> word;) c.declarations.push_back(word);
    table.push_back(c);
  }
  return table;
}

inline std::vector<Matrix> data_for(const std::vector<rkeops::Argument>& arguments, std::int64_t m, std::int64_t n,
                                    const Case& c = {}) {
  std::mt19937_64 random(7);
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : arguments) {
    const std::int64_t rows = a.category == rkeops::Category::i ? m : a.category == rkeops::Category::j ? n : 1;
    data.push_back(random_matrix(rows, a.dim, random, c.low, c.high));
    if (c.grid > 0) {
      for (double& x : data.back().values) x = std::round(x / c.grid) * c.grid;
    } else if (a.category == rkeops::Category::parameter) {
      std::sort(data.back().values.begin(), data.back().values.end());
    }
  }
  return data;
}

// Where compiled kernels are kept: nowhere, unless said.
inline std::string& gpu_cache() {
  static std::string folder;
  return folder;
}

inline rkeops::RunOptions gpu_options(Precision precision) {
  rkeops::RunOptions options = run_options(precision);
  options.processor = Processor::gpu;
  options.jit.cache_dir = gpu_cache();
  return options;
}

inline std::vector<Matrix> on_gpu(const Case& c, std::int64_t m, std::int64_t n, Precision precision,
                                  std::vector<int> devices = {0}) {
  const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
  rkeops::RunOptions options = gpu_options(precision);
  options.devices = std::move(devices);
  return run(*program, inputs(data_for(program->arguments(), m, n)), options);
}

// Both sides round differently: compared with the size of the column's entries.
inline void compare(const Case& c, std::int64_t m, std::int64_t n, Precision precision) {
  const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
  const std::vector<Matrix> data = data_for(program->arguments(), m, n, c);
  const std::vector<Matrix> expected = run(*program, inputs(data), run_options(precision));
  std::vector<Matrix> got;
  try {
    got = run(*program, inputs(data), gpu_options(precision));
  } catch (const rkeops::Error& error) {
    return CHECK_THAT(false, c.formula + ": " + error.what() + " " + error.log.substr(0, 400));
  }
  double worst = 0;
  for (std::size_t p = 0; p < got.size(); ++p) {
    for (std::int64_t k = 0; k < got[p].cols; ++k) {
      double size = 1;
      for (std::int64_t r = 0; r < got[p].rows; ++r) size = std::max(size, std::fabs(expected[p].at(r, k)));
      for (std::int64_t r = 0; r < got[p].rows; ++r) {
        const double a = got[p].at(r, k), b = expected[p].at(r, k);
        if (!equal(a, b)) worst = std::max(worst, std::isnan(a - b) ? HUGE_VAL : std::fabs(a - b) / size);
      }
    }
  }
  const double bound = precision == Precision::float64 ? 1e-12 : 2e-5;
  CHECK_THAT(worst <= bound,
             c.formula + " " + rkeops::name_of(precision) + " " + show(m) + " x " + show(n) + ": off by " + show(worst));
}

// Matrix products on tensor cores: errors within four times those of plain float32.
inline void compare_products(const Case& c, std::int64_t n) {
  const auto program = rkeops::Program::create(c.formula, arguments(c.declarations));
  std::vector<Matrix> data = data_for(program->arguments(), 150, n);
  for (Matrix& m : data) {
    for (double& x : m.values) x = static_cast<float>(x);
  }
  const Matrix exact = run(*program, inputs(data), run_options(Precision::float64))[0];
  rkeops::RunOptions options = gpu_options(Precision::float32);
  const auto error = [&] {
    const Matrix got = run(*program, inputs(data), options)[0];
    double squares = 0, size = 0;
    for (std::size_t k = 0; k < got.values.size(); ++k) {
      squares += (got.values[k] - exact.values[k]) * (got.values[k] - exact.values[k]);
      size += exact.values[k] * exact.values[k];
    }
    return std::sqrt(squares / size);
  };
  const double plain = error();
  options.tensor_cores = true;
  CHECK(program->source(options).find("mma") != std::string::npos);
  const double split = error();
  CHECK_THAT(split <= 4 * plain && split > 0, c.formula + ": " + show(split) + ", plain float32 " + show(plain));
}

}  // namespace check
