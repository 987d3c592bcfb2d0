# Tests for values that are no ordinary numbers.

#' Missing and infinite values of LazyTensors
#'
#' `is.na(x)` and `is.nan(x)` hold the truth values of "is NaN", `is.finite(x)` and `is.infinite(x)` what their names
#' say, component by component: LazyTensors, for `ifelse()`, `&`, `sum()` and the like. NA in data becomes NaN.
#' `anyNA(x)` computes: is there any NaN in the whole matrix?
#'
#' In formulas as text, `NotEqual(x, x)` is 1 where x is NaN, else 0.
#'
#' @param x a LazyTensor.
#' @param recursive not used.
#' @return A LazyTensor of truth values, see [lazytensor_operators]; `anyNA()`: `TRUE` or `FALSE`.
#' @seealso `na.rm` of the [reductions][lazytensor_reductions].
#' @name lazytensor_missing
#' @seealso `vignette("recipes")`.
#' @concept missing values
#' @concept NA
#' @examples
#' x <- matrix(c(1, NA, 3))
#' D_ij <- sqdist(Vi(x), Vj(x))
#' sum(is.na(D_ij), index = "j")             # how many are missing
#' sum(ifelse(is.na(D_ij), 0, D_ij), index = "j")
#' sum(D_ij, index = "j", na.rm = TRUE)      # the same
NULL

#' @rdname lazytensor_missing
#' @export
is.na.LazyTensor <- function(x) {
  parent <- sys.parent()
  refuse_inside(parent)
  is_nan(x)
}

#' @rdname lazytensor_missing
#' @export
is.nan.LazyTensor <- function(x) is_nan(x)

#' @rdname lazytensor_missing
#' @export
is.finite.LazyTensor <- function(x) {
  if (is.ComplexLazyTensor(x)) is.finite.LazyTensor(Re(x)) & is.finite.LazyTensor(Im(x)) else abs(x) < Inf
}

#' @rdname lazytensor_missing
#' @export
is.infinite.LazyTensor <- function(x) {
  if (is.ComplexLazyTensor(x)) is.infinite.LazyTensor(Re(x)) | is.infinite.LazyTensor(Im(x)) else abs(x) == Inf
}

#' @rdname lazytensor_missing
#' @export
anyNA.LazyTensor <- function(x, recursive = FALSE) {
  index <- paste(c("i", "j")[!is.na(c(x$ni, x$nj))], collapse = "")
  if (nzchar(index)) any(any(is_nan(x), index)) else any(as.array(is_nan(x)))
}

is_nan <- function(x) if (is.ComplexLazyTensor(x)) is_nan(Re(x)) | is_nan(Im(x)) else x != x
