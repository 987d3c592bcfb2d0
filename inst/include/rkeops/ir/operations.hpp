// The operation table as a whole.
#pragma once

#include <unordered_map>

#include "facts.hpp"
#include "operations_complex.hpp"
#include "operations_complex_functions.hpp"
#include "operations_elementwise.hpp"
#include "operations_matrix.hpp"
#include "operations_special.hpp"
#include "operations_vector.hpp"
#include "reduction.hpp"

namespace rkeops {

inline const std::vector<Operation>& operations() {
  static const std::vector<Operation> table = [] {
    std::vector<Operation> all;
    for (auto&& part : {elementwise_operations(), special_operations(), vector_operations(), complex_operations(),
                        complex_function_operations(), matrix_operations(), reduction_operations()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

inline const Operation* find_operation(std::string_view name) {
  static const std::unordered_map<std::string_view, const Operation*> index = [] {
    std::unordered_map<std::string_view, const Operation*> names;
    for (const Operation& row : operations()) names.emplace(row.name, &row);
    return names;
  }();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace rkeops
