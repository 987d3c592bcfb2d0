// Several formulas in one program: each output is what its formula gives alone, and what folds the same pairs is folded
// together.
#include "check.hpp"

using namespace check;
using rkeops::Precision;
using rkeops::Program;

namespace {

const std::vector<std::string> declared{"x=Vi(2)", "y=Vj(2)", "b=Vj(2)", "w=Vj(1)", "s=Pm(1)", "e=Vi(1)", "u=Vi(2)", "g=Vj(2)"};
const Precision precisions[] = {Precision::float64, Precision::float32};

std::vector<Matrix> data_of(std::int64_t m, std::int64_t n) {
  std::mt19937_64 random(3);
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : arguments(declared)) {
    data.push_back(random_matrix(a.category == rkeops::Category::i   ? m
                                 : a.category == rkeops::Category::j ? n
                                                                     : 1,
                                 a.dim, random));
  }
  data[4].values[0] = 0.7;
  return data;
}

std::string joined(const std::string& definitions, const std::vector<std::string>& formulas) {
  std::string text = definitions;
  for (const std::string& f : formulas) text += f + ";";
  return text;
}

// Kernels that the program has.
std::int64_t passes(const Program& program) {
  const std::string source = program.source(run_options()), between = "next stage";
  std::int64_t count = 1;
  for (std::size_t at = 0; (at = source.find(between, at)) != std::string::npos; at += between.size()) ++count;
  return count;
}

void check_outputs(const std::string& definitions, const std::vector<std::string>& formulas, std::int64_t expected,
                   std::int64_t m = 9, std::int64_t n = 70) {
  const std::string text = joined(definitions, formulas);
  const auto program = Program::create(text, arguments(declared));
  CHECK_EQUAL(program->outputs().size(), formulas.size());
  CHECK_THAT(passes(*program) == expected, text + " takes " + show(passes(*program)) + " passes, not " + show(expected));
  const std::vector<Matrix> data = data_of(m, n);
  for (Precision precision : precisions) {
    const std::vector<Matrix> together = run(*program, inputs(data), run_options(precision));
    std::size_t part = 0;
    for (const std::string& formula : formulas) {
      for (const Matrix& alone : run(definitions + formula, declared, data, run_options(precision))) {
        const Matrix& got = together.at(part++);
        double worst = got.rows == alone.rows && got.cols == alone.cols ? 0 : HUGE_VAL, scale = 1;
        for (double v : alone.values) scale = std::max(scale, std::fabs(v));
        for (std::size_t k = 0; worst == 0 && k < alone.values.size(); ++k) {
          if (!near(got.values[k], alone.values[k], (precision == Precision::float64 ? 1e-12 : 2e-5) * scale)) worst = k + 1.0;
        }
        CHECK_THAT(worst == 0, formula + " of " + text + " in " + name_of(precision) + ", M = " + show(m) + ", N = " + show(n));
      }
    }
    CHECK_EQUAL(together.size(), part);
  }
}

const std::string sum = "R=Sum_Reduction(Exp(-s*SqDist(x,y))*b,1);";
const std::string log_sum = "R=LogSumExp_Reduction(-s*SqDist(x,y),1);";
const std::string soft_max = "R=SumSoftMaxWeight_Reduction(-s*SqDist(x,y),b,1);";

TEST("sums and their gradients take one pass") {
  check_outputs("", {"Sum_Reduction(x*y,1)", "Sum_Reduction(Exp(x|y),1)"}, 1);
  check_outputs(sum, {"R", "Grad(R,x,u)", "Grad(R,y,u)", "Grad(R,b,u)", "Grad(R,s,u)"}, 1);
  check_outputs("R=Sum_Reduction(Exp(-s*SqDist(x,y))*x,0);", {"R", "Grad(R,x,g)", "Grad(R,y,g)", "Grad(R,s,g)"}, 1);
  check_outputs(sum, {"Grad(R,y,u)", "Diff(R,x,x)"}, 1);
}

TEST("logarithms of sums") {
  check_outputs(log_sum, {"R", "Grad(R,x,1)"}, 1);
  check_outputs(log_sum, {"R", "Grad(R,x,e)", "Grad(R,s,e)"}, 1);
  check_outputs(log_sum, {"R", "Grad(R,x,e)", "Grad(R,y,e)", "Grad(R,s,e)"}, 2);
  check_outputs("R=LogSumExpWeight_Reduction(-s*SqDist(x,y),Exp(w),1);", {"R", "Grad(R,x,e)", "Grad(R,w,e)"}, 2);
  check_outputs("R=LogSumExpWeight_Reduction(-s*SqDist(x,y),Exp(b),1);", {"R", "Grad(R,x,u)", "Grad(R,b,u)"}, 2);
  check_outputs("R=LogSumExp_Reduction(s*x*y,1);", {"R", "Grad(R,x,u)", "Grad(R,y,u)"}, 2);
}

