// Operators of LazyTensors: each is one call.
#include <cmath>
#include <set>
#include <unordered_map>

#include "expression.h"
#include "identifier.h"

using bridge::catch_failure;
using bridge::catch_in_list;
using bridge::unwind_protect;
using namespace expression;

namespace {

SEXP keep_forever(SEXP value) {
  R_PreserveObject(value);
  MARK_NOT_MUTABLE(value);
  return value;
}

SEXP strings(const std::vector<SEXP>& all) {
  SEXP result = PROTECT(Rf_allocVector(STRSXP, static_cast<R_xlen_t>(all.size())));
  for (std::size_t k = 0; k < all.size(); ++k) SET_STRING_ELT(result, static_cast<R_xlen_t>(k), all[k]);
  UNPROTECT(1);
  return keep_forever(result);
}

// A LazyTensor without anything in it, to be copied. The last fields are there where they are needed.
SEXP blank(int size, bool complex) {
  static SEXP known[3][2] = {};
  SEXP& wanted = known[field_count - size][complex];
  if (wanted) return wanted;
  std::vector<SEXP> names, classes{PRINTNAME(Rf_install("LazyTensor"))};
  for (int k = 0; k < size; ++k) names.push_back(field_name(static_cast<Field>(k)));
  if (complex) classes.insert(classes.begin(), PRINTNAME(Rf_install("ComplexLazyTensor")));
  SEXP x = keep_forever(Rf_allocVector(VECSXP, size));
  Rf_setAttrib(x, R_NamesSymbol, strings(names));
  Rf_setAttrib(x, R_ClassSymbol, strings(classes));
#if R_VERSION < R_Version(4, 3, 0)
  x = keep_forever(Rf_asS4(x, TRUE, 0));  // see R/s4-before-4.3.R
#endif
  return wanted = x;
}

struct Result {
  std::string formula;
  double dim;  // of the real vectors that are in formulas
  bool logical, complex;
  SEXP components;
};

SEXP number(double value) {
  static SEXP none = keep_forever(Rf_ScalarReal(NA_REAL)), one = keep_forever(Rf_ScalarReal(1));
  return std::isnan(value) ? none : value == 1 ? one : Rf_ScalarReal(value);
}

// The object that stands for `value` already, or another one.
SEXP number(double value, SEXP known) { return Rf_asReal(known) == value ? known : number(value); }

SEXP new_lazytensor(const Merged& merged, const Result& result) {
  const Merged* of = &merged;
  const Result* with = &result;
  return unwind_protect([=] {
    const int size = field_count - (of->has_blocks() ? 0 : of->has_mask() ? 1 : 2);
    SEXP x = PROTECT(Rf_shallow_duplicate(blank(size, with->complex)));
    const auto set = [x](Field which, SEXP value) { SET_VECTOR_ELT(x, static_cast<int>(which), value); };
    SEXP formula = PROTECT(Rf_mkCharLenCE(with->formula.data(), static_cast<int>(with->formula.size()), CE_UTF8));
    set(Field::formula, Rf_ScalarString(formula));
    set(Field::args, of->args());
    set(Field::data, of->data());
    set(Field::labels, of->labels());
    set(Field::dimres, number(with->complex ? with->dim / 2 : with->dim));
    set(Field::ni, number(of->ni, of->first()[Field::ni]));
    set(Field::nj, number(of->nj, of->first()[Field::nj]));
    set(Field::logical, Rf_ScalarLogical(with->logical));
    set(Field::tokens, of->tokens());
    set(Field::components, with->components);
    set(Field::definitions, of->definitions());
    if (of->has_mask()) set(Field::mask, of->masks());
    if (of->has_blocks()) set(Field::blocks, of->blocks());
    UNPROTECT(2);
    return x;
  });
}

// ---- operations

// What the table says about an operation; about an unknown one, which operation_dim() refuses, nothing.
const rkeops::OperationInfo& facts_of(const std::string& operation) {
  static const std::unordered_map<std::string, rkeops::OperationInfo> table = [] {
    std::unordered_map<std::string, rkeops::OperationInfo> facts;
    for (const rkeops::OperationInfo& row : rkeops::operation_table()) facts.emplace(row.name, row);
    return facts;
  }();
  static const rkeops::OperationInfo none{"", "", "", false, false, false, -1};
  const auto found = table.find(operation);
  return found == table.end() ? none : found->second;
}

bool are_plain_numbers(SEXP x) {
  const int type = TYPEOF(x);
  return (type == REALSXP || type == INTSXP || type == LGLSXP) && !Rf_isObject(x);
}

bool is_plain_number(SEXP x) {
  return are_plain_numbers(x) && Rf_xlength(x) == 1 && Rf_isNull(Rf_getAttrib(x, R_DimSymbol));
}

bool holds_truth(SEXP x) {
  return TYPEOF(x) == VECSXP ? Rf_asLogical(field(x, Field::logical)) == TRUE : TYPEOF(x) == LGLSXP;
}

// Integer parameters of an operation, as numbers (lists as their length and elements) and as text of formulas.
struct Parameters {
  std::vector<std::int64_t> numbers;
  std::string text;

