// Diff, GradMatrix, Divergence, Laplacian, TraceOperator, AdjointOperator, SumLinOperator: against Jacobians by
// differences, on each other's results, through reductions, on random formulas; their errors.
//   test_differential [first seed] [number of random formulas] [greatest depth]
#include "gradient_check.hpp"
#include "random_formula.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "p=Pm(3)", "s=Vj(1)", "t=Vi(1)", "A=Pm(9)", "b=Vi(2)", "z=Vi(6)"};

// Does the name occur in the formula?
bool occurs(const std::string& formula, const std::string& name) {
  const auto letter = [&](std::size_t k) {
    return k < formula.size() && (std::isalnum(static_cast<unsigned char>(formula[k])) || formula[k] == '_');
  };
  for (std::size_t at = 0; (at = formula.find(name, at)) != std::string::npos; ++at) {
    if (!(at > 0 && letter(at - 1)) && !letter(at + name.size())) return true;
  }
  return false;
}

TEST("formulas") {
  for (const char* text : {"x",
                           "x*y",
                           "Exp(-SqDist(x,y))",
                           "Exp(-SqDist(x,y))*p",
                           "Sin(x|y)*x",
                           "Square(x)*s",
                           "x/(2+Square(y))",
                           "MatVecMult(A,x)",
                           "VecMatMult(x,A)*t",
                           "MatVecMult(TensorProd(x,y),x)",
                           "Norm2(x-3*y)",
                           "Normalize(x+2)",
                           "Reverse(x*y)",
                           "Concat(b,t)*x",
                           "Concat(Sin(b),Exp(t))",
                           "Extract(x*Exp(y),1,2)",
                           "ExtractT(b*t,1,4)",
                           "Elem(x,1)*x",
                           "ElemT(x|y,3,1)",
                           "Sum(x)*Reverse(x)",
                           "SumT(x|y,3)*x",
                           "ComplexMult(Real2Complex(x),z)",
                           "ComplexAbs(z+3)",
                           "ComplexReal(ComplexExp(z))",
                           "ComplexDivide(z,ComplexExp1j(x))",
                           "TensorDot(A,x,[3,3],[3],[0],[0])*y",
                           "Kron(b,x,[2],[3])",
                           "WeightedSqNorm(A,x-y)",
                           "WeightedSqDist(p,x,y)",
                           "(x|y)**3",
                           "Powf(2+Sin(x),s)",
                           "SoftDTW_SqDist(x,y,1+Square(t))",
                           "BSpline(Concat(-9,Concat(-5+0.1*x,Concat(3,9))),t,2)",
                           "Erf(x)*y",
                           "IfElse(x-9,y,x*y)",
                           "Rsqrt(1+SqDist(x,y))",
                           "Log(2+Sin(x))*Reverse(y)",
                           "Tanh(x|y)",
                           "Atan2(x,2+Square(y))",
                           "Clamp(x,-9,9)*x",
                           "Mult(t,t)",
                           "t**4",
                           "Sinh(t)*x",
                           "Gather(A,1,3)*x",
                           "Lookup(A,1,2,3)*x",
                           "Divide(x,t+3)",
                           "LGamma(3+x)",
                           "BesselJ0(x)*t",
                           "SumT(t*s,3)",
                           "IntCst(2)",
                           "SumT(3,3)",
                           "y"}) {
    for (const char* v : {"x", "y", "p", "s", "t", "A", "b", "z"}) {
      if (occurs(text, v) || std::string(v) == "x") check_operators(text, v, declared);
    }
  }
}

