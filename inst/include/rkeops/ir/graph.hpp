// The graph owns nodes, makes equal ones identical, and is where every expression is built.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "../base/hash.hpp"
#include "../base/stack.hpp"
#include "../base/text.hpp"
#include "operation.hpp"

namespace rkeops {

const Operation& operation(Op op);                       // its row of the table
const Operation* find_operation(std::string_view name);  // by its name in formulas; null if there is none
Facts facts_of(const Node& node);

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  Expr variable(std::int64_t position, std::int64_t dim, Category category);
  Expr constant(double value, std::int64_t dim = 1);
  // A variable that no formula has yet, to differentiate by and then drop: its position is negative.
  Expr fresh_variable(std::int64_t dim, Category category) { return variable(--last_fresh_, dim, category); }

  // `op` applied to args: checked by the table's rules, simplified. The way to build anything.
  Expr apply(Op op, const Exprs& args, const Integers& params = {});

  // The node itself, without checks or simplification. Only for `build` functions of the table and simplify.hpp.
  Expr intern(Op op, const Exprs& args, Integers params, std::int64_t dim, Indices indices, double value = 0);
  Expr intern(Op op, const Exprs& args, Integers params, std::int64_t dim);
  // The same node with other arguments.
  Expr with_args(Expr n, const Exprs& args) { return intern(n.op(), args, n->params, n->dim, n->indices, n->value); }

  // Asked now and then as nodes are made; true ends the work with an error of kind interrupt. May be empty.
  std::function<bool()> interrupted;

  // Off for tests that compare simplified with plain formulas.
  bool simplifies = true;

 private:
  static std::uint64_t hash(const Node& node);
  static bool same(const Node& a, const Node& b);
  static std::int64_t rank_of(const Node& node);

  std::int64_t last_fresh_ = 0;
  std::uint32_t until_question_ = question_every;
  static constexpr std::uint32_t question_every = 4096;
  std::deque<Node> nodes_;
  std::unordered_multimap<std::uint64_t, const Node*> index_;
};

[[noreturn]] inline void dimension_error(const std::string& message, std::string hint = {}) {
  throw Error(ErrorKind::dimension, message, std::move(hint));
}

[[noreturn]] inline void argument_error(const std::string& message, std::string hint = {}) {
  throw Error(ErrorKind::argument, message, std::move(hint));
}

inline std::uint64_t Graph::hash(const Node& node) {
  std::uint64_t bits;
  std::memcpy(&bits, &node.value, sizeof bits);
  std::uint64_t h = combine(static_cast<std::uint64_t>(node.operation->op), bits);
  h = combine(h, static_cast<std::uint64_t>(node.dim));
  for (const Node* arg : node.args) h = combine(h, arg->id);
  for (std::int64_t p : node.params) h = combine(h, static_cast<std::uint64_t>(p));
  return h;
}

inline bool Graph::same(const Node& a, const Node& b) {
  return a.operation == b.operation && a.dim == b.dim && a.args == b.args && a.params == b.params &&
         std::memcmp(&a.value, &b.value, sizeof a.value) == 0;
}

// Operations that write out a formula for each component or step.
inline void require_few(const char* name, const char* what, std::int64_t count) {
  constexpr std::int64_t most = 2000;
  if (count > most) {
    dimension_error(std::string(name) + ": " + str(count) + " " + what + ", at most " + str(most) + " are possible");
  }
}

// A fresh variable is younger than all that was there before it.
constexpr std::int64_t first_fresh_rank = std::int64_t{1} << 32;

inline std::int64_t Graph::rank_of(const Node& node) {
  if (node.operation->op == Op::Var) return node.params[0] < 0 ? -node.params[0] * first_fresh_rank : 0;
  std::int64_t rank = 0;
  for (const Node* arg : node.args) rank = std::max(rank, arg->rank + 1);
  return rank;
}

inline Expr Graph::intern(Op op, const Exprs& args, Integers params, std::int64_t dim, Indices indices, double value) {
  if (--until_question_ == 0) {
    until_question_ = question_every;
    if (interrupted && interrupted()) throw Error(ErrorKind::interrupt, "interrupted");
  }
  const Operation& row = operation(op);
  constexpr std::int64_t largest_dim = 1 << 30;
  if (dim > largest_dim) {
    const std::string name = *row.signature ? std::string(row.name) + ": " : "";  // (or an internal one)
    dimension_error(name + "dimension " + str(dim) + " is too large");
  }
  Node node{this,
            &row,
            {},
            std::move(params),
            value,
            dim,
            indices,
            row.structure == Structure::reduction,
            0,
            static_cast<std::uint32_t>(nodes_.size()),
            0};
  for (Expr arg : args) {
    node.args.push_back(arg.node());
    node.has_reduction |= arg->has_reduction;
  }
  node.facts = facts_of(node);
  node.rank = rank_of(node);
  const std::uint64_t h = hash(node);
  const auto range = index_.equal_range(h);
  for (auto it = range.first; it != range.second; ++it) {
    if (same(*it->second, node)) return it->second;
  }
  nodes_.push_back(std::move(node));
  index_.emplace(h, &nodes_.back());
  return &nodes_.back();
}

