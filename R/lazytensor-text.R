# Formulas in R's own syntax, for printing and messages. The text of a formula is that of nested calls, which R reads;
# each of them is turned into the call that makes it.

# Names of R functions for operations with the same arguments in the same order.
r_functions <- function() {
  if (is.null(session$r_functions)) {
    others <- c(
      Minus = "-", Not = "!", Or = "|", Powf = "^", Pow = "^", Log = "log", Sum = "sum", Min = "min", Max = "max",
      Round = "round", SqDist = "sqdist", Clamp = "clamp", ClampInt = "clampint", Concat = "concat", Step = "step",
      Atan2 = "atan2", MatVecMult = "matvecmult", VecMatMult = "vecmatmult", TensorProd = "tensorprod", Kron = "kron",
      SoftDTW_SqDist = "softdtw", Real2Complex = "real2complex", Imag2Complex = "imag2complex", Conj = "Conj",
      ComplexReal = "Re", ComplexImag = "Im", ComplexAbs = "Mod", ComplexAngle = "Arg", ComplexExp1j = "exp1j",
      ComplexScal = "*", ComplexRealScal = "*", Diff = "differential", Grad = "adjoint", GradMatrix = "grad_matrix",
      Divergence = "divergence", Laplacian = "laplacian"
    )
    of_table <- function(table) stats::setNames(names(table), unlist(table))
    operators <- binary_operators[!names(binary_operators) %in% c(">", ">=", "^", "%%")]
    all <- c(of_table(operators), of_table(math_functions), of_table(named_functions), others)
    real <- all[paste0("Complex", names(all)) %in% unwrap(rk_operation_table())$name]
    session$r_functions <- c(all, stats::setNames(real, paste0("Complex", names(real))))
  }
  session$r_functions
}

# Calls that are more than another name: functions of the arguments that an operation has in formulas.
r_calls <- list(
  Square = function(x) call("^", x, 2),
  Mod = function(x, y, offset) if (is_constant(offset, 0)) call("%%", x, y) else call("mod", x, y, offset),
  IfElse = function(test, yes, no) call("ifelse", without_constant(test, 1) %||% test, yes, no),  # see ifelse()
  Elem = function(x, m) call("elem", x, m + first_index()),
  ElemT = function(x, n, m) call("elemT", x, m + first_index(), n),
  Extract = function(x, m, d) call("extract", x, m + first_index(), d),
  ExtractT = function(x, m, d) call("extractT", x, m + first_index(), d),
  OneHot = function(x, D) call("one_hot", from_first(x), D),
  ArgMin = function(x) from_zero(call("argmin", x)),
  ArgMax = function(x) from_zero(call("argmax", x)),
  Gather = function(table, i, row) call("lookup", table, from_first(i)),
  Lookup = function(table, i, j, row) call("lookup", table, from_first(i), from_first(j)),
  WeightedSqNorm = function(s, x) call("weightedsqnorm", x, s),
  WeightedSqDist = function(s, x, y) call("weightedsqdist", x, y, s),
  BSpline = function(knots, x, degree) call("bspline", x, knots, degree),
  TensorDot = function(x, y, dims_x, dims_y, axes_x, axes_y, order = NULL) {
    axes <- lapply(list(axes_x, axes_y), function(axes) as.numeric(eval(axes)) + first_index())
    perm <- if (!is.null(order)) list(order(eval(order)) - 1 + first_index())
    as.call(c(list(quote(tensordot), x, y, dims_x, dims_y), axes, perm))
  }
)

first_index <- function() as.numeric(index_base())

is_call_of <- function(x, name) is.call(x) && identical(x[[1L]], as.name(name))
is_constant <- function(x, value) identical(x, call("IntCst", value))

# x of `x - value`, where the value is one that the package has written.
without_constant <- function(x, value) {
  if (is_call_of(x, "-") && length(x) == 3L && is_constant(x[[3L]], value)) x[[2L]]
}

# Positions count from 0 in formulas.
from_first <- function(x) {
  if (index_base() == 0L) x else without_constant(x, first_index()) %||% call("+", x, first_index())
}
from_zero <- function(x) if (index_base() == 0L) x else call("-", x, first_index())

