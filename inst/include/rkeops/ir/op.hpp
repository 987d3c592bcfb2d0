// The operations by name: one constant for each row of the operation table, in the table's order.
#pragma once

#include <cstdint>

namespace rkeops {

enum class Op : std::uint8_t {
#define OPERATION(name, ...) name,
#include "operations_all.def"
#undef OPERATION
};

}  // namespace rkeops
