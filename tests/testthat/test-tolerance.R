# Sums with a tolerance: off by no more than what was asked for, and than what the certificate says.

with_geometry <- function(use, expr) {
  old <- set_rkeops_options(list(geometry = use))
  on.exit(options(old))
  expr
}

# A random problem: points, weights of a kind, a kernel of a width, perhaps blocks of pairs.
random_problem <- function(seed, family) {
  set.seed(seed)
  n <- sample(50:400, 1L)
  d <- sample(1:3, 1L)
  x <- switch(sample(3L, 1L), matrix(runif(n * d), n), matrix(rnorm(n * d), n),
              matrix(rnorm(n * d, sd = 0.01), n) + sample(5L, n, replace = TRUE))  # clusters
  columns <- if (family == "columns") sample(2:4, 1L) else 1L
  w <- switch(sample(3L, 1L), runif, rnorm, function(n) rt(n, 1.5))(n * columns)  # positive, signed, heavy tails
  w <- t(t(matrix(w, n)) * 10^runif(columns, -columns, columns))
  h <- 10^runif(1L, -2, 0.5)
  x_i <- Vi(x)
  y_j <- Vj(x)
  r <- sqrt(sum((x_i - y_j)^2)) / h
  k <- switch(family, laplace = exp(-r), cauchy = 1 / (1 + r^2), count = r < 1, gradient = (x_i - y_j) * exp(-r^2),
              exp(-r^2))
  groups <- function() sample(4L, n, replace = TRUE, prob = 1:4)
  list(f = k * Vj(w), tol = 10^runif(1L, -9, -1),
       blocks = if (family == "blocks") blocks(groups(), groups(), matrix(runif(16L) < 0.6, 4L)))
}

test_that("sums are off by no more than the tolerance, for each row", {
  skip_on_cran()
  with_geometry("always", for (family in c("gaussian", "laplace", "cauchy", "count", "gradient", "columns", "blocks")) {
    for (seed in seq_len(if (nzchar(Sys.getenv("RKEOPS_LONG_TESTS"))) 200L else 25L)) {
      problem <- random_problem(seed, family)
      exact <- sum(problem$f, index = "j", blocks = problem$blocks)
      size <- sum(abs(problem$f), index = "j", blocks = problem$blocks)
      found <- sum(problem$f, index = "j", tol = problem$tol, blocks = problem$blocks)
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

test_that("weights of both signs leave out about as many pairs as positive ones", {
  set.seed(3)
  x <- matrix(runif(8000), 4000)
  k <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-2)
  visited <- function(w) {
    before <- rk_statistics()$pairs_visited
    sum(k * Vj(w), index = "j", tol = 1e-3)
    rk_statistics()$pairs_visited - before
  }
  with_geometry("always", {
    w <- matrix(rnorm(8000), 4000)
    positive <- visited(abs(w[, 1L, drop = FALSE]))
    expect_lt(positive, 0.4 * 4000^2)
    expect_lt(visited(w[, 1L, drop = FALSE]), 1.5 * positive)
    expect_lt(visited(w), 1.6 * positive)
    expect_equal(visited(t(t(w) * c(1e10, 1e-10))), visited(w))
  })
})

test_that("blocks of pairs keep to the tolerance, and visit fewer pairs", {
  set.seed(4)
  x <- matrix(runif(8000), 4000)
  f <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-2) * Vj(matrix(rnorm(4000)))
  some <- blocks_within(x, x, 0.5)
  with_geometry("always", {
    before <- rk_statistics()
    found <- sum(f, index = "j", tol = 1e-2, blocks = some)
    after <- rk_statistics()
    expect_lt(after$pairs_visited - before$pairs_visited, 0.6 * (after$pairs - before$pairs))
    expect_lte(attr(found, "certificate"), 1e-2)
    size <- sum(abs(f), index = "j", blocks = some)
    expect_true(all(abs(found - sum(f, index = "j", blocks = some)) <= (attr(found, "certificate") + 1e-13) * size))
    expect_false(is.null(attr(logsumexp(f, index = "j", tol = 1e-2, blocks = some), "certificate")))
  })
})

test_that("short ranges of columns may follow long ones in blocks", {
  set.seed(7)
  x <- matrix(runif(3000))
  f <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-2) * Vj(matrix(rnorm(3000)))
  for (sizes in list(c(2900, 90, 10), c(10, 90, 2900), c(1, 31, 2000, 1, 967))) {
    keep <- matrix(rep(c(TRUE, FALSE), length.out = length(sizes)), 1L)
    some <- blocks(rep(1, 3000), rep(seq_along(sizes), sizes), keep)
    size <- sum(abs(f), index = "j", blocks = some)
    found <- with_geometry("always", sum(f, index = "j", tol = 1e-3, blocks = some))
    expect_true(all(abs(found - sum(f, index = "j", blocks = some)) <= (attr(found, "certificate") + 1e-13) * size))
  }
})

test_that("what is not finite is that of all pairs", {
  set.seed(5)
  x <- matrix(runif(600), 300)
  k <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-2)
  for (odd in list(NaN, Inf, c(Inf, -Inf), 1e308)) {
    w <- rnorm(300)
    w[seq_along(odd)] <- odd
    exact <- with_geometry("never", sum(k * Vj(matrix(w)), index = "j"))
    found <- with_geometry("always", sum(k * Vj(matrix(w)), index = "j", tol = 0.1))
    expect_equal(is.nan(found[, 1L]), is.nan(exact[, 1L]))
    expect_equal(is.infinite(found[, 1L]), is.infinite(exact[, 1L]))
  }
})

test_that("whatever takes a tolerance gives a certificate", {
  set.seed(6)
  x <- matrix(runif(400), 200)
  k <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-2)
  certificate <- function(value) attr(value, "certificate")
  old <- set_rkeops_options(list(tolerance = 0.01))
  on.exit(options(old))
  for (use in c("never", "always")) {
    set_rkeops_options(list(geometry = use))
    most <- if (use == "never") 0 else 0.01
    both <- keops_kernel("SumBoth_Reduction(x*y,x-y,1)", c("x=Vi(1)", "y=Vj(1)"))(list(1:3, 1:2))
    expect_identical(certificate(both), 0)
    for (value in list(sum(k, index = "j"), sum(k, index = "ij"), mean(k, index = "i"), logsumexp(k, "ij"),
                       k %*% rnorm(200), sum(k * 1i, index = "j"))) {
      expect_lte(certificate(value), most)
    }
    expect_null(certificate(argmin(k, "j")))
  }
  holes <- ifelse(k < 0.01, NaN, k)
  means <- mean(holes, index = "j", na.rm = TRUE)
  expect_true(all(abs(means / with_tolerance(0, mean(holes, index = "j", na.rm = TRUE), NULL) - 1) <= 0.01))
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
  for (bad in list(-1, NA, NaN, Inf, 1, "a", TRUE, c(0.1, 0.2), numeric(), list(0.1), 0.1i, f)) {
    expect_error(sum(f, index = "j", tol = bad), class = "rkeops_error_argument")
    expect_error(logsumexp(f, "j", tol = bad), class = "rkeops_error_argument")
    expect_error(set_rkeops_options(list(tolerance = bad)), class = "rkeops_error_argument")
  }
  for (other in list(min, max, range, mean)) expect_error(other(f, index = "j", tol = 0.1), class = "rkeops_error_argument")
  expect_identical(sum(f, index = "j", tol = NULL), sum(f, index = "j"))
  expect_error(set_rkeops_options(list(geometry = "sometimes")), class = "rkeops_error_argument")
})
