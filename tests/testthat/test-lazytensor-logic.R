# Truth values: comparisons, !, &, |, ifelse().

x <- random_matrix(4, 3, 1)
y <- random_matrix(4, 3, 2)
x_i <- Vi(x)
y_i <- Vi(y)

values <- function(...) values_of(Reduce(concat, list(...)))
is_truth <- rkeops:::holds_truth

test_that("!, & and | of truth values are those of R", {
  a <- x < y
  b <- x > 0
  a_i <- x_i < y_i
  b_i <- x_i > 0
  expect_close(values(!a_i, a_i & b_i, a_i | b_i, !(a_i | !b_i), a_i != b_i, a_i == b_i, xor(a_i, b_i), !x_i, x_i & a_i),
               1 * cbind(!a, a & b, a | b, !(a | !b), a != b, a == b, xor(a, b), !x, x & a))
  expect_close(values(a_i & TRUE, FALSE | a_i, a_i | c(TRUE, FALSE, TRUE), c(TRUE, FALSE, TRUE) & a_i),
               1 * cbind(a, a, sweep(a, 2, c(TRUE, FALSE, TRUE), "|"), sweep(a, 2, c(TRUE, FALSE, TRUE), "&")))
})

test_that("numbers within a radius are counted", {
  near <- squared_distances(x, y) < 0.7^2
  near_ij <- sqdist(x_i, Vj(y)) < 0.7^2
  expect_equal(sum(near_ij, index = "j"), matrix(rowSums(near)))
  expect_equal(sum(near_ij, index = "i"), matrix(colSums(near)))
  expect_equal(sum(near_ij & elem(x_i, 1) > 0, index = "j"), matrix(rowSums(near & x[, 1] > 0)))
})

test_that("| is the scalar product as soon as one side holds numbers", {
  a_i <- x_i < y_i
  expect_close(values(x_i | y_i, a_i | y_i, a_i | 1, (a_i * 1) | (a_i * 1)),
               cbind(rowSums(x * y), rowSums((x < y) * y), rowSums(x < y), rowSums(x < y)))
  expect_equal((a_i | a_i)$dimres, 3)
  expect_equal((a_i | x_i)$dimres, 1)
  expect_error(a_i | (Vi(x[, 1:2]) > 0), class = "rkeops_error_dimension")
})

test_that("what holds truth values is known", {
  a_i <- x_i < y_i
  for (t in list(a_i, x_i <= 1, 1 > x_i, x_i >= 1, x_i == 1, x_i != 1, !x_i, x_i & y_i, a_i | a_i, xor(a_i, a_i), t(a_i),
                 elem(a_i, 1), extract(a_i, 1, 2), concat(a_i, !a_i), Vi(x > 0), Pm(c(TRUE, FALSE)),
                 lookup(c(TRUE, FALSE), Vi(matrix(1:2))))) {
    expect_true(is_truth(t))
  }
  for (t in list(x_i, x_i | y_i, a_i + a_i, a_i * 1, -a_i, sum(a_i), abs(a_i), concat(a_i, x_i), Pm(1), Pm(c(0, 1)),
                 elem(x_i, 1), ifelse(a_i, 1, 0))) {
    expect_false(is_truth(t))
  }
})

test_that("logical data are truth values", {
  l <- x > 0
  expect_close(values(Vi(l) | (y_i > 0), !Vi(l), ifelse(Vi(l), x_i, y_i)), cbind(l | y > 0, !l, ifelse(l, x, y)))
})

test_that("ifelse takes truth values as R does, and other numbers by >= 0", {
  a_i <- x_i < y_i
  expect_close(values(ifelse(a_i, x_i, y_i), ifelse(!a_i, 1, 2), ifelse(a_i & x_i > 0, x_i, -1), ifelse(x_i, x_i, y_i)),
               cbind(pmin(x, y), ifelse(x < y, 2, 1), ifelse(x < y & x > 0, x, -1), ifelse(x >= 0, x, y)))
  weight <- vjp(ifelse(a_i, 2 * x_i, y_i), x_i, matrix(1, 4, 3), index = NA)
  expect_equal(weight, ifelse(x < y, 2, 0))
})
