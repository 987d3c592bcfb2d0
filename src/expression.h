// LazyTensors as C++ sees them: what R/lazytensor.R says about the fields of that list.
#pragma once

#include "bridge.h"
#include "names.h"

namespace expression {

enum class Field { formula, args, data, labels, dimres, ni, nj, logical, tokens, components, definitions, mask, blocks };
constexpr int field_count = 13;
SEXP field_name(Field which);

// The fields of a LazyTensor (or of a list that has its fields); NULL if one is not there.
class Fields {
 public:
  explicit Fields(SEXP x) : list_(x), names_(Rf_getAttrib(x, R_NamesSymbol)), size_(Rf_xlength(names_)) {}
  SEXP operator[](Field which) const {
    SEXP wanted = field_name(which);
    const R_xlen_t guess = static_cast<R_xlen_t>(which);
    if (guess < size_ && STRING_ELT(names_, guess) == wanted) return VECTOR_ELT(list_, guess);
    for (R_xlen_t k = 0; k < size_; ++k)
      if (STRING_ELT(names_, k) == wanted) return VECTOR_ELT(list_, k);
    return R_NilValue;
  }

 private:
  SEXP list_, names_;
  R_xlen_t size_;
};
inline SEXP field(SEXP x, Field which) { return Fields(x)[which]; }
// What an object is as an operand.
enum class Kind { none, real, complex };
Kind kind_of(SEXP x);
inline bool is_lazytensor(SEXP x) { return kind_of(x) != Kind::none; }

// Text that R has, or that is to be given to R.
class Text {
 public:
  explicit Text(SEXP string) : string_(string) {}
  explicit Text(std::string made) : made_(std::move(made)) {}
  std::string_view view() const { return string_ ? std::string_view(CHAR(string_)) : std::string_view(made_); }
  bool operator==(const Text& other) const {
    return string_ && other.string_ ? string_ == other.string_ : view() == other.view();
  }
  SEXP string() const {  // may jump
    return string_ ? string_ : Rf_mkCharLenCE(made_.data(), static_cast<int>(made_.size()), CE_UTF8);
  }

 private:
  SEXP string_ = nullptr;  // one that R has made is a pointer to it, since equal ones are the same
  std::string made_;
};

// A variable; for a number that R does not have yet `data` is null.
struct Variable {
  Text declaration;
  SEXP data;
  double number;
  SEXP label, token;
  SEXP here = nullptr;  // the environment in which a token is to be made
};

// Several operands as parts of one expression: the variables of all of them, each once. The same identifier, or the same
// R object declared alike, is the same variable.
class Merged {
 public:
  void add(SEXP lazytensor);
  void add_number(double value, const std::string& identifier);
  void add_variable(Variable variable) { variables_.push_back(std::move(variable)); }
  // After all operands: what is long gets a name, and what occurs twice if `twice`.
  void share(bool twice);

  std::vector<std::string> formulas;
  double ni = NA_REAL, nj = NA_REAL;

  // Vectors for R: those of the first operand where nothing was added to them. They may jump, and are not protected.
  SEXP args() const;
  SEXP data() const;
  SEXP labels() const;
  SEXP tokens() const;
  SEXP definitions() const { return texts(definitions_, first_definitions_, Field::definitions); }
  SEXP masks() const { return texts(masks_, first_masks_, Field::mask); }
  const Fields& first() const { return first_; }  // without any where there is no operand but numbers
  bool has_mask() const { return !masks_.empty(); }
  SEXP blocks() const;
  bool has_blocks() const { return !blocks_.empty(); }

 private:
  void add_variables(const Fields& x, names::Renaming& renaming);
  void add_definition(Text text);
  int place_of(SEXP declaration, SEXP data) const;
  template <class Set>
  SEXP of_variables(Field which, SEXPTYPE type, Set&& set) const;
  SEXP texts(const std::vector<Text>& all, std::size_t known, Field which) const;

  Fields first_{R_NilValue};
  std::vector<Variable> variables_;
  std::vector<Text> definitions_, masks_;
  std::vector<SEXP> blocks_;
  std::size_t first_variables_ = 0, first_definitions_ = 0, first_masks_ = 0, first_blocks_ = 0;
  std::vector<Rcpp::RObject> new_tokens_;
};

}  // namespace expression
