// The parser: precedence, what is accepted, declarations, and 200,000 texts that must parse or fail with an Error.
// Errors: test_parser_errors.cpp.
//   test_parser [number of random texts] [seed]
#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

const std::vector<std::string> known{"x=Vi(3)", "y=Vj(3)", "z=Vj(3)", "s=Pm(1)", "lambda=Pm(1)", "A=Pm(9)"};

Expr parse(rkeops::Graph& graph, const std::string& formula) {
  rkeops::Arguments list(arguments(known));
  return check::parse(graph, formula, list);
}

bool same(const std::string& a, const std::string& b, bool simplifies = false) {
  rkeops::Graph graph;
  graph.simplifies = simplifies;
  return parse(graph, a) == parse(graph, b);
}

// Of a formula of numbers only.
double number(const std::string& formula) {
  rkeops::Graph graph;
  const Expr value = parse(graph, formula);
  return is_constant(value) ? value->value : std::nan("");
}

TEST("precedence") {
  const std::pair<const char*, const char*> pairs[] = {
      {"x|y*2", "x|(y*2)"},       {"x+y|z", "(x+y)|z"},         {"x|y+z", "x|(y+z)"},         {"-x|y", "(-x)|y"},
      {"x|y<3", "(x|y)<3"},       {"-x**2", "-(x**2)"},         {"x/y*y", "(x/y)*y"},         {"x-y-y", "(x-y)-y"},
      {"x/y/z", "(x/y)/z"},       {"x*y/z", "(x*y)/z"},         {"x-y+z", "(x-y)+z"},         {"x+y*z", "x+(y*z)"},
      {"x*y**2", "x*(y**2)"},     {"x**y**z", "x**(y**z)"},     {"x*-y", "x*(-y)"},           {"x**-y", "x**(-y)"},
      {"-x*y", "(-x)*y"},         {"--x", "-(-x)"},             {"x|y|s", "(x|y)|s"},         {"x+y<z-x", "(x+y)<(z-x)"},
      {"x<y|z", "x<(y|z)"},       {"x>y", "y<x"},               {"x>=y", "y<=x"},             {"x<y", "LessThan(x,y)"},
      {"x<=y", "LessOrEqual(x,y)"}, {"x|y", "Scalprod(x,y)"},   {"x+y", "Add(x,y)"},          {"x-y", "Subtract(x,y)"},
      {"x*y", "Mult(x,y)"},       {"x/y", "Divide(x,y)"},       {"-x", "Minus(x)"},           {"x**3", "Pow(x,3)"},
      {"x**2", "Square(x)"},      {"(x)", "x"},                 {"((x+y))*z", "(x+y)*z"},     {"x**y*z", "(x**y)*z"},
      {"x/y**2", "x/(y**2)"},     {"-x/y", "(-x)/y"},           {"x-y|z<s", "((x-y)|z)<s"},   {"-x+y", "(-x)+y"}};
  for (const auto& [a, b] : pairs) CHECK_THAT(same(a, b), std::string(a) + " is not " + b);
  CHECK(same("x**2**1", "x**2", true));
  CHECK(!same("x-(y-z)", "x-y-z"));
  CHECK(!same("x/(y*z)", "x/y*z"));
  Parsed sixth("x/2/3", {"x=Vi(3)"});
  Interpreter interpreter({{1, 3, {6, 12, 1.5}}}, 1, 1);
  CHECK_EQUAL(interpreter.value(sixth.root, 0, 0), (Values{1, 2, 0.25}));
}

