// Fields of LazyTensors, and several of them in one expression.
#include "expression.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "identifier.h"

using bridge::unwind_protect;

namespace expression {
namespace {

bool same_number(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same_data(SEXP a, SEXP b) {
  if (a == b) return true;
  const auto plain = [](SEXP x) { return TYPEOF(x) == REALSXP && Rf_xlength(x) == 1; };
  if (plain(a) && plain(b)) return same_number(REAL(a)[0], REAL(b)[0]);
  SEXP same = unwind_protect([=] { return Rf_ScalarLogical(R_compute_identical(a, b, 16)); });
  return LOGICAL(same)[0] == TRUE;
}

[[noreturn]] void refuse_rows(const char* index, double one, double two) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "%.0f and %.0f", one, two);
  throw rkeops::Error(rkeops::ErrorKind::dimension,
                      std::string("operands have different numbers of rows ") + index + ": " + numbers,
                      std::string("All matrices with index ") + index +
                          " in one expression need the same number of rows.");
}

double common_rows(double one, double two, const char* index) {
  if (std::isnan(two)) return one;
  if (!std::isnan(one) && one != two) refuse_rows(index, one, two);
  return two;
}

}  // namespace

// Names of fields, which are the same objects wherever R has them.
SEXP field_name(Field which) {
  static const std::vector<SEXP> names = [] {
    std::vector<SEXP> all;
    for (const char* name : {"formula", "args", "data", "labels", "dimres", "ni", "nj", "logical", "tokens", "components",
                             "definitions", "mask", "blocks"})
      all.push_back(PRINTNAME(Rf_install(name)));
    return all;
  }();
  return names[static_cast<std::size_t>(which)];
}

// The class is read where it says all; of other objects, and of those with the S4 bit, Rf_inherits() knows more, in more time.
Kind kind_of(SEXP x) {
  if (TYPEOF(x) != VECSXP || !Rf_isObject(x)) return Kind::none;
  static SEXP of_real = PRINTNAME(Rf_install("LazyTensor")), of_complex = PRINTNAME(Rf_install("ComplexLazyTensor"));
  SEXP names = Rf_getAttrib(x, R_ClassSymbol);
  if (Rf_xlength(names) > 0 && STRING_ELT(names, 0) == of_real) return Kind::real;
  if (Rf_xlength(names) > 0 && STRING_ELT(names, 0) == of_complex) return Kind::complex;
  if (!Rf_inherits(x, "LazyTensor")) return Kind::none;
  return Rf_inherits(x, "ComplexLazyTensor") ? Kind::complex : Kind::real;
}

// ---- several operands in one

// The 1-based place of the same variable, 0 if there is none, minus the place where the identifier is known with other
// data: somebody has exchanged data inside of a LazyTensor.
int Merged::place_of(SEXP declaration, SEXP data) const {
  const Text own(declaration);
  const bool named = CHAR(declaration)[0] == 'A';  // and not a plain number
  const std::string_view text = CHAR(declaration);
  int same = 0, place = 0;
  for (const Variable& known : variables_) {
    ++place;
    if (known.declaration == own) {
      const bool equal = known.data ? same_data(data, known.data) : same_number(Rf_asReal(data), known.number);
      return equal ? place : -place;
    }
    if (!named || same != 0 || known.data != data) continue;
    if (names::value_of(known.declaration.view()) == names::value_of(text)) same = place;
  }
  return same;
}

void Merged::add_variables(const Fields& x, names::Renaming& renaming) {
  SEXP args = x[Field::args], data = x[Field::data], labels = x[Field::labels], tokens = x[Field::tokens];
  const bool first = variables_.empty();  // whose variables are different ones
  variables_.reserve(variables_.size() + static_cast<std::size_t>(Rf_xlength(args)) + 2);
  for (R_xlen_t k = 0; k < Rf_xlength(args); ++k) {
    SEXP declaration = STRING_ELT(args, k), value = VECTOR_ELT(data, k);
    const int place = first ? 0 : place_of(declaration, value);
    const std::string_view text = CHAR(declaration), own = names::name_of(text);
    Variable variable{Text(declaration), value, 0, STRING_ELT(labels, k), VECTOR_ELT(tokens, k)};
    if (place > 0) {
      const std::string_view known = names::name_of(variables_[static_cast<std::size_t>(place - 1)].declaration.view());
      if (own != known) renaming.add(own, known);
      continue;
    }
    if (place < 0) {
      const bool i = text.find("=Vi(") != text.npos, j = text.find("=Vj(") != text.npos;
      const std::string id = identifier::fresh(i ? "i" : j ? "j" : "NA");
      new_tokens_.emplace_back(bridge::value_of_call("new_token"));
      renaming.add(own, id);
      variable.declaration = Text(id + "=" + std::string(names::value_of(text)));
      variable.token = new_tokens_.back();
    }
    add_variable(std::move(variable));
  }
}

void Merged::add_definition(Text text) {
  for (const Text& known : definitions_) {
    if (known == text) return;
    if (names::name_of(known.view()) == names::name_of(text.view()))
      throw rkeops::Error(rkeops::ErrorKind::internal, "two definitions have the same name");
  }
  definitions_.push_back(std::move(text));
}

