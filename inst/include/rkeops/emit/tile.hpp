// Words of the emitter: components of vectors, members of a tile, scratch memory, and where loops over components must
// be cut.
#pragma once

#include <set>

#include "../base/text.hpp"
#include "../plan/pair_program.hpp"

namespace rkeops {

// A component: a known one, or the variable of a loop over [low, high). Places in factors of contractions and in strided
// vectors are just text: what they index is held somewhere.
struct Component {
  std::string text;
  std::int64_t low, high;
  std::vector<Component> of_part = {};  // of Interleave: the same place in the part that has it

  static Component at(std::int64_t k) { return {str(k), k, k + 1}; }
  bool known() const { return high == low + 1; }
  Component shifted(std::int64_t by) const {
    if (known()) return at(low + by);
    const std::string moved = by == 0  ? text
                              : by > 0 ? "(" + text + " + " + str(by) + ")"
                                       : "(" + text + " - " + str(-by) + ")";
    return {moved, low + by, high + by};
  }
  Component strided(std::int64_t start, std::int64_t step) const {
    if (known()) return at(start + step * low);
    return {"(" + str(start) + " + " + text + " * " + str(step) + ")", 0, 2};
  }
};

struct Member {  // of the tile
  int row, column;
};

// Scratch arrays of the generated function: in memory that the runtime hands over, or, on a GPU, each thread's own.
struct Workspace {
  Processor processor;
  std::int64_t vectors = 0;
  Text declarations = {};

  void array(const std::string& name, std::int64_t size, const char* type = "V") {
    if (processor == Processor::gpu) {
      declarations.line(type, " ", name, "[", size, "];");
    } else {
      declarations.line(type, "* ", name, " = (", type, "*)(work + ", vectors, ");");
    }
    vectors += size;
  }
};

// Place in one factor of a contraction of component k of the result, which runs over the kept axes in C order.
inline Component place_on(const std::vector<Axis>& kept, std::int64_t Axis::*stride, const Component& k) {
  if (k.known()) {
    std::int64_t rest = k.low, place = 0;
    for (std::size_t x = kept.size(); x-- > 0; rest /= kept[x].size) place += rest % kept[x].size * (kept[x].*stride);
    return Component::at(place);
  }
  std::string text = "0";
  std::int64_t inner = 1;
  for (std::size_t x = kept.size(); x-- > 0; inner *= kept[x].size) {
    if (kept[x].*stride == 0) continue;
    std::string digit = inner == 1 ? k.text : "(" + k.text + ") / " + str(inner);
    if (x > 0) digit = "(" + digit + ") % " + str(kept[x].size);
    text += " + (" + digit + ") * " + str(kept[x].*stride);
  }
  return {"(" + text + ")", 0, 2};
}

// Places in [low, high) of n, moved by `shift`, where a rearrangement below n changes its source.
template <class HasOwnPlace>
void add_cuts(Value n, std::int64_t low, std::int64_t high, std::int64_t shift, const HasOwnPlace& has_own_place,
              std::set<std::int64_t>& cuts) {
  if (n->dim == 1 || has_own_place(n)) return;
  const auto cut = [&](std::int64_t at) {
    if (at > low && at < high) cuts.insert(at + shift);
  };
  const auto part = [&](Value a, std::int64_t from) {  // components from, from + 1, ... of n are those of a
    cut(from);
    cut(from + a->dim);
    add_cuts(a, std::max<std::int64_t>(low - from, 0), std::min(high - from, a->dim), shift + from, has_own_place,
             cuts);
  };
  if (n->operation->structure == Structure::elementwise) {
    for (Value a : n->args) add_cuts(a, low, high, shift, has_own_place, cuts);
  } else if (is(n, Op::Extract)) {
    const std::int64_t from = n->params[0];
    add_cuts(n.arg(0), low + from, high + from, shift - from, has_own_place, cuts);
  } else if (is(n, Op::ExtractT)) {
    part(n.arg(0), n->params[0]);
  } else if (is(n, Op::Concat)) {
    part(n.arg(0), 0);
    part(n.arg(1), n.arg(0)->dim);
  }
}

}  // namespace rkeops
