# Gradients through linear systems, against dense algebra and central differences.

x <- random_matrix(20, 2, seed = 5)
b <- random_matrix(20, 2, seed = 6)
e <- random_matrix(20, 2, seed = 7)
h <- 0.7
ridge <- 0.3
dense <- function(x, h) exp(-squared_distances(x, x) / h)

test_that("gradients of sum(e * x) are those of dense algebra and of differences", {
  local_rkeops_options()
  x_i <- Vi(x)
  x_j <- Vj(x)
  p <- Pm(h)
  K <- exp(-sqdist(x_i, x_j) / p)
  found <- solve_gradients(K, b, list(x = list(x_i, x_j), h = p), e, ridge = ridge, tol = 1e-13)
  A <- dense(x, h) + diag(ridge, 20)
  expect_close(found$x, solve(A, b), 1e-9)
  expect_close(found$b, solve(A, e), 1e-9)
  expect_close(found$ridge, -sum(solve(A, e) * solve(A, b)), 1e-9)
  number <- function(x, h, ridge) sum(e * solve(dense(x, h) + diag(ridge, 20), b))
  step <- 1e-5
  expect_close(found$gradient$h, (number(x, h + step, ridge) - number(x, h - step, ridge)) / (2 * step), 1e-6)
  expect_close(found$ridge, (number(x, h, ridge + step) - number(x, h, ridge - step)) / (2 * step), 1e-6)
  by_entry <- x
  for (k in seq_along(x)) {
    up <- down <- x
    up[k] <- up[k] + step
    down[k] <- down[k] - step
    by_entry[k] <- (number(up, h, ridge) - number(down, h, ridge)) / (2 * step)
  }
  expect_close(found$gradient$x, by_entry, 1e-6)
})

test_that("e may be a number, or a function of the solution", {
  local_rkeops_options()
  p <- Pm(h)
  K <- exp(-sqdist(Vi(x), Vj(x)) / p)
  v <- b[, 1]
  found <- solve_gradients(K, v, p, e = function(x) x, ridge = ridge, tol = 1e-12, rank = 5)
  number <- function(h) sum(solve(dense(x, h) + diag(ridge, 20), v)^2) / 2
  expect_close(found$gradient, (number(h + 1e-5) - number(h - 1e-5)) / 2e-5, 1e-6)
  expect_null(dim(found$x))
  expect_null(dim(found$b))
  sums <- solve_gradients(K, v, e = 1, ridge = ridge, tol = 1e-12)
  expect_null(sums$gradient)
  expect_close(sums$b, solve(dense(x, h) + diag(ridge, 20), rep(1, 20)), 1e-9)
})

test_that("what cannot be is refused", {
  local_rkeops_options()
  withr::local_options(cli.num_colors = 1L, cli.unicode = FALSE)
  K <- exp(-sqdist(Vi(x), Vj(x)))
  expect_snapshot_output(show_errors(
    solve_gradients(K),
    solve_gradients(3, b),
    solve_gradients(K, b, Pm(2)),
    solve_gradients(K, b, "x"),
    solve_gradients(K, b, e = 1:3),
    solve_gradients(K, b, e = t(b)),
    solve_gradients(K, b, e = function(x) NA),
    solve_gradients(K, b, e = "a"),
    solve_gradients(K, b, ridge = -1),
    solve_gradients(K, 1:3)
  ))
})
