# Tests by permutation against formulas of whole matrices, and against energy and kernlab.

x <- random_matrix(40, 2, seed = 1)
y <- random_matrix(30, 2, seed = 2) + 0.2

permuted <- function(statistic, B, seed) {
  withr::with_seed(seed, vapply(seq_len(B), function(b) statistic(sample.int(70, 40)), 0))
}

test_that("the discrepancy is that of dense matrices, for the data and for all permutations", {
  local_rkeops_options()
  both <- rbind(x, y)
  s <- stats::median(stats::dist(both))
  K <- exp(-squared_distances(both, both) / (2 * s^2))
  statistic <- function(first) {
    within <- function(rows) (sum(K[rows, rows]) - sum(diag(K)[rows])) / (length(rows) * (length(rows) - 1))
    rest <- setdiff(1:70, first)
    within(first) + within(rest) - 2 * mean(K[first, rest])
  }
  found <- withr::with_seed(3, mmd_test(x, y, B = 99))
  expect_s3_class(found, "htest")
  expect_close(found$statistic, statistic(1:40), 1e-9)
  expect_close(found$replicates, permuted(statistic, 99, 3), 1e-9)
  expect_identical(found$p.value, (1 + sum(found$replicates >= found$statistic)) / 100)
  expect_close(found$estimate, sqrt(mean(K[1:40, 1:40]) + mean(K[41:70, 41:70]) - 2 * mean(K[1:40, 41:70])), 1e-9)
  expect_identical(found$parameter, c(bandwidth = s))
  expect_identical(found$data.name, "x and y")
  expect_output(print(found), "Maximum mean discrepancy test of equal distributions (99 permutations)", fixed = TRUE)
  # samples in the other order, moved, with the kernel given
  expect_close(mmd_test(y, x, B = 0)$statistic, found$statistic, 1e-9)
  expect_close(mmd_test(x + 1e4, y + 1e4, B = 0)$statistic, found$statistic, 1e-6)
  expect_close(mmd_test(x, y, B = 0, kernel = function(u, v) exp(-sqdist(u, v) / (2 * s^2)))$statistic, found$statistic, 1e-9)
  expect_close(mmd_test(x, y, B = 0, bandwidth = c(s, s))$statistic, found$statistic, 1e-9)
  # one that sees where the points are
  K <- (1 + tcrossprod(both))^2
  expect_close(mmd_test(x, y, B = 0, kernel = function(u, v) (1 + sum(u * v))^2)$statistic, statistic(1:40), 1e-9)
})

test_that("the energy statistic is that of dense matrices, for the data and for all permutations", {
  local_rkeops_options()
  D <- as.matrix(stats::dist(rbind(x, y)))
  statistic <- function(first) {
    rest <- setdiff(1:70, first)
    40 * 30 / 70 * (2 * mean(D[first, rest]) - mean(D[first, first]) - mean(D[rest, rest]))
  }
  found <- withr::with_seed(3, energy_test(x, y, B = 99))
  expect_close(found$statistic, statistic(1:40), 1e-9)
  expect_close(found$replicates, permuted(statistic, 99, 3), 1e-9)
  skip_if_not_installed("energy")
  expect_close(found$statistic, energy::eqdist.etest(rbind(x, y), c(40, 30), R = 0)$statistic, 1e-9)
})

test_that("the criterion of independence is that of dense matrices, for the data and for all permutations", {
  local_rkeops_options()
  z <- cbind(x[, 1]^2, x[, 2]) + random_matrix(40, 2, seed = 4) / 5
  s <- c(stats::median(stats::dist(x)), stats::median(stats::dist(z)))
  K <- exp(-squared_distances(x, x) / (2 * s[1]^2))
  L <- exp(-squared_distances(z, z) / (2 * s[2]^2))
  H <- diag(40) - 1 / 40
  statistic <- function(rows) sum((H %*% K %*% H) * L[rows, rows]) / 40
  found <- withr::with_seed(3, hsic_test(x, z, B = 40))
  expect_close(found$statistic, statistic(1:40), 1e-9)
  expect_close(found$replicates, withr::with_seed(3, vapply(1:40, function(b) statistic(sample.int(40)), 0)), 1e-9)
  expect_identical(unname(found$parameter), s)
  expect_identical(found$p.value, 1 / 41)
  expect_close(hsic_test(x, z[, 1], B = 0)$statistic, hsic_test(z[, 1], x, B = 0)$statistic, 1e-9)
})

