# Kernel regression: weighted moments of the neighbours of each point, as one sum of vectors, and a small system for each
# point.

#' Kernel regression
#'
#' `kreg()` is Nadaraya-Watson regression (`degree = 0`), the weighted mean of the values around a point, or local linear
#' regression (`degree = 1`), the value at the point of a plane that is fitted to the values around it by weighted least
#' squares. Weights are a Gaussian kernel of the distance. Nothing is binned, and there may be any number of columns.
#'
#' The bandwidth that is chosen if none is given has the smallest mean squared leave-one-out residual, `score`. It can
#' have several minima, so the search begins at several multiples of Silverman's rule; it uses the gradient of the score. A
#' column that does not matter gets a bandwidth far wider than the data.
#'
#' @param x points: a matrix or data frame of numbers with one row for each, or a vector.
#' @param y values: one number for each point.
#' @param h bandwidth: a positive number, the standard deviation of the kernel in the unit of `x`; one for each column; or
#'   a matrix, the covariance of the kernel. Missing: the one with the smallest score.
#' @param degree 0: local mean; 1: local plane.
#' @param w weights of the points, not negative; `NULL`: all the same.
#' @param per_column for the search: `TRUE`: one bandwidth for each column; `FALSE`: one for all, for columns in the same
#'   unit.
#' @param sample_size for the search: largest number of points whose leave-one-out residuals are computed, from all others;
#'   more are a random sample (see [set.seed()]). `Inf`: all of them.
#' @return An object of class `rkeops_kreg`, a list of
#'   * `fitted.values`, `residuals`: at the points, in the unit of `y`, with the names of rows of `x`;
#'   * `loo`: what is fitted at each point without that point, exactly;
#'   * `score`: the mean of `(y - loo)^2`, weighted if there are weights; `NA` if it is undefined for a point;
#'   * `h`, `degree`, `x`, `y`, `w`: as given or chosen.
#'
#'   `predict()` gives the values at `newdata`, `fitted()` and `residuals()` what their names say, `plot()` for one column
#'   points and curve.
#'
#'   Where a point has no neighbours (kernels below 1e-290, in `float32` 1e-34), or too few for a plane, results are `NA`,
#'   with a warning of class `rkeops_warning`; other such warnings tell that the search did not converge, or
#'   ended at a bandwidth of almost 0, as when points occur twice.
#'
#'   Errors: of class `rkeops_error_input` for missing or infinite values, `rkeops_error_argument` for bandwidths that are
#'   not positive and weights that are negative, `rkeops_error_dimension` for shapes that do not go together.
#' @references J. Fan, I. Gijbels (1996), *Local Polynomial Modelling and Its Applications*, Chapman and Hall, sections 2.3
#'   and 3.1.
#' @seealso [kde()]; [stats::ksmooth()], [stats::loess()]; `vignette("densities-and-tests")`.
#' @concept kernel regression
#' @concept Nadaraya-Watson
#' @concept local linear regression
#' @concept local polynomial regression
#' @concept smoothing
#' @concept nonparametric regression
#' @concept leave-one-out
#' @concept cross-validation
#' @concept bandwidth selection
#' @examples
#' fit <- kreg(cars$speed, cars$dist, degree = 1)
#' fit
#' plot(fit)
#' predict(fit, c(5, 10, 20))
#' kreg(iris[1:2], iris$Petal.Length, h = c(0.3, 0.2))$score
#' @export
kreg <- function(x, y, h, degree = 0, w = NULL, per_column = TRUE, sample_size = 10000) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  y <- as.vector(points_of(y, "y", call))
  if (length(y) != nrow(x)) {
    rkeops_abort("dimension", sprintf("`y` has length %d, there are %d points", length(y), nrow(x)), call = call,
                 argument = "y", hint = "There is one value for each point.")
  }
  if (nrow(x) < 2L) abort_argument("x", "at least two points", x, call, kind = "input")
  check_whole(degree, "degree", call, min = 0, max = 1)
  check_flag(per_column, "per_column", call)
  if (!is.null(w)) w <- check_weights(w, nrow(x), "w", call)
  fit <- structure(list(fitted.values = NULL, residuals = NULL, loo = NULL, score = NULL, h = NULL, degree = degree, x = x,
                        y = y, w = w), class = "rkeops_kreg")
  fit$h <- if (missing(h)) regression_bandwidth(fit, per_column, sample_size, call) else h
  weights <- relative_weights(w, length(y))
  others <- local_sums(fit, x, TRUE, call)
  fit$loo <- local_values(others, x, "without the point itself", call)
  # A point itself is at distance 0 with weight 1: it adds to the sums of weights and of values.
  values <- 2L + degree * ncol(x)
  others[, 1L] <- others[, 1L] + weights
  others[, values] <- others[, values] + weights * y
  fit$fitted.values <- local_values(others, x, "fitted", call)
  fit$residuals <- y - fit$fitted.values
  fit$score <- sum((weights * (y - fit$loo)^2)[weights > 0]) / sum(weights)
  fit
}

