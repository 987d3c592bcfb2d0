# Gaussian processes: models and how they are asked for.

#' Gaussian processes, kriging
#'
#' `gp()` fits y = trend(x) + z(x) + noise, where z is a Gaussian process with a kernel as its covariance: regression by
#' Gaussian processes, or kriging, with the trend by generalised least squares and lengthscales, variance and nugget by
#' maximum marginal likelihood. `predict()` gives predictions with standard errors.
#'
#' @details The covariance of observations is `variance * kernel(x, y, lengthscale)`, plus `nugget`, the variance of
#' the noise, on the diagonal. For a given ratio of both and given lengthscales, trend and variance follow; the others are found by
#' quasi-Newton steps on their logarithms (L-BFGS-B), from the best of some starts on a part of the data.
#'
#' Up to `exact` rows all is done by a Cholesky decomposition. Beyond that no matrix is stored: parameters of the covariance
#' are first estimated on `subset` rows, chosen at random, then on five times as many, and so on, and at last on all
#' rows, by at most `steps` quasi-Newton steps each. In these, log-determinants and their gradients are estimated by random vectors ([logdet()]), which stay the same over the
#' steps, and systems are solved by [solve()][solve.LazyTensor()]. `steps = 0` keeps the estimates of the subset,
#' which is faster and less precise; trend, variance and weights of the observations are always those of all rows.
#'
#' Predictions for many new points, with standard errors that leave out nothing, would need a system for each new point.
#' Beyond `exact` rows, standard errors are those given the observations that have the largest covariances with the new
#' point and with new points near it (kriging in neighbourhoods). Since fewer observations never predict better, they are
#' too large, if anything; `neighbours = Inf` takes all observations. Predictions themselves and the trend always use all.
#'
#' `simulate()` without `newdata` draws new observations at the data; with `newdata` it draws the function there, trend and
#' process without noise, given the data.
#'
#' @param x points: a numeric matrix or data frame, one row per observation, or a vector. Or a formula such as
#'   `y ~ x1 + x2`, whose right-hand side names the columns of x (as [model.matrix()] makes them, without intercept) in
#'   `data`.
#' @param y numbers, one for each row of `x`.
#' @param data a data frame.
#' @param na.action what is done about rows of `data` with missing values, see [stats::model.frame()].
#' @param kernel a function of `x`, `y` (LazyTensors) and `lengthscale`, such as [gaussian()], [laplace()], or
#'   `function(x, y, lengthscale) matern(x, y, lengthscale, nu = 1.5)`. Default: [matern()] with `nu = 2.5`.
#' @param trend a formula of the columns of `x` (`x1`, `x2`, ... or `x`, where they have no names), or of the columns of
#'   `data`: `~ 1` for a constant, `~ 0` for none, or `~ x1 + x2`.
#' @param nugget variance of the noise: a number, 0 for exact interpolation, or `NULL`: estimated.
#' @param lengthscale a positive number, or one for each column of `x`; `NULL`: estimated, one for each column.
#' @param variance variance of the process, a positive number; `NULL`: estimated.
#' @param exact largest number of rows for which dense matrices are used.
#' @param subset number of rows on which parameters are estimated first where there are more than `exact`.
#' @param steps largest number of quasi-Newton steps on all rows, and on each larger part of them, where there are more than
#'   `exact`.
#' @param tol tolerance of [solve()][solve.LazyTensor()].
#' @param object,fit a fitted model.
#' @param newdata points as `x`, or a data frame like `data`. Default: those of the fit.
#' @param se.fit `TRUE`: standard errors, too.
#' @param interval `"confidence"` for intervals of the function, `"prediction"` for those of new observations.
#' @param level probability of the intervals.
#' @param neighbours beyond `exact` rows: how many observations each new point contributes to its neighbourhood; `Inf` for
#'   all.
#' @param nsim number of draws.
#' @param seed `NULL`, or a number for [set.seed()]; the state of the generator is as before afterwards.
#' @param type `residuals()`: `"response"`, y minus fitted values; `"loo"`, y minus the prediction by all other
#'   observations (trend included, with the same parameters of the covariance); `"standard"`, the latter divided by its
#'   standard deviation. `coef()`: `"trend"`, or `"covariance"`: lengthscales, variance, nugget.
#' @param ... arguments of `gp.default()`; not used by other methods.
#' @return `gp()`: a list of class `rkeops_gp` with `coefficients` of the trend, `lengthscale`, `variance`, `nugget`,
#'   `logLik` (`NULL` where it was not needed; [logLik()] computes it), `convergence` (`TRUE`, or a message), and what
#'   predictions need.
#'
#'   `predict()`: a vector, or a matrix with columns `fit`, `lwr`, `upr` if there is an `interval`; with `se.fit`, a list
#'   of `fit`, `se.fit`, the standard errors of the function, and `residual.scale`, the standard deviation of the noise.
#'   `simulate()`: a data frame with a column for each draw. [nobs()], [AIC()], [plot()] and [summary()] work, too.
#'
#'   Errors: of class `rkeops_error_input` for data that are missing or infinite, a constant `y` or column of `x`, points
#'   that are there twice where `nugget` is 0, and `newdata` without the columns of `x`; `rkeops_error_argument` for
#'   parameters that are not positive and trends of variables that do not exist; `rkeops_error_dimension` for shapes that do
#'   not fit. A `rkeops_warning` where the likelihood has not converged.
#' @references C. E. Rasmussen, C. K. I. Williams (2006), *Gaussian Processes for Machine Learning*, MIT Press, sections
#'   2.7 and 5.4.
#'
#'   O. Dubrule (1983), Cross validation of kriging in a unique neighborhood, *Mathematical Geology* 15, 687-699.
#' @seealso [covariance] for kernels, [krr()], [solve()][solve.LazyTensor()], [logdet()]; `vignette("gaussian-processes")`.
#' @concept kriging
#' @concept ordinary kriging
#' @concept universal kriging
#' @concept geostatistics
#' @concept Gaussian process regression
#' @concept marginal likelihood
#' @concept automatic relevance determination
#' @concept prediction interval
#' @concept emulator
#' @concept computer experiments
#' @examples
#' x <- runif(60, 0, 10)
#' y <- sin(x) + rnorm(60) / 10
#' fit <- gp(x, y)
#' fit
#' predict(fit, c(2, 5), se.fit = TRUE)
#' predict(fit, c(2, 5), interval = "prediction")
#'
#' # universal kriging of a data frame
#' gp(mpg ~ wt + hp, data = datasets::mtcars, trend = ~ wt)
#' @export
gp <- function(x, ...) {
  if (missing(x)) abort_missing("x", sys.call())
  UseMethod("gp")
}

