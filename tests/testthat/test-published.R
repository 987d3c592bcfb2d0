# The examples that RKeOps 2 publishes, as they are.

test_that("the LazyTensor example", {
  nx <- 100
  ny <- 150
  x <- matrix(runif(nx * 3), nrow = nx, ncol = 3)
  y <- matrix(runif(ny * 3), nrow = ny, ncol = 3)
  x_i <- LazyTensor(x, index = "i")
  y_j <- LazyTensor(y, index = "j")
  SqDist_ij <- sum((x_i - y_j)^2)
  s <- 0.25
  K_ij <- exp(-SqDist_ij / (2 * s^2))
  b <- matrix(rnorm(ny * 2), ny, 2)
  b_j <- Vj(b)
  res <- sum(K_ij * b_j, index = "j")
  expected <- exp(-squared_distances(x, y) / (2 * s^2)) %*% b
  expect_close(res, expected)
  expect_close(K_ij %*% b_j, expected)
  v <- K_ij %*% Vj(matrix(1, ny, 1))
  expect_identical(dim(v), c(100L, 1L))
})

test_that("the operator examples", {
  nx <- 10
  ny <- 15
  X <- matrix(runif(nx * 3), nrow = nx)
  Y <- matrix(runif(ny * 3), nrow = ny)
  B <- matrix(runif(ny * 6), nrow = ny)
  s <- 0.2
  D <- squared_distances(X, Y)
  op <- keops_kernel(
    formula = "Sum_Reduction(Exp(-s * SqNorm2(x - y)) * b, 1)",
    args = c("x = Vi(3)", "y = Vj(3)", "b = Vj(6)", "s = Pm(1)")
  )
  expect_close(op(list(X, Y, B, s)), exp(-s * D) %*% B)
  op <- keops_kernel("Sum_Reduction(Exp(lambda*SqDist(x,y))*beta,1)", c("x=Vi(3)", "y=Vj(3)", "beta=Vj(6)", "lambda=Pm(1)"))
  expect_close(op(list(X, Y, B, -s)), exp(-s * D) %*% B)
  op <- keops_kernel("Sum_Reduction(SqNorm2(x-y), 0)", c("x=Vi(0,3)", "y=Vj(1,3)"))
  expect_close(op(list(X, Y)), colSums(D))
  expect_close(op(list(t(X), t(Y)), inner_dim = "row"), colSums(D))
  grad_op <- keops_grad(op, var = "x")
  expect_close(grad_op(list(X, Y, matrix(1, ny, 1))), 2 * (ny * X - rep(colSums(Y), each = nx)))
})
