// Special functions, logic, splines, time warping, tables looked up by position, soft-max reductions by component and
// raw: values, edge cases, derivatives.
#include "gradient_check.hpp"
#include "value_check.hpp"

using namespace check;
using rkeops::Precision;

namespace {

const double none = std::nan("");

TEST("functions") {
  const std::vector<std::string> declared{"x=Vi(3)", "u=Vi(3)", "p=Vi(3)", "n=Vi(4)"};
  const Values x{0.5, -2, 3}, u{0.25, -0.75, 0.5}, p{0.5, 1, 7.25}, n{none, inf, -inf, -0.0};
  const std::vector<Matrix> data{one_row(x), one_row(u), one_row(p), one_row(n)};
  const auto map = [](const Values& v, double (*f)(double)) {
    Values out;
    for (double a : v) out.push_back(f(a));
    return out;
  };
  check_values({{"Expm1(x)", map(x, std::expm1)},
                {"Expm1(n)", {none, inf, -1, 0}},
                {"Log1p(p)", map(p, std::log1p)},
                {"Log1p(n)", {none, inf, none, 0}},
                {"Log1p(-1)", {-inf}},
                {"Expm1(1e-20)", {1e-20}},
                {"Log1p(1e-20)", {1e-20}},
                {"Tan(u)", map(u, std::tan)},
                {"Tan(n)", {none, none, none, 0}},
                {"Sinh(x)", map(x, std::sinh)},
                {"Sinh(n)", {none, inf, -inf, 0}},
                {"Cosh(x)", map(x, std::cosh)},
                {"Cosh(n)", {none, inf, inf, 1}},
                {"Tanh(x)", map(x, std::tanh)},
                {"Tanh(n)", {none, 1, -1, 0}},
                {"Asinh(x)", map(x, std::asinh)},
                {"Asinh(n)", {none, inf, -inf, 0}},
                {"Acosh(x)", {none, none, std::acosh(3.0)}},
                {"Acosh(n)", {none, inf, none, none}},
                {"Acosh(1)", {0}},
                {"Atanh(u)", map(u, std::atanh)},
                {"Atanh(n)", {none, none, none, 0}},
                {"Atanh(Sign(x))", {inf, -inf, inf}},
                {"Erf(x)", map(x, std::erf)},
                {"Erf(n)", {none, 1, -1, 0}},
                {"Erfc(x)", map(x, std::erfc)},
                {"Erfc(n)", {none, 0, 2, 1}},
                {"1e30*Erfc(6)", {1e30 * std::erfc(6.0)}},
                {"LGamma(p)", {std::log(pi) / 2, 0, std::lgamma(7.25)}},
                {"LGamma(x-x)", {inf, inf, inf}},
                {"LGamma(-3)", {inf}},
                {"LGamma(-0.5)", {std::log(2 * std::sqrt(pi))}},
                {"LGamma(n)", {none, inf, inf, inf}},
                {"Digamma(Extract(p,0,2))", {-1.9635100260214234794, -0.57721566490153286061}},
                {"Digamma(-0.5)", {0.03648997397857652056}},
                {"Trigamma(Extract(p,0,2))", {pi * pi / 2, pi * pi / 6}},
                {"Trigamma(-0.5)", {8.93480220054467930942}},
                {"Digamma(10)", {2.25175258906672110764}},
                {"Trigamma(10)", {0.10516633568168574612}},
                {"BesselJ0(p)", {0.93846980724081290423, 0.76519768655796655145, ::j0(7.25)}},
                {"BesselJ1(p)", {0.24226845767487388638, 0.44005058574493351596, ::j1(7.25)}},
                {"BesselJ0(0)", {1}},
                {"BesselJ1(-1)", {-0.44005058574493351596}},
                {"BesselJ1(0)", {0}},
                {"SoftMin(1,2,3,0.5)", {-0.5 * std::log(std::exp(-2) + std::exp(-4) + std::exp(-6))}},
                {"SoftMin(x,2,u,1e-3)", {0.25, -2, 0.5}},
                {"InvOrZero(n)", {none, 0, 0, 0}},
                {"InvOrZero(x)", {2, -0.5, 1 / 3.0}},
                {"And(x,Floor(p))", {0, 1, 1}},
                {"And(n,1)", {1, 1, 1, 0}},
                {"And(n,0)", {0, 0, 0, 0}},
                {"Or(n,0)", {1, 1, 1, 0}},
                {"Or(Floor(p),Step(x))", {1, 1, 1}},
                {"Or(0,-0.0)", {0}},
                {"Not(n)", {0, 0, 0, 1}},
                {"Not(x)", {0, 0, 0}},
                {"And(x,Not(x<0))", {1, 0, 1}},
                {"Reverse(x)", {3, -2, 0.5}},
                {"Reverse(Reverse(x))", x},
                {"Reverse(2)", {2}},
                {"Reverse(Concat(x,u))", {0.5, -0.75, 0.25, 3, -2, 0.5}},
                {"Extract(Reverse(n),1,2)", {-inf, inf}},
                {"Factorize(x*u,x)", {0.125, 1.5, 1.5}},
                {"AutoFactorize(x+x)", {1, -4, 6}}},
               declared, data, {8e-15, 3e-6});
}

TEST("refusals") {
  const auto fails = [](const std::string& formula, rkeops::ErrorKind kind, const std::string& part) {
    const std::string wrong = throws(
        [&] {
          Parsed(formula, {"x=Vi(3)", "s=Vi(1)", "A=Pm(12)", "k=Pm(5)", "r=Vi(12)"});
        },
        {kind, part, 0});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
  };
  using rkeops::ErrorKind;
  fails("BSpline(k,s,-1)", ErrorKind::argument, "degree -1");
  fails("BSpline(k,x,1)", ErrorKind::dimension, "dimension 3, 1 is needed");
  fails("BSpline(k,s,4)", ErrorKind::dimension, "5 knots, at least 6");
  fails("BSpline(s,s,0)", ErrorKind::dimension, "1 knots, at least 2");
  fails("SoftDTW_SqDist(x,x,x)", ErrorKind::dimension, "dimension 3, 1 is needed");
  fails("Gather(A,x,3)", ErrorKind::dimension, "dimension 3, 1 is needed");
  fails("Gather(A,s,5)", ErrorKind::argument, "rows of length 5 do not divide a table of dimension 12");
  fails("Gather(A,s,0)", ErrorKind::argument, "length 0");
  fails("Gather(A,s,-3)", ErrorKind::argument, "length -3");
  for (const char* table : {"r", "A*2", "s", "Extract(A,0,6)", "Concat(A,A)", "2"}) {
    fails(std::string("Gather(") + table + ",s,1)", ErrorKind::argument, "the table must be a parameter");
    fails(std::string("Lookup(") + table + ",s,s,1)", ErrorKind::argument, "the table must be a parameter");
  }
  fails("Lookup(A,x,s,3)", ErrorKind::dimension, "dimension 3, 1 is needed");
  fails("Lookup(A,s,x,3)", ErrorKind::dimension, "dimension 3, 1 is needed");
  fails("Lookup(A,s,s,5)", ErrorKind::argument, "5 columns do not divide a table of dimension 12");
  fails("Lookup(A,s,s,0)", ErrorKind::argument, "0 columns");
}

// The recursion of Cox and de Boor as it is written in textbooks.
double basis(const Values& t, std::size_t i, std::size_t k, double x) {
  if (k == 0) return t[i] <= x && x < t[i + 1] ? 1 : 0;
  const double rising = t[i + k] > t[i] ? (x - t[i]) / (t[i + k] - t[i]) : 0;
  const double falling = t[i + k + 1] > t[i + 1] ? (t[i + k + 1] - x) / (t[i + k + 1] - t[i + 1]) : 0;
  return rising * basis(t, i, k - 1, x) + falling * basis(t, i + 1, k - 1, x);
}

TEST("splines") {
  const std::vector<std::string> declared{"t=Pm(7)", "x=Vi(1)"};
  const auto value = [&](const Values& knots, double x, std::size_t degree) {
    Parsed parsed("BSpline(t,x," + show(degree) + ")", {"t=Pm(" + show(knots.size()) + ")", "x=Vi(1)"});
    Interpreter interpreter({one_row(knots), one_row({x})}, 1, 1);
    return interpreter.value(parsed.root, 0, 0);
  };
  const Values even{0, 1, 2, 3, 4, 5, 6}, repeated{0, 0, 0, 1, 2, 2, 2}, inner{0, 0, 1, 1, 1, 3, 4};
  CHECK_EQUAL(value({0, 1, 2, 3}, 1.5, 1), (Values{0.5, 0.5}));
  CHECK_EQUAL(value({0, 1, 2, 3}, 0, 1), (Values{0, 0}));
  CHECK_EQUAL(value(even, 2.5, 2), (Values{0.125, 0.75, 0.125, 0}));
  CHECK_EQUAL(value(even, 2, 0), (Values{0, 0, 1, 0, 0, 0}));
  CHECK_EQUAL(value(repeated, 0.5, 2), (Values{0.25, 0.625, 0.125, 0}));
  CHECK_EQUAL(value(repeated, 0, 2), (Values{1, 0, 0, 0}));
  for (const Values& knots : {even, repeated, inner}) {
    for (std::size_t degree = 0; degree <= 5; ++degree) {
      for (double x : {-1.0, -1e-9, 0.0, 0.3, 1.0, 1.7, 1.99, 2.0, 3.0, 3.5, 4.0, 5.9, 6.0, 7.0, none, inf, -inf}) {
        Values expected;
        for (std::size_t i = 0; i + degree + 1 < knots.size(); ++i)
          expected.push_back(std::isfinite(x) ? basis(knots, i, degree, x) : 0);
        if (std::isfinite(x))
          CHECK_THAT(agree(value(knots, x, degree), expected, 1e-15), "BSpline of degree " + show(degree) + " at " + show(x) +
                                                                          " on " + show(knots) + " gives " +
                                                                          show(value(knots, x, degree)));
      }
      CHECK_EQUAL(value(knots, knots.back(), degree), Values(knots.size() - degree - 1, 0));  // the last knot is outside
    }
  }
  for (const Values& knots : {repeated, inner}) {
    check_values({{"BSpline(t,x,0)",
                   {basis(knots, 0, 0, 1.25), basis(knots, 1, 0, 1.25), basis(knots, 2, 0, 1.25), basis(knots, 3, 0, 1.25),
                    basis(knots, 4, 0, 1.25), basis(knots, 5, 0, 1.25)}},
                  {"BSpline(t,x,3)", {basis(knots, 0, 3, 1.25), basis(knots, 1, 3, 1.25), basis(knots, 2, 3, 1.25)}},
                  {"BSpline(t,7,3)", {0, 0, 0}},
                  {"BSpline(t,Elem(t,6),2)", {0, 0, 0, 0}}},
                 declared, {one_row(knots), one_row({1.25})}, {2e-15, 1e-6});
  }
  // d/dx B_ik = k (B_i,k-1 / (t_i+k - t_i) - B_i+1,k-1 / (t_i+k+1 - t_i+1))
  for (const Values& knots : {even, repeated, inner}) {
    for (std::size_t k = 1; k <= 4; ++k) {
      for (double x : {-0.5, 0.3, 1.2, 1.75, 3.25, 5.5, 6.5}) {
        Parsed parsed("Diff(BSpline(t,x," + show(k) + "),x,1)", declared);
        Interpreter interpreter({one_row(knots), one_row({x})}, 1, 1);
        Values expected;
        for (std::size_t i = 0; i + k + 1 < knots.size(); ++i) {
          const double first = knots[i + k] - knots[i], second = knots[i + k + 1] - knots[i + 1], degree = static_cast<double>(k);
          expected.push_back((first > 0 ? degree * basis(knots, i, k - 1, x) / first : 0) -
                             (second > 0 ? degree * basis(knots, i + 1, k - 1, x) / second : 0));
        }
        const Values got = interpreter.value(parsed.root, 0, 0);
        CHECK_THAT(agree(got, expected, 1e-13), "derivative of degree " + show(k) + " at " + show(x) + " on " + show(knots) +
                                                    " is " + show(got) + ", not " + show(expected));
      }
    }
  }
  check_operators("BSpline(Concat(-4,Concat(-3+0.2*y,Concat(2.5,4))),s,2)", "y", {"y=Vj(3)", "s=Vi(1)"});
  check_operators("BSpline(Concat(-4,Concat(-3+0.2*y,Concat(2.5,4))),s,3)", "s", {"y=Vj(3)", "s=Vi(1)"});
}

double soft_dtw(const Values& x, const Values& y, double g) {
  std::vector<Values> r(x.size(), Values(y.size()));
  for (std::size_t a = 0; a < x.size(); ++a) {
    for (std::size_t b = 0; b < y.size(); ++b) {
      const double cost = (x[a] - y[b]) * (x[a] - y[b]);
      if (a == 0 || b == 0) {
        r[a][b] = cost + (a > 0 ? r[a - 1][b] : b > 0 ? r[a][b - 1] : 0);
        continue;
      }
      double m = inf, sum = 0;
      const double before[] = {r[a - 1][b - 1], r[a - 1][b], r[a][b - 1]};
      for (double u : before) m = std::min(m, u);
      for (double u : before) sum += std::exp((m - u) / g);
      r[a][b] = cost + m - g * std::log(sum);
    }
  }
  return r.back().back();
}

TEST("time warping") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vi(2)", "g=Vi(1)"};
  for (const auto& [g, expected] : {std::pair<double, double>{0.5, 1.3467932}, {5, -4.5488069}}) {
    Parsed parsed("SoftDTW_SqDist(x,y,g)", declared);
    Interpreter interpreter({one_row({1, 2, 4}), one_row({1.5, 3}), one_row({g})}, 1, 1);
    CHECK_NEAR(interpreter.value(parsed.root, 0, 0)[0], expected, 6e-8);
  }
  check_values({{"SoftDTW_SqDist(x,y,g)", {soft_dtw({1, 2, 4}, {1.5, 3}, 0.5)}},
                {"SoftDTW_SqDist(y,x,g)", {soft_dtw({1.5, 3}, {1, 2, 4}, 0.5)}},
                {"SoftDTW_SqDist(x,x,0.01)", {soft_dtw({1, 2, 4}, {1, 2, 4}, 0.01)}},
                {"SoftDTW_SqDist(x,g,5)", {0.25 + 2.25 + 12.25}},
                {"SoftDTW_SqDist(g,g,1)", {0}},
                {"SoftDTW_SqDist(g,y,1)", {1 + 6.25}}},
               declared, {one_row({1, 2, 4}), one_row({1.5, 3}), one_row({0.5})}, {4e-15, 2e-6});
  std::mt19937_64 random(4);
  for (std::int64_t n = 1; n <= 7; ++n) {
    for (std::int64_t m = 1; m <= 7; ++m) {
      Parsed parsed("SoftDTW_SqDist(x,y,g)", {"x=Vi(" + show(n) + ")", "y=Vi(" + show(m) + ")", "g=Vi(1)"});
      const Matrix x = random_matrix(1, n, random), y = random_matrix(1, m, random), g = random_matrix(1, 1, random, 0.05, 3);
      Interpreter interpreter({x, y, g}, 1, 1);
      CHECK_NEAR(interpreter.value(parsed.root, 0, 0)[0], soft_dtw(x.values, y.values, g.values[0]), 1e-13);
    }
  }
  for (const char* v : {"x", "y", "g"}) {
    check_operators("SoftDTW_SqDist(x,y,1+Square(g))", v, {"x=Vi(4)", "y=Vj(3)", "g=Pm(1)"});
    check_gradient("Grad(Sum_Reduction(SoftDTW_SqDist(x,y,1+Square(g)),1),x,e)", v, "e",
                   {"x=Vi(4)", "y=Vj(3)", "g=Pm(1)", "e=Vi(1)"}, domain_named("real"), 1e-5);
  }
}

