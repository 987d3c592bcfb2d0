# Names of points and columns come back in results.

x <- matrix(1:6 / 10, 3, dimnames = list(c("a", "b", "c"), NULL))
y <- matrix(1:8 / 10, 4, dimnames = list(c("p", "q", "r", "s"), NULL))
b <- matrix(1:8, 4, dimnames = list(NULL, c("price", "size")))
K <- exp(-sqdist(Vi(x), Vj(y)))
dense <- exp(-squared_distances(x, y))
rownames(dense) <- rownames(x)

test_that("rows of results have the names of the points they are about", {
  expect_equal(K %*% b, dense %*% b)
  expect_equal(K %*% 1:4, dense %*% 1:4)
  expect_equal(sum(K, "j"), matrix(rowSums(dense), dimnames = list(rownames(x), NULL)))
  expect_identical(rownames(sum(K, "i")), rownames(y))
  expect_identical(rownames(argmin(K, "j")), rownames(x))
  expect_identical(lapply(min_argmin(K, "j"), rownames), list(rownames(x), rownames(x)), ignore_attr = TRUE)
  expect_identical(dimnames(Kmin(Vi(x) * Vj(y), 2, "j")), list(rownames(x), NULL, NULL))
  named <- c(u = 1, v = 2)
  expect_identical(sum(Vi(named) + Vj(1:3), "j"), matrix(c(9, 12), dimnames = list(names(named), NULL)))
  expect_null(dimnames(sum(Vi(unname(x)) + Vj(b[, 1]), "j")))
})

test_that("columns have the names of the components", {
  expect_identical(colnames(sum(K * Vj(b), "j")), colnames(b))
  expect_identical(colnames(sum(2 * Vj(b) / K - 1, "j")), colnames(b))
  expect_identical(colnames(sum(exp(K * Vj(b)), "j")), NULL)
  expect_identical(colnames(sumsoftmaxweight(K, "j", Vj(b))), colnames(b))
  expect_identical(colnames(sum(Vi(cbind(u = 1:2)) - Vj(cbind(v = 1:2)), "j")), NULL)
  expect_identical(dimnames(matrix(1, 2, 3, dimnames = list(c("m", "n"), NULL)) %*% K), list(c("m", "n"), rownames(y)))
  frame <- data.frame(u = 1:2, v = 3:4, row.names = c("one", "two"))
  expect_equal(sum(Vi(frame) * Vj(1), "j"), as.matrix(frame))
  z <- matrix(1i, 2, 1, dimnames = list(c("s", "t"), NULL))
  expect_equal(sum(Vi(z) * Vj(2), "j"), z * 2)
})

test_that("operators give names of rows back", {
  op <- keops_kernel("Sum_Reduction(x * y, 1)", c("x=Vi(2)", "y=Vj(2)"))
  expect_identical(rownames(op(list(x, y))), rownames(x))
  expect_identical(rownames(op(list(t(x), t(y)), inner_dim = "row")), rownames(x))
  expect_identical(rownames(op(list(as.data.frame(x), y))), rownames(x))
  expect_null(dimnames(op(list(unname(x), y))))
})

test_that("gradients do not depend on names", {
  x_i <- Vi(x)
  found <- gradients(exp(-sqdist(x_i, Vj(y))) * Vj(b), x_i)
  bare <- Vi(unname(x))
  expect_equal(found, gradients(exp(-sqdist(bare, Vj(unname(y)))) * Vj(unname(b)), bare))
  o <- objective(exp(-sqdist(x_i, Vj(y))), list(x = x_i))
  expect_equal(o$gr(o$par), as.vector(gradients(K, x_i)$gradient))
})
