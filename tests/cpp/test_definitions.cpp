// Definitions in formulas, name = formula; and several formulas in one text: what they mean, and what is an error.
#include "interpret.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

const std::vector<std::string> known{"x=Vi(3)", "y=Vj(3)", "z=Vj(3)", "s=Pm(1)"};

Expr parse(rkeops::Graph& graph, const std::string& formula) {
  rkeops::Arguments list(arguments(known));
  return check::parse(graph, formula, list);
}

bool same(const std::string& a, const std::string& b) {
  rkeops::Graph graph;
  graph.simplifies = false;
  return parse(graph, a) == parse(graph, b);
}

TEST("definitions") {
  const std::pair<const char*, const char*> pairs[] = {
      {"k=Exp(x);k*k", "Exp(x)*Exp(x)"},
      {"k = Exp( x ) ;\n k.2 = k*y ; k.2+k", "Exp(x)*y+Exp(x)"},
      {"a=x;b=a*a;c=b*b;c*c", "((x*x)*(x*x))*((x*x)*(x*x))"},
      {"k=x;-k^2", "-(x^2)"},
      {"k=x+y;k*z", "(x+y)*z"},
      {"n=2;Elem(x,n)+Pow(x,n)", "Elem(x,2)+Pow(x,2)"},
      {"k=x;Diff(k,(k,y),(z,y))", "Diff(x,(x,y),(z,y))"},
      {"k=x*y;Grad(k,x,y)", "Grad(x*y,x,y)"},
      {"w=Vi(0,3);w*y", "x*y"},
      {"x*y;", "x*y"},
      {"k=x*y;k ; ", "x*y"},
      {"unused=y;x", "x"}};
  for (const auto& [a, b] : pairs) CHECK_THAT(same(a, b), std::string(a) + " is not " + b);
  // a name is one node, however often it is used
  std::string squares = "k=Cos(x);";
  for (int n = 0; n < 200; ++n) squares += "k" + std::to_string(n) + "=" + (n ? "k" + std::to_string(n - 1) : "k") + "*k;";
  rkeops::Graph graph;
  CHECK_EQUAL(rkeops::nodes_below({parse(graph, squares + "k199*k199")}).size(), 203u);
  // several formulas
  const std::string both = "k=x|y;Sum_Reduction(k*z,1);g=k*s;Grad(Sum_Reduction(g,1),x,s)";
  rkeops::Arguments list(arguments(known));
  const std::vector<Expr> formulas = rkeops::Parser(graph, both, list, rkeops::differentiation()).parse_all();
  CHECK_EQUAL(formulas.size(), 2u);
  CHECK(formulas[0] == parse(graph, "Sum_Reduction((x|y)*z,1)"));
  CHECK(formulas[1] == parse(graph, "Grad(Sum_Reduction((x|y)*s,1),x,s)"));
  // the adjoint of a reduction that is spelled out with its axis may overrule it, that of a gradient may not
  const char* form = "g=Grad(Sum_Reduction(Sin(x|y),1),x,s);Grad($,x,y)";
  for (const char* name : {"g", "Grad(Sum_Reduction(Sin(x|y),1),x,s)"}) {
    std::string formula = form;
    formula.replace(formula.find('$'), 1, name);
    CHECK_THROWS({ parse(graph, formula); }, {ErrorKind::dimension, "not indexed like"});
  }
  CHECK(same("r=Sum_Reduction(x|y,1);Grad(r,x,Elem(y,0))", "Grad(Sum_Reduction(x|y,1),x,Elem(y,0))"));
}

TEST("definition errors") {
  const auto fails = [](const std::string& formula, const std::string& part, std::int64_t position,
                        const std::string& hint = "") {
    const std::string wrong =
        throws([&] { rkeops::Program::create(formula, arguments(known)); }, {ErrorKind::parse, part, position});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
    try {
      rkeops::Program::create(formula, arguments(known));
    } catch (const rkeops::Error& error) {
      CHECK_EQUAL(error.formula, formula);
      CHECK_THAT(error.hint.find(hint) != std::string::npos, formula + ": hint is '" + error.hint + "', without '" + hint + "'");
    }
  };
  const std::string end = ";Sum_Reduction(x,1)";
  fails("x=y" + end, "'x' cannot be defined, it is an argument", 0, "Choose another name");
  fails("k=y;k=z" + end, "'k' cannot be defined, it is defined already", 4, "Choose another name");
  for (const char* name : {"Exp", "Grad", "Laplacian", "Constant"}) fails(name + ("=y" + end), "is an operation", 0);
  for (const char* name : {"Vi", "Pm", "Vy", "None"}) fails(name + ("=y" + end), "is a word of the language", 0);
  fails("Min_Reduction=y" + end, "is a reduction", 0);
  fails("k=y", "there are only definitions", 3, "; Sum_Reduction(k, 1)");
  fails("k=y;l=Sum_Reduction(k,1)/2;", "there are only definitions", 27, "\"; l\"");
  fails("Sum_Reduction(x,1);k=y", "no formula follows the definition of 'k'", 22, "; Sum_Reduction(k, 1)");
  const std::string how = "written as name = formula";
  fails("k==y;Sum_Reduction(k,1)", "unknown variable 'k'", 0, how);
  fails("k<-y;Sum_Reduction(k,1)", "unknown variable 'k'", 0, how);
  fails("yy==y;Sum_Reduction(yy,1)", "unknown variable 'yy'", 0, "Did you mean 'y'? Definitions are " + how);
  fails("k:=y;Sum_Reduction(k,1)", "unexpected character ':'", 1, how);
  fails("k=;Sum_Reduction(x,1)", "unexpected ';'", 2);
  fails("k=y+" + end, "unexpected ';'", 4);
  fails("k=y z" + end, "unexpected 'z'", 4, "Put ; between");
  fails("k=Exp(y) l=k*k" + end, "unexpected 'l'", 9, "Put ; between");
  fails("k=y\nSum_Reduction(k,1)", "unexpected 'Sum_Reduction'", 4, "Put ; between");
  fails("Sum_Reduction(x,1) 2", "unexpected '2'", 19, "Put ; between");
  fails("Sum_Reduction(k=y,1)", "unknown variable 'k'", 14, "stand before what they are for");
  fails("Sum_Reduction(x=y,1)", "expected ')' but found '='", 15, "stand before what they are for");
  fails("k=(y" + end, "expected ')' but found ';'", 4);
  fails("k=l=y" + end, "unknown variable 'l'", 2);
  fails("k=y=z" + end, "unexpected '='", 3, "== compares");
  fails("2=y" + end, "unexpected '='", 1);
  fails(";Sum_Reduction(x,1)", "unexpected ';'", 0);
  fails("Sum_Reduction(x,1);;", "unexpected ';'", 19);
  fails("Sum_Reduction(k,1);k=y", "unknown variable 'k'", 14);
  fails("kernel=y;Sum_Reduction(kernal,1)", "unknown variable 'kernal'", 23, "Did you mean 'kernel'");
  fails("k=k+1" + end, "unknown variable 'k'", 2);
  fails("k=Sum_Reduction(y,1);Exp(k)=x" + end, "unexpected '='", 27);
  rkeops::Graph graph;
  CHECK_THROWS({ parse(graph, "Sum_Reduction(x,1);k=y;Sum_Reduction(y,1)"); },
               {ErrorKind::parse, "one formula is expected here, not 2", 23});
}

}  // namespace
