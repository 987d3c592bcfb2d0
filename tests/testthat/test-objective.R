# objective(): optimisers find known answers.

agrees <- function(o, par = o$par, tolerance = 1e-6) {
  expect_close(o$gr(par), numeric_gradient(o$fn, unname(par)), tolerance)
}

test_that("the bandwidth of a kernel density by maximum likelihood", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(40, 1, 1)^3
  y <- random_matrix(60, 1, 2)^3
  log_h <- Pm(-0.5)
  log_density_ij <- -sqdist(Vi(x), Vj(y)) * exp(-2 * log_h) / 2 - log_h
  o <- -objective(log_density_ij, log_h, reduction = "LogSumExp")
  agrees(o)
  likelihood <- function(log_h) {
    sum(log(rowSums(exp(-squared_distances(x, y) * exp(-2 * log_h) / 2 - log_h))))
  }
  expect_close(o$fn(-1), -likelihood(-1))
  fit <- optim(o$par, o$fn, o$gr, method = "BFGS", control = list(reltol = 1e-12))
  expect_close(fit$par, optimize(likelihood, c(-5, 3), maximum = TRUE, tol = 1e-9)$maximum, 1e-5)
  expect_identical(names(fit$par), "log_h")
  expect_close(nlminb(o$par, o$fn, o$gr)$par, fit$par, 1e-5)
})

test_that("points move to those of another sample: maximum mean discrepancy", {
  local_rkeops_options(precision = "float64")
  y <- random_matrix(6, 2, 1)
  x <- y + random_matrix(6, 2, 2, -0.1, 0.1)
  k <- function(u, v) exp(-sqdist(u, v) * 2)
  x_i <- Vi(x)
  x_j <- Vj(x)
  y_j <- Vj(y)
  mmd <- objective(k(x_i, x_j), list(x = list(x_i, x_j))) - 2 * objective(k(x_i, y_j), x_i) +
    sum(exp(-2 * squared_distances(y, y)))
  K <- function(a, b) sum(exp(-2 * squared_distances(a, b)))
  expect_close(mmd$fn(mmd$par), K(x, x) - 2 * K(x, y) + K(y, y))
  agrees(mmd)
  fit <- optim(mmd$par, mmd$fn, mmd$gr, method = "BFGS", control = list(reltol = 1e-15, maxit = 1000))
  expect_lt(fit$value, 1e-8)
  expect_close(mmd$relist(fit$par)$x, y, 1e-3)
  descent <- mmd$par
  for (step in 1:20) descent <- descent - 0.02 * mmd$gr(descent)
  expect_lt(mmd$fn(descent), mmd$fn(mmd$par) / 2)
})

test_that("kernel logistic regression with a penalty", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(30, 2, 3)
  label <- sign(x[, 1] * x[, 2] + random_matrix(30, 1, 4)[, 1] / 5)
  alpha <- matrix(0, 30, 1)
  alpha_i <- Vi(alpha)
  alpha_j <- Vj(alpha)
  K_ij <- exp(-sqdist(Vi(x), Vj(x)))
  o <- objective(K_ij * alpha_j, list(alpha = alpha_j), loss = function(r) log1p(exp(-label * r))) +
    0.5 * objective(K_ij * alpha_i * alpha_j, list(alpha = list(alpha_i, alpha_j)))
  K <- exp(-squared_distances(x, x))
  plain <- function(a) sum(log1p(exp(-label * K %*% a))) + 0.5 * sum(a * (K %*% a))
  at <- random_matrix(30, 1, 5)[, 1]
  expect_close(o$fn(at), plain(at))
  agrees(o, at)
  fit <- optim(o$par, o$fn, o$gr, method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
  # where the gradient is 0: alpha = label / (1 + exp(label * f))
  f <- K %*% fit$par
  expect_close(drop(K %*% fit$par), drop(K %*% (label / (1 + exp(label * f)))), 1e-3)
})

