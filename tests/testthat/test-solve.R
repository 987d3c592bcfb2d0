# Linear systems, against base R's dense solve().

points <- random_matrix(60, 2, seed = 3)
kernel <- function(x = points) exp(-sqdist(Vi(x), Vj(x)))
dense_kernel <- exp(-squared_distances(points, points))

test_that("solve() gives what the dense solve gives", {
  local_rkeops_options()
  b <- random_matrix(60, 3, seed = 4)
  found <- solve(kernel(), b, ridge = 0.1, tol = 1e-12, details = TRUE)
  x <- found$x
  expect_equal(x, solve(dense_kernel + diag(0.1, 60), b), tolerance = 1e-8)
  expect_true(all(found$residual <= 1e-12))
  expect_close(found$residual, sqrt(colSums((b - dense_kernel %*% x - 0.1 * x)^2) / colSums(b^2)), 0.1)
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
  expect_equal(solve(K, b[, 2], details = TRUE)$iterations, 0)
})

test_that("the preconditioner takes steps away, and nothing else", {
  local_rkeops_options()
  b <- sin(1:60)
  plain <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10, details = TRUE)
  helped <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10, rank = 30, details = TRUE)
  expect_close(helped$x, solve(dense_kernel + diag(1e-4, 60), b), 1e-6)
  expect_lt(helped$iterations, plain$iterations / 2)
  # a matrix of rank 1 ends the decomposition early
  flat <- exp(0 * sqdist(Vi(points), Vj(points)))
  expect_close(solve(flat, b, ridge = 1, rank = 5, tol = 1e-12), solve(matrix(1, 60, 60) + diag(60), b), 1e-10)
})

test_that("float32 solves as far as it is told, by its true residual", {
  local_rkeops_options(precision = "float32")
  b <- sin(1:60)
  for (settings in list(list(1, 0), list(0.01, 30), list(1e-3, 20))) {
    ridge <- settings[[1]]
    found <- solve(kernel(), b, ridge = ridge, rank = settings[[2]], details = TRUE)
    true <- sqrt(sum((b - dense_kernel %*% found$x - ridge * found$x)^2) / sum(b^2))
    expect_lt(true, 1e-6)
    expect_equal(found$residual, true, tolerance = 1e-3)
    expect_close(found$x, solve(dense_kernel + diag(ridge, 60), b), 1e-3)
  }
  expect_identical(get_rkeops_options("precision"), "float32")
})

test_that("where tol is out of reach a warning gives the true residual", {
  local_rkeops_options(precision = "float32")
  b <- sin(1:60)
  found <- NULL
  warned <- expect_warning(found <- solve(kernel(), b, ridge = 1e-9, max_iterations = 60, details = TRUE),
                           "no convergence", class = "rkeops_warning")
  true <- sqrt(sum((b - dense_kernel %*% found$x - 1e-9 * found$x)^2) / sum(b^2))
  expect_equal(found$residual, true, tolerance = 0.05)
})

test_that("the solution is an ordinary vector or matrix, with the names of b", {
  local_rkeops_options()
  b <- sin(1:60)
  expect_null(attributes(solve(kernel(), b, ridge = 1)))
  b <- cbind(u = b, v = cos(1:60))
  rownames(b) <- paste0("p", 1:60)
  expect_identical(dimnames(solve(kernel(), b, ridge = 1)), dimnames(b))
})

test_that("R's random numbers are left alone", {
  set.seed(1)
  before <- .Random.seed
  solve(kernel(), sin(1:60), ridge = 1, rank = 3)
  expect_identical(.Random.seed, before)
})

test_that("steps are shown where a progress bar would be", {
  local_rkeops_options(verbosity = 2L)
  progress <- rkeops:::steps_progress()
  expect_named(progress, c("show", "remove"))
  progress$show(1, 0.5)
  progress$remove()
  set_rkeops_options(list(verbosity = 0L))
  expect_null(rkeops:::steps_progress()$remove())
})

test_that("what does not converge warns, what cannot be is refused", {
  local_rkeops_options()
  withr::local_options(cli.num_colors = 1L, cli.unicode = FALSE)
  K <- kernel()
  b <- sin(1:60)
  expect_warning(solve(K, b, ridge = 1e-6, max_iterations = 2), "no convergence after 2 steps", class = "rkeops_warning")
  holed <- points
  holed[7, 1] <- NA
  shifted <- exp(-sqdist(Vi(points), Vj(points + 0.01)))
  expect_snapshot_output(show_errors(
    solve(K),
    solve(K, 1:3),
    solve(Vi(points) * Vj(points), b),
    solve(sqdist(Vi(points), Vj(points[1:5, ])), b),
    solve(-K, b),
    solve(shifted, b, ridge = 1),
    solve(kernel(holed), b, ridge = 1),
    solve(log(K - 1), b, ridge = 1),
    solve(K, c(b[-1], NA), ridge = 1),
    solve(K, b, rank = 5),
    solve(K, b, ridge = -1),
    solve(K, b, ridge = NA),
    solve(K, b, tol = "a"),
    solve(K, b, max_iterations = 0),
    solve(K, b, rank = 61, ridge = 1),
    solve(K, b, alpha = 10),
    solve(K, b, rigde = 10),
    solve(K, b, 10),
    solve(K, b, ridge = 1, details = NA),
    solve(K, "b")
  ))
})
