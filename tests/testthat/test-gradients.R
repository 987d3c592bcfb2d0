# gradients() and vjp() against numeric differences of dense computations.
# helper-gradients.R has the cases.

data <- gradient_data()

for (case in gradient_cases()[-c(7, 13)]) {
  test_that(paste("gradients of", case$reduction), {
    local_rkeops_options(precision = "float64")
    value <- case$dense(data)
    e <- array(random_matrix(length(value), 1, 4), dim(value))
    found <- derive(gradients, case, data, e = e)
    expect_close(found$result, value)
    expect_identical(dim(found$result), dim(value))
    expect_close(found$value, sum(e * value))
    for (name in case$variables) {
      expected <- numeric_gradient(function(values) {
        data[[name]] <- values
        case$dense(data)
      }, data[[name]], e)
      expect_identical(dim(found$gradient[[name]]), dim(data[[name]]))
      expect_close(found$gradient[[name]], expected, 1e-6)
    }
  })
}

test_that("vjp() is the gradient, without the value", {
  local_rkeops_options(precision = "float64")
  case <- gradient_cases()[[2]]
  e <- array(random_matrix(length(case$dense(data)), 1, 5), dim(case$dense(data)))
  expect_equal(derive(vjp, case, data, e = e), derive(gradients, case, data, e = e)$gradient)
})

test_that("positions may count from 0", {
  case <- gradient_cases()[[10]]
  local_rkeops_options(precision = "float64")
  expected <- derive(gradients, case, data)
  local_rkeops_options(precision = "float64", index_base = 0)
  expect_identical(derive(gradients, case, data), expected)
})

x <- data$x
y <- data$y
x_i <- Vi(x)
y_j <- Vj(y)
s <- Pm(0.7)
K_ij <- exp(-s * sqdist(x_i, y_j))
K <- exp(-0.7 * squared_distances(x, y))

test_that("the short form is the gradient of the sum of all entries", {
  local_rkeops_options(precision = "float64")
  found <- gradients(K_ij, x_i)
  expect_close(found$value, sum(K))
  expect_close(found$result, rowSums(K))
  in_x <- -1.4 * (x * rowSums(K) - K %*% y)
  expect_close(found$gradient, in_x)
  expect_close(gradients(K_ij, x_i, index = "i")$gradient, in_x)
  expect_identical(found$gradient, gradients(K_ij, list(x_i))$gradient[[1]])
  expect_identical(names(gradients(K_ij, list(a = x_i, b = s))$gradient), c("a", "b"))
  in_s <- gradients(K_ij, s)$gradient
  expect_identical(dim(in_s), NULL)
  expect_close(in_s, -sum(K * squared_distances(x, y)))
})

test_that("e is a number, a vector, a matrix or a LazyTensor", {
  local_rkeops_options(precision = "float64")
  e <- c(1, -2, 3, 0.5, 0)
  expected <- -1.4 * (x * c(K %*% rep(1, 6)) - K %*% y) * e
  for (given in list(e, matrix(e), Vi(matrix(e)), Vi(matrix(2 * e)) / 2)) {
    expect_close(vjp(K_ij, x_i, given, "j"), expected)
  }
  expect_equal(vjp(K_ij, y_j, 3L, "j"), 3 * vjp(K_ij, y_j, index = "j"))
  expect_equal(vjp(K_ij, y_j, Pm(3), "j"), 3 * vjp(K_ij, y_j, index = "j"))
  product <- x_i * y_j
  expect_close(vjp(product, x_i, e, "j"), outer(e, colSums(y)))
  expect_close(vjp(product, y_j, e, "j"), matrix(colSums(x * e), 6, 2, byrow = TRUE))
  expect_close(vjp(product, x_i, x + 1, "j"), (x + 1) * rep(colSums(y), each = 5))
  expect_close(vjp(product, x_i, Vi(x) + 1, "j"), (x + 1) * rep(colSums(y), each = 5))
  # the same R object as variable and as adjoint
  expect_close(vjp(product, x_i, x, "j"), x * rep(colSums(y), each = 5))
})

