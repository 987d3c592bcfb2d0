# Logarithms of determinants: exact ones, and those that random vectors estimate.

#' Log-determinants of LazyTensors
#'
#' `logdet(K, ridge = ridge)` is the logarithm of the determinant of `K + ridge`, for a symmetric positive definite K, as it
#' stands in the likelihood of a Gaussian process. `logdet_gradients()` gives its gradients too.
#'
#' Up to 2000 rows, and unless `probes` is given, K is computed as an ordinary matrix and decomposed: the result is exact.
#'
#' Else it is an estimate, by stochastic Lanczos quadrature, and no matrix is stored. With the preconditioner P of
#' [solve()][solve.LazyTensor()], whose determinant is known, log det S = log det P + trace log(P^-1 S), and the trace is the mean
#' of `probes` numbers z' log(P^-1/2 S P^-1/2) z, with z random vectors of length sqrt(n). So a good preconditioner makes both steps
#' and error small. The standard error of the mean is the attribute `se`, and is printed; [as.numeric()] and arithmetic drop it.
#'
#' Vectors are drawn from R's random number generator with `seed`, whose state is left alone. So they are the same in each call, and
#' the estimate is a function of the parameters that optimisers can go along. Another `seed` gives another, independent estimate.
#'
#' The gradient is that of the log-determinant, trace(S^-1 dS), with the same vectors: not quite that of the estimate, from
#' which it differs by a part of its standard error.
#'
#' @inheritParams solve_gradients
#' @param probes number of random vectors, at least 2; `NULL`: none up to 2000 rows, else 20.
#' @param tol for estimates: steps end when the residual of each vector is at most `tol` times what it was.
#' @param seed a whole number.
#' @param x a LazyTensor, for `determinant()`.
#' @param logarithm `TRUE`: give the logarithm of the modulus.
#' @param ... for `determinant()`: arguments of `logdet()`.
#' @return `logdet()`: a number of class `rkeops_logdet` with attributes `se`, the standard error, 0 if it is exact; `probes`;
#'   `iterations`; and `rank`, that of the preconditioner. `logdet_gradients()`: a list of `value`, that number; `gradient`, that with
#'   respect to `wrt`, as [gradients()] gives it; and `ridge`, that with respect to `ridge`. `determinant()`: as [base::determinant()],
#'   so that [det()] works.
#'
#'   Errors and warnings: as [solve()][solve.LazyTensor()].
#' @references S. Ubaru, J. Chen, Y. Saad (2017), Fast estimation of tr(f(A)) via stochastic Lanczos quadrature. SIAM Journal on
#'   Matrix Analysis and Applications 38.
#'
#'   J. Gardner, G. Pleiss, K. Q. Weinberger, D. Bindel, A. G. Wilson (2018), GPyTorch: blackbox matrix-matrix Gaussian process
#'   inference with GPU acceleration. NeurIPS 31.
#' @seealso [logdet_objective()] for optimisers, [solve()][solve.LazyTensor()].
#' @concept determinant
#' @concept log-likelihood
#' @concept marginal likelihood
#' @concept Gaussian process
#' @concept trace estimation
#' @concept stochastic Lanczos quadrature
#' @examples
#' x <- matrix(runif(200))
#' h <- Pm(0.1)
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) / (2 * square(h)))
#' logdet(K_ij, ridge = 0.1)
#' logdet(K_ij, ridge = 0.1, probes = 10)
#' logdet_gradients(K_ij, h, ridge = 0.1)$gradient
#' @export
logdet <- function(a, ridge = 0, probes = NULL, tol = 1e-3, max_iterations = 1000, rank = NULL, seed = 1) {
  call <- sys.call()
  system <- logdet_system(a, ridge, probes, tol, max_iterations, rank, seed, call)
  (if (is.null(system$probes)) exact_logdet(system) else estimated_logdet(system))$value
}

#' @rdname logdet
#' @export
logdet_gradients <- function(a, wrt = NULL, ridge = 0, probes = NULL, tol = 1e-3, max_iterations = 1000, rank = NULL, seed = 1) {
  call <- sys.call()
  system <- logdet_system(a, ridge, probes, tol, max_iterations, rank, seed, call)
  differentiated_logdet(system, a, ridge, variables_of_form(a, ridge, wrt, call))
}

#' @rdname logdet
#' @export
determinant.LazyTensor <- function(x, logarithm = TRUE, ...) {
  call <- call_of("determinant", sys.call())
  check_flag(logarithm, "logarithm", call)
  modulus <- as.numeric(logdet(x, ...))
  structure(list(modulus = structure(if (logarithm) modulus else exp(modulus), logarithm = logarithm), sign = 1L), class = "det")
}

