// Programs (parsed formulas) and their evaluation on R data.
#include "resident.h"

#include <climits>
#include <list>
#include <unordered_map>

using bridge::guarded;
using bridge::in_r;
using bridge::ListBuilder;
using bridge::ProgramPtr;

namespace {

// The programs used last, by formula and declarations, so that evaluating a LazyTensor again does not parse it again.
class ProgramCache {
 public:
  const ProgramPtr* find(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  void insert(const std::string& key, ProgramPtr program) {
    entries_.emplace_front(key, std::move(program));
    index_[key] = entries_.begin();
    if (entries_.size() <= capacity) return;
    index_.erase(entries_.back().first);
    entries_.pop_back();
  }

 private:
  static constexpr std::size_t capacity = 512;
  using Entries = std::list<std::pair<std::string, ProgramPtr>>;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> index_;
};

ProgramCache& program_cache() {
  static ProgramCache cache;  // used on R's thread only
  return cache;
}

void finalize(SEXP pointer) {
  delete static_cast<ProgramPtr*>(R_ExternalPtrAddr(pointer));
  R_ClearExternalPtr(pointer);
}

SEXP wrap(ProgramPtr program) {
  auto holder = std::make_unique<ProgramPtr>(std::move(program));
  ProgramPtr* address = holder.get();
  SEXP pointer = in_r([] { return R_MakeExternalPtr(nullptr, R_NilValue, R_NilValue); });
  Rcpp::Shield<SEXP> protect(pointer);
  in_r([=] {
    R_RegisterCFinalizerEx(pointer, finalize, TRUE);
    return R_NilValue;
  });
  R_SetExternalPtrAddr(pointer, address);
  holder.release();
  return pointer;
}

// Null for a pointer that came back from a file (saveRDS): R then builds the program again.
const rkeops::Program* unwrap(SEXP pointer) {
  if (TYPEOF(pointer) != EXTPTRSXP || R_ExternalPtrAddr(pointer) == nullptr) return nullptr;
  return static_cast<ProgramPtr*>(R_ExternalPtrAddr(pointer))->get();
}

SEXP stale() { return bridge::failure("stale", "this program has to be built again"); }

[[noreturn]] void refuse(const std::string& argument, SEXP value) {
  const std::string got = Rf_isNull(value) ? "NULL" : std::string("of type ") + Rf_type2char(TYPEOF(value));
  rkeops::Error error(rkeops::ErrorKind::input, "input `" + argument + "` is " + got + ", expected numbers",
                      "Give a numeric matrix or vector.");
  error.argument = argument;
  throw error;
}

// A view of one R value. Matrices are given as they are; vectors are one column.
rkeops::Input view(const rkeops::Argument& argument, SEXP value, bool by_rows) {
  rkeops::Input input;
  const void** data = &input.data;
  switch (TYPEOF(value)) {
    case REALSXP:
      input.type = rkeops::Input::Type::real64;
      in_r([=] { *data = REAL_RO(value); return R_NilValue; });
      break;
    case INTSXP:
      input.type = rkeops::Input::Type::integer32;
      in_r([=] { *data = INTEGER_RO(value); return R_NilValue; });
      break;
    case LGLSXP:
      input.type = rkeops::Input::Type::integer32;
      in_r([=] { *data = LOGICAL_RO(value); return R_NilValue; });
      break;
    default:
      refuse(argument.name, value);
  }
  SEXP dim = Rf_getAttrib(value, R_DimSymbol);
  const R_xlen_t axes = Rf_xlength(dim);
  if (axes > 2) {
    rkeops::Error error(rkeops::ErrorKind::input,
                        "input `" + argument.name + "` is an array with " + std::to_string(axes) + " dimensions",
                        "Give a matrix.");
    error.argument = argument.name;
    throw error;
  }
  input.rows = axes == 2 ? INTEGER(dim)[0] : static_cast<std::int64_t>(Rf_xlength(value));
  input.cols = axes == 2 ? INTEGER(dim)[1] : 1;
  input.by_rows = axes == 2 && by_rows;
  return input;
}

std::vector<rkeops::Input> views(const rkeops::Program& program, SEXP inputs, bool by_rows) {
  const std::vector<rkeops::Argument>& arguments = program.arguments();
  const std::size_t given = static_cast<std::size_t>(Rf_xlength(inputs));
  if (given != arguments.size()) {
    std::string names;
    for (const rkeops::Argument& argument : arguments) names += (names.empty() ? "" : ", ") + argument.name;
    throw rkeops::Error(rkeops::ErrorKind::input,
                        "got " + std::to_string(given) + " input" + (given == 1 ? "" : "s") + ", expected " +
                            std::to_string(arguments.size()) + (names.empty() ? "" : ": " + names),
                        "Give one matrix or vector per argument, in one list.");
  }
  std::vector<rkeops::Input> result(given);
  for (std::size_t k = 0; k < given; ++k)
    result[k] = view(arguments[k], VECTOR_ELT(inputs, static_cast<R_xlen_t>(k)), by_rows);
  return result;
}

void keep_on_gpu(std::vector<rkeops::Input>& data, SEXP inputs, SEXP tokens) {
  for (std::size_t k = 0; k < data.size() && static_cast<R_xlen_t>(k) < Rf_xlength(tokens); ++k) {
    SEXP token = VECTOR_ELT(tokens, static_cast<R_xlen_t>(k));
    if (TYPEOF(token) != ENVSXP) continue;
    bridge::keep(token, VECTOR_ELT(inputs, static_cast<R_xlen_t>(k)), data[k].data);
    data[k].keep = true;
  }
}

// Entries: an array M x N x D, or a matrix where the dimension is 1.
SEXP allocate_entries(std::int64_t rows, std::int64_t columns, std::int64_t dim) {
  if (std::max({rows, columns, dim}) > INT_MAX)
    throw rkeops::Error(rkeops::ErrorKind::memory, "the result has more rows than an R matrix can have");
  return in_r([=] {
    const R_xlen_t length = static_cast<R_xlen_t>(rows) * static_cast<R_xlen_t>(columns) * static_cast<R_xlen_t>(dim);
    SEXP array = PROTECT(Rf_allocVector(REALSXP, length));
    SEXP extents = PROTECT(Rf_allocVector(INTSXP, dim == 1 ? 2 : 3));
    INTEGER(extents)[0] = static_cast<int>(rows);
    INTEGER(extents)[1] = static_cast<int>(columns);
    if (dim != 1) INTEGER(extents)[2] = static_cast<int>(dim);
    Rf_setAttrib(array, R_DimSymbol, extents);
    SEXP list = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(list, 0, array);
    UNPROTECT(3);
    return list;
  });
}

// The R matrices (arrays for K nearest, unless the formula has dimension 1) of the result, as a list.
SEXP allocate(const rkeops::Program& program, const std::vector<rkeops::Input>& data) {
  const rkeops::OutputShape& shape = program.output();
  const rkeops::OutputPart& part = shape.parts[0];
  if (part.pairs) {
    const rkeops::Category other = part.category == rkeops::Category::i ? rkeops::Category::j : rkeops::Category::i;
    return allocate_entries(program.rows_of(part.category, data), program.rows_of(other, data), part.columns);
  }
  std::vector<std::int64_t> rows;
  for (std::size_t p = 0; p < shape.parts.size(); ++p) rows.push_back(program.bind(data, p));
  const R_xlen_t parts = static_cast<R_xlen_t>(shape.parts.size());
  for (std::size_t p = 0; p < rows.size(); ++p)
    if (rows[p] > INT_MAX || shape.parts[p].columns > INT_MAX)
      throw rkeops::Error(rkeops::ErrorKind::memory, "the result has more rows than an R matrix can have");
  const rkeops::OutputShape* of = &shape;
  const std::vector<std::int64_t>* rows_of = &rows;
  return in_r([=] {
    SEXP list = PROTECT(Rf_allocVector(VECSXP, parts));
    for (R_xlen_t p = 0; p < parts; ++p) {
      const int n = static_cast<int>((*rows_of)[static_cast<std::size_t>(p)]);
      const int columns = static_cast<int>(of->parts[static_cast<std::size_t>(p)].columns);
      const bool nested = of->k > 0 && of->k < columns;
      const int k = static_cast<int>(of->k);
      SET_VECTOR_ELT(list, p, nested ? Rf_alloc3DArray(REALSXP, n, k, columns / k) : Rf_allocMatrix(REALSXP, n, columns));
    }
    UNPROTECT(1);
    return list;
  });
}

}  // namespace

// [[Rcpp::export(rng = false)]]
SEXP rk_program(SEXP formula, SEXP names, SEXP categories, SEXP dims, SEXP positions) {
  return guarded([&]() -> SEXP {
    const std::string text = bridge::text_of(STRING_ELT(formula, 0));
    std::string key = text;
    std::vector<rkeops::Argument> arguments(static_cast<std::size_t>(Rf_xlength(names)));
    for (std::size_t k = 0; k < arguments.size(); ++k) {
      const R_xlen_t at = static_cast<R_xlen_t>(k);
      arguments[k] = {bridge::text_of(STRING_ELT(names, at)), static_cast<rkeops::Category>(INTEGER(categories)[at]),
                      static_cast<std::int64_t>(REAL(dims)[at]), static_cast<std::int64_t>(REAL(positions)[at])};
      key += ";" + arguments[k].name + "=" + rkeops::name_of(arguments[k].category) + "(" +
             std::to_string(arguments[k].position) + "," + std::to_string(arguments[k].dim) + ")";
    }
    if (const ProgramPtr* known = program_cache().find(key)) return wrap(*known);
    ProgramPtr program = rkeops::Program::create(text, arguments, bridge::interrupted);
    program_cache().insert(key, program);
    return wrap(std::move(program));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_program_info(SEXP pointer) {
  return guarded([&]() -> SEXP {
    const rkeops::Program* program = unwrap(pointer);
    if (program == nullptr) return stale();
    std::vector<std::string> names, categories;
    std::vector<double> dims, positions, columns;
    std::vector<int> is_index;
    for (const rkeops::Argument& argument : program->arguments()) {
      names.push_back(argument.name);
      categories.emplace_back(rkeops::name_of(argument.category));
      dims.push_back(static_cast<double>(argument.dim));
      positions.push_back(static_cast<double>(argument.position));
    }
    const rkeops::OutputShape& output = program->output();
    for (const rkeops::OutputPart& part : output.parts) {
      is_index.push_back(part.is_index);
      columns.push_back(static_cast<double>(part.columns));
    }
    return ListBuilder()
        .add("names", bridge::make_strings(names))
        .add("categories", bridge::make_strings(categories))
        .add("dims", bridge::make_numbers(dims))
        .add("positions", bridge::make_numbers(positions))
        .add("category", bridge::make_string(rkeops::name_of(output.category)))
        .add("dim", bridge::make_numbers({static_cast<double>(output.dim)}))
        .add("k", bridge::make_numbers({static_cast<double>(output.k)}))
        .add("reduction", bridge::make_string(output.reduction))
        .add("is_index", bridge::make_flags(is_index))
        .add("columns", bridge::make_numbers(columns))
        .finish();
  });
}

// The whole evaluation. Answers with a matrix (or a list of them), or with a list of class rkeops_failure, or of class
// rkeops_warned. Inputs have no class. `tokens`: NULL, or a list parallel to the inputs of environments that live as long
// as these inputs stay as they are.
// [[Rcpp::export(rng = false)]]
SEXP rk_run(SEXP pointer, SEXP inputs, SEXP by_rows, SEXP options, SEXP tokens) {
  return guarded([&]() -> SEXP {
    const rkeops::Program* program = unwrap(pointer);
    if (program == nullptr) return stale();
    std::vector<rkeops::Input> data = views(*program, inputs, LOGICAL(by_rows)[0] == TRUE);
    const bridge::Runtime runtime = bridge::read_runtime(options);
    if (runtime.run.processor == rkeops::Processor::gpu) keep_on_gpu(data, inputs, tokens);
    Rcpp::Shield<SEXP> result(allocate(*program, data));
    std::vector<double*> outputs;
    for (R_xlen_t p = 0; p < Rf_xlength(result); ++p) outputs.push_back(REAL(VECTOR_ELT(result, p)));
    bridge::RHost host(runtime);
    try {
      program->run(data, outputs, runtime.run, host.hooks());
    } catch (const rkeops::Error&) {
      host.resume_jump();
      throw;
    }
    host.resume_jump();
    SEXP value = outputs.size() == 1 ? VECTOR_ELT(result, 0) : static_cast<SEXP>(result);
    if (host.warnings().empty()) return value;
    return ListBuilder()
        .add("value", value)
        .add("warnings", bridge::make_strings(host.warnings()))
        .finish("rkeops_warned");
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_source(SEXP pointer, SEXP options) {
  return guarded([&]() -> SEXP {
    const rkeops::Program* program = unwrap(pointer);
    if (program == nullptr) return stale();
    return bridge::make_string(program->source(bridge::read_runtime(options).run));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_explain(SEXP pointer, SEXP options) {
  return guarded([&]() -> SEXP {
    const rkeops::Program* program = unwrap(pointer);
    if (program == nullptr) return stale();
    return bridge::make_string(program->explain(bridge::read_runtime(options).run));
  });
}