// Operators on the results of operators.
TEST("nested") {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"Laplacian(Exp(-SqDist(x,y)),x)", "xy"},
      {"Laplacian(Norm2(x-4*y),x)", "xy"},
      {"Laplacian(Sin(x|y)*t,y)", "xyt"},
      {"Divergence(Exp(-SqDist(x,y))*(x-y),x)", "xy"},
      {"Divergence(Sin(x)*(x|y),x)", "xy"},
      {"Grad(Laplacian(Rsqrt(1+SqDist(x,y)),x),x,1)", "xy"},
      {"Laplacian(Laplacian(Exp(-SqDist(x,y)/2),x),x)", "y"},
      {"Diff(Grad(Sin(x|y)*(x|x),x,1),x,y)", "xy"},
      {"Grad(Diff(Sin(x)*t,x,y),x,p)", "xytp"},
      {"Grad(Grad(Grad(Sin(x|y)*SqNorm2(x),x,1),x,y),y,p)", "xyp"},
      {"GradMatrix(Grad(Exp(-SqDist(x,y)),x,1),x)", "xy"},
      {"GradMatrix(MatVecMult(GradMatrix(Sin(x)*(x|y),x),p),x)", "yp"},
      {"Divergence(Grad(Exp(x|y),x,t),x)", "xyt"},
      {"TraceOperator(Diff(Grad(Exp(-SqDist(x,y)),x,1),x,p),p)", "xy"},
      {"AdjointOperator(Diff(Sin(x)*(x|y),x,p),p,y)", "xy"},
      {"SumLinOperator(Diff(Exp(x|y)*x,x,p),p,y,x)", "xy"},
      {"Diff(Laplacian(Square(x|y),x),y,p)", "yp"},
      {"Diff(Divergence(ComplexReal(ComplexExp(ComplexMult(Real2Complex(x),z))),x),x,p)", "xpz"},
      {"Laplacian(Sum(ComplexAbs(z+4)),z)", "z"},
      {"Diff((x|y)*p,(x,y),(p,Sin(p)))", "xyp"},
      {"Laplacian(SoftDTW_SqDist(x,b,2),x)", "xb"},
      {"Divergence(Erf(x*t)*p,x)", "xtp"},
      {"Diff(Diff(Diff(Exp(x|y),x,y),x,p),y,x)", "xyp"},
      {"TraceOperator(TensorProd(x,y)*0+A,A,A)", "A"}};
  for (const auto& [text, names] : cases) {
    for (const char* v = names; *v; ++v) check_operators(text, std::string(1, *v), declared, "real", 1e-5);
  }
  for (const char* text :
       {"Laplacian(Exp(-SqDist(x,y)),x)*s", "Divergence(Norm2(x-4*y)*x,x)", "Laplacian(Norm2(x-4*y),x)*Norm2(y)"}) {
    const std::string sum = std::string("Sum_Reduction(") + text + ",1)";
    for (const char* v : {"x", "y"}) check_gradient(sum, v, "t", declared, domain_named("real"), 1e-5);
  }
}

// Linear formulas that are not differentials.
TEST("linear") {
  for (const char* text :
       {"x", "MatVecMult(A,x)", "x*y-Reverse(x)/s", "-x+SumT(x|y,3)", "SumT(Sum(x),3)", "ElemT(Elem(x,2),3,0)*p", "Elem(x,1)",
        "x|y", "Sum(x)*Sum(y)", "x/y+(-x)*p", "y+MatVecMult(TensorProd(y,p),x)", "VecMatMult(x,A)-x/Norm2(y)",
        "Concat(Elem(x,2),Extract(x,0,2))", "ComplexReal(ComplexMult(Real2Complex(x),z))",
        "Conj(Concat(x,Elem(x,0)))|Concat(y,1)", "Zero(3)", "y"}) {
    const std::string f = text;
    Pairwise pair(f, "x", declared, "real", 5);
    const std::vector<Values> m = pair.jacobian(1e-3);
    const Values p = pair.argument("p"), y = pair.argument("y");
    double trace = 0, weighted = 0, all = 0;
    Values adjoint(3, 0);
    for (std::size_t k = 0; k < 3; ++k) {
      trace += m[m.size() == 1 ? 0 : k][k], weighted += p[k] * m[m.size() == 1 ? 0 : k][k];
      for (std::size_t r = 0; r < m.size(); ++r)
        all += y[m.size() == 1 ? 0 : r] * m[r][k], adjoint[k] += y[m.size() == 1 ? 0 : r] * m[r][k];
    }
    const std::string left = m.size() == 1 ? "Elem(y,0)" : "y";
    const std::pair<std::string, Values> cases[] = {{"TraceOperator(" + f + ",x)", {trace}},
                                                    {"TraceOperator(" + f + ",x,p)", {weighted}},
                                                    {"AdjointOperator(" + f + ",x," + left + ")", adjoint},
                                                    {"SumLinOperator(" + f + ",x," + left + ")", {all}},
                                                    {"SumLinOperator(" + f + ",x," + left + ",1)", {all}}};
    for (const auto& [formula, expected] : cases) {
      const Values got = pair.value(formula);
      bool same = got.size() == expected.size();
      for (std::size_t k = 0; same && k < got.size(); ++k) same = near(got[k], expected[k], 1e-9);
      CHECK_THAT(same, formula + " gives " + show(got) + ", not " + show(expected));
    }
  }
}

