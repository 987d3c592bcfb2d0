// The engine writes the same kernels whatever compiler it was made with, and whatever a graph has had before: nothing may depend
// on the order in which a compiler evaluates operands. Where another compiler is there, it makes this program too, which then
// prints a line for each kernel (--kernels) to compare with; --texts prints the kernels.
#include <map>
#include <sstream>

#include "engine_parts.hpp"
#include "gpu_cases.hpp"
#include "golden.hpp"

using namespace check;

namespace {

std::vector<Case> all_cases(const std::string& here) {
  std::vector<Case> all = cases();
  for (const Case& c : product_cases()) all.push_back(c);
  for (const Case& c : case_table(here + "/../testthat/case_table.txt")) all.push_back(c);
  for (const Json& c : golden_cases(here + "/../testthat/golden")) {
    Case row{golden_formula(c), {}};
    for (const Json& text : c["args"].list) row.declarations.push_back(text.text);
    all.push_back(row);
  }
  return all;
}

std::string source(const Case& c, Processor processor, Precision precision) {
  rkeops::RunOptions options;
  options.processor = processor;
  options.precision = precision;
  try {
    return rkeops::Program::create(c.formula, arguments(c.declarations))->source(options);
  } catch (const rkeops::Error& error) {
    return error.what();
  }
}

std::string listing(const std::vector<Case>& list, bool texts) {
  std::string out;
  const std::pair<Processor, Precision> targets[] = {{Processor::cpu, Precision::float32},
                                                     {Processor::cpu, Precision::float64},
                                                     {Processor::gpu, Precision::float32}};
  for (const Case& c : list) {
    for (const auto& [processor, precision] : targets) {
      const std::string text = source(c, processor, precision);
      out += texts ? "==== " + c.formula + "\n" + text + "\n" : rkeops::hash_name(text) + " " + c.formula + "\n";
    }
  }
  return out;
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = popen(command.c_str(), "r");
  char part[4096];
  while (pipe && std::fgets(part, sizeof part, pipe)) text += part;
  if (pipe) pclose(pipe);
  return text;
}

// Nodes of all stages in their order, each by its operation, its numbers, and which of the nodes its arguments are.
std::string graph_of(rkeops::Graph& graph, const Case& c) {
  rkeops::Arguments declared(arguments(c.declarations));
  rkeops::Parser parser(graph, c.formula, declared, rkeops::differentiation());
  std::map<const rkeops::Node*, std::size_t> places;
  std::ostringstream out;
  for (rkeops::Expr n : rkeops::nodes_below({rkeops::stages_of(parser.parse()).back()}, true)) {
    places.emplace(n.node(), places.size());
    out << n->operation->name << " " << n->dim << " " << show(n->value) << show(n->params);
    for (const rkeops::Node* arg : n->args) out << " " << places.at(arg);
    out << "\n";
  }
  return out.str();
}

// The graph of each formula is the same in a graph that has had the formulas after it, and parts of them, before.
void check_history(const std::vector<Case>& list) {
  for (std::size_t k = 0; k < list.size(); k += 3) {
    rkeops::Graph fresh, used;
    try {
      const std::string expected = graph_of(fresh, list[k]);
      for (std::size_t other = std::min(k + 6, list.size()); --other > k;) {
        if (list[other].declarations == list[k].declarations) graph_of(used, list[other]);
      }
      CHECK_THAT(graph_of(used, list[k]) == expected, list[k].formula + ": another graph after other formulas");
    } catch (const rkeops::Error&) {  // of formulas that are not accepted
    }
  }
}

#ifdef __clang__
const char* const other_compiler = "g++";
#else
const char* const other_compiler = "clang++";
#endif

TEST("order") {
  const std::string file = __FILE__, here = std::filesystem::absolute(file).parent_path().string();
  const std::vector<Case> list = all_cases(here);
  if (option("--kernels") || option("--texts")) {
    std::fputs(listing(list, option("--texts")).c_str(), stdout);
    return;
  }
  CHECK(list.size() > 600);
  check_history(list);
  const std::string compiler = output_of(std::string("command -v ") + other_compiler);
  if (compiler.empty()) {
    return skip(std::string("no ") + other_compiler);
  }
  const Directory directory;
  const std::string program = directory.path() + "/test_order";
  const std::string made = output_of(std::string(other_compiler) + " -std=c++17 -I" + here + " -I" + here +
                                     "/../../inst/include " + here + "/engine.cpp " + here + "/test_order.cpp -o " + program +
                                     " -ldl -pthread 2>&1");
  const std::string own = listing(list, false), others = output_of(program + " --kernels | grep -v passed");
  CHECK_THAT(!others.empty(), made);
  std::istringstream own_lines(own), other_lines(others);
  for (std::string a, b; std::getline(own_lines, a) && std::getline(other_lines, b);) {
    CHECK_THAT(a == b, a + ": another kernel with " + other_compiler);
  }
  CHECK(own == others);
}

}  // namespace
