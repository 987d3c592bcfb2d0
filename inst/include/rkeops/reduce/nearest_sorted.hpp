// The K nearest where K is small: kept in order.
#pragma once

#include "extremum.hpp"

namespace rkeops {

// K best of each component, in ascending order, in arrays: rarely touched once the first columns have gone by.
class NearestFold : public Fold {
 public:
  using Fold::Fold;
  void begin(Text& out) override {
    work_.array("best", kernel_.value_slots * rows());
    work_.array("position", kernel_.value_slots * rows(), "I");
    if (kernel_.resumes()) out.line("if (!resumes)");
    out.open("for (int64 s = 0; s < ", kernel_.value_slots, "; ++s)");
    for (int row = 0; row < rows(); ++row) {
      const std::string place = "[s * " + str(rows()) + " + " + str(row) + "]";
      out.line("best", place, kernel_.ordered ? " = load_best(" : " = load_state(", memory("value", "s", row), ");");
      if (kernel_.ordered) out.line("position", place, " = load_positions(", memory("index", "s", row), ");");
      else out.line("position", place, " = isplat((integer)(-1 - s % ", kernel_.k, "));");
    }
    out.close();
  }
  void step(Components& c) override {
    c.prepare({f_}, vector());
    c.for_components(f_, [&](const Component& k) {
      const std::string first = "((" + k.text + ") * " + str(kernel_.k * rows()) + ")";
      for (int row = 0; row < c.rows(); ++row) {
        c.out().open("");
        std::string wins;
        c.out().line("const V last = best[", first, " + ", (kernel_.k - 1) * rows() + row, "];");
        for (int column = 0; column < c.columns(); ++column) {
          const std::string value = c.value(f_, k, {row, column}), f = "f" + str(column);
          c.out().line("const V ", f, " = ", value, ";");
          const std::string beats = kernel_.ordered ? f + " <= last" : "~(" + f + " >= last) & (" + f + " == " + f + ")";
          wins += (column ? " | " : "") + ("(" + beats + ")");
        }
        c.out().open("if (any(", wins, "))");
        for (int column = 0; column < c.columns(); ++column) {
          c.out().line("insert(best + ", first, " + ", row, ", position + ", first, " + ", row, ", f", column,
                       ", isplat((integer)(", number(column), ")));");
        }
        c.out().close();
        c.out().close();
      }
    });
  }
  void end(Text& out) override {
    if (kernel_.ordered) return ordered_end(out);
    out.open("for (int64 s = 0; s < ", kernel_.value_slots, "; s += ", kernel_.k, ")");
    for (int row = 0; row < rows(); ++row) {
      out.line("store_nearest(value + s * TILE + ", row, " * LANES, index + s * TILE + ", row, " * LANES, best + s * ",
               rows(), " + ", row, ", position + s * ", rows(), " + ", row, ", base);");
    }
    out.close();
  }

