// Formulas that go to the limits of the machine: deep ones on small stacks, long lists, text that is not ASCII. Each gives the
// right answer or an error that says what is wrong.
#include <pthread.h>

#include <chrono>

#include "check.hpp"

using namespace check;
using rkeops::ErrorKind;

namespace {

std::string times(const std::string& text, int count) {
  std::string all;
  all.reserve(text.size() * static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) all += text;
  return all;
}

const std::vector<std::string> declared{"x=Vi(3)", "y=Vj(3)", "s=Vi(1)", "t=Vj(1)"};

// "ok", or the kind of the error. The kernel is generated too.
std::string outcome(const std::string& formula) {
  try {
    const auto program = rkeops::Program::create("Sum_Reduction(" + formula + ",1)", arguments(declared));
    return program->source(run_options()).empty() ? "no source" : "ok";
  } catch (const rkeops::Error& error) {
    return name_of(error.kind);
  }
}

// On a thread with a stack of so many bytes.
std::string outcome_with(std::size_t stack, const std::string& formula) {
  struct Work {
    const std::string& formula;
    std::string outcome;
  } work{formula, "no thread"};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread;
  const auto body = [](void* data) -> void* {
    Work& own = *static_cast<Work*>(data);
    own.outcome = outcome(own.formula);
    return nullptr;
  };
  if (pthread_create(&thread, &attributes, body, &work) == 0) pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  return work.outcome;
}

TEST("deep formulas") {
  for (int depth : {10, 100, 300, 790, 1590, 5000, 100000}) {
    const std::vector<std::pair<const char*, std::string>> nested{
        {"parentheses", times("(", depth) + "x" + times(")", depth)},
        {"open parentheses", times("(", depth)},
        {"signs", times("-", depth) + "x"},
        {"powers", "s" + times("^s", depth)},
        {"calls", times("Exp(", depth) + "-s" + times(")", depth)},
        {"two by two", times("Sin(s*(", depth) + "t" + times("))", depth)},
        {"sums", times("(s+", depth) + "t" + times(")", depth)},
        {"minus", times("-(s+", depth) + "t" + times(")", depth)},
        {"concatenations", times("Concat(s,", depth) + "t" + times(")", depth)},
        {"gradients", times("Grad(", depth) + "s*t" + times(",s,t)", depth)},
        {"reductions", times("Sum_Reduction(s*t*", depth) + "s" + times(",1)", depth)},
        {"differentials", times("Diff((", depth)},
        {"lists", "TensorDot(x,y," + times("[", depth)}};
    for (const auto& [name, formula] : nested) {
      for (std::size_t stack : {std::size_t{256} << 10, std::size_t{1} << 20, std::size_t{8} << 20}) {
        if (depth > 1000 && (name == std::string("gradients") || name == std::string("reductions"))) continue;
        if (depth > 5000 && formula[0] != '(' && formula[0] != '-') continue;
        const std::string got = outcome_with(stack, formula);
        const bool fine = got == "ok" || got == "parse" || got == "unsupported" || got == "dimension" || got == "argument";
        CHECK_THAT(fine, std::string(name) + ", " + show(depth) + " deep, stack " + show(stack) + ": " + got);
        if (depth <= 10 && name == std::string("parentheses")) CHECK_EQUAL(got, "ok");
      }
    }
  }
  // what the usual stack is enough for: formulas of 5,000 operations, and their gradients
  const int deep_enough = 5000;
  const std::pair<std::string, const char*> inner[] = {
      {times("(", deep_enough) + "x" + times(")", deep_enough), ",x,y)"},
      {times("(", deep_enough) + "x" + times("+1)", deep_enough), ",x,y)"},
      {times("Exp(", deep_enough) + "-s*t" + times(")", deep_enough), ",s,t)"},
      {times("Sin(s*(", deep_enough) + "t" + times("))", deep_enough), ",s,t)"},
      {times("Square(t+", deep_enough) + "s" + times(")", deep_enough), ",s,t)"}};
  for (const auto& [formula, rest] : inner) {
    for (const std::string& text : {formula, "Grad(" + formula + rest}) {
      const std::string got = outcome_with(std::size_t{8} << 20, text);
      CHECK_THAT(got == "ok", text.substr(0, 20) + ", 5000 deep: " + got);
    }
  }
  std::string defined = "a0=s*t;";  // the same as definitions, of which each has two uses
  for (int k = 1; k <= deep_enough; ++k)
    defined += "a" + std::to_string(k) + "=Sin(a" + std::to_string(k - 1) + ")*a" + std::to_string(k - 1) + ";";
  const auto many = rkeops::Program::create(defined + "Grad(Sum_Reduction(a5000,1),s,s)", arguments(declared));
  CHECK(many->source(run_options()).size() > 100000);
  // long, not nested: the graph is deep all the same
  for (int length : {300, 6000}) {
    for (const char* term : {"+s", "-t", "*t", "/t", "|s", "*Exp(s)", "/Sin(t)+s"}) {
      for (const char* form : {"s$", "x$", "Sum(x$)", "-(x$)", "Square(-(x$))", "Grad(s$,s,t)", "Divergence(x$,x)"}) {
        if (length > 300 && (form[0] == 'G' || form[0] == 'D')) continue;
        std::string formula = form;
        formula.replace(formula.find('$'), 1, times(term, length));
        const std::string got = outcome_with(std::size_t{512} << 10, formula);
        CHECK_THAT(got == "ok" || got == "unsupported" || got == "dimension",
                   formula.substr(0, 30) + ", " + show(length) + " terms: " + got);
      }
    }
  }
  // right where there is room
  const Matrix s = column({0.5, 2}), t = column({1, 2, 3});
  const std::string deep = "Sum_Reduction(" + times("(s+", 700) + "t" + times(")", 700) + ",1)";
  const Matrix got = run(deep, {"s=Vi(1)", "t=Vj(1)"}, {s, t})[0];
  CHECK_NEAR(got.values[0], 700 * 0.5 * 3 + 6, 1e-9);
  CHECK_NEAR(got.values[1], 700 * 2 * 3 + 6, 1e-9);
}

// Few are kept in registers over the loop over columns. Many are read in it: compilers take minutes to keep thousands.
TEST("many numbers") {
  const std::pair<const char*, const char*> forms[] = {{"Inv(p$+s*t)", "(parameter)"}, {"t*Inv(p$+s)", "(row)"}};
  for (const auto& [form, pointer] : forms) {
    for (const int count : {20, 300}) {
      std::vector<std::string> declarations{"s=Vi(1)", "t=Vj(1)"};
      std::vector<Matrix> data{column({0.5, 2}), column({1, 3})};
      std::string formula;
      std::vector<double> expected(2);
      for (int k = 1; k <= count; ++k) {
        std::string term = form;
        formula += (formula.empty() ? "" : "+") + term.replace(term.find('$'), 1, std::to_string(k));
        declarations.push_back("p" + std::to_string(k) + "=Pm(1)");
        data.push_back(column({k + 0.5}));
        for (std::size_t i = 0; i < 2; ++i) {
          for (const double t : data[1].values) {
            const double s = data[0].values[i];
            expected[i] += form[0] == 'I' ? 1 / (k + 0.5 + s * t) : t / (k + 0.5 + s);
          }
        }
      }
      const auto program = rkeops::Program::create("Sum_Reduction(" + formula + ",1)", arguments(declarations));
      const bool in_the_loop = program->source(run_options()).find("\"+r\"" + std::string(pointer)) != std::string::npos;
      CHECK_THAT(in_the_loop == (count > 256), std::string(form) + ", " + show(count));
      const Matrix got = run(*program, inputs(data))[0];
      CHECK_NEAR(got.values[0], expected[0], 1e-9);
      CHECK_NEAR(got.values[1], expected[1], 1e-9);
    }
  }
}

TEST("other text") {
  const auto fails = [](const std::string& formula, const std::string& part, std::int64_t position) {
    const std::string wrong =
        check::throws([&] { rkeops::Program::create(formula, arguments(declared)); }, {ErrorKind::parse, part, position});
    CHECK_THAT(wrong.empty(), formula + ": " + wrong);
  };
  fails("Sum_Reduction(x+\xc3\xa9,1)", "unexpected character '\xc3\xa9'", 16);
  fails("Sum_Reduction(\xce\xb1*x,1)", "unexpected character '\xce\xb1'", 14);
  fails("Sum_Reduction(x \xe2\x88\x92 y,1)", "unexpected character '\xe2\x88\x92'", 16);
  fails("Sum_Reduction(x*\xf0\x9f\x98\x80,1)", "unexpected character '\xf0\x9f\x98\x80'", 16);
  fails("Sum_Reduction(x\xc2\xa0+y,1)", "unexpected character '\xc2\xa0'", 15);
  fails("\xef\xbb\xbfSum_Reduction(x,1)", "unexpected character", 0);
  fails("Sum_Reduction(x+\xe9,1)", "unexpected byte 0xe9", 16);        // latin1
  fails("Sum_Reduction(x+\xc3", "unexpected byte 0xc3", 16);           // cut
  fails("Sum_Reduction(x+\xc0\xaf,1)", "unexpected byte 0xc0", 16);    // overlong
  fails("Sum_Reduction(x+\xed\xa0\x80,1)", "unexpected byte 0xed", 16);  // a surrogate
  fails(std::string("Sum_Reduction(x\0,1)", 19), "unexpected byte 0x00", 15);
  fails("Sum_Reduction(x+\x01,1)", "unexpected byte 0x01", 16);
  fails("Sum_Reduction(x+$y,1)", "unexpected character '$'", 16);
  for (int c = 1; c < 256; ++c) {  // whatever a byte is, messages are text
    try {
      rkeops::Program::create(std::string("Sum_Reduction(x") + static_cast<char>(c) + "y,1)", arguments(declared));
    } catch (const rkeops::Error& error) {
      const std::string message = error.what();
      CHECK_EQUAL(rkeops::valid_utf8(message), message);
    }
  }
  CHECK_EQUAL(rkeops::valid_utf8("a\xc3\xa9\xe9z\xf0\x9f\x98"), "a\xc3\xa9?z???");
  CHECK_EQUAL(rkeops::characters_before("\xc3\xa9\xe9z", 3), 2);
}

TEST("long lists") {
  const auto seconds = [](const std::string& list, const std::string& wrong) {
    const auto start = std::chrono::steady_clock::now();
    const std::string formula = "TensorDot(x,y," + list + "," + list + ",[0],[0])";
    try {
      rkeops::Program::create("Sum_Reduction(" + formula + ",1)", arguments({"x=Vi(1)", "y=Vj(1)"}));
      CHECK(wrong.empty());
    } catch (const rkeops::Error& error) {
      CHECK_THAT(!wrong.empty() && std::string(error.what()).find(wrong) != std::string::npos, error.what());
      CHECK(std::string(error.what()).size() < 300);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  CHECK(seconds("[" + times("1,", 300000) + "1]", "") < 10);  // a hundred times that before
  CHECK(seconds("[" + times("1,", 300000) + "2]", "do not make up an operand") < 10);
  // the user may stop it
  int questions = 0;
  const std::string list = "[" + times("1,", 100000) + "1]";
  CHECK_THROWS(
      {
        rkeops::Program::create("Sum_Reduction(TensorDot(x,y," + list + "," + list + ",[0],[0]),1)",
                                arguments({"x=Vi(1)", "y=Vj(1)"}), [&] { return ++questions == 3; });
      },
      {ErrorKind::interrupt, "interrupted"});
  CHECK_EQUAL(questions, 3);
}

}  // namespace