// Diff through reductions, and operators whose formula is one.
TEST("reductions") {
  const std::vector<std::string> data{"x=Vi(2)", "y=Vj(2)", "p=Pm(2)", "w=Vj(3)", "u=Vi(1)", "a=Vi(2)",  "b=Vj(2)",
                                      "c=Pm(2)", "d=Vj(3)", "e=Vi(1)", "k=Pm(1)", "g=Vj(1)", "a4=Vi(4)", "b4=Vj(4)"};
  const std::string f = "(Sin(x|y)-SqDist(x*p,y))", vector = "(Sin(x*y)+p*x-u*y)";
  const std::vector<std::string> kinds{"Sum_Reduction(" + vector + ",",
                                       "Sum_Reduction(" + f + "*w,",
                                       "LogSumExp_Reduction(" + f + ",",
                                       "LogSumExp_Reduction(" + vector + ",",
                                       "LogSumExpWeight_Reduction(" + f + ",(2+Sin(w*u)),",
                                       "SumSoftMaxWeight_Reduction(" + f + ",w*u,",
                                       "Min_Reduction(" + vector + ",",
                                       "Max_Reduction(" + vector + ",",
                                       "KMin_Reduction(" + vector + ",2,",
                                       "KMin_Reduction(" + f + ",3,"};
  const std::pair<const char*, const char*> directions[] = {{"x", "a"}, {"y", "b"}, {"p", "c"}, {"w", "d"},
                                                            {"u", "e"}, {"x", "k"}, {"y", "k"}, {"x", "x"}};
  for (const std::string& kind : kinds) {
    for (const char* axis : {"1)", "0)"}) {
      for (const auto& [v, u] : directions) {
        if (occurs(kind, v)) check_differential(kind + axis, v, u, data);
        if (occurs(kind, v)) check_differential("Square(" + kind + axis + ")*2", v, u, data);
      }
    }
  }
  // Grad where the sums are vectors: the selected rows, and each component's own soft-max.
  for (const char* kind : {"Min", "Max", "KMin", "LogSumExp"}) {
    const std::string k = kind[0] == 'K' ? ",2" : "", text = std::string(kind) + "_Reduction(" + vector + k;
    for (const char* v : {"x", "y", "p", "u"}) {
      check_gradient(text + ",1)", v, k.empty() ? "a" : "a4", data);
      check_gradient(text + ",0)", v, k.empty() ? "b" : "b4", data);
      check_gradient("Grad(" + text + ",1),y," + (k.empty() ? "a" : "a4") + ")", v, "b", data, domain_named("real"), 1e-5);
      check_gradient("Diff(" + text + ",1),x,a)", v, k.empty() ? "a" : "a4", data, domain_named("real"), 1e-5);
      check_gradient("Diff(" + text + ",0),p,c)", v, k.empty() ? "b" : "b4", data, domain_named("real"), 1e-5);
    }
  }
  for (const std::string& kind : {kinds[1], kinds[2], kinds[4], kinds[5]}) {
    check_differential("Grad(" + kind + "1),x," + (kind == kinds[2] ? "e" : "1") + ")", "y", "b", data, 1e-5);
    check_differential("Diff(" + kind + "1),y,b)", "x", "a", data, 1e-5);
    check_differential("Diff(" + kind + "0),x,a)", "p", "c", data, 1e-5);
  }
  check_differential("Sum_Reduction(LogSumExp_Reduction(x|y,1)*x,0)", "y", "b", data);
  check_differential("Sum_Reduction(Exp((x|y)-LogSumExp_Reduction(x|y,1))*y,1)", "x", "a", data);
  check_differential("Sum_Reduction(Laplacian(Exp(-SqDist(x,y)),x)*w,1)", "x", "a", data, 1e-5);
  check_differential("Sum_Reduction(Divergence(Sin(x|y)*y,y)*x,0)", "x", "a", data, 1e-5);
  // With the index of the result, reductions have a Jacobian at every row.
  for (const char* text : {"Sum_Reduction(Exp(-SqDist(x,y)),1)", "LogSumExp_Reduction(x|y,1)*u", "Sum_Reduction(Sin(x*y),1)*u",
                           "SumSoftMaxWeight_Reduction(x|y,y,1)", "Sum_Reduction(Exp(x|y)*x,1)/LogSumExp_Reduction(x|y,1)"}) {
    check_operators(text, "x", data, "real", 1e-5);
  }
  check_operators("Sum_Reduction(Sin(x*y),0)", "y", data, "real", 1e-5);
  check_operators("Grad(LogSumExp_Reduction(x|y,1),x,1)", "x", data, "real", 1e-5);
}

