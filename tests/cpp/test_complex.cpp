// Complex vectors, TensorDot and Kron: values, and derivatives with respect to real and complex variables.
#include "gradient_check.hpp"
#include "value_check.hpp"

#include <complex>

using namespace check;
using Complex = std::complex<double>;
using Integers = std::vector<std::int64_t>;

namespace {

TEST("complex values") {
  const std::vector<std::string> declared{"z=Vi(4)", "w=Vi(4)", "c=Vi(2)", "x=Vi(3)", "s=Vi(1)", "n=Vi(4)"};
  const std::vector<Complex> z{{1, 2}, {-0.5, 3}}, w{{2, -1}, {0.25, -2}};
  const Complex c(0.5, -1.5);
  const Values x{0.5, -2, 3}, none{0, 0, -1, -0.0};
  const std::vector<Matrix> data{
      one_row({1, 2, -0.5, 3}), one_row({2, -1, 0.25, -2}), one_row({0.5, -1.5}), one_row(x), one_row({1.5}), one_row(none)};
  const auto flat = [](std::initializer_list<Complex> list) {
    Values out;
    for (const Complex& v : list) out.push_back(v.real()), out.push_back(v.imag());
    return out;
  };
  check_values(
      {{"Real2Complex(x)", {0.5, 0, -2, 0, 3, 0}},
       {"Imag2Complex(x)", {0, 0.5, 0, -2, 0, 3}},
       {"ComplexReal(z)", {1, -0.5}},
       {"ComplexImag(z)", {2, 3}},
       {"Real2Complex(s)", {1.5, 0}},
       {"ComplexReal(c)", {0.5}},
       {"Conj(z)", {1, -2, -0.5, -3}},
       {"ComplexAdd(z,w)", {3, 1, -0.25, 1}},
       {"ComplexAdd(z,c)", {1.5, 0.5, 0, 1.5}},
       {"ComplexAdd(c,z)", {1.5, 0.5, 0, 1.5}},
       {"ComplexSubtract(z,w)", {-1, 3, -0.75, 5}},
       {"ComplexSubtract(z,c)", {0.5, 3.5, -1, 4.5}},
       {"ComplexSubtract(c,z)", {-0.5, -3.5, 1, -4.5}},
       {"ComplexMult(z,w)", {4, 3, 5.875, 1.75}},
       {"ComplexMult(z,c)", flat({z[0] * c, z[1] * c})},
       {"ComplexMult(c,z)", flat({z[0] * c, z[1] * c})},
       {"ComplexMult(c,c)", flat({c * c})},
       {"ComplexScal(c,z)", flat({z[0] * c, z[1] * c})},
       {"ComplexScal(z,w)", {4, 3, 5.875, 1.75}},
       {"ComplexDivide(z,w)", flat({z[0] / w[0], z[1] / w[1]})},
       {"ComplexDivide(z,c)", flat({z[0] / c, z[1] / c})},
       {"ComplexDivide(c,z)", flat({c / z[0], c / z[1]})},
       {"ComplexDivide(Real2Complex(s),c)", flat({1.5 / c})},
       {"ComplexRealScal(s,z)", {1.5, 3, -0.75, 4.5}},
       {"ComplexRealScal(z,s)", {1.5, 3, -0.75, 4.5}},
       {"ComplexRealScal(2,c)", {1, -3}},
       {"ComplexSquareAbs(z)", {5, 9.25}},
       {"ComplexAbs(z)", {std::sqrt(5.0), std::sqrt(9.25)}},
       {"ComplexAbs(n)", {0, 1}},
       {"ComplexAngle(z)", {std::arg(z[0]), std::arg(z[1])}},
       {"ComplexAngle(n)", {0, -pi}},
       {"ComplexAngle(Real2Complex(-s))", {pi}},
       {"ComplexExp(z)", flat({std::exp(z[0]), std::exp(z[1])})},
       {"ComplexExp(c)", flat({std::exp(c)})},
       {"ComplexSqrt(z)", flat({std::sqrt(z[0]), std::sqrt(z[1])})},
       {"ComplexTan(z)", flat({std::tan(z[0]), std::tan(z[1])})},
       {"ComplexTanh(c)", flat({std::tanh(c)})},
       {"ComplexAsin(z)", flat({std::asin(z[0]), std::asin(z[1])})},
       {"ComplexAcos(c)", flat({std::acos(c)})},
       {"ComplexAtan(z)", flat({std::atan(z[0]), std::atan(z[1])})},
       {"ComplexAsinh(z)", flat({std::asinh(z[0]), std::asinh(z[1])})},
       {"ComplexAcosh(Conj(c))", flat({std::acosh(std::conj(c))})},
       {"ComplexAtanh(c)", flat({std::atanh(c)})},
       {"ComplexSqrt(n)", {0, 0, 0, -1}},
       {"ComplexSqrt(Real2Complex(-s))", {0, std::sqrt(1.5)}},
       {"ComplexAsin(Real2Complex(s+0.5))", {pi / 2, -std::acosh(2.0)}},
       {"ComplexExp1j(x)", {std::cos(0.5), std::sin(0.5), std::cos(2.0), -std::sin(2.0), std::cos(3.0), std::sin(3.0)}},
       {"ComplexSum(z)", {0.5, 5}},
       {"ComplexSum(c)", {0.5, -1.5}},
       {"ComplexSumT(c,6)", {0.5, -1.5, 0.5, -1.5, 0.5, -1.5}},
       {"ComplexSumT(c,2)", {0.5, -1.5}},
       {"ComplexSumT(c,3)", {0.5, -1.5, 0.5}},
       {"ComplexSumT(c,1)", {0.5}},
       {"ComplexDivide(z,Zero(4))", Values(4, std::nan(""))},
       {"ComplexReal(ComplexMult(Conj(z),z))", {5, 9.25}},
       {"ComplexImag(ComplexMult(Conj(z),z))", {0, 0}},
       {"Exp(Real2Complex(x))-1", {std::exp(0.5) - 1, 0, std::exp(-2.0) - 1, 0, std::exp(3.0) - 1, 0}},
       {"ComplexAbs(ComplexExp1j(x))", {1, 1, 1}},
       {"Real2Complex(x)+s", {2, 1.5, -0.5, 1.5, 4.5, 1.5}},
       {"Sum(ComplexExp(z))", {std::exp(z[0]).real() + std::exp(z[0]).imag() + std::exp(z[1]).real() + std::exp(z[1]).imag()}},
       {"ComplexReal(Conj(Extract(z,1,2)))", {2}},
       {"Reverse(Real2Complex(x))", {0, 3, 0, -2, 0, 0.5}},
       {"Max(Real2Complex(x))", {3}},
       {"ArgMin(Real2Complex(x))", {2}}},
      declared, data, {4e-15, 2e-6});
}

// As numpy does it: every element by its place along each axis.
struct Array {
  Integers shape;
  Values values;

