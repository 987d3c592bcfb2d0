// Gradients against central finite differences, both by the interpreter: every operation, every reduction that has a
// gradient, variables of all categories, orders one to three.
#include "gradient_check.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

// Every elementwise row of the table: all arguments of dimension 3, then one of them a repeated scalar.
TEST("elementwise operations") {
  for (const rkeops::Operation& row : rkeops::operations()) {
    if (row.structure != rkeops::Structure::elementwise || !*row.signature) continue;
    const std::string signature = row.signature;
    const std::size_t operands = static_cast<std::size_t>(std::count(signature.begin(), signature.end(), 'x'));
    const char* categories[] = {"Vi", "Vj", "Pm"};
    for (std::size_t scalar = 0; scalar <= (operands > 1 ? operands : 0); ++scalar) {
      std::vector<std::string> declared;
      std::string call = std::string(row.name) + "(";
      std::size_t operand = 0;
      for (std::size_t k = 0; k < signature.size(); ++k) {
        if (k) call += ",";
        if (signature[k] != 'x') {
          call += "3";
          continue;
        }
        const std::string name(1, static_cast<char>('a' + operand));
        declared.push_back(name + "=" + categories[(operand + scalar) % 3] + (operand + 1 == scalar ? "(1)" : "(3)"));
        // Bounds out of order have a derivative by convention only.
        const bool bound = row.name == std::string("Clamp") && operand > 0;
        call += bound ? "(" + name + (operand == 1 ? "-1.6)" : "+1.6)") : name;
        ++operand;
      }
      declared.push_back("e=Vi(3)");
      declared.push_back("g=Vj(1)");
      for (const char* one : {"Vi(1)", "Vj(1)", "Pm(1)"})
        declared.push_back(std::string(1, one[0] == 'P' ? 'p' : one[1]) + "1=" + one);
      for (std::size_t k = 0; k < operands; ++k) {
        const std::string v(1, static_cast<char>('a' + k)), category = categories[(k + scalar) % 3];
        if (!row.adjoint) {
          CHECK_THROWS({ Parsed("Grad(" + call + ")," + v + ",1)", declared); }, {ErrorKind::unsupported, "has no derivative"});
          continue;
        }
        check_operators(call + ")", v, declared, row.domain, 1e-5);
        const std::string adjoint = std::string(1, category[0] == 'P' ? 'p' : category[1]) + "1";
        check_gradient("Grad(Sum_Reduction(" + call + "),1)," + v + ",e)", v, adjoint, declared, domain_named(row.domain), 2e-5);
        check_gradient("Grad(Sum_Reduction(" + call + "),1)," + v + ",e)", "a", adjoint, declared, domain_named(row.domain),
                       2e-5);
        check_gradient("Sum_Reduction(" + call + "),1)", v, "e", declared, domain_named(row.domain));
        check_gradient("LogSumExp_Reduction(Sum(" + call + ")),0)", v, "g", declared, domain_named(row.domain));
      }
    }
  }
}

