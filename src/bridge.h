// The boundary between R and the engine. Two rules hold everywhere in src/:
//   1. no C++ exception leaves a function that R calls: `catch_failure` turns it into a list of class "rkeops_failure",
//      which R/conditions.R raises as a condition;
//   2. no longjmp of R crosses a C++ frame: calls into R that can fail run inside `unwind_protect`.
#pragma once

#include <Rcpp.h>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <rkeops/engine.hpp>

namespace bridge {

using ProgramPtr = std::shared_ptr<const rkeops::Program>;

// Runs `body` (which returns SEXP and holds nothing that needs a destructor) so that an R error becomes a C++ one.
template <class Body>
SEXP unwind_protect(Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  return Rcpp::unwindProtect([](void* data) -> SEXP { return (*static_cast<Plain*>(data))(); }, &body);
}

SEXP failure(const char* kind, const std::string& message, const rkeops::Error* error = nullptr);

template <class Body>
SEXP catch_failure(Body&& body) {
  try {
    return body();
  } catch (const Rcpp::LongjumpException&) {
    throw;  // resumed by Rcpp at the outermost frame
  } catch (const rkeops::Error& error) {
    return failure(rkeops::name_of(error.kind), error.what(), &error);
  } catch (const std::bad_alloc&) {
    return failure("memory", "not enough memory");
  } catch (const std::exception& error) {
    return failure("internal", error.what());
  } catch (...) {
    return failure("internal", "unknown exception");
  }
}

// The same for bodies that give objects: those have a class, and so has a failure, which is therefore put in a list.
SEXP in_list(SEXP value);
template <class Body>
SEXP catch_in_list(Body&& body) {
  bool failed = true;
  const SEXP result = catch_failure([&] {
    const SEXP value = body();
    failed = false;
    return value;
  });
  return failed ? in_list(result) : result;
}

// Strings for R are valid UTF-8, whatever they come from: a formula, a compiler.
SEXP make_string(const std::string& text);
SEXP make_strings(const std::vector<std::string>& texts);
SEXP make_numbers(const std::vector<double>& values);
SEXP make_flags(const std::vector<int>& values);

// The value of a function of the package that is called without arguments.
SEXP value_of_call(const char* function);

// Views of strings of R.
std::vector<std::string_view> views_of(SEXP strings);

// The text of a string of R: in UTF-8, or as a name of a file, in the encoding of the session. Without a mark it stays as
// it is.
enum class Encoding { utf8, native };
std::string text_of(SEXP string, Encoding encoding = Encoding::utf8);

template <class T>
void destroy(SEXP pointer) {
  delete static_cast<T*>(R_ExternalPtrAddr(pointer));
  R_ClearExternalPtr(pointer);
}

// An object of C++ that R holds, in an external pointer which owns it. `one` and `other` live as long as the pointer.
template <class T>
SEXP new_pointer(SEXP one = R_NilValue, SEXP other = R_NilValue) {
  return unwind_protect([=] {
    SEXP pointer = PROTECT(R_MakeExternalPtr(nullptr, R_NilValue, PROTECT(Rf_list2(one, other))));
    R_RegisterCFinalizerEx(pointer, destroy<T>, TRUE);
    UNPROTECT(2);
    return pointer;
  });
}

// Null for what is no such pointer, or came back from a file (saveRDS).
template <class T>
T* object_of(SEXP pointer) {
  return TYPEOF(pointer) == EXTPTRSXP ? static_cast<T*>(R_ExternalPtrAddr(pointer)) : nullptr;
}

// A list built field by field; the fields are protected as long as the builder lives.
class ListBuilder {
 public:
  ListBuilder& add(const char* name, SEXP value);
  SEXP finish(const char* class_name = nullptr) const;

 private:
  std::vector<const char*> names_;
  std::vector<Rcpp::RObject> values_;
};

// Does the user want to stop?
bool interrupted();

// Reads the list that R/options.R prepares (runtime_options()); missing fields keep the engine's defaults.
struct Runtime {
  rkeops::RunOptions run;
  bool formula_only = false, takes_notes = false;
  Rcpp::RObject draw, remove;  // functions for the progress bar
};
Runtime read_runtime(SEXP options);
// That of the options and environment variables as they are now; they are read again only when they have changed.
std::shared_ptr<const Runtime> current_runtime();

// The hooks that R gives the engine during one call.
class RHost {
 public:
  explicit RHost(const Runtime& runtime);
  ~RHost();
  rkeops::Host hooks();
  void resume_jump() const;  // to be called after the run, however it ended
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::vector<std::string>& notes() const { return notes_; }
  double certificate() const { return certificate_; }  // of sums with a tolerance; -1: none was given

 private:
  static bool interrupted(void* self);
  static void progress(void* self, double done);
  static void warn(void* self, const char* message);
  static void note(void* self, const char* message);
  static void certify(void* self, double part);

  Rcpp::RObject draw_, remove_;
  bool bar_drawn_ = false;
  std::exception_ptr jump_;
  double start_s_;
  std::vector<std::string> warnings_, notes_;
  const bool takes_notes_;
  double certificate_ = -1;
};

}  // namespace bridge