TEST("tables") {
  const std::vector<std::string> declared{"A=Pm(6)", "s=Vi(1)", "n=Vi(2)"};
  check_values({{"Gather(A,0,2)", {1, 2}},
                {"Gather(A,s,2)", {3, 4}},
                {"Gather(A,s*2,2)", {5, 6}},
                {"Gather(A,3,2)", {none, none}},
                {"Gather(A,-1,2)", {none, none}},
                {"Gather(A,Elem(n,0),2)", {none, none}},
                {"Gather(A,Elem(n,1),3)", {none, none, none}},
                {"Gather(A,s*5,1)", {6}},
                {"Gather(A,0,6)", {1, 2, 3, 4, 5, 6}},
                {"Gather(A,1,6)", Values(6, none)},
                {"Gather(A,1e30,2)", {none, none}},
                {"Gather(A,s+0.3,2)", {3, 4}},
                {"Gather(A,s-0.3,2)", {3, 4}},
                {"Gather(A,Elem(A,1),1)", {3}},
                {"Lookup(A,s,2,3)", {6}},
                {"Lookup(A,0,s,3)", {2}},
                {"Lookup(A,2,0,3)", {none}},
                {"Lookup(A,0,3,3)", {none}},
                {"Lookup(A,-1,0,3)", {none}},
                {"Lookup(A,0,-1,3)", {none}},
                {"Lookup(A,Elem(n,0),0,3)", {none}},
                {"Lookup(A,0,Elem(n,1),3)", {none}},
                {"Lookup(A,5,0,1)", {6}},
                {"Lookup(A,0,5,6)", {6}},
                {"Reverse(Gather(A,s,2))", {4, 3}},
                {"Gather(A,ArgMax(A),1)", {6}}},
               declared, {one_row({1, 2, 3, 4, 5, 6}), one_row({1}), one_row({none, -inf})}, {1e-15, 1e-15});
  // Other rows for every (i, j); derivatives with respect to the table.
  const std::vector<std::string> more{"A=Pm(12)", "r=Vi(1)", "c=Vj(1)", "y=Vj(3)", "e=Vi(1)", "g=Vj(1)", "k=Pm(1)"};
  const std::string row = "(1.5+2*Sin(3*r))", column = "(1+Sin(4*c))";
  for (const std::string& f : {"Gather(A," + row + ",3)*y", "Lookup(A," + row + "," + column + ",3)*y",
                               "Exp(Gather(A,(" + row + "+" + column + ")/2,3))", "Square(Lookup(A,1," + column + ",3))*r"}) {
    check_operators(f, "A", more);
    for (const char* v : {"A", "y"}) {
      if (f.find(v) == std::string::npos) continue;
      check_gradient("Sum_Reduction(" + f + ",1)", v, "e", more);
      check_gradient("LogSumExp_Reduction(" + f + ",0)", v, "g", more);
      check_gradient("Grad(Sum_Reduction(" + f + ",1),A,e)", v, "k", more, domain_named("real"), 1e-5);
    }
  }
  // More entries than float32 can count: exact by row and column.
  const std::int64_t rows = 4200, columns = 4100;
  Matrix table{1, rows * columns, Values(static_cast<std::size_t>(rows * columns))};
  for (std::size_t k = 0; k < table.values.size(); ++k) table.values[k] = static_cast<double>(k % 8191);
  std::mt19937_64 random(2);
  Matrix r{64, 1, Values(64)}, c = r;
  for (std::size_t k = 0; k < 64; ++k) {
    r.values[k] = k == 0 ? static_cast<double>(rows - 1) : static_cast<double>(random() % static_cast<std::uint64_t>(rows));
    c.values[k] = k == 0 ? static_cast<double>(columns - 1) : static_cast<double>(random() % static_cast<std::uint64_t>(columns));
  }
  const Matrix got =
      run("Sum_Reduction(Lookup(T,r,c," + show(columns) + "),1)", {"T=Pm(" + show(rows * columns) + ")", "r=Vi(1)", "c=Vi(1)"},
          {table, r, c}, run_options(Precision::float32))[0];
  for (std::size_t k = 0; k < 64; ++k) {
    const std::int64_t at = static_cast<std::int64_t>(r.values[k]) * columns + static_cast<std::int64_t>(c.values[k]);
    CHECK_EQUAL(got.values[k], static_cast<double>(at % 8191));
  }
}

