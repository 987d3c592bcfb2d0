# Reductions of LazyTensors over i or j, and the same functions inside the vector (no index).

#' Reductions of LazyTensors
#'
#' With `index = "j"` the matrix is reduced over j: the result has one row per i. With `index = "i"` it is reduced over
#' i. Without `index`, `sum()`, `mean()`, `min()`, `max()`, `argmin()` and `argmax()` work inside the vectors and give a
#' LazyTensor of dimension 1.
#'
#' @details
#' * `sum`, `mean`, `min`, `max`: component by component. Without `index`, `mean()` is the mean of the components.
#' * `argmin`, `argmax`: number of the row where the extremum is (the first one, if several). Rows count from 1, or
#'   as the option `index_base` says; a position that does not exist is `NA`.
#' * `min_argmin`, `max_argmax`: both, as a list of two matrices.
#' * `Kmin`, `argKmin`, `Kmin_argKmin`: the K smallest values, in increasing order, and where they are. A matrix with K
#'   columns if `x` has dimension 1, otherwise an array n x K x D.
#' * `logsumexp`: log of the sum of `exp(x)`, component by component, computed without overflow; with weights log of the
#'   sum of `exp(x) * weight`, where `x` has dimension 1.
#' * `sumsoftmaxweight`: sum of `exp(x) * weight` divided by the sum of `exp(x)`, where `x` has dimension 1.
#' * `sum_reduction` and so on are the same functions under other names, `reduction.LazyTensor` takes the name of the
#'   reduction in the formula language.
#'
#' @param x a LazyTensor.
#' @param index `"i"` or `"j"`; `NA` where allowed: work inside the vector.
#' @param K number of values to keep, at most the number of rows reduced over.
#' @param weight a LazyTensor, a number, or a numeric vector that is a parameter.
#' @param opstr name of the reduction, such as `"Sum"` or `"KMin"`.
#' @param opt_arg K or the weight, for reductions that need one.
#' @param ... for `sum()`, `min()`, `max()`: the LazyTensor and `index`; not used by `mean()`.
#' @param na.rm not used. As for R numbers, NA and NaN propagate through `sum`, `min` and `max`, and `argmin` and
#'   `argmax` skip them.
#' @return A numeric matrix with one row per row that is not reduced over (or an array, or a list of two, see above);
#'   complex for sums and means of complex LazyTensors. Without `index` a LazyTensor.
#' @name lazytensor_reductions
#' @aliases sum.LazyTensor min.LazyTensor max.LazyTensor Summary.LazyTensor
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' D_ij <- sqdist(Vi(x), Vj(y))
#' sum(exp(-D_ij), index = "j")
#' argmin(D_ij, index = "j")
#' argKmin(D_ij, K = 2, index = "j")
#' logsumexp(-D_ij, index = "i")
NULL

#' @rdname lazytensor_reductions
#' @export
Summary.LazyTensor <- function(..., na.rm = FALSE) {
  arguments <- list(...)
  generic <- .Generic
  shown <- lapply(arguments[-1L], function(a) if (is.atomic(a) && length(a) < 2L) a else quote(y))
  call <- as.call(c(list(as.name(generic), quote(x)), shown))
  if (!generic %in% c("sum", "min", "max")) refuse_function(generic, call, summary_hints[generic])
  if (length(arguments) > 2L || (length(arguments) == 2L && !(names(arguments)[2L] %||% "") %in% c("", "index"))) {
    rkeops_abort("argument", sprintf("%s() of a LazyTensor takes the LazyTensor and `index`", generic), call = call,
                 hint = "index = \"j\" reduces over the rows j (axis 1 of formulas), \"i\" over the rows i (axis 0).")
  }
  if (length(arguments) == 2L && (is.LazyTensor(arguments[[2L]]) || is.numeric(arguments[[2L]]))) {
    rkeops_abort(
      "argument", sprintf("%s() takes one LazyTensor and `index`, \"i\" or \"j\"", generic), call = call,
      got = paste("got", describe(arguments[[2L]]), "as the second argument"),
      hint = switch(generic, sum = "x + y adds two LazyTensors.", max = "ifelse(x > y, x, y) is the larger one of two.",
                    min = "ifelse(x < y, x, y) is the smaller one of two.")
    )
  }
  if (!is.LazyTensor(arguments[[1L]])) check_lazytensor(arguments[[1L]], "x", call)
  index <- if (length(arguments) == 2L) arguments[[2L]] else NA
  inside_or_reduce(arguments[[1L]], paste0(toupper(substr(generic, 1L, 1L)), substring(generic, 2L)), index, call)
}

