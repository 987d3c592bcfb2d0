# Operators made of formulas written as text. An operator is a closure over `self`, an environment with the parsed
# program; a call goes straight to one call into C++.

#' Operators from formulas
#'
#' Makes an R function that evaluates a reduction written in the formula language on data. The formula is checked at
#' once; it is compiled when the function is called first.
#'
#' @param formula one string, such as `"Sum_Reduction(Exp(-s * SqDist(x, y)) * b, 1)"`. The last argument of a reduction
#'   is its axis: 1 reduces over j and gives one row per i, 0 reduces over i and gives one row per j. Positions in
#'   formulas, as in `Elem(x, 0)`, count from 0. Its parts may be named first:
#'   `"K = Exp(-SqDist(x, y)); Sum_Reduction(K * b, 1)"`. Several formulas with `;` between them are computed together, sharing
#'   what they have in common: `"R = Sum_Reduction(F, 1); R; Grad(R, x, e); Grad(R, y, e)"`.
#' @param args declarations of the variables, in the order of the data: `"x=Vi(3)"` (rows i, 3 columns), `"y=Vj(3)"`
#'   (rows j), `"s=Pm(1)"` (a parameter). Or all with positions, counted from 0: `"x=Vi(0,3)"`. Variables that are written
#'   inline, `Vi(0,3)`, need no declaration.
#' @param sum_scheme kept from RKeOps 2: `"auto"`, `"direct_sum"`, `"block_sum"` or `"kahan_scheme"`. All of them sum in
#'   blocks with wide accumulators, which is as accurate as the most accurate of them.
#' @return A function `op(input, inner_dim = "col")`. `input` is a list of data, one element per variable: unnamed, in
#'   order, or named by all variables. Data are numeric matrices with one row per point, or with `inner_dim = "row"`
#'   one column per point; vectors do for dimension 1 and for parameters. Names of points come back as those of the rows.
#'   Complex data are taken for variables declared with twice as many components: in formulas, and in results, real and
#'   imaginary parts take turns. The result is a matrix with one row per point, also if `inner_dim = "row"`; an array for
#'   K nearest values in dimension above 1; a list of two for values with their positions, and for `SumBoth`, whose second
#'   matrix has a row per point of the other index; of several formulas a list of all results, in their order, named where
#'   a formula is the name of a definition (`"S = Sum_Reduction(F, 1); S; Grad(S, x, e)"`). `op()` without input gives a
#'   list of `formula`, `args`, `args_info` and `sum_scheme`.
#' @seealso [keops_grad()], [keops_source()], [LazyTensor()]
#' @seealso [rkeops_operations] for all that formulas can be made of; `vignette("formulas")`.
#' @concept symbolic formula
#' @concept KeOps
#' @concept RKeOps
#' @concept kernel operations
#' @concept just-in-time compilation
#' @examples
#' op <- keops_kernel(
#'   formula = "Sum_Reduction(Exp(-s * SqNorm2(x - y)) * b, 1)",
#'   args = c("x = Vi(3)", "y = Vj(3)", "b = Vj(2)", "s = Pm(1)")
#' )
#' x <- matrix(runif(30), 10)
#' y <- matrix(runif(60), 20)
#' b <- matrix(runif(40), 20)
#' res <- op(list(x, y, b, 0.5))
#' dim(res)
#' op(list(s = 0.5, x = x, y = y, b = b))[1, ]
#' @export
keops_kernel <- function(formula, args = character(), sum_scheme = "auto") {
  make_operator(formula, args, sum_scheme, sys.call())
}

sum_schemes <- c("auto", "direct_sum", "block_sum", "kahan_scheme")

make_operator <- function(formula, args, sum_scheme, call) {
  check_string(formula, "formula", call)
  check_choice(sum_scheme, sum_schemes, "sum_scheme", call)
  if (!is.null(args) && !is.character(args)) {
    abort_argument("args", "a character vector such as c(\"x=Vi(3)\", \"y=Vj(3)\")", args, call)
  }
  self <- new.env(parent = emptyenv())
  self$formula <- formula
  self$declared <- parse_declarations(as.character(args), call)
  build_program(self, call)
  check_sum_scheme(sum_scheme, self$info, call)
  self$context <- list(
    formula = formula, args = args, args_info = args_info(self$declared), sum_scheme = sum_scheme
  )
  op <- function(input = NULL, inner_dim = "col") {
    if (is.null(input)) self$context else run_operator(self, input, inner_dim, sys.call())
  }
  structure(op, class = c("keops_operator", "function"))
}