void Merged::add(SEXP lazytensor) {
  const Fields x(lazytensor);
  SEXP definitions = x[Field::definitions], masks = x[Field::mask];
  ni = common_rows(ni, Rf_asReal(x[Field::ni]), "i");
  nj = common_rows(nj, Rf_asReal(x[Field::nj]), "j");
  const bool first = formulas.empty();
  names::Renaming renaming;
  add_variables(x, renaming);
  for (R_xlen_t k = 0; k < Rf_xlength(definitions); ++k) {
    SEXP text = STRING_ELT(definitions, k);
    if (first) definitions_.emplace_back(text);
    else add_definition(renaming.empty() ? Text(text) : Text(renaming.definition(CHAR(text))));
  }
  for (R_xlen_t k = 0; k < Rf_xlength(masks); ++k) {
    SEXP text = STRING_ELT(masks, k);
    Text own = renaming.empty() ? Text(text) : Text(renaming.formula(CHAR(text)));
    if (std::find(masks_.begin(), masks_.end(), own) == masks_.end()) masks_.push_back(std::move(own));
  }
  SEXP blocks = x[Field::blocks];
  for (R_xlen_t k = 0; k < Rf_xlength(blocks); ++k) {
    SEXP own = VECTOR_ELT(blocks, k);
    if (std::none_of(blocks_.begin(), blocks_.end(), [=](SEXP known) { return same_data(known, own); })) blocks_.push_back(own);
  }
  const char* formula = CHAR(STRING_ELT(x[Field::formula], 0));
  formulas.push_back(renaming.empty() ? formula : renaming.formula(formula));
  if (!first) return;
  first_ = x;
  first_variables_ = variables_.size();
  first_definitions_ = definitions_.size();
  first_masks_ = masks_.size();
  first_blocks_ = blocks_.size();
}

void Merged::add_number(double value, const std::string& identifier) {
  formulas.push_back(identifier);
  const Text declaration(identifier + "=Pm(1)");
  for (const Variable& known : variables_)
    if (known.declaration == declaration) return;
  add_variable({declaration, nullptr, value, R_BlankString, R_NilValue});
}

void Merged::share(bool twice) {
  for (std::size_t k = 0; k < formulas.size(); ++k) {
    const std::string formula = formulas[k];
    if (names::is_short(formula)) continue;
    const bool again = twice && std::count(formulas.begin(), formulas.end(), formula) > 1;
    if (!again && formula.size() <= names::longest_in_place) continue;
    const std::string definition = names::define(formula);
    add_definition(Text(definition));
    std::replace(formulas.begin(), formulas.end(), formula, std::string(names::name_of(definition)));
  }
}

template <class Set>
SEXP Merged::of_variables(Field which, SEXPTYPE type, Set&& set) const {
  if (first_variables_ > 0 && variables_.size() == first_variables_) return first_[which];
  SEXP result = PROTECT(Rf_allocVector(type, static_cast<R_xlen_t>(variables_.size())));
  for (std::size_t k = 0; k < variables_.size(); ++k) set(result, static_cast<R_xlen_t>(k), variables_[k]);
  UNPROTECT(1);
  return result;
}

SEXP Merged::args() const {
  return of_variables(Field::args, STRSXP,
                      [](SEXP to, R_xlen_t k, const Variable& v) { SET_STRING_ELT(to, k, v.declaration.string()); });
}

SEXP Merged::data() const {
  return of_variables(Field::data, VECSXP, [](SEXP to, R_xlen_t k, const Variable& v) {
    SET_VECTOR_ELT(to, k, v.data ? v.data : Rf_ScalarReal(v.number));
  });
}

SEXP Merged::labels() const {
  return of_variables(Field::labels, STRSXP,
                      [](SEXP to, R_xlen_t k, const Variable& v) { SET_STRING_ELT(to, k, v.label); });
}

SEXP Merged::tokens() const {
  return of_variables(Field::tokens, VECSXP, [](SEXP to, R_xlen_t k, const Variable& v) {
    SET_VECTOR_ELT(to, k, v.here ? R_NewEnv(v.here, FALSE, 0) : v.token);
  });
}

SEXP Merged::blocks() const {
  if (blocks_.empty()) return R_NilValue;
  if (blocks_.size() == first_blocks_) return first_[Field::blocks];
  SEXP result = PROTECT(Rf_allocVector(VECSXP, static_cast<R_xlen_t>(blocks_.size())));
  for (std::size_t k = 0; k < blocks_.size(); ++k) SET_VECTOR_ELT(result, static_cast<R_xlen_t>(k), blocks_[k]);
  UNPROTECT(1);
  return result;
}

SEXP Merged::texts(const std::vector<Text>& all, std::size_t known, Field which) const {
  if (all.empty()) return R_NilValue;
  if (all.size() == known) return first_[which];
  SEXP result = PROTECT(Rf_allocVector(STRSXP, static_cast<R_xlen_t>(all.size())));
  for (std::size_t k = 0; k < all.size(); ++k) SET_STRING_ELT(result, static_cast<R_xlen_t>(k), all[k].string());
  UNPROTECT(1);
  return result;
}

}  // namespace expression