summary_hints <- c(
  range = "Call min() and max().", prod = "exp(sum(log(x), index)) is the product of positive numbers.",
  any = "max(x, index) is 1 where any is true.", all = "min(x, index) is 1 where all are true."
)

#' @rdname lazytensor_reductions
#' @export
mean.LazyTensor <- function(x, index = NA, ...) {
  call <- sys.call()
  axis <- check_index(index, call, na_ok = TRUE)
  if (is.na(axis)) return(apply_operation("Sum", list(x = x), call = call) / x$dimres)
  rows <- if (axis == 0L) x$ni else x$nj
  reduce_lazytensor(x, "Sum", index, call = call) / if (is.na(rows)) 1 else rows
}

`%||%` <- function(x, y) if (is.null(x)) y else x

inside_or_reduce <- function(x, name, index, call) {
  if (is.na(check_index(index, call, na_ok = TRUE))) {
    result <- apply_operation(name, list(x = x), call = call)
    return(if (name %in% c("ArgMin", "ArgMax") && index_base() != 0L) result + index_base() else result)
  }
  reduce_lazytensor(x, name, index, call = call)
}

# Evaluates `name`_Reduction(x[, option], axis). `option` is K or a weight.
reduce_lazytensor <- function(x, name, index, option = NULL, call = NULL) {
  check_lazytensor(x, "x", call)
  axis <- check_index(index, call)
  weight <- is.LazyTensor(option)
  complex <- check_complex_reduction(x, name, option, call)
  merged <- merge_operands(if (weight) list(x, option) else list(x), call)
  pieces <- c(merged$formulas, if (!is.null(option) && !weight) sprintf("%.0f", option))
  if (length(merged$args) == 0L) {
    rkeops_abort("argument", "`x` is a constant: there is nothing to reduce", call = call, argument = "x",
                 hint = "An expression needs at least one variable made by Vi(), Vj() or Pm().")
  }
  formula <- paste0(name, "_Reduction(", paste(pieces, collapse = ","), ",", axis, ")")
  result <- evaluate(formula, merged$args, merged$data, call, merged$tokens)
  if (complex) result <- deinterleave(result)
  named_reduction(result, merged, axis, if (weight) option$components else x$components)
}

# Evaluates a formula over LazyTensor variables. They are renamed V0, V1, ..., so that expressions of the same form on
# other data are the same program.
evaluate <- function(formula, args, data, call, tokens = NULL) {
  ids <- identifier(args)
  declared <- declared_as(args)
  for (k in seq_along(ids)) formula <- gsub(ids[k], paste0("V", k - 1L), formula, fixed = TRUE)
  if (current_options()$formula_only) {
    message("formula: ", formula, "\nargs: ", paste0("V", seq_along(ids) - 1L, "=", declared, collapse = ", "))
    rkeops_abort("argument", "nothing was computed because the option `formula_only` is TRUE", call = call)
  }
  program <- settle(rk_program(
    formula, paste0("V", seq_along(ids) - 1L), match(substr(declared, 1L, 2L), categories) - 1L,
    as.numeric(substr(declared, 4L, nchar(declared) - 1L)), as.numeric(seq_along(ids) - 1L)
  ), call, written = FALSE)
  settle(rk_run(program, data, FALSE, runtime_options(), tokens), call, written = FALSE)
}

