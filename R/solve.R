# Linear systems whose matrix is a LazyTensor.

#' Solve linear systems of LazyTensors
#'
#' `solve(K, b)` gives the x with `K %*% x = b`, and with `ridge` that of `K %*% x + ridge * x = b`, for a symmetric
#' positive definite K such as a kernel matrix of points with themselves. K is never stored: conjugate gradients take
#' one product `K %*% p` for each step, for all columns of `b` together.
#'
#' The larger `ridge`, the fewer steps. For smooth kernels and a small `ridge`, `rank` helps: the first `rank` steps of
#' a Cholesky decomposition of K with pivots, which need `rank` columns of K, precondition the system.
#'
#' @param a a LazyTensor of dimension 1 with as many rows i as j, symmetric and positive definite.
#' @param b a vector, or a matrix of right-hand sides, with one row per row of `a`.
#' @param ridge a number, at least 0, that is added to the diagonal.
#' @param tol a column is solved when the norm of its residual is at most `tol` times that of `b`.
#' @param max_iterations largest number of steps.
#' @param rank size of the preconditioner, 0 for none. It needs a positive `ridge`.
#' @param ... not used.
#' @return x: a vector or matrix like `b`, with the attributes `iterations`, the number of steps, and `residual`, the
#'   relative norm of the residual of each column. A warning of class `rkeops_warning` tells if `max_iterations` did not
#'   suffice.
#'
#'   Errors: of class `rkeops_error_dimension` if shapes do not fit, `rkeops_error_argument` if `a` turns out not to be
#'   positive definite.
#' @references M. R. Hestenes, E. Stiefel (1952), Methods of conjugate gradients for solving linear systems.
#' @examples
#' x <- matrix(runif(200))
#' y <- sin(6 * x) + rnorm(200) / 10
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) / 0.02)
#' a <- solve(K_ij, y, ridge = 0.1)
#' attr(a, "iterations")
#' attr(solve(K_ij, y, ridge = 0.1, rank = 20), "iterations")
#'
#' # the fitted curve
#' new <- matrix(seq(0, 1, length.out = 5))
#' exp(-sqdist(Vi(new), Vj(x)) / 0.02) %*% a
#' @export
solve.LazyTensor <- function(a, b, ..., ridge = 0, tol = 1e-6, max_iterations = 1000, rank = 0) {
  call <- call_of("solve", sys.call())
  check_square(a, call)
  if (missing(b)) {
    rkeops_abort("argument", "`b` is missing: the inverse of a LazyTensor would be a dense matrix", call = call,
                 argument = "b", hint = "solve(a, b) gives the product of the inverse with b.")
  }
  rhs <- plain_numbers(b, "b", call)
  rhs <- matrix(as.double(rhs), NROW(rhs), NCOL(rhs))
  if (nrow(rhs) != dim(a)[1L]) {
    rkeops_abort("dimension", sprintf("`a` has %d rows, `b` has %d", dim(a)[1L], nrow(rhs)), call = call,
                 argument = "b")
  }
  check_number(ridge, "ridge", call, 0)
  check_number(tol, "tol", call, 0)
  max_iterations <- check_whole(max_iterations, "max_iterations", call, min = 1)
  rank <- check_whole(rank, "rank", call, min = 0, max = nrow(rhs))
  if (rank > 0 && ridge == 0) {
    rkeops_abort("argument", "the preconditioner needs a positive `ridge`", call = call, argument = "ridge",
                 hint = "Without ridge, leave out `rank`.")
  }
  product <- function(p) a %*% p + ridge * p
  found <- conjugate_gradients(product, rhs, preconditioner(a, ridge, rank), tol, max_iterations, call)
  x <- if (is.null(dim(b))) as.vector(found$x) else found$x
  if (any(found$residual > tol)) {
    rkeops_warn(sprintf(
      "no convergence after %.0f steps: the relative residual is %.2g\n%s A larger `ridge`, `rank` or `max_iterations` helps.",
      found$iterations, max(found$residual), cli::symbol$info
    ), call)
  }
  structure(x, iterations = found$iterations, residual = found$residual)
}

check_square <- function(a, call) {
  if (a$dimres != 1 || is.ComplexLazyTensor(a)) {
    rkeops_abort("dimension", "`a` must be real and have dimension 1", call = call, argument = "a",
                 got = paste(if (is.ComplexLazyTensor(a)) "a complex LazyTensor of" else "got", "dimension", a$dimres))
  }
  if (dim(a)[1L] != dim(a)[2L]) {
    shape <- paste(dim(a), collapse = " x ")
    rkeops_abort("dimension", sprintf("`a` must have as many rows i as j, it is %s", shape), call = call, argument = "a")
  }
}

# Columns are independent systems that share the products; those that are solved stay as they are.
conjugate_gradients <- function(apply_a, b, precondition, tol, max_iterations, call) {
  size <- sqrt(colSums(b^2))
  x <- 0 * b
  r <- b
  z <- precondition(r)
  p <- z
  rz <- colSums(r * z)
  open <- size > 0
  iterations <- 0
  while (any(open) && iterations < max_iterations) {
    iterations <- iterations + 1
    q <- apply_a(p)
    curvature <- colSums(p * q)
    if (!all(is.finite(curvature[open]) & curvature[open] > 0)) {
      rkeops_abort("argument", "`a` is not positive definite", call = call, argument = "a",
                   hint = "A positive `ridge` helps against rounding; look also for NA and infinite values in the data.")
    }
    step <- ifelse.default(open, rz / curvature, 0)
    x <- x + p * rep(step, each = nrow(b))
    r <- r - q * rep(step, each = nrow(b))
    open <- open & sqrt(colSums(r^2)) > tol * size
    z <- precondition(r)
    following <- colSums(r * z)
    p <- z + p * rep(ifelse.default(open, following / rz, 0), each = nrow(b))
    rz <- following
  }
  list(x = x, iterations = iterations, residual = sqrt(colSums(r^2)) / ifelse.default(size > 0, size, 1))
}

# r -> (L L' + ridge)^-1 r, where L L' is the Cholesky decomposition of `a` with pivots after `rank` steps.
preconditioner <- function(a, ridge, rank) {
  if (rank == 0) return(identity)
  factor <- pivoted_cholesky(a, rank)
  core <- chol(crossprod(factor) + diag(ridge, ncol(factor)))
  function(r) (r - factor %*% backsolve(core, forwardsolve(t(core), crossprod(factor, r)))) / ridge
}

pivoted_cholesky <- function(a, rank) {
  left <- diag(a)
  largest <- max(left)
  factor <- matrix(0, length(left), rank)
  for (k in seq_len(rank)) {
    pivot <- which.max(left)
    if (!(left[pivot] > 1e-12 * largest)) return(factor[, seq_len(max(1L, k - 1L)), drop = FALSE])
    before <- seq_len(k - 1L)
    column <- a[, pivot] - factor[, before, drop = FALSE] %*% factor[pivot, before]
    factor[, k] <- column / sqrt(left[pivot])
    left <- left - factor[, k]^2
  }
  factor
}
