// The program of a pair as text for readers. Values have the names that they have in kernels.
#pragma once

#include "../base/text.hpp"
#include "pair_program.hpp"

namespace rkeops {

class ProgramPrinter {
 public:
  explicit ProgramPrinter(const PairProgram& program) : program_(program) {}

  std::string text() {
    print_area("once", 0, "parameter");
    print_area("for each row", varies_row, "ROW");
    print_area("for each column", varies_column, "COLUMN");
    const std::vector<Value> body = PairProgram::section(program_.results);
    count_uses(body, program_.results);
    out_.line("for each pair:");
    for (Value v : body) print(v, "", uses_[v.get()]);
    out_.line(program_.reduction.name, "_Reduction of ", names_of(program_.results));
    return out_.string();
  }

 private:
  static std::string name(Value v) { return "t" + str(v->number); }

  static std::string names_of(const std::vector<Value>& values) {
    std::string text;
    for (Value v : values) text += (text.empty() ? "" : ", ") + name(v);
    return text;
  }

  void print_area(const char* title, Variance variance, const char* word) {
    const Area& area = program_.area(variance);
    if (area.leaves.empty() && area.hoisted.empty()) return;
    out_.line(title, ", ", area.width, " packed number", area.width == 1 ? "" : "s", ":");
    const auto place = [&](Value v) {
      const std::string first = str(v->offset), last = str(v->offset + v->dim - 1);
      return std::string(word) + "(" + first + (v->dim > 1 ? ".." + last : "") + ")";
    };
    for (const auto& [value, leaf] : area.leaves) line(value, source(leaf), place(value));
    const std::vector<Value> body = PairProgram::section(area.hoisted, variance);
    count_uses(body, area.hoisted);
    for (Value v : body) print(v, v->is_packed() ? place(v) : "", uses_[v.get()]);
  }

  void count_uses(const std::vector<Value>& body, const std::vector<Value>& roots) {
    uses_.clear();
    for (Value root : roots) ++uses_[root.get()];
    for (Value v : body) {
      for (Value arg : v->args) ++uses_[arg.get()];
    }
  }

  static std::string source(const Leaf& leaf) {
    static const char* parts[] = {"", ", high part", ", low part"};
    const std::string part = parts[static_cast<int>(leaf.part)];
    if (leaf.from == Leaf::From::input) return "input " + str(leaf.index + 1);
    if (leaf.from == Leaf::From::stage) return "result of an earlier reduction" + part;
    return "row number" + part;
  }

  void print(Value v, const std::string& place, int uses) {
    std::string text = std::string(v->operation->name) + "(" + names_of(v->args);
    for (std::int64_t p : v->params) text += (text.back() == '(' ? "" : ", ") + str(p);
    if (is(v, Op::Constant)) text += number_text(v->value);
    line(v, text + ")", place + (uses > 1 ? (place.empty() ? "" : ", ") + ("used " + str(uses) + " times") : ""));
  }

  void line(Value v, const std::string& text, const std::string& note) {
    std::string left = "  " + name(v) + (v->dim > 1 ? "[" + str(v->dim) + "]" : "") + " = " + text;
    constexpr std::size_t column = 48;
    if (!note.empty() && left.size() < column) left.resize(column, ' ');
    out_.line(left, note.empty() ? "" : "  ", note);
  }

  const PairProgram& program_;
  Text out_;
  std::unordered_map<const Instruction*, int> uses_;
};

inline std::string program_text(const PairProgram& program) { return ProgramPrinter(program).text(); }

}  // namespace rkeops
