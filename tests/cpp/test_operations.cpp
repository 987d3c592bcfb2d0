// The operation table: dimensions, errors and values of every row.
#include "value_check.hpp"

using namespace check;
using rkeops::ErrorKind;
using Integers = std::vector<std::int64_t>;

namespace {

const double nan_value = std::nan("");

TEST("dimensions") {
  std::vector<std::string> covered;
  const auto dim = [&](const std::string& name, const Integers& operands, const Integers& params, std::int64_t expected) {
    covered.push_back(name);
    std::string got;
    try {
      got = show(rkeops::operation_dim(name, operands, params));
    } catch (const rkeops::Error& error) {
      got = error.what();
    }
    CHECK_THAT(got == show(expected), name + show(operands) + show(params) + " has dimension " + got + ", not " + show(expected));
  };
  const auto refused = [&](const std::string& name, const Integers& operands, const Integers& params, ErrorKind kind,
                           const std::string& part) {
    const std::string wrong = throws([&] { rkeops::operation_dim(name, operands, params); }, {kind, part});
    CHECK_THAT(wrong.empty(), name + show(operands) + show(params) + ": " + wrong);
  };
  const auto dimension = ErrorKind::dimension, argument = ErrorKind::argument;
  for (const rkeops::Operation& row : rkeops::operations()) {
    if (row.structure != rkeops::Structure::elementwise) continue;
    const std::string signature = row.signature;
    const Integers params(static_cast<std::size_t>(std::count(signature.begin(), signature.end(), 'n')), 3);
    const std::size_t operands = signature.size() - params.size();
    for (std::int64_t d : {1, 2, 7, 300}) dim(row.name, Integers(operands, d), params, d);
    for (std::size_t k = 0; k < operands && operands > 1; ++k) {
      Integers dims(operands, 5);
      dims[k] = 1;
      dim(row.name, dims, params, 5);
      dims[k] = 6;
      refused(row.name, dims, params, dimension, k == 0 ? "6 and 5" : "5 and 6");
    }
    refused(row.name, Integers(operands + 1, 1), params, argument, "the form of");
  }
  for (const char* name : {"Sum", "SqNorm2", "Norm2", "Max", "Min", "ArgMax", "ArgMin"}) {
    for (std::int64_t d : {1, 2, 300}) dim(name, {d}, {}, 1);
  }
  refused("IntCst", {1}, {}, argument, "must be a number"), covered.push_back("IntCst");
  dim("RatCst", {}, {6, 4}, 1);
  dim("IntInv", {}, {3}, 1);
  dim("Zero", {}, {7}, 7);
  refused("RatCst", {}, {1, 0}, argument, "denominator");
  refused("IntInv", {}, {0}, argument, "denominator");
  refused("Zero", {}, {0}, argument, "at least 1");
  refused("Zero", {}, {-3}, argument, "at least 1");
  dim("Normalize", {4}, {}, 4);
  dim("ClampInt", {4}, {0, 1}, 4);
  dim("DiffClampInt", {4}, {0, 1}, 4);
  dim("Round", {4}, {2}, 4);
  dim("Round", {4}, {-1}, 4);
  dim("SumT", {1}, {5}, 5);
  refused("SumT", {2}, {5}, dimension, "1 is needed");
  refused("SumT", {1}, {0}, argument, "at least 1");
  for (const char* name : {"Scalprod", "SqDist"}) {
    dim(name, {3, 3}, {}, 1);
    dim(name, {3, 1}, {}, 1);
    dim(name, {1, 3}, {}, 1);
    refused(name, {3, 2}, {}, dimension, "3 and 2");
  }
  dim("Elem", {3}, {2}, 1);
  dim("Elem", {1}, {0}, 1);
  refused("Elem", {3}, {3}, argument, "not inside");
  refused("Elem", {3}, {-1}, argument, "not inside");
  dim("ElemT", {1}, {5, 4}, 5);
  refused("ElemT", {1}, {5, 5}, argument, "not inside");
  refused("ElemT", {1}, {5, -1}, argument, "not inside");
  refused("ElemT", {2}, {5, 1}, dimension, "1 is needed");
  dim("Extract", {5}, {1, 3}, 3);
  dim("Extract", {5}, {0, 5}, 5);
  refused("Extract", {5}, {3, 3}, argument, "not inside");
  refused("Extract", {5}, {-1, 3}, argument, "not inside");
  refused("Extract", {5}, {1, 0}, argument, "length 0");
  refused("Extract", {5}, {999999999, 999999999}, argument, "not inside");
  dim("ExtractT", {2}, {1, 3}, 3);
  dim("ExtractT", {3}, {0, 3}, 3);
  refused("ExtractT", {2}, {2, 3}, argument, "not inside");
  refused("ExtractT", {2}, {-1, 3}, argument, "not inside");
  dim("Concat", {2, 3}, {}, 5);
  dim("OneHot", {1}, {4}, 4);
  refused("OneHot", {2}, {4}, dimension, "1 is needed");
  refused("OneHot", {1}, {0}, argument, "at least 1");
  for (std::int64_t n : {1, 2, 5}) {
    for (std::int64_t s : Integers{1, n, n * n}) {
      dim("WeightedSqNorm", {s, n}, {}, 1);
      dim("WeightedSqDist", {s, n, n}, {}, 1);
      dim("WeightedSqDist", {s, 1, n}, {}, 1);
    }
    dim("SqNormIso", {1, n}, {}, 1);
    dim("SqNormDiag", {n, n}, {}, 1);
    dim("SymSqNorm", {n * n, n}, {}, 1);
  }
  refused("WeightedSqNorm", {2, 3}, {}, dimension, "dimension 2");
  refused("WeightedSqDist", {4, 3, 3}, {}, dimension, "dimension 4");
  refused("SqNormIso", {3, 3}, {}, dimension, "1 is needed");
  refused("SqNormDiag", {1, 3}, {}, dimension, "3 is needed");
  refused("SymSqNorm", {3, 3}, {}, dimension, "9 is needed");
  refused("WeightedSqDist", {1, 3, 2}, {}, dimension, "3 and 2");
  dim("MatVecMult", {6, 2}, {}, 3);
  dim("MatVecMult", {6, 6}, {}, 1);
  dim("MatVecMult", {6, 1}, {}, 6);
  dim("MatVecMult", {1, 1}, {}, 1);
  dim("VecMatMult", {2, 6}, {}, 3);
  dim("VecMatMult", {6, 6}, {}, 1);
  dim("VecMatMult", {1, 6}, {}, 6);
  refused("MatVecMult", {6, 4}, {}, dimension, "6 and");
  refused("VecMatMult", {4, 6}, {}, dimension, "6");
  refused("MatVecMult", {2, 6}, {}, dimension, "6");
  refused("VecMatMult", {6, 2}, {}, dimension, "2");
  dim("TensorProd", {2, 3}, {}, 6);
  dim("TensorProd", {1, 3}, {}, 3);
  dim("TensorProd", {2, 1}, {}, 2);
  dim("TensorProd", {300, 300}, {}, 90000);
  dim("Var", {}, {0, 3, 1}, 3);
  dim("Reverse", {5}, {}, 5);
  dim("Reverse", {1}, {}, 1);
  dim("Factorize", {3, 7}, {}, 3);
  dim("AutoFactorize", {3}, {}, 3);
  dim("Gather", {12, 1}, {3}, 3);
  dim("Gather", {12, 1}, {12}, 12);
  dim("Gather", {12, 1}, {1}, 1);
  dim("Lookup", {12, 1, 1}, {4}, 1);
  refused("Gather", {12, 2}, {3}, dimension, "1 is needed");
  refused("Gather", {12, 1}, {5}, argument, "do not divide");
  refused("Gather", {12, 1}, {0}, argument, "length 0");
  refused("Lookup", {12, 1, 2}, {3}, dimension, "1 is needed");
  refused("Lookup", {12, 2, 1}, {3}, dimension, "1 is needed");
  refused("Lookup", {12, 1, 1}, {-4}, argument, "do not divide");
  for (const char* name : {"Real2Complex", "Imag2Complex", "ComplexExp1j"}) {
    dim(name, {1}, {}, 2);
    dim(name, {3}, {}, 6);
  }
  for (const char* name : {"ComplexReal", "ComplexImag", "ComplexSquareAbs", "ComplexAbs", "ComplexAngle"}) {
    dim(name, {2}, {}, 1);
    dim(name, {6}, {}, 3);
  }
  for (const char* name : {"Conj", "ComplexExp"}) {
    dim(name, {2}, {}, 2);
    dim(name, {6}, {}, 6);
  }
  for (const char* name : {"ComplexSqrt", "ComplexTan", "ComplexTanh", "ComplexAsin", "ComplexAcos", "ComplexAtan",
                           "ComplexAsinh", "ComplexAcosh", "ComplexAtanh"}) {
    dim(name, {2}, {}, 2);
    dim(name, {6}, {}, 6);
    refused(name, {3}, {}, dimension, "an even one is needed");
  }
  for (const char* name :
       {"Conj", "ComplexExp", "ComplexReal", "ComplexImag", "ComplexSquareAbs", "ComplexAbs", "ComplexAngle", "ComplexSum"}) {
    for (std::int64_t odd : {1, 3, 7}) refused(name, {odd}, {}, dimension, "an even one is needed");
  }
  dim("ComplexSum", {2}, {}, 2);
  dim("ComplexSum", {8}, {}, 2);
  for (const char* name : {"ComplexAdd", "ComplexSubtract", "ComplexMult", "ComplexScal", "ComplexDivide"}) {
    dim(name, {6, 6}, {}, 6);
    dim(name, {2, 6}, {}, 6);
    dim(name, {6, 2}, {}, 6);
    dim(name, {2, 2}, {}, 2);
    refused(name, {4, 6}, {}, dimension, "4 and 6");
    refused(name, {3, 3}, {}, dimension, "even");
    refused(name, {2, 3}, {}, dimension, "even");
    refused(name, {1, 2}, {}, dimension, "even");
  }
  dim("ComplexRealScal", {1, 6}, {}, 6);
  dim("ComplexRealScal", {6, 1}, {}, 6);
  refused("ComplexRealScal", {2, 6}, {}, dimension, "1 is needed");
  refused("ComplexRealScal", {1, 3}, {}, dimension, "even");
  refused("ComplexRealScal", {1, 1}, {}, dimension, "even");
  dim("ComplexSumT", {2}, {6}, 6);
  dim("ComplexSumT", {2}, {1}, 1);
  refused("ComplexSumT", {4}, {8}, dimension, "one complex number");
  refused("ComplexSumT", {2}, {0}, argument, "at least 1");
  dim("BSpline", {5, 1}, {0}, 4);
  dim("BSpline", {5, 1}, {3}, 1);
  refused("BSpline", {5, 1}, {4}, dimension, "5 knots, at least 6");
  refused("BSpline", {5, 2}, {2}, dimension, "1 is needed");
  refused("BSpline", {5, 1}, {-1}, argument, "degree -1");
  refused("BSpline", {1, 1}, {0}, dimension, "at least 2");
  dim("SoftDTW_SqDist", {3, 5, 1}, {}, 1);
  dim("SoftDTW_SqDist", {1, 1, 1}, {}, 1);
  refused("SoftDTW_SqDist", {3, 5, 2}, {}, dimension, "1 is needed");
  refused("BSpline", {100000, 1}, {50000}, dimension, "at most");
  refused("SoftDTW_SqDist", {100000, 100000, 1}, {}, dimension, "at most");
  // Lists of integers come with their lengths: shapes, contracted axes, permutation.
  dim("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, 0}, 4);
  dim("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, 0, 2, 1, 0}, 4);
  dim("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 2, 0, 1, 2, 1, 0}, 1);
  dim("TensorDot", {6, 2}, {1, 6, 1, 2, 0, 0}, 12);
  dim("TensorDot", {12, 3}, {3, 2, 3, 2, 1, 3, 1, 1, 1, 0}, 4);
  dim("TensorDot", {1, 1}, {0, 0, 0, 0}, 1);
  refused("TensorDot", {6, 6}, {2, 2, 2, 2, 3, 2, 1, 1, 1, 0}, dimension, "do not make up an operand of dimension 6");
  refused("TensorDot", {6, 6}, {2, 2, 3, 1, 5, 0, 0}, dimension, "do not make up an operand of dimension 6");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 0, 1, 0}, dimension, "lengths 2 and 3");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 2, 0, 1}, argument, "1 axes are contracted with 2");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 2, 1, 0}, argument, "axis 2 is not there");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, -1}, argument, "axis -1 is not there");
  refused("TensorDot", {4, 4}, {2, 2, 2, 2, 2, 2, 2, 1, 1, 2, 0, 1}, argument, "named twice");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, 0, 1, 0}, argument,
          "the permutation has 1 elements, the result has 2");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, 0, 2, 0, 0}, argument, "named twice");
  refused("TensorDot", {6, 6}, {2, 2, 3, 2, 3, 2, 1, 1, 1, 0, 2, 0, 2}, argument, "axis 2 is not there");
  refused("TensorDot", {6, 6}, {3, 2, 3, 0, 2, 3, 2, 0, 0}, dimension, "do not make up");
  refused("TensorDot", {6, 6}, {2, -2, -3, 2, 3, 2, 0, 0}, dimension, "do not make up");
  refused("TensorDot", {6, 6}, {3, 1000000000, 1000000000, 6, 1, 6, 0, 0}, dimension, "do not make up");
  dim("Kron", {6, 4}, {2, 2, 3, 2, 4, 1}, 24);
  dim("Kron", {6, 4}, {2, 2, 3, 1, 4}, 24);
  dim("Kron", {6, 4}, {1, 6, 3, 1, 2, 2}, 24);
  dim("Kron", {1, 1}, {1, 1, 1, 1}, 1);
  refused("Kron", {6, 4}, {2, 2, 2, 1, 4}, dimension, "do not make up an operand of dimension 6");
  refused("Kron", {6, 4}, {1, 6, 2, 2, 3}, dimension, "do not make up");
  refused("TensorDot", {3, 3}, {}, argument, "the form of");
  refused("TensorDot", {3, 3}, {1, 3}, argument, "the form of");
  refused("TensorDot", {3, 3}, {5, 3, 1}, argument, "the form of");
  refused("Kron", {3, 3}, {-1, 3, 1, 3}, argument, "the form of");
  refused("Round", {3}, {400}, argument, "decimals");
  refused("Sine", {1}, {}, argument, "unknown operation");
  refused("Contract", {1, 1}, {}, argument, "unknown operation");
  for (const rkeops::OperationInfo& row : rkeops::operation_table()) {
    CHECK_THAT(std::find(covered.begin(), covered.end(), row.name) != covered.end(), "no dimension is checked of " + row.name);
    CHECK_THAT(!row.summary.empty() && row.call.find(row.name + "(") == 0, "no description of " + row.name);
  }
}

