# Kernel regression against weighted least squares at each point, and against refitting without it.

x <- random_matrix(50, 2, seed = 1)
y <- sin(3 * x[, 1]) + x[, 2] + random_matrix(50, 1, seed = 2)[, 1] / 5
w <- random_matrix(50, 1, seed = 3, min = 0, max = 2)[, 1]
at <- random_matrix(20, 2, seed = 4)

dense_kreg <- function(at, x, y, H, degree, w = rep(1, length(y))) {
  vapply(seq_len(nrow(at)), function(i) {
    k <- w * exp(-stats::mahalanobis(x, at[i, ], H) / 2)
    X <- cbind(rep(1, length(y)), if (degree == 1) t(t(x) - at[i, ]))
    solve(crossprod(X, k * X), crossprod(X, k * y))[1]
  }, 0)
}
dense_loo <- function(x, y, H, degree, w = rep(1, length(y))) {
  vapply(seq_along(y), function(i) {
    dense_kreg(x[i, , drop = FALSE], x[-i, , drop = FALSE], y[-i], H, degree, w[-i])
  }, 0)
}

test_that("fits, predictions, leave-one-out values and score are those of refitting", {
  local_rkeops_options()
  H <- matrix(c(0.1, 0.02, 0.02, 0.05), 2)
  for (degree in 0:1) {
    for (weights in list(rep(1, 50), w)) {
      for (h in list(c(0.4, 0.3), H)) {
        matrix <- if (is.matrix(h)) h else diag(h^2)
        fit <- kreg(x, y, h, degree, w = if (weights[1] != 1) weights)
        expect_close(fitted(fit), dense_kreg(x, x, y, matrix, degree, weights), 1e-9)
        expect_close(residuals(fit), y - fitted(fit))
        expect_close(fit$loo, dense_loo(x, y, matrix, degree, weights), 1e-8)
        expect_close(fit$score, stats::weighted.mean((y - fit$loo)^2, weights))
        expect_close(predict(fit, at), dense_kreg(at, x, y, matrix, degree, weights), 1e-9)
      }
    }
  }
})

test_that("in float32 too", {
  local_rkeops_options(precision = "float32")
  for (degree in 0:1) {
    fit <- kreg(x + 100, y, 0.4, degree)
    expect_close(fit$loo, dense_loo(x, y, diag(0.16, 2), degree), 1e-3)
  }
  h <- kreg(x, y)$h
  local_rkeops_options()
  expect_close(h, kreg(x, y)$h, 0.02)
})

test_that("the bandwidth that is chosen has the smallest score", {
  local_rkeops_options()
  for (degree in 0:1) {
    score <- function(log_h) {
      tryCatch(mean((y - dense_loo(x, y, diag(exp(2 * log_h), 2), degree))^2), error = function(e) Inf)
    }
    fit <- kreg(x, y, degree = degree)
    best <- stats::optim(log(fit$h), score, control = list(maxit = 40))
    expect_lte(fit$score, best$value * (1 + 1e-6))
    fit <- kreg(x, y, degree = degree, per_column = FALSE)
    expect_length(fit$h, 1)
    around <- vapply(log(fit$h) + c(-1, -0.3, -0.1, 0.1, 0.3, 1), score, 0)
    expect_lt(fit$score, min(around))
  }
  expect_close(kreg(x, y, w = rep(2, 50))$h, kreg(x, y)$h, 1e-3)
  noise <- cbind(x[, 1], random_matrix(50, 1, seed = 5))
  expect_gt(kreg(noise, sin(3 * x[, 1]) + y / 9, degree = 1)$h[2], 1)  # a column that does not matter
})

test_that("the gradient of the score is its derivative", {
  local_rkeops_options()
  par <- c(0.2, -0.3)
  for (degree in 0:1) {
    score <- leave_one_out_score(kreg(x, y, 0.3, degree, w), 3 * x, c(1, 1), NULL)
    slopes <- vapply(1:2, function(k) (score$fn(par + 1e-5 * (1:2 == k)) - score$fn(par - 1e-5 * (1:2 == k))) / 2e-5, 0)
    expect_close(score$gr(par), slopes, 1e-7)
  }
})

