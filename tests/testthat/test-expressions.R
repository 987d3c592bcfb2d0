# Expressions are short text that shares what occurs more than once, however they were put together.

x <- random_matrix(6, 2)
y <- random_matrix(5, 2)
x_i <- Vi(x)
y_j <- Vj(y)
distances <- squared_distances(x, y)

text_of <- function(x) c(x$formula, x$definitions)
text_size <- function(x) sum(nchar(text_of(x)))
names_of <- function(x) sub("=.*", "", x$definitions)
near_one <- function(scale = 1e-13) exp(sqdist(x_i, y_j) * -scale)

test_that("everyday expressions are written in place", {
  K <- exp(-sqdist(x_i, y_j) / 2) * 3
  expect_null(K$definitions)
  expect_match(K$formula, "^Mult\\(Exp\\(Divide\\(Minus\\(SqDist\\(A0x[0-9a-f]+i,A0x[0-9a-f]+j\\)\\),N0x[0-9a-f]+\\)\\),N0x")
})

test_that("text grows with the number of operators, and no faster", {
  k <- near_one()
  expected <- exp(-1e-13 * distances)
  for (n in 1:40) {
    k <- k * k
    expected <- expected^2
  }
  expect_lt(text_size(k), 5000)
  expect_length(k$definitions, 40)
  expect_close(sum(k, index = "j"), matrix(rowSums(expected)), 1e-3)
  sums <- Reduce(`+`, lapply(1:100, function(n) cos(n * x_i)))
  expect_lt(text_size(sums), 100 * 200)
  expect_close(sum(sums, index = "i"), t(colSums(Reduce(`+`, lapply(1:100, function(n) cos(n * x))))))
})

test_that("thousands of operators in each other are no trouble", {
  deep <- x_i
  expected <- x
  for (n in 1:5000) {
    deep <- sin(deep)
    expected <- sin(expected)
  }
  expect_lt(text_size(deep), 5000 * 10)
  expect_close(sum(deep, index = "i"), t(colSums(expected)))
  expect_lt(sum(nchar(format(deep))), 2000)
  back <- unserialize(serialize(deep, NULL))
  expect_identical(text_of(back), text_of(deep))
  numbers <- Reduce(function(sum, n) sum + n, 1:300, x_i)
  expect_length(numbers$args, 301)
  expect_close(sum(numbers, index = "i"), t(colSums(x + sum(1:300))))
})

test_that("gradients go through definitions", {
  small <- Pm(0.9)
  deep <- sqdist(x_i, y_j) * small
  for (n in 1:500) deep <- sin(deep) * 1.0001
  slope <- distances * 0.9
  change <- distances
  for (n in 1:500) {
    change <- cos(slope) * change * 1.0001
    slope <- sin(slope) * 1.0001
  }
  expect_close(gradients(deep, small)$gradient, sum(change), 1e-8)
  k <- near_one(1)
  for (n in 1:3) k <- k * k
  slopes <- -2 * 8 * exp(-8 * distances)
  expected <- t(sapply(1:6, function(i) colSums(slopes[i, ] * t(x[i, ] - t(y)))))
  expect_close(gradients(k, x_i)$gradient, expected)
  expect_close(grad(k, Vi(matrix(1, 6, 1)), "Sum", var = x_i, index = "j"), expected)
  expect_close(sum(adjoint(k, x_i), index = "j"), expected)
  expect_close(jvp(k, x_i, tangent = 1, index = "j"), matrix(rowSums(expected)))
  expect_close(gradients(k * k, x_i, reduction = "LogSumExp")$value,
               gradients(near_one(1)^16, x_i, reduction = "LogSumExp")$value)
})

test_that("definitions go where their LazyTensor goes", {
  k <- near_one(1)
  k <- k * k
  k <- k * k
  values <- exp(-4 * distances)
  expect_close(as.matrix(k), values)
  expect_close(as.matrix(t(k)), t(values))
  expect_identical(text_of(t(t(k))), text_of(k))
  expect_false(any(names_of(t(k)) %in% names_of(k)))
  expect_close(diag(k), diag(values))
  expect_close(k[2:3, ], values[2:3, ])
  expect_close(sum(k + cos(k * k), index = "i"), matrix(colSums(values + cos(values^2))))
  back <- unserialize(serialize(k, NULL))
  expect_close(as.matrix(back * k), values^2)
  self <- exp(-sqdist(x_i, Vj(x)))
  values <- exp(-squared_distances(x, x))
  expect_close(sum(off_diagonal(self * self), index = "j"), matrix(rowSums(values^2) - 1))
  expect_close(sum(off_diagonal(self * self) * (self * self), index = "j"), matrix(rowSums(values^4) - 1))
})

test_that("LazyTensors that older versions have saved have no definitions", {
  old <- unclass(exp(-sqdist(x_i, y_j)))
  old <- old[setdiff(names(old), c("definitions", "components"))]
  oldClass(old) <- "LazyTensor"
  if (isS4(x_i)) old <- asS4(old)
  expect_close(sum(old * old + 1, index = "j"), matrix(rowSums(exp(-2 * distances) + 1)))
})

test_that("equal expressions have equal definitions, and are one program", {
  power <- function(k) {
    for (n in 1:4) k <- cos(k * k + 0.5)
    k
  }
  twice <- power(near_one(1)) * power(near_one(1))
  expect_length(twice$args, length(power(near_one(1))$args))
  expect_length(twice$definitions, 1 + length(power(near_one(1))$definitions))
  # the same data under other identifiers
  again <- power(exp(-sqdist(Vi(x), Vj(y))))
  both <- power(exp(-sqdist(x_i, y_j))) - again
  expect_length(both$args, length(again$args))
  expect_identical(as.matrix(both), matrix(0, 6, 5))
  compiled <- function() rkeops:::rk_statistics()$kernels_in_memory
  sum(power(exp(-sqdist(x_i, y_j) / 3)), index = "j")
  before <- compiled()
  sum(power(exp(-sqdist(Vi(x + 1), Vj(y)) / 7)), index = "j")
  expect_identical(compiled(), before)
})

test_that("numbers in different places stay different parameters", {
  sums <- function(numbers) Reduce(function(sum, n) sin(sum) + n, numbers, x_i)
  expect_length(sums(rep(1, 60))$args, 61)
  sum(sums(1:60), index = "i")
  before <- rkeops:::rk_statistics()$kernels_in_memory
  sum(sums(rep(1, 60)), index = "i")
  expect_identical(rkeops:::rk_statistics()$kernels_in_memory, before)
})
