// Errors in formulas: every kind, with its place and its hint.
#include "check.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

const std::vector<std::string> known{"x=Vi(3)", "y=Vj(3)", "z=Vj(3)", "s=Pm(1)", "lambda=Pm(1)", "A=Pm(9)"};

TEST("errors") {
  const auto fails = [](const std::string& formula, ErrorKind kind, const std::string& part, std::int64_t position,
                        const std::string& hint = "") {
    const std::string wrong = throws([&] { rkeops::Program::create(formula, arguments(known)); }, {kind, part, position});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
    try {
      rkeops::Program::create(formula, arguments(known));
    } catch (const rkeops::Error& error) {
      if (position >= 0) CHECK_EQUAL(error.formula, formula);
      CHECK_THAT(error.hint.find(hint) != std::string::npos, formula + ": hint is '" + error.hint + "', without '" + hint + "'");
    }
  };
  const auto inside = [&](const std::string& f, ErrorKind kind, const std::string& part, std::int64_t position,
                          const std::string& hint = "") {
    fails("Sum_Reduction(" + f + ",1)", kind, part, position < 0 ? position : position + 14, hint);
  };
  const ErrorKind parse = ErrorKind::parse;
  fails("", parse, "ends too early", 0);
  fails("  ", parse, "ends too early", 2);
  inside("x+", parse, "unexpected ','", 2);
  fails("Sum_Reduction(x+", parse, "ends too early", 16);
  fails("Sum_Reduction(x,1", parse, "expected ')' but found end of formula", 17);
  fails("Sum_Reduction(x,1))", parse, "unexpected ')'", 18);
  fails("Sum_Reduction(x,1) y", parse, "unexpected 'y'", 19);
  inside("(x+y", parse, "expected ')' but found ','", 4);
  inside("x y", parse, "expected ')' but found 'y'", 2);
  inside("x$y", parse, "unexpected character '$'", 1, "declared");
  inside("x%y", parse, "unexpected character '%'", 1);
  inside("x\\y", parse, "unexpected character", 1);
  inside("x//2", parse, "unexpected '/'", 2);
  inside("x&y", parse, "unexpected character '&'", 1);
  inside("x=y", parse, "'='", 1);
  inside("x<y<z", parse, "cannot be chained", 3, "parentheses");
  inside("x<y==z", parse, "cannot be chained", 3);
  inside("2x", parse, "malformed number", 1);
  inside("1.2.3", parse, "malformed number", 3);
  inside("[1,2]", parse, "list", 0);
  inside("x[1]", parse, "'['", 1);
  inside("u", parse, "unknown variable 'u'", 0, "declared");
  inside("x*uu+y", parse, "unknown variable 'uu'", 2);
  inside("X", parse, "unknown variable 'X'", 0, "Did you mean 'x'");
  inside("lambdo", parse, "unknown variable", 0, "Did you mean 'lambda'");
  inside("Exo(x)", parse, "unknown operation 'Exo'", 0, "Did you mean 'Exp'");
  inside("exp(x)", parse, "unknown operation 'exp'", 0, "Did you mean 'Exp'");
  inside("x+SqDits(x,y)", parse, "unknown operation 'SqDits'", 2, "Did you mean 'SqDist'");
  inside("Wobble(x)", parse, "unknown operation 'Wobble'", 0);
  inside("Contract(x,y)", parse, "unknown operation", 0);
  inside("Reduce(x)", parse, "unknown operation", 0);
  inside("Constant(2)", parse, "unknown operation", 0);
  fails("Summ_Reduction(x,1)", parse, "unknown reduction 'Summ'", 0, "Did you mean 'Sum'");
  fails("MinArgMin_Reduction(x,1)", parse, "unknown reduction", 0, "Min_ArgMin");
  inside("Exp(x,y)", parse, "Exp takes 1 argument, got 2", 0);
  inside("Exp()", parse, "Exp takes 1 argument, got 0", 0);
  inside("Concat(x,y,z)", parse, "Concat takes 2 arguments, got 3", 0);
  inside("Mod(x,2)", parse, "Mod takes 3 arguments, got 2", 0);
  inside("Elem(x,y)", parse, "argument 2 of Elem must be a whole number", 7);
  inside("Elem(x,0.5)", parse, "must be a whole number", 7);
  inside("Pow(x,0.5)", parse, "must be a whole number", 6);
  inside("Round(x,1.5)", parse, "must be a whole number", 8);
  inside("Exp([1])", parse, "list", 4);
  inside("Elem(x,[1])", parse, "must be a whole number", 7);
  fails("Sum_Reduction(x,2)", parse, "axis is 2", 16);
  fails("Sum_Reduction(x,-1)", parse, "axis is -1", 16);
  fails("Sum_Reduction(x,y)", parse, "axis must be a whole number", 16);
  fails("Sum_Reduction(x)", parse, "Sum_Reduction takes 2 arguments, got 1", 0);
  fails("KMin_Reduction(x,1)", parse, "takes 3 arguments, got 2", 0);
  fails("LogSumExpWeight_Reduction(s,1)", parse, "takes 3 arguments, got 2", 0);
  fails("KMin_Reduction(x,y,1)", parse, "K must be a whole number", 17);
  fails("KMin_Reduction(x,0,1)", ErrorKind::argument, "K is 0", 0);
  fails("KMin_Reduction(x,-2,1)", ErrorKind::argument, "K is -2", 0);
  for (const char* kind : {"Max_SumShiftExp_Reduction(x,1)", "LogSumExpWeight_Reduction(x,y,1)",
                           "SumSoftMaxWeight_Reduction(x,y,1)", "Max_SumShiftExpWeight_Reduction(x,s,1)"}) {
    fails(kind, ErrorKind::dimension, "dimension 3, 1 is needed", 0);
  }
  fails("Max_SumShiftExpWeight_Reduction(s,1)", parse, "takes 3 arguments, got 2", 0);
  fails("x*y", ErrorKind::argument, "not a reduction", -2, "Sum_Reduction");
  fails("3", ErrorKind::argument, "not a reduction", -2);
  fails("Grad(Sum_Reduction(x|y,1),2,x)", parse, "variable", 26);
  fails("Grad(Sum_Reduction(x|y,1),x+y,s)", parse, "variable", 26);
  fails("Grad(Sum_Reduction(x|y,1),x,A)", ErrorKind::dimension, "adjoint has dimension 9", 0);
  fails("Grad(Sum_Reduction(x*y,1))", parse, "Grad takes 2 or 3 arguments, got 1", 0);
  fails("Min_ArgMin_Reduction(x,1)+Sum_Reduction(x,1)", ErrorKind::unsupported, "Min_ArgMin_Reduction cannot be used inside", -2);
  fails("Sum_Reduction(x,1)+Sum_Reduction(x,0)", ErrorKind::dimension, "both i and j", -2);
  inside("IntCst(x)", ErrorKind::argument, "must be a number", 0);
  inside("BSpline(A,x,2)", ErrorKind::dimension, "1 is needed", 0);
  inside("BSpline(A,s,x)", parse, "argument 3 of BSpline must be a whole number", 12);
  inside("TensorDot(x,y,[3],[3],[0])", parse, "TensorDot takes 6 or 7 arguments, got 5", 0);
  inside("Kron(x,y,[3])", parse, "Kron takes 4 arguments, got 3", 0);
  inside("Kron(x,y,x,[3])", parse, "argument 3 of Kron must be a list", 9, "");
  inside("Kron(x,y,None,[3])", parse, "argument 3 of Kron must be a list", 9);
  inside("Kron(x,y,[3.5],[3])", parse, "list element must be a whole number", 10);
  inside("Kron(x,y,[x],[3])", parse, "list element must be a whole number", 10);
  inside("Kron(x,y,[3,[3])", parse, "unexpected '['", 12);
  inside("Kron(x,y,[3,[3]],[3])", parse, "unexpected '['", 12);
  inside("Kron(x,[3],[3],[3])", parse, "expected a formula but found a list", 7);
  inside("Exp(None)", parse, "expected a formula but found None", 4);
  inside("Exp(Ind(1,2))", parse, "expected a formula but found a list", 4);
  inside("TensorDot(x,y,[3],[3],[0],[1])", ErrorKind::argument, "axis 1 is not there", 0);
  inside("s+TensorDot(x,A,[3],[9],[0],[0])", ErrorKind::dimension, "lengths 3 and 9", 2);
  inside("ComplexMult(x,x)", ErrorKind::dimension, "an even one is needed", 0);
  inside("Gather(x,s,3)", ErrorKind::argument, "must be a parameter", 0, "Pm");
  inside("Strided(x,0,2,1)", parse, "unknown operation", 0);
  inside("Interleave(x,x)", parse, "unknown operation", 0);
  inside("Laplacien(x,x)", parse, "unknown operation 'Laplacien'", 0, "Did you mean 'Laplacian'");
  inside("Diff(x,(x,y),(y,y)", parse, "Diff takes 3 arguments, got 4", 0);
  inside("Diff(x,y+1,x)", parse, "Diff differentiates with respect to a variable", 7, "argument");
  inside("x*Divergence(x,A)", ErrorKind::dimension, "dimension 3", 2);
  inside("x+A", ErrorKind::dimension, "dimensions 3 and 9", 1);
  inside("Add(x,A)", ErrorKind::dimension, "dimensions 3 and 9", 0);
  inside("s*x*A", ErrorKind::dimension, "dimensions 3 and 9", 3);
  inside("x/0", ErrorKind::argument, "division by the constant 0", 1);
  inside("x/(1-1)", ErrorKind::argument, "division by the constant 0", 1);
  inside("Var(0,3)", parse, "Var takes 3 arguments", 0);
  inside("Var(0,3,3)", ErrorKind::argument, "category", 0);
  inside("Vi(0,0)", ErrorKind::argument, "dim", 0);
  inside("Vi(3)", parse, "Vi takes 2 arguments, got 1", 0);
  inside("Vi(0,4)", ErrorKind::argument, "same position 0", 0);
  inside("Vj(0,3)", ErrorKind::argument, "same position 0", 0);
  fails("Sum_Reduction(Vi(8,2),1)", ErrorKind::argument, "no argument has position 6", -2, "without gaps");
  inside("x**y**A", ErrorKind::dimension, "dimensions 3 and 9", 4);
}

}  // namespace