# Also called again when the operator comes back from a file, in which external pointers do not survive.
build_program <- function(self, call) {
  declared <- self$declared
  self$program <- unwrap(rk_program(
    self$formula, declared$name, match(declared$type, categories) - 1L, declared$dim, declared$pos
  ), call)
  self$info <- unwrap(rk_program_info(self$program), call)
}

run_operator <- function(self, input, inner_dim, call) {
  by_rows <- identical(inner_dim, "row")
  if (!by_rows && !identical(inner_dim, "col")) {
    abort_argument("inner_dim", "\"col\" or \"row\"", inner_dim, call,
                   hint = "Data are given in one list: op(list(x, y)).")
  }
  if (!is.list(input) || is.object(input)) {
    abort_argument("input", "a list with the data of the variables", input, call, kind = "input",
                   hint = paste0("Write op(list(", paste(self$info$names, collapse = ", "), "))."))
  }
  if (!is.null(names(input))) input <- by_name(input, self$info$names, call)
  named <- FALSE
  for (k in seq_along(input)) {
    values <- input[[k]]
    if (is.object(values) && !is.complex(values)) {
      input[[k]] <- values <- plain_numbers(values, input_name(self, k), call)
    }
    if (is.complex(values)) input[[k]] <- interleaved_input(values, k, self$info, by_rows, call)
    if (!is.null(dimnames(values))) named <- TRUE
  }
  result <- rk_run(self$program, input, by_rows)
  if (is.object(result)) {
    if (inherits(result, "rkeops_failure") && result$kind == "stale") {
      build_program(self, call)
      result <- rk_run(self$program, input, by_rows)
    }
    result <- unwrap(result, call)
  }
  if (self$info$outputs > 1) {
    if (any(nzchar(self$info$results))) names(result) <- self$info$results
    return(result)
  }
  if (!named) return(result)
  with_row_names(result, row_names_of(input, self$info$categories, self$info$category, by_rows))
}

input_name <- function(self, k) if (k <= length(self$info$names)) self$info$names[k] else paste0("input ", k)

# Complex data for variable k, which has to be declared with twice as many components.
interleaved_input <- function(x, k, info, by_rows, call) {
  if (k > length(info$names) || length(dim(x)) > 2L) return(Re(x))  # refused as real data are
  if (is.matrix(x) && by_rows) x <- t(x)
  parameter <- info$categories[k] == "Pm"
  dim <- if (parameter) length(x) else NCOL(x)
  if (info$dims[k] != 2 * dim) {
    name <- info$names[k]
    rkeops_abort(
      "input", sprintf("`%s` is complex with %d component%s", name, dim, if (dim == 1L) "" else "s"),
      got = sprintf("declared with dimension %.0f", info$dims[k]), call = call, argument = name,
      hint = sprintf("Complex vectors are re, im, re, im, ...: declare \"%s=%s(%d)\".", name, info$categories[k],
                     2L * dim)
    )
  }
  values <- interleave(if (parameter) as.vector(x) else as.matrix(x))
  if (by_rows) t(values) else values
}

# Inputs given by name, in the order of the variables.
by_name <- function(input, wanted, call) {
  given <- names(input)
  if (!all(nzchar(given))) {
    if (!any(nzchar(given))) return(input)
    rkeops_abort("input", "only some elements of `input` have names", call = call, argument = "input",
                 hint = variables_are(wanted, "Name all of them, or none. "))
  }
  wrong <- c(setdiff(given, wanted), given[duplicated(given)])
  missing <- setdiff(wanted, given)
  if (length(wrong) == 0L && length(missing) == 0L) return(input[wanted])
  got <- c(
    if (length(wrong) > 0L) paste0("`", wrong, "` is unknown or given twice"),
    if (length(missing) > 0L) paste0("`", missing, "` is missing")
  )
  rkeops_abort("input", "names of `input` are not those of the variables", got = paste(got, collapse = ", "),
               hint = variables_are(wanted), call = call,
               argument = c(wrong, missing)[1L])
}

