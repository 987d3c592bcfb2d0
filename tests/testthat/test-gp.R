# Gaussian processes against dense algebra, kernlab, and what they are in theory.
set.seed(1)
x <- cbind(a = runif(80, 0, 10), b = runif(80))
y <- 3 + sin(x[, 1]) + 2 * x[, 2] + rnorm(80) / 10
new <- cbind(a = c(1, 5, 9, 12), b = c(0.2, 0.5, 1, 0))
fit <- gp(x, y, trend = ~a)

matern_between <- function(x, y, lengthscale) {
  r <- sqrt(5 * squared_distances(sweep(x, 2, lengthscale, "/"), sweep(y, 2, lengthscale, "/")))
  (1 + r + r^2 / 3) * exp(-r)
}

# Universal kriging as textbooks have it.
kriging <- function(x, y, basis, new, new_basis, lengthscale, variance, nugget) {
  inverse <- solve(variance * matern_between(x, x, lengthscale) + diag(nugget, nrow(x)))
  C <- variance * matern_between(new, x, lengthscale)
  gram <- solve(t(basis) %*% inverse %*% basis)
  beta <- gram %*% t(basis) %*% inverse %*% y
  unexplained <- new_basis - C %*% inverse %*% basis
  residual <- y - basis %*% beta
  list(beta = beta, fit = new_basis %*% beta + C %*% inverse %*% residual,
       se = sqrt(variance - rowSums((C %*% inverse) * C) + rowSums((unexplained %*% gram) * unexplained)),
       log_likelihood = -(nrow(x) * log(2 * pi) - determinant(inverse)$modulus + t(residual) %*% inverse %*% residual) / 2)
}
kriging_of <- function(fit, x, y, new) {
  kriging(x, y, cbind(1, x[, 1]), new, cbind(1, new[, 1]), fit$lengthscale, fit$variance, fit$nugget)
}

test_that("trend, predictions, standard errors and likelihood agree with dense algebra", {
  by_hand <- kriging_of(fit, x, y, new)
  found <- predict(fit, new, se.fit = TRUE)
  expect_close(coef(fit), drop(by_hand$beta), 1e-6)
  expect_close(found$fit, drop(by_hand$fit), 1e-6)
  expect_close(found$se.fit, by_hand$se, 1e-5)
  expect_close(as.numeric(logLik(fit)), as.numeric(by_hand$log_likelihood), 1e-7)
  expect_equal(found$residual.scale, unname(sqrt(fit$nugget)))
  interval <- predict(fit, new, interval = "prediction", level = 0.9)
  expect_equal(interval[, "upr"], found$fit + qnorm(0.95) * sqrt(found$se.fit^2 + fit$nugget))
  expect_equal(predict(fit, new, interval = "confidence")[, "lwr"], found$fit - qnorm(0.975) * found$se.fit)
  expect_equal(unname(residuals(fit)), y - unname(predict(fit)), tolerance = 1e-6)
  expect_equal(attr(logLik(fit), "df"), 6)    # two coefficients, two lengthscales, variance, nugget
  expect_equal(nobs(fit), 80)
})

test_that("the likelihood is largest where the fit says", {
  expect_true(fit$convergence)
  value <- function(par) {
    given <- gp(x, y, trend = ~a, lengthscale = exp(par[1:2]), nugget = exp(par[3]), variance = exp(par[4]))
    -as.numeric(logLik(given))
  }
  par <- log(coef(fit, "covariance")[c("a", "b", "nugget", "variance")])
  expect_lt(max(abs(numeric_gradient(value, unname(par), h = 1e-4))), 0.02)
  # each gradient, by what is estimated
  problem <- c(list(x = x, y = y, kernel = rkeops:::default_kernel), rkeops:::trend_of(~a, as.data.frame(x), NULL))
  for (given in list(list(), list(nugget = 0.02), list(nugget = 0), list(variance = 2), list(nugget = 0.02, variance = 2),
                     list(lengthscale = 1))) {
    case <- c(problem, given)
    par <- log(c(if (is.null(given$lengthscale)) c(2, 0.8), if (is.null(rkeops:::fixed_ratio(case))) 0.05))
    value <- function(par) rkeops:::marginal_dense(case, par, FALSE)$value
    expect_close(rkeops:::marginal_dense(case, par)$gradient, numeric_gradient(value, par), 1e-4)
  }
})

test_that("leave-one-out is what refitting gives", {
  for (k in c(1, 40)) {
    by_hand <- kriging_of(fit, x[-k, ], y[-k], x[k, , drop = FALSE])
    expect_close(residuals(fit, "loo")[k], y[k] - by_hand$fit[1L], 1e-5)
    expect_close(residuals(fit, "standard")[k], (y[k] - by_hand$fit[1L]) / sqrt(by_hand$se^2 + fit$nugget), 1e-5)
  }
})