test_that("variables that are one and the same matrix have one gradient", {
  local_rkeops_options(precision = "float64")
  x_j <- Vj(x)
  f <- exp(-sqdist(x_i, x_j))
  expected <- numeric_gradient(function(x) exp(-squared_distances(x, x)), x)
  expect_close(gradients(f, list(list(x_i, x_j)))$gradient[[1]], expected, 1e-6)
})

test_that("rows that a formula does not mention count", {
  local_rkeops_options(precision = "float64")
  expect_close(gradients(x_i + y_j, list(x_i, y_j))$gradient[[1]], matrix(6, 5, 2))
  expect_close(gradients(x_i + y_j, y_j)$gradient, matrix(5, 6, 2))
  expect_close(gradients(square(x_i), x_i, index = "i")$gradient, 2 * x)
  expect_close(gradients(y_j * Pm(c(2.5, 1)), y_j)$gradient, matrix(c(2.5, 1), 6, 2, byrow = TRUE))
  p <- Pm(c(0.5, 2))
  expect_close(gradients(square(p), p, index = NA)$gradient, c(1, 4))
  none <- Vj(matrix(0, 0, 2))
  expect_identical(gradients(sqdist(x_i, none), x_i)$gradient, matrix(0, 5, 2))
  expect_identical(gradients(sqdist(x_i, none), x_i, reduction = "LogSumExp")$gradient, matrix(0, 5, 2))
})

test_that("what is piecewise constant has gradient 0", {
  local_rkeops_options(precision = "float64")
  for (name in c("ArgMin", "ArgMax")) {
    found <- gradients(K_ij, list(x_i, s), reduction = name)
    expect_identical(found$gradient, list(matrix(0, 5, 2), 0))
    expect_equal(found$result, reduction.LazyTensor(K_ij, name, "j"))
  }
  expect_identical(gradients(K_ij, y_j, reduction = "ArgKMin", opt_arg = 2)$gradient, matrix(0, 6, 2))
  expect_identical(gradients(x_i < y_j, x_i)$gradient, matrix(0, 5, 2))
})

test_that("all is computed in as few passes as can be", {
  local_rkeops_options(precision = "float64")
  passes <- function(...) {
    rkeops:::rk_clear_memory()
    gradients(...)
    rkeops:::rk_statistics()$kernels_in_memory
  }
  b_j <- Vj(y + 1)
  f <- 1 / (1 + s * sqdist(x_i, y_j)^3)  # no other test's: its kernels are not there yet
  expect_equal(passes(f, list(x_i, y_j, s)), 1)
  expect_equal(passes(f * b_j, list(x_i, y_j, b_j, s), 1:5), 1)
  expect_equal(passes(f, list(x_i, s), loss = sqrt), 1)
  expect_equal(passes(f * b_j, list(x_i, y_j), loss = function(r) r^2), 2)
  expect_equal(passes(f, list(x_i, s), reduction = "LogSumExp"), 1)
  expect_equal(passes(f, list(x_i, y_j), reduction = "LogSumExp"), 2)
  expect_equal(passes(f, list(x_i, y_j, b_j), reduction = "SumSoftMaxWeight", opt_arg = b_j), 2)
})

