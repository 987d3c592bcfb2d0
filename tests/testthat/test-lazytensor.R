# Constructors, identity of variables and predicates of LazyTensors.
x <- random_matrix(5, 3, 1)
y <- random_matrix(7, 3, 2)

test_that("constructors declare variables and keep the data", {
  x_i <- Vi(x)
  expect_identical(class(x_i), "LazyTensor")
  expect_type(x_i, "list")
  expect_match(x_i$formula, "^A0x[0-9a-f]+i$")
  expect_identical(x_i$args, paste0(x_i$formula, "=Vi(3)"))
  expect_identical(x_i$data, list(x))
  expect_equal(x_i$dimres, 3)
  expect_match(Vj(y)$args, "^A0x[0-9a-f]+j=Vj\\(3\\)$")
  expect_match(LazyTensor(x, index = "j")$args, "=Vj\\(3\\)$")
  expect_match(Pm(c(1, 2))$args, "^A0x[0-9a-f]+NA=Pm\\(2\\)$")
  expect_equal(Pm(c(1, 2))$dimres, 2)
  expect_match(LazyTensor(0.5)$args, "=Pm\\(1\\)$")
})

test_that("numbers are parameters: other numbers need no other kernel", {
  for (value in list(3, -2L, 1e5, 2^31, 1e300, Inf, NaN, NA_real_)) {
    expect_match(LazyTensor(value)$args, "=Pm\\(1\\)$")
    expect_match((Vi(x) * value)$args[2], "^N0x[0-9a-f]{16}=Pm\\(1\\)$")
  }
  K <- function(h) sum(exp(-sqdist(Vi(x), Vj(y)) / h) * 2 + 1 - h, "j")
  K(0.5)
  compiled <- function() rkeops:::unwrap(rkeops:::rk_statistics())$kernels_compiled
  before <- compiled()
  for (h in 1:10) {
    expect_close(K(h), matrix(rowSums(exp(-squared_distances(x, y) / h) * 2 + 1 - h)))
  }
  expect_equal(compiled(), before)
})

test_that("expressions that are written twice have the same numbers, those of Pm() are variables of their own", {
  x_i <- Vi(x)
  expect_length((2 * x_i + 2 * x_i)$args, 2)
  K <- function() exp(-sqdist(Vi(x), Vj(y)) / 2) + 1
  expect_length((K() * K())$args, 4)
  expect_length((2 * x_i * Pm(2) * Pm(2))$args, 4)
  # equal by chance: the kernel does not depend on it
  expect_length((2 * x_i + 2 / (1 + x_i) - 2L)$args, 5)
  expect_match(format(2 * x_i - 0.5 / (x_i + 2) + -3)[2], "2 * x_i - 0.5/(x_i + 2) + -3",
               fixed = TRUE)
  expect_equal(values_of(2 * Vi(x) - 0.5 / (Vi(x) + 2)), 2 * x - 0.5 / (x + 2))
})

test_that("a number is not the variable that was made of it", {
  h <- 0.5
  p <- Pm(h)
  expect_length((p * h * h)$args, 3)
  expect_close(gradients(Vi(x) * p * h, p, index = NA)$gradient, sum(x) * h)
})

test_that("a whole number can be a variable of gradients", {
  s <- Pm(1)
  found <- gradients(exp(-sqdist(Vi(x), Vj(y)) * s) * 2, s)
  D <- squared_distances(x, y)
  expect_close(found$gradient, sum(-2 * D * exp(-D)))
})

test_that("data are not copied and may be integer or logical", {
  skip_if_not(capabilities("profmem"))
  big <- matrix(1, 1000, 100)
  tracemem(big)
  copies <- capture.output(Vi(big) + Vj(big))
  untracemem(big)
  expect_false(any(grepl("tracemem", copies)))
  integers <- matrix(1:6, 3)
  expect_identical(Vi(integers)$data[[1]], integers)
  logicals <- matrix(c(TRUE, NA, FALSE), 3)
  expect_equal(values_of(Vi(logicals)), matrix(c(1, NaN, 0)))
})

test_that("whole-number 1 x 1 matrices keep their index", {
  expect_match(Vi(matrix(3))$args, "=Vi\\(1\\)$")
  expect_equal(sum(Vi(matrix(3)), "i"), matrix(3))
})

