# Kernel ridge regression against dense algebra.
set.seed(1)
x <- cbind(a = runif(150, 0, 10), b = runif(150))
y <- 5 + sin(x[, 1]) + 2 * x[, 2] + rnorm(150) / 5

score <- function(K, y, ridge) {
  H <- K %*% solve(K + diag(ridge, nrow(K)))
  length(y) * sum((y - H %*% y)^2) / (length(y) - sum(diag(H)))^2
}

test_that("the ridge has the least generalised cross-validation score", {
  fit <- krr(x, y)
  K <- exp(-squared_distances(sweep(x, 2, fit$lengthscale, "/"), sweep(x, 2, fit$lengthscale, "/")) / 2)
  centred <- y - mean(y)
  expect_close(fit$gcv, score(K, centred, fit$ridge), 1e-6)
  expect_lte(fit$gcv, min(vapply(fit$ridge * c(0.5, 0.9, 1.1, 2), function(r) score(K, centred, r), 0)))
  expect_close(coef(fit), solve(K + diag(fit$ridge, 150), centred), 1e-6)
  expect_close(fit$df, sum(diag(K %*% solve(K + diag(fit$ridge, 150)))), 1e-5)
  expect_close(residuals(fit), y - predict(fit, x), 1e-6)
  expect_equal(fitted(fit), predict(fit))
  expect_output(print(fit), "degrees of freedom")
})

test_that("without the dense matrix the choice is nearly the same", {
  dense <- krr(x, y)
  set.seed(2)
  columns <- krr(x, y, exact = 0, columns = 75)
  expect_lt(abs(log(columns$ridge / dense$ridge)), 0.5)
  expect_lt(max(abs(predict(columns, x) - predict(dense, x))), 0.1)
  given <- krr(x, y, ridge = 0.1, lengthscale = c(2, 0.5), exact = 0)
  expect_close(predict(given, x[1:5, ]), predict(krr(x, y, ridge = 0.1, lengthscale = c(2, 0.5)), x[1:5, ]), 1e-5)
})

test_that("bad data and arguments of krr are refused", {
  expect_error(krr(x, rep(1, 150)), "constant", class = "rkeops_error_input")
  expect_error(krr(x, y, ridge = 0), "`ridge`", class = "rkeops_error_argument")
  expect_error(krr(x, y, lengthscale = 0), "`lengthscale`", class = "rkeops_error_argument")
  expect_error(krr(x, y, kernel = "gaussian"), "`kernel`", class = "rkeops_error_argument")
  expect_error(krr(matrix(1, 20, 2), rnorm(20)), "rows of `x` are equal", class = "rkeops_error_input")
  expect_error(predict(krr(x, y), x[, 1]), "columns", class = "rkeops_error_dimension")
})