test_that("without dense matrices the result is the same", {
  set.seed(2)
  given <- list(x, y, trend = ~a, lengthscale = fit$lengthscale, nugget = fit$nugget, variance = fit$variance)
  systems <- do.call(gp, c(given, exact = 0, tol = 1e-9))
  expect_close(coef(systems), coef(fit), 1e-5)
  expect_close(as.numeric(logLik(systems)), as.numeric(logLik(fit)), 1e-6)
  all <- predict(fit, new, se.fit = TRUE)
  found <- predict(systems, new, se.fit = TRUE, neighbours = Inf)
  expect_close(found$fit, all$fit, 1e-6)
  expect_close(found$se.fit, all$se.fit, 1e-3)
  near <- predict(systems, new, se.fit = TRUE, neighbours = 10)
  expect_equal(near$fit, found$fit)
  expect_true(all(near$se.fit > 0.999 * all$se.fit & near$se.fit < 1.5 * all$se.fit))
  expect_close(residuals(systems, "loo", neighbours = 80), residuals(fit, "loo"), 1e-4)
  expect_lt(max(abs(residuals(systems, "standard") - residuals(fit, "standard"))), 0.3)
})

test_that("steps on all observations lead to the largest likelihood", {
  set.seed(3)
  x <- cbind(runif(520, 0, 10), runif(520))
  y <- sin(x[, 1]) + x[, 2]^2 + rnorm(520) / 4
  best <- gp(x, y)
  value <- function(fit) {
    as.numeric(logLik(gp(x, y, lengthscale = fit$lengthscale, nugget = fit$nugget, variance = fit$variance)))
  }
  few <- gp(x, y, exact = 100, subset = 50, steps = 0)
  refined <- gp(x, y, exact = 100, subset = 50, steps = 8)  # 50, 250, 520 rows
  expect_true(refined$convergence)
  expect_gt(value(refined), as.numeric(logLik(best)) - 4)  # the number of parameters: what chance makes of it
  expect_gt(value(refined), value(few))
  # the gradient by systems
  problem <- c(list(x = x, y = y - mean(y), kernel = rkeops:::default_kernel, tol = 1e-6),
               rkeops:::trend_of(~1, data.frame(x), NULL))
  par <- log(c(3, 1, 0.05))
  estimated <- rkeops:::marginal_by_systems(problem, par, probes = 40)
  exact <- rkeops:::marginal_dense(problem, par)
  expect_lt(max(abs(estimated$gradient - exact$gradient)), 3)
  expect_lt(abs(estimated$value - exact$value), 3)
})

test_that("formulas, factors, missing values and trends", {
  cars <- datasets::mtcars
  cars$cyl <- factor(cars$cyl)
  cars$hp[3] <- NA
  by_formula <- gp(mpg ~ wt + hp, data = cars, trend = ~ cyl, nugget = 4)
  kept <- cars[-3, ]
  expect_equal(nobs(by_formula), 31)
  expect_equal(names(coef(by_formula)), c("(Intercept)", "cyl6", "cyl8"))
  again <- gp(as.matrix(kept[, c("wt", "hp")]), kept$mpg, trend = ~1, nugget = 4)
  expect_equal(predict(by_formula, kept[2:1, ]), predict(by_formula)[2:1])
  expect_equal(names(again$lengthscale), c("wt", "hp"))
  expect_error(gp(mpg ~ wt + hp, data = cars, na.action = na.fail), "missing values")
  expect_error(gp(mpg ~ wt + hp, data = cars, na.action = na.pass), "`hp`", class = "rkeops_error_input")
  expect_error(predict(by_formula, cars[3, ]), "`hp`", class = "rkeops_error_input")
  expect_error(predict(by_formula, kept[, "wt", drop = FALSE]), "`hp`", class = "rkeops_error_argument")
  expect_error(predict(by_formula, kept[, c("wt", "hp")]), "`cyl`", class = "rkeops_error_argument")
  one <- gp(x[, 1], y, trend = ~0, nugget = 0.05, variance = 3)
  expect_length(coef(one), 0)
  expect_length(predict(one, c(1, 2)), 2)
  expect_output(print(summary(one)), "Leave-one-out")
})

test_that("single precision changes nothing that matters", {
  local_rkeops_options(precision = "float32")
  single <- gp(x, y, trend = ~a, lengthscale = fit$lengthscale, nugget = fit$nugget, variance = fit$variance)
  expect_close(predict(single, new), predict(fit, new), 1e-6)
})

test_that("other kernels, and exact interpolation", {
  t <- seq(0, 1, length.out = 9)
  interpolated <- gp(t, t^2, kernel = gaussian, nugget = 0, lengthscale = 0.4)
  expect_close(predict(interpolated), t^2, 1e-6)
  expect_lt(max(predict(interpolated, t, se.fit = TRUE)$se.fit), 1e-3)
  rough <- gp(x, y, kernel = function(x, y, lengthscale) matern(x, y, lengthscale, nu = 0.5), lengthscale = 2, nugget = 0.1,
              variance = 1)
  expect_output(print(rough), "nu = 0.5")
  expect_output(print(interpolated), "gaussian")
})

