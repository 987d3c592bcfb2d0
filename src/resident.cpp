#include "resident.h"

#include <algorithm>
#include <unordered_map>

namespace bridge {
namespace {

// The data of each living token; several may have the same.
std::unordered_map<SEXP, const void*>& kept() {
  static auto* tokens = new std::unordered_map<SEXP, const void*>();
  return *tokens;
}

void collected(SEXP token) {
  try {
    const auto found = kept().find(token);
    if (found == kept().end()) return;
    const void* data = found->second;
    kept().erase(found);
    const bool other = std::any_of(kept().begin(), kept().end(), [=](const auto& entry) { return entry.second == data; });
    if (!other) rkeops::forget(data);
  } catch (...) {  // R calls this
  }
}

}  // namespace

// The weak reference holds the value until the token's finalizer has run, so that no other value gets its address before. (In a
// list: R would hold a copy of what is referenced elsewhere, and while it makes that it does not protect the finalizer.)
void keep(SEXP token, SEXP value, const void* data) {
  if (kept().count(token)) return;
  unwind_protect([=] {
    SEXP reference = R_MakeWeakRefC(token, PROTECT(Rf_list1(value)), collected, FALSE);
    UNPROTECT(1);
    return reference;
  });
  kept().emplace(token, data);
}

}  // namespace bridge
