x <- matrix(1, 1000, 3)
y <- matrix(1, 2000, 3)
s <- c(0.5, 2, 1)

test_that("printing shows sizes, names and the memory that is saved", {
  K_ij <- exp(-sqdist(Vi(x), Vj(y)) / 2)
  expect_identical(capture.output(print(K_ij)), c(
    "<LazyTensor> 1,000 x 2,000, dim 1",
    "  formula: Exp(Divide(Minus(SqDist(x_i, y_j)), 2))",
    "  never stored: 16 MB as an ordinary matrix"
  ))
  expect_identical(capture.output(K_ij), capture.output(print(K_ij)))
  expect_identical(capture.output(str(K_ij)), " <LazyTensor> 1,000 x 2,000, dim 1")
  expect_match(format(Pm(5))[2], "formula: 5", fixed = TRUE)
  expect_match(format(Vi(x) * Pm(s))[2], "Mult(x_i, s)", fixed = TRUE)
  expect_match(format(Vi(x) + Vi(x + 1))[2], "Add(x_i, v_i)", fixed = TRUE)
  expect_lt(nchar(format(Reduce(`+`, rep(list(Vi(x)), 50)), width = 80)[2]), 100)
})

test_that("dim gives rows i and j", {
  expect_identical(dim(Vi(x) + Vj(y)), c(1000L, 2000L))
  expect_identical(dim(Vi(x)), c(1000L, 1L))
  expect_identical(dim(Pm(s)), c(1L, 1L))
  expect_identical(nrow(Vi(x) + Vj(y)), 1000L)
  expect_identical(ncol(Vi(x) + Vj(y)), 2000L)
})

test_that("operators print their formula", {
  op <- keops_kernel("Sum_Reduction(SqDist(x,y),1)", c("x=Vi(3)", "y=Vj(3)"))
  expect_output(print(op), "Sum_Reduction(SqDist(x,y),1)", fixed = TRUE)
})