  explicit Parameters(std::int64_t one) : numbers{one}, text("," + std::to_string(one)) {}
  explicit Parameters(SEXP given) {
    for (R_xlen_t k = 0; k < Rf_xlength(given); ++k) {
      text += ",";
      if (TYPEOF(given) != VECSXP) {
        add(given, k);
        continue;
      }
      SEXP list = VECTOR_ELT(given, k);
      numbers.push_back(Rf_xlength(list));
      text += "[";
      for (R_xlen_t m = 0; m < Rf_xlength(list); ++m) {
        if (m > 0) text += ",";
        add(list, m);
      }
      text += "]";
    }
  }

 private:
  void add(SEXP values, R_xlen_t k) {
    const double value = TYPEOF(values) == INTSXP ? INTEGER(values)[k] : REAL(values)[k];
    numbers.push_back(static_cast<std::int64_t>(value));
    text += std::to_string(numbers.back());
  }
};

// What ^ of R is: x^n for whole n is Pow, x^0.5 and x^-0.5 are Sqrt and Rsqrt, all else is Powf.
struct Power {
  const char* operation = "Powf";
  R_xlen_t operands = 2;
  Parameters parameters{R_NilValue};

  explicit Power(SEXP exponent) {
    if (!is_plain_number(exponent) || TYPEOF(exponent) == LGLSXP) return;
    const double n = Rf_asReal(exponent);
    const bool whole = std::fabs(n) < 1e9 && n == std::floor(n);
    if (!whole && std::fabs(n) != 0.5) return;
    operation = n == 2 ? "Square" : whole ? "Pow" : n > 0 ? "Sqrt" : "Rsqrt";
    operands = 1;
    if (whole && n != 2) parameters = Parameters(static_cast<std::int64_t>(n));
  }
};

// By the rules of the operation table, which are asked once for the same dimensions.
double dimension_of(const std::string& operation, const std::vector<std::int64_t>& dims,
                    const std::vector<std::int64_t>& parameters) {
  static std::unordered_map<std::string, double> known;
  constexpr std::size_t capacity = 4096;
  std::string key = operation;
  for (const std::vector<std::int64_t>* numbers : {&dims, &parameters}) {
    key += '(';
    key.append(reinterpret_cast<const char*>(numbers->data()), numbers->size() * sizeof(std::int64_t));
  }
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  const double dim = static_cast<double>(rkeops::operation_dim(operation, dims, parameters));
  if (known.size() >= capacity) known.clear();
  known.emplace(key, dim);
  return dim;
}

// Names of the components of a result: those that operands agree on.
SEXP joined_components(bool keeps, SEXP operands, double dim) {
  SEXP found = R_NilValue;
  for (R_xlen_t k = 0; k < Rf_xlength(operands); ++k) {
    SEXP x = VECTOR_ELT(operands, k);
    SEXP own = TYPEOF(x) == VECSXP ? field(x, Field::components) : R_NilValue;
    if (Rf_isNull(own) || static_cast<double>(Rf_xlength(own)) != dim) continue;
    if (!keeps || (!Rf_isNull(found) && !R_compute_identical(found, own, 16))) return R_NilValue;
    found = own;
  }
  return found;
}

}  // namespace

