// Sums of Gaussians. engine_impl.hpp holds the engine's definitions: one file of a package includes it, others engine.hpp.
#include <rkeops/engine_impl.hpp>

#include <Rcpp.h>

using rkeops::Category;

namespace {

rkeops::Input input(const Rcpp::NumericMatrix& values) {
  return {rkeops::Input::Type::real64, values.begin(), values.nrow(), values.ncol()};
}

void check_interrupt(void*) { R_CheckUserInterrupt(); }

// An interrupt ends the run with an Error.
bool interrupted(void*) { return R_ToplevelExec(check_interrupt, nullptr) == FALSE; }

}  // namespace

// The sums over j of exp(-|x_i - y_j|^2 / h) b_j, one row per row of x. An rkeops::Error is a std::runtime_error, which
// Rcpp turns into an R error.
// [[Rcpp::export]]
Rcpp::NumericMatrix gaussian_sum(Rcpp::NumericMatrix x, Rcpp::NumericMatrix y, Rcpp::NumericMatrix b,
                                 Rcpp::NumericMatrix h, std::vector<std::string> compiler) {
  const auto program = rkeops::Program::create("Sum_Reduction(Exp(-SqDist(x,y)/h)*b,1)",
                                               {{"x", Category::i, x.ncol(), 0},
                                                {"y", Category::j, y.ncol(), 1},
                                                {"b", Category::j, b.ncol(), 2},
                                                {"h", Category::parameter, 1, 3}});
  const std::vector<rkeops::Input> inputs{input(x), input(y), input(b), input(h)};

  rkeops::RunOptions options;
  options.threads = 2;
  options.jit.compiler = compiler;  // the kernel is compiled in the first call, and found in memory in later ones
  rkeops::Host host;
  host.interrupted = interrupted;

  Rcpp::NumericMatrix result(program->bind(inputs), b.ncol());
  program->run(inputs, {result.begin()}, options, host);
  return result;
}
