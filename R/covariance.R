# Covariance functions that are compositions of operations.

#' Matern covariance functions
#'
#' The Matern covariance of `x` and `y` at distance r = |x - y| / lengthscale, with smoothness `nu`, for the three values
#' in common use:
#'
#' | `nu` | covariance |
#' |:-----|:-----------|
#' | 0.5 | exp(-r) |
#' | 1.5 | (1 + sqrt(3) r) exp(-sqrt(3) r) |
#' | 2.5 | (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r) |
#'
#' It is 1 at distance 0 and differentiable by [grad()] in all arguments but `nu`; at distance 0 derivatives are 0, also for
#' `nu = 0.5`, where there is a kink.
#'
#' @param x,y LazyTensors of the same dimension, the points (and not their distance).
#' @param lengthscale a positive number; a vector of as many positive numbers as `x` has components, one for each; or a
#'   LazyTensor of positive values, of dimension 1 or that of `x`.
#' @param nu smoothness: 0.5, 1.5 or 2.5.
#' @return A LazyTensor of dimension 1. Errors: of class `rkeops_error_argument` for another `nu` or a `lengthscale`
#'   that is not positive, `rkeops_error_dimension` for dimensions that do not go together.
#' @references C. E. Rasmussen and C. K. I. Williams (2006), *Gaussian Processes for Machine Learning*, MIT Press,
#'   equations (4.14) and (4.17).
#' @seealso [solve.LazyTensor()]; `vignette("kernel-interpolation")`.
#' @concept kriging
#' @concept Gaussian process
#' @concept covariance function
#' @concept variogram
#' @concept spatial statistics
#' @concept kernel
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' matern(Vi(x), Vj(y), lengthscale = 0.5) %*% rnorm(5)
#' sum(matern(Vi(x), Vj(y), lengthscale = c(0.5, 2), nu = 2.5), index = "j")
#' @export
matern <- function(x, y, lengthscale = 1, nu = 1.5) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  if (!is.numeric(nu) || length(nu) != 1L || !nu %in% c(0.5, 1.5, 2.5)) {
    abort_argument("nu", "0.5, 1.5 or 2.5", nu, call)
  }
  difference <- difference_of(x, y, call)
  check_lengthscale(lengthscale, difference$dimres, call)
  per_length <- sqrt(2 * nu) / lengthscale
  # One length for all components is applied to the distance: one product instead of one for each.
  one <- (if (is.LazyTensor(per_length)) per_length$dimres else length(per_length)) == 1
  r <- if (one) norm2(difference) * per_length else norm2(difference * per_length)
  if (nu == 0.5) exp(-r)
  else if (nu == 1.5) (1 + r) * exp(-r)
  else (1 + r + square(r) / 3) * exp(-r)
}

# x - y, with errors that speak of points.
difference_of <- function(x, y, call) {
  x <- as_operand(x, "x", call)
  y <- as_operand(y, "y", call)
  if (x$dimres != y$dimres && !1 %in% c(x$dimres, y$dimres)) {
    rkeops_abort("dimension", sprintf("`x` and `y` have dimensions %.0f and %.0f", x$dimres, y$dimres), call = call,
                 argument = "y", hint = "Points in `x` and in `y` have as many components.")
  }
  apply_operation("Subtract", list(x = x, y = y), call = call)
}

check_lengthscale <- function(lengthscale, dim, call) {
  if (is.LazyTensor(lengthscale)) {
    length <- lengthscale$dimres
  } else {
    plain <- is.numeric(lengthscale) && !is.object(lengthscale) && is.null(dim(lengthscale))
    if (!plain || anyNA(lengthscale) || any(lengthscale <= 0)) {
      abort_argument("lengthscale", "a positive number, or a vector of them", lengthscale, call)
    }
    length <- length(lengthscale)
  }
  if (length %in% c(1, dim)) return(invisible())
  rkeops_abort("dimension", sprintf("`lengthscale` has dimension %.0f, that of the points is %.0f", length, dim),
               call = call, argument = "lengthscale", hint = "Give one number, or one for each component.")
}
