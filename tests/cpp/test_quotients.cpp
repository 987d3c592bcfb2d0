// Which divisions become products with an inverse, squared distances products, and that numbers are written and read alike in any locale.
#include <clocale>

#include "engine_parts.hpp"

using namespace check;

namespace {

// Are divisions by what is the same for all pairs left?
bool divides(const std::string& formula, const std::string& reduction = "Sum") {
  const std::vector<rkeops::Argument> arguments{{"x", rkeops::Category::i, 1, 0},
                                                {"y", rkeops::Category::j, 1, 1},
                                                {"s", rkeops::Category::parameter, 1, 2}};
  rkeops::Graph graph;
  rkeops::Arguments list(arguments);
  const rkeops::Expr root =
      check::parse(graph, reduction + "_Reduction(" + formula + ",1)", list);
  const rkeops::Expr made = rkeops::invert_divisors(root);
  for (const rkeops::Expr& n : rkeops::nodes_below({made->args.begin(), made->args.end()})) {
    if (rkeops::is(n, rkeops::Op::Divide) && n.arg(0)->indices != 0 && n.arg(1)->indices == 0) return true;
  }
  return false;
}

TEST("which divisions") {
  for (const char* formula : {"Exp(-SqDist(x,y)/s)", "Exp(-Norm2(x-y)/s)*y", "Exp(x*y/s-y/3)", "1/(1+SqDist(x,y)/s)",
                              "y/(1+SqDist(x,y)/Square(s))", "Exp(-SqDist(x,y)/(2*s**2))", "Exp(-1/(2+x*y/s))"}) {
    CHECK_THAT(!divides(formula), formula);
  }
  // What is looked at itself, compared, cut off, or near a singularity.
  for (const char* formula :
       {"x*y/s", "Floor(x*y/s)", "Exp(Floor(x*y/s))", "(x*y/s<y)*Exp(x*y/s)", "Sqrt(1-x*y/s)", "Acos(x*y/s)", "1/(1-x*y/s)",
        "Exp(1/(y-x*y/s))", "IfElse(x*y/s,x,y)", "Mod(x*y/s,1,0)", "Log(x*y/s)", "Floor(1/(1+x*y/s))", "Exp(Abs(x*y/s))+x*y/s"}) {
    CHECK_THAT(divides(formula), formula);
  }
  CHECK(divides("1/(1+SqDist(x,y)/s)", "Min"));
  CHECK(!divides("Exp(-SqDist(x,y)/s)", "Min"));
}

// Also behind positions of a minimum, which the formula of its derivative reads in parts.
TEST("squared distances as products") {
  const std::vector<rkeops::Argument> arguments{{"x", rkeops::Category::i, 8, 0},
                                                {"y", rkeops::Category::j, 8, 1},
                                                {"s", rkeops::Category::parameter, 1, 2}};
  for (const char* formula : {"Sum_Reduction(Exp(-SqDist(x,y)/s),1)", "Grad(Min_Reduction(SqDist(x,y)*s,1),s,s)"}) {
    rkeops::Graph graph;
    rkeops::Arguments list(arguments);
    const rkeops::Expr root = check::parse(graph, formula, list);
    bool found = false;
    for (const rkeops::Expr& stage : check::stages(root)) {
      const rkeops::Expr made = rkeops::expand_distances(stage);
      found = found || made != stage;
      for (const rkeops::Expr& n : rkeops::nodes_below({made->args.begin(), made->args.end()})) {
        CHECK_THAT(!rkeops::is_expandable_distance(n), formula);
      }
    }
    CHECK_THAT(found, formula);
  }
}

void check_numbers() {
  for (const double value : {0.125, 1.0 / 3, -2.5e-7, 1e300, 0.1, 16777217.0, 3.0, 5e-324}) {
    const std::string text = rkeops::number_text(value);
    CHECK_THAT(text.find_first_not_of("0123456789.e+-") == std::string::npos, text);
    CHECK_THAT(rkeops::read_number(text) == value, text);
  }
  CHECK(rkeops::number_text(0.125) == "0.125");
  CHECK(rkeops::read_number("1.5e3") == 1500);
}

TEST("numbers") {
  check_numbers();
  bool other = false;
  for (const char* locale : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8"}) {
    if (std::setlocale(LC_NUMERIC, locale) == nullptr) continue;
    other = true;
    check_numbers();
  }
  std::setlocale(LC_NUMERIC, "C");
  if (!other) skip("no locale with a decimal comma (tests/testthat/test-numbers.R makes one)");
}

}  // namespace
