# Kernel ridge regression.

#' Kernel ridge regression
#'
#' `krr()` fits f(t) = mean(y) + sum of a_j k(t, x_j) by least squares with the penalty `ridge * a' K a`. The ridge is
#' chosen by generalised cross-validation, which is leave-one-out with leverages at their mean.
#'
#' @details With the smoothing matrix H = K (K + ridge I)^-1 and centred y, the score is n |y - Hy|^2 / trace(I - H)^2. Up
#'   to `exact`
#' rows it comes from the eigenvalues of K. Beyond that K is not stored: eigenvalues are those of its approximation by some
#' columns (the Nystroem method), for the choice of the ridge only; the system is that of K, solved by
#' [solve()][solve.LazyTensor()].
#'
#' The result is the same as that of [gp()] with a known mean; `gp()` gives standard errors and estimates lengthscales,
#' `krr()` assumes nothing about noise, and is faster.
#'
#' @inheritParams gp
#' @param kernel a function of `x`, `y` (LazyTensors) and `lengthscale`; default [gaussian()].
#' @param lengthscale a positive number, or one for each column; `NULL`: the median distance of points to each other (of
#'   at most 1000 points, chosen at random), after columns were scaled to standard deviation 1.
#' @param ridge a positive number; `NULL`: by generalised cross-validation.
#' @param exact largest number of rows for which the dense matrix is used.
#' @param columns number of columns of K, chosen at random, by which its eigenvalues are approximated beyond `exact` rows.
#' @param object a fitted model.
#' @param newdata points as `x`.
#' @param ... not used.
#' @return A list of class `rkeops_krr` with `coefficients`, the a_j; `intercept`, the mean of y; `lengthscale`, `ridge`,
#'   `gcv`, the score; `df`, the trace of H; `fitted.values`, `residuals`, `x`. `predict()`: a vector, one number for each
#'   row of `newdata`.
#'
#'   Errors: as [gp()], and `rkeops_error_argument` for a `ridge` that is not positive.
#' @references G. H. Golub, M. Heath, G. Wahba (1979), Generalized cross-validation as a method for choosing a good ridge
#'   parameter, *Technometrics* 21, 215-223.
#' @seealso [gp()], [solve()][solve.LazyTensor()], [covariance]; `vignette("gaussian-processes")`.
#' @concept kernel ridge regression
#' @concept regularised least squares
#' @concept generalised cross-validation
#' @concept smoothing
#' @examples
#' x <- matrix(runif(200), 100)
#' y <- sin(6 * x[, 1]) + x[, 2] + rnorm(100) / 10
#' fit <- krr(x, y)
#' fit
#' predict(fit, cbind(0.5, c(0.2, 0.8)))
#' @export
krr <- function(x, y, kernel = NULL, lengthscale = NULL, ridge = NULL, exact = 1000, columns = 500, tol = 1e-6) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  y <- response_of(y, x, call)
  if (!is.null(kernel) && !is.function(kernel)) abort_argument("kernel", "a function of x, y and lengthscale", kernel, call)
  lengthscale <- if (is.null(lengthscale)) median_lengths(x, call)
                 else check_positive(lengthscale, "lengthscale", call, ncol(x))
  if (!is.null(ridge)) ridge <- check_positive(ridge, "ridge", call)
  exact <- check_whole(exact, "exact", call, min = 0)
  columns <- check_whole(columns, "columns", call, min = 1)
  centred <- y - mean(y)
  if (sum(centred^2) <= 1e-24 * sum(y^2)) rkeops_abort("input", "`y` is constant", call = call, argument = "y")
  label <- kernel_label(kernel, substitute(kernel), "gaussian")
  kernel <- kernel %||% gaussian
  K_ij <- kernel(Vi(unname(x)), Vj(unname(x)), Pm(lengthscale))
  spectrum <- if (nrow(x) <= exact) dense_spectrum(K_ij, centred) else column_spectrum(K_ij, centred, min(columns, nrow(x)))
  ridge <- ridge %||% best_ridge(spectrum, nrow(x))
  a <- if (nrow(x) <= exact) drop(spectrum$vectors %*% (spectrum$of_y / (spectrum$values + ridge)))
       else as.vector(solve(K_ij, centred, ridge = ridge, tol = tol))
  structure(list(
    coefficients = a, intercept = mean(y),
    lengthscale = stats::setNames(lengthscale, if (length(lengthscale) == ncol(x)) colnames(x)),
    ridge = ridge, gcv = gcv_score(spectrum, ridge, nrow(x)), df = nrow(x) - ridge * trace_of_inverse(spectrum, ridge),
    fitted.values = y - ridge * a, residuals = ridge * a, x = x, kernel = kernel, label = label, call = call
  ), class = "rkeops_krr")
}

