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
#' Conjugate gradients only know an estimate of their residual. So `solve()` computes `b - K %*% x - ridge * x` in the end,
#' in `float64` whatever the option `precision` says, and goes on from there until `tol` is reached.
#'
#' In interactive sessions steps and residual are shown from the second second on.
#'
#' @param a a LazyTensor of dimension 1 with as many rows i as j, symmetric and positive definite.
#' @param b a vector, or a matrix of right-hand sides, with one row per row of `a`.
#' @param ridge a number, at least 0, that is added to the diagonal.
#' @param tol a column is solved when the norm of its residual is at most `tol` times that of `b`.
#' @param max_iterations largest number of steps.
#' @param rank size of the preconditioner, 0 for none. It needs a positive `ridge`.
#' @param details `TRUE`: give a list with `x`; `iterations`, the number of steps; and `residual`, the norm of the
#'   residual of each column relative to that of `b`.
#' @param ... not used.
#' @return x: a vector or matrix like `b`; a list if `details` is `TRUE`. A warning of class `rkeops_warning` tells the
#'   residual if `tol` was not reached.
#'
#'   Errors: of class `rkeops_error_dimension` if shapes do not fit, `rkeops_error_input` if there are missing or infinite
#'   values, `rkeops_error_argument` if `a` turns out not to be symmetric or not to be positive definite.
#' @references M. R. Hestenes, E. Stiefel (1952), Methods of conjugate gradients for solving linear systems.
#' @seealso [solve_gradients()]
#' @seealso [matern()] for covariances, [lazytensor_product] for predictions; `vignette("kernel-interpolation")`.
#' @concept kriging
#' @concept Gaussian process
#' @concept ridge
#' @concept kernel ridge regression
#' @concept interpolation
#' @concept smoothing spline
#' @concept radial basis functions
#' @concept spatial statistics
#' @concept conjugate gradients
#' @concept linear system
#' @concept preconditioner
#' @examples
#' x <- matrix(runif(200))
#' y <- sin(6 * x) + rnorm(200) / 10
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) / 0.02)
#' a <- solve(K_ij, y, ridge = 0.1)
#' solve(K_ij, y, ridge = 0.1, details = TRUE)$iterations
#' solve(K_ij, y, ridge = 0.1, rank = 20, details = TRUE)$iterations
#'
#' # the fitted curve
#' new <- matrix(seq(0, 1, length.out = 5))
#' exp(-sqdist(Vi(new), Vj(x)) / 0.02) %*% a
#' @export
solve.LazyTensor <- function(a, b, ..., ridge = 0, tol = 1e-6, max_iterations = 1000, rank = 0, details = FALSE) {
  call <- call_of("solve", sys.call())
  check_dots("solve", c("ridge", "tol", "max_iterations", "rank", "details"), ..., call = call)
  check_flag(details, "details", call)
  if (missing(b)) {
    abort_missing("b", call,
                  "solve(a, b) is the product of the inverse with b; the inverse itself would be a dense matrix.")
  }
  system <- new_system(a, ridge, tol, max_iterations, rank, call)
  found <- solve_system(system, right_hand_side(b, "b", dim(a)[1L], call))
  x <- if (is.null(dim(b))) as.vector(found$x) else found$x
  if (details) list(x = x, iterations = found$iterations, residual = found$residual) else x
}

right_hand_side <- function(b, arg, rows, call) {
  rhs <- plain_numbers(b, arg, call)
  rhs <- matrix(as.double(rhs), NROW(rhs), NCOL(rhs), dimnames = if (length(dim(rhs)) == 2L) dimnames(rhs))
  if (nrow(rhs) != rows) {
    rkeops_abort("dimension", sprintf("`a` has %d rows, `%s` has %d", rows, arg, nrow(rhs)), call = call,
                 argument = arg)
  }
  check_finite(rhs, arg, call)
  rhs
}

