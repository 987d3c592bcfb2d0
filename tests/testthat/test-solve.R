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
  plain <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10, rank = 0, details = TRUE)
  helped <- solve(kernel(), b, ridge = 1e-4, tol = 1e-10, rank = 30, details = TRUE)
  expect_close(helped$x, solve(dense_kernel + diag(1e-4, 60), b), 1e-6)
  expect_lt(helped$iterations, plain$iterations / 2)
  # a matrix of rank 1 ends the decomposition early
  flat <- exp(0 * sqdist(Vi(points), Vj(points)))
  expect_close(solve(flat, b, ridge = 1, rank = 5, tol = 1e-12), solve(matrix(1, 60, 60) + diag(60), b), 1e-10)
})

test_that("a matrix as ridge: one number for each row, with and without preconditioner", {
  local_rkeops_options()
  b <- random_matrix(60, 2, seed = 8)
  ridge <- seq(0, 2, length.out = 60)^3 + 0.01
  expected <- solve(dense_kernel + diag(ridge), b)
  for (rank in list(NULL, 0, 20)) expect_close(solve(kernel(), b, ridge = ridge, tol = 1e-12, rank = rank), expected, 1e-8)
  expect_close(solve(kernel(), b, ridge = Vi(matrix(ridge)), tol = 1e-12), expected, 1e-8)
  expect_close(solve(kernel(), b, ridge = exp(Pm(-1)), tol = 1e-12), solve(dense_kernel + diag(exp(-1), 60), b), 1e-8)
})

test_that("columns that depend on each other, or are zero, do not break what they share", {
  local_rkeops_options()
  b <- random_matrix(60, 3, seed = 9)
  b <- cbind(b, b[, 1], 0, b[, 1] - 2 * b[, 2], 1e-8 * b[, 3], 1e8 * b[, 2])
  expected <- solve(dense_kernel + diag(0.01, 60), b)
  found <- solve(kernel(), b, ridge = 0.01, tol = 1e-11, rank = 0, details = TRUE)
  for (k in 1:8) expect_close(found$x[, k], expected[, k], 1e-8)
  alone <- solve(kernel(), b[, 1], ridge = 0.01, tol = 1e-11, rank = 0, details = TRUE)
  expect_lt(found$iterations, alone$iterations)
  many <- random_matrix(60, 40, seed = 10)
  expect_close(solve(kernel(), many, ridge = 0.1, tol = 1e-12), solve(dense_kernel + diag(0.1, 60), many), 1e-8)
})

test_that("the rank is chosen where it pays, by sizes and data", {
  local_rkeops_options()
  x <- random_matrix(600, 2, seed = 11)
  K <- kernel(x)
  plain <- solve(K, x[, 1], ridge = 1e-4, rank = 0, details = TRUE)
  helped <- solve(K, x[, 1], ridge = 1e-4, details = TRUE)
  expect_gt(helped$rank, 10)
  expect_lt(helped$iterations, plain$iterations / 5)
  expect_close(helped$x, solve(exp(-squared_distances(x, x)) + diag(1e-4, 600), x[, 1]), 1e-4)
  expect_identical(helped, solve(K, x[, 1], ridge = 1e-4, details = TRUE))
  expect_identical(solve(K, x[, 1], ridge = 1e4, details = TRUE)$rank, 0L)  # two steps without
})

test_that("minimal residuals solve what is not positive definite", {
  local_rkeops_options()
  distances <- sqrt(sqdist(Vi(points), Vj(points)))
  dense <- sqrt(squared_distances(points, points))
  b <- cbind(random_matrix(60, 2, seed = 12), 0)
  found <- solve(distances, b, method = "minres", tol = 1e-10, details = TRUE)
  expect_close(found$x, solve(dense, b), 1e-6)
  expect_lte(max(found$residual), 1e-10)
  expect_close(solve(-kernel(), b, ridge = 0.1, method = "minres", tol = 1e-10), solve(diag(0.1, 60) - dense_kernel, b), 1e-7)
  expect_error(solve(distances, b[, 1]), "not positive definite", class = "rkeops_error_argument")
  # singular, of rank 1: where b fits there is a solution, else a warning
  flat <- exp(0 * distances)
  expect_close(sum(solve(flat, rep(3, 60), method = "minres")), 3, 1e-6)
  expect_warning(solve(flat, b[, 1], method = "minres", max_iterations = 20), "no convergence", class = "rkeops_warning")
})

test_that("products with a tolerance end at the residual of all pairs", {
  local_rkeops_options(tolerance = 1e-3, geometry = "always")
  b <- sin(1:60)
  for (tolerance in list(NULL, 1e-2, 0)) {
    found <- solve(kernel(3 * points), b, ridge = 0.1, tol = 1e-9, tolerance = tolerance, details = TRUE)
    residual <- b - exp(-9 * squared_distances(points, points)) %*% found$x - 0.1 * found$x
    expect_lt(sqrt(sum(residual^2) / sum(b^2)), 1e-9)
  }
  expect_identical(get_rkeops_options("tolerance"), 1e-3)
})

test_that("points that occur twice need a ridge", {
  local_rkeops_options()
  twice <- points[c(1:60, 1:60), ]
  b <- random_matrix(120, 1, seed = 13)[, 1]
  expect_warning(solve(kernel(twice), b, max_iterations = 50), "no convergence", class = "rkeops_warning")
  expected <- solve(exp(-squared_distances(twice, twice)) + diag(0.1, 120), b)
  for (rank in list(NULL, 0, 80)) expect_close(solve(kernel(twice), b, ridge = 0.1, tol = 1e-12, rank = rank), expected, 1e-8)
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
    solve(K, b, ridge = 1:3),
    solve(K, b, ridge = c(1, NA, rep(1, 58))),
    solve(K, b, ridge = c(-1, rep(1, 59))),
    solve(K, b, ridge = K),
    solve(K, b, method = "lu"),
    solve(K, b, method = "minres", rank = 5),
    solve(K, b, tolerance = -1),
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
