# Covariance functions: values, gradients, refusals.
x <- random_matrix(5, 3, 1)
y <- random_matrix(4, 3, 2)
y[1, ] <- x[1, ]   # at distance 0 all is finite
smoothness <- c(0.5, 1.5, 2.5)

# By the general formula with Bessel functions.
general_matern <- function(x, y, lengthscale, nu) {
  lengthscale <- rep_len(lengthscale, ncol(x))
  d <- sqrt(2 * nu * squared_distances(sweep(x, 2, lengthscale, "/"), sweep(y, 2, lengthscale, "/")))
  k <- 2^(1 - nu) / gamma(nu) * d^nu * besselK(d, nu)
  k[d == 0] <- 1
  k
}

test_that("matern agrees with the general formula", {
  for (nu in smoothness) {
    for (l in list(1, 0.6, c(0.5, 1, 2))) {
      K <- general_matern(x, y, l, nu)
      expect_close(sum(matern(Vi(x), Vj(y), lengthscale = l, nu = nu), "j"), matrix(rowSums(K)))
    }
    expect_close(matern(Vi(x), Vj(y), Pm(c(0.5, 1, 2)), nu) %*% y, K %*% y)
    local <- c(0.5, 1, 2, 0.7, 1.3)
    K <- t(vapply(1:5, function(i) general_matern(x[i, , drop = FALSE], y, local[i], nu)[1, ], numeric(4)))
    expect_close(matern(Vi(x), Vj(y), Vi(matrix(local)), nu) %*% y, K %*% y)
  }
  expect_equal(matern(Vi(x), Vj(y))$dimres, 1)
  expect_close(sum(matern(Vi(x), Vj(y)), "j"), matrix(rowSums(general_matern(x, y, 1, 1.5))))
})

test_that("matern of any smoothness agrees with the general formula", {
  near <- rbind(y, x[2, ] + 1e-6)
  for (nu in c(0.2, 1, 3.2, 4.5, 30)) {
    expect_close(as.matrix(matern(Vi(x), Vj(near), c(0.5, 1, 2), nu)), general_matern(x, near, c(0.5, 1, 2), nu), 1e-13)
  }
  x_i <- Vi(x)
  lengthscale <- Pm(c(0.5, 1, 2))
  f <- matern(x_i, Vj(y), lengthscale, 3.2)
  total <- function(x, l) rowSums(general_matern(x, y, l, 3.2))
  apart <- y + 0.5
  expect_close(grad(matern(x_i, Vj(apart), lengthscale, 3.2), 1, "Sum", x_i, "j"),
               numeric_gradient(function(z) rowSums(general_matern(z, apart, c(0.5, 1, 2), 3.2)), x), 1e-7)
  expect_close(grad(f, 1, "Sum", lengthscale, "j"), t(numeric_gradient(function(l) total(x, l), c(0.5, 1, 2))), 1e-7)
  local_rkeops_options(precision = "float32")
  expect_close(as.matrix(matern(Vi(x), Vj(near), c(0.5, 1, 2), 1)), general_matern(x, near, c(0.5, 1, 2), 1), 1e-5)
})

test_that("the other kernels agree with their formulas", {
  scaled <- function(l) squared_distances(sweep(x, 2, l, "/"), sweep(y, 2, l, "/"))
  for (l in list(rep(0.6, 3), c(0.5, 1, 2))) {
    length <- if (length(unique(l)) == 1L) l[1L] else l
    expect_close(as.matrix(gaussian(Vi(x), Vj(y), length)), exp(-scaled(l) / 2))
    expect_close(as.matrix(laplace(Vi(x), Vj(y), length)), exp(-sqrt(scaled(l))))
    expect_close(as.matrix(rational_quadratic(Vi(x), Vj(y), length, 1.7)), (1 + scaled(l) / 3.4)^-1.7)
  }
  wave <- Reduce(`+`, lapply(1:3, function(k) (sin(pi * outer(x[, k], y[, k], "-") / 2) / c(0.5, 1, 2)[k])^2))
  expect_close(as.matrix(periodic(Vi(x), Vj(y), c(0.5, 1, 2), 2)), exp(-2 * wave))
  expect_close(gaussian(Vi(x), Vj(y), Pm(0.6)) %*% y, exp(-scaled(0.6 + numeric(3)) / 2) %*% y)
})

test_that("gradients of matern", {
  apart <- y + 0.5
  eta <- random_matrix(5, 1, 3)
  for (nu in smoothness) {
    x_i <- Vi(x)
    y_j <- Vj(apart)
    lengthscale <- Pm(c(0.5, 1, 2.5))
    f <- matern(x_i, y_j, lengthscale, nu)
    total <- function(x, y, l) rowSums(general_matern(x, y, l, nu))
    expect_close(grad(f, Vi(eta), "Sum", x_i, "j"), numeric_gradient(function(z) total(z, apart, c(0.5, 1, 2.5)), x, eta), 1e-7)
    expect_close(grad(f, Vi(eta), "Sum", y_j, "j"), numeric_gradient(function(z) total(x, z, c(0.5, 1, 2.5)), apart, eta), 1e-7)
    expect_close(grad(f, Vi(eta), "Sum", lengthscale, "j"),
                 t(numeric_gradient(function(l) total(x, apart, l), c(0.5, 1, 2.5), eta)), 1e-7)
    touching <- grad(matern(x_i, Vj(x), 1, nu), 1, "Sum", x_i, "j")
    expect_true(all(is.finite(touching)))
  }
})

test_that("wrong arguments of matern are refused", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  for (nu in list(0, -1, Inf, c(0.5, 1.5), "0.5", NA, NULL)) {
    expect_error(matern(x_i, y_j, nu = nu), "`nu`", class = "rkeops_error_argument")
  }
  for (l in list(0, -1, NA_real_, "1", c(1, 2, 0), matrix(1, 3, 3), NULL)) {
    expect_error(matern(x_i, y_j, l), "`lengthscale`", class = "rkeops_error")
  }
  expect_error(matern(x_i, y_j, c(1, 2)), "`lengthscale` has dimension 2", class = "rkeops_error_dimension")
  expect_error(matern(x_i, y_j, Vi(x[, 1:2])), "`lengthscale` has dimension 2", class = "rkeops_error_dimension")
  for (f in list(gaussian, laplace, rational_quadratic, periodic)) {
    expect_error(f(x_i, y_j, 0), "`lengthscale`", class = "rkeops_error_argument")
    expect_error(f(x_i), "`y` is missing", class = "rkeops_error_argument")
  }
  expect_error(rational_quadratic(x_i, y_j, alpha = -1), "`alpha`", class = "rkeops_error_argument")
  expect_error(periodic(x_i, y_j, period = c(1, 2)), "`period`", class = "rkeops_error_dimension")
  expect_error(gaussian(x_i, y_j, sigma = 1), class = "rkeops_error_argument")
  expect_error(matern(x, y_j), "`x` is a matrix", class = "rkeops_error_input")
  expect_error(matern(x_i, Vj(y[, 1:2])), "3 and 2", class = "rkeops_error_dimension")
})
