#include "bridge.h"

namespace bridge {

std::string text_of(SEXP string, Encoding encoding) {
  const cetype_t own = Rf_getCharCE(string);
  const bool foreign = own == CE_LATIN1 || (own == CE_UTF8 && encoding == Encoding::native);
  if (!foreign) return CHAR(string);  // what is wrong in it keeps its place
  const char* text = nullptr;
  const char** result = &text;
  unwind_protect([=] {
    *result = encoding == Encoding::utf8 ? Rf_translateCharUTF8(string) : Rf_translateChar(string);
    return R_NilValue;
  });
  return text;
}

SEXP make_string(const std::string& raw) {
  const std::string text = rkeops::valid_utf8(raw);
  const char* data = text.data();
  const int size = static_cast<int>(text.size());
  return unwind_protect([=] {
    SEXP element = PROTECT(Rf_mkCharLenCE(data, size, CE_UTF8));
    SEXP result = Rf_ScalarString(element);
    UNPROTECT(1);
    return result;
  });
}

SEXP make_strings(const std::vector<std::string>& raw) {
  std::vector<std::string> texts;
  for (const std::string& text : raw) texts.push_back(rkeops::valid_utf8(text));
  const std::string* data = texts.data();
  const R_xlen_t size = static_cast<R_xlen_t>(texts.size());
  return unwind_protect([=] {
    SEXP result = PROTECT(Rf_allocVector(STRSXP, size));
    for (R_xlen_t k = 0; k < size; ++k)
      SET_STRING_ELT(result, k, Rf_mkCharLenCE(data[k].data(), static_cast<int>(data[k].size()), CE_UTF8));
    UNPROTECT(1);
    return result;
  });
}

SEXP make_numbers(const std::vector<double>& values) {
  const R_xlen_t size = static_cast<R_xlen_t>(values.size());
  SEXP result = unwind_protect([=] { return Rf_allocVector(REALSXP, size); });
  std::copy(values.begin(), values.end(), REAL(result));
  return result;
}

SEXP make_flags(const std::vector<int>& values) {
  const R_xlen_t size = static_cast<R_xlen_t>(values.size());
  SEXP result = unwind_protect([=] { return Rf_allocVector(LGLSXP, size); });
  std::copy(values.begin(), values.end(), LOGICAL(result));
  return result;
}

SEXP in_list(SEXP value) {
  return unwind_protect([=] {
    SEXP protected_value = PROTECT(value);
    SEXP list = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(list, 0, protected_value);
    UNPROTECT(2);
    return list;
  });
}

SEXP value_of_call(const char* function) {
  return unwind_protect([=] {
    SEXP package = PROTECT(Rf_mkString("rkeops"));
    SEXP space = PROTECT(R_FindNamespace(package));
    SEXP call = PROTECT(Rf_lang1(Rf_install(function)));
    SEXP value = Rf_eval(call, space);
    UNPROTECT(3);
    return value;
  });
}

std::vector<std::string_view> views_of(SEXP strings) {
  std::vector<std::string_view> views;
  for (R_xlen_t k = 0; k < Rf_xlength(strings); ++k) views.push_back(CHAR(STRING_ELT(strings, k)));
  return views;
}

ListBuilder& ListBuilder::add(const char* name, SEXP value) {
  values_.emplace_back(value);
  names_.push_back(name);
  return *this;
}

SEXP ListBuilder::finish(const char* class_name) const {
  const ListBuilder* self = this;
  return unwind_protect([=] {
    const R_xlen_t size = static_cast<R_xlen_t>(self->values_.size());
    SEXP list = PROTECT(Rf_allocVector(VECSXP, size));
    SEXP names = PROTECT(Rf_allocVector(STRSXP, size));
    for (R_xlen_t k = 0; k < size; ++k) {
      SET_VECTOR_ELT(list, k, self->values_[static_cast<std::size_t>(k)]);
      SET_STRING_ELT(names, k, Rf_mkChar(self->names_[static_cast<std::size_t>(k)]));
    }
    Rf_setAttrib(list, R_NamesSymbol, names);
    if (class_name != nullptr) Rf_setAttrib(list, R_ClassSymbol, Rf_mkString(class_name));
    UNPROTECT(2);
    return list;
  });
}

namespace {

// The engine counts bytes, R counts characters.
std::int64_t place_in_characters(const rkeops::Error& error) {
  return error.position < 0 ? error.position : rkeops::characters_before(error.formula, error.position);
}

}  // namespace

SEXP failure(const char* kind, const std::string& message, const rkeops::Error* error) {
  const std::string none;
  ListBuilder list;
  list.add("kind", make_string(kind))
      .add("message", make_string(message))
      .add("hint", make_string(error ? error->hint : none))
      .add("formula", make_string(error ? error->formula : none))
      .add("position", make_numbers({error ? static_cast<double>(place_in_characters(*error)) : -1.0}))
      .add("argument", make_string(error ? error->argument : none))
      .add("log", make_string(error ? error->log : none));
  return list.finish("rkeops_failure");
}

}  // namespace bridge