inline Expr Graph::intern(Op op, const Exprs& args, Integers params, std::int64_t dim) {
  Indices indices = 0;
  for (Expr arg : args) indices |= arg->indices;
  return intern(op, args, std::move(params), dim, indices);
}

// ---- algebra for derivative rules and composed operations

template <class... Args>
Expr call(Op op, Expr first, Args... rest) {
  return first.graph().apply(op, {first, rest...});
}

inline Expr operator+(Expr a, Expr b) { return call(Op::Add, a, b); }
inline Expr operator-(Expr a, Expr b) { return call(Op::Subtract, a, b); }
inline Expr operator*(Expr a, Expr b) { return call(Op::Mult, a, b); }
inline Expr operator/(Expr a, Expr b) { return call(Op::Divide, a, b); }
inline Expr operator-(Expr a) { return call(Op::Minus, a); }
inline Expr operator*(double c, Expr a) { return a.graph().constant(c) * a; }
inline Expr operator+(double c, Expr a) { return a.graph().constant(c) + a; }
inline Expr operator-(double c, Expr a) { return a.graph().constant(c) - a; }
inline Expr operator-(Expr a, double c) { return a - a.graph().constant(c); }

inline Expr square(Expr a) { return call(Op::Square, a); }
inline Expr sum(Expr a) { return call(Op::Sum, a); }
inline Expr dot(Expr a, Expr b) { return sum(a * b); }
inline Expr repeat(Expr a, std::int64_t dim) { return a.graph().apply(Op::SumT, {a}, {dim}); }
inline Expr extract(Expr a, std::int64_t start, std::int64_t dim) {
  return a.graph().apply(Op::Extract, {a}, {start, dim});
}
inline Expr extract_transpose(Expr a, std::int64_t start, std::int64_t dim) {
  return a.graph().apply(Op::ExtractT, {a}, {start, dim});
}

// The adjoint rule of operations whose derivative is zero everywhere it exists.
inline Exprs zero_adjoint(Expr node, Expr) { return Exprs(node->args.size()); }

inline Op Expr::op() const { return node_->operation->op; }
inline bool is(Expr a, Op op) { return a->operation->op == op; }
inline bool is_constant(Expr a) { return is(a, Op::Constant); }
inline bool is_constant(Expr a, double value) { return is_constant(a) && a->value == value; }
inline bool is_variable(Expr a) { return is(a, Op::Var); }

// The order of nodes, wherever there has to be one: arguments come before their users, and which of two nodes comes first
// depends on what they are, never on when they were made. (That would depend on the compiler, which chooses the order in
// which it evaluates operands.)
inline bool precedes(Expr a, Expr b) {
  while (a != b) {
    if (a->rank != b->rank) return a->rank < b->rank;
    if (a.op() != b.op()) return a.op() < b.op();
    if (a->dim != b->dim) return a->dim < b->dim;
    if (a->params != b->params) return a->params < b->params;
    if (const int difference = std::memcmp(&a->value, &b->value, sizeof a->value)) return difference < 0;
    const auto [in_a, in_b] = std::mismatch(a->args.begin(), a->args.end(), b->args.begin(), b->args.end());
    if (in_a == a->args.end() || in_b == b->args.end()) return a->args.size() < b->args.size();
    a = *in_a, b = *in_b;
  }
  return false;
}

struct InOrder {
  bool operator()(Expr a, Expr b) const { return precedes(a, b); }
};

// All nodes below the roots, these included: arguments from left to right, then the node. Does not go below nodes that
// `enters` says no to.
template <class Enters>
Exprs post_order(const Exprs& roots, Enters enters) {
  struct Visit {
    const Node* node;
    std::size_t next;  // argument
  };
  std::unordered_set<const Node*> seen;
  std::vector<Visit> path;
  Exprs found;
  const auto visit = [&](Expr n) {
    if (seen.insert(n.node()).second) path.push_back({n.node(), enters(n) ? 0 : n->args.size()});
  };
  for (Expr root : roots) {
    visit(root);
    while (!path.empty()) {
      Visit& last = path.back();
      if (last.next < last.node->args.size()) {
        visit(last.node->args[last.next++]);
      } else {
        found.push_back(last.node);
        path.pop_back();
      }
    }
  }
  return found;
}

// Of a variable node: params are {position, category}.
inline std::int64_t position_of(Expr variable) { return variable->params[0]; }
inline Category category_of(Expr variable) { return static_cast<Category>(variable->params[1]); }

// Of a value that has at most one index.
inline Category category_of_value(Expr f) {
  return f->indices == index_i ? Category::i : f->indices == index_j ? Category::j : Category::parameter;
}

}  // namespace rkeops
