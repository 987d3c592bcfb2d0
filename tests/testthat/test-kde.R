# Kernel densities against plain sums over all points.

x <- cbind(a = random_matrix(60, 1, seed = 1)[, 1], b = random_matrix(60, 1, seed = 2)[, 1]^3)
at <- random_matrix(25, 2, seed = 3, min = -1.5, max = 1.5)
w <- random_matrix(60, 1, seed = 4, min = 0, max = 2)[, 1]

dense_kde <- function(at, x, H, w = rep(1, nrow(x))) {
  constant <- 1 / sqrt(det(2 * pi * H)) / sum(w)
  vapply(seq_len(nrow(at)), function(i) constant * sum(w * exp(-stats::mahalanobis(x, at[i, ], H) / 2)), 0)
}

test_that("the density is the sum over all points, for any form of the bandwidth and with weights", {
  local_rkeops_options()
  H <- matrix(c(0.2, 0.05, 0.05, 0.1), 2)
  expect_close(kde(x, 0.3, at)$estimate, dense_kde(at, x, diag(0.09, 2)))
  expect_close(kde(x, c(0.3, 0.1), at)$estimate, dense_kde(at, x, diag(c(0.09, 0.01))))
  expect_close(kde(x, H, at)$estimate, dense_kde(at, x, H))
  expect_close(kde(as.data.frame(x), H, w = w)$estimate, dense_kde(x, x, H, w))
  expect_close(kde(x[, 1], 0.2, eval.points = at[, 1])$estimate,
               rowMeans(outer(at[, 1], x[, 1], function(u, v) stats::dnorm(u, v, 0.2))))
  expect_close(kde(x + 1e6, H, at + 1e6)$estimate, dense_kde(at, x, H), 1e-6)
})

test_that("in float32 too", {
  local_rkeops_options(precision = "float32")
  H <- matrix(c(0.2, 0.05, 0.05, 0.1), 2)
  expect_close(kde(x + 1000, H, at + 1000)$estimate, dense_kde(at, x, H), 1e-4)
})

test_that("what is given comes back, with names; predict, print and plot", {
  local_rkeops_options()
  rownames(at) <- paste0("p", 1:25)
  fit <- kde(x, c(0.3, 0.1), at, w)
  expect_s3_class(fit, "rkeops_kde")
  expect_identical(fit[c("h", "eval.points", "x", "w")], list(h = c(0.3, 0.1), eval.points = at, x = x, w = w))
  expect_named(fit$estimate, rownames(at))
  expect_identical(predict(fit), fit$estimate)
  expect_close(predict(fit, x), kde(x, c(0.3, 0.1), w = w)$estimate)
  expect_output(print(fit), "60 points in 2 dimensions, with weights\nbandwidth: 0.3, 0.1\nat 25 points")
  withr::local_pdf(withr::local_tempfile())
  expect_identical(plot(fit), fit)
  expect_no_warning_of(plot(kde(x, diag(0.1, 2))))
  expect_no_warning_of(plot(kde(x[, 1], 0.2)))
  expect_error(plot(kde(cbind(x, 1), 1)), class = "rkeops_error_unsupported")
})

test_that("contours are around the shares of points that they say", {
  local_rkeops_options()
  fit <- kde(x, 0.3)
  levels <- density_levels(fit, c(0.95, 0.5), NULL)
  expect_identical(vapply(levels, function(level) sum(fit$estimate >= level * (1 - 1e-9)), 0), c(57, 30))
})

test_that("with a tolerance the density is off by what the certificate says", {
  local_rkeops_options(geometry = "always")
  points <- random_matrix(2000, 2, seed = 5, min = 0, max = 1)
  fit <- kde(points, 0.02, tol = 0.01)
  exact <- kde(points, 0.02)$estimate
  expect_gt(fit$certificate, 0)
  expect_lte(fit$certificate, 0.01)
  expect_lte(max(abs(fit$estimate / exact - 1)), fit$certificate + 1e-12)
})

test_that("densities integrate to 1 and agree with stats::density and KernSmooth", {
  local_rkeops_options()
  grid <- seq(-3, 3, length.out = 512)
  fit <- kde(x[, 1], 0.2, grid, w)
  expect_equal(sum(fit$estimate) * diff(grid[1:2]), 1, tolerance = 1e-6)
  peer <- stats::density(x[, 1], 0.2, weights = w / sum(w), n = 512, from = -3, to = 3)
  expect_lt(max(abs(fit$estimate - peer$y)), 2e-3 * max(peer$y))  # its binning
  skip_if_not_installed("KernSmooth")
  peer <- KernSmooth::bkde(x[, 1], bandwidth = 0.2, gridsize = 512, range.x = c(-3, 3))
  expect_lt(max(abs(kde(x[, 1], 0.2, grid)$estimate - peer$y)), 2e-3 * max(peer$y))
})

test_that("errors", {
  expect_error(kde(), class = "rkeops_error_argument")
  expect_error(kde(c(1, NA, 2), 1), "NA in row 2", class = "rkeops_error_input")
  expect_error(kde(data.frame(u = 1:2, v = c(1, Inf)), 1), "column `v`", class = "rkeops_error_input")
  for (h in list(0, -1, NA, Inf, "a", c(1, 0), diag(c(1, 0)), matrix(c(1, 2, 0, 1), 2), -diag(2), NULL)) {
    expect_error(kde(x, h), class = "rkeops_error_argument")
  }
  for (h in list(1:3, diag(3))) expect_error(kde(x, h), class = "rkeops_error_dimension")
  expect_error(kde(x, diag(c(1, NA))), class = "rkeops_error_input")
  expect_error(kde(x, 1, w = -w), class = "rkeops_error_argument")
  expect_error(kde(x, 1, w = 0 * w), class = "rkeops_error_argument")
  expect_error(kde(x, 1, w = w[-1]), class = "rkeops_error_dimension")
  expect_error(kde(x, 1, eval.points = 1:3), class = "rkeops_error_dimension")
  expect_error(kde(x, 1, tol = 1), class = "rkeops_error_argument")
  expect_error(predict(kde(x, 1), 1:3), class = "rkeops_error_dimension")
})
