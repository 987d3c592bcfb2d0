# Mean shift against the plain iteration, and clusters that are known.

three <- withr::with_seed(1, {
  centers <- cbind(a = c(0, 3, 0), b = c(0, 0, 40))
  centers[rep(1:3, c(50, 30, 20)), ] + matrix(stats::rnorm(200), 100) * rep(c(0.4, 4), each = 100)
})
label <- rep(1:3, c(50, 30, 20))

test_that("hills that are apart are found, in the order of their sizes", {
  local_rkeops_options()
  found <- mean_shift(three, c(0.5, 5))
  expect_identical(found$cluster, label)
  expect_identical(found$size, c(50L, 30L, 20L))
  expect_identical(colnames(found$modes), c("a", "b"))
  expect_output(print(found), "100 points, 3 modes")
  shuffled <- withr::with_seed(2, sample(100))
  expect_identical(mean_shift(three[shuffled, ], diag(c(0.25, 25)))$cluster, label[shuffled])
})

test_that("modes are where the density has no slope", {
  local_rkeops_options()
  found <- mean_shift(three, c(0.5, 5))
  for (k in 1:3) {
    weights <- exp(-colSums(((t(three) - found$modes[k, ]) / c(0.5, 5))^2) / 2)
    expect_equal(colSums(weights * three) / sum(weights), found$modes[k, ], tolerance = 1e-4)
  }
})

test_that("vectors, one point, a bandwidth for all, float32", {
  local_rkeops_options()
  expect_identical(mean_shift(c(0, 0.1, 9), 1)$cluster, c(1L, 1L, 2L))
  expect_identical(mean_shift(matrix(1:2, 1), 1)$cluster, 1L)
  expect_length(mean_shift(three, 100)$size, 1)
  local_rkeops_options(precision = "float32")
  expect_identical(mean_shift(three + 1000, c(0.5, 5))$cluster, label)
})

test_that("points that did not arrive are told; errors", {
  local_rkeops_options()
  expect_warning(mean_shift(three, c(0.5, 5), max_iterations = 2), "had not arrived", class = "rkeops_warning")
  expect_error(mean_shift(three), class = "rkeops_error_argument")
  for (h in list(0, -1, NA, "a")) expect_error(mean_shift(three, h), class = "rkeops_error_argument")
  expect_error(mean_shift(three, 1, tol = -1), class = "rkeops_error_argument")
  expect_error(mean_shift(three, 1, max_iterations = 0), class = "rkeops_error_argument")
  expect_error(mean_shift(c(1, NA), 1), class = "rkeops_error_input")
})