default_kernel <- function(x, y, lengthscale) matern(x, y, lengthscale, nu = 2.5)

#' @rdname gp
#' @export
gp.formula <- function(x, data, ..., trend = ~1, na.action = getOption("na.action")) {
  call <- call_of("gp", sys.call())
  if (missing(data) || !is.data.frame(data)) abort_argument("data", "a data frame", if (!missing(data)) data, call)
  check_known(names(list(...)), setdiff(names(formals(gp.default)), c("x", "y", "trend", "...")), ...length(), call)
  check_variables(x, data, "x", call)
  frame <- stats::model.frame(x, data, na.action = na.action, drop.unused.levels = TRUE)
  terms <- attr(frame, "terms")
  points <- points_of(without_intercept(stats::model.matrix(terms, frame)), "x", call)
  left_out <- attr(frame, "na.action")
  kept <- if (is.null(left_out)) data else data[-left_out, , drop = FALSE]
  model <- list(terms = stats::delete.response(terms), xlevels = stats::.getXlevels(terms, frame), na.action = left_out)
  fit_gp(points, stats::model.response(frame), kept, trend, ..., call = call, model = model)
}

without_intercept <- function(matrix) matrix[, colnames(matrix) != "(Intercept)", drop = FALSE]

#' @rdname gp
#' @export
gp.default <- function(x, y, kernel = NULL, trend = ~1, nugget = NULL, lengthscale = NULL, variance = NULL, exact = 2000,
                       subset = 1000, steps = 5, tol = 1e-6, ...) {
  call <- call_of("gp", sys.call())
  check_known(names(list(...)), setdiff(names(formals()), c("x", "y", "...")), ...length(), call)
  points <- named_points(points_of(x, "x", call))
  fit_gp(points, y, as.data.frame(points), trend, kernel, nugget, lengthscale, variance, exact, subset, steps, tol, call = call,
         model = list())
}

# Arguments in `...`, of which there are `count`.
check_known <- function(given, known, count, call) {
  wrong <- setdiff(given %||% rep.int("", count), known)
  if (length(wrong) == 0L) return(invisible())
  name <- as.character(call[[1L]])
  rkeops_abort("argument", sprintf("%s() does not know the argument `%s`", name, wrong[1L]), call = call, argument = wrong[1L],
               hint = sprintf("It knows %s.", paste0("`", known, "`", collapse = ", ")))
}

# Trends are formulas of columns, which have names then.
named_points <- function(points) {
  if (is.null(colnames(points))) colnames(points) <- if (ncol(points) == 1L) "x" else paste0("x", seq_len(ncol(points)))
  points
}