# A formula as R expression. `names` has the expressions of its variables and definitions.
r_expression <- function(formula, names) {
  translated(str2lang(gsub("]", ")", gsub("[", "c(", formula, fixed = TRUE), fixed = TRUE)), names)
}

translated <- function(x, names) {
  if (is.name(x)) return(names[[as.character(x)]] %||% x)
  operation <- if (is.call(x)) as.character(x[[1L]]) else "IntCst"
  if (operation == "IntCst") return(x)
  if (operation == "c" && length(x) == 2L) return(x[[2L]])
  arguments <- lapply(as.list(x)[-1L], translated, names)
  rule <- r_calls[[operation]]
  if (!is.null(rule)) return(do.call(rule, arguments, quote = TRUE))
  name <- r_functions()[operation]
  if (is.na(name)) name <- operation
  if (length(arguments) == 2L) {
    if (name == "+" && is_position(arguments[[1L]]) && identical(arguments[[2L]], as.name(index_base()))) {
      return(arguments[[1L]][[2L]])
    }
    promoted <- vapply(arguments, is_call_of, TRUE, "real2complex")
    if (sum(promoted) == 1L) arguments[promoted] <- lapply(arguments[promoted], `[[`, 2L)
  }
  as.call(c(list(as.name(name)), arguments))
}

is_position <- function(x) is_call_of(x, "-") && (is_call_of(x[[2L]], "argmin") || is_call_of(x[[2L]], "argmax"))

r_text <- function(expression) {
  lines <- deparse(expression, width.cutoff = 500L, backtick = FALSE)
  gsub("IntCst\\((-?[0-9]+)\\)", "\\1", paste(sub("^ +", "", lines), collapse = " "))
}

# ---- LazyTensors

# The formula of x, and the definitions that it needs where it would take more than some lines without them: `parts`,
# `k1 <- ...`, the first ones and the last one. All is cut at about `width` characters.
r_formula <- function(x, width = 10L * getOption("width"), whole = 4L * getOption("width")) {
  names <- stats::setNames(variable_expressions(x), identifier(x$args))
  definitions <- x$definitions[rk_occur(identifier(x$definitions), x$formula, x$definitions)]
  formulas <- sub("^[^=]*=", "", definitions)
  defined <- identifier(definitions)
  parts <- character()
  letter <- if (any(grepl("^k[0-9]+$", variable_names(x)))) "part" else "k"
  short <- expanded_size(x$formula, defined, formulas) <= min(width, whole)
  if (!short) names[defined] <- lapply(paste0(letter, seq_along(defined)), as.name)
  else for (k in seq_along(defined)) names[[defined[k]]] <- r_expression(formulas[k], names)
  text <- r_text(r_expression(x$formula, names))
  text <- cut_text(text, width)
  if (!short) {
    part <- function(k) paste(names[[defined[k]]], "<-", r_text(r_expression(formulas[k], names)))
    before <- length(defined) - 1L
    last <- part(before + 1L)
    for (k in seq_len(min(before, 10L))) {
      next_part <- part(k)
      if (sum(nchar(c(text, parts, next_part, last))) > width) break
      parts[k] <- next_part
    }
    if (sum(nchar(c(text, parts, last))) > width) last <- NULL
    parts <- c(parts, if (length(parts) < before || is.null(last)) "...", last)
  }
  list(formula = text, parts = parts)
}

cut_text <- function(text, width) if (nchar(text) > width) paste0(substr(text, 1L, width - 3L), "...") else text

readable_formula <- function(x) r_formula(x, whole = Inf)$formula

# Characters of a formula without definitions, names being short.
expanded_size <- function(formula, defined, formulas) {
  sizes <- numeric()
  size <- function(formula) {
    mentioned <- regmatches(formula, gregexpr("\\bD0x[0-9a-f]+", formula))[[1L]]
    nchar(gsub("\\b[A-Z]0x\\w+", "name", formula)) + sum(sizes[mentioned])
  }
  for (k in seq_along(defined)) sizes[defined[k]] <- size(formulas[k])
  size(formula)
}

# Variables and plain numbers as symbols, which have a decimal point everywhere. A minus is a call, so that deparse() puts
# parentheses around it where they are needed.
variable_expressions <- function(x) {
  lapply(variable_names(x), function(name) {
    if (startsWith(name, "-")) call("-", as.name(substring(name, 2L))) else as.name(name)
  })
}
