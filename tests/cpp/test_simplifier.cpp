// The simplifier: what it gives, that it keeps values, and that it has nothing left to do on its own results.
//   test_simplifier [first seed] [number of random formulas]
#include "random_formula.hpp"
#include "value_check.hpp"

using namespace check;

namespace {

TEST("simplifier") {
  const std::pair<const char*, const char*> rows[] = {// constants
                                                      {"2+3*4", "14"},
                                                      {"2*x*3", "Mult(6,Vi(0,3))"},
                                                      {"2+(3+x)", "Add(5,Vi(0,3))"},
                                                      {"x/4", "Mult(0.25,Vi(0,3))"},
                                                      {"x/3", "Divide(Vi(0,3),3)"},
                                                      {"Exp(0)", "1"},
                                                      {"Zero(3)+x", "Vi(0,3)"},
                                                      {"x-Zero(3)", "Vi(0,3)"},
                                                      {"s+Zero(3)", "SumT(Pm(3,1),3)"},
                                                      {"x*1", "Vi(0,3)"},
                                                      {"1*s*SumT(1,3)", "SumT(Pm(3,1),3)"},
                                                      {"x*(-1)", "Minus(Vi(0,3))"},
                                                      {"0-x", "Minus(Vi(0,3))"},
                                                      {"1/x", "Inv(Vi(0,3))"},
                                                      {"Sum(SumT(2,5))", "10"},
                                                      {"Zero(4)*2", "Zero(4)"},
                                                      // kept: they matter for NaN and Inf
                                                      {"0*x", "Mult(0,Vi(0,3))"},
                                                      {"x-x", "Subtract(Vi(0,3),Vi(0,3))"},
                                                      {"x/x", "Divide(Vi(0,3),Vi(0,3))"},
                                                      {"0/x", "Divide(0,Vi(0,3))"},
                                                      // signs
                                                      {"--x", "Vi(0,3)"},
                                                      {"x+(-y)", "Subtract(Vi(0,3),Vj(1,3))"},
                                                      {"(-x)+y", "Subtract(Vj(1,3),Vi(0,3))"},
                                                      {"x-(-y)", "Add(Vi(0,3),Vj(1,3))"},
                                                      {"(-x)*(-y)", "Mult(Vi(0,3),Vj(1,3))"},
                                                      {"(-x)*y", "Minus(Mult(Vi(0,3),Vj(1,3)))"},
                                                      {"(-x)/y", "Minus(Divide(Vi(0,3),Vj(1,3)))"},
                                                      {"x/(-y)", "Minus(Divide(Vi(0,3),Vj(1,3)))"},
                                                      {"-(x-y)", "Subtract(Vj(1,3),Vi(0,3))"},
                                                      {"-(2*x)", "Mult((-2),Vi(0,3))"},
                                                      {"Square(-x)", "Square(Vi(0,3))"},
                                                      {"Square(Abs(x))", "Square(Vi(0,3))"},
                                                      {"SqDist(x,y)", "Sum(Square(Subtract(Vi(0,3),Vj(1,3))))"},
                                                      {"SqDist(y,x)", "Sum(Square(Subtract(Vi(0,3),Vj(1,3))))"},
                                                      {"Sum(-x)", "Minus(Sum(Vi(0,3)))"},
                                                      // order and equal operands
                                                      {"y+x", "Add(Vi(0,3),Vj(1,3))"},
                                                      {"y*x", "Mult(Vi(0,3),Vj(1,3))"},
                                                      {"x*s", "Mult(Pm(3,1),Vi(0,3))"},
                                                      {"x+x", "Mult(2,Vi(0,3))"},
                                                      {"x*x", "Square(Vi(0,3))"},
                                                      {"x|y", "Sum(Mult(Vi(0,3),Vj(1,3)))"},
                                                      {"x|x", "Sum(Square(Vi(0,3)))"},
                                                      // powers
                                                      {"x**0", "SumT(1,3)"},
                                                      {"x**1", "Vi(0,3)"},
                                                      {"x**2", "Square(Vi(0,3))"},
                                                      {"x**(-1)", "Inv(Vi(0,3))"},
                                                      {"x**0.5", "Sqrt(Vi(0,3))"},
                                                      {"Pow(x,-3)", "Pow(Vi(0,3),-3)"},
                                                      // scalars leave sums and repeats
                                                      {"Sum(s*x)", "Mult(Pm(3,1),Sum(Vi(0,3)))"},
                                                      {"Sum(s)", "Pm(3,1)"},
                                                      {"Sum(SumT(s,4))", "Mult(4,Pm(3,1))"},
                                                      {"SumT(s,1)", "Pm(3,1)"},
                                                      {"SumT(s,3)*x", "Mult(Pm(3,1),Vi(0,3))"},
                                                      {"Exp(SumT(s,3))", "SumT(Exp(Pm(3,1)),3)"},
                                                      {"Max(s)", "Pm(3,1)"},
                                                      {"ArgMax(s)", "0"},
                                                      // parts of parts
                                                      {"Extract(x,0,3)", "Vi(0,3)"},
                                                      {"Extract(Extract(A,2,5),1,2)", "Extract(Pm(2,9),3,2)"},
                                                      {"Extract(Concat(x,A),1,2)", "Extract(Vi(0,3),1,2)"},
                                                      {"Extract(Concat(x,A),4,2)", "Extract(Pm(2,9),1,2)"},
                                                      {"Extract(Concat(x,A),3,9)", "Pm(2,9)"},
                                                      {"Extract(Concat(x,A),2,2)", "Extract(Concat(Vi(0,3),Pm(2,9)),2,2)"},
                                                      {"Extract(ExtractT(x,2,9),2,3)", "Vi(0,3)"},
                                                      {"Extract(ExtractT(x,2,9),6,3)", "Zero(3)"},
                                                      {"ExtractT(x,0,3)", "Vi(0,3)"},
                                                      {"Sum(ExtractT(x,2,9))", "Sum(Vi(0,3))"},
                                                      {"Elem(SumT(s,5),2)", "Pm(3,1)"},
                                                      {"Elem(ElemT(s,5,2),2)", "Pm(3,1)"},
                                                      {"Elem(ElemT(s,5,2),1)", "0"},
                                                      {"TensorProd(x,s)", "Mult(Pm(3,1),Vi(0,3))"},
                                                      {"MatVecMult(x,y)", "Sum(Mult(Vi(0,3),Vj(1,3)))"}};
  for (const auto& [text, expected] : rows) {
    Parsed all("Concat(Concat(x,y),Concat(A,s))",
               {"x=Vi(3)", "y=Vj(3)", "A=Pm(9)", "s=Pm(1)"});  // fixes the age of the variables
    rkeops::Arguments known(check::arguments({"x=Vi(3)", "y=Vj(3)", "A=Pm(9)", "s=Pm(1)"}));
    const std::string formula = text;
    const Expr root = check::parse(all.graph, formula, known);
    const std::string got = rkeops::formula_text(root);
    CHECK_THAT(got == expected, formula + " becomes " + got + ", not " + expected);
    const Expr again = check::parse(all.graph, got, known);
    CHECK_THAT(again == root, "read again, " + got + " is " + rkeops::formula_text(again));
  }
}

// The same expression made once more, node by node, in another graph.
Expr copy(Expr n, rkeops::Graph& to, std::unordered_map<const rkeops::Node*, Expr>& made) {
  if (const auto found = made.find(n.node()); found != made.end()) return found->second;
  std::vector<Expr> args;
  for (Expr arg : n->args) args.push_back(copy(arg, to, made));
  Expr result;
  if (is_variable(n)) result = to.variable(position_of(n), n->dim, category_of(n));
  else if (is_constant(n)) result = to.constant(n->value, n->dim);
  else if (is(n, Op::Positions)) result = to.apply(Op::Positions, {}, {n->dim});
  else if (n->operation->structure == rkeops::Structure::gather) result = to.apply(n.op(), args, {n->params[1]});
  else if (is(n, Op::Contract)) result = rkeops::contract(args[0], args[1], rkeops::contraction_of(n));
  else if (is_reduction(n)) result = reduce(reduction_of(n), args, folded_category(n), result_category(n), k_of(n));
  else result = to.apply(n.op(), args, n->params);
  made[n.node()] = result;
  return result;
}

TEST("random formulas") {
  const std::uint64_t first = check::number(0, 1), formulas = check::number(1, 1000);
  for (std::uint64_t seed = first; seed < first + formulas; ++seed) {
    RandomFormula random(seed, 9);
    const std::string formula = random.expression(random.any_dim(), static_cast<int>(random.number(1, 6)));
    if (formula.size() > 3000) continue;
    Parsed plain(formula, random.declarations, false), simple(formula, random.declarations, true);
    std::unordered_map<const rkeops::Node*, Expr> made;
    rkeops::Graph graph;
    // Ages of nodes decide the order of commutative operands: texts settle after one more pass.
    const Expr once = copy(simple.root, graph, made);
    made.clear();
    rkeops::Graph second;
    const Expr twice = copy(once, second, made);
    const std::string a = rkeops::formula_text(once), b = rkeops::formula_text(twice);
    CHECK_THAT(a.size() == b.size(), "not settled: " + formula + "\n  " + a + "\n  " + b);
    CHECK_EQUAL(simple.root->dim, plain.root->dim);
    std::vector<Matrix> data;
    for (const rkeops::Argument& argument : plain.arguments) data.push_back(random_matrix(1, argument.dim, random.random()));
    Interpreter exact(data, 1, 1), rough(data, 1, 1, true);
    const Values expected = exact.value(plain.root, 0, 0), got = exact.value(simple.root, 0, 0),
                 blur = rough.value(plain.root, 0, 0);
    bool same = true;
    for (std::size_t k = 0; k < got.size() && same; ++k) {
      same = near(got[k], expected[k], 1e-12 * (1 + std::fabs(expected[k])) + 1e-6 * std::fabs(blur[k] - expected[k]));
    }
    CHECK_THAT(same, formula + " gives " + show(got) + " simplified, " + show(expected) + " else");
  }
}

// Algebra on NaN, infinities and zeros: simplified and plain formulas agree there too. Sums are left out: Sum(s*v) becomes
// s*Sum(v), which is another value where s is infinite and a component of v is zero.
TEST("special values") {
  const int formulas = 3000;
  std::mt19937_64 random(3);
  const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  const double specials[] = {0, 1, -1, 2, 0.5, -3, inf, -inf, std::nan("")};
  const std::function<std::string(int, int)> expression = [&](int dim, int depth) -> std::string {
    if (depth == 0)
      return dim == 1 ? std::vector<std::string>{"s", "t", "0", "1", "2", "(-1)"}[pick(6)]
                      : std::vector<std::string>{"x", "y", "SumT(s,2)", "Zero(2)"}[pick(4)];
    const auto e = [&](int d) { return expression(d, depth - 1); };
    const auto any = [&] { return e(pick(3) == 0 ? 1 : dim); };
    switch (pick(11)) {
      case 0:
      case 1:
        return "(" + any() + "+" + e(dim) + ")";
      case 2:
      case 3:
        return "(" + e(dim) + "-" + any() + ")";
      case 4:
      case 5:
        return "(" + any() + "*" + e(dim) + ")";
      case 6:
        return "(" + e(dim) + "/" + (pick(2) ? "s" : dim == 1 ? "t" : "y") + ")";
      case 7:
        return "(-" + e(dim) + ")";
      case 8:
        return "Square(" + e(dim) + ")";
      case 9:
        return "Abs(" + e(dim) + ")";
      default:
        return dim == 1 ? "Elem(" + e(2) + ",1)" : "Concat(" + e(1) + "," + e(1) + ")";
    }
  };
  for (int f = 0; f < formulas; ++f) {
    const std::string formula = expression(1 + static_cast<int>(pick(2)), 1 + static_cast<int>(pick(3)));
    const std::vector<std::string> declared{"x=Vi(2)", "y=Vi(2)", "s=Vi(1)", "t=Vi(1)"};
    try {
      Parsed plain(formula, declared, false), simple(formula, declared, true);
      for (int draw = 0; draw < 8; ++draw) {
        std::vector<Matrix> data{{1, 2, {0, 0}}, {1, 2, {0, 0}}, {1, 1, {0}}, {1, 1, {0}}};
        for (Matrix& m : data) {
          for (double& v : m.values) v = specials[pick(9)];
        }
        Interpreter interpreter(data, 1, 1);
        const Values expected = interpreter.value(plain.root, 0, 0), got = interpreter.value(simple.root, 0, 0);
        const bool same = equal(got, expected);
        CHECK_THAT(same, formula + " at x = " + show(data[0].values) + ", y = " + show(data[1].values) +
                             ", s = " + show(data[2].values) + ", t = " + show(data[3].values) + " gives " + show(got) +
                             " simplified (" + rkeops::formula_text(simple.root) + "), " + show(expected) + " else");
      }
    } catch (const rkeops::Error& error) {
      CHECK_THAT(std::string(error.what()).find("constant 0") != std::string::npos, formula + ": " + error.what());
    }
  }
}

}  // namespace
