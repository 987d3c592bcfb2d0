// Programs (parsed formulas) and their evaluation on R data.
#include <climits>
#include <cstring>

#include "expression.h"
#include "program.h"
#include "resident.h"

using bridge::catch_failure;
using bridge::ListBuilder;
using bridge::ProgramPtr;
using bridge::unwind_protect;

namespace {

// The programs used last, so that an expression of the same form on other data is not parsed again.
ProgramPtr known_program(const std::string& key, const std::string& formula,
                         const std::function<std::vector<rkeops::Argument>()>& arguments) {
  static rkeops::Recent<ProgramPtr> programs;  // used on R's thread only
  constexpr std::size_t capacity = 512;
  if (const ProgramPtr* known = programs.find(key)) return *known;
  ProgramPtr program = rkeops::Program::create(formula, arguments(), bridge::interrupted);
  programs.insert(key, program, capacity);
  return program;
}

SEXP wrap(ProgramPtr program) {
  const Rcpp::Shield<SEXP> pointer(bridge::new_pointer<ProgramPtr>());
  R_SetExternalPtrAddr(pointer, new ProgramPtr(std::move(program)));
  return pointer;
}

// Null where R has to build it again.
ProgramPtr program_of(SEXP pointer) {
  const ProgramPtr* program = bridge::object_of<ProgramPtr>(pointer);
  return program ? *program : nullptr;
}

SEXP stale() { return bridge::failure("stale", "this program has to be built again"); }

[[noreturn]] void refuse(const std::string& argument, SEXP value) {
  const std::string got = Rf_isNull(value) ? "NULL" : std::string("of type ") + Rf_type2char(TYPEOF(value));
  rkeops::Error error(rkeops::ErrorKind::input, "input `" + argument + "` is " + got + ", expected numbers",
                      "Give a numeric matrix or vector.");
  error.argument = argument;
  throw error;
}

}  // namespace