test_that("a loss is differentiated, or comes with its derivative", {
  local_rkeops_options(precision = "float64")
  expected <- list(
    numeric_gradient(function(x) log1p(rowSums(exp(-0.7 * squared_distances(x, y)))^2), x, 1:5),
    numeric_gradient(function(y) log1p(rowSums(exp(-0.7 * squared_distances(x, y)))^2), y, 1:5)
  )
  a <- 1
  loss <- function(r) {
    log1p(a * r^2)
  }
  found <- gradients(K_ij, list(x_i, y_j), 1:5, loss = loss)
  expect_close(found$value, sum(1:5 * log1p(rowSums(K)^2)))
  expect_close(found$gradient[[1]], expected[[1]], 1e-6)
  expect_close(found$gradient[[2]], expected[[2]], 1e-6)
  explicit <- gradients(K_ij, list(x_i, y_j), 1:5, loss = loss, derivative = function(r) 2 * r / (1 + r^2))
  expect_equal(explicit, found)
  norm <- gradients(x_i * y_j, x_i, loss = function(r) sqrt(sum(r^2)), derivative = function(r) r / sqrt(sum(r^2)))
  expect_close(norm$gradient, numeric_gradient(function(x) sqrt(sum((x * rep(colSums(y), each = 5))^2)), x), 1e-6)
  expect_equal(gradients(K_ij, x_i, loss = function(r) 3 * r)$gradient, 3 * gradients(K_ij, x_i)$gradient)
  nearest <- gradients(sqdist(x_i, y_j), x_i, reduction = "Min", loss = sqrt)$gradient
  expect_close(nearest, numeric_gradient(function(x) sqrt(apply(squared_distances(x, y), 1, min)), x), 1e-6)
})

test_that("a loss of results that need a pass of their own", {
  local_rkeops_options(precision = "float64")
  log_sums <- gradients(K_ij, list(x_i, y_j), reduction = "LogSumExp", loss = function(r) r^2)$gradient
  plain <- function(x, y) log(rowSums(exp(exp(-0.7 * squared_distances(x, y)))))^2
  expect_close(log_sums[[1]], numeric_gradient(function(x) plain(x, y), x), 1e-6)
  expect_close(log_sums[[2]], numeric_gradient(function(y) plain(x, y), y), 1e-6)
  values <- gradients(K_ij, x_i, reduction = "SumSoftMaxWeight", opt_arg = y_j, loss = function(r) r^2)$gradient
  softmax <- function(x) {
    p <- exp(exp(-0.7 * squared_distances(x, y)))
    (p %*% y / rowSums(p))^2
  }
  expect_close(values, numeric_gradient(softmax, x), 1e-6)
})

test_that("complex variables have complex gradients", {
  local_rkeops_options(precision = "float64")
  z <- matrix(complex(real = x, imaginary = 1 - x), 5)
  z_i <- Vi(z)
  w_j <- Vj(matrix(complex(real = 1:3, imaginary = 2), 3))
  p <- Pm(2 + 1i)
  modulus <- function(z, p) rowSums(vapply(1:3, function(j) Mod(rowSums(z * (j + 2i)) * p), numeric(5)))
  found <- gradients(Mod(sum(z_i * w_j) * p), list(z_i, p))$gradient
  parts <- function(f, at) {
    complex(real = numeric_gradient(function(v) f(v + 1i * Im(at)), Re(at)),
            imaginary = numeric_gradient(function(v) f(Re(at) + 1i * v), Im(at)))
  }
  expect_close(c(found[[1]]), parts(function(v) modulus(v, 2 + 1i), z), 1e-6)
  expect_identical(dim(found[[1]]), dim(z))
  expect_close(found[[2]], parts(function(v) modulus(z, v), 2 + 1i), 1e-6)
  expect_close(grad(Mod(sum(z_i * w_j) * p), 1, "Sum", z_i, "j"), found[[1]])
  expect_error(gradients(z_i * w_j, z_i), class = "rkeops_error_unsupported")
})

test_that("gradients in float32", {
  local_rkeops_options(precision = "float64")
  exact <- list(gradients(K_ij, list(x_i, y_j, s)), gradients(-K_ij, list(x_i, y_j, s), reduction = "LogSumExp"))
  local_rkeops_options(precision = "float32")
  rough <- list(gradients(K_ij, list(x_i, y_j, s)), gradients(-K_ij, list(x_i, y_j, s), reduction = "LogSumExp"))
  expect_close(rough, exact, 1e-5)
  expect_false(identical(rough, exact))
})
