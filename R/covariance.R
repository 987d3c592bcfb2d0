# Covariance functions that are compositions of operations.

#' Covariance functions
#'
#' Kernels of the points x and y, with r = |x - y| / lengthscale, the Euclidean distance in units of the length:
#'
#' | function | covariance |
#' |:---------|:-----------|
#' | `gaussian()` | exp(-r^2 / 2) |
#' | `laplace()` | exp(-r) |
#' | `rational_quadratic()` | (1 + r^2 / (2 alpha))^-alpha, a mixture of Gaussian ones of many lengths |
#' | `periodic()` | exp(-2 s), where s is the sum of sin(pi (x - y) / period)^2 / lengthscale^2 over the components |
#' | `matern()` | 2^(1 - nu) / gamma(nu) z^nu besselK(z, nu) with z = sqrt(2 nu) r; `nu` is the smoothness |
#'
#' All are 1 at distance 0 and differentiable by [grad()] and [gradients()] in the points, in LazyTensors that are given as
#' `lengthscale`, `period` or `alpha`, and not in `nu`; at distance 0 derivatives are 0, also where there is a kink.
#'
#' @details The Matern covariance is exp(-r) for `nu = 0.5`, (1 + sqrt(3) r) exp(-sqrt(3) r) for 1.5 and
#' (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r) for 2.5; such forms are used up to 10.5. For other `nu` it is computed as a
#' sum of some 100 Gaussian kernels, right to 13 digits of its value at 0 for distances from 1e-8 lengths on (and at 0), and
#' takes about ten times as long.
#'
#' `gaussian()` is a generic function: where `x` is no LazyTensor, as in `glm(y ~ x, family = gaussian)`, it is
#' [stats::gaussian()].
#'
#' @param x,y LazyTensors of the same dimension, the points (and not their distance).
#' @param lengthscale a positive number; a vector of as many positive numbers as `x` has components, one for each; or a
#'   LazyTensor of positive values, of dimension 1 or that of `x`.
#' @param nu smoothness, a positive number. Common values are 0.5, 1.5 and 2.5.
#' @param alpha a positive number, or a LazyTensor of dimension 1.
#' @param period as `lengthscale`.
#' @param ... for `gaussian()`: `y` and `lengthscale`, or `link`.
#' @return A LazyTensor of dimension 1. Errors: of class `rkeops_error_argument` for a `nu`, `alpha`, `period` or
#'   `lengthscale` that is not positive, `rkeops_error_dimension` for dimensions that do not go together.
#' @references C. E. Rasmussen and C. K. I. Williams (2006), *Gaussian Processes for Machine Learning*, MIT Press, section
#'   4.2.
#' @seealso [lazytensor_distances], [solve.LazyTensor()], [gp()]; `vignette("kernel-interpolation")`.
#' @concept kriging
#' @concept Gaussian process
#' @concept covariance function
#' @concept variogram
#' @concept spatial statistics
#' @concept kernel
#' @concept RBF kernel
#' @concept squared exponential kernel
#' @concept Matern smoothness
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' gaussian(Vi(x), Vj(y), lengthscale = c(0.5, 2)) %*% rnorm(5)
#' matern(Vi(x), Vj(y), lengthscale = 0.5) %*% rnorm(5)
#' sum(matern(Vi(x), Vj(y), lengthscale = c(0.5, 2), nu = 2.5), index = "j")
#' # a season that slowly changes
#' sum(periodic(Vi(x), Vj(y), period = 1) * laplace(Vi(x), Vj(y), lengthscale = 10), index = "j")
#' @name covariance
NULL

#' @rdname covariance
#' @export
gaussian <- function(x, ...) UseMethod("gaussian")

#' @export
gaussian.default <- function(x, ...) {
  call <- sys.call()  # its argument is taken as it is written: gaussian(log)
  call[[1L]] <- quote(stats::gaussian)
  eval(call, parent.frame())
}

#' @rdname covariance
#' @export
gaussian.LazyTensor <- function(x, y, lengthscale = 1, ...) {
  call <- call_of("gaussian", sys.call())
  check_dots("gaussian", c("y", "lengthscale"), ..., call = call)
  require_given(call, x = missing(x), y = missing(y))
  exp(-square_length(x, y, lengthscale, sqrt(0.5), call))
}

#' @rdname covariance
#' @export
laplace <- function(x, y, lengthscale = 1) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  exp(-length_between(x, y, lengthscale, 1, call))
}

#' @rdname covariance
#' @export
rational_quadratic <- function(x, y, lengthscale = 1, alpha = 1) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  check_lengthscale(alpha, 1, call, "alpha")
  exp(-alpha * log1p(square_length(x, y, lengthscale, sqrt(0.5), call) / alpha))
}

#' @rdname covariance
#' @export
periodic <- function(x, y, lengthscale = 1, period = 1) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  difference <- difference_of(x, y, call)
  check_lengthscale(lengthscale, difference$dimres, call)
  check_lengthscale(period, difference$dimres, call, "period")
  exp(-sqnorm2(sin(difference * (pi / period)) * (sqrt(2) / lengthscale)))
}