# Equal columns of one scale; a column that is constant has any.
median_lengths <- function(x, call) {
  chosen <- if (nrow(x) > 1000L) x[sample.int(nrow(x), 1000L), , drop = FALSE] else x
  scale <- apply(chosen, 2L, stats::sd)
  scale[!(scale > 0)] <- 1
  distance <- stats::median(stats::dist(sweep(chosen, 2L, scale, "/")))
  if (isTRUE(distance > 0)) return(unname(scale * distance))
  rkeops_abort("input", "most rows of `x` are equal", call = call, argument = "x", hint = "Give `lengthscale`.")
}

# Eigenvalues with the squares of the components of y, and their multiplicities.
dense_spectrum <- function(K_ij, y) {
  found <- eigen(exactly(as.matrix(K_ij, max_entries = Inf)), symmetric = TRUE)
  of_y <- drop(crossprod(found$vectors, y))
  list(values = pmax(found$values, 0), count = rep(1, length(y)), squares = of_y^2, vectors = found$vectors, of_y = of_y)
}

# The same of the approximation of K by some of its columns, chosen at random (Nystroem). What is left of the trace of K
# goes to the other eigenvalues in equal parts.
column_spectrum <- function(K_ij, y, columns) {
  rows <- length(y)
  factor <- column_factor(K_ij, sample.int(rows, columns))
  found <- eigen(crossprod(factor), symmetric = TRUE)
  kept <- found$values > 1e-14 * found$values[1L]
  values <- found$values[kept]
  of_y <- drop(crossprod(found$vectors[, kept, drop = FALSE], crossprod(factor, y)) / sqrt(values))
  others <- rows - length(values)
  rest <- max(sum(exactly(as.vector(diag(K_ij)))) - sum(values), 0) / max(others, 1)
  list(values = c(values, rest), count = rep(c(1, others), c(length(values), 1L)),
       squares = c(of_y^2, max(sum(y^2) - sum(of_y^2), 0)))
}

# F with F F' the approximation of K by some of its columns.
column_factor <- function(K_ij, columns) {
  some <- exactly(K_ij[, columns])
  small <- eigen(some[columns, , drop = FALSE], symmetric = TRUE)
  kept <- small$values > 1e-13 * nrow(some) * small$values[1L]
  some %*% (small$vectors[, kept, drop = FALSE] / rep(sqrt(small$values[kept]), each = length(columns)))
}

trace_of_inverse <- function(spectrum, ridge) sum(spectrum$count / (spectrum$values + ridge))

gcv_score <- function(spectrum, ridge, n) {
  n * sum(spectrum$squares / (spectrum$values + ridge)^2) / trace_of_inverse(spectrum, ridge)^2
}

# The least score on a grid, and then between its neighbours.
best_ridge <- function(spectrum, n) {
  largest <- max(spectrum$values)
  grid <- log(largest) + seq(log(1e-10), log(10), length.out = 80L)
  score <- function(log_ridge) log(gcv_score(spectrum, exp(log_ridge), n))
  best <- which.min(vapply(grid, score, 0))
  exp(stats::optimize(score, grid[c(max(1L, best - 1L), min(80L, best + 1L))], tol = 1e-6)$minimum)
}

#' @rdname krr
#' @export
predict.rkeops_krr <- function(object, newdata = NULL, ...) {
  call <- call_of("predict", sys.call())
  check_known(names(list(...)), "newdata", ...length(), call)
  if (is.null(newdata)) return(object$fitted.values)
  new <- points_beside(newdata, object$x, "newdata", "x", call)
  K_ij <- object$kernel(Vi(unname(new)), Vj(unname(object$x)), Pm(unname(object$lengthscale)))
  stats::setNames(object$intercept + drop(exactly(K_ij %*% object$coefficients)), rownames(new))
}

#' @export
print.rkeops_krr <- function(x, ...) {
  cat("Kernel ridge regression: ", whole_text(nrow(x$x)), " observations\n",
      "  kernel:      ", x$label, "\n",
      "  lengthscale: ", named_numbers(x$lengthscale), "\n",
      "  ridge:       ", number_text(x$ridge, 4L), ", degrees of freedom ", number_text(x$df, 4L), ", GCV score ",
      number_text(x$gcv, 4L), "\n", sep = "")
  invisible(x)
}