relative_weights <- function(w, rows) if (is.null(w)) rep(1, rows) else w / mean(w)

# The products of (1, d) with (1, d, y), row by row of (1, d): d is where a neighbour is, seen from the point, and for
# degree 0 not there.
local_products <- function(from, to, y, degree) {
  y_j <- Vj(y)
  if (degree == 0) return(concat(1, y_j))
  d_ij <- to - from
  tensorprod(concat(1, d_ij), concat(concat(1, d_ij), y_j))
}

# Their sums over the neighbours, with the kernel as weight. `others`: over the others, where the points are those of the fit.
local_sums <- function(fit, points, others, call) {
  bandwidth <- bandwidth_of(fit$h, fit$x, "h", call)
  from <- Vi(bandwidth$scale(points))
  to <- Vj(bandwidth$scale(fit$x))
  K_ij <- exp(-sqdist(from, to) / 2)
  if (!is.null(fit$w)) K_ij <- K_ij * Vj(relative_weights(fit$w, length(fit$y)))
  terms <- K_ij * local_products(from, to, fit$y, fit$degree)
  unname(sum(if (others) off_diagonal(terms) else terms, index = "j"))
}

# Values at the points from these sums, with a warning where there is none.
local_values <- function(sums, points, what, call) {
  exact <- current_options()$precision == "float64"
  sums[!(sums[, 1L] > if (exact) 1e-290 else 1e-34), 1L] <- NA
  values <- solve_rows(as_systems(sums), if (exact) 1e-11 else 1e-5)[, 1L]
  if (anyNA(values)) {
    rkeops_warn(sprintf("%.0f of %.0f values %s are NA: there are no neighbours, or too few\n%s %s", sum(is.na(values)),
                        length(values), what, cli::symbol$info, "A larger `h` has more of them."), call)
  }
  stats::setNames(values, rownames(points))
}

# Sums as equations: [row, equation, unknown], and the right-hand side in the end.
as_systems <- function(sums) {
  unknowns <- (sqrt(4 * ncol(sums) + 1) - 1) / 2
  aperm(array(sums, c(nrow(sums), unknowns + 1, unknowns)), c(1L, 3L, 2L))
}

# Solutions of positive definite systems, all rows at once, the first unknown first. NA where a pivot is not above `least`
# times what its entry was.
solve_rows <- function(systems, least) {
  unknowns <- seq_len(dim(systems)[2L])
  sizes <- lapply(unknowns, function(k) systems[, k, k])
  for (k in unknowns) {
    pivot <- systems[, k, k]
    pivot[!(pivot > least * sizes[[k]])] <- NA
    systems[, k, ] <- systems[, k, ] / pivot
    for (other in unknowns[-k]) systems[, other, ] <- systems[, other, ] - systems[, other, k] * systems[, k, ]
  }
  matrix(systems[, , -unknowns], dim(systems)[1L])
}

regression_bandwidth <- function(fit, per_column, sample_size, call) {
  unit <- silverman(fit$x)
  if (all(is.na(unit))) rkeops_abort("input", "all points of `x` coincide", call = call, argument = "x", hint = "Give `h`.")
  if (!per_column || ncol(fit$x) == 1L) unit <- exp(mean(log(unit), na.rm = TRUE))
  unit[is.na(unit)] <- 1
  u <- bandwidth_of(unname(unit), fit$x, "h", call)$scale(unname(fit$x))
  size <- criterion_size(nrow(u), sample_size, call)
  few <- rough_rows(nrow(u), size)
  search_bandwidth(leave_one_out_score(fit, u, unit, if (!is.null(size)) sample.int(nrow(u), size)),
                   if (!is.null(few)) leave_one_out_score(fit, u, unit, few), c(2.5, 1, 0, -1, -2), -5, colnames(fit$x), call)
}

