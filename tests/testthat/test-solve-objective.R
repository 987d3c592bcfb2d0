# Solutions and log-determinants as objectives, against dense algebra.

x <- random_matrix(40, 2, seed = 31)
y <- random_matrix(40, 1, seed = 32)[, 1]
dense <- function(p, x0 = x) exp(-squared_distances(x0, x0) * exp(-2 * p[1])) + diag(exp(2 * p[2]), 40)
slopes <- function(f, p, step = 1e-5) {
  vapply(seq_along(p), function(k) (f(replace(p, k, p[k] + step)) - f(replace(p, k, p[k] - step))) / (2 * step), 0)
}

log_h <- Pm(0)
log_s <- Pm(-0.5)
x_i <- Vi(x)
x_j <- Vj(x)
K <- exp(-sqdist(x_i, x_j) * exp(-2 * log_h))
ridge <- exp(2 * log_s)

test_that("a Gaussian likelihood is their sum, and finds its optimum", {
  local_rkeops_options()
  wrt <- list(h = log_h, s = log_s)
  o <- 0.5 * (solve_objective(K, y, wrt, e = y, ridge = ridge, tol = 1e-11) + logdet_objective(K, wrt, ridge = ridge))
  expected <- function(p) sum(y * solve(dense(p), y)) / 2 + as.numeric(determinant(dense(p))$modulus) / 2
  expect_identical(o$par, c(h = 0, s = -0.5))
  for (p in list(c(0, -0.5), c(-1, 0.3))) {
    expect_close(o$fn(p), expected(p), 1e-9)
    expect_close(o$gr(p), slopes(expected, p), 1e-6)
  }
  fit <- stats::nlminb(o$par, o$fn, o$gr)
  expect_close(fit$objective, stats::nlminb(c(0, -0.5), expected)$objective, 1e-6)
})

test_that("losses of the solution, points as variables, several right-hand sides", {
  local_rkeops_options()
  b <- cbind(y, rev(y))
  e <- random_matrix(40, 2, seed = 33)
  o <- solve_objective(K, b, list(x = list(x_i, x_j), s = log_s), e = e, loss = function(r) r^2, ridge = ridge, tol = 1e-11)
  expected <- function(p) sum(e * solve(dense(c(0, p[81]), matrix(p[1:80], 40)), b)^2)
  p <- o$par
  expect_close(o$fn(p), expected(p), 1e-9)
  expect_close(o$gr(p)[c(3, 61, 81)], slopes(expected, p)[c(3, 61, 81)], 1e-5)
  plain <- solve_objective(K, y, log_h, ridge = 0.5, tol = 1e-11)
  expect_named(plain$par, "log_h")
  expect_close(plain$gr(0.2), slopes(function(p) sum(solve(dense(c(p, log(0.5) / 2)), y)), 0.2), 1e-6)
})

test_that("estimates are functions of the parameters, the same at each call", {
  local_rkeops_options()
  o <- logdet_objective(K, list(log_h, log_s), ridge = ridge, probes = 30, rank = 10)
  p <- c(0.1, -0.4)
  first <- o$fn(p)
  o$fn(o$par)
  expect_identical(o$fn(p), first)
  exact <- as.numeric(determinant(dense(p))$modulus)
  expect_equal(first, exact, tolerance = 0.05)
  expect_equal(o$gr(p), slopes(function(p) as.numeric(determinant(dense(p))$modulus), p), tolerance = 0.1)
})

test_that("what cannot be is refused", {
  local_rkeops_options()
  expect_error(solve_objective(K, y), "wrt", class = "rkeops_error_argument")
  expect_error(solve_objective(K, y, Pm(1)), "does not occur", class = "rkeops_error_argument")
  expect_error(solve_objective(K, 1:3, log_h), class = "rkeops_error_dimension")
  expect_error(solve_objective(K, y, log_h, e = 1:3), class = "rkeops_error_dimension")
  expect_error(solve_objective(3, y, log_h), class = "rkeops_error_argument")
  expect_error(logdet_objective(K, list()), class = "rkeops_error_argument")
  expect_error(logdet_objective(K, log_s), "does not occur", class = "rkeops_error_argument")
  expect_error(logdet_objective(K, log_h, ridge = -1)$fn(0), class = "rkeops_error_argument")
})