check_variables <- function(formula, data, arg, call) {
  absent <- setdiff(all.vars(formula), c(names(data), "."))
  # A number from elsewhere may stand in a formula, a variable may not.
  is_number <- function(name) length(get0(name, environment(formula), mode = "numeric")) == 1L
  absent <- absent[!vapply(absent, is_number, TRUE)]
  if (length(absent) == 0L) return(invisible())
  rkeops_abort("argument", sprintf("`%s` has a variable `%s` that the data do not have", arg, absent[1L]), call = call,
               argument = arg, got = paste("the data have", paste0("`", names(data), "`", collapse = ", ")))
}

# `frame`: the data frame of the trend; `model`: how a formula makes points.
fit_gp <- function(points, y, frame, trend, kernel = NULL, nugget = NULL, lengthscale = NULL, variance = NULL, exact = 2000,
                   subset = 1000, steps = 5, tol = 1e-6, call, model) {
  if (!is.null(kernel) && !is.function(kernel)) {
    abort_argument("kernel", "a function of x, y and lengthscale", kernel, call, hint = "kernel = gaussian is one.")
  }
  problem <- list(
    x = points, y = response_of(y, points, call), kernel = kernel %||% default_kernel, call = call,
    lengthscale = if (!is.null(lengthscale)) check_positive(lengthscale, "lengthscale", call, ncol(points)),
    nugget = if (!is.null(nugget)) check_number(nugget, "nugget", call, 0),
    variance = if (!is.null(variance)) check_positive(variance, "variance", call),
    tol = check_positive(tol, "tol", call)
  )
  problem <- c(problem, trend_of(trend, frame, call))
  exact <- check_whole(exact, "exact", call, min = 0)
  subset <- check_whole(subset, "subset", call, min = 50)
  check_whole(steps, "steps", call, min = 0)
  check_gp_data(problem)
  rows <- nrow(points)
  plain <- stats::lm.fit(problem$basis, problem$y)  # numbers of the size of y - trend from here on
  problem$y <- plain$residuals
  found <- estimate_covariance(problem, rows <= exact, min(rows, if (rows <= exact) exact else subset), steps)
  found$coefficients <- found$coefficients + plain$coefficients
  problem$y <- problem$y + plain$fitted.values
  fit <- c(model, problem[c("x", "y", "kernel", "trend", "trend_terms", "trend_levels", "basis")], found)
  label <- kernel_label(kernel, call$kernel, "matern(nu = 2.5)")
  structure(c(fit, list(exact = exact, tol = problem$tol, call = call, label = label)), class = "rkeops_gp")
}

response_of <- function(y, points, call) {
  y <- points_of(y, "y", call)
  if (ncol(y) != 1L || nrow(y) != nrow(points)) {
    rkeops_abort("dimension", sprintf("`y` must be %d numbers, one for each row of `x`", nrow(points)), call = call,
                 argument = "y", got = sprintf("got %d rows and %d columns", nrow(y), ncol(y)))
  }
  as.vector(y)
}

# The trend's columns, and what makes them of other data.
trend_of <- function(trend, frame, call) {
  if (!inherits(trend, "formula") || length(trend) != 2L) {
    abort_argument("trend", "a formula without a left side, such as ~ 1", trend, call)
  }
  check_variables(trend, frame, "trend", call)
  frame <- stats::model.frame(trend, frame, na.action = stats::na.pass, drop.unused.levels = TRUE)
  terms <- attr(frame, "terms")
  basis <- stats::model.matrix(terms, frame)
  if (length(basis) > 0L) points_of(basis, "trend", call)
  if (qr(basis)$rank < ncol(basis)) {
    rkeops_abort("argument", "columns of the trend depend on each other", call = call, argument = "trend",
                 got = paste(colnames(basis), collapse = ", "))
  }
  list(trend = trend, trend_terms = terms, trend_levels = stats::.getXlevels(terms, frame), basis = basis)
}

check_gp_data <- function(problem) {
  x <- problem$x
  y <- problem$y
  call <- problem$call
  if (nrow(x) < ncol(problem$basis) + 2L) {
    rkeops_abort("input", sprintf("%d observations are too few", nrow(x)), call = call, argument = "x")
  }
  left <- stats::lm.fit(problem$basis, y)$residuals
  if (sum(left^2) <= 1e-24 * sum(y^2)) {
    rkeops_abort("input", "`y` is constant, or equal to the trend: there is nothing to be explained", call = call,
                 argument = "y")
  }
  same <- which(apply(x, 2L, function(column) all(column == column[1L])))[1L]
  if (is.null(problem$lengthscale) && !is.na(same)) {
    rkeops_abort("input", sprintf("column `%s` of `x` is constant, and has no lengthscale", colnames(x)[same]), call = call,
                 argument = "x", hint = "Leave it out.")
  }
  twice <- if (identical(problem$nugget, 0)) which(duplicated(x))[1L] else NA
  if (!is.na(twice)) {
    first <- which(colSums(t(x) == x[twice, ]) == ncol(x))[1L]
    rkeops_abort("input", sprintf("rows %d and %d of `x` are the same point, and there is no noise", first, twice), call = call,
                 argument = "x", hint = "Leave out `nugget`, give a positive one, or take means of y at equal points.")
  }
}