test_that("bad data are refused at once", {
  for (bad in list("a", NULL, list(1), factor(1:2), mean, data.frame(a = "b"))) {
    expect_error(LazyTensor(bad), class = "rkeops_error_input")
    expect_error(Pm(bad), class = "rkeops_error")
    expect_error(Vi(bad), class = "rkeops_error_input")
  }
  expect_error(LazyTensor(numeric()), "length 1 or more", class = "rkeops_error_input")
  expect_error(LazyTensor(array(1, c(2, 2, 2)), "i"), class = "rkeops_error_input")
  expect_error(LazyTensor(Vi(x)), class = "rkeops_error_input")
  expect_error(Vj(Vi(x)), class = "rkeops_error_input")
  expect_error(Pm(x), "Vi\\(\\) or Vj\\(\\)", class = "rkeops_error_argument")
  expect_error(Pm(Vi(x)), class = "rkeops_error_argument")
  expect_error(Vi(matrix(numeric(), 3, 0)), "column", class = "rkeops_error_input")
})

test_that("the index is checked", {
  expect_error(LazyTensor(x), "index", class = "rkeops_error_argument")
  expect_error(LazyTensor(1:3, TRUE), "index", class = "rkeops_error_argument")
  expect_error(LazyTensor(x, "k"), "\"i\", \"j\"", class = "rkeops_error_argument")
})

test_that("predicates look at the variables, not at the text", {
  x_i <- Vi(x)
  expect_true(is.LazyTensor(x_i))
  expect_false(is.LazyTensor(x))
  expect_false(is.ComplexLazyTensor(x_i))
  expect_true(is.LazyParameter(Pm(0.5)))
  expect_true(is.LazyParameter(LazyTensor(3)))
  expect_false(is.LazyParameter(x_i + 3))
  expect_false(is.LazyParameter(Pm(c(1, 2))))
  expect_false(is.LazyParameter(exp(Pm(0.5))))
  expect_false(is.ComplexLazyParameter(Pm(0.5)))
  expect_true(is.LazyVector(Pm(c(1, 2))))
  expect_true(is.LazyVector(x_i + Pm(0.5)))
  expect_true(is.LazyVector(LazyTensor(3)))
  expect_true(is.LazyMatrix(x_i + Pm(0.5)))
  expect_false(is.LazyMatrix(Pm(0.5)))
  for (predicate in list(is.LazyParameter, is.LazyVector, is.LazyMatrix, is.ComplexLazyParameter)) {
    expect_error(predicate(3), class = "rkeops_error_argument")
  }
  expect_true(is.int(3))
  expect_true(is.int(3L))
  for (other in list(3.5, TRUE, 1i, c(1, 2), x_i, "3", NA_real_, Inf)) expect_false(is.int(other))
})

test_that("the same object with the same index is one variable", {
  x_i <- Vi(x)
  expect_length((x_i + x_i)$args, 1)
  expect_length((x_i * Vi(x))$args, 1)
  expect_length((Vi(x) + Vj(x))$args, 2)
  expect_length((exp(Vi(x)) - 2 * Vj(y) + Vj(y) / Vi(x))$args, 3)
  copy <- x + 0
  expect_length((Vi(x) + Vi(copy))$args, 2)
  expect_close(sum((Vi(x) - Vj(y))^2 + Vi(x) * 2 * Vj(y), "j"),
               t(apply(x, 1, function(row) colSums(y^2) + nrow(y) * row^2)))
})

test_that("identifiers stay apart when there are many", {
  tensors <- lapply(1:40, function(k) Vi(matrix(k, 2, 1)))
  total <- Reduce(`+`, lapply(1:40, function(k) tensors[[k]] * k))
  expect_equal(values_of(total), matrix(sum((1:40)^2), 2, 1))
})

test_that("mixed numbers of rows are refused when the expression is built", {
  expect_error(Vi(x) + Vi(y), "rows i: 5 and 7", class = "rkeops_error_dimension")
  expect_error(sqdist(Vj(x), Vj(y)), "rows j: 5 and 7", class = "rkeops_error_dimension")
  error <- tryCatch(Vi(x) + Vi(y), error = identity)
  expect_identical(conditionCall(error), quote(Vi(x) + Vi(y)))
})

test_that("variables are refused, or taken, whoever looks at them first", {
  expect_error(Pm(array(1:3)), "Wrap a matrix", class = "rkeops_error_argument")
  expect_equal(LazyTensor(array(1:3))$dimres, 3)
  for (wrong in alist(LazyTensor(), Vi(), Vj(), Pm())) expect_error(eval(wrong), "`x` is missing", class = "rkeops_error_argument")
  expect_error(Vi(matrix(1), is_complex = NA), "is_complex", class = "rkeops_error_argument")
  x <- matrix(runif(6), 3)
  expect_identical(do.call(Vi, list(x))$labels, "")
  expect_identical(c(Vi(x)$labels, Vi(x + 1)$labels, Pm(2)$labels), c("x", "", "2"))
  expect_true(identical(parent.env(Vi(x)$tokens[[1]]), parent.env(Pm(c(a = 1, b = 2))$tokens[[1]])))
  expect_false(identical(Vi(x)$tokens[[1]], Vi(x)$tokens[[1]]))
})
