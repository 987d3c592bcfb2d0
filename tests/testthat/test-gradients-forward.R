# jvp() and hvp(): forward mode against differences of values, Hessians against differences of gradients.
# helper-gradients.R has the cases.

data <- gradient_data()
tangents <- gradient_tangents()

for (case in gradient_cases()[c(2, 4, 5, 8, 10, 11)]) {
  test_that(paste("jvp() of", case$reduction), {
    local_rkeops_options(precision = "float64")
    names <- case$variables
    change <- derive(jvp, case, data, tangent = tangents[names])
    expected <- (case$dense(along_tangents(data, names, 1e-5)) - case$dense(along_tangents(data, names, -1e-5))) / 2e-5
    expect_identical(dim(change), dim(expected))
    expect_close(change, expected, 1e-6)
  })
}

for (case in gradient_cases()[c(1, 3, 12)]) {
  test_that(paste("adjoint and Hessian of", case$reduction), {
    local_rkeops_options(precision = "float64")
    names <- case$variables
    e <- array(random_matrix(length(case$dense(data)), 1, 4), dim(case$dense(data)))
    gradient <- derive(vjp, case, data, e = e)
    change <- derive(jvp, case, data, tangent = tangents[names])
    expect_close(sum(e * change), sum(mapply(function(g, t) sum(g * t), gradient, tangents[names])))
    up <- derive(vjp, case, along_tangents(data, names, 1e-5), e = e)
    down <- derive(vjp, case, along_tangents(data, names, -1e-5), e = e)
    second <- derive(hvp, case, data, tangent = tangents[names], e = e)
    for (name in names) expect_close(second[[name]], (up[[name]] - down[[name]]) / 2e-5, 1e-5)
  })
}

test_that("Hessians of reductions that are left to the engine", {
  local_rkeops_options(precision = "float64")
  for (k in c(4, 6)) {
    case <- gradient_cases()[[k]]
    wrt <- if (k == 6) "s" else "x"
    gradient_at <- function(t) derive(vjp, case, along_tangents(data, wrt, t), e = 2, wrt = wrt)[[1]]
    second <- derive(hvp, case, data, tangent = tangents[wrt], e = 2, wrt = wrt)[[1]]
    expect_close(second, (gradient_at(1e-5) - gradient_at(-1e-5)) / 2e-5, 1e-5)
    expect_identical(dim(second), dim(data[[wrt]]))
  }
})

test_that("Hessian of a quadratic form", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(4, 3, 1)
  x_i <- Vi(x)
  x_j <- Vj(x)
  f <- x_i | x_j  # the sum of all entries is |sum of x|^2
  tangent <- random_matrix(4, 3, 2)
  expected <- matrix(2 * colSums(tangent), 4, 3, byrow = TRUE)
  expect_close(hvp(f, list(x = list(x_i, x_j)), list(tangent))$x, expected)
  # the tangent may be the same R object as the data
  expect_close(hvp(f, list(x = list(x_i, x_j)), list(x))$x, matrix(2 * colSums(x), 4, 3, byrow = TRUE))
  expect_close(hvp(sum(x_i^3) + 0 * sum(x_j), x_i, x), 4 * 6 * x * x)
  expect_close(hvp(x_i * Pm(c(1, 2, 3)), x_i, 1, index = "i"), matrix(0, 4, 3))
})

test_that("tangents are numbers, vectors, matrices or LazyTensors", {
  local_rkeops_options(precision = "float64")
  x <- data$x
  x_i <- Vi(x)
  p <- Pm(c(0.5, 1.5))
  f <- x_i * p * Vj(data$y)
  total <- rep(colSums(data$y), each = 5)
  expect_close(jvp(f, x_i, 1, "j"), matrix(c(0.5, 1.5) * colSums(data$y), 5, 2, byrow = TRUE))
  expect_equal(jvp(f, x_i, Vi(x), "j"), sum(f, index = "j"))
  expect_equal(jvp(f, x_i, x, "j"), sum(f, index = "j"))
  expect_equal(jvp(f, p, c(0.5, 1.5), "j"), sum(f, index = "j"))
  expect_equal(jvp(f, p, matrix(c(0.5, 1.5), 1), "j"), sum(f, index = "j"))
  expect_equal(jvp(f, list(x_i, p), list(x, Pm(c(0.5, 1.5))), "j"), 2 * sum(f, index = "j"))
  expect_identical(jvp(f, x_i, 1, "j", "ArgMin"), matrix(0, 5, 2))
  expect_identical(jvp(x_i < Vj(data$y), x_i, 1, "j"), matrix(0, 5, 2))
})

