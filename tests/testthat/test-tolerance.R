# Sums with a tolerance: off by no more than what was asked for, and than what the certificate says.

with_geometry <- function(use, expr) {
  old <- set_rkeops_options(list(geometry = use))
  on.exit(options(old))
  expr
}

# A random problem: points, weights of a kind, a kernel of a width.
random_problem <- function(seed, family) {
  set.seed(seed)
  n <- sample(50:400, 1L)
  d <- sample(1:3, 1L)
  x <- switch(sample(3L, 1L), matrix(runif(n * d), n), matrix(rnorm(n * d), n),
              matrix(rnorm(n * d, sd = 0.01), n) + sample(5L, n, replace = TRUE))  # clusters
  w <- switch(sample(3L, 1L), runif(n), rnorm(n), rt(n, 1.5))  # positive, signed, heavy tails
  h <- 10^runif(1L, -2, 0.5)
  x_i <- Vi(x)
  y_j <- Vj(x)
  r <- sqrt(sum((x_i - y_j)^2)) / h
  k <- switch(family, gaussian = exp(-r^2), laplace = exp(-r), cauchy = 1 / (1 + r^2), count = r < 1,
              gradient = (x_i - y_j) * exp(-r^2))
  list(f = k * Vj(matrix(w)), tol = 10^runif(1L, -9, -1))
}

test_that("sums are off by no more than the tolerance, for each row", {
  skip_on_cran()
  with_geometry("always", for (family in c("gaussian", "laplace", "cauchy", "count", "gradient")) {
    for (seed in seq_len(if (nzchar(Sys.getenv("RKEOPS_LONG_TESTS"))) 200L else 25L)) {
      problem <- random_problem(seed, family)
      exact <- sum(problem$f, index = "j")
      size <- sum(abs(problem$f), index = "j")
      found <- sum(problem$f, index = "j", tol = problem$tol)
      certificate <- attr(found, "certificate")
      label <- paste(family, seed)
      expect_lte(certificate, problem$tol, label = label)
      expect_true(all(abs(found - exact) <= (certificate + 1e-13) * size), label = label)
    }
  })
})

test_that("logsumexp is off by no more than the tolerance", {
  with_geometry("always", for (seed in 1:25) {
    set.seed(seed)
    f <- -sum((Vi(matrix(rnorm(600), 200)) - Vj(matrix(rnorm(900), 300)))^2) / 10^runif(1L, -3, 0)
    for (tol in c(1e-10, 1e-4, 0.1)) {
      expect_lte(max(abs(logsumexp(f, "j", tol = tol) - logsumexp(f, "j"))), -log1p(-tol) + 1e-13)
    }
  })
})

test_that("a larger tolerance visits fewer pairs, and none makes sums exact", {
  set.seed(1)
  f <- exp(-sum((Vi(matrix(runif(8000), 4000)) - Vj(matrix(runif(8000), 4000)))^2) / 1e-3)
  visited <- function(tol) {
    before <- rk_statistics()$pairs_visited
    sum(f, index = "j", tol = tol)
    rk_statistics()$pairs_visited - before
  }
  with_geometry("always", {
    pairs <- vapply(c(1e-12, 1e-6, 1e-3, 1e-1), visited, 0)
    expect_true(all(diff(pairs) < 0))
    expect_identical(attr(sum(f, index = "j", tol = 0), "certificate"), attr(sum(f, index = "j"), "certificate"))
  })
})

test_that("the option holds for other sums, and is the default of tol", {
  set.seed(2)
  k <- exp(-sum((Vi(matrix(runif(4000), 2000)) - Vj(matrix(runif(4000), 2000)))^2) / 1e-3)
  b <- runif(2000)
  old <- set_rkeops_options(list(geometry = "always", tolerance = 1e-3))
  on.exit(options(old))
  near <- k %*% b
  expect_lte(attr(near, "certificate"), 1e-3)
  exact <- sum(k * Vj(matrix(b)), index = "j", tol = 0)
  expect_false(identical(c(near), c(exact)))
  expect_true(all(abs(near - exact) <= 1e-3 * abs(exact)))
})

test_that("tolerances that cannot be are refused", {
  f <- sqdist(Vi(1:3), Vj(1:2))
  for (bad in list(-1, NA, 1, "a", c(0.1, 0.2), NULL)[1:5]) {
    expect_error(sum(f, index = "j", tol = bad), class = "rkeops_error_argument")
    expect_error(logsumexp(f, "j", tol = bad), class = "rkeops_error_argument")
  }
  expect_error(set_rkeops_options(list(tolerance = -1)), class = "rkeops_error_argument")
  expect_error(set_rkeops_options(list(geometry = "sometimes")), class = "rkeops_error_argument")
})