# The mean squared leave-one-out residual, relative to the variance of y, as an objective of the logarithms of factors of
# `unit`. Weights are relative to that of the nearest neighbour, and planes have a ridge, too small to be seen where there
# are neighbours enough: it is defined and smooth for any bandwidth.
leave_one_out_score <- function(fit, u, unit, chosen) {
  rows <- chosen %||% seq_len(nrow(u))
  weights <- relative_weights(fit$w, nrow(u))
  spread <- sum(weights * (fit$y - stats::weighted.mean(fit$y, weights))^2) / sum(weights)
  e <- weights[rows] / sum(weights[rows]) / if (spread > 0) spread else 1
  y <- fit$y[rows]

  log_h <- Pm(numeric(length(unit)))
  log_kernel <- between_others(function(from, to) {
    f <- if (length(unit) == 1L) -sqdist(from, to) * exp(-2 * log_h) / 2 else -sum(square((from - to) * exp(-log_h))) / 2
    if (is.null(fit$w)) f else f + Vj(log(weights))
  }, u, chosen)
  products <- local_products(Vi(u[rows, , drop = FALSE]), Vj(u), fit$y, fit$degree)
  ridge <- if (current_options()$precision == "float64") 1e-10 else 1e-5
  # The solution, and that for (1, 0, ..., 0), which is the derivative of its first component by the right-hand side.
  solutions <- function(means) {
    systems <- as_systems(means)
    unknowns <- dim(systems)[2L]
    for (k in seq_len(unknowns)[-1L]) systems[, k, k] <- systems[, k, k] * (1 + ridge) + 1e-30
    first <- array(rep(c(1, numeric(unknowns - 1L)), each = nrow(means)), c(nrow(means), unknowns, 1L))
    solved <- solve_rows(array(c(systems, first), dim(systems) + c(0L, 0L, 1L)), 0)
    list(x = solved[, seq_len(unknowns), drop = FALSE], slope = solved[, unknowns + seq_len(unknowns), drop = FALSE])
  }
  o <- objective(
    log_kernel, list(log_h = log_h), reduction = "SumSoftMaxWeight", opt_arg = products,
    loss = function(means) sum(e * (y - solutions(means)$x[, 1L])^2),
    derivative = function(means) {
      found <- solutions(means)
      slopes <- -2 * e * (y - found$x[, 1L]) * found$slope
      do.call(cbind, lapply(seq_len(ncol(slopes)), function(k) slopes[, k] * cbind(-found$x, 1)))
    }
  )
  list(fn = o$fn, gr = o$gr, unit = unit)
}

#' @rdname kreg
#' @param object,newdata a regression, and points in the same space.
#' @export
predict.rkeops_kreg <- function(object, newdata, ...) {
  if (missing(newdata)) return(object$fitted.values)
  call <- call_of("predict", sys.call())
  points <- points_beside(newdata, object$x, "newdata", "x", call)
  local_values(local_sums(object, points, FALSE, call), points, "predicted", call)
}

#' @export
print.rkeops_kreg <- function(x, ...) {
  cat(sprintf("%s regression of %s points on %d %s\n", if (x$degree == 0) "Nadaraya-Watson" else "Local linear",
              whole_text(nrow(x$x)), ncol(x$x), if (ncol(x$x) == 1L) "variable" else "variables"))
  cat(bandwidth_text(x$h))
  cat(sprintf("leave-one-out score %s, mean squared residual %s\n", number_text(x$score, 4L),
              number_text(mean(x$residuals^2), 4L)))
  invisible(x)
}

#' @rdname kreg
#' @param main,xlab,ylab title and labels.
#' @param ... for `plot()`: passed to [graphics::plot.default()].
#' @export
plot.rkeops_kreg <- function(x, main = "Kernel regression", xlab = colnames(x$x) %||% "x", ylab = "y", ...) {
  call <- call_of("plot", sys.call())
  if (ncol(x$x) > 1L) {
    rkeops_abort("unsupported", "plot() shows regressions on one variable", call = call, argument = "x",
                 got = sprintf("got %d", ncol(x$x)), hint = "predict() gives the values on a grid.")
  }
  graphics::plot.default(x$x[, 1L], x$y, main = main, xlab = xlab, ylab = ylab, ...)
  at <- seq(min(x$x), max(x$x), length.out = 401L)
  graphics::lines(at, predict(x, at), col = 2)
  invisible(x)
}
