// What every C++ test needs: named tests, checks that count, matrices, and running a formula. See tests/README.md.
//
//   TEST("precedence") { CHECK(...); }   is run by main(), which is here: a test program includes this header once
//   test_parser                          runs all tests, in the order of the file
//   test_parser errors numbers           runs those whose names contain one of the words
//   test_parser --list                   prints the names
//   test_parser random 1000 7 --full     numbers and other options are for the tests: see number() and option()
//
// The last line, "N passed, N failed[, N skipped]", is read by tools/test.sh.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "rkeops/engine.hpp"
#include "rkeops/parse/declarations.hpp"

namespace check {

struct Counts {
  long passed = 0, failed = 0, skipped = 0;
};

inline Counts& counts() {
  static Counts counts;
  return counts;
}

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> list;
  return list;
}

inline std::string& running() {  // the name of the test
  static std::string name;
  return name;
}

struct Registered {
  Registered(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

#define CHECK_JOINED(a, b) a##b
#define CHECK_NAMED(a, b) CHECK_JOINED(a, b)
#define TEST(name)                                                                                              \
  void CHECK_NAMED(test_at_, __LINE__)();                                                                       \
  const check::Registered CHECK_NAMED(registered_at_, __LINE__)(name, CHECK_NAMED(test_at_, __LINE__));         \
  void CHECK_NAMED(test_at_, __LINE__)()

inline void count(bool ok, const char* file, int line, const std::string& what) {
  if (ok) {
    ++counts().passed;
  } else if (++counts().failed <= 40) {
    const std::string place = std::filesystem::path(file).filename().string() + ":" + std::to_string(line);
    std::printf("%s: [%s] %s\n", place.c_str(), running().c_str(), what.c_str());
  }
}

inline void skip(const std::string& why) {
  ++counts().skipped;
  std::printf("skipped: %s\n", why.c_str());
}

inline int finish() {
  if (counts().failed > 40) std::printf("... and %ld more\n", counts().failed - 40);
  std::printf("%ld passed, %ld failed", counts().passed, counts().failed);
  std::printf(counts().skipped > 0 ? ", %ld skipped\n" : "\n", counts().skipped);
  return counts().failed == 0 ? 0 : 1;
}

// The words of the command line: numbers and options are for the tests, the others choose among them.
inline std::vector<std::string>& words() {
  static std::vector<std::string> list;
  return list;
}
inline bool option(const std::string& name) { return std::find(words().begin(), words().end(), name) != words().end(); }
inline bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}
// The number at this place among the numbers.
inline std::uint64_t number(std::size_t place, std::uint64_t otherwise) {
  for (const std::string& word : words()) {
    if (is_number(word) && place-- == 0) return std::stoull(word);
  }
  return otherwise;
}
inline bool chosen(const std::string& name) {
  bool all = true;
  for (const std::string& word : words()) {
    if (is_number(word) || word.rfind("--", 0) == 0) continue;
    if (name.find(word) != std::string::npos) return true;
    all = false;
  }
  return all;
}

inline int run_tests(int count, char** list) {
  words().assign(list + 1, list + count);
  for (const Test& test : tests()) {
    if (!chosen(test.name)) continue;
    running() = test.name;
    if (option("--list")) {
      std::printf("%s\n", test.name);
      continue;
    }
    try {
      test.body();
    } catch (const std::exception& error) {
      check::count(false, list[0], 0, std::string("not finished: ") + error.what());
    }
  }
  return finish();
}

inline std::string show(const std::string& s) { return "\"" + s + "\""; }
inline std::string show(const char* s) { return show(std::string(s)); }
inline std::string show(double x) { return rkeops::number_text(x); }
inline std::string show(rkeops::ErrorKind kind) { return rkeops::name_of(kind); }
template <class T, std::enable_if_t<std::is_integral<T>::value, int> = 0>
std::string show(T x) { return std::to_string(x); }
template <class T>
std::string show(const std::vector<T>& list) {
  std::string text = "(";
  for (const T& x : list) text += (text.size() > 1 ? ", " : "") + show(x);
  return text + ")";
}

// Equal as values: NaN equals NaN, and the sign of zero does not count.
inline bool equal(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
inline bool equal(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return equal(x, y); });
}
inline bool equal(const std::string& a, const std::string& b) { return a == b; }
template <class A, class B>
bool equal(const A& a, const B& b) { return a == b; }

inline bool near(double got, double expected, double tolerance) {
  return equal(got, expected) || std::fabs(got - expected) <= tolerance;
}

struct Expected {  // of an error
  rkeops::ErrorKind kind;
  std::string part;            // of its message
  std::int64_t position = -2;  // -2: any
};

// Runs `body`; "" if it throws the error expected, else what is wrong.
inline std::string throws(const std::function<void()>& body, const Expected& expected) {
  try {
    body();
  } catch (const rkeops::Error& error) {
    const std::string got = show(error.kind) + " error at " + show(error.position) + ": " + error.what();
    if (error.kind != expected.kind) return "expected a " + show(expected.kind) + " error, got a " + got;
    if (std::string(error.what()).find(expected.part) == std::string::npos) return "no '" + expected.part + "' in the " + got;
    if (expected.position != -2 && error.position != expected.position) {
      return "expected position " + show(expected.position) + ", got a " + got;
    }
    return "";
  } catch (const std::exception& error) {
    return std::string("a foreign exception: ") + error.what();
  }
  return "nothing thrown, a " + show(expected.kind) + " error was expected";
}