// Divergence and Laplacian of reductions, row by row of the variable, against differences: of the row that belongs to it where
// the result has the variable's index (but Laplacians are those of all rows), else of the sum of all rows.
void check_trace(const std::string& f, const std::string& v, const std::vector<std::string>& data_of) {
  const std::string divergence = "Divergence(" + f + "," + v + ")", laplacian = "Laplacian(" + f + "," + v + ")";
  try {
    Parsed value(f, data_of);
    std::mt19937_64 random(std::hash<std::string>()(f + v));
    const std::vector<Matrix> data = draw_data(value.arguments, domain_named("real"), random);
    const std::size_t at = position_of(value.arguments, v);
    const bool scalar = value.root->dim == 1,
               own = !scalar && value.root->indices == rkeops::indices_of(value.arguments[at].category);
    const auto moved = [&](std::int64_t r, std::int64_t c, double by) {
      Interpreter interpreter(data, rows_i, rows_j);
      interpreter.data(at).at(r, c) += by;
      const std::vector<Values> rows = all_rows(interpreter, value.root);
      if (own) return rows[static_cast<std::size_t>(r)];
      Values sums(rows[0].size(), 0);
      for (const Values& row : rows) {
        for (std::size_t k = 0; k < row.size(); ++k) sums[k] += row[k];
      }
      return sums;
    };
    for (const std::string& formula : {scalar ? laplacian : divergence}) {
      Parsed parsed(formula, data_of);
      Interpreter interpreter(data, rows_i, rows_j);
      const std::vector<Values> got = all_rows(interpreter, parsed.root);
      CHECK_THAT(got.size() == static_cast<std::size_t>(data[at].rows) && got[0].size() == 1, formula + ": wrong shape");
      for (std::size_t r = 0; r < got.size(); ++r) {
        double expected = 0;
        const double h = 1e-3;
        for (std::int64_t c = 0; c < data[at].cols; ++c) {
          const auto value_at = [&](double steps) {
            return moved(static_cast<std::int64_t>(r), c, steps * h)[scalar ? 0 : static_cast<std::size_t>(c)];
          };
          expected += scalar ? (16 * (value_at(1) + value_at(-1)) - value_at(2) - value_at(-2) - 30 * value_at(0)) / (12 * h * h)
                             : (8 * (value_at(1) - value_at(-1)) - value_at(2) + value_at(-2)) / (12 * h);
        }
        CHECK_THAT(near(got[r][0], expected, 1e-6 * (1 + std::fabs(expected))),
                   formula + " gives " + show(got[r][0]) + ", not " + show(expected));
      }
    }
  } catch (const std::exception& error) {
    CHECK_THAT(false, f + " by " + v + ": " + error.what());
  }
}