TEST("extras") {
  const std::pair<const char*, const char*> pairs[] = {{"x^2", "x**2"},
                                                       {"x^y", "Powf(x,y)"},
                                                       {"x**y", "Powf(x,y)"},
                                                       {"x**0.5", "Sqrt(x)"},
                                                       {"x**(-1)", "Inv(x)"},
                                                       {"x^-y", "x^(-y)"},
                                                       {"x==y", "Equal(x,y)"},
                                                       {"x!=y", "NotEqual(x,y)"},
                                                       {"+x", "x"},
                                                       {"x*+y", "x*y"},
                                                       {"Vi(0,3)", "x"},
                                                       {"Vj(1,3)", "y"},
                                                       {"Pm(3,1)", "s"},
                                                       {"Var(0,3,0)", "x"},
                                                       {"Var(3,1,2)", "s"},
                                                       {"Vx(0,3)", "x"},
                                                       {"Vy(1,3)", "y"},
                                                       {"IntCst(2)", "2"},
                                                       {"x|2", "x|IntCst(2)"},
                                                       {"Powf(x,2)", "Powf(x,IntCst(2))"},
                                                       {"Clamp(x,0,1)", "Clamp(x,IntCst(0),IntCst(1))"},
                                                       {"lambda*x", "Mult(lambda,x)"},
                                                       {"2**x", "Powf(2,x)"},
                                                       {" x + y ", "x+y"},
                                                       {"x\t*\n y", "x*y"},
                                                       {"Exp ( x )", "Exp(x)"},
                                                       {"Elem( x , 1 )", "Elem(x,1)"},
                                                       {"2L*x", "2*x"},
                                                       {"Elem(x,1L)", "Elem(x,1)"},
                                                       {"Extract(x,+1,2)", "Extract(x,1,2)"},
                                                       {"x*2.50", "2.5*x"},
                                                       {".5*x", "0.5*x"},
                                                       {"5.*x", "5*x"},
                                                       {"1e3*x", "1000*x"},
                                                       {"TensorDot(A,x,[3,3],[3],[1],[0])", "MatVecMult(A,x)"},
                                                       {"TensorDot(x,y,3,3,0,0)", "x|y"},
                                                       {"TensorDot(x,y,[3],[3],[],[],None)", "TensorProd(x,y)"},
                                                       {"TensorDot(x,y,Ind(3),Ind(3),Ind(),Ind())", "TensorProd(x,y)"},
                                                       {"TensorDot(x,y,[3],[3],[],[],[0,1])", "TensorProd(x,y)"},
                                                       {"Kron(x,y,[3],[1,3])", "TensorProd(x,y)"},
                                                       {"Diff(Sin(x),x,y)", "Cos(x)*y"},
                                                       {"Diff(x*y,(x,y),(y,x))", "y*y+x*x"},
                                                       {"Diff(x,(x),(y))", "y"},
                                                       {"Factorize(x*y,y)", "x*y"},
                                                       {"1.5E-3*x", "0.0015*x"},
                                                       {"IntCst(1e+05)*x", "100000*x"},
                                                       {"IntCst(0.5)*x", "0.5*x"}};
  for (const auto& [a, b] : pairs) CHECK_THAT(same(a, b, true), std::string(a) + " is not " + b);
  const std::pair<const char*, double> numbers[] = {{"3", 3},
                                                    {"1/2", 0.5},
                                                    {"2**2", 4},
                                                    {"2^-1", 0.5},
                                                    {"-2**2", -4},
                                                    {"0.1", 0.1},
                                                    {"RatCst(1,3)", 1.0 / 3},
                                                    {"IntInv(-4)", -0.25},
                                                    {"1/3", 1.0 / 3},
                                                    {"16777217", 16777217},
                                                    {"IntCst(16777217)", 16777217},
                                                    {"RatCst(6,4)", 1.5},
                                                    {"Exp(2)", std::exp(2.0)},
                                                    {"Inv(2)", 0.5},
                                                    {"1e308", 1e308},
                                                    {"123456789.123456789", 123456789.123456789},
                                                    {"Zero(1)", 0},
                                                    {"IntCst(0)", 0},
                                                    {"2-3-4", -5},
                                                    {"IntCst(1)/2+1", 1.5},
                                                    {"2<3", 1},
                                                    {"3<=2", 0},
                                                    {"2|3", 6},
                                                    {"7", 7},
                                                    {"4**0.5", 2}};
  for (const auto& [text, value] : numbers) CHECK_EQUAL(number(text), value);
  using rkeops::Program;
  const auto shape = [](const std::string& formula) { return Program::create(formula, arguments(known))->output(); };
  CHECK(shape("Sum_Reduction(x*y,1)").category == Category::i);
  CHECK(shape("Sum_Reduction(x*y,0)").category == Category::j);
  CHECK(shape("SoftMax_Reduction(x|y,z,1)").reduction == "SumSoftMaxWeight");
  CHECK_EQUAL(shape("KMin_ArgKMin_Reduction(x*y,2,0)").parts.size(), 2u);
  CHECK_EQUAL(shape("KMin_ArgKMin_Reduction(x*y,2,0)").parts[0].columns, 6);
  CHECK(shape("KMin_ArgKMin_Reduction(x*y,2,0)").parts[1].is_index);
  CHECK(shape("2*Sum_Reduction(x*y,1)+Sum_Reduction(y,1)").reduction.empty());
  CHECK(shape("Grad(Sum_Reduction(x*y,1),y,x)").category == Category::j);
  CHECK(shape("Grad(Sum_Reduction(x*y*s,1),s,x)").category == Category::parameter);
  CHECK_EQUAL(Program::create("Sum_Reduction(Vi(0,3)*Vj(1,3),1)", {})->arguments().size(), 2u);
  const auto grown = Program::create("Grad(Sum_Reduction(x|y,1),x)", arguments({"x=Vi(3)", "y=Vj(3)"}));
  CHECK_EQUAL(grown->arguments().size(), 3u);
  CHECK(grown->arguments()[2].category == Category::i && grown->arguments()[2].dim == 1);
}

