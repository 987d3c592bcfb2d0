# Linear systems, against base R's dense solve().

points <- random_matrix(60, 2, seed = 3)
kernel <- function(x = points) exp(-sqdist(Vi(x), Vj(x)))
dense_kernel <- exp(-squared_distances(points, points))

test_that("solve() gives what the dense solve gives", {
  local_rkeops_options()
  b <- random_matrix(60, 3, seed = 4)
  x <- solve(kernel(), b, ridge = 0.1, tol = 1e-12)
  expect_close(x, solve(dense_kernel + diag(0.1, 60), b), 1e-8)
  expect_equal(dim(x), c(60L, 3L))
  expect_true(all(attr(x, "residual") <= 1e-12))
  v <- solve(kernel(), b[, 1], ridge = 0.1, tol = 1e-12)
  expect_null(dim(v))
  expect_close(v, x[, 1], 1e-8)
})

test_that("without ridge a well conditioned system is solved; zero columns give zero", {
  local_rkeops_options()
  x <- matrix(1:20 * 2)
  K <- exp(-sqdist(Vi(x), Vj(x)))
  b <- cbind(sin(1:20), 0)
  expect_close(solve(K, b, tol = 1e-13), solve(exp(-squared_distances(x, x)), b), 1e-10)
  expect_equal(attr(solve(K, b[, 2]), "iterations"), 0)
})

test_that("the preconditioner takes steps away, and nothing else", {
  local_rkeops_options()
  b <- sin(1:60)
  plain <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10)
  helped <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10, rank = 30)
  expect_close(helped, solve(dense_kernel + diag(1e-4, 60), b), 1e-6)
  expect_lt(attr(helped, "iterations"), attr(plain, "iterations") / 2)
  # a matrix of rank 1 ends the decomposition early
  flat <- exp(0 * sqdist(Vi(points), Vj(points)))
  expect_close(solve(flat, b, ridge = 1, rank = 5, tol = 1e-12), solve(matrix(1, 60, 60) + diag(60), b), 1e-10)
})

test_that("float32 solves to its own precision", {
  local_rkeops_options(precision = "float32")
  b <- sin(1:60)
  expect_close(solve(kernel(), b, ridge = 1, tol = 1e-5), solve(dense_kernel + diag(60), b), 1e-4)
})

test_that("what does not converge warns, what cannot be is refused", {
  local_rkeops_options()
  withr::local_options(cli.num_colors = 1L, cli.unicode = FALSE)
  K <- kernel()
  b <- sin(1:60)
  expect_warning(solve(K, b, ridge = 1e-6, max_iterations = 2), "no convergence after 2 steps", class = "rkeops_warning")
  expect_snapshot(error = TRUE, {
    solve(K)
    solve(K, 1:3)
    solve(Vi(points) * Vj(points), b)
    solve(sqdist(Vi(points), Vj(points[1:5, ])), b)
    solve(-K, b)
    solve(K, b, rank = 5)
    solve(K, b, ridge = -1)
    solve(K, b, max_iterations = 0)
    solve(K, "b")
  })
})
