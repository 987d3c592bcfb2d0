// The graph owns nodes, makes equal ones identical, and is where every expression is built.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "../base/hash.hpp"
#include "../base/stack.hpp"
#include "../base/text.hpp"
#include "operation.hpp"

namespace rkeops {

const Operation* find_operation(std::string_view name);  // null if there is none
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

  // `name` applied to args: checked by the table's rules, simplified. The way to build anything by name.
  Expr apply(const Operation& operation, const std::vector<Expr>& args, const std::vector<std::int64_t>& params = {});
  Expr apply(std::string_view name, const std::vector<Expr>& args, const std::vector<std::int64_t>& params = {}) {
    return apply(*find_operation(name), args, params);
  }

  // The node itself, without checks or simplification. Only for `build` functions of the table and simplify.hpp.
  Expr intern(const Operation& operation, const std::vector<Expr>& args, std::vector<std::int64_t> params,
              std::int64_t dim, Indices indices, double value = 0);
  Expr intern(const Operation& operation, const std::vector<Expr>& args, std::vector<std::int64_t> params,
              std::int64_t dim);

  // Asked now and then as nodes are made; true ends the work with an error of kind interrupt. May be empty.
  std::function<bool()> interrupted;

  // Off for tests that compare simplified with plain formulas.
  bool simplifies = true;

 private:
  static std::uint64_t hash(const Node& node);
  static bool same(const Node& a, const Node& b);

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
  std::uint64_t h = combine(reinterpret_cast<std::uintptr_t>(node.operation), bits);
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

inline Expr Graph::intern(const Operation& operation, const std::vector<Expr>& args, std::vector<std::int64_t> params,
                          std::int64_t dim, Indices indices, double value) {
  if (--until_question_ == 0) {
    until_question_ = question_every;
    if (interrupted && interrupted()) throw Error(ErrorKind::interrupt, "interrupted");
  }
  constexpr std::int64_t largest_dim = 1 << 30;
  if (dim > largest_dim) {
    const std::string name = *operation.signature ? std::string(operation.name) + ": " : "";  // (or an internal one)
    dimension_error(name + "dimension " + str(dim) + " is too large");
  }
  Node node{this,
            &operation,
            {},
            std::move(params),
            value,
            dim,
            indices,
            operation.structure == Structure::reduction,
            0,
            static_cast<std::uint32_t>(nodes_.size())};
  for (Expr arg : args) {
    node.args.push_back(arg.node());
    node.has_reduction |= arg->has_reduction;
  }
  node.facts = facts_of(node);
  const std::uint64_t h = hash(node);
  const auto range = index_.equal_range(h);
  for (auto it = range.first; it != range.second; ++it) {
    if (same(*it->second, node)) return it->second;
  }
  nodes_.push_back(std::move(node));
  index_.emplace(h, &nodes_.back());
  return &nodes_.back();
}

inline Expr Graph::intern(const Operation& operation, const std::vector<Expr>& args, std::vector<std::int64_t> params,
                          std::int64_t dim) {
  Indices indices = 0;
  for (Expr arg : args) indices |= arg->indices;
  return intern(operation, args, std::move(params), dim, indices);
}

// ---- algebra for derivative rules and composed operations

template <class... Args>
Expr call(std::string_view name, Expr first, Args... rest) {
  return first.graph().apply(name, {first, rest...});
}

inline Expr operator+(Expr a, Expr b) { return call("Add", a, b); }
inline Expr operator-(Expr a, Expr b) { return call("Subtract", a, b); }
inline Expr operator*(Expr a, Expr b) { return call("Mult", a, b); }
inline Expr operator/(Expr a, Expr b) { return call("Divide", a, b); }
inline Expr operator-(Expr a) { return call("Minus", a); }
inline Expr operator*(double c, Expr a) { return a.graph().constant(c) * a; }
inline Expr operator+(double c, Expr a) { return a.graph().constant(c) + a; }
inline Expr operator-(double c, Expr a) { return a.graph().constant(c) - a; }
inline Expr operator-(Expr a, double c) { return a - a.graph().constant(c); }

inline Expr square(Expr a) { return call("Square", a); }
inline Expr sum(Expr a) { return call("Sum", a); }
inline Expr dot(Expr a, Expr b) { return sum(a * b); }
inline Expr repeat(Expr a, std::int64_t dim) { return a.graph().apply("SumT", {a}, {dim}); }
inline Expr extract(Expr a, std::int64_t start, std::int64_t dim) {
  return a.graph().apply("Extract", {a}, {start, dim});
}
inline Expr extract_transpose(Expr a, std::int64_t start, std::int64_t dim) {
  return a.graph().apply("ExtractT", {a}, {start, dim});
}

// The adjoint rule of operations whose derivative is zero everywhere it exists.
inline std::vector<Expr> flat(Expr node, Expr) { return std::vector<Expr>(node->args.size()); }

inline bool is(Expr a, std::string_view name) { return name == a->operation->name; }
inline bool is_constant(Expr a) { return is(a, "Constant"); }
inline bool is_constant(Expr a, double value) { return is_constant(a) && a->value == value; }
inline bool is_variable(Expr a) { return is(a, "Var"); }

// Of a variable node: params are {position, category}.
inline std::int64_t position_of(Expr variable) { return variable->params[0]; }
inline Category category_of(Expr variable) { return static_cast<Category>(variable->params[1]); }

// Of a value that has at most one index.
inline Category category_of_value(Expr f) {
  return f->indices == index_i ? Category::i : f->indices == index_j ? Category::j : Category::parameter;
}

}  // namespace rkeops