test_that("hyperparameters of a Gaussian process", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(20, 1, 6, 0, 3)
  y <- sin(2 * x[, 1])
  log_l <- Pm(-0.3)
  K_ij <- exp(-sqdist(Vi(x), Vj(x)) * exp(-2 * log_l) / 2)
  # y' (K + I)^-1 y: its gradient is -a' (dK) a where a = (K + I)^-1 y
  a <- solve(as.matrix(K_ij) + diag(20), y)
  gradient <- -vjp(K_ij * Vj(matrix(a)), log_l, e = a, index = "j")
  quadratic <- function(log_l) {
    sum(y * solve(exp(-squared_distances(x, x) * exp(-2 * log_l) / 2) + diag(20), y))
  }
  expect_close(gradient, numeric_gradient(quadratic, -0.3), 1e-6)

  # the length that aligns the kernel with y y'
  alignment <- objective(K_ij * Vj(matrix(y)), log_l, e = y) / sqrt(objective(K_ij^2, log_l))
  plain <- function(log_l) {
    K <- exp(-squared_distances(x, x) * exp(-2 * log_l) / 2)
    sum(y * K %*% y) / sqrt(sum(K^2))
  }
  expect_close(alignment$fn(0.2), plain(0.2))
  agrees(alignment)
  fit <- optim(alignment$par, alignment$fn, alignment$gr, method = "BFGS", control = list(fnscale = -1, reltol = 1e-12))
  expect_close(fit$par, optimize(plain, c(-3, 3), maximum = TRUE, tol = 1e-9)$maximum, 1e-5)
})

test_that("k-means by descent: centres are means", {
  local_rkeops_options(precision = "float64")
  x <- rbind(random_matrix(10, 2, 7, 0, 0.3), random_matrix(12, 2, 8, 2, 2.3), random_matrix(9, 2, 9, -2, -1.7))
  centres <- Vj(x[c(1, 12, 25), ])
  o <- objective(sqdist(Vi(x), centres), list(centres = centres), reduction = "Min")
  fit <- optim(o$par, o$fn, o$gr, method = "BFGS")
  expected <- rowsum(x, rep(1:3, c(10, 12, 9))) / c(10, 12, 9)
  expect_close(o$relist(fit$par)$centres, expected, 1e-5)
})

test_that("several variables are one vector", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(4, 2, 1)
  x_i <- Vi(x)
  p <- Pm(c(0.5, 1.5))
  s <- Pm(0.3)
  f <- exp(-s * sqnorm2(x_i * p - Vj(random_matrix(5, 2, 2))))
  o <- objective(f, list(points = x_i, p, scale = s), e = 1:4)
  expect_identical(names(o$par), c(paste0("points", 1:8), "p1", "p2", "scale"))
  expect_identical(o$relist(o$par), list(points = x, p = c(0.5, 1.5), scale = 0.3))
  agrees(o)
  expect_output(print(o), "<rkeops_objective> of points (4 x 2), p (2), scale (1)", fixed = TRUE)
  expect_identical(o$fn(unname(o$par)), o$fn(o$par))
  z_i <- Vi(matrix(c(1 + 1i, 2 - 1i)))
  complex <- objective(Mod(z_i - Pm(3i))^2, list(z = z_i), index = "i")
  agrees(complex)
  expect_close(complex$relist(nlminb(complex$par, complex$fn, complex$gr)$par)$z, matrix(c(3i, 3i)), 1e-6)
})

test_that("value and gradient are computed together, and once for the same vector", {
  local_rkeops_options(precision = "float64")
  x_i <- Vi(random_matrix(4, 2, 1))
  calls <- 0
  loss <- function(r) {
    calls <<- calls + 1
    r
  }
  o <- objective(sqnorm2(x_i), x_i, index = NA, loss = loss, derivative = function(r) 1)
  par <- o$par
  o$fn(par)
  o$gr(par)
  o$fn(par)
  expect_identical(calls, 1)
  expect_close(o$gr(par + 1), 2 * (par + 1))
  expect_identical(calls, 2)
  par[1] <- 7
  expect_close(o$fn(par), sum(par^2))
})

test_that("arithmetic of objectives", {
  local_rkeops_options(precision = "float64")
  p <- Pm(0.4)
  q <- Pm(1.3)
  a <- objective(exp(p) * Vj(matrix(1:3)), list(p = p))
  b <- objective(square(q) + p + Vj(matrix(1:2)), list(q = q, p = p))
  combined <- list(a + b, a - b, a * b, a / b, b^3, -a, +a, 2 * a - 1, 1 / b, exp(a / 10), log(b), sqrt(a + b))
  A <- 6 * exp(0.4)
  B <- 2 * 1.3^2 + 2 * 0.4 + 3
  expected <- list(A + B, A - B, A * B, A / B, B^3, -A, A, 2 * A - 1, 1 / B, exp(A / 10), log(B), sqrt(A + B))
  for (k in seq_along(combined)) {
    expect_close(combined[[k]]$fn(combined[[k]]$par), expected[[k]])
    agrees(combined[[k]])
  }
  expect_identical((a * b)$par, c(p = 0.4, q = 1.3))
})