TEST("vector operations") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "p=Pm(3)", "s=Vj(1)", "t=Vi(1)", "A=Vj(6)",
                                          "B=Pm(6)", "b=Vi(2)", "S=Pm(9)", "e=Vi(1)", "g=Vj(1)"};
  const char* formulas[] = {"Sum(x*y)",
                            "SumT(s*t,3)",
                            "x|y",
                            "x|s",
                            "SqNorm2(x-y)",
                            "Norm2(x-y)",
                            "Normalize(x+y)",
                            "SqDist(x,y)",
                            "SqDist(x,s)",
                            "WeightedSqNorm(s,x)",
                            "WeightedSqNorm(p,x-y)",
                            "WeightedSqNorm(S,x-y)",
                            "WeightedSqDist(S,x,y)",
                            "SymSqNorm(S,x*y)",
                            "SqNormDiag(p,x)",
                            "SqNormIso(s,x)",
                            "Max(x*y)",
                            "Min(x+y)",
                            "ArgMax(x+y)*s",
                            "ArgMin(x+y)*t",
                            "Elem(x*y,1)",
                            "ElemT(s*t,4,2)",
                            "Extract(A*B,2,3)",
                            "ExtractT(x*y,1,5)",
                            "Concat(x*s,y*t)",
                            "OneHot(t,3)*x",
                            "MatVecMult(A,b)",
                            "MatVecMult(B,b*s)",
                            "VecMatMult(b,A)",
                            "VecMatMult(b*s,B)",
                            "TensorProd(x,b)",
                            "TensorProd(y,p)*Square(Norm2(x))",
                            "MatVecMult(TensorProd(x,y),p)",
                            "VecMatMult(x,TensorProd(x,y))",
                            "MatVecMult(A,Concat(s,t))",
                            "Round(x*s,1)+x",
                            "ClampInt(x*y,0,1)",
                            "Clamp(x,Min(y),Max(p))",
                            "IfElse(x*y,MatVecMult(S,x),y)",
                            "x/Norm2(y)",
                            "Exp(-SqDist(x,y)/2)*Concat(x,b)",
                            "RatCst(1,3)*x+IntInv(2)*y",
                            "(x|y)**3",
                            "Powf(2+Sin(x),s)",
                            "x**4*y",
                            "Atan2(x,2+y)",
                            "Sqrt(2+Sin(x*y))",
                            "SinXDivX(x*s)",
                            "Mod(x,2+s,t)",
                            "XLogX(Square(x)+y**2)",
                            "Extract(MatVecMult(S,Extract(Concat(x,y),1,3)),0,2)",
                            "Sum(Extract(TensorProd(x,y),2,5)*Extract(S,1,5))"};
  for (const char* formula : formulas) {
    for (const char* v : {"x", "y", "p", "s", "t", "A", "B", "b", "S"}) {
      const std::string f = formula;
      bool occurs = false;
      for (std::size_t at = 0; (at = f.find(v, at)) != std::string::npos; ++at) {
        const auto letter = [&](std::size_t k) { return k < f.size() && std::isalpha(static_cast<unsigned char>(f[k])); };
        occurs |= !(at > 0 && letter(at - 1)) && !letter(at + 1);
      }
      if (!occurs) continue;
      check_gradient("Sum_Reduction(" + f + ",1)", v, "e", declared);
      check_gradient("Sum_Reduction(" + f + ",0)", v, "g", declared);
    }
  }
  check_gradient("Sum_Reduction(x*y,1)", "t", "e", declared);  // does not occur: zero
}

