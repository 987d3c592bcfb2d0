# sinkhorn() against the loop in logarithms on dense matrices, and exact transport on the line.

half_squares <- function(x, y) squared_distances(x, y) / 2

dense_sinkhorn <- function(C, a, b, eps) {
  lse <- function(M) {
    largest <- do.call(pmax, as.data.frame(M))
    largest + log(rowSums(exp(M - largest)))
  }
  f <- g <- 0
  for (step in 1:5000) {
    before <- g
    f <- -eps * lse(t((g + eps * log(b) - t(C)) / eps))
    g <- -eps * lse(t((f + eps * log(a) - C) / eps))
    if (max(abs(g - before)) < 1e-12) break
  }
  list(cost = sum(a * f) + sum(b * g), P = exp((outer(f, g, "+") - C) / eps) * outer(a, b))
}

x <- random_matrix(20, 2, seed = 1)
y <- random_matrix(30, 2, seed = 2) + 0.5
a <- seq(1, 3, length.out = 20) / 40
b <- seq(4, 1, length.out = 30) / 75

expect_as_dense <- function(fit, x, y, a, b, eps, cost) {
  P <- dense_sinkhorn(cost(x, y), a, b, eps)
  own <- dense_sinkhorn(cost(x, x), a, a, eps)$cost + dense_sinkhorn(cost(y, y), b, b, eps)$cost
  expect_close(fit$cost, P$cost)
  expect_close(fit$divergence, P$cost - own / 2, 1e-8)
  expect_close(as.matrix(fit$plan), P$P, 1e-7)
  expect_close(predict(fit), P$P %*% y / a, 1e-7)
}

test_that("costs, divergence, plan and map are those of the dense loop", {
  local_rkeops_options()
  fit <- expect_no_warning_of(sinkhorn(x, y, a, b, eps = 0.1, tol = 1e-9))
  expect_as_dense(fit, x, y, a, b, 0.1, half_squares)
  expect_true(fit$converged && fit$error <= 1e-9)
  expect_close(sum(fit$plan, index = "j"), a)
  expect_close(sum(fit$plan, index = "i"), b, 1e-8)
  expect_equal(sinkhorn(x, y, a, b, eps = 0.1, tol = 1e-9, debias = FALSE)$cost, fit$cost)
  expect_output(print(fit), "20 points to 30, eps = 0.1")
  # names, data frames, new points
  rownames(x) <- paste0("p", 1:20)
  named <- sinkhorn(as.data.frame(x), y, a, b, eps = 0.1, tol = 1e-9, debias = FALSE)
  expect_identical(names(named$f), rownames(x))
  expect_null(named$divergence)
  expect_close(predict(named, x[3:4, ]), predict(fit)[3:4, ])
})

test_that("other costs, which need not be squares", {
  local_rkeops_options()
  manhattan <- function(x, y) abs(outer(x[, 1], y[, 1], "-")) + abs(outer(x[, 2], y[, 2], "-"))
  fit <- sinkhorn(x, y, a, b, eps = 0.1, cost = function(x, y) sum(abs(x - y)), tol = 1e-9)
  expect_as_dense(fit, x, y, a, b, 0.1, manhattan)
})

test_that("masses scale all, points without mass change nothing, equal measures have no divergence", {
  local_rkeops_options()
  fit <- sinkhorn(x, y, a, b, eps = 0.1, tol = 1e-9)
  heavy <- sinkhorn(x, y, 5 * a, 5 * b, eps = 0.1, tol = 1e-9, gradient = TRUE)
  expect_close(heavy$cost, 5 * fit$cost)
  expect_close(heavy$divergence, 5 * fit$divergence, 1e-8)
  expect_close(sum(heavy$plan, index = "i"), 5 * b, 1e-8)
  fewer <- replace(a, 1:3, 0) / sum(a[-(1:3)])
  with_zeros <- sinkhorn(x, y, fewer, b, eps = 0.1, tol = 1e-9)
  without <- sinkhorn(x[-(1:3), ], y, fewer[-(1:3)], b, eps = 0.1, tol = 1e-9)
  expect_close(with_zeros$cost, without$cost)
  expect_close(with_zeros$divergence, without$divergence, 1e-8)
  expect_close(sum(with_zeros$plan, index = "j")[1:3], rep(0, 3))
  same <- sinkhorn(x, x[20:1, ], a, rev(a), eps = 0.1, tol = 1e-9, gradient = TRUE)
  expect_lt(abs(same$divergence), 1e-9)
  expect_lt(max(abs(same$gradient)), 1e-8)
  point <- sinkhorn(matrix(1, 3, 2), matrix(4, 5, 2), eps = 0.1)
  expect_close(c(point$cost, point$divergence), c(9, 9))
})

