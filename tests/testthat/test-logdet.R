# Log-determinants, against chol() of the dense matrix.

points <- random_matrix(120, 2, seed = 21)
kernel <- function(x = points) exp(-sqdist(Vi(x), Vj(x)))
dense_kernel <- exp(-squared_distances(points, points))
dense_logdet <- function(ridge) 2 * sum(log(diag(chol(dense_kernel + diag(ridge, 120)))))

test_that("few rows give the exact value, as det() does", {
  local_rkeops_options()
  ridge <- seq(0.1, 2, length.out = 120)
  expect_close(as.numeric(logdet(kernel(), ridge = 0.1)), dense_logdet(0.1), 1e-10)
  expect_close(as.numeric(logdet(kernel(), ridge = ridge)), dense_logdet(ridge), 1e-10)
  expect_close(as.numeric(logdet(off_diagonal(kernel()) / 200, ridge = 1)),
               as.numeric(determinant((dense_kernel - diag(120)) / 200 + diag(120))$modulus), 1e-10)
  expect_close(det(kernel(2 * points[1:5, ])), det(exp(-4 * squared_distances(points[1:5, ], points[1:5, ]))), 1e-10)
  expect_close(as.numeric(determinant(kernel(), ridge = 1)$modulus), dense_logdet(1), 1e-10)
  expect_identical(attr(logdet(kernel(), ridge = 1), "se"), 0)
})

test_that("estimates are right within their error, with and without preconditioner", {
  local_rkeops_options()
  for (ridge in list(0.5, seq(0.1, 1, length.out = 120))) {
    for (rank in list(NULL, 0, 10)) {
      found <- logdet(kernel(), ridge = ridge, probes = 40, rank = rank, tol = 1e-6)
      expect_lt(abs(as.numeric(found) - dense_logdet(ridge)), 4 * attr(found, "se") + 1e-6)
      expect_gt(attr(found, "se"), 0)
    }
  }
  plain <- logdet(kernel(), ridge = 0.01, probes = 10, rank = 0)
  helped <- logdet(kernel(), ridge = 0.01, probes = 10, rank = 40)
  expect_lt(attr(helped, "se"), attr(plain, "se") / 20)
  expect_lt(attr(helped, "iterations"), attr(plain, "iterations") / 2)
  # all directions at once are the whole trace, up to their lengths: the error is that of the sample
  expect_identical(helped, logdet(kernel(), ridge = 0.01, probes = 10, rank = 40))
  expect_false(identical(helped, logdet(kernel(), ridge = 0.01, probes = 10, rank = 40, seed = 2)))
})

test_that("more than 2000 rows are estimated", {
  local_rkeops_options()
  x <- random_matrix(2001, 2, seed = 22)
  found <- logdet(kernel(x), ridge = 0.1)
  expect_equal(attr(found, "probes"), 20)
  expect_gt(attr(found, "rank"), 0)
  expect_lt(abs(as.numeric(found) - 2 * sum(log(diag(chol(exp(-squared_distances(x, x)) + diag(0.1, 2001)))))), 4 * attr(found, "se"))
})

test_that("float32 estimates the same", {
  local_rkeops_options(precision = "float32")
  found <- logdet(kernel(), ridge = 0.5, probes = 40)
  expect_lt(abs(as.numeric(found) - dense_logdet(0.5)), 4 * attr(found, "se") + 0.01)
  expect_close(as.numeric(logdet(kernel(), ridge = 0.5)), dense_logdet(0.5), 1e-9)
})

test_that("the standard error is honest", {
  skip_if_not(identical(Sys.getenv("RKEOPS_LONG_TESTS"), "1"))
  local_rkeops_options()
  for (rank in c(0, 10)) {
    z <- vapply(1:300, function(seed) {
      found <- logdet(kernel(), ridge = 0.1, probes = 20, rank = rank, seed = seed, tol = 1e-6)
      (as.numeric(found) - dense_logdet(0.1)) / attr(found, "se")
    }, 0)
    expect_lt(abs(mean(z)), 0.25)
    expect_gt(mean(abs(z) < stats::qt(0.975, 19)), 0.91)
  }
})