#' @export
print.rkeops_logdet <- function(x, digits = getOption("digits"), ...) {
  cat(format(as.numeric(x), digits = digits))
  if (attr(x, "probes") > 0) {
    cat(" (estimate with standard error ", format(attr(x, "se"), digits = 2L), ", from ", attr(x, "probes"), " probes)", sep = "")
  }
  cat("\n")
  invisible(x)
}

# What is computed from it is a plain number.
#' @export
as.double.rkeops_logdet <- function(x, ...) as.vector(unclass(x))

#' @export
Ops.rkeops_logdet <- function(e1, e2) {
  plain <- function(x) if (inherits(x, "rkeops_logdet")) as.numeric(x) else x
  if (missing(e2)) get(.Generic)(plain(e1)) else get(.Generic)(plain(e1), plain(e2))
}

#' @export
Math.rkeops_logdet <- function(x, ...) get(.Generic)(as.numeric(x), ...)

dense_rows <- 2000  # a decomposition of as many takes a second

# The system as new_system() makes it, with `probes` and `seed`; without an operator where there are no probes.
logdet_system <- function(a, ridge, probes, tol, max_iterations, rank, seed, call) {
  if (!is.null(probes)) probes <- check_whole(probes, "probes", call, min = 2)
  seed <- check_whole(seed, "seed", call, min = 0, max = .Machine$integer.max)
  check_square(check_lazytensor(a, "a", call), call)
  rows <- dim(a)[1L]
  if (is.null(probes) && rows > dense_rows) probes <- 20
  if (is.null(probes)) return(list(a = a, ridge = ridge_values(ridge, rows, call), call = call))
  c(new_system(a, ridge, tol, max_iterations, rank, call, columns = probes), list(probes = probes, seed = seed))
}

new_logdet <- function(value, se = 0, probes = 0, iterations = 0, rank = 0L) {
  structure(value, class = "rkeops_logdet", se = se, probes = probes, iterations = iterations, rank = rank)
}

# list(value, root): the Cholesky decomposition of S as an ordinary matrix.
exact_logdet <- function(system) {
  rows <- nrow(system$a)
  s <- entries_of(system$a)$core(seq_len(rows))
  check_products(s, system)
  if (any(abs(s - t(s)) > 1e-9 * max(abs(s)))) abort_unsymmetric(system)
  diag(s) <- diag(s) + system$ridge
  root <- tryCatch(chol(s), error = function(e) abort_indefinite(system))
  list(value = new_logdet(2 * sum(log(diag(root)))), root = root)
}

# list(value, x, w): sum(w * (dS %*% x)) is about trace(S^-1 dS).
estimated_logdet <- function(system) {
  rows <- nrow(system$a)
  rank <- system$P$rank
  count <- system$probes
  noise <- with_seed(system$seed, rbind(matrix(stats::rnorm(rows * count), rows),
                                        matrix(stats::rnorm(rank * count), rank, count, byrow = TRUE)))
  z <- system$P$sample(noise)
  x <- system$P$solve(z)
  length <- rep(sqrt(rows / colSums(z * x)), each = rows)  # (directions are all that matters, and vary less)
  found <- quadrature_steps(system, z * length)
  logarithms <- rows * vapply(found$rules, function(rule) sum(rule$weights * log(rule$nodes)), 0)
  value <- new_logdet(system$P$logdet + mean(logarithms), stats::sd(logarithms) / sqrt(count), count, found$iterations, rank)
  list(value = value, x = x * length, w = found$x / count)
}

# list(value, gradient, ridge)
differentiated_logdet <- function(system, a, ridge, variables, raw = FALSE) {
  if (!is.null(system$probes)) {
    found <- estimated_logdet(system)
    return(c(list(value = found$value), gradients_of_form(a, ridge, found$x, found$w, variables, system$call, raw)))
  }
  found <- exact_logdet(system)
  inverse <- chol2inv(found$root)
  of_ridge <- as_ridge(diag(inverse), ridge)
  list(value = found$value, gradient = if (!is.null(variables)) {
    place <- seq_len(nrow(inverse)) - 1
    weights <- apply_operation("Lookup", list(table = new_variable(as.vector(inverse), NA, "inverse"), i = Vi(place), j = Vj(place)),
                               nrow(inverse), system$call)
    weighted <- apply_operation("Mult", list(a = a, weights = weights), call = system$call)
    gradients_of_parts(parts_of_form(weighted, ridge, NULL, system$call), list(1, of_ridge), variables, raw)
  }, ridge = of_ridge)
}

# A value that takes random numbers; the state of R's generator is what it was before.
with_seed <- function(seed, value) {
  had <- get0(".Random.seed", globalenv(), inherits = FALSE)
  on.exit(if (is.null(had)) rm(".Random.seed", envir = globalenv()) else assign(".Random.seed", had, globalenv()))
  set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
  value
}