test_that("gradients are those of central differences", {
  local_rkeops_options()
  few <- x[1:3, ]
  for (debias in c(TRUE, FALSE)) {
    of <- function(x, ...) sinkhorn(x, y, NULL, b, eps = 0.1, debias = debias, tol = 1e-11, ...)
    value <- function(x) if (debias) of(x)$divergence else of(x)$cost
    expect_close(of(few, gradient = TRUE)$gradient, numeric_gradient(value, few, h = 1e-4), 1e-6)
  }
})

test_that("as eps goes to 0 samples on the line are matched in order", {
  local_rkeops_options()
  u <- withr::with_seed(1, stats::rnorm(15))
  v <- withr::with_seed(2, stats::runif(15))
  exact <- mean((sort(u) - sort(v))^2) / 2
  fits <- lapply(c(1e-2, 1e-4), function(eps) sinkhorn(u, v, eps = eps, tol = 1e-5, debias = FALSE))
  errors <- vapply(fits, function(fit) abs(fit$cost - exact), 0)
  expect_lt(errors[2], 1e-3 * exact)
  expect_lt(errors[2], errors[1] / 10)
  expect_close(predict(fits[[2]]), sort(v)[rank(u)], 1e-2)
  expect_identical(argmax(fits[[2]]$plan, "j")[, 1], order(v)[rank(u)])
})

test_that("many points begin with merged ones", {
  local_rkeops_options()
  many <- random_matrix(2100, 2, seed = 3)
  weights <- replace(rep(1 / 2000, 2100), 1:100, 0)
  fit <- sinkhorn(many, y, weights, b, eps = 0.2, tol = 1e-8, debias = FALSE)
  expect_close(fit$cost, dense_sinkhorn(half_squares(many[-(1:100), ], y), rep(1 / 2000, 2000), b, 0.2)$cost)
  both <- sinkhorn(many, many + 0.3, weights, eps = 0.2)
  expect_lte(both$iterations, 4)
  expect_close(sum(both$plan, index = "i"), rep(1 / 2100, 2100), 1e-2)
  measure <- new_measure(many, weights)$coarse
  expect_lte(nrow(measure$x), 262)
  expect_close(colSums(measure$x * measure$w), colSums(many * weights))
  expect_true(measure$spread > 0 && measure$spread < 0.05)
})

test_that("what does not converge is told, and float32 works", {
  local_rkeops_options()
  expect_warning(fit <- sinkhorn(x, y, eps = 0.01, tol = 1e-9, max_iterations = 2), "marginal error", class = "rkeops_warning")
  expect_false(fit$converged)
  expect_gt(fit$error, 1e-9)
  exact <- sinkhorn(x, y, a, b, eps = 0.1)
  rkeops_use_float32()
  single <- sinkhorn(x, y, a, b, eps = 0.1)
  expect_close(c(single$cost, single$divergence), c(exact$cost, exact$divergence), 1e-3)
})

test_that("bad input is a classed error", {
  local_rkeops_options()
  refused <- function(..., kind = "argument") expect_error(sinkhorn(...), class = paste0("rkeops_error_", kind))
  refused(x, y)
  for (eps in list(0, -1, NA, "a", 1:2)) expect_error(sinkhorn(x, y, eps = eps), class = "rkeops_error")
  refused(x, y, -a, b, eps = 1)
  refused(x, y, 2 * a, b, eps = 1)
  refused(x, y, a[-1], b, eps = 1, kind = "dimension")
  refused(x, y, a, replace(b, 1, NA), eps = 1, kind = "input")
  refused(x, y[, 1], eps = 1, kind = "dimension")
  refused(replace(x, 3, NaN), y, eps = 1, kind = "input")
  refused(x, y, eps = 1, cost = "squares")
  refused(x, y, eps = 1, cost = function(x, y) x - y)
  refused(x, y, eps = 1, cost = function(x, y) log(sum(x - y)), kind = "input")
  refused(x, y, eps = 1, debias = NA)
  refused(x, y, eps = 1, max_iterations = 0)
})