TEST("traces of reductions") {
  const std::vector<std::string> data_of{"x=Vi(2)", "y=Vj(2)", "p=Pm(2)", "u=Vi(1)", "w=Vj(1)"};
  for (const char* f : {"Sum_Reduction(Exp(-SqDist(x*p,y))*w,1)", "Sum_Reduction(Exp(-SqDist(x*p,y))*u,0)",
                        "LogSumExp_Reduction(x|(y*p),1)", "LogSumExp_Reduction(Sin(x)|(y*p),0)*w", "Sum_Reduction(Sin(x*y*p),1)",
                        "Sum_Reduction(Sin(x*y*p)*w,0)", "SumSoftMaxWeight_Reduction(x|y,p*y,1)",
                        "Grad(Sum_Reduction(Exp(-SqDist(x*p,y)),1),y,u)", "Grad(LogSumExp_Reduction(x|(y*p),1),y,u)",
                        "Square(Sum_Reduction(Sin(x|(y*p)),1))", "Sum_Reduction(Sin(x|y)*y*Sum_Reduction(Cos(x|(y*p)),1),0)"}) {
    for (const char* v : {"x", "y", "p"}) check_trace(f, v, data_of);
  }
}

TEST("errors") {
  const auto fails = [](const std::string& formula, ErrorKind kind, const std::string& part) {
    const std::string wrong = throws([&] { Parsed(formula, declared); }, {kind, part});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
  };
  const ErrorKind parse = ErrorKind::parse, dimension = ErrorKind::dimension, argument = ErrorKind::argument;
  for (const char* name : {"Diff", "AdjointOperator"}) fails(std::string(name) + "(x,x)", parse, "takes 3 arguments, got 2");
  for (const char* name : {"GradMatrix", "Divergence", "Laplacian"})
    fails(std::string(name) + "(x,x,x)", parse, "takes 2 arguments, got 3");
  fails("TraceOperator(x)", parse, "takes 2 or 3 arguments, got 1");
  fails("SumLinOperator(x,x,x,x,x)", parse, "takes 2 to 4 arguments, got 5");
  for (const char* call : {"Diff(x,2*x,x)", "GradMatrix(x,3)", "Divergence(x,x+y)", "Laplacian(t,Sum(x))", "TraceOperator(x,-x)",
                           "AdjointOperator(x,(x*2),y)", "SumLinOperator(x,Sin(x))"}) {
    fails(call, parse, "differentiates with respect to a variable");
  }
  fails("Diff(x,x,b)", dimension, "direction has dimension 2, 3 is needed");
  fails("Divergence(b,x)", dimension, "dimension 2, the variable has dimension 3");
  fails("Divergence(t,x)", dimension, "dimension 1, the variable");
  fails("Laplacian(x,x)", dimension, "dimension 3, 1 is needed");
  fails("TraceOperator(Extract(x,0,2),x)", dimension, "dimension 2");
  fails("TraceOperator(x,x,b)", dimension, "weight has dimension 2, 3 is needed");
  fails("TraceOperator(Sum(x),x,b)", dimension, "weight has dimension 2, 3 is needed");
  fails("AdjointOperator(x,x,b)", dimension, "third argument has dimension 2, 3");
  fails("SumLinOperator(x,x,b)", dimension, "left weight has dimension 2, 3");
  fails("SumLinOperator(Sum(x),x,1,b)", dimension, "right weight has dimension 2, 3");
  for (const char* name : {"TraceOperator(Sin(x),x)", "TraceOperator(x*x,x)", "AdjointOperator(Exp(x),x,y)",
                           "SumLinOperator(Abs(x),x)", "SumLinOperator(y/x,x)", "TraceOperator(x|x,x)"}) {
    fails(name, argument, "not linear in the variable");
  }
  fails("Diff(Sum_Reduction(x*y,1),x,y)", dimension, "not indexed like the variable");
  fails("Diff(Sum_Reduction(x,1)*y,x,x)", dimension, "both i and j");
  // What would take one gradient for each of very many components.
  fails("GradMatrix(SumT(t,100000000),t)", dimension, "at most");
  fails("Divergence(Sin(Reverse(Vi(8,100000))),Vi(8,100000))", dimension, "at most");
  fails("Diff(x*y,(x,y),(x))", parse, "every variable needs a direction");
  fails("Diff(x*y,(x,y),(x,y,x))", parse, "every variable needs a direction");
  fails("Diff(x*y,(x,3),(x,y))", parse, "differentiates with respect");
  fails("Diff(x*y,x,(x,y))", parse, "several");
  fails("Diff((x,y),x,x)", parse, "several");
  fails("Diff(x*y,(x,b),(x,y))", dimension, "direction has dimension 3, 2");
}