// The LazyTensor `operation(operands, parameters)` of LazyTensors and plain numbers. `complex`: NULL for operands that are
// real; else they are taken as the real vectors that they are in formulas, TRUE or FALSE says whether the result is complex,
// NA that the operation says it. "Power" is ^ of R. NULL where R has to look at operands first, or without operation; a failure
// in a list.
// [[Rcpp::export(rng = false)]]
SEXP rk_apply(SEXP operation, SEXP operands, SEXP parameters, SEXP complex) {
  return catch_in_list([&]() -> SEXP {
    if (Rf_isNull(operation)) return R_NilValue;
    R_xlen_t count = Rf_xlength(operands);
    std::string name = bridge::text_of(STRING_ELT(operation, 0));
    Parameters integers(parameters);
    if (name == "Power" && count == 2) {
      const Power power(VECTOR_ELT(operands, 1));
      name = power.operation;
      count = power.operands;
      integers = power.parameters;
    }
    const rkeops::OperationInfo& facts = facts_of(name);
    std::vector<std::int64_t> dims;
    bool logical = facts.truth >= 0;
    for (R_xlen_t k = 0; k < count; ++k) {
      SEXP x = VECTOR_ELT(operands, k);
      const Kind kind = kind_of(x);
      const bool lazy = kind != Kind::none, of_two = kind == Kind::complex;
      if ((!lazy && !is_plain_number(x)) || (of_two && Rf_isNull(complex))) return R_NilValue;
      if (k < facts.truth && !holds_truth(x)) logical = false;
      dims.push_back(lazy ? static_cast<std::int64_t>(Rf_asReal(field(x, Field::dimres))) * (of_two ? 2 : 1) : 1);
    }
    const double dim = dimension_of(name, dims, integers.numbers);
    Merged merged;
    for (R_xlen_t k = 0; k < count; ++k) {
      SEXP x = VECTOR_ELT(operands, k);
      if (TYPEOF(x) == VECSXP) merged.add(x);
      else merged.add_number(Rf_asReal(x), identifier::of_number(Rf_asReal(x), name.c_str(), operands, static_cast<int>(k)));
    }
    merged.share(true);
    Result with{name + "(", dim, logical, false, joined_components(facts.keeps_names, operands, dim)};
    for (std::size_t k = 0; k < merged.formulas.size(); ++k) with.formula += (k > 0 ? "," : "") + merged.formulas[k];
    with.formula += integers.text + ")";
    const int given = Rf_isNull(complex) ? NA_LOGICAL : Rf_asLogical(complex);
    with.complex = given == NA_LOGICAL ? facts.complex : given == TRUE;
    return new_lazytensor(merged, with);
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_power(SEXP exponent) {
  return catch_failure([&]() -> SEXP {
    const Power power(exponent);
    const std::vector<double> parameters(power.parameters.numbers.begin(), power.parameters.numbers.end());
    return bridge::ListBuilder()
        .add("operation", bridge::make_string(power.operation))
        .add("count", bridge::make_numbers({static_cast<double>(power.operands)}))
        .add("parameters", parameters.empty() ? R_NilValue : bridge::make_numbers(parameters))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_gives_complex(SEXP operation) { return Rf_ScalarLogical(facts_of(CHAR(STRING_ELT(operation, 0))).complex); }

// Operands as parts of one formula: a list of `formulas`, short ones, and the fields that LazyTensors have.
// [[Rcpp::export(rng = false)]]
SEXP rk_merge(SEXP operands) {
  return catch_failure([&]() -> SEXP {
    Merged merged;
    for (R_xlen_t k = 0; k < Rf_xlength(operands); ++k) merged.add(VECTOR_ELT(operands, k));
    merged.share(false);
    const Merged* of = &merged;
    const auto made = [of](SEXP (Merged::*member)() const) { return unwind_protect([=] { return (of->*member)(); }); };
    return bridge::ListBuilder()
        .add("formulas", bridge::make_strings(merged.formulas))
        .add("args", made(&Merged::args))
        .add("data", made(&Merged::data))
        .add("labels", made(&Merged::labels))
        .add("ni", unwind_protect([=] { return number(of->ni); }))
        .add("nj", unwind_protect([=] { return number(of->nj); }))
        .add("tokens", made(&Merged::tokens))
        .add("definitions", made(&Merged::definitions))
        .add("masks", made(&Merged::masks))
        .add("blocks", made(&Merged::blocks))
        .finish();
  });
}

// A plain number; `place`: NULL, or a list of the operation, its operands, and the number of the operand among them.
// [[Rcpp::export(rng = false)]]
SEXP rk_number(SEXP value, SEXP place) {
  return catch_failure([&]() -> SEXP {
    const double given = Rf_asReal(value);
    const bool known = !Rf_isNull(place);
    const std::string id = identifier::of_number(given, known ? CHAR(STRING_ELT(VECTOR_ELT(place, 0), 0)) : "",
                                                 known ? VECTOR_ELT(place, 1) : R_NilValue,
                                                 known ? Rf_asInteger(VECTOR_ELT(place, 2)) - 1 : 0);
    Merged merged;
    merged.add_number(given, id);
    return new_lazytensor(merged, {id, 1, TYPEOF(value) == LGLSXP, false, R_NilValue});
  });
}

// A variable: plain numbers in a matrix with index "i" or "j", or in a vector, a parameter, with index NA. `written`: a string, or
// the expression that was written for the data; what is no name gives no label. `here`: the environment of its token. NULL
// for other arguments, a failure in a list.
// [[Rcpp::export(rng = false)]]
SEXP rk_variable(SEXP data, SEXP index, SEXP is_complex, SEXP written, SEXP here) {
  return catch_in_list([&]() -> SEXP {
    const int kind = TYPEOF(written);
    const bool is_real = TYPEOF(is_complex) == LGLSXP && Rf_xlength(is_complex) == 1 && LOGICAL(is_complex)[0] == FALSE;
    if (!is_real || (kind != SYMSXP && kind != STRSXP && kind != LANGSXP)) return R_NilValue;
    SEXP label = kind == SYMSXP ? PRINTNAME(written) : kind == STRSXP ? STRING_ELT(written, 0) : R_BlankString;
    const bool letter = TYPEOF(index) == STRSXP && Rf_xlength(index) == 1;
    const std::string axis = letter ? CHAR(STRING_ELT(index, 0)) : "NA";
    const bool i = axis == "i", indexed = i || axis == "j";
    const bool none = TYPEOF(index) == LGLSXP && Rf_xlength(index) == 1 && LOGICAL(index)[0] == NA_LOGICAL;
    SEXP shape = Rf_getAttrib(data, R_DimSymbol);
    if (!are_plain_numbers(data) || (!indexed && !none) || Rf_xlength(shape) != (indexed ? 2 : 0)) return R_NilValue;
    const R_xlen_t dim = indexed ? INTEGER(shape)[1] : Rf_xlength(data);
    if (dim == 0) return R_NilValue;
    SEXP names = indexed ? Rf_getAttrib(data, R_DimNamesSymbol) : R_NilValue;
    const std::string id = identifier::fresh(axis.c_str());
    Merged merged;
    const char* category = i ? "=Vi(" : indexed ? "=Vj(" : "=Pm(";
    merged.add_variable({Text(id + category + std::to_string(dim) + ")"), data, 0, label, R_NilValue, here});
    if (indexed) (i ? merged.ni : merged.nj) = INTEGER(shape)[0];
    return new_lazytensor(merged, {id, static_cast<double>(dim), TYPEOF(data) == LGLSXP, false,
                                   Rf_isNull(names) ? names : VECTOR_ELT(names, 1)});
  });
}

// The same formulas and definitions with other names.
// [[Rcpp::export(rng = false)]]
SEXP rk_rename(SEXP formulas, SEXP definitions, SEXP from, SEXP to) {
  return catch_failure([&]() -> SEXP {
    names::Renaming renaming;
    for (R_xlen_t k = 0; k < Rf_xlength(from); ++k) renaming.add(CHAR(STRING_ELT(from, k)), CHAR(STRING_ELT(to, k)));
    std::vector<std::string> defined, renamed;
    for (std::string_view definition : bridge::views_of(definitions)) defined.push_back(renaming.definition(definition));
    for (std::string_view formula : bridge::views_of(formulas)) renamed.push_back(renaming.formula(formula));
    return bridge::ListBuilder()
        .add("formulas", bridge::make_strings(renamed))
        .add("definitions", defined.empty() ? R_NilValue : bridge::make_strings(defined))
        .finish();
  });
}

// Which names a formula mentions, also by way of definitions.
// [[Rcpp::export(rng = false)]]
SEXP rk_occur(SEXP names, SEXP formula, SEXP definitions) {
  return catch_failure([&]() -> SEXP {
    const std::set<std::string_view> mentioned =
        names::mentioned(CHAR(STRING_ELT(formula, 0)), bridge::views_of(definitions));
    std::vector<int> flags;
    for (std::string_view name : bridge::views_of(names)) flags.push_back(mentioned.count(name) > 0);
    return bridge::make_flags(flags);
  });
}