TEST("declarations") {
  const auto declare = [](const std::vector<std::string>& list) {
    rkeops::Program::create("Sum_Reduction(x,1)", arguments(list));
  };
  CHECK_THROWS({ declare({"x=Vi(3)", "x=Vj(3)"}); }, {ErrorKind::argument, "declared twice"});
  CHECK_THROWS({ declare({"x=Vi(0,3)", "y=Vj(0,3)"}); }, {ErrorKind::argument, "same position 0"});
  CHECK_THROWS({ declare({"x=Vi(1,3)"}); }, {ErrorKind::argument, "no argument has position 0"});
  CHECK_THROWS(
      {
        rkeops::Program::create("Sum_Reduction(x,1)", {{"x", Category::i, 0, 0}});
      },
      {ErrorKind::argument, "dimension 0"});
  CHECK_THROWS({ rkeops::Program::create("Sum_Reduction(x,1)", {{"x", Category::i, 1, -1}}); }, {ErrorKind::argument, "osition"});
  const char* malformed[] = {"",           "x",        "x=",          "x=Vi",     "x=Vi(",    "x=Vi()",
                             "x=Vi(3",     "x=Vi(3,)", "x=Vi(1,2,3)", "x=Wi(3)",  "x=Vi(-1)", "x=Vi(1.5)",
                             "x=Vi(0)",    "x=Vi(y)",  "=Vi(3)",      "x=Vi(3)y", "x==Vi(3)", "1=Vi(3)",
                             "x=Vi(1e99)", "x=Vi[3]",  "(",           "x=Vi((3))"};
  for (const char* text : malformed) {
    const std::string wrong = throws([&] { rkeops::parse_declaration(text, 0); }, {ErrorKind::parse, "malformed"});
    CHECK_THAT(wrong.empty(), std::string(text) + ": " + wrong);
  }
  const rkeops::Argument spaced = rkeops::parse_declaration(" my.x_1 = Vj ( 2 , 7 ) ", 0);
  CHECK_EQUAL(spaced.name, "my.x_1");
  CHECK(spaced.category == Category::j && spaced.position == 2 && spaced.dim == 7);
}

TEST("nesting") {
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int k = 0; k < times; ++k) all += text;
    return all;
  };
  const auto result = [](const std::string& formula) -> std::string {
    try {
      rkeops::Program::create("Sum_Reduction(" + formula + ",1)", arguments(known));
      return "fine";
    } catch (const rkeops::Error& error) {
      return error.what();
    }
  };
  CHECK_EQUAL(result(repeated("(", 100) + "x" + repeated(")", 100)), "fine");
  CHECK_EQUAL(result(repeated("Sin(", 100) + "x" + repeated(")", 100)), "fine");
  for (const char* opening : {"(", "Sin(", "-", "x**", "Concat(x,", "+", "Sum_Reduction(", "Grad(", "x<(", "[", "2^-"}) {
    const std::string outcome = result(repeated(opening, 100000));
    const bool fine =
        outcome.find("unexpected") != std::string::npos || outcome.find("must be a whole number") != std::string::npos;
    CHECK_THAT(fine, std::string("100000 times '") + opening + "': " + outcome);
  }
  for (const auto& [opening, closing] :
       {std::pair("(", ")"), std::pair("Sin(", ")"), std::pair("-", ""), std::pair("s-(", ")")}) {
    CHECK_EQUAL(result(repeated(opening, 100000) + "x" + repeated(closing, 100000)), "fine");
  }
  // Long chains are deep graphs without nesting in the text: they work or are refused, and never exhaust the stack.
  for (const char* link : {"+x*y", "-x", "*y", "|y", "/x"}) {
    const std::string outcome = result("x" + repeated(link, 20000));
    CHECK_THAT(outcome == "fine" || outcome.find("too ") != std::string::npos,
               std::string("20000 times '") + link + "': " + outcome);
  }
  CHECK(
      result("TensorProd(TensorProd(Zero(999999999),Zero(999999999)),TensorProd(Zero(999999999),Zero(999999999)))").find("dim") !=
      std::string::npos);
}