categories <- c("Vi", "Vj", "Pm")

#' @rdname lazytensor_reductions
#' @export
argmin <- function(x, index = NA) inside_or_reduce(x, "ArgMin", index, sys.call())

#' @rdname lazytensor_reductions
#' @export
argmax <- function(x, index = NA) inside_or_reduce(x, "ArgMax", index, sys.call())

#' @rdname lazytensor_reductions
#' @export
min_argmin <- function(x, index) reduce_lazytensor(x, "Min_ArgMin", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
max_argmax <- function(x, index) reduce_lazytensor(x, "Max_ArgMax", index, call = sys.call())

reduce_nearest <- function(x, name, K, index, call) {
  check_lazytensor(x, "x", call)
  axis <- check_index(index, call)
  rows <- if (axis == 0L) x$ni else x$nj
  K <- check_whole(K, "K", call, min = 1)
  if (!is.na(rows) && K > rows) {
    rkeops_abort("argument", sprintf("`K` is %.0f, but there are only %.0f rows %s", K, rows, index), call = call,
                 argument = "K")
  }
  reduce_lazytensor(x, name, index, K, call)
}

#' @rdname lazytensor_reductions
#' @export
Kmin <- function(x, K, index) reduce_nearest(x, "KMin", K, index, sys.call())

#' @rdname lazytensor_reductions
#' @export
argKmin <- function(x, K, index) reduce_nearest(x, "ArgKMin", K, index, sys.call())

#' @rdname lazytensor_reductions
#' @export
Kmin_argKmin <- function(x, K, index) reduce_nearest(x, "KMin_ArgKMin", K, index, sys.call())

#' @rdname lazytensor_reductions
#' @export
logsumexp <- function(x, index, weight = NULL) {
  call <- sys.call()
  if (is.null(weight)) return(reduce_lazytensor(x, "LogSumExp", index, call = call))
  reduce_lazytensor(x, "LogSumExpWeight", index, as_operand(weight, "weight", call), call)
}

#' @rdname lazytensor_reductions
#' @export
sumsoftmaxweight <- function(x, index, weight) {
  call <- sys.call()
  reduce_lazytensor(x, "SumSoftMaxWeight", index, as_operand(weight, "weight", call), call)
}

#' @rdname lazytensor_reductions
#' @export
reduction.LazyTensor <- function(x, opstr, index, opt_arg = NULL) {
  call <- sys.call()
  check_string(opstr, "opstr", call)
  if (!is.null(opt_arg) && !is.LazyTensor(opt_arg)) {
    if (grepl("KMin$", opstr)) return(reduce_nearest(x, opstr, opt_arg, index, call))
    opt_arg <- as_operand(opt_arg, "opt_arg", call)
  }
  reduce_lazytensor(x, opstr, index, opt_arg, call)
}

#' @rdname lazytensor_reductions
#' @export
sum_reduction <- function(x, index) reduce_lazytensor(x, "Sum", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
min_reduction <- function(x, index) reduce_lazytensor(x, "Min", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
max_reduction <- function(x, index) reduce_lazytensor(x, "Max", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
argmin_reduction <- function(x, index) reduce_lazytensor(x, "ArgMin", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
argmax_reduction <- function(x, index) reduce_lazytensor(x, "ArgMax", index, call = sys.call())

#' @rdname lazytensor_reductions
#' @export
min_argmin_reduction <- min_argmin

#' @rdname lazytensor_reductions
#' @export
max_argmax_reduction <- max_argmax

#' @rdname lazytensor_reductions
#' @export
Kmin_reduction <- Kmin

#' @rdname lazytensor_reductions
#' @export
argKmin_reduction <- argKmin

#' @rdname lazytensor_reductions
#' @export
Kmin_argKmin_reduction <- Kmin_argKmin

#' @rdname lazytensor_reductions
#' @export
logsumexp_reduction <- logsumexp

#' @rdname lazytensor_reductions
#' @export
sumsoftmaxweight_reduction <- sumsoftmaxweight