rkeops::Input bridge::view(const rkeops::Argument& argument, SEXP value, bool by_rows) {
  rkeops::Input input;
  const void** data = &input.data;
  const int type = TYPEOF(value);
  if (type != REALSXP && type != INTSXP && type != LGLSXP) refuse(argument.name, value);
  input.type = type == REALSXP ? rkeops::Input::Type::real64 : rkeops::Input::Type::integer32;
  auto read = [=] {
    *data = DATAPTR_RO(value);
    return R_NilValue;
  };
  if (ALTREP(value)) unwind_protect(read);
  else read();
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

std::vector<rkeops::Input> bridge::views(const rkeops::Program& program, SEXP inputs, bool by_rows) {
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

void bridge::keep_data(const rkeops::RunOptions& options, std::vector<rkeops::Input>& data, SEXP inputs, SEXP tokens) {
  const bool gpu = options.processor == rkeops::Processor::gpu;
  if (!gpu && options.geometry == rkeops::UseOfGeometry::never) return;
  constexpr std::int64_t worth_an_order = 10000;  // numbers
  for (std::size_t k = 0; k < data.size() && static_cast<R_xlen_t>(k) < Rf_xlength(tokens); ++k) {
    SEXP token = VECTOR_ELT(tokens, static_cast<R_xlen_t>(k));
    if (TYPEOF(token) != ENVSXP || (!gpu && data[k].rows * data[k].cols < worth_an_order)) continue;
    bridge::keep(token, VECTOR_ELT(inputs, static_cast<R_xlen_t>(k)), data[k].data);
    data[k].keep = true;
  }
}

SEXP bridge::with_hooks(const Runtime& runtime, const std::function<SEXP(const rkeops::Host&)>& body) {
  Rcpp::RObject value;  // goes after the host, which may call R at its end
  RHost host(runtime);
  try {
    value = body(host.hooks());
  } catch (const rkeops::Error&) {
    host.resume_jump();
    throw;
  }
  host.resume_jump();
  if (!host.warnings().empty() || !host.notes().empty() || host.certificate() >= 0)
    value = ListBuilder()
                .add("value", value)
                .add("warnings", make_strings(host.warnings()))
                .add("notes", make_strings(host.notes()))
                .add("certificate", make_numbers({host.certificate()}))
                .finish("rkeops_told");
  return value;
}

std::vector<bridge::Shape> bridge::shapes_of(const rkeops::Program& program, const std::vector<rkeops::Input>& data) {
  std::vector<Shape> shapes;
  const auto fits = [](std::int64_t size) {
    if (size > INT_MAX)
      throw rkeops::Error(rkeops::ErrorKind::memory, "the result has more rows than an R matrix can have");
    return static_cast<int>(size);
  };
  for (const rkeops::OutputShape& output : program.outputs()) {
    for (const rkeops::OutputPart& part : output.parts) {
      if (part.pairs) {
        const rkeops::Category other = part.category == rkeops::Category::i ? rkeops::Category::j : rkeops::Category::i;
        const int rows = fits(program.rows_of(part.category, data)), columns = fits(program.rows_of(other, data));
        shapes.push_back({rows, fits(part.columns), columns, part.columns > 1});
        if (part.columns == 1) std::swap(shapes.back().columns, shapes.back().k);
      } else {
        const bool nested = output.k > 0 && output.k < part.columns;
        const int k = static_cast<int>(output.k);
        shapes.push_back({fits(program.bind(data, shapes.size())), fits(part.columns) / (nested ? k : 1), k, nested});
      }
    }
  }
  return shapes;
}

SEXP bridge::allocate(const std::vector<Shape>& shapes, SEXP wanted) {
  return unwind_protect([&] {
    const R_xlen_t parts = static_cast<R_xlen_t>(shapes.size());
    SEXP list = PROTECT(Rf_allocVector(VECSXP, parts));
    for (R_xlen_t p = 0; p < parts; ++p) {
      if (wanted != R_NilValue && LOGICAL(wanted)[p] != TRUE) continue;
      const Shape& shape = shapes[static_cast<std::size_t>(p)];
      SET_VECTOR_ELT(list, p, shape.is_array ? Rf_alloc3DArray(REALSXP, shape.rows, shape.k, shape.columns)
                                             : Rf_allocMatrix(REALSXP, shape.rows, shape.columns));
    }
    UNPROTECT(1);
    return list;
  });
}

std::vector<double*> bridge::memory_of(SEXP results) {
  std::vector<double*> memory;
  for (R_xlen_t p = 0; p < Rf_xlength(results); ++p) {
    SEXP part = VECTOR_ELT(results, p);
    memory.push_back(part == R_NilValue ? nullptr : REAL(part));
  }
  return memory;
}

namespace {

SEXP run(const rkeops::Program& program, SEXP inputs, bool by_rows, SEXP tokens, SEXP blocks, const bridge::Runtime& runtime) {
  std::vector<rkeops::Input> data = bridge::views(program, inputs, by_rows);
  const std::optional<rkeops::RunOptions> own = bridge::with_blocks(runtime.run, blocks);
  const rkeops::RunOptions& options = own ? *own : runtime.run;
  bridge::keep_data(options, data, inputs, tokens);
  const Rcpp::Shield<SEXP> result(bridge::allocate(bridge::shapes_of(program, data), R_NilValue));
  const std::vector<double*> outputs = bridge::memory_of(result);
  return bridge::with_hooks(runtime, [&](const rkeops::Host& host) {
    program.run(data, outputs, options, host);
    return outputs.size() == 1 ? VECTOR_ELT(result, 0) : static_cast<SEXP>(result);
  });
}

}  // namespace

// [[Rcpp::export(rng = false)]]
SEXP rk_program(SEXP formula, SEXP names, SEXP categories, SEXP dims, SEXP positions) {
  return catch_failure([&]() -> SEXP {
    std::vector<rkeops::Argument> arguments(static_cast<std::size_t>(Rf_xlength(names)));
    for (std::size_t k = 0; k < arguments.size(); ++k) {
      const R_xlen_t at = static_cast<R_xlen_t>(k);
      arguments[k] = {bridge::text_of(STRING_ELT(names, at)), static_cast<rkeops::Category>(INTEGER(categories)[at]),
                      static_cast<std::int64_t>(REAL(dims)[at]), static_cast<std::int64_t>(REAL(positions)[at])};
    }
    std::string key = bridge::text_of(STRING_ELT(formula, 0));
    const std::string text = key;
    for (const rkeops::Argument& argument : arguments)
      key += ";" + argument.name + "=" + rkeops::name_of(argument.category) + "(" + std::to_string(argument.position) + "," +
             std::to_string(argument.dim) + ")";
    return wrap(known_program(key, text, [&] { return arguments; }));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_program_info(SEXP pointer) {
  return catch_failure([&]() -> SEXP {
    const ProgramPtr program = program_of(pointer);
    if (!program) return stale();
    std::vector<std::string> names, categories, results;
    std::vector<double> dims, positions, columns;
    std::vector<int> is_index;
    for (const rkeops::Argument& argument : program->arguments()) {
      names.push_back(argument.name);
      categories.emplace_back(rkeops::name_of(argument.category));
      dims.push_back(static_cast<double>(argument.dim));
      positions.push_back(static_cast<double>(argument.position));
    }
    for (const rkeops::OutputShape& result : program->outputs()) {
      const bool one = result.name.empty() || result.parts.size() == 1, by_index = !result.parts.back().is_index;
      for (const rkeops::OutputPart& part : result.parts) {
        const char* index = part.category == rkeops::Category::i ? ".i" : ".j";
        results.push_back(result.name + (one ? "" : by_index ? index : part.is_index ? ".position" : ".value"));
      }
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
        .add("outputs", bridge::make_numbers({static_cast<double>(program->outputs().size())}))
        .add("results", bridge::make_strings(results))
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
// rkeops_told. Inputs have no class.
// [[Rcpp::export(rng = false)]]
SEXP rk_run(SEXP pointer, SEXP inputs, SEXP by_rows) {
  return catch_failure([&]() -> SEXP {
    const ProgramPtr program = program_of(pointer);
    if (!program) return stale();
    return run(*program, inputs, LOGICAL(by_rows)[0] == TRUE, R_NilValue, R_NilValue, *bridge::current_runtime());
  });
}

// ---- formulas over LazyTensor variables

namespace {

std::vector<rkeops::Argument> declared(SEXP args) {
  std::vector<rkeops::Argument> arguments;
  for (R_xlen_t k = 0; k < Rf_xlength(args); ++k) {
    const std::string text(names::value_of(CHAR(STRING_ELT(args, k))));
    const rkeops::Category category = text[0] == 'P'   ? rkeops::Category::parameter
                                      : text[1] == 'i' ? rkeops::Category::i
                                                       : rkeops::Category::j;
    arguments.push_back({"V" + std::to_string(k), category, std::stoll(text.substr(3)), k});
  }
  return arguments;
}

}  // namespace

bridge::LazyProgram bridge::lazy_program(std::string_view formula, SEXP args, SEXP definitions, bool is_to_run) {
  std::vector<std::string_view> variables = views_of(args);
  for (std::string_view& variable : variables) variable = names::name_of(variable);
  LazyProgram made{names::canonical(formula, variables, views_of(definitions)), current_runtime(), nullptr};
  if (made.runtime->formula_only && is_to_run) return made;
  std::string key = made.text;
  for (R_xlen_t k = 0; k < Rf_xlength(args); ++k) (key += ' ') += names::value_of(CHAR(STRING_ELT(args, k)));
  made.program = known_program(key, made.text, [=] { return declared(args); });
  return made;
}

namespace {

// `data` NULL: the program.
SEXP evaluate(std::string_view formula, SEXP args, SEXP definitions, SEXP data, SEXP tokens, SEXP blocks, bool plain_result) {
  const bridge::LazyProgram made = bridge::lazy_program(formula, args, definitions, data != R_NilValue);
  if (!made.program) return bridge::failure("formula_only", made.text);
  if (data == R_NilValue) return wrap(made.program);
  const std::vector<rkeops::OutputPart>& parts = made.program->parts();
  if (plain_result && (parts.size() > 1 || parts[0].is_index)) return R_NilValue;
  return run(*made.program, data, false, tokens, blocks, *made.runtime);
}

}  // namespace

// Evaluates a formula over variables, which are declared as "name=Vi(3)", and definitions. `tokens`: NULL, or a list
// parallel to `data` of environments that live as long as these data stay as they are. `blocks`: what rk_blocks() gave, or NULL.
// `data` NULL: the program, which rk_program() gives for formulas as text.
// [[Rcpp::export(rng = false)]]
SEXP rk_evaluate(SEXP formula, SEXP args, SEXP definitions, SEXP data, SEXP tokens, SEXP blocks) {
  return catch_failure(
      [&]() -> SEXP { return evaluate(CHAR(STRING_ELT(formula, 0)), args, definitions, data, tokens, blocks, false); });
}

// The reduction `name` of a list of a LazyTensor and `index`. NULL where R has more to do: for other arguments, complex
// numbers, masks, blocks, names of rows or components, and positions.
// [[Rcpp::export(rng = false)]]
SEXP rk_reduce(SEXP arguments, SEXP name) {
  using namespace expression;
  return catch_failure([&]() -> SEXP {
    SEXP names = Rf_getAttrib(arguments, R_NamesSymbol);
    if (Rf_xlength(arguments) != 2 || Rf_isNull(names) || std::strcmp(CHAR(STRING_ELT(names, 1)), "index") != 0)
      return R_NilValue;
    SEXP x = VECTOR_ELT(arguments, 0), index = VECTOR_ELT(arguments, 1);
    if (kind_of(x) != Kind::real || TYPEOF(index) != STRSXP || Rf_xlength(index) != 1) return R_NilValue;
    const std::string letter = CHAR(STRING_ELT(index, 0));
    if (letter != "i" && letter != "j") return R_NilValue;
    SEXP data = field(x, Field::data);
    bool plain = true;
    for (Field rare : {Field::mask, Field::blocks, Field::components}) plain = plain && Rf_isNull(field(x, rare));
    plain = plain && !ISNAN(Rf_asReal(field(x, letter == "i" ? Field::ni : Field::nj)));
    for (R_xlen_t k = 0; plain && k < Rf_xlength(data); ++k)
      plain = Rf_isNull(Rf_getAttrib(VECTOR_ELT(data, k), R_DimNamesSymbol));
    if (!plain) return R_NilValue;
    const std::string formula = std::string(CHAR(STRING_ELT(name, 0))) + "_Reduction(" +
                                CHAR(STRING_ELT(field(x, Field::formula), 0)) + (letter == "i" ? ",0)" : ",1)");
    return evaluate(formula, field(x, Field::args), field(x, Field::definitions), data, field(x, Field::tokens), R_NilValue,
                    true);
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_source(SEXP pointer, SEXP options) {
  return catch_failure([&]() -> SEXP {
    const ProgramPtr program = program_of(pointer);
    if (!program) return stale();
    return bridge::make_string(program->source(bridge::read_runtime(options).run));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_explain(SEXP pointer, SEXP options) {
  return catch_failure([&]() -> SEXP {
    const ProgramPtr program = program_of(pointer);
    if (!program) return stale();
    return bridge::make_string(program->explain(bridge::read_runtime(options).run));
  });
}
