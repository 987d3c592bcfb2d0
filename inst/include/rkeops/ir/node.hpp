// Nodes of the formula graph. A node is immutable and exists once per graph: equal formulas are equal pointers.
#pragma once

#include <cstdint>
#include <vector>

#include "../base/error.hpp"
#include "../base/types.hpp"
#include "op.hpp"

namespace rkeops {

class Graph;
struct Operation;

// Which indices a value depends on, as a set of bits.
using Indices = std::uint8_t;
constexpr Indices index_i = 1, index_j = 2;

constexpr Indices indices_of(Category category) {
  return category == Category::i ? index_i : category == Category::j ? index_j : Indices{0};
}

// What is known of all components of a value, as a set of bits; see facts.hpp.
using Facts = std::uint8_t;
constexpr Facts fact_nonnegative = 1,  // never below 0
    fact_positive = 2,                 // above 0 (but for underflow)
    fact_nonpositive = 8,              // never above 0
    fact_tame = 4;                     // finite where the data are, but for overflow of products and sums

struct Node {
  Graph* graph;
  const Operation* operation;
  std::vector<const Node*> args;
  std::vector<std::int64_t> params;  // integers that belong to the operation: positions, lengths, shapes
  double value;                      // of a constant
  std::int64_t dim;
  Indices indices;
  bool has_reduction;  // a reduction occurs in it
  Facts facts;
  std::uint32_t id;   // which one it is in its graph; says nothing about order
  std::int64_t rank;  // longest way down to a leaf: arguments have smaller ranks than their users
};

// A handle with arithmetic, so that derivative rules read as algebra. Empty handles stand for "structurally zero".
class Expr {
 public:
  Expr() = default;
  Expr(const Node* node) : node_(node) {}

  const Node* operator->() const { return node_; }
  const Node* node() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }
  friend bool operator==(Expr a, Expr b) { return a.node_ == b.node_; }
  friend bool operator!=(Expr a, Expr b) { return a.node_ != b.node_; }

  Op op() const;
  Graph& graph() const { return *node_->graph; }
  Expr arg(std::size_t k) const { return node_->args[k]; }

 private:
  const Node* node_ = nullptr;
};

}  // namespace rkeops