TEST("reductions") {
  const std::vector<std::string> declared{"x=Vi(2)",  "y=Vj(2)", "p=Pm(2)",  "w=Vj(3)", "u=Vi(1)", "e=Vi(1)",
                                          "e3=Vi(3)", "g=Vj(1)", "g3=Vj(3)", "q=Vi(2)", "r=Vj(2)", "c=Pm(1)"};
  const std::string f = "(Sin(x|y)-SqDist(x*p,y))", w = "(2+Sin(w*u))";
  const std::vector<std::pair<std::string, bool>> cases{{"Sum_Reduction(" + f + "*w,", true},
                                                        {"LogSumExp_Reduction(" + f + ",", false},
                                                        {"LogSumExpWeight_Reduction(" + f + "," + w + ",", true},
                                                        {"SumSoftMaxWeight_Reduction(" + f + ",w*u,", true},
                                                        {"Max_SumShiftExp_Reduction(" + f + ",", false},
                                                        {"Max_SumShiftExpWeight_Reduction(" + f + ",Sum" + w + ",", false}};
  for (const auto& [text, wide] : cases) {
    for (const char* v : {"x", "y", "p", "w", "u"}) {
      const std::string i = text + "1)", j = text + "0)", ei = wide ? "e3" : "e", ej = wide ? "g3" : "g";
      if (text.find(v) == std::string::npos) continue;
      check_gradient(i, v, ei, declared);
      check_gradient(j, v, ej, declared);
      check_gradient(i, v, "c", declared);  // an adjoint that is a parameter
      check_gradient("2*" + i + "-" + "Square(" + i + ")*u", v, ei, declared);
      // second and third order; the adjoint of a gradient is indexed like its variable
      check_gradient("Grad(" + i + ",x," + ei + ")", v, "q", declared, domain_named("real"), 1e-5);
      check_gradient("Grad(" + i + ",y," + ei + ")", v, "r", declared, domain_named("real"), 1e-5);
      check_gradient("Grad(" + j + ",p," + ej + ")", v, "c", declared, domain_named("real"), 1e-5);
      check_gradient("Grad(" + j + ",x," + ej + ")", ej, "q", declared, domain_named("real"), 1e-5);
    }
  }
  for (const auto& text : {"Sum_Reduction(Exp(-SqDist(x*p,y)/2)*u,1)", "LogSumExp_Reduction(x|(y*p),1)"}) {
    for (const char* v : {"x", "y", "p"}) {
      check_gradient("Grad(Grad(" + std::string(text) + ",x,e),y,q)", v, "r", declared, domain_named("real"), 1e-5);
      check_gradient("Grad(Grad(" + std::string(text) + ",x,e),x,q)", v, "q", declared, domain_named("real"), 1e-5);
    }
  }
  // reductions of reductions
  for (const char* text :
       {"Sum_Reduction(LogSumExp_Reduction(x|y,1)*x,0)", "Sum_Reduction(Exp((x|y)-LogSumExp_Reduction(x|y,1))*y,1)",
        "LogSumExp_Reduction(x|Sum_Reduction(Sin(x*y),1),0)", "Sum_Reduction(x,0)|Sum_Reduction(Square(y),1)"}) {
    const bool i =
        std::string(text).find(",1)|") == std::string::npos && std::string(text).rfind(",1)") == std::string(text).size() - 3;
    if (std::string(text).find("0)|") != std::string::npos) continue;  // both indices outside: refused
    const bool wide = std::string(text).find("LogSumExp_Reduction(x|Sum") == std::string::npos;
    for (const char* v : {"x", "y"}) check_gradient(text, v, i ? (wide ? "q" : "e") : (wide ? "r" : "g"), declared);
  }
  // an adjoint that depends on the variable, then one more derivative
  check_gradient("Grad(Sum_Reduction(Sin(x|y),1),x,SqNorm2(x)*u)", "x", "q", declared);
  check_gradient("Grad(Sum_Reduction(Sin(x|y),1),x,Sum(x*q))", "q", "q", declared);
  check_gradient("Sum_Reduction(Grad(Sin(x|y),x,u*s2),1)", "y", "q", {"x=Vi(2)", "y=Vj(2)", "u=Vi(1)", "s2=Vj(1)", "q=Vi(2)"});
}