TEST("soft-maxima") {
  check_outputs(soft_max, {"R", "Grad(R,x,u)", "Grad(R,y,u)", "Grad(R,b,u)", "Grad(R,s,u)"}, 2);
  check_outputs("", {"LogSumExp_Reduction(x|y,1)", "SumSoftMaxWeight_Reduction(x|y,b,1)"}, 1);
}

TEST("second derivatives") {
  check_outputs(sum + "D=Diff(R,x,x);", {"Grad(D,x,u)", "Grad(D,y,u)", "Grad(D,s,u)"}, 1);
  check_outputs(log_sum + "D=Diff(R,x,x);", {"Grad(D,x,e)", "Grad(D,y,e)", "Grad(D,s,e)"}, 2);
  check_outputs(log_sum + "D=Diff(R,x,x)+Diff(R,y,b)-Diff(R,s,s);", {"D", "Grad(D,x,e)", "Grad(D,y,e)"}, 2);
}

TEST("what does not fit together") {
  check_outputs("", {"Min_ArgMin_Reduction(x|y,1)", "Sum_Reduction(x|y,1)", "KMin_Reduction(x|y,3,0)"}, 3);
  check_outputs("M=Min_Reduction(x|y,1);", {"M", "Grad(M,x,e)", "ArgMin_Reduction(x|y,1)"}, 4);
  check_outputs("", {"Sum_Reduction(x|y,1)", "2*Sum_Reduction(x|y,1)+e", "Sum_Reduction(x|y,1)"}, 2);
  check_outputs("", {"SumBoth_Reduction(x|y,x,1)", "Sum_Reduction(x|y,1)"}, 2);
  check_outputs("", {"KMin_ArgKMin_Reduction(x|y,2,1)", "KMin_ArgKMin_Reduction(x|y,2,1)"}, 2);
  check_outputs("", {"Sum_Reduction(x*x,0)", "Sum_Reduction(s*s,1)"}, 1);
}

TEST("names") {
  const auto program = Program::create("R=Sum_Reduction(w,1);M=Max_Reduction(x-y,1);R; M ;R*2;S=R;S", arguments(declared));
  std::string names;
  for (const rkeops::OutputShape& output : program->outputs()) names += output.name + ",";
  CHECK_EQUAL(names, "R,M,,S,");
}

TEST("sizes") {
  for (std::int64_t m : {0, 1, 130}) {
    for (std::int64_t n : {0, 1, 3000}) {
      check_outputs(sum, {"R", "Grad(R,x,u)", "Grad(R,y,u)", "Grad(R,s,u)"}, 1, m, n);
      check_outputs(log_sum, {"R", "Grad(R,x,e)", "Grad(R,y,e)", "Grad(R,s,e)"}, 2, m, n);
      if (n > 0) check_outputs(soft_max, {"R", "Grad(R,x,u)", "Grad(R,b,u)"}, 2, m, n);
    }
  }
  const auto program = Program::create(joined(soft_max, {"R", "Grad(R,x,u)"}), arguments(declared));
  const std::vector<Matrix> none = data_of(3, 0);
  CHECK_THROWS({ run(*program, inputs(none)); }, {rkeops::ErrorKind::input, "over no rows has no result"});
}

TEST("evaluations") {
  const auto program = Program::create(joined(log_sum, {"R", "Grad(R,x,e)", "Grad(R,y,e)"}), arguments(declared));
  std::vector<Matrix> data = data_of(20, 300);
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  for (std::size_t changed : {0, 1, 5}) {
    for (double& v : data[changed].values) v += 0.25;
    evaluation->set(changed, data[changed].input());
    std::vector<Matrix> got = run(*program, inputs(data));
    const std::vector<Matrix> expected = got;
    std::vector<double*> memory;
    for (Matrix& part : got) std::fill(part.values.begin(), part.values.end(), -1), memory.push_back(part.values.data());
    evaluation->run(memory, {});
    CHECK_THAT(same_bits(got, expected), "input " + show(changed) + " was changed");
  }
}

// What is not asked for is not computed, nor written.
TEST("some outputs") {
  const auto program = Program::create(joined(log_sum, {"R", "Grad(R,x,1)", "Grad(R,y,e)"}), arguments(declared));
  std::vector<Matrix> data = data_of(20, 300);
  const auto evaluation = program->prepare(inputs(data), run_options(), {});
  const std::vector<Matrix> before = run(*program, inputs(data));
  std::vector<Matrix> got = before;
  for (Matrix& part : got) std::fill(part.values.begin(), part.values.end(), -1);
  evaluation->run({got[0].values.data(), got[1].values.data(), nullptr}, {});
  CHECK_EQUAL(got[0].values, before[0].values);
  CHECK_EQUAL(got[1].values, before[1].values);
  CHECK_EQUAL(got[2].values, std::vector<double>(got[2].values.size(), -1));
  for (double& v : data[5].values) v = 2 * v + 1;
  evaluation->set(5, data[5].input());
  evaluation->run({nullptr, nullptr, got[2].values.data()}, {});
  CHECK_EQUAL(got[2].values, run(*program, inputs(data))[2].values);
}

}  // namespace
