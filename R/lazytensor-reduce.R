# Reductions of LazyTensors over i, over j or over both, and the same functions inside the vector (no index).

#' Reductions of LazyTensors
#'
#' With `index = "j"` the matrix is reduced over j: the result has one row per i. With `index = "i"` it is reduced over
#' i, with `index = "ij"` over both. Without `index`, `sum()`, `mean()`, `min()`, `max()`, `range()`, `any()`, `all()`,
#' `argmin()` and `argmax()` work inside the vectors and give a LazyTensor of dimension 1 (2 for `range()`).
#'
#' @details
#' * `sum`, `mean`, `min`, `max`: component by component. Without `index`, `mean()` is the mean of the components.
#' * `range`: smallest and largest value, in two columns (an array n x 2 x D for dimension D above 1).
#' * `any`, `all`: truth values; as in `!x`, every number but 0 counts as true. Comparisons hold no NaN, see
#'   [lazytensor_operators].
#' * `argmin`, `argmax`: number of the row where the extremum is (the first one, if several). Rows count from 1, or
#'   as the option `index_base` says; a position that does not exist is `NA`.
#' * `min_argmin`, `max_argmax`: both, as a list of two matrices, `value` and `position`.
#' * `Kmin`, `argKmin`, `Kmin_argKmin`: the K smallest values, in increasing order, and where they are. A matrix with K
#'   columns if `x` has dimension 1, otherwise an array n x K x D.
#' * `logsumexp`: log of the sum of `exp(x)`, component by component, computed without overflow; with weights log of the
#'   sum of `exp(x) * weight`, where `x` has dimension 1.
#' * `sumsoftmaxweight`: sum of `exp(x) * weight` divided by the sum of `exp(x)`, where `x` has dimension 1.
#' * `sum_reduction` and so on are the same functions under other names, `reduction.LazyTensor` takes the name of the
#'   reduction in the formula language.
#'
#' **Both indices.** `index = "ij"` gives what the whole matrix gives: a number, or a vector for dimension D above 1.
#' Positions are pairs of row numbers `c(i = , j = )`; several of them are a matrix with the columns i and j, one row
#' per component, or for the K nearest one per value (an array K x 2 x D for D above 1). Of equal extrema the first is
#' taken in the order of a matrix, column after column.
#'
#' **Weights** that are plain numbers belong to the rows that are reduced over: a vector has one number per row, a
#' matrix or data frame one row per row, also where that is the dimension of vectors, too. A single number is the same
#' weight for all. (So it is in `K %*% w`. In `K * w`, a vector is a parameter of its length; wrap numbers that belong
#' to rows.) `Pm(w)` is a weight with several components, the same for all rows.
#'
#' **Missing values.** As for R numbers, NA and NaN propagate through `sum`, `mean`, `min`, `max`, `range`, `logsumexp`
#' and `sumsoftmaxweight`; `argmin`, `min_argmin`, `Kmin` and their like pass over them, as [which.min()] does. With
#' `na.rm = TRUE` values that are NaN are left out everywhere, component by component, with weights pairs of which the
#' value or the weight has a NaN. What remains of nothing: 0 for `sum`, NaN for `mean` and `sumsoftmaxweight`, Inf for
#' `min`, -Inf for `max` and `logsumexp`, `FALSE` for `any`, `TRUE` for `all`; for `min_argmin`, `Kmin` and their like
#' values are NaN and positions `NA`. The same holds for pairs that [off_diagonal()] or `blocks` leave out.
#'
#' **Tolerance.** With `tol` above 0 (or the option `tolerance` of [set_rkeops_options()], which holds for `%*%`, [mean()],
#' [solve()] and the like too) sums may be off: for every row by at most `tol` times the sum of absolute values, `sum(abs(x))`,
#' and `logsumexp()` without weights by at most `-log(1 - tol)`; rounding comes on top. On CPUs, blocks of pairs far from each
#' other are then replaced by what bounds of the formula say, where that saves time; this is a guarantee, not a guess. The
#' attribute `certificate` of the result says which part of `sum(abs(x))` it is off at most; 0: it is exact. Numbers of rows j (of
#' rows i in sums over i) that the formula is a product with, as in `K %*% b`, may have both signs: blocks of pairs are replaced
#' where the rest of the formula varies little. It holds for sums over `blocks` too. Exact remain sums that are read by other
#' formulas, as in gradients of gradients, `SumBoth_Reduction`, `logsumexp()` with weights, and all sums on GPUs.
#'
#' **Names.** Rows of results have the row names of the data whose rows they stand for, if those are a matrix with
#' names.
#'
#' @param x a LazyTensor.
#' @param index `"i"`, `"j"` or `"ij"`; `NA` where allowed: work inside the vector. An index that does not occur in `x`
#'   (or the weight) is an error.
#' @param K number of values to keep, at most the number of rows (or pairs) reduced over.
#' @param weight a LazyTensor, a number, a vector with one number per row that is reduced over, or a matrix or data
#'   frame with one row per such row.
#' @param opstr name of the reduction, such as `"Sum"` or `"KMin"`.
#' @param opt_arg K or the weight, for reductions that need one.
#' @param ... for `sum()`, `min()` and the like: the LazyTensor, which comes first, `index`, `blocks` and `self`.
#' @param na.rm `TRUE`: leave out values that are NaN or NA.
#' @param blocks which pairs (i, j) are taken: what [blocks()], [blocks_within()] or the like give. `NULL`: all pairs.
#' @param self `FALSE`: the pairs i = j are left out, as by [off_diagonal()].
#' @param tol tolerance of `sum()` over an index and `logsumexp()`: a number from 0 to below 1; `NULL`: the option
#'   `tolerance`.
#' @param trim 0; trimmed means are not available.
#' @return A matrix with one row per row that is not reduced over (or an array, or a list of two, see above): numeric,
#'   integer for positions, logical for `any()` and `all()`, complex for sums and means of complex LazyTensors. Without
#'   `index` a LazyTensor.
#'
#'   Errors: of class `rkeops_error_argument` if the index does not occur, or arguments are unknown;
#'   `rkeops_error_dimension` if a weight has the wrong number of rows; `rkeops_error_unsupported` for `prod()` and for
#'   reductions that have no meaning for complex numbers.
#' @seealso [off_diagonal()] to leave out the pairs i = j, [blocks()] for parts of the matrix, [lazytensor_base] for other functions of base R.
#' @name lazytensor_reductions
#' @aliases sum.LazyTensor min.LazyTensor max.LazyTensor range.LazyTensor any.LazyTensor all.LazyTensor
#'   Summary.LazyTensor
#' @seealso [lazytensor_product] for `%*%`, [gradients()] for derivatives; `vignette("neighbours-and-clusters")`.
#' @concept nearest neighbour
#' @concept nearest neighbor
#' @concept k nearest neighbours
#' @concept kernel density estimation
#' @concept density estimation
#' @concept k-means
#' @concept clustering
#' @concept log-sum-exp
#' @concept softmax
#' @concept kernel smoothing
#' @concept local regression
#' @concept optimal transport
#' @concept Sinkhorn
#' @concept two-sample test
#' @concept maximum mean discrepancy
#' @concept energy distance
#' @concept row sums
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' D_ij <- sqdist(Vi(x), Vj(y))
#' sum(exp(-D_ij), index = "j")
#' argmin(D_ij, index = "j")
#' argKmin(D_ij, K = 2, index = "j")
#' logsumexp(-D_ij, index = "i")
#' logsumexp(-D_ij, index = "j", weight = 1:5)
#' mean(D_ij, index = "ij")
#' argmin(D_ij, index = "ij")
#' any(D_ij < 0.01, index = "j")
NULL