test_that("kernlab has the same discrepancies", {
  skip_if_not_installed("kernlab")
  local_rkeops_options()
  y <- random_matrix(40, 2, seed = 5) + 0.2
  peer <- kernlab::kmmd(x, y, kernel = "rbfdot", kpar = list(sigma = 1 / (2 * 0.7^2)))
  expect_close(mmd_test(x, y, B = 0, bandwidth = 0.7)$estimate, kernlab::mmdstats(peer)[1], 1e-9)
})

test_that("float32 decides as float64 does", {
  local_rkeops_options(precision = "float32")
  found <- withr::with_seed(3, list(mmd_test(x + 100, y + 100, B = 99), energy_test(x + 100, y + 100, B = 99)))
  local_rkeops_options()
  exact <- withr::with_seed(3, list(mmd_test(x, y, B = 99), energy_test(x, y, B = 99)))
  for (k in 1:2) {
    expect_close(found[[k]]$replicates, exact[[k]]$replicates, 1e-3)
    expect_equal(found[[k]]$p.value, exact[[k]]$p.value, tolerance = 0.02)
  }
})

test_that("ties by rounding count, the seed decides, and medians come from a sample", {
  local_rkeops_options()
  expect_gt(mmd_test(c(0, 1), c(0, 1), B = 19, bandwidth = 1)$p.value, 0.3)  # many permutations are the same samples
  expect_identical(withr::with_seed(1, mmd_test(x, y, B = 130)), withr::with_seed(1, mmd_test(x, y, B = 130)))
  expect_length(mmd_test(x, y, B = 130)$replicates, 130)
  expect_identical(mmd_test(x, y, B = 0)$p.value, NA_real_)
  many <- random_matrix(1500, 2, seed = 6)
  expect_lt(abs(mmd_test(many, many, B = 0)$parameter / stats::median(stats::dist(many)) - 1), 0.05)
})

test_that("under the null hypothesis p-values are uniform", {
  skip_if(!nzchar(Sys.getenv("RKEOPS_LONG_TESTS")), "long")
  local_rkeops_options()
  set.seed(1)
  draw <- function(n) matrix(stats::rexp(2 * n), n)
  p <- replicate(1000, c(mmd = mmd_test(draw(25), draw(30), B = 99)$p.value,
                         energy = energy_test(draw(25), draw(30), B = 99)$p.value,
                         hsic = hsic_test(draw(25), draw(25), B = 99)$p.value))
  for (test in rownames(p)) {
    # p-values are multiples of 1/100: spread over the step below, they are uniform
    agreement <- stats::ks.test(p[test, ] - stats::runif(1000) / 100, "punif")$p.value
    cat(sprintf("%s: KS p-value of p-values %.3f, share below 0.05: %.3f\n", test, agreement, mean(p[test, ] <= 0.05)))
    expect_gt(agreement, 0.01)
  }
})

test_that("errors", {
  expect_error(mmd_test(x), class = "rkeops_error_argument")
  expect_error(mmd_test(x, 1:3), class = "rkeops_error_dimension")
  expect_error(mmd_test(x, x[1, , drop = FALSE]), "two points", class = "rkeops_error_input")
  expect_error(energy_test(1, 1:3), "two points", class = "rkeops_error_input")
  expect_error(mmd_test(c(1, NA), 1:3), class = "rkeops_error_input")
  expect_error(mmd_test(rep(0, 5), rep(0, 5)), "median distance is 0", class = "rkeops_error_argument")
  for (h in list(0, -1, NA, "a")) expect_error(mmd_test(x, y, bandwidth = h), class = "rkeops_error_argument")
  for (B in list(-1, 1.5, NA, "a")) expect_error(energy_test(x, y, B = B), class = "rkeops_error_argument")
  for (kernel in list(1, function(u, v) 1, function(u, v) u, function(u, v) u - v, function(u, v) exp(sum(u) - sum(v)))) {
    expect_error(mmd_test(x, y, kernel = kernel), class = "rkeops_error_argument")
  }
  expect_error(mmd_test(x, y, bandwidth = 1, kernel = sqdist), class = "rkeops_error_argument")
  expect_error(mmd_test(x, y, kernel = function(u, v) 1 / sqdist(u, v)), "not finite", class = "rkeops_error_input")
  expect_error(hsic_test(x, y), class = "rkeops_error_dimension")
  expect_error(hsic_test(x[, 1], rep(1, 40)), "bandwidth_y", class = "rkeops_error_argument")
})