check_finite <- function(values, arg, call) {
  bad <- which(!is.finite(values))[1L]
  if (is.na(bad)) return(invisible())
  row <- (bad - 1) %% NROW(values) + 1
  rkeops_abort("input", sprintf("`%s` has missing or infinite values", arg), call = call, argument = arg,
               got = sprintf("%s in row %.0f", format(values[bad]), row))
}

# The checked system `a %*% x + ridge * x`, with `a` as an operator, whose preconditioner is made when it is used first.
new_system <- function(a, ridge, tol, max_iterations, rank, call) {
  check_lazytensor(a, "a", call)
  check_square(a, call)
  rows <- dim(a)[1L]
  system <- list(
    a = a, ridge = check_number(ridge, "ridge", call, 0), tol = check_number(tol, "tol", call, 0),
    max_iterations = check_whole(max_iterations, "max_iterations", call, min = 1),
    rank = check_whole(rank, "rank", call, min = 0, max = rows), call = call
  )
  if (rank > 0 && ridge == 0) {
    rkeops_abort("argument", "the preconditioner needs a positive `ridge`", call = call, argument = "ridge",
                 hint = "Without ridge, leave out `rank`.")
  }
  system$operator <- new_operator(a, 1L, call)
  check_symmetric(system)
  system$progress <- steps_progress()
  on.exit(system$progress$remove())
  system$precondition <- preconditioner(system)
  system
}

check_square <- function(a, call) {
  if (a$dimres != 1 || is.ComplexLazyTensor(a)) {
    rkeops_abort("dimension", "`a` must be real and have dimension 1", call = call, argument = "a",
                 got = paste(if (is.ComplexLazyTensor(a)) "a complex LazyTensor of" else "got", "dimension", a$dimres))
  }
  if (dim(a)[1L] != dim(a)[2L]) {
    shape <- paste(dim(a), collapse = " x ")
    rkeops_abort("dimension", sprintf("`a` must have as many rows i as j, it is %s", shape), call = call,
                 argument = "a")
  }
}

product <- function(system, p) multiply_prepared(system$operator, p, system$call) + system$ridge * p

in_float64 <- function(value) {
  options <- current_options()
  if (options$precision == "float64") return(value)
  options$precision <- "float64"
  old <- options(rkeops = options)
  on.exit(options(old))
  value
}

# u'Kv = v'Ku for two vectors that have nothing to do with K (and not with R's random numbers).
check_symmetric <- function(system) {
  rows <- dim(system$a)[1L]
  noise <- function(seed) (sin(seq_len(rows) * 12.9898 + seed) * 43758.5453) %% 1 - 0.5
  probe <- cbind(noise(0.5), noise(78.233))
  images <- in_float64(multiply_prepared(system$operator, probe, system$call))
  check_products(images, system)
  difference <- sum(probe[, 1L] * images[, 2L]) - sum(probe[, 2L] * images[, 1L])
  if (abs(difference) <= 1e-9 * sqrt(sum(probe^2) * sum(images^2))) return(invisible())
  rkeops_abort("argument", "`a` is not symmetric", call = system$call, argument = "a",
               hint = "Entry (i, j) must be entry (j, i), as for a kernel of a set of points with itself.")
}

# Products that are not finite come from data that are not.
check_products <- function(values, system) {
  if (all(is.finite(values))) return(invisible())
  for (k in seq_along(system$a$data)) check_finite(system$a$data[[k]], variable_names(system$a)[k], system$call)
  rkeops_abort("input", "`a` has entries that are not finite", call = system$call, argument = "a")
}