#' @rdname lazytensor_reductions
#' @export
argmin <- function(x, index = NA, na.rm = FALSE, blocks = NULL, self = TRUE) {
  call <- sys.call()
  inside_or_reduce(with_pairs(x, blocks, self, call), "ArgMin", index, na.rm, call)
}

#' @rdname lazytensor_reductions
#' @export
argmax <- function(x, index = NA, na.rm = FALSE, blocks = NULL, self = TRUE) {
  call <- sys.call()
  inside_or_reduce(with_pairs(x, blocks, self, call), "ArgMax", index, na.rm, call)
}

#' @rdname lazytensor_reductions
#' @export
min_argmin <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "Min_ArgMin", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
max_argmax <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "Max_ArgMax", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

reduce_nearest <- function(x, name, K, index, na_rm, blocks, self, call) {
  x <- with_pairs(check_lazytensor(x, "x", call), blocks, self, call)
  axis <- check_index(index, call, both = TRUE)
  K <- check_whole(K, "K", call, min = 1)
  count <- check_occurs(x, axis, call)
  if (K > count) {
    what <- if (axis == 2L) "pairs (i, j)" else paste("rows", index)
    rkeops_abort("argument", sprintf("`K` is %.0f, but there are only %.0f %s", K, count, what), call = call,
                 argument = "K")
  }
  reduce_lazytensor(x, name, index, K, call, na_rm)
}

#' @rdname lazytensor_reductions
#' @export
Kmin <- function(x, K, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_nearest(x, "KMin", K, index, na.rm, blocks, self, sys.call())
}

#' @rdname lazytensor_reductions
#' @export
argKmin <- function(x, K, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_nearest(x, "ArgKMin", K, index, na.rm, blocks, self, sys.call())
}

#' @rdname lazytensor_reductions
#' @export
Kmin_argKmin <- function(x, K, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_nearest(x, "KMin_ArgKMin", K, index, na.rm, blocks, self, sys.call())
}

