# B-splines and time warping.

#' B-splines of LazyTensors
#'
#' `bspline(x, knots, degree)` is the vector of all B-splines on the given knots at the number x: a basis for smooth
#' functions of a coordinate, or of a distance.
#'
#' @details
#' The splines are those of `splines::splineDesign(knots, x, ord = degree + 1)` at all x that are not below the first
#' knot and below the last one (also outside of the inner knots); elsewhere they are 0, as at the last knot. They are
#' differentiable in `x` and in the knots.
#' @param x a LazyTensor of dimension 1, or a number.
#' @param knots the knots in increasing order, boundary knots repeated as often as needed: a numeric vector, or a
#'   LazyTensor of at least `degree + 2` components.
#' @param degree degree of the polynomials, a whole number from 0 on; 3 for cubic splines.
#' @return A LazyTensor of dimension `length(knots) - degree - 1`. Errors: of class `rkeops_error_dimension` if `x` has
#'   another dimension than 1 or there are too few knots, `rkeops_error_input` if knots decrease.
#' @seealso [lazytensor_functions], [one_hot()] for steps.
#' @concept B-spline
#' @concept spline basis
#' @concept regression splines
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' knots <- c(0, 0, 0, 0, 0.5, 1.5, 1.5, 1.5, 1.5)
#' basis_ij <- bspline(norm2(Vi(x) - Vj(y)), knots)
#' basis_ij$dimres
#' sum(basis_ij | c(1, 0.8, 0.4, 0.1, 0), index = "j")
#' @export
bspline <- function(x, knots, degree = 3) {
  call <- sys.call()
  require_given(call, x = missing(x), knots = missing(knots))
  degree <- check_whole(degree, "degree", call, min = 0)
  x <- check_scalar(as_operand(x, "x", call), "x", call)
  if (is.numeric(knots) && !is.object(knots) && is.null(dim(knots)) && (anyNA(knots) || is.unsorted(knots))) {
    rkeops_abort("input", "`knots` must be numbers in increasing order", call = call, argument = "knots",
                 hint = "Knots may be equal, as in c(0, 0, 0.5, 1, 1).")
  }
  knots <- check_real(as_operand(knots, "knots", call, label_of(substitute(knots))), "knots", call)
  if (knots$dimres < degree + 2) {
    rkeops_abort("dimension", sprintf("`knots` has %.0f components, degree %.0f needs at least %.0f", knots$dimres,
                                      degree, degree + 2), call = call, argument = "knots")
  }
  apply_operation("BSpline", list(knots = knots, x = x), degree, call)
}

#' Soft dynamic time warping
#'
#' `softdtw(x, y, gamma)` compares two series of numbers, which may have different lengths: the soft minimum, over all
#' ways to align them, of the sum of squared differences. For `gamma` to 0 it is dynamic time warping; it is differentiable,
#' and may be negative.
#'
#' @param x,y LazyTensors or numeric vectors; their components are the series, of some ten values each at most: the
#'   formula grows with their product.
#' @param gamma softness, a positive number or a LazyTensor of dimension 1.
#' @return A LazyTensor of dimension 1. Errors: of class `rkeops_error_argument` if `gamma` is not positive,
#'   `rkeops_error_dimension` if it is a vector.
#' @references M. Cuturi and M. Blondel (2017), Soft-DTW: a differentiable loss function for time-series, *ICML*.
#' @seealso [lazytensor_functions].
#' @concept dynamic time warping
#' @concept time series
#' @concept alignment
#' @examples
#' series <- matrix(rnorm(30), 5)
#' centres <- matrix(rnorm(8), 2)
#' argmin(softdtw(Vi(series), Vj(centres), gamma = 0.1), index = "j")
#' @export
softdtw <- function(x, y, gamma = 1) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  positive <- is.LazyTensor(gamma) ||
    is.numeric(gamma) && !is.object(gamma) && length(gamma) == 1L && !is.na(gamma) && gamma > 0
  if (!positive) {
    abort_argument("gamma", "a positive number, or a LazyTensor", gamma, call)
  }
  operands <- list(
    x = check_real(as_operand(x, "x", call), "x", call), y = check_real(as_operand(y, "y", call), "y", call),
    gamma = check_scalar(as_operand(gamma, "gamma", call), "gamma", call)
  )
  apply_operation("SoftDTW_SqDist", operands, call = call)
}

# A real LazyTensor of dimension 1.
check_scalar <- function(x, arg, call) {
  check_real(x, arg, call)
  if (x$dimres == 1) return(x)
  rkeops_abort("dimension", sprintf("`%s` has dimension %.0f, 1 is needed", arg, x$dimres), call = call, argument = arg,
               hint = sprintf("elem(%s, k) is component k.", arg))
}