  std::int64_t size() const {
    std::int64_t count = 1;
    for (std::int64_t s : shape) count *= s;
    return count;
  }
  double at(const Integers& place) const {
    std::int64_t k = 0;
    for (std::size_t a = 0; a < shape.size(); ++a) k = k * shape[a] + place[a];
    return values[static_cast<std::size_t>(k)];
  }
};

template <class Body>
void for_places(const Integers& shape, Body body) {
  Integers place(shape.size(), 0);
  for (;;) {
    body(place);
    std::size_t a = shape.size();
    while (a > 0 && ++place[a - 1] == shape[a - 1]) place[--a] = 0;
    if (a == 0) return;
  }
}

Values tensor_dot(const Array& a, const Array& b, const Integers& of_a, const Integers& of_b, const Integers& to) {
  const auto kept = [](const Array& x, const Integers& contracted) {
    Integers axes;
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(x.shape.size()); ++k) {
      if (std::find(contracted.begin(), contracted.end(), k) == contracted.end()) axes.push_back(k);
    }
    return axes;
  };
  const Integers kept_a = kept(a, of_a), kept_b = kept(b, of_b);
  Integers summed, shape(kept_a.size() + kept_b.size());
  for (std::int64_t k : of_a) summed.push_back(a.shape[static_cast<std::size_t>(k)]);
  const auto size_of = [&](std::size_t v) {
    return v < kept_a.size() ? a.shape[static_cast<std::size_t>(kept_a[v])]
                             : b.shape[static_cast<std::size_t>(kept_b[v - kept_a.size()])];
  };
  for (std::size_t v = 0; v < shape.size(); ++v) shape[static_cast<std::size_t>(to[v])] = size_of(v);
  Values out;
  for_places(shape, [&](const Integers& place) {
    double total = 0;
    for_places(summed, [&](const Integers& along) {
      Integers in_a(a.shape.size()), in_b(b.shape.size());
      for (std::size_t v = 0; v < shape.size(); ++v) {
        const std::int64_t k = place[static_cast<std::size_t>(to[v])];
        if (v < kept_a.size()) in_a[static_cast<std::size_t>(kept_a[v])] = k;
        else in_b[static_cast<std::size_t>(kept_b[v - kept_a.size()])] = k;
      }
      for (std::size_t p = 0; p < along.size(); ++p)
        in_a[static_cast<std::size_t>(of_a[p])] = in_b[static_cast<std::size_t>(of_b[p])] = along[p];
      total += a.at(in_a) * b.at(in_b);
    });
    out.push_back(total);
  });
  return out;
}