test_that("simulate() draws from what predict() says", {
  draws <- simulate(fit, 4000, seed = 1, newdata = new)
  expect_equal(dim(draws), c(4L, 4000L))
  expect_identical(draws, simulate(fit, 4000, seed = 1, newdata = new))
  found <- predict(fit, new, se.fit = TRUE)
  expect_lt(max(abs(rowMeans(draws) - found$fit) / found$se.fit), 5 / sqrt(4000))
  expect_lt(max(abs(apply(draws, 1, sd) / found$se.fit - 1)), 0.08)
  set.seed(4)
  before <- .Random.seed
  data <- simulate(fit, 2, seed = 7)
  expect_identical(.Random.seed, before)
  expect_equal(dim(data), c(80L, 2L))
})

test_that("intervals cover what they should", {
  skip_if(!nzchar(Sys.getenv("RKEOPS_LONG_TESTS")))
  set.seed(5)
  covered <- vapply(1:40, function(run) {
    x <- cbind(runif(230, 0, 10), runif(230))
    root <- t(chol(4 * matern_between(x, x, c(2, 1)) + diag(1e-8, 230)))
    f <- drop(root %*% rnorm(230))
    y <- f + rnorm(230) / 2
    fit <- gp(x[1:200, ], y[1:200])
    new <- 201:230
    confidence <- predict(fit, x[new, ], interval = "confidence")
    prediction <- predict(fit, x[new, ], interval = "prediction")
    inside <- function(interval, value) mean(value >= interval[, "lwr"] & value <= interval[, "upr"])
    c(inside(confidence, f[new]), inside(prediction, y[new]))
  }, numeric(2))
  message("coverage of 95 % intervals: ", toString(round(rowMeans(covered), 3)))
  expect_true(all(abs(rowMeans(covered) - 0.95) < 0.03))
})

test_that("kernlab::gausspr gives the same predictions", {
  skip_if_not_installed("kernlab")
  set.seed(6)
  n <- if (nzchar(Sys.getenv("RKEOPS_LONG_TESTS"))) 1000 else 150
  x <- matrix(rnorm(3 * n), n)
  y <- sin(x[, 1]) + x[, 2] * x[, 3] + rnorm(n) / 10
  theirs <- kernlab::gausspr(x, y, kernel = "rbfdot", kpar = list(sigma = 0.125), var = 0.05, scaled = FALSE, fit = FALSE)
  ours <- gp(x, y, kernel = gaussian, trend = ~0, lengthscale = 2, variance = 1, nugget = 0.05)
  new <- matrix(rnorm(30), 10)
  expect_close(predict(ours, new), drop(kernlab::predict(theirs, new)), 1e-6)
})

test_that("bad data and arguments are refused", {
  expect_error(gp(rbind(x, x[3, ]), c(y, 1), nugget = 0), "rows 3 and 81", class = "rkeops_error_input")
  expect_error(gp(x, rep(2, 80)), "constant", class = "rkeops_error_input")
  expect_error(gp(x, x[, 1], trend = ~a), "equal to the trend", class = "rkeops_error_input")
  expect_error(gp(cbind(x, d = 1), y), "`d`", class = "rkeops_error_input")
  expect_error(gp(x, replace(y, 4, NA)), "row 4", class = "rkeops_error_input")
  expect_error(gp(replace(x, 85, NA), y), "`b`", class = "rkeops_error_input")
  expect_error(gp(x, y[-1]), "80 numbers", class = "rkeops_error_dimension")
  expect_error(gp(), "`x` is missing", class = "rkeops_error_argument")
  expect_error(gp(x), "`y` is missing", class = "rkeops_error_argument")
  expect_error(gp(x, y, lengthscale = 0), "`lengthscale`", class = "rkeops_error_argument")
  expect_error(gp(x, y, lengthscale = 1:3), "`lengthscale`", class = "rkeops_error_dimension")
  expect_error(gp(x, y, nugget = -1), "`nugget`", class = "rkeops_error_argument")
  expect_error(gp(x, y, trend = ~ d), "`d`", class = "rkeops_error_argument")
  expect_error(gp(x, y, subset = 20), "`subset`", class = "rkeops_error_argument")
  expect_error(gp(x, y, trend = y ~ a), "`trend`", class = "rkeops_error_argument")
  expect_error(gp(x, y, trend = ~ a + I(2 * a)), "depend on each other", class = "rkeops_error_argument")
  expect_error(gp(x, y, kernel = "gaussian"), "`kernel`", class = "rkeops_error_argument")
  expect_error(gp(x, y, lengthscales = 1), "`lengthscales`", class = "rkeops_error_argument")
  expect_error(gp(y ~ a, data = 3), "`data`", class = "rkeops_error_argument")
  expect_error(gp(x[1:2, ], y[1:2]), "too few", class = "rkeops_error_input")
  expect_error(predict(fit, x[, 1]), "columns", class = "rkeops_error_input")
  expect_error(predict(fit, cbind(a = 1, d = 2)), "got a, d", class = "rkeops_error_input")
  expect_error(predict(fit, new, level = 1), "`level`", class = "rkeops_error_argument")
  expect_error(predict(fit, new, se = TRUE), NA)    # partial matching, as everywhere
  expect_error(residuals(fit, "pearson"), "`type`", class = "rkeops_error_argument")
  expect_error(simulate(fit, 1, newdata = matrix(runif(6000), 3000)), class = "rkeops_error_unsupported")
})
