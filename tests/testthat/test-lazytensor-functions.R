# Functions of LazyTensors, against base R.
x <- random_matrix(4, 3, 1)
y <- random_matrix(4, 3, 2)
p <- abs(x) + 0.1

values <- function(...) {
  tensors <- list(...)
  values_of(if (length(tensors) == 1L) tensors[[1L]] else Reduce(concat, tensors))
}

test_that("functions of one argument", {
  x_i <- Vi(x)
  p_i <- Vi(p)
  expect_close(
    values(square(x_i), rsqrt(p_i), inv(x_i), xlogx(p_i), sinxdivx(x_i), relu(x_i), step(x_i), normalize(x_i)),
    cbind(x^2, 1 / sqrt(p), 1 / x, p * log(p), sin(x) / x, pmax(x, 0), 1 * (x >= 0), x / sqrt(rowSums(x^2)))
  )
  expect_close(values(sqnorm2(x_i), norm2(x_i), sum(x_i)), cbind(rowSums(x^2), sqrt(rowSums(x^2)), rowSums(x)))
  z <- Vi(matrix(0, 1, 1))
  expect_equal(values(xlogx(z), sinxdivx(z), rsqrt(z), step(z), normalize(z)), rbind(c(0, 1, 0, 1, 0)))
})

test_that("error and Bessel functions, of LazyTensors and of numbers", {
  x_i <- Vi(x)
  expect_close(values(erf(x_i), erfc(x_i), besselj0(x_i), besselj1(x_i)),
               cbind(erf(x), erfc(x), besselj0(x), besselj1(x)))
  expect_equal(erf(c(-Inf, -1, 0, 0.5, Inf, NA)), c(-1, -0.842700792949715, 0, 0.520499877813047, 1, NA))
  expect_equal(erfc(c(-Inf, -1, 0, 0.5, Inf)), c(2, 1.842700792949715, 1, 0.479500122186953, 0))
  expect_equal(erf(1e-20), 2e-20 / sqrt(pi), tolerance = 1e-14)
  expect_equal(erfc(10), 2.08848758376254e-45, tolerance = 1e-13)
  expect_equal(besselj0(c(-2, 0, 2)), c(0.223890779141236, 1, 0.223890779141236))
  expect_equal(besselj1(c(-2, 0, 2)), c(-0.576724807756873, 0, 0.576724807756873))
})

test_that("functions made for small arguments are exact there", {
  tiny <- matrix(c(1e-20, -1e-10, 1e-5))
  expect_equal(values(expm1(Vi(tiny)), log1p(Vi(tiny)), sinh(Vi(tiny)), asinh(Vi(tiny)), atanh(Vi(tiny)), erf(Vi(tiny))),
               cbind(expm1(tiny), log1p(tiny), sinh(tiny), asinh(tiny), atanh(tiny), erf(tiny)), tolerance = 1e-14)
})

test_that("functions of several arguments", {
  x_i <- Vi(x)
  y_i <- Vi(y)
  w <- c(0.5, 1, 2)
  full <- matrix(1:9, 3) / 9
  d <- x - y
  expect_close(
    values(sqdist(x_i, y_i), weightedsqnorm(x_i, 0.5), weightedsqnorm(x_i, w), weightedsqnorm(x_i, as.vector(full)),
           weightedsqdist(x_i, y_i, w), clamp(x_i, -0.5, 0.25), clamp(x_i, 0, 1), clampint(x_i, 0, 1), mod(x_i, 0.3),
           mod(x_i, 0.3, 1), atan2(x_i, y_i), atan2(0.5, y_i), atan2(x_i, 0.5), ifelse(x_i, y_i, 2)),
    cbind(rowSums(d^2), 0.5 * rowSums(x^2), x^2 %*% w, rowSums((x %*% full) * x), d^2 %*% w,
          pmin(pmax(x, -0.5), 0.25), pmin(pmax(x, 0), 1), pmin(pmax(x, 0), 1), x %% 0.3, 1 + (x - 1) %% 0.3,
          base::atan2(x, y), base::atan2(0.5, y), base::atan2(x, 0.5), base::ifelse(x >= 0, y, 2))
  )
  expect_error(clampint(x_i, 0.5, 1), class = "rkeops_error_argument")
  expect_error(weightedsqnorm(x_i, c(1, 2)), class = "rkeops_error_dimension")
})

