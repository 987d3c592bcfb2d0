# bw_lcv() against the likelihood computed by leaving out one place after the other.

x <- cbind(a = random_matrix(50, 1, seed = 1)[, 1], b = random_matrix(50, 1, seed = 2)[, 1]^3)
w <- random_matrix(50, 1, seed = 3, min = 0, max = 2)[, 1]

mean_log_density <- function(h, x, w = rep(1, nrow(x))) {
  h <- rep_len(h, ncol(x))
  each <- vapply(seq_len(nrow(x)), function(i) {
    others <- colSums((t(x) - x[i, ])^2) > 0
    exponents <- (log(w) - colSums(((t(x) - x[i, ]) / h)^2) / 2)[others]
    max(exponents) + log(sum(exp(exponents - max(exponents)))) - log(sum(w[others])) - sum(log(h * sqrt(2 * pi)))
  }, 0)
  sum(w * each) / sum(w)
}
best <- function(start, x, w = rep(1, nrow(x))) {
  loss <- function(log_h) -mean_log_density(exp(log_h), x, w)
  exp(stats::optim(log(start), loss, method = "BFGS", control = list(reltol = 1e-14))$par)
}

test_that("the leave-one-out likelihood is largest there", {
  local_rkeops_options()
  h <- bw_lcv(x)
  expect_named(h, c("a", "b"))
  expect_close(h, best(c(0.3, 0.2), x), 1e-4)
  expect_close(bw_lcv(x, per_column = FALSE), best(0.3, x), 1e-4)
  expect_close(bw_lcv(x, w), best(c(0.3, 0.2), x, w), 1e-4)
  expect_close(bw_lcv(x[, 1]), best(0.3, x[, 1, drop = FALSE]), 1e-4)
  expect_close(bw_lcv(1000 * x), 1000 * h, 1e-6)
  expect_identical(kde(x)$h, h)
})

test_that("in float32 too", {
  local_rkeops_options()
  h <- bw_lcv(x)
  local_rkeops_options(precision = "float32")
  expect_close(bw_lcv(x + 100), h, 0.01)
})

test_that("heavy tails, and scales far from Silverman's", {
  local_rkeops_options()
  tails <- withr::with_seed(1, matrix(stats::rcauchy(300)))
  expect_close(bw_lcv(tails), best(5, tails), 1e-3)
  far <- matrix(c(seq(0, 1, length.out = 20), 1e4 + seq(0, 1, length.out = 20)))
  expect_close(bw_lcv(far), best(0.05, far), 1e-3)
})

test_that("a sample of the points is enough, and follows the seed", {
  local_rkeops_options()
  points <- random_matrix(2000, 2, seed = 4)
  full <- bw_lcv(points)
  some <- withr::with_seed(1, bw_lcv(points, sample_size = 500))
  expect_lt(max(abs(log(some / full))), 0.25)
  expect_identical(withr::with_seed(1, bw_lcv(points, sample_size = 500)), some)
  expect_identical(bw_lcv(points, sample_size = Inf), full)
})

test_that("points that coincide are left out together, with a warning", {
  local_rkeops_options()
  twice <- rbind(x, x[1:10, ], x[1, ])
  expect_warning(h <- bw_lcv(twice), "21 points coincide", class = "rkeops_warning")
  expect_close(h, best(c(0.3, 0.2), twice), 1e-4)
  expect_warning(h <- bw_lcv(c(x[, 1], x[, 1])), "100 points coincide", class = "rkeops_warning")
  expect_close(h, bw_lcv(x[, 1]))
})

test_that("where the likelihood has no maximum there is an error, where rounding matters a warning", {
  local_rkeops_options()
  expect_error(bw_lcv(rep(1, 9)), "coincide", class = "rkeops_error_input")
  expect_error(bw_lcv(3), class = "rkeops_error_input")
  expect_error(bw_lcv(cbind(x, k = rep(1:10, 5))), "column `k`", class = "rkeops_error_input")
  expect_gt(bw_lcv(cbind(x, k = rep(1:10, 5)), per_column = FALSE), 0)
  rounded <- cbind(x[, 1], c(3, rep(0:1, length.out = 49)))
  expect_warning(bw_lcv(rounded), "column 2 of `x`", class = "rkeops_warning")
})

test_that("errors", {
  expect_error(bw_lcv(), class = "rkeops_error_argument")
  expect_error(bw_lcv(c(1, NA)), class = "rkeops_error_input")
  expect_error(bw_lcv(x, -w), class = "rkeops_error_argument")
  expect_error(bw_lcv(x, per_column = NA), class = "rkeops_error_argument")
  for (size in list(0, 1.5, "a")) expect_error(bw_lcv(x, sample_size = size), class = "rkeops_error_argument")
})