test_that("R's random numbers are left alone", {
  local_rkeops_options()
  set.seed(1)
  before <- .Random.seed
  logdet(kernel(), ridge = 1, probes = 2)
  expect_identical(.Random.seed, before)
  withr::with_preserve_seed({
    rm(".Random.seed", envir = globalenv())
    logdet(kernel(), ridge = 1, probes = 2)
    expect_false(exists(".Random.seed", globalenv(), inherits = FALSE))
    set.seed(1)
  })
})

test_that("gradients are those of dense algebra, exactly or within what probes give", {
  local_rkeops_options()
  x_i <- Vi(points)
  x_j <- Vj(points)
  log_h <- Pm(0)
  log_s <- Pm(-1)
  K <- exp(-sqdist(x_i, x_j) * exp(-2 * log_h))
  wrt <- list(h = log_h, s = log_s, x = list(x_i, x_j))
  number <- function(h = 0, s = -1, x = points) {
    as.numeric(determinant(exp(-squared_distances(x, x) * exp(-2 * h)) + diag(exp(2 * s), 120))$modulus)
  }
  exact <- logdet_gradients(K, wrt, ridge = exp(2 * log_s))
  step <- 1e-5
  expect_close(as.numeric(exact$value), number(), 1e-10)
  expect_close(exact$gradient$h, (number(h = step) - number(h = -step)) / (2 * step), 1e-6)
  expect_close(exact$gradient$s, (number(s = -1 + step) - number(s = -1 - step)) / (2 * step), 1e-6)
  expect_close(exact$ridge, exact$gradient$s / (2 * exp(-2)), 1e-9)
  up <- down <- points
  up[7, 2] <- up[7, 2] + step
  down[7, 2] <- down[7, 2] - step
  expect_close(exact$gradient$x[7, 2], (number(x = up) - number(x = down)) / (2 * step), 1e-5)
  about <- logdet_gradients(K, wrt, ridge = exp(2 * log_s), probes = 200, rank = 20)
  expect_equal(about$gradient$h, exact$gradient$h, tolerance = 0.05)
  expect_equal(about$gradient$s, exact$gradient$s, tolerance = 0.02)
  expect_equal(about$ridge, exact$ridge, tolerance = 0.02)
  # one number of the ridge for each row, which may be a variable
  ridge_i <- Vi(matrix(seq(0.2, 1, length.out = 120)))
  found <- logdet_gradients(K, ridge_i, ridge = ridge_i)
  expected <- diag(solve(dense_kernel + diag(seq(0.2, 1, length.out = 120))))
  expect_close(found$ridge, expected, 1e-9)
  expect_close(found$gradient, matrix(expected), 1e-9)
})

test_that("the number prints with its error, and arithmetic makes it plain", {
  local_rkeops_options()
  found <- logdet(kernel(), ridge = 1, probes = 5)
  expect_output(print(found), "estimate with standard error .*, from 5 probes")
  expect_output(print(logdet(kernel(), ridge = 1)), "^-?[0-9.]+\n?$")
  for (plain in list(found + 1, -found, 2 * found, round(found, 2))) expect_null(attributes(plain))
  expect_true(found < as.numeric(found) + 1)
})

test_that("what cannot be is refused", {
  local_rkeops_options()
  withr::local_options(cli.num_colors = 1L, cli.unicode = FALSE)
  K <- kernel()
  holed <- points
  holed[3, 1] <- NA
  expect_snapshot_output(show_errors(
    logdet(3),
    logdet(-K, ridge = 0.1),
    logdet(-K, ridge = 0.1, probes = 3),
    logdet(kernel(points[c(1, 1:5), ])),
    logdet(kernel(holed), ridge = 1),
    logdet(exp(-sqdist(Vi(points), Vj(points + 0.1))), ridge = 1),
    logdet(exp(-sqdist(Vi(points), Vj(points[1:3, ])))),
    logdet(K, ridge = -1),
    logdet(K, ridge = 1:2),
    logdet(K, ridge = 1, probes = 1),
    logdet(K, ridge = 1, probes = 3, rank = 121),
    logdet(K, ridge = 1, seed = -1),
    logdet_gradients(K, Pm(1), ridge = 1)
  ))
  expect_warning(logdet(K, ridge = 1e-6, probes = 3, rank = 0, max_iterations = 3), "no convergence", class = "rkeops_warning")
})
