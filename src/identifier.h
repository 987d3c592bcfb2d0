// Identifiers of variables and plain numbers.
#pragma once

#include <string>

#include "bridge.h"

namespace identifier {

// A new one that ends in `suffix`.
std::string fresh(const char* suffix);

// That of a plain number: a hash of its value and its place, the operation, its operands as they were given, and the number
// of the operand. Written twice, the same expression has the same identifiers and is computed once; numbers that happen to
// be equal in different places stay two parameters, since otherwise the kernel would depend on values.
std::string of_number(double value, const char* operation, SEXP operands, int k);

}  // namespace identifier
