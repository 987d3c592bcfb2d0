// What the engine asks R during a run: options, interrupts, progress, warnings.
#include "bridge.h"

#include <R_ext/Utils.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace bridge {
namespace {

// Threads of the parent do not exist in a forked child (parallel::mclapply): there we compute with one.
const pid_t pid_at_load = getpid();

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

SEXP field(SEXP list, const char* name) {
  if (TYPEOF(list) != VECSXP) return R_NilValue;
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t k = 0; k < Rf_xlength(names); ++k)
    if (std::strcmp(CHAR(STRING_ELT(names, k)), name) == 0) return VECTOR_ELT(list, k);
  return R_NilValue;
}

double number(SEXP value, double otherwise) {
  if (Rf_xlength(value) != 1) return otherwise;
  if (TYPEOF(value) == REALSXP) return REAL(value)[0];
  if (TYPEOF(value) == INTSXP || TYPEOF(value) == LGLSXP) return INTEGER(value)[0];
  return otherwise;
}

void check_interrupt(void*) { R_CheckUserInterrupt(); }

// A path, or a word of a command.
std::string native(SEXP strings, R_xlen_t k) { return text_of(STRING_ELT(strings, k), Encoding::native); }

void call_function(void* function) {
  SEXP call = PROTECT(Rf_lang1(static_cast<SEXP>(function)));
  Rf_eval(call, R_GlobalEnv);
  UNPROTECT(1);
}

}  // namespace

Runtime read_runtime(SEXP options) {
  Runtime runtime;
  rkeops::RunOptions& run = runtime.run;
  SEXP precision = field(options, "precision");
  if (TYPEOF(precision) == STRSXP && std::strcmp(CHAR(STRING_ELT(precision, 0)), "float32") == 0)
    run.precision = rkeops::Precision::float32;
  SEXP backend = field(options, "backend");
  if (TYPEOF(backend) == STRSXP && std::strcmp(CHAR(STRING_ELT(backend, 0)), "GPU") == 0)
    run.processor = rkeops::Processor::gpu;
  SEXP geometry = field(options, "geometry");
  if (TYPEOF(geometry) == STRSXP) {
    const std::string use = CHAR(STRING_ELT(geometry, 0));
    if (use == "never") run.geometry = rkeops::UseOfGeometry::never;
    if (use == "always") run.geometry = rkeops::UseOfGeometry::always;
  }
  run.tolerance = number(field(options, "tolerance"), 0);
  SEXP devices = field(options, "devices");
  if (TYPEOF(devices) == INTSXP && Rf_xlength(devices) > 0)
    run.devices.assign(INTEGER(devices), INTEGER(devices) + Rf_xlength(devices));
  run.tensor_cores = number(field(options, "tensor_cores"), 0) != 0;
  SEXP nvrtc = field(options, "nvrtc");
  if (TYPEOF(nvrtc) == STRSXP && Rf_xlength(nvrtc) == 1) run.jit.nvrtc = native(nvrtc, 0);
  run.threads = getpid() == pid_at_load ? static_cast<int>(number(field(options, "threads"), 0)) : 1;
  run.index_base = static_cast<std::int64_t>(number(field(options, "index_base"), 1));
  run.missing_index = NA_REAL;
  run.jit.compile_timeout_s = number(field(options, "compile_timeout"), run.jit.compile_timeout_s);
  const double limit = number(field(options, "cache_limit"), static_cast<double>(run.jit.cache_limit_bytes));
  constexpr double most = 9007199254740992;  // NaN and what is out of range must not be cast
  run.jit.cache_limit_bytes = static_cast<std::int64_t>(limit > 0 ? std::min(limit, most) : 0);
  SEXP cache_dir = field(options, "cache_dir");
  if (TYPEOF(cache_dir) == STRSXP && Rf_xlength(cache_dir) == 1) run.jit.cache_dir = native(cache_dir, 0);
  SEXP compiler = field(options, "compiler");
  if (TYPEOF(compiler) == STRSXP)
    for (R_xlen_t k = 0; k < Rf_xlength(compiler); ++k) run.jit.compiler.push_back(native(compiler, k));
  runtime.takes_notes = number(field(options, "notes"), 0) != 0;
  runtime.formula_only = number(field(options, "formula_only"), 0) != 0;
  SEXP progress = field(options, "progress");
  runtime.draw = field(progress, "draw");
  runtime.remove = field(progress, "remove");
  return runtime;
}