// LogSumExp by component, and the raw pairs (m, sums), where terms are infinite, NaN, huge or missing.
TEST("soft maxima") {
  const double huge = 1e30;
  const Values terms[] = {{0, 1, 2},    {-inf, 1, -inf},     {-inf, -inf, -inf},   {inf, 0, 1},     {inf, inf, -inf},
                          {none, 0, 1}, {huge, -huge, huge}, {-huge, -huge, -inf}, {700, -700, 710}};
  for (const auto precision : {Precision::float64, Precision::float32}) {
    Matrix f{3, 9, Values(27)}, w{3, 2, {1, -2, 0.5, 3, 1, 2}};
    for (std::int64_t c = 0; c < 9; ++c) {
      for (std::int64_t t = 0; t < 3; ++t) f.at(t, c) = terms[c][static_cast<std::size_t>(t)];
    }
    const double tolerance = precision == Precision::float64 ? 1e-14 : 2e-6;
    const auto largest = [](const Values& v) { return *std::max_element(v.begin(), v.end()); };
    const Values together = run("LogSumExp_Reduction(f,1)", {"f=Vj(9)"}, {f}, run_options(precision))[0].values;
    for (std::size_t c = 0; c < 9; ++c) {
      double expected = largest(terms[c]), sum = 0;
      for (double t : terms[c]) sum += std::exp(t - expected);
      if (std::isfinite(expected)) expected += std::log(sum);
      if (c == 5) expected = none;
      CHECK_THAT(agree({together[c]}, {expected}, tolerance),
                 "LogSumExp by component of " + show(terms[c]) + " is " + show(together[c]) + ", not " + show(expected));
      const Matrix one = column(terms[c]);
      CHECK_THAT(
          agree(run("LogSumExp_Reduction(f,1)", {"f=Vj(1)"}, {one}, run_options(precision))[0].values, {expected}, tolerance),
          "LogSumExp of " + show(terms[c]));
      if (!std::isfinite(expected) && expected != -inf) continue;
      const double top = largest(terms[c]);
      Values pair{top, 0}, weighted{top, 0, 0};
      for (std::size_t t = 0; t < 3 && top != -inf; ++t) {
        const double p = std::exp(terms[c][t] - top);
        pair[1] += p, weighted[1] += p * w.values[t], weighted[2] += p * w.values[t + 3];
      }
      for (const auto& [formula, raw] :
           {ValueCase{"Max_SumShiftExp_Reduction(f,1)", pair}, ValueCase{"Max_SumShiftExpWeight_Reduction(f,w,1)", weighted}}) {
        const std::vector<Matrix> got = run(formula, {"f=Vj(1)", "w=Vj(2)"}, {one, w}, run_options(precision));
        CHECK_THAT(got.size() == 1 && got[0].rows == 1 && agree(got[0].values, raw, tolerance),
                   formula + " of " + show(terms[c]) + " is " + show(got[0].values) + ", not " + show(raw));
      }
    }
  }
  const Matrix no_rows{0, 2, {}}, nothing{0, 1, {}};
  CHECK_EQUAL(run("LogSumExp_Reduction(f,1)", {"f=Vj(2)"}, {no_rows})[0].values, (Values{-inf, -inf}));
  CHECK_EQUAL(run("Max_SumShiftExp_Reduction(f,1)", {"f=Vj(1)"}, {nothing})[0].values, (Values{-inf, 0}));
  CHECK_EQUAL(run("Max_SumShiftExpWeight_Reduction(f,w,1)", {"f=Vj(1)", "w=Vj(2)"}, {nothing, no_rows})[0].values,
              (Values{-inf, 0, 0}));
  // As part of a larger formula: m + log(s) is LogSumExp.
  std::mt19937_64 random(6);
  const Matrix x = random_matrix(5, 2, random), y = random_matrix(301, 2, random);
  const std::vector<Matrix> a = run("LogSumExp_Reduction(x|y,1)", {"x=Vi(2)", "y=Vj(2)"}, {x, y});
  const std::string pair = "Max_SumShiftExp_Reduction(x|y,1)";
  const std::vector<Matrix> b = run("Elem(" + pair + ",0)+Log(Elem(" + pair + ",1))", {"x=Vi(2)", "y=Vj(2)"}, {x, y});
  CHECK(agree(a[0].values, b[0].values, 1e-14));
}

}  // namespace