#' @rdname lazytensor_reductions
#' @export
logsumexp <- function(x, index, weight = NULL, na.rm = FALSE, tol = NULL, blocks = NULL, self = TRUE) {
  call <- sys.call()
  if (!is.null(tol)) return(with_tolerance(tol, logsumexp(x, index, weight, na.rm, blocks = blocks, self = self), call))
  if (is.null(weight)) return(reduce_lazytensor(x, "LogSumExp", index, call = call, na_rm = na.rm, blocks = blocks, self = self))
  reduce_weighted(x, "LogSumExpWeight", index, weight, "weight", na.rm, blocks, self, call)
}

#' @rdname lazytensor_reductions
#' @export
sumsoftmaxweight <- function(x, index, weight, na.rm = FALSE, blocks = NULL, self = TRUE) {
  call <- sys.call()
  if (missing(weight)) {
    rkeops_abort("argument", "`weight` is missing", call = call, argument = "weight",
                 hint = "Give one number per row that is reduced over, or a LazyTensor.")
  }
  reduce_weighted(x, "SumSoftMaxWeight", index, weight, "weight", na.rm, blocks, self, call)
}

reduce_weighted <- function(x, name, index, weight, arg, na_rm, blocks, self, call) {
  x <- with_pairs(check_lazytensor(x, "x", call), blocks, self, call)
  weight <- as_weight(weight, arg, x, check_index(index, call, both = TRUE), call)
  reduce_lazytensor(x, name, index, weight, call, na_rm)
}

# What a reduction over `axis` takes as weight: plain numbers belong to the rows that are folded.
as_weight <- function(weight, arg, x, axis, call) {
  if (is.LazyTensor(weight)) return(weight)
  if (!is.complex(weight)) weight <- plain_numbers(weight, arg, call)
  if (is.null(dim(weight)) && length(weight) <= 1L) return(as_operand(weight, arg, call))
  if (length(dim(weight)) > 2L) abort_argument(arg, "a LazyTensor, a vector or a matrix", weight, call, kind = "input")
  rows <- check_occurs(x, axis, call)
  if (axis == 2L) {
    rkeops_abort("argument", sprintf("`%s` must say which index it has, since `index` is \"ij\"", arg), call = call,
                 argument = arg, got = paste("got", describe(weight)),
                 hint = sprintf("Write Vi(matrix(%s)) or Vj(matrix(%s)) for one number per row i or j.", arg, arg))
  }
  index <- c("i", "j")[axis + 1L]
  if (NROW(weight) == rows) return(make_lazytensor(as.matrix(weight), index, FALSE, "", call))
  other <- c("j", "i")[axis + 1L]
  hint <- if (NROW(weight) %in% x[[paste0("n", other)]]) sprintf("V%s(matrix(%s)) has one number per row %s.", other, arg,
                                                                 other)
          else if (is.null(dim(weight))) sprintf("Pm(%s) is a weight of dimension %d, the same for all rows.", arg,
                                                 length(weight))
  rkeops_abort("dimension", sprintf("`%s` must have one number, or row of numbers, for each of the %.0f rows %s", arg,
                                    rows, index),
               call = call, argument = arg, got = paste("got", describe(weight)), hint = hint)
}

#' @rdname lazytensor_reductions
#' @export
reduction.LazyTensor <- function(x, opstr, index, opt_arg = NULL, na.rm = FALSE, blocks = NULL, self = TRUE) {
  call <- sys.call()
  check_string(opstr, "opstr", call)
  if (isTRUE(of_reduction(opstr, "ranked"))) return(reduce_nearest(x, opstr, opt_arg, index, na.rm, blocks, self, call))
  if (opstr == "LogSumExp" && !is.null(opt_arg)) opstr <- "LogSumExpWeight"
  if (opstr == "SoftMax") opstr <- "SumSoftMaxWeight"
  weighted <- isTRUE(of_reduction(opstr, "weighted"))
  if (weighted == is.null(opt_arg)) {
    message <- if (weighted) "`opt_arg` is missing: %s needs a weight" else "%s has no `opt_arg`"
    rkeops_abort("argument", sprintf(message, opstr), call = call, argument = "opt_arg",
                 hint = paste("It is K for \"KMin\", \"ArgKMin\" and \"KMin_ArgKMin\", and the weight of",
                              "\"LogSumExp\" and \"SumSoftMaxWeight\"."))
  }
  if (weighted) return(reduce_weighted(x, opstr, index, opt_arg, "opt_arg", na.rm, blocks, self, call))
  reduce_lazytensor(x, opstr, index, call = call, na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
sum_reduction <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "Sum", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
min_reduction <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "Min", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
max_reduction <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "Max", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
argmin_reduction <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "ArgMin", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

#' @rdname lazytensor_reductions
#' @export
argmax_reduction <- function(x, index, na.rm = FALSE, blocks = NULL, self = TRUE) {
  reduce_lazytensor(x, "ArgMax", index, call = sys.call(), na_rm = na.rm, blocks = blocks, self = self)
}

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