test_that("positions count from 1", {
  local_rkeops_options()
  x_i <- Vi(x)
  expect_close(
    values(elem(x_i, 1), elem(x_i, 3), extract(x_i, 2, 2), elemT(elem(x_i, 2), 3, 4), extractT(x_i, 2, 5),
           concat(sum(x_i), x_i)),
    cbind(x[, 1], x[, 3], x[, 2:3], 0, 0, x[, 2], 0, 0, x, 0, rowSums(x), x)
  )
  expect_equal(elemT(Pm(0.5), 3, 4)$dimres, 4)
  expect_equal(extractT(x_i, 2, 5)$dimres, 5)
  expect_equal(concat(sum(x_i), x_i)$dimres, 4)
  expect_equal(extract(x_i, 1, 3)$dimres, 3)
  for (bad in list(0, 4, -1, 1.5, "1", NA)) expect_error(elem(x_i, bad), "`m`", class = "rkeops_error_argument")
  expect_error(elemT(Pm(0.5), 5, 4), class = "rkeops_error_argument")
  expect_error(elemT(x_i, 1, 4), class = "rkeops_error_dimension")
  expect_error(extract(x_i, 2, 3), class = "rkeops_error_argument")
  expect_error(extract(x_i, 1, 0), class = "rkeops_error_argument")
  expect_error(extractT(x_i, 4, 5), class = "rkeops_error_argument")
  expect_error(extractT(x_i, 1, 2), class = "rkeops_error_argument")
})

test_that("positions count from 0 with index_base 0", {
  local_rkeops_options(index_base = 0)
  x_i <- Vi(x)
  expect_close(values(elem(x_i, 0), extract(x_i, 1, 2), elemT(elem(x_i, 1), 2, 3)), cbind(x[, 1], x[, 2:3], 0, 0, x[, 2]))
  expect_error(elem(x_i, 3), "from 0 to 2", class = "rkeops_error_argument")
})

test_that("one_hot takes any tensor of dimension 1", {
  positions <- matrix(c(1, 3, 2, 5), 4)
  one <- one_hot(Vi(positions), 3)
  expect_equal(one$dimres, 3)
  expect_equal(values(one), rbind(c(1, 0, 0), c(0, 0, 1), c(0, 1, 0), c(0, 0, 0)))
  expect_error(one_hot(Vi(x), 3), class = "rkeops_error")
})

test_that("positions that do not exist are nowhere in one_hot, others are rounded", {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    expect_equal(drop(sum(one_hot(Vj(matrix(c(0, 0, 1, 1, 1, 2))), 3), index = "j")), c(3, 1, 0))
    p <- c(-1, 0, 0.49, 0.5, 1.49, 1.5, 2.5, 3.49, 3.5, 4, -0.51, NaN, Inf, -Inf, 1e300, 0.499999991)
    right <- outer(c(NA, NA, NA, 1, 1, 2, 3, 3, NA, NA, NA, NA, NA, NA, NA, NA), 1:3, function(a, b) +(!is.na(a) & a == b))
    expect_equal(values(one_hot(Vi(matrix(p[1:15])), 3)), right[1:15, ])
    expect_equal(drop(values(one_hot(Vi(matrix(rep(0, 2))), 3))), matrix(0, 2, 3))
  }
  local_rkeops_options(index_base = 0L)
  expect_equal(values(one_hot(Vi(matrix(c(-1, 0, 2, 3))), 3)), rbind(0, c(1, 0, 0), c(0, 0, 1), 0))
})

test_that("remainders and quotients are exact, with R's signs", {
  x <- c(1e8, 1e10, 16777217, -1e10, 7.5, -7.5, 5, -5, 5, -5, 3, -3, 0, 2^40)
  y <- c(3, 3, 3, 7, -2, -2, 3, 3, -3, -3, 3, 3, 3, 5)
  right <- c(1, 1, 2, 3, -0.5, -1.5, 2, 1, -1, -2, 0, 0, 0, 1)
  x_i <- Vi(matrix(x))
  expect_equal(drop(values(x_i %% Vi(matrix(y)))), right)
  expect_equal(drop(values(mod(x_i, Vi(matrix(y))))), right)
  expect_equal(mod(x, y), right)
  expect_equal(drop(values(x_i %/% Vi(matrix(y)))), x %/% y)
  local({
    local_rkeops_options(precision = "float32")
    expect_equal(drop(values(Vi(matrix(c(1e8, 1e10))) %% 3)), c(1, 1))
    expect_equal(drop(values(x_i %% Vi(matrix(y))))[-3], right[-3])
  })
  # beyond 2^53 quotients, where base R is not exact: 10 is 1 modulo 3, and 1e22 a double
  expect_equal(drop(values(Vi(matrix(c(1e17, 1e22, -1e22))) %% 3)), c(1, 1, 2))
  expect_equal(mod(c(1e17, 1e22, -1e22), 3), c(1, 1, 2))
  expect_equal(mod(c(1e17, 1e22, -1e22), -3), c(-2, -2, -1))
  # as base R at the edges
  x <- c(5, -5, 5, -5, Inf, -Inf, 5, 0, NaN, -1e-20)
  y <- c(Inf, Inf, -Inf, -Inf, 3, 3, 0, 0, 3, 3)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    expect_equal(drop(values(Vi(matrix(x)) %% Vi(matrix(y)))), x %% y)
    expect_equal(drop(values(Vi(matrix(x)) %/% Vi(matrix(y)))), x %/% y)
  }
  expect_equal(mod(x, y), x %% y)
  expect_equal(mod(matrix(5:8, 2), 3), matrix(c(2, 0, 1, 2), 2))
  expect_equal(mod(7, c(2, 4), 1), c(1, 3))
  expect_equal(mod(numeric(), 3), numeric())
})