# Conjugate gradients until their own residual is small, then from the true one, as long as that helps.
solve_system <- function(system, b) {
  size <- sqrt(colSums(b^2))
  scale <- ifelse.default(size > 0, size, 1)
  reachable <- if (current_options()$precision == "float64") 1e-10 else 1e-4  # by one run, relative to where it starts
  system$progress <- steps_progress()
  on.exit(system$progress$remove())
  x <- 0 * b
  r <- b
  residual <- sqrt(colSums(r^2)) / scale
  iterations <- 0
  while (any(residual > system$tol) && iterations < system$max_iterations) {
    target <- pmax(0.9 * system$tol * size, reachable * residual * scale)
    found <- conjugate_gradients(system, r, target, residual > system$tol, iterations, scale)
    iterations <- found$iterations
    last <- residual
    proposed <- x + found$x
    r_proposed <- b - in_float64(product(system, proposed))
    residual <- sqrt(colSums(r_proposed^2)) / scale
    better <- residual < last
    x[, better] <- proposed[, better]
    r[, better] <- r_proposed[, better]
    residual <- pmin(residual, last)
    if (!any(residual > system$tol & residual < 0.5 * last)) break
  }
  if (any(residual > system$tol)) {
    rkeops_warn(sprintf(
      paste0("no convergence after %.0f steps: the relative residual is %s\n",
             "%s A larger `ridge`, `rank` or `max_iterations` helps."),
      iterations, number_text(max(residual), 2L), cli::symbol$info
    ), system$call)
  }
  list(x = x, iterations = iterations, residual = residual)
}

# Columns are independent systems that share the products; those that are solved stay as they are. `open`: columns to
# be solved, until the norms of their residuals are at most `target`; `done`: steps that were taken before.
conjugate_gradients <- function(system, b, target, open, done, scale) {
  rows <- nrow(b)
  start <- sqrt(colSums(b^2))
  x <- 0 * b
  r <- b
  z <- system$precondition(r)
  p <- z
  rz <- colSums(r * z)
  while (any(open) && done < system$max_iterations) {
    done <- done + 1
    q <- product(system, p)
    curvature <- colSums(p * q)
    check_products(q, system)
    lost <- open & curvature <= 0
    if (any(lost)) {
      # Rounding does that too, where most of the way is behind.
      if (any(sqrt(colSums(r^2))[lost] > 1e-3 * start[lost])) {
        rkeops_abort("argument", "`a` is not positive definite", call = system$call, argument = "a",
                     hint = "A positive `ridge` helps against rounding.")
      }
      open <- open & !lost
    }
    step <- ifelse.default(open, rz / curvature, 0)
    x <- x + p * rep(step, each = rows)
    r <- r - q * rep(step, each = rows)
    norms <- sqrt(colSums(r^2))
    system$progress$show(done, max(norms / scale))
    open <- open & norms > target
    z <- system$precondition(r)
    following <- colSums(r * z)
    p <- z + p * rep(ifelse.default(open, following / rz, 0), each = rows)
    rz <- following
  }
  list(x = x, iterations = done)
}

# r -> (L L' + ridge)^-1 r, where L L' is the Cholesky decomposition of `a` with pivots after `rank` steps.
preconditioner <- function(system) {
  if (system$rank == 0) return(identity)
  factor <- pivoted_cholesky(system)
  core <- chol(crossprod(factor) + diag(system$ridge, ncol(factor)))
  function(r) (r - factor %*% backsolve(core, forwardsolve(t(core), crossprod(factor, r)))) / system$ridge
}

pivoted_cholesky <- function(system) {
  a <- system$a
  entries <- function(values) if (has_blocks(a)) ifelse.default(is.nan(values), 0, values) else values
  left <- entries(as.vector(diag(a)))
  largest <- max(left)
  factor <- matrix(0, length(left), system$rank)
  for (k in seq_len(system$rank)) {
    pivot <- which.max(left)
    if (!(left[pivot] > 1e-12 * largest)) return(factor[, seq_len(max(1L, k - 1L)), drop = FALSE])
    before <- seq_len(k - 1L)
    column <- entries(as.vector(a[, pivot])) - factor[, before, drop = FALSE] %*% factor[pivot, before]
    factor[, k] <- column / sqrt(left[pivot])
    left <- left - factor[, k]^2
    system$progress$show(k, NA, system$rank)
  }
  factor
}