// What the axis, the category of the adjoint and its dimension do to each other.
TEST("conventions") {
  const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "s=Pm(1)", "e=Vi(3)", "g=Vj(3)", "e1=Vi(1)", "A=Vi(2)"};
  const auto parse = [&](rkeops::Graph& graph, const std::string& formula) {
    rkeops::Arguments known(check::arguments(declared));
    return check::parse(graph, formula, known);
  };
  const auto same = [&](const std::string& a, const std::string& b) {
    rkeops::Graph graph;
    const bool equal = parse(graph, a) == parse(graph, b);
    CHECK_THAT(equal, a + " is not " + b);
  };
  const std::string r = "Sum_Reduction(Exp(-Square(x-y))*s,";
  for (const std::string v : {"x", "y", "s"}) {
    same("Grad(" + r + "0)," + v + ",e)", "Grad(" + r + "1)," + v + ",e)");  // the adjoint decides
    same("Grad(" + r + "1)," + v + ",g)", "Grad(" + r + "0)," + v + ",g)");
    same("Grad(" + r + "1)," + v + ",e1)", "Grad(" + r + "1)," + v + ",SumT(e1,3))");  // repeated
  }
  check_gradient(r + "1)", "x", "e", declared);
  check_gradient(r + "0)", "x", "g", declared);
  const auto category = [&](const std::string& formula) {
    return rkeops::Program::create(formula, arguments(declared))->output().category;
  };
  for (const char* axis : {"0", "1"}) {
    for (const char* e : {"e", "g"}) {
      CHECK(category("Grad(" + r + axis + "),x," + e + ")") == Category::i);
      CHECK(category("Grad(" + r + axis + "),y," + e + ")") == Category::j);
      CHECK(category("Grad(" + r + axis + "),s," + e + ")") == Category::parameter);
    }
  }
  CHECK(category("Sum_Reduction(Grad(Exp(-SqDist(x,y)),x,e1),1)") == Category::i);
  CHECK_THROWS({ rkeops::Program::create("Grad(Sum_Reduction(x|y,1),x,A)", arguments(declared)); },
               {ErrorKind::dimension, "dimension 2"});
  CHECK_THROWS({ rkeops::Program::create("Grad(Sum_Reduction(x|y,1),x,x|y)", arguments(declared)); },
               {ErrorKind::dimension, "not indexed"});
  CHECK_THROWS({ rkeops::Program::create("Grad(Grad(Sum_Reduction(x|y,1),x,e1),x,g)", arguments(declared)); },
               {ErrorKind::dimension, "not indexed"});
  // positions do not move: zero
  for (const char* kind : {"ArgMin", "ArgMax"}) {
    Parsed zero(std::string("Grad(") + kind + "_Reduction(x*y,1),x,e)", declared);
    std::mt19937_64 random(1);
    Interpreter interpreter(draw_data(zero.arguments, domain_named("real"), random), rows_i, rows_j);
    for (const Values& row : all_rows(interpreter, zero.root)) CHECK_EQUAL(row, (Values{0, 0, 0}));
  }
  // the deliberate values at singular points
  const auto at = [&](const std::string& f, double x, double y, const std::string& v = "x") {
    Parsed parsed("Sum_Reduction(Grad(" + f + "," + v + ",1),1)", {"x=Vi(1)", "y=Vi(1)"});
    Interpreter interpreter({{1, 1, {x}}, {1, 1, {y}}}, 1, 1);
    return interpreter.row(check::stages(parsed.root).back(), 0)[0][0];
  };
  CHECK_EQUAL(at("Sqrt(x)", 0, 0), 0.0);
  CHECK_EQUAL(at("Rsqrt(x)", 0, 0), 0.0);
  CHECK_EQUAL(at("Abs(x)", 0, 0), 0.0);
  CHECK_EQUAL(at("Norm2(Concat(x,y))", 0, 0), 0.0);
  CHECK_EQUAL(at("Sum(Normalize(Concat(x,y)))", 0, 0), 0.0);
  CHECK_EQUAL(at("SinXDivX(x)", 0, 0), 0.0);
  CHECK_EQUAL(at("Asin(x)", 1, 0), 0.0);
  CHECK_EQUAL(at("Acos(x)", -1, 0), 0.0);
  CHECK_EQUAL(at("Atan2(x,y)", 0, 0), 0.0);
  CHECK_EQUAL(at("ReLU(x)", 0, 0), 1.0);
  CHECK_EQUAL(at("XLogX(x)", 0, 0), -std::numeric_limits<double>::infinity());
  CHECK_EQUAL(at("Clamp(x,0,1)", 1, 0), 1.0);
  CHECK_EQUAL(at("IfElse(x,y,3*y)", 0, 1, "y"), 1.0);
  CHECK_EQUAL(at("Max(Concat(x,y))", 2, 2), 1.0);  // the first of equals
  CHECK_EQUAL(at("Max(Concat(x,y))", 2, 2, "y"), 0.0);
  CHECK_EQUAL(at("Pow(x,3)", 0, 0), 0.0);
  CHECK_EQUAL(at("x**2", -3, 0), -6.0);
  CHECK_EQUAL(at("Powf(x,2)", 0, 0), 0.0);
  CHECK_EQUAL(at("Powf(x,2)", -3, 0), -6.0);
}

}  // namespace