// Values by the interpreter and by a kernel, against numbers worked out here.
TEST("values") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vi(3)", "s=Vi(1)", "A=Vi(6)", "b=Vi(2)", "n=Vi(3)", "S=Vi(9)"};
  const Values x{0.5, -2, 3}, y{2, -1, -0.25}, A{1, 2, 3, 4, 5, 6}, b{10, 1}, n{nan_value, inf, -0.0},
      S{2, 1, 0, 0, 3, 1, 1, 0, 4};
  const auto row = [](const Values& v) { return Matrix{1, static_cast<std::int64_t>(v.size()), v}; };
  const std::vector<Matrix> data{row(x), row(y), row({1.7}), row(A), row(b), row(n), row(S)};
  const auto map = [](const Values& v, double (*f)(double)) {
    Values out;
    for (double a : v) out.push_back(f(a));
    return out;
  };
  const auto sq = [](double a) { return a * a; };
  check_values({{"x+y", {2.5, -3, 2.75}},
                {"x-s", {0.5 - 1.7, -3.7, 1.3}},
                {"s*x", {0.85, -3.4, 5.1}},
                {"x/y", {0.25, 2, -12}},
                {"-x", {-0.5, 2, -3}},
                {"Inv(x)", {2, -0.5, 1.0 / 3}},
                {"Square(x)", {0.25, 4, 9}},
                {"Pow(x,3)", {0.125, -8, 27}},
                {"Pow(x,-2)", {4, 0.25, 1.0 / 9}},
                {"Pow(n,0)", {1, 1, 1}},
                {"Powf(Abs(x),y)", {0.25, 0.5, std::pow(3, -0.25)}},
                {"Powf(x,0.5)", {std::sqrt(0.5), nan_value, std::sqrt(3.0)}},
                {"Sqrt(Abs(x))", {std::sqrt(0.5), std::sqrt(2.0), std::sqrt(3.0)}},
                {"Sqrt(x)", {std::sqrt(0.5), nan_value, std::sqrt(3.0)}},
                {"Rsqrt(n)", {nan_value, 0, 0}},
                {"Abs(x)", {0.5, 2, 3}},
                {"Exp(x)", map(x, std::exp)},
                {"Log(Abs(x))", {std::log(0.5), std::log(2.0), std::log(3.0)}},
                {"Log(n)", {nan_value, inf, -inf}},
                {"XLogX(n)", {nan_value, inf, 0}},
                {"Sin(x)", map(x, std::sin)},
                {"Cos(x)", map(x, std::cos)},
                {"SinXDivX(x)", {std::sin(0.5) / 0.5, std::sin(2.0) / 2, std::sin(3.0) / 3}},
                {"SinXDivX(n)", {nan_value, nan_value, 1}},
                {"Asin(x/4)", {std::asin(0.125), std::asin(-0.5), std::asin(0.75)}},
                {"Acos(x/4)", {std::acos(0.125), std::acos(-0.5), std::acos(0.75)}},
                {"Asin(x)", {std::asin(0.5), nan_value, nan_value}},
                {"Atan(x)", map(x, std::atan)},
                {"Atan2(x,y)", {std::atan2(0.5, 2), std::atan2(-2, -1), std::atan2(3, -0.25)}},
                {"Sign(x)", {1, -1, 1}},
                {"Sign(n)", {0, 1, 0}},
                {"Step(x)", {1, 0, 1}},
                {"Step(n)", {1, 1, 1}},
                {"ReLU(x)", {0.5, 0, 3}},
                {"ReLU(n)", {nan_value, inf, 0}},
                {"Floor(y)", {2, -1, -1}},
                {"Round(x,0)", {1, -2, 3}},
                {"Round(s*x,1)", {0.9, -3.4, 5.1}},
                {"Round(10*x,-1)", {10, -20, 30}},
                {"x==y", {0, 0, 0}},
                {"n==n", {0, 1, 1}},
                {"n!=n", {1, 0, 0}},
                {"x<y", {1, 1, 0}},
                {"n<1", {0, 0, 1}},
                {"x<=x", {1, 1, 1}},
                {"x>y", {0, 0, 1}},
                {"IfElse(y,x,s)", {0.5, 1.7, 1.7}},
                {"IfElse(n,1,2)", {2, 1, 1}},
                {"Clamp(x,-1,s)", {0.5, -1, 1.7}},
                {"Clamp(x,1,0)", {1, 1, 0}},
                {"ClampInt(x,0,1)", {0.5, 0, 1}},
                {"Clamp(n,0,1)", {nan_value, 1, 0}},
                {"Mod(x,2,0)", {0.5, 0, 1}},
                {"Mod(x,-2,0)", {-1.5, 0, -1}},
                {"Mod(x,2,-1)", {0.5, 0, -1}},
                {"Mod(x,0,0)", {nan_value, nan_value, nan_value}},
                {"Sum(x)", {1.5}},
                {"SumT(s,3)", {1.7, 1.7, 1.7}},
                {"x|y", {1 + 2 - 0.75}},
                {"x|s", {1.5 * 1.7}},
                {"SqNorm2(x)", {13.25}},
                {"Norm2(x)", {std::sqrt(13.25)}},
                {"Norm2(x-x)", {0}},
                {"Normalize(x-x)", {0, 0, 0}},
                {"Normalize(b)", {10 / std::sqrt(101.0), 1 / std::sqrt(101.0)}},
                {"SqDist(x,y)", {sq(1.5) + 1 + sq(3.25)}},
                {"SqDist(x,s)", {sq(1.2) + sq(3.7) + sq(1.3)}},
                {"WeightedSqNorm(s,x)", {1.7 * 13.25}},
                {"WeightedSqNorm(y,x)", {0.5 - 4 - 2.25}},
                {"SymSqNorm(S,x)", {2 * 0.25 + 1 * -1 + 3 * 4 + 1 * -6 + 1 * 1.5 + 4 * 9}},
                {"WeightedSqDist(S,x,0)", {43}},
                {"SqNormDiag(y,x)", {-5.75}},
                {"SqNormIso(s,x)", {1.7 * 13.25}},
                {"Max(x)", {3}},
                {"Min(x)", {-2}},
                {"Max(n)", {nan_value}},
                {"Min(Concat(b,n))", {nan_value}},
                {"ArgMax(x)", {2}},
                {"ArgMin(x)", {1}},
                {"ArgMin(n)", {2}},
                {"ArgMax(Concat(n,n))", {1}},
                {"Elem(x,1)", {-2}},
                {"ElemT(s,4,2)", {0, 0, 1.7, 0}},
                {"Extract(A,2,3)", {3, 4, 5}},
                {"ExtractT(b,1,4)", {0, 10, 1, 0}},
                {"Concat(b,x)", {10, 1, 0.5, -2, 3}},
                {"OneHot(s,4)", {0, 0, 1, 0}},
                {"OneHot(0.49,2)", {1, 0}},
                {"OneHot(0.5,2)", {0, 1}},
                {"OneHot(-0.6,2)", {0, 0}},
                {"OneHot(-0.5,2)", {1, 0}},
                {"OneHot(-1,2)", {0, 0}},
                {"OneHot(1.5,2)", {0, 0}},
                {"OneHot(1.49,2)", {0, 1}},
                {"OneHot(7,2)", {0, 0}},
                {"MatVecMult(A,b)", {12, 34, 56}},
                {"VecMatMult(b,A)", {14, 25, 36}},
                {"TensorProd(b,x)", {5, -20, 30, 0.5, -2, 3}},
                {"MatVecMult(A,s)", {1.7, 3.4, 5.1, 6.8, 8.5, 10.2}},
                {"MatVecMult(A,A)", {91}},
                {"VecMatMult(A,A)", {91}},
                {"IntCst(3)*s", {3 * 1.7}},
                {"RatCst(1,3)*s", {1.7 / 3}},
                {"IntInv(8)*s", {1.7 / 8}},
                {"Zero(2)+b", {10, 1}},
                {"x*0", {0, 0, 0}},
                {"n*0", {nan_value, nan_value, 0}},
                {"n-n", {nan_value, nan_value, 0}}},
               declared, data, {8e-16, 0});
}

}  // namespace