// numpy.kron: shapes are filled up with 1 in front.
Values kron(Array a, Array b) {
  const std::size_t axes = std::max(a.shape.size(), b.shape.size());
  for (Array* x : {&a, &b}) x->shape.insert(x->shape.begin(), axes - x->shape.size(), 1);
  Integers shape(axes);
  for (std::size_t k = 0; k < axes; ++k) shape[k] = a.shape[k] * b.shape[k];
  Values out;
  for_places(shape, [&](const Integers& place) {
    Integers in_a(axes), in_b(axes);
    for (std::size_t k = 0; k < axes; ++k) in_a[k] = place[k] / b.shape[k], in_b[k] = place[k] % b.shape[k];
    out.push_back(a.at(in_a) * b.at(in_b));
  });
  return out;
}

std::string listed(const Integers& list) {
  std::string text;
  for (std::int64_t k : list) text += (text.empty() ? "[" : ",") + show(k);
  return text.empty() ? "[]" : text + "]";
}

TEST("tensor values") {
  const std::vector<std::string> declared{"A=Vi(6)", "b=Vi(2)", "x=Vi(3)", "s=Vi(1)", "C=Vi(12)"};
  Values c;
  for (int k = 1; k <= 12; ++k) c.push_back(k);
  const std::vector<Matrix> data{one_row({1, 2, 3, 4, 5, 6}), one_row({10, 1}), one_row({1, -1, 2}), one_row({3}), one_row(c)};
  check_values({{"TensorDot(A,A,[2,3],[3,2],[1],[0])", {22, 28, 49, 64}},
                {"TensorDot(A,A,[2,3],[3,2],[1],[0],[0,1])", {22, 28, 49, 64}},
                {"TensorDot(A,A,[2,3],[3,2],[1],[0],[1,0])", {22, 49, 28, 64}},
                {"TensorDot(A,A,[2,3],[3,2],[0,1],[1,0])", {86}},
                {"TensorDot(A,A,[2,3],[2,3],[0,1],[0,1])", {91}},
                {"TensorDot(A,A,[2,3],[2,3],[1,0],[1,0],[])", {91}},
                {"TensorDot(A,x,[2,3],[3],[1],[0])", {5, 11}},
                {"TensorDot(b,A,[2],[2,3],[0],[0])", {14, 25, 36}},
                {"TensorDot(C,A,[2,3,2],[3,2],[1,2],[0,1])", {91, 217}},
                {"TensorDot(C,b,[2,3,2],[2],[2],[0])", {12, 34, 56, 78, 100, 122}},
                {"TensorDot(C,b,[2,3,2],[2],[2],[0],[1,0])", {12, 78, 34, 100, 56, 122}},
                {"TensorDot(C,b,[2,3,2],[2],[0],[0],None)", {17, 28, 39, 50, 61, 72}},
                {"TensorDot(b,x,[2],[3],[],[])", {10, -10, 20, 1, -1, 2}},
                {"TensorDot(b,x,[2],[3],[],[],[1,0])", {10, 1, -10, -1, 20, 2}},
                {"TensorDot(s,s,1,1,0,0)", {9}},
                {"TensorDot(A,s,[2,3],[1],[],[],[2,0,1])", {3, 12, 6, 15, 9, 18}},
                {"TensorDot(A,b,[2,3],[2],[],[],[2,1,0])", {10, 40, 20, 50, 30, 60, 1, 4, 2, 5, 3, 6}},
                {"Kron(b,x,[2],[3])", {10, -10, 20, 1, -1, 2}},
                {"Kron(A,b,[2,3],[1,2])", {10, 1, 20, 2, 30, 3, 40, 4, 50, 5, 60, 6}},
                {"Kron(A,b,[2,3],[2,1])", {10, 20, 30, 1, 2, 3, 40, 50, 60, 4, 5, 6}},
                {"Kron(A,b,[2,3],[2])", {10, 1, 20, 2, 30, 3, 40, 4, 50, 5, 60, 6}},
                {"Kron(b,A,[2],[2,3])", {10, 20, 30, 1, 2, 3, 40, 50, 60, 4, 5, 6}},
                {"Kron(b,A,[2,1],[2,3])", {10, 20, 30, 40, 50, 60, 1, 2, 3, 4, 5, 6}},
                {"Kron(s,b,[1],[2])", {30, 3}}},
               declared, data, {1e-14, 1e-6});
  std::mt19937_64 random(8);
  const auto number = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int k = 0; k < 2000; ++k) {
    Array a, b;
    Integers of_a, of_b, to;
    const std::size_t pairs = static_cast<std::size_t>(number(0, 3));
    for (Array* array : {&a, &b}) {
      for (std::int64_t axes = number(static_cast<std::int64_t>(pairs), 4); axes > 0; --axes)
        array->shape.push_back(number(1, 3));
      if (array->shape.empty()) array->shape = {1};
    }
    const auto some = [&](const Array& array) {
      Integers axes;
      for (std::size_t x = 0; x < array.shape.size(); ++x) axes.push_back(static_cast<std::int64_t>(x));
      std::shuffle(axes.begin(), axes.end(), random);
      axes.resize(pairs);
      return axes;
    };
    of_a = some(a), of_b = some(b);
    for (std::size_t p = 0; p < pairs; ++p)
      b.shape[static_cast<std::size_t>(of_b[p])] = a.shape[static_cast<std::size_t>(of_a[p])];
    for (std::size_t v = 0; v < a.shape.size() + b.shape.size() - 2 * pairs; ++v) to.push_back(static_cast<std::int64_t>(v));
    if (k % 3) std::shuffle(to.begin(), to.end(), random);
    a.values = random_matrix(1, a.size(), random).values, b.values = random_matrix(1, b.size(), random).values;
    const std::string shapes = "," + listed(a.shape) + "," + listed(b.shape), dot = "TensorDot(a,b" + shapes + "," +
                                                                                    listed(of_a) + "," + listed(of_b) +
                                                                                    (k % 3 ? "," + listed(to) : "") + ")";
    for (const auto& [formula, expected] :
         {ValueCase{dot, tensor_dot(a, b, of_a, of_b, to)}, ValueCase{"Kron(a,b" + shapes + ")", kron(a, b)}}) {
      Parsed parsed(formula, {"a=Vi(" + show(a.size()) + ")", "b=Vi(" + show(b.size()) + ")"});
      Interpreter interpreter({one_row(a.values), one_row(b.values)}, 1, 1);
      CHECK_THAT(agree(interpreter.value(parsed.root, 0, 0), expected, 1e-13), formula + " is not " + show(expected));
    }
  }
}

