# Kernel densities.

#' Kernel densities
#'
#' `kde()` is the density of points with a Gaussian kernel, computed from all of them, without binning: for any number of
#' columns, with weights, at any points. [bw_lcv()] chooses the bandwidth if none is given.
#'
#' `plot()` shows the curve for one column, and for two columns the contours around 25, 50, 75 and 95 % of the points.
#'
#' @param x points: a matrix or data frame of numbers with one row for each, or a vector.
#' @param h bandwidth: a positive number, the standard deviation of the kernel in the unit of `x`; one for each column; or
#'   a matrix, the covariance of the kernel (`H` of `ks::kde()`). Missing: `bw_lcv(x, w)`.
#' @param eval.points where the density is computed: points in the same space.
#' @param w weights of the points, not negative; only their proportions matter. `NULL`: all the same.
#' @param tol the density may be off by this part of itself (see [lazytensor_reductions]), which saves time where points
#'   are many; `NULL`: the option `tolerance`.
#' @return An object of class `rkeops_kde`, a list of
#'   * `estimate`: the density at `eval.points`, not negative, in 1 / unit of `x` for each column, with the names of their
#'   rows;
#'   * `eval.points`, `x`, `w`: as given, points as matrices;
#'   * `h`: the bandwidth;
#'   * `certificate`: with a tolerance, the part of itself that the density is off at most.
#'
#'   `predict()` gives the density at `newdata`, or `estimate` without.
#'
#'   Errors: of class `rkeops_error_input` for missing or infinite values, `rkeops_error_argument` for bandwidths that are not
#'   positive (or not positive definite) and weights that are negative, `rkeops_error_dimension` for shapes that do not go
#'   together.
#' @references B. W. Silverman (1986), *Density Estimation for Statistics and Data Analysis*, Chapman and Hall, equation
#'   (4.1).
#' @seealso [bw_lcv()], [kreg()], [mean_shift()]; `vignette("densities-and-tests")`.
#' @concept kernel density estimation
#' @concept density estimation
#' @concept bandwidth
#' @concept weighted density
#' @concept contour plot
#' @examples
#' fit <- kde(faithful, h = c(0.3, 5))
#' fit
#' plot(fit)
#' predict(fit, data.frame(eruptions = 2, waiting = c(50, 60)))
#' kde(rnorm(100), h = 0.3, eval.points = -2:2)$estimate
#' @export
kde <- function(x, h, eval.points = x, w = NULL, tol = NULL) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  if (!is.null(w)) w <- check_weights(w, nrow(x), "w", call)
  points <- points_beside(eval.points, x, "eval.points", "x", call)
  if (missing(h)) h <- lcv_bandwidth(x, w, TRUE, 10000, call)
  fit <- structure(list(estimate = NULL, h = h, eval.points = points, x = x, w = w), class = "rkeops_kde")
  estimate <- density_at(fit, points, tol, call)
  fit$certificate <- attr(estimate, "certificate")
  fit$estimate <- stats::setNames(as.vector(estimate), rownames(points))
  fit
}

density_at <- function(fit, points, tol, call) {
  bandwidth <- bandwidth_of(fit$h, fit$x, "h", call)
  log_scale <- -bandwidth$log_volume - ncol(fit$x) * log(2 * pi) / 2 - log(if (is.null(fit$w)) nrow(fit$x) else sum(fit$w))
  K_ij <- exp(-sqdist(Vi(bandwidth$scale(points)), Vj(bandwidth$scale(fit$x))) / 2)
  if (!is.null(fit$w)) K_ij <- K_ij * Vj(fit$w)
  with_tolerance(tol %||% current_options()$tolerance, sum(K_ij, index = "j"), call) * exp(log_scale)
}

#' @rdname kde
#' @param object,newdata a density, and points in the same space.
#' @export
predict.rkeops_kde <- function(object, newdata, tol = NULL, ...) {
  if (missing(newdata)) return(object$estimate)
  call <- call_of("predict", sys.call())
  points <- points_beside(newdata, object$x, "newdata", "x", call)
  stats::setNames(as.vector(density_at(object, points, tol, call)), rownames(points))
}

#' @export
print.rkeops_kde <- function(x, ...) {
  cat(sprintf("Gaussian kernel density of %s points in %d %s%s\n", whole_text(nrow(x$x)), ncol(x$x),
              if (ncol(x$x) == 1L) "dimension" else "dimensions", if (is.null(x$w)) "" else ", with weights"))
  cat(bandwidth_text(x$h))
  range <- number_text(range(x$estimate), 4L)
  cat(sprintf("at %s points, from %s to %s\n", whole_text(nrow(x$eval.points)), range[1L], range[2L]))
  if (!is.null(x$certificate)) cat(sprintf("off by at most %s of itself\n", number_text(x$certificate, 2L)))
  invisible(x)
}

#' @rdname kde
#' @param gridsize number of points along each axis.
#' @param main,xlab,ylab title and labels; `NULL`: names of the columns.
#' @param ... for `plot()`: passed to [graphics::plot.default()] or [graphics::contour()].
#' @export
plot.rkeops_kde <- function(x, gridsize = if (ncol(x$x) == 1L) 401 else 81, main = "Kernel density", xlab = NULL,
                            ylab = NULL, ...) {
  call <- call_of("plot", sys.call())
  d <- ncol(x$x)
  if (d > 2L) {
    rkeops_abort("unsupported", "plot() shows densities of one or two columns", call = call, argument = "x",
                 got = sprintf("got %d columns", d))
  }
  check_whole(gridsize, "gridsize", call, min = 2)
  margin <- 3 * (if (is.matrix(x$h)) sqrt(diag(x$h)) else rep_len(x$h, d))
  axes <- lapply(seq_len(d), function(k) seq(min(x$x[, k]) - margin[k], max(x$x[, k]) + margin[k], length.out = gridsize))
  density <- as.vector(density_at(x, as.matrix(expand.grid(axes)), 1e-3, call))
  names <- colnames(x$x) %||% c("x", "y")
  if (d == 1L) {
    graphics::plot.default(axes[[1L]], density, type = "l", main = main, xlab = xlab %||% names[1L],
                           ylab = ylab %||% "density", ...)
  } else {
    shares <- c(0.95, 0.75, 0.5, 0.25)
    levels <- density_levels(x, shares, call)
    new <- !duplicated(levels)
    graphics::contour(axes[[1L]], axes[[2L]], matrix(density, gridsize), levels = levels[new],
                      labels = sprintf("%.0f %%", 100 * shares)[new], main = main, xlab = xlab %||% names[1L],
                      ylab = ylab %||% names[2L], ...)
  }
  invisible(x)
}

# Densities above which these shares of the points lie, from at most 2,000 of them.
density_levels <- function(fit, shares, call) {
  rows <- unique(round(seq(1, nrow(fit$x), length.out = min(2000, nrow(fit$x)))))
  at_points <- as.vector(density_at(fit, fit$x[rows, , drop = FALSE], 1e-3, call))
  w <- if (is.null(fit$w)) rep(1, length(rows)) else fit$w[rows]
  falling <- order(-at_points)
  reached <- cumsum(w[falling]) / sum(w)
  at_points[falling][findInterval(shares - 1e-9, reached) + 1L]
}
