// The part of a kernel that belongs to the reduction: the state held while columns go by, the step, and the exchange
// with the state in memory. The classes are in reduce/, with their reducers.
#pragma once

#include "../plan/kernel_plan.hpp"
#include "components.hpp"

namespace rkeops {

class Fold {
 public:
  Fold(const KernelPlan& kernel, Workspace& work, const PairProgram& program, bool named)
      : kernel_(kernel), work_(work), program_(program), f_(program.results[0]), named_(named) {}
  virtual ~Fold() = default;

  // Columns between two calls of begin_block and end_block; 0: all.
  virtual std::int64_t block() const { return 0; }
  virtual void begin(Text& out) = 0;  // state from memory to variables
  virtual void begin_block(Text&) {}
  virtual void step(Components& c) = 0;  // one tile: rows x columns
  virtual void end_block(Text&) {}
  virtual void end(Text& out) = 0;  // variables to memory

 protected:
  // Components are read in loops over components, not just once.
  bool vector() const { return f_->dim > 1; }
  int rows() const { return kernel_.row_vectors; }
  // Columns that are summed in the kernel's own precision.
  std::int64_t sum_block() const {
    return kernel_.processor == Processor::gpu ? heuristics::gpu_sum_block : heuristics::sum_block;
  }

  // A family of V variables, one for each (component, row vector): named when few, else an array, of the window if there is one.
  std::string slot(const char* name, const std::string& k, int row) const {
    if (named_) return std::string(name) + "_" + k + "_r" + str(row);
    const char* from = kernel_.window > 0 ? " - window_from" : "";
    return std::string(name) + "[(" + k + from + ") * " + str(rows()) + " + " + str(row) + "]";
  }

  // Runs body(component) over the components of the reduced formula, those of the window if there is one.
  template <class Body>
  void for_components(Components& c, Body body) const {
    c.for_components(f_, body, kernel_.window > 0);
  }

  // Runs body(component text, row) over all slots; loops where they are an array.
  template <class Body>
  void for_slots(Text& out, std::int64_t count, Body body) const {
    if (named_) {
      for (std::int64_t k = 0; k < count; ++k) {
        for (int row = 0; row < rows(); ++row) body(str(k), row);
      }
      return;
    }
    if (kernel_.window > 0) {
      out.open("for (int64 k = window_from; k < window_to; ++k)");
    } else {
      out.open("for (int64 k = 0; k < ", count, "; ++k)");
    }
    for (int row = 0; row < rows(); ++row) body("k", row);
    out.close();
  }

  // Bars, where they are asked for. last(k, row): what has to be beaten, values and numbers. Rows that only fill up a
  // tile are copies of others.
  template <class Last>
  void write_bars(Text& out, Last last) const {
    if (!kernel_.resumes()) return;
    out.open("if (bars)");
    out.line("V worst;").line("I number;");
    for_slots(out, f_->dim, [&](const std::string& k, int row) {
      if (row == 0) out.line("worst = splat(-WORST), number = isplat(-1);");
      out.line("weaken(&worst, &number, ", last(k, row), ");");
      if (row + 1 == rows()) out.line("bars[", k, "] = bar_of(worst, number);");
    });
    out.close();
  }

  void declare(Text& out, const char* type, const char* name, std::int64_t count) const {
    if (!named_) {
      work_.array(name, (kernel_.window > 0 ? kernel_.window : count) * rows(), type);
      return;
    }
    for_slots(out, count, [&](const std::string& k, int row) { out.line(type, " ", slot(name, k, row), ";"); });
  }

  // Of a column of the step: counted from the first one of the call, or its own.
  std::string number(int column) const {
    const std::string place = "j + " + str(column);
    return kernel_.ordered ? "numbers[" + place + "]" : place;
  }

  // Place of lane 0 of a slot in the state in memory.
  std::string memory(const char* array, const std::string& k, int row) const {
    return std::string(array) + " + (" + k + ") * TILE + " + str(row) + " * LANES";
  }

  const KernelPlan& kernel_;
  Workspace& work_;
  const PairProgram& program_;
  const Value f_;
  const bool named_;
};

}  // namespace rkeops