TEST("derivatives") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)",  "t=Vi(1)", "z=Vi(6)", "w=Vj(6)", "c=Pm(2)",
                                          "A=Pm(9)", "T=Vj(12)", "e=Vi(1)", "g=Vj(1)", "k=Pm(1)"};
  const std::pair<const char*, const char*> variables[] = {{"x", "e"}, {"y", "g"}, {"t", "e"}, {"z", "e"}, {"w", "g"},
                                                           {"c", "k"}, {"A", "k"}, {"T", "g"}};  // each with an adjoint
  for (const char* text : {"Real2Complex(x)",
                           "Imag2Complex(x)*w",
                           "ComplexReal(z)*y",
                           "ComplexImag(z*w)",
                           "Conj(z)*w",
                           "ComplexAdd(z,c)",
                           "ComplexAdd(Real2Complex(x),w)",
                           "ComplexSubtract(c,z)",
                           "ComplexSubtract(Imag2Complex(t),z)",
                           "ComplexMult(Real2Complex(x),w)",
                           "ComplexMult(c,z)",
                           "ComplexMult(Real2Complex(t),z)",
                           "ComplexScal(c,ComplexMult(z,w))",
                           "ComplexDivide(z,w+3)",
                           "ComplexDivide(Real2Complex(x),4+c)",
                           "ComplexDivide(c,Real2Complex(x)+3)",
                           "ComplexRealScal(t,w)",
                           "ComplexRealScal(z,t)",
                           "ComplexSquareAbs(z)",
                           "ComplexSquareAbs(Real2Complex(x))",
                           "ComplexAbs(z+4)",
                           "ComplexAbs(ComplexAdd(Real2Complex(x),w+3))",
                           "ComplexAngle(z+4)",
                           "ComplexExp(ComplexMult(z,w))",
                           "ComplexExp1j(x*y)",
                           "ComplexExp1j(t)",
                           "ComplexSqrt(ComplexAdd(z,c))",
                           "ComplexTan(z)",
                           "ComplexTanh(ComplexMult(z,w)/4)",
                           "ComplexAsin(ComplexAdd(w,c))",
                           "ComplexAcos(z)",
                           "ComplexAtan(ComplexMult(z,c))",
                           "ComplexAsinh(z)",
                           "ComplexAcosh(w)",
                           "ComplexAtanh(z)",
                           "ComplexSum(ComplexMult(z,z))",
                           "ComplexSumT(c,5)*Concat(x,c)",
                           "ComplexSumT(ComplexSum(z),6)",
                           "ComplexReal(ComplexExp(ComplexMult(c,Real2Complex(x))))|y",
                           "TensorDot(A,x,[3,3],[3],[1],[0])",
                           "TensorDot(T,A,[2,3,2],[3,3],[1],[0],[2,0,1])",
                           "TensorDot(T,T,[2,3,2],[2,2,3],[1,2],[2,0])",
                           "TensorDot(T,z,[2,3,2],[3,2],[2,1],[1,0])",
                           "TensorDot(x,y,[3],[3],[],[],[1,0])",
                           "Kron(A,c,[3,3],[1,2])",
                           "Kron(c,T,[2],[2,3,2])",
                           "Kron(x,x,[3],[3,1])"}) {
    const std::string f = text;
    for (const auto& [name, adjoint] : variables) {
      const std::string v = name;
      if (Parsed("Grad(" + f + "," + v + ",1)", declared).root->operation->name == std::string("Constant")) continue;
      check_gradient("Sum_Reduction(" + f + ",1)", v, "e", declared);
      check_gradient("Sum_Reduction(Sin(" + f + "),0)", v, "g", declared);
      check_gradient("Grad(Sum_Reduction(Sin(" + f + "),1)," + v + ",e)", v, adjoint, declared, domain_named("real"), 1e-5);
      check_operators(f, v, declared);
    }
  }
  // The deliberate values at singular points.
  const auto at = [](const std::string& f, const Values& z) {
    Parsed parsed("Grad(" + f + ",z,1)", {"z=Vi(2)"});
    Interpreter interpreter({one_row(z)}, 1, 1);
    return interpreter.value(parsed.root, 0, 0);
  };
  CHECK_EQUAL(at("ComplexAbs(z)", {0, 0}), (Values{0, 0}));
  CHECK_EQUAL(at("ComplexAngle(z)", {0, 0}), (Values{0, 0}));
  CHECK_EQUAL(at("ComplexSquareAbs(z)", {0, 0}), (Values{0, 0}));
}

}  // namespace