// Texts of the language's words, and valid formulas with characters changed.
TEST("random texts") {
  const long texts = static_cast<long>(check::number(0, 200000));
  const std::uint64_t seed = check::number(1, 1);
  std::mt19937_64 random(seed);
  const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  std::vector<std::string> words{"x",
                                 "y",
                                 "z",
                                 "s",
                                 "A",
                                 "lambda",
                                 "Sum_Reduction(",
                                 "Grad(",
                                 "KMin_Reduction(",
                                 "LogSumExp_Reduction(",
                                 "Var(",
                                 "Vi(",
                                 "Vj(",
                                 "Pm(",
                                 "Ind(",
                                 "[",
                                 "]",
                                 ",1)",
                                 ",0)",
                                 "1",
                                 "2",
                                 "0.5",
                                 "3",
                                 "0",
                                 "1e9",
                                 "1e-3",
                                 "-1"};
  for (const rkeops::OperationInfo& row : rkeops::operation_table()) words.push_back(row.name + "(");
  for (const rkeops::DifferentialOperator& row : rkeops::differential_operators()) words.push_back(std::string(row.name) + "(");
  for (const char* list : {"[3]", "[3,3]", "[0]", "[]", "None", "(x,y)", "Diff(x,(x,y),("}) words.push_back(list);
  for (const char* symbol :
       {"=", ";", "k=", "k", "+", "-", "*", "/", "**", "^", "|", "<", ">=", "==", "(", ")", "(", ")", ",", ",", " ", "$", "."})
    words.push_back(symbol);
  const std::vector<std::string> valid{
      "Sum_Reduction(Exp(-SqDist(x,y)*s)*z,1)",
      "Grad(Sum_Reduction(Exp(-SqDist(x,y))|z,1),x,Vi(6,1))",
      "KMin_ArgKMin_Reduction(SqDist(x,y),2,1)",
      "LogSumExpWeight_Reduction(x|y,Concat(x,y),0)",
      "Sum_Reduction(MatVecMult(A,x)+Extract(Concat(y,z),1,3)/lambda**2,0)",
      "Max_ArgMax_Reduction(IfElse(x<y,Powf(x,2.5),Clamp(y,-1,1)),1)",
      "2*Sum_Reduction(x,1)-Min_Reduction(Elem(y,2)*TensorProd(x,s),1)",
      "Sum_Reduction(TensorDot(A,TensorProd(x,y),[3,3],[3,3],[0,1],[1,0])*Kron(x,s,[1,3],[1]),1)",
      "LogSumExp_Reduction(Diff(Sin(x|y)*x,(x,y),(y,Reverse(z))),0)",
      "K=Exp(-SqDist(x,y));L=K*s;Sum_Reduction(L*z+K,1)",
      "g=Sum_Reduction(x|y,1);Grad(g,x,Elem(y,0));",
      "Sum_Reduction(BSpline(A,Elem(x,0),2)*Sum(ComplexAbs(ComplexMult(Concat(x,s),ComplexExp1j(Extract(y,0,2))))),1)",
      "Sum_Reduction(Laplacian(Exp(-SqDist(x,y)),x)+Divergence(MatVecMult(A,x),x)+TraceOperator(x*y,x,z)|AdjointOperator(x*y,x,z)"
      ",1)",
      "Sum_Reduction(SoftDTW_SqDist(x,y,s)*Gather(A,ArgMax(x),3)+Lookup(A,s,2,3)+And(x,Not(y))-SumLinOperator(MatVecMult(A,x),x,"
      "y,z),0)"};
  long parsed = 0;
  for (long t = 0; t < texts; ++t) {
    std::string text;
    if (t % 2 == 0) {
      const std::size_t length = 1 + pick(24);
      for (std::size_t k = 0; k < length; ++k) text += words[pick(words.size())];
    } else {
      text = valid[pick(valid.size())];
      for (std::size_t edits = 1 + pick(3); edits > 0; --edits) {
        const std::size_t at = pick(text.size() + 1);
        switch (pick(4)) {
          case 0: text.insert(at, words[pick(words.size())]); break;
          case 1: text.erase(at, 1 + pick(4)); break;
          case 2: text.insert(at, 1, static_cast<char>(pick(256))); break;
          default: text.insert(at, text.substr(pick(text.size() + 1), pick(20)));
        }
      }
    }
    bool ok = true;
    std::string what;
    try {
      rkeops::Program::create(text, arguments(known));
      ++parsed;
    } catch (const rkeops::Error& error) {
      // Without a place: what is wrong with the formula as a whole, or with the arguments that it names.
      ok = (error.position >= 0 || error.kind != ErrorKind::parse) && error.position <= static_cast<std::int64_t>(text.size()) &&
           error.kind != ErrorKind::internal && *error.what();
      what = error.what();
    } catch (const std::exception& error) {
      ok = false, what = error.what();
    }
    CHECK_THAT(ok, "'" + text + "': " + what);
  }
  CHECK(parsed > texts / 1000);
}

}  // namespace