test_that("powers of LazyTensors are those of R at the edges too", {
  a <- c(0, 0, 0, Inf, Inf, NaN, NaN, -2, -2, -2, 1, 1, 2, 0.5, -Inf, 3, 1e-310, 7)
  b <- c(1.7, 0, -1.7, 1.7, -1.7, 0, 1.7, 1.7, 3, -3, NaN, Inf, Inf, Inf, 3, 1.7, 0.3, -2.5)
  expect_equal(drop(values(Vi(matrix(a))^Vi(matrix(b)))), a^b)
  local_rkeops_options(precision = "float32")
  expect_equal(drop(values(Vi(matrix(a))^Vi(matrix(b))))[-17], (a^b)[-17], tolerance = 1e-6)
})

test_that("matrices in vectors are stored row by row", {
  m <- Pm(as.numeric(1:6))
  expect_equal(values(matvecmult(m, c(10, 1))), rbind(c(12, 34, 56)))
  expect_equal(values(vecmatmult(c(10, 1), m)), rbind(c(14, 25, 36)))
  expect_equal(matvecmult(Vi(matrix(1, 2, 6)), Vj(matrix(1, 3, 2)))$dimres, 3)
  expect_equal(values(tensorprod(Pm(c(1, 2)), Pm(c(1, 10, 100)))), rbind(c(1, 10, 100, 2, 20, 200)))
  expect_error(matvecmult(m, c(1, 2, 3, 4)), class = "rkeops_error_dimension")
})

test_that("extrema inside the vector have dimension 1", {
  x_i <- Vi(x)
  low <- min(x_i)
  expect_equal(low$dimres, 1)
  expect_close(values(low, max(x_i), argmin(x_i), argmax(x_i)),
               cbind(apply(x, 1, min), apply(x, 1, max), apply(x, 1, which.min), apply(x, 1, which.max)))
})

test_that("ordinary numbers are treated as ordinary numbers", {
  v <- c(0, 1, 4, NA)
  expect_equal(square(v), v^2)
  expect_equal(rsqrt(v), 1 / sqrt(v))
  expect_equal(inv(v), 1 / v)
  expect_equal(xlogx(v), c(0, 0, 4 * log(4), NA))
  expect_equal(sinxdivx(v), c(1, sin(1), sin(4) / 4, NA))
  expect_equal(relu(c(-1, 0, 2, NA)), c(0, 0, 2, NA))
  expect_equal(mod(c(5, -5), 3), c(5, -5) %% 3)
  expect_true(is.LazyTensor(sqnorm2(3)))
  expect_true(is.LazyTensor(sqdist(2, 3)))
  expect_true(is.LazyTensor(clampint(3, 6, 8)))
})

test_that("functions that carry names of base and stats do what they did", {
  expect_identical(ifelse(c(a = TRUE, b = FALSE, c = NA), 1, 2), base::ifelse(c(a = TRUE, b = FALSE, c = NA), 1, 2))
  expect_identical(ifelse(TRUE, 1), 1)
  expect_identical(ifelse(test = c(TRUE, FALSE), no = "n", yes = "y"), c("y", "n"))
  expect_identical(ifelse(TRUE, "yes", stop("not evaluated")), "yes")
  expect_identical(atan2(1, c(1, 2)), base::atan2(1, c(1, 2)))
  expect_identical(atan2(y = 1, x = 2), base::atan2(1, 2))
  fit_in_function <- function() {
    data <- datasets::mtcars[1:20, c("mpg", "wt", "hp")]
    step(stats::lm(mpg ~ ., data = data), trace = 0)
  }
  expect_s3_class(fit_in_function(), "lm")
  expect_identical(glm(dist ~ speed, gaussian, datasets::cars)$coefficients, glm(dist ~ speed, stats::gaussian, datasets::cars)$coefficients)
  expect_identical(c(gaussian()$link, gaussian("log")$link, gaussian(link = log)$link), c("identity", "log", "log"))
  expect_identical(sum(), base::sum())
  expect_identical(1 + NULL, numeric(0))
  masked <- intersect(getNamespaceExports("rkeops"), c(ls(baseenv()), getNamespaceExports("stats")))
  expect_setequal(setdiff(masked, "%*%"), c("ifelse", "atan2", "step", "gaussian"))
})