test_that("tangents of complex variables", {
  local_rkeops_options(precision = "float64")
  z <- matrix(complex(real = 1:3, imaginary = c(2, 0, -1)), 3)
  u <- matrix(complex(real = c(1, 0, 2), imaginary = 1), 3)
  z_i <- Vi(z)
  change <- jvp(Mod(z_i)^2 + 0 * Vj(matrix(1:2)), z_i, u, "j")
  expect_close(change, 2 * 2 * Re(Conj(z) * u))
  expect_close(jvp(Mod(z_i)^2, z_i, 1i, NA), 2 * Im(z))
  expect_close(hvp(Mod(z_i)^2, z_i, u, index = "i"), 2 * u)
})

test_that("hvp() of a loss agrees with differences of gradients", {
  local_rkeops_options(precision = "float64")
  x <- random_matrix(4, 3, 1)
  y_j <- Vj(random_matrix(5, 3, 2))
  tangent <- random_matrix(4, 3, 3)
  h <- 1e-5
  check <- function(form, ..., second = NULL) {
    gradient <- function(x) {
      x_i <- Vi(x)
      gradients(form(x_i), x_i, ...)$gradient
    }
    x_i <- Vi(x)
    product <- hvp(form(x_i), x_i, tangent, ..., second = second)
    expect_close(product, (gradient(x + h * tangent) - gradient(x - h * tangent)) / (2 * h), 1e-6)
  }
  distances <- function(x_i) -sqdist(x_i, y_j)
  vectors <- function(x_i) (x_i - y_j)^2
  cube <- function(r) r^3
  check(distances, loss = function(r) log1p(exp(r / 5)))
  check(distances, loss = cube, e = 2)
  check(vectors, loss = sin, e = c(1, 2, 3, 4))
  check(distances, loss = function(r) r^2, derivative = function(r) 2 * r, second = function(r) 2)
  check(distances, reduction = "LogSumExp", loss = cube)
  check(vectors, reduction = "LogSumExp", loss = cube)
  check(distances, reduction = "LogSumExp", opt_arg = Vj(random_matrix(5, 1, 4, 0.5, 1)), loss = exp)
  check(distances, reduction = "SumSoftMaxWeight", opt_arg = Vj(random_matrix(5, 2, 5)), loss = cube)
  check(distances, reduction = "Min", loss = cube)
  check(vectors, reduction = "KMin", opt_arg = 2, loss = cube)
  # a loss of the whole result
  check(distances, loss = function(r) sum(r)^2 / 2, derivative = function(r) rep(sum(r), length(r)),
        second = function(r, change) rep(sum(change), length(r)))
  # log-likelihood of a kernel density, as in the help page of gradients()
  s <- Pm(0.5)
  f <- exp(-sqdist(Vi(x), y_j) / s)
  at <- function(s) gradients(exp(-sqdist(Vi(x), y_j) / (v <- Pm(s))), v, loss = function(r) log(r))$gradient
  expect_close(hvp(f, s, 1, loss = function(r) log(r)), (at(0.5 + h) - at(0.5 - h)) / (2 * h), 1e-6)
  x_i <- Vi(x)
  expect_snapshot_output(show_errors(
    hvp(vectors(x_i), x_i, 1, loss = 2),
    hvp(vectors(x_i), x_i, 1, loss = function(r) besselJ(r, 0)),
    hvp(vectors(x_i), x_i, 1, loss = function(r) besselJ(r, 0), derivative = function(r) -besselJ(r, 1)),
    hvp(vectors(x_i), x_i, 1, loss = sin, second = 1),
    hvp(vectors(x_i), x_i, 1, second = sin),
    hvp(vectors(x_i), x_i, 1, loss = sin, second = function(r) 1:2),
    hvp(vectors(x_i), x_i, 1, loss = function(r) sum(r), derivative = function(r) 1:3, second = function(r, d) 0)
  ))
})