// Operators on random formulas: against differences wherever these settle, and Diff as the transpose of Grad.
TEST("random formulas") {
  const std::uint64_t first = check::number(0, 1), formulas = check::number(1, 600);
  const int deepest = static_cast<int>(check::number(2, 4));
  std::uint64_t settled = 0, tried = 0;
  for (std::uint64_t seed = first; seed < first + formulas; ++seed) {
    RandomFormula random(seed, 5);
    const std::int64_t dim = random.number(1, 4), size = random.chance(0.5) ? dim : random.number(1, 4);
    const std::string v = random.variable(size);
    std::string f;
    for (int attempt = 0; attempt < 20 && !occurs(f, v); ++attempt)
      f = random.expression(dim, static_cast<int>(random.number(1, deepest)));
    if (f.size() > 700 || f.find("gamma(") != std::string::npos) continue;
    ++tried;
    const std::string what = f + " by " + v + ", seed " + show(seed) + ": ";
    try {
      bool unsteady = false;
      const std::string wrong = wrong_operator(f, v, random.declarations, "real", seed, 1e-5, unsteady);
      settled += !unsteady;
      CHECK_THAT(wrong.empty(), what + wrong);
      std::vector<std::string> more = random.declarations;
      more.push_back("e_=Vi(" + show(dim) + ")"), more.push_back("u_=Vj(" + show(size) + ")");
      const Values pairing =
          Pairwise(f, v, more, "real", seed).value("(Diff(" + f + "," + v + ",u_)|e_)-(Grad(" + f + "," + v + ",e_)|u_)");
      const Values magnitude = Pairwise(f, v, more, "real", seed)
                                   .value("Abs(Diff(" + f + "," + v + ",u_)|e_)+(Abs(Grad(" + f + "," + v + ",e_))|Abs(u_))");
      CHECK_THAT(!std::isfinite(magnitude[0]) || std::fabs(pairing[0]) <= 1e-9 * (1 + magnitude[0]),
                 what + "Diff is not the transpose of Grad");
    } catch (const std::exception& error) {
      CHECK_THAT(false, what + error.what());
    }
  }
  CHECK(2 * settled > tried);
  if (formulas > 1000) std::printf("%ld formulas, %ld smooth\n", static_cast<long>(tried), static_cast<long>(settled));
}

}  // namespace