#define CHECK(condition) check::count(bool(condition), __FILE__, __LINE__, #condition)
#define CHECK_THAT(condition, what) check::count(bool(condition), __FILE__, __LINE__, what)
#define CHECK_EQUAL(got, expected)                                                                              \
  [&](const auto& got_, const auto& expected_) {                                                                \
    const bool ok = check::equal(got_, expected_);                                                              \
    check::count(ok, __FILE__, __LINE__,                                                                        \
                 ok ? "" : #got " is " + check::show(got_) + ", not " + check::show(expected_));                \
  }(got, expected)
#define CHECK_NEAR(got, expected, tolerance)                                                                    \
  [&](double got_, double expected_, double tolerance_) {                                                       \
    check::count(check::near(got_, expected_, tolerance_), __FILE__, __LINE__,                                  \
                 #got " is " + check::show(got_) + ", not near " + check::show(expected_));                     \
  }(got, expected, tolerance)
// CHECK_THROWS({statements}, {kind, "part of the message"[, position]})
#define CHECK_THROWS(body, ...)                                                                                 \
  [&] {                                                                                                         \
    const std::string wrong_ = check::throws([&]() body, check::Expected __VA_ARGS__);                          \
    check::count(wrong_.empty(), __FILE__, __LINE__, #body ": " + wrong_);                                      \
  }()

// ---- a private directory, gone at the end of the process that made it

class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rkeops-test-XXXXXX").string();
    if (!mkdtemp(&pattern[0])) std::abort();
    path_ = pattern;
  }
  ~Directory() {
    if (owner_ != getpid()) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  const std::string& path() const { return path_; }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
  pid_t owner_ = getpid();
};

inline std::string compiler() {
  const char* cc = std::getenv("CC");
  return cc && *cc ? cc : "gcc";
}

inline rkeops::RunOptions run_options(rkeops::Precision precision = rkeops::Precision::float64) {
  static const Directory own;
  const char* shared = std::getenv("RKEOPS_TEST_CACHE");  // tools/test.sh: kernels that several programs need
  rkeops::RunOptions options;
  options.precision = precision;
  options.jit.cache_dir = shared && *shared ? shared : own.path();
  options.jit.compiler = {compiler()};
  return options;
}

// ---- matrices and formulas

struct Matrix {  // column-major
  std::int64_t rows = 0, cols = 0;
  std::vector<double> values;

  double& at(std::int64_t row, std::int64_t col) { return values[static_cast<std::size_t>(row + col * rows)]; }
  double at(std::int64_t row, std::int64_t col) const { return values[static_cast<std::size_t>(row + col * rows)]; }
  rkeops::Input input() const { return {rkeops::Input::Type::real64, values.data(), rows, cols, false}; }
};

inline Matrix column(std::vector<double> values) { return {static_cast<std::int64_t>(values.size()), 1, std::move(values)}; }

inline Matrix random_matrix(std::int64_t rows, std::int64_t cols, std::mt19937_64& random, double low = -1, double high = 1) {
  std::uniform_real_distribution<double> number(low, high);
  Matrix m{rows, cols, std::vector<double>(static_cast<std::size_t>(rows * cols))};
  for (double& x : m.values) x = number(random);
  return m;
}

// Declarations: {"x=Vi(3)", "y=Vj(3)"}.
inline std::vector<rkeops::Argument> arguments(const std::vector<std::string>& declarations) {
  std::vector<rkeops::Argument> list;
  for (const std::string& text : declarations) {
    list.push_back(rkeops::parse_declaration(text, static_cast<std::int64_t>(list.size())));
  }
  return list;
}

inline std::vector<rkeops::Input> inputs(const std::vector<Matrix>& data) {
  std::vector<rkeops::Input> list;
  for (const Matrix& m : data) list.push_back(m.input());
  return list;
}

inline std::vector<Matrix> run(const rkeops::Program& program, const std::vector<rkeops::Input>& in,
                               const rkeops::RunOptions& options = run_options(), const rkeops::Host& host = {}) {
  std::vector<Matrix> parts;
  std::vector<double*> memory;
  for (const rkeops::OutputPart& part : program.parts()) {
    const double unwritten = -7.125e33;
    const std::int64_t rows = program.bind(in, parts.size());
    parts.push_back({rows, part.columns, std::vector<double>(static_cast<std::size_t>(rows * part.columns), unwritten)});
  }
  for (Matrix& part : parts) memory.push_back(part.values.data());
  program.run(in, memory, options, host);
  return parts;
}

inline std::vector<Matrix> run(const std::string& formula, const std::vector<std::string>& declarations,
                               const std::vector<Matrix>& data, const rkeops::RunOptions& options = run_options()) {
  return run(*rkeops::Program::create(formula, arguments(declarations)), inputs(data), options);
}

inline bool same_bits(const std::vector<Matrix>& a, const std::vector<Matrix>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t p = 0; p < a.size(); ++p) {
    if (a[p].values.size() != b[p].values.size()) return false;
    if (std::memcmp(a[p].values.data(), b[p].values.data(), a[p].values.size() * sizeof(double)) != 0) return false;
  }
  return true;
}

}  // namespace check

#if !defined(CHECK_WITHOUT_MAIN)
int main(int count, char** words) { return check::run_tests(count, words); }
#endif