variables_are <- function(names, before = "") paste0(before, "Variables are ", paste(names, collapse = ", "), ".")

# ---- declarations

# "x = Vi(3)", "x=Vi(0,3)", "Vi(0,3)", "Var(0,3,0)" as a data frame in all but class: name, type, pos, dim, style.
parse_declarations <- function(args, call) {
  args <- check_text(args, "args", call)
  text <- gsub("[[:space:]]", "", args)
  pattern <- "^(?:([A-Za-z_][A-Za-z0-9_.]*)=)?(Vi|Vj|Vx|Vy|Pm)\\((?:([0-9]{1,9}),)?([0-9]{1,9})\\)$"
  for (category in 0:2) {
    text <- gsub(sprintf("Var\\(([0-9]+),([0-9]+),%d\\)$", category),
                 paste0(categories[category + 1L], "(\\1,\\2)"), text)
  }
  parts <- regmatches(text, regexec(pattern, text, perl = TRUE))
  bad <- which(lengths(parts) == 0L | is.na(args))
  if (length(bad) > 0L) {
    rkeops_abort("argument", sprintf("`args` has a declaration that cannot be read: \"%s\"", args[bad[1L]]), call = call,
                 hint = "Write \"x=Vi(3)\" or, with a position, \"x=Vi(0,3)\"; with Vi, Vj or Pm.", argument = "args")
  }
  part <- function(k) vapply(parts, `[`, "", k)
  type <- part(3L)
  type[type == "Vx"] <- "Vi"
  type[type == "Vy"] <- "Vj"
  positional <- nzchar(part(4L))
  if (any(positional) && !all(positional)) {
    rkeops_abort("argument", "`args` mixes declarations with and without positions", call = call, argument = "args",
                 got = sprintf("\"%s\" and \"%s\"", args[which(positional)[1L]], args[which(!positional)[1L]]))
  }
  name <- part(2L)
  twice <- name[nzchar(name) & duplicated(name)]
  if (length(twice) > 0L) {
    rkeops_abort("argument", sprintf("`args` declares \"%s\" twice", twice[1L]), call = call, argument = "args")
  }
  list(
    text = gsub("[[:space:]]", "", args), name = name, type = type, dim = as.numeric(part(5L)),
    pos = if (any(positional)) as.numeric(part(4L)) else as.numeric(seq_along(text) - 1L),
    style = if (any(positional)) "pos_dim" else "dim"
  )
}

args_info <- function(declared) {
  list(args = declared$text, var_name = declared$name, var_type = declared$type, var_pos = declared$pos,
       var_dim = declared$dim, decl = declared$style)
}

check_sum_scheme <- function(sum_scheme, info, call) {
  if (sum_scheme %in% c("auto", "direct_sum") || info$reduction == "" || of_reduction(info$reduction, "sums")) {
    return(invisible())
  }
  rkeops_abort("argument", sprintf("`sum_scheme` \"%s\" is for sums, not for %s_Reduction", sum_scheme, info$reduction),
               call = call, argument = "sum_scheme", hint = "Use \"auto\".")
}

#' @export
print.keops_operator <- function(x, width = 10L * getOption("width"), ...) {
  context <- x()
  cat("<keops operator> ", cut_text(context$formula, width), "\n", sep = "")
  args <- paste(context$args, collapse = ", ")
  if (nzchar(args)) cat("  args: ", cut_text(args, width), "\n", sep = "")
  invisible(x)
}

# The environment of an operator, for functions that take operators.
operator_self <- function(op, arg, call) {
  if (missing(op)) abort_missing(arg, call)
  if (!inherits(op, "keops_operator")) {
    abort_argument(arg, "an operator made by keops_kernel() or keops_grad()", op, call)
  }
  self <- environment(op)$self
  if (!is.object(probe <- rk_program_info(self$program))) return(self)
  if (probe$kind == "stale") build_program(self, call)
  self
}