std::shared_ptr<const Runtime> current_runtime() {
  static SEXP options = nullptr;  // kept, so that no other value gets its address
  static std::vector<std::string> environment;
  static pid_t pid = 0;
  static std::shared_ptr<const Runtime> runtime;
  // What runtime_options() depends on.
  constexpr const char* watched[] = {"PATH", "RKEOPS_CACHE_DIR", "RKEOPS_CC", "OMP_THREAD_LIMIT", "_R_CHECK_LIMIT_CORES_"};
  const auto value_of = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value ? value : "";
  };
  SEXP current = Rf_GetOption1(Rf_install("rkeops"));
  constexpr int as_identical = 16;  // the flags that identical() has by default
  bool same = runtime && pid == getpid() && (current == options || R_compute_identical(current, options, as_identical));
  for (std::size_t k = 0; same && k < environment.size(); ++k) same = environment[k] == value_of(watched[k]);
  if (same) return runtime;
  const Rcpp::RObject list = value_of_call("runtime_options");
  runtime = std::make_shared<Runtime>(read_runtime(list));
  environment.assign(std::begin(watched), std::end(watched));
  for (std::string& variable : environment) variable = value_of(variable.c_str());
  R_PreserveObject(current);
  if (options) R_ReleaseObject(options);
  options = current;
  pid = getpid();
  return runtime;
}

RHost::RHost(const Runtime& runtime)
    : draw_(runtime.draw), remove_(runtime.remove), start_s_(now_s()), takes_notes_(runtime.takes_notes) {}

RHost::~RHost() {
  if (bar_drawn_) R_ToplevelExec(call_function, remove_);
}

rkeops::Host RHost::hooks() {
  rkeops::Host host;
  host.interrupted = &RHost::interrupted;
  host.progress = Rf_isFunction(draw_) ? &RHost::progress : nullptr;
  host.warn = &RHost::warn;
  host.note = takes_notes_ ? &RHost::note : nullptr;
  host.certify = &RHost::certify;
  host.context = this;
  return host;
}

bool interrupted() { return R_ToplevelExec(check_interrupt, nullptr) == FALSE; }

bool RHost::interrupted(void* self) { return static_cast<RHost*>(self)->jump_ || bridge::interrupted(); }

void RHost::warn(void* self, const char* message) { static_cast<RHost*>(self)->warnings_.emplace_back(message); }

void RHost::note(void* self, const char* message) { static_cast<RHost*>(self)->notes_.emplace_back(message); }

void RHost::certify(void* self, double part) {
  double& certificate = static_cast<RHost*>(self)->certificate_;
  certificate = std::max(certificate, part);
}

// From the second second on. Drawing runs R code, out of which R may want to jump (an interrupt, a handler of
// messages): the run is ended first, as by an interrupt, then the jump goes on.
void RHost::progress(void* self, double done) {
  RHost& host = *static_cast<RHost*>(self);
  const double seconds = now_s() - host.start_s_;
  if (host.jump_ || seconds < 2 || done <= 0 || done > 1) return;
  host.bar_drawn_ = true;
  SEXP draw = host.draw_;
  try {
    unwind_protect([=] {
      SEXP call = PROTECT(Rf_lang3(draw, PROTECT(Rf_ScalarReal(done)), PROTECT(Rf_ScalarReal(seconds))));
      Rf_eval(call, R_GlobalEnv);
      UNPROTECT(3);
      return R_NilValue;
    });
  } catch (...) {
    host.jump_ = std::current_exception();
  }
}

void RHost::resume_jump() const {
  if (jump_) std::rethrow_exception(jump_);
}

}  // namespace bridge