test_that("a sample of the points is enough for the bandwidth", {
  local_rkeops_options()
  points <- random_matrix(300, 2, seed = 6)
  values <- sin(3 * points[, 1]) + random_matrix(300, 1, seed = 7)[, 1]
  full <- kreg(points, values, degree = 1)
  some <- withr::with_seed(1, kreg(points, values, degree = 1, sample_size = 150))
  expect_lt(some$score, 1.05 * full$score)
})

test_that("lines and planes are their own local linear fit", {
  local_rkeops_options()
  plane <- 2 * x[, 1] - x[, 2] + 5
  fit <- kreg(x, plane, 0.3, degree = 1)
  expect_close(fitted(fit), plane)
  expect_close(fit$loo, plane)
  expect_close(predict(fit, 2 * at), 4 * at[, 1] - 2 * at[, 2] + 5, 1e-7)
})

test_that("without neighbours, or with too few, values are NA, with a warning", {
  local_rkeops_options()
  place <- c(0, 1, 2, 100)
  expect_warning(fit <- kreg(place, 1:4, 1), "1 of 4 values", class = "rkeops_warning")
  expect_identical(is.na(fit$loo), c(FALSE, FALSE, FALSE, TRUE))
  expect_close(fitted(fit)[4], 4)
  expect_true(is.na(fit$score))
  expect_warning(value <- predict(fit, c(1, 50)), class = "rkeops_warning")
  expect_identical(is.na(value), c(FALSE, TRUE))
  expect_true(all(is.na(fitted(suppressWarnings(kreg(rep(1, 5), 1:5, 1, degree = 1))))))
  expect_close(fitted(kreg(rep(1, 5), 1:5, 1)), rep(3, 5))
  line <- cbind(1:9, 2 * (1:9))  # on a line there is no plane
  expect_true(all(is.na(fitted(suppressWarnings(kreg(line, 1:9, 3, degree = 1))))))
})

test_that("points that occur twice draw the bandwidth to 0, which is told", {
  local_rkeops_options()
  expect_warning(kreg(rep(x[, 1], 2), rep(x[, 1]^2, 2)), "very small", class = "rkeops_warning")
})

test_that("it agrees with KernSmooth::locpoly up to its binning", {
  skip_if_not_installed("KernSmooth")
  local_rkeops_options()
  for (degree in 0:1) {
    peer <- KernSmooth::locpoly(x[, 1], y, degree = degree, bandwidth = 0.2, gridsize = 401, range.x = c(-1, 1))
    expect_lt(max(abs(predict(kreg(x[, 1], y, 0.2, degree), peer$x) - peer$y)), 5e-3)
  }
})

test_that("names, print and plot", {
  local_rkeops_options()
  rownames(x) <- paste0("r", 1:50)
  fit <- kreg(x, y, 0.3, 1)
  expect_named(fitted(fit), rownames(x))
  expect_named(predict(fit, x[2:3, ]), c("r2", "r3"))
  expect_identical(predict(fit), fitted(fit))
  expect_output(print(fit), "Local linear regression of 50 points on 2 variables\nbandwidth: 0.3\nleave-one-out score")
  withr::local_pdf(withr::local_tempfile())
  expect_no_warning_of(plot(kreg(x[, 1], y, 0.3)))
  expect_error(plot(fit), class = "rkeops_error_unsupported")
})

test_that("errors", {
  expect_error(kreg(x), class = "rkeops_error_argument")
  expect_error(kreg(x, y[-1], 1), class = "rkeops_error_dimension")
  expect_error(kreg(x, c(NA, y[-1]), 1), class = "rkeops_error_input")
  expect_error(kreg(c(1, NaN), 1:2, 1), class = "rkeops_error_input")
  expect_error(kreg(1, 1, 1), class = "rkeops_error_input")
  expect_error(kreg(rep(1, 5), 1:5), "coincide", class = "rkeops_error_input")
  for (h in list(0, -1, NA, "a", c(1, 0))) expect_error(kreg(x, y, h), class = "rkeops_error_argument")
  expect_error(kreg(x, y, 1:3), class = "rkeops_error_dimension")
  expect_error(kreg(x, y, 1, degree = 2), class = "rkeops_error_argument")
  expect_error(kreg(x, y, 1, w = -w), class = "rkeops_error_argument")
  expect_error(kreg(x, iris$Species, 1), class = "rkeops_error_input")
  expect_error(predict(kreg(x, y, 1), 1:3), class = "rkeops_error_dimension")
})