# ---- what models say

# How a kernel was written: by its name, as the function that it is, or not at all.
kernel_label <- function(kernel, written, otherwise) {
  if (is.null(kernel)) otherwise else if (is.name(written)) deparse1(written) else deparse1(body(kernel))
}

named_numbers <- function(x) paste(names(x), vapply(x, number_text, "", digits = 4L), collapse = ", ")

#' @export
print.rkeops_gp <- function(x, ...) {
  cat("Gaussian process: ", whole_text(nrow(x$x)), " observations, trend ", deparse1(x$trend), "\n",
      "  kernel:      ", x$label, "\n",
      "  lengthscale: ", named_numbers(x$lengthscale), "\n",
      "  variance:    ", number_text(x$variance, 4L), ", nugget ", number_text(x$nugget, 4L), "\n", sep = "")
  if (length(x$coefficients) > 0L) cat("  trend:       ", named_numbers(x$coefficients), "\n", sep = "")
  if (!is.null(x$logLik)) cat("  log-likelihood: ", number_text(x$logLik, 7L), "\n", sep = "")
  invisible(x)
}

#' @rdname gp
#' @importFrom stats coef
#' @export
coef.rkeops_gp <- function(object, type = "trend", ...) {
  check_choice(type, c("trend", "covariance"), "type", sys.call())
  if (type == "trend") return(object$coefficients)
  c(object$lengthscale, variance = object$variance, nugget = object$nugget)
}

#' @importFrom stats nobs
#' @export
nobs.rkeops_gp <- function(object, ...) length(object$y)

#' @importFrom stats logLik
#' @export
logLik.rkeops_gp <- function(object, ...) {
  value <- object$logLik %||% marginal_likelihood(object)
  structure(value, df = length(object$coefficients) + object$estimated, nobs = length(object$y), class = "logLik")
}

#' @importFrom stats fitted
#' @export
fitted.rkeops_gp <- function(object, ...) object$y - residuals.rkeops_gp(object)

# Of the matrix whose Cholesky factor this is, which may have no columns.
inverse_diagonal <- function(root) if (ncol(root) > 0L) diag(chol2inv(root)) else numeric()

#' @rdname gp
#' @export
summary.rkeops_gp <- function(object, ...) {
  error <- sqrt(object$variance * inverse_diagonal(object$gram_root))
  trend <- cbind(Estimate = object$coefficients, "Std. Error" = error, "z value" = object$coefficients / error)
  loo <- residuals.rkeops_gp(object, "loo")
  r_squared <- 1 - sum(loo^2) / sum((object$y - mean(object$y))^2)
  structure(list(fit = object, trend = trend, loo_rmse = sqrt(mean(loo^2)), loo_r_squared = r_squared),
            class = "summary.rkeops_gp")
}

#' @export
print.summary.rkeops_gp <- function(x, ...) {
  print(x$fit)
  if (nrow(x$trend) > 0L) {
    cat("\n")
    print(signif(x$trend, 5L))
  }
  cat("\nLeave-one-out: root mean square error ", number_text(x$loo_rmse, 4L), ", R squared ", number_text(x$loo_r_squared, 4L),
      "\n", sep = "")
  invisible(x)
}

#' @export
plot.rkeops_gp <- function(x, ...) {
  found <- leave_one_out(x, 30)
  standard <- found$standard
  old <- graphics::par(mfrow = c(1L, 3L))
  on.exit(graphics::par(old))
  predicted <- x$y - found$loo
  graphics::plot(predicted, x$y, xlab = "prediction by all others", ylab = "observed", main = "Leave-one-out", ...)
  graphics::abline(0, 1, col = "grey50")
  graphics::plot(predicted, standard, xlab = "prediction by all others", ylab = "standardised residual", main = "Residuals",
                 ...)
  graphics::abline(h = c(-1.96, 0, 1.96), col = "grey50", lty = c(2, 1, 2))
  stats::qqnorm(standard, main = "Normal quantiles", ...)
  graphics::abline(0, 1, col = "grey50")
  invisible(x)
}