#' @rdname covariance
#' @export
matern <- function(x, y, lengthscale = 1, nu = 1.5) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  if (!is.numeric(nu) || length(nu) != 1L || !is.finite(nu) || nu <= 0) abort_argument("nu", "a positive number", nu, call)
  if (nu %% 1 == 0.5 && nu <= 10.5) {
    r <- length_between(x, y, lengthscale, sqrt(2 * nu), call)
    return(if (nu == 0.5) exp(-r) else matern_polynomial(r, nu - 0.5) * exp(-r))
  }
  mixture <- matern_mixture(nu)
  exp(-square_length(x, y, lengthscale, sqrt(nu / 2), call) * square(Pm(mixture$root_rate))) | Pm(mixture$weight)
}

# Equation (4.16) of Rasmussen and Williams, in powers of r.
matern_polynomial <- function(r, p) {
  polynomial <- 1 + r
  for (k in seq_len(p)[-1L]) {
    polynomial <- polynomial + r^k / (choose(2 * p, p) / choose(2 * p - k, p) * factorial(k) / 2^k)
  }
  polynomial
}

# gamma(nu) k(r) is the integral of exp(nu s - e^s) exp(-(nu / 2) r^2 e^-s) over s, for the Matern covariance k: a mixture of
# Gaussian kernels. The trapezoidal rule gives it to rounding, since all is analytic for |Im s| < pi / 2: with steps h its
# error is at most exp(-2 pi t / h) times what the integrand grows by at Im s = t, cos(t)^-nu. What is left of the last node
# are Gaussian kernels that are 0 but at distance 0.
matern_mixture <- function(nu, digits = 37, shortest = -41) {
  t <- seq(0.01, pi / 2 - 0.01, length.out = 500L)
  step <- max(2 * pi * t / (digits - nu * log(cos(t))))
  log_density <- function(s) nu * s - exp(s) - lgamma(nu)
  lowest <- log_density(log(nu)) - digits
  to <- stats::uniroot(function(s) log_density(s) - lowest, log(nu) + c(0, 2 + log1p(digits / nu)))$root
  from <- max((lowest + lgamma(nu)) / nu, min(shortest, log(nu)))
  s <- seq(to, from, by = -step)
  weight <- step * exp(log_density(s))
  weight[length(s)] <- 1 - sum(weight[-length(s)])
  list(root_rate = exp(-s / 2), weight = weight)
}

# |x - y| / lengthscale * scale. One length for all components is applied to the distance: one product instead of one for each.
length_between <- function(x, y, lengthscale, scale, call) {
  part <- scaled_parts(x, y, lengthscale, scale, call)
  if (part$one) norm2(part$difference) * part$per_length else norm2(part$difference * part$per_length)
}

# Its square; that of a number is one that the engine knows is not negative.
square_length <- function(x, y, lengthscale, scale, call) {
  part <- scaled_parts(x, y, lengthscale, scale, call)
  if (part$one) sqnorm2(part$difference) * square(as_operand(part$per_length, "lengthscale", call))
  else sqnorm2(part$difference * part$per_length)
}

scaled_parts <- function(x, y, lengthscale, scale, call) {
  difference <- difference_of(x, y, call)
  check_lengthscale(lengthscale, difference$dimres, call)
  per_length <- scale / lengthscale
  list(difference = difference, per_length = per_length,
       one = (if (is.LazyTensor(per_length)) per_length$dimres else length(per_length)) == 1)
}

# x - y, with errors that speak of points.
difference_of <- function(x, y, call) {
  points <- point_operands(x, y, call)
  apply_operation("Subtract", points, call = call)
}

point_operands <- function(x, y, call) {
  x <- as_operand(x, "x", call)
  y <- as_operand(y, "y", call)
  if (x$dimres != y$dimres && !1 %in% c(x$dimres, y$dimres)) {
    rkeops_abort("dimension", sprintf("`x` and `y` have dimensions %.0f and %.0f", x$dimres, y$dimres), call = call,
                 argument = "y", hint = "Points in `x` and in `y` have as many components.")
  }
  list(x = x, y = y)
}

check_lengthscale <- function(lengthscale, dim, call, arg = "lengthscale") {
  if (is.LazyTensor(lengthscale)) {
    length <- lengthscale$dimres
  } else {
    plain <- is.numeric(lengthscale) && !is.object(lengthscale) && is.null(dim(lengthscale))
    if (!plain || !all(is.finite(lengthscale)) || length(lengthscale) == 0L || any(lengthscale <= 0)) {
      abort_argument(arg, "a positive number, or a vector of them", lengthscale, call)
    }
    length <- length(lengthscale)
  }
  if (length %in% c(1, dim)) return(invisible())
  rkeops_abort("dimension", sprintf("`%s` has dimension %.0f, that of the points is %.0f", arg, length, dim),
               call = call, argument = arg,
               hint = if (dim == 1) "Give one number." else "Give one number, or one for each component.")
}