 private:
  void ordered_end(Text& out) const {
    const auto place = [&](const std::string& s, int row) {
      const std::string at = "[(" + s + ") * " + str(rows()) + " + " + str(row) + "]";
      return "best" + at + ", position" + at;
    };
    write_bars(out, [&](const std::string& k, int row) { return place("(" + k + ") * K + K - 1", row); });
    out.open("for (int64 s = 0; ", kernel_.resumes() ? "!bars && " : "", "s < ", kernel_.value_slots, "; ++s)");
    for (int row = 0; row < rows(); ++row) {
      out.line("store_best(", memory("value", "s", row), ", ", memory("index", "s", row), ", ", place("s", row), ");");
    }
    out.close();
  }
};

inline std::string sorted_text(const KernelPlan& kernel) {
  const std::vector<std::string> sizes{str(kernel.k), str(kernel.row_vectors)};
  if (kernel.ordered) {
    return ordered_text(kernel) + substitute(R"(
enum { K = $0, STRIDE = $1 };
/* f goes to its place, what is behind it moves on, and the last one drops out */
RARE void insert(V* best, I* position, V f, I j) {
  I wins = is_before(f, j, best[(K - 1) * STRIDE], position[(K - 1) * STRIDE]);
  for (int k = K - 1; any(wins); k--) {
    const V above = k > 0 ? best[(k - 1) * STRIDE] : f;
    const I above_position = k > 0 ? position[(k - 1) * STRIDE] : j;
    const I goes_on = is_before(f, j, above, above_position);
    best[k * STRIDE] = select(goes_on, above, select(wins, f, best[k * STRIDE]));
    position[k * STRIDE] = iselect(goes_on, above_position, iselect(wins, j, position[k * STRIDE]));
    wins = goes_on;
  }
}
)",
                                             sizes);
  }
  return substitute(R"(
enum { K = $0, STRIDE = $1 };
/* f goes behind all that are not worse; the last one drops out */
RARE void insert(V* best, I* position, V f, I j) {
  I wins = ~(f >= best[(K - 1) * STRIDE]) & (f == f);
  for (int k = K - 1; k > 0; k--) {
    V above = best[(k - 1) * STRIDE];
    I above_position = position[(k - 1) * STRIDE];
    I wins_above = ~(f >= above) & (f == f);
    best[k * STRIDE] = select(wins_above, above, select(wins, f, best[k * STRIDE]));
    position[k * STRIDE] = iselect(wins_above, above_position, iselect(wins, j, position[k * STRIDE]));
    wins = wins_above;
  }
  best[0] = select(wins, f, best[0]);
  position[0] = iselect(wins, j, position[0]);
}
/* a negative position is -1 - rank in the state that the fold began with */
RARE void store_nearest(double* value, long long* index, const V* best, const I* position, long long base) {
  FOR_LANES(l) {
    long long before[K];
    for (int k = 0; k < K; k++) before[k] = index[k * TILE + l];
    for (int k = 0; k < K; k++) {
      integer at = LANE(position[k * STRIDE], l);
      value[k * TILE + l] = LANE(best[k * STRIDE], l);
      index[k * TILE + l] = at < 0 ? before[-1 - at] : base + at;
    }
  }
}
)",
                    sizes);
}

// Slot component * K + rank has the value of that rank.
struct SortedStates {
  static void merge(const StateLayout& layout, const StateRows& into, const StateRows& next, std::int64_t row,
                    std::int64_t component) {
    const std::int64_t k = layout.k, first = component * k;
    const auto gets_in = [&](std::int64_t theirs, std::int64_t mine) {
      const double f = next.value(first + theirs, row), g = into.value(first + mine, row);
      return beats(f, g) || (f == g && next.index(first + theirs, row) < into.index(first + mine, row));
    };
    std::int64_t fit = 0;  // how many of next get in, then merge from the back
    while (fit < k && gets_in(fit, k - 1 - fit)) ++fit;
    for (std::int64_t to = k - 1, mine = to - fit, theirs = fit - 1; theirs >= 0; --to) {
      const bool take_mine = mine >= 0 && gets_in(theirs, mine);
      const StateRows& from = take_mine ? into : next;
      const std::int64_t slot = first + (take_mine ? mine-- : theirs--);
      into.value(first + to, row) = from.value(slot, row);
      into.index(first + to, row) = from.index(slot, row);
    }
  }
  static void finish(const StateLayout& layout, const StateRows& state, const ResultRows& out) {
    const Reduction& row = *layout.reduction;
    for (std::int64_t slot = 0; slot < layout.value_slots; ++slot) {  // component * K + rank: R's order
      for (std::int64_t r = 0; r < out.rows; ++r) {
        if (row.values) out.column(0, slot)[r] = state.value(slot, r);
        if (row.indices) out.column(row.values, slot)[r] = out.position(state.index(slot, r));
      }
    }
  }
};

}  // namespace rkeops
