# keops_grad(): variables by name or position, inline variables, second order, LazyTensors.
x <- random_matrix(4, 3, 1)
y <- random_matrix(6, 3, 2)
b <- random_matrix(6, 2, 3)
args <- c("x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "s=Pm(1)")
op <- keops_kernel("Sum_Reduction(Exp(-s*SqDist(x,y))*b,1)", args)
eta <- random_matrix(4, 2, 4)

plain <- function(x, y, b, s) exp(-as.numeric(s) * squared_distances(x, y)) %*% b

test_that("gradients with respect to every variable have its shape", {
  data <- list(x, y, b, 0.5, eta)
  expect_close(keops_grad(op, "x")(data), numeric_gradient(function(v) plain(v, y, b, 0.5), x, eta), 1e-7)
  expect_close(keops_grad(op, "y")(data), numeric_gradient(function(v) plain(x, v, b, 0.5), y, eta), 1e-7)
  expect_close(keops_grad(op, "b")(data), numeric_gradient(function(v) plain(x, y, v, 0.5), b, eta), 1e-7)
  expect_close(keops_grad(op, "s")(data), numeric_gradient(function(v) plain(x, y, b, v), matrix(0.5), eta), 1e-7)
  expect_identical(dim(keops_grad(op, "s")(data)), c(1L, 1L))
})

test_that("a reduction over i has an eta indexed by j", {
  over_i <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),0)", args[1:2])
  grad_x <- keops_grad(over_i, "x")
  expect_match(grad_x()$args[3], "=Vj\\(1\\)$")
  eta_j <- random_matrix(6, 1, 5)
  expect_close(grad_x(list(x, y, eta_j)),
               numeric_gradient(function(v) cbind(colSums(exp(-squared_distances(v, y)))), x, eta_j), 1e-7)
})

test_that("variables are given by name or position, counted from 0", {
  expect_identical(keops_grad(op, 0)()$formula, keops_grad(op, "x")()$formula)
  expect_identical(keops_grad(op, 3L)()$formula, keops_grad(op, "s")()$formula)
  swapped <- keops_kernel("Sum_Reduction(SqDist(x,y),1)", c("y=Vj(1,3)", "x=Vi(0,3)"))
  expect_match(keops_grad(swapped, 0)()$formula, ",x,x_grad)", fixed = TRUE)
  expect_identical(keops_grad(swapped, 0)()$args[3], "x_grad=Vi(2,1)")
  for (bad in list("z", 4, -1, 0.5, NA, c("x", "y"), NULL, TRUE)) {
    expect_error(keops_grad(op, bad), "`var`", class = "rkeops_error_argument")
  }
  expect_error(keops_grad(sum, "x"), "operator", class = "rkeops_error_argument")
})

test_that("inline variables have gradients too", {
  inline <- keops_kernel("Sum_Reduction(SqDist(Vi(0,3),Vj(1,3)),1)")
  expect_close(keops_grad(inline, 1)(list(x, y, cbind(c(1, 1, 1, 1)))),
               numeric_gradient(function(v) cbind(rowSums(squared_distances(x, v))), y), 1e-7)
})

test_that("gradients of gradients are second order", {
  first <- keops_grad(op, "x")
  second <- keops_grad(first, "y")
  eta2 <- random_matrix(4, 3, 6)
  expect_close(second(list(x, y, b, 0.5, eta, eta2)),
               numeric_gradient(function(v) first(list(x, v, b, 0.5, eta)), y, eta2), 1e-7)
  own <- keops_grad(first, "x")
  expect_close(own(list(x, y, b, 0.5, eta, eta2)),
               numeric_gradient(function(v) first(list(v, y, b, 0.5, eta)), x, eta2), 1e-7)
  wrt_eta <- keops_grad(first, "x_grad")
  expect_close(wrt_eta(list(x, y, b, 0.5, eta, eta2)),
               numeric_gradient(function(v) first(list(x, y, b, 0.5, v)), eta, eta2), 1e-7)
  third <- keops_grad(own, "x")
  expect_close(third(list(x, y, b, 0.5, eta, eta2, eta2)),
               numeric_gradient(function(v) own(list(v, y, b, 0.5, eta, eta2)), x, eta2), 1e-6)
})

test_that("gradients of other reductions", {
  D <- function(x) squared_distances(x, y)
  eta1 <- random_matrix(4, 1, 7)
  check <- function(formula, reference, weight = eta1, ...) {
    gradient <- keops_grad(keops_kernel(formula, args[1:3]), "x")
    expect_close(gradient(list(x, y, b, weight)), numeric_gradient(reference, x, weight), 1e-6)
  }
  check("LogSumExp_Reduction(SqDist(x,y)+0*Sum(b),1)", function(x) log(rowSums(exp(D(x)))))
  check("SumSoftMaxWeight_Reduction(SqDist(x,y),b,1)", function(x) exp(D(x)) %*% b / rowSums(exp(D(x))), eta)
  check("Min_Reduction(SqDist(x,y)+0*Sum(b),1)", function(x) apply(D(x), 1, min))
  check("Max_Reduction(SqDist(x,y)+0*Sum(b),1)", function(x) apply(D(x), 1, max))
})

test_that("the published gradient formula runs", {
  grad_op <- keops_kernel("Grad(Sum_Reduction(SqNorm2(x-y), 1), x, eta)", c("x=Vi(0,3)", "y=Vj(1,3)", "eta=Vi(2,1)"))
  expect_close(grad_op(list(x, y, eta[, 1, drop = FALSE])),
               eta[, 1] * 2 * (6 * x - rep(colSums(y), each = 4)))
})

test_that("grad() of LazyTensors", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  s <- Pm(0.5)
  K_ij <- exp(-s * sqdist(x_i, y_j))
  eta1 <- random_matrix(4, 1, 7)
  eta_i <- Vi(eta1)
  K <- function(x, y, s) rowSums(exp(-as.numeric(s) * squared_distances(x, y)))
  wrt_x <- numeric_gradient(function(v) K(v, y, 0.5), x, eta1)
  wrt_y <- numeric_gradient(function(v) K(x, v, 0.5), y, eta1)
  expect_close(grad(K_ij, eta_i, "Sum", x_i, "j"), wrt_x, 1e-7)
  expect_close(grad(K_ij, eta_i, "Sum", y_j, "j"), wrt_y, 1e-7)
  expect_close(grad(K_ij, eta_i, "Sum", s, "j"), numeric_gradient(function(v) K(x, y, v), matrix(0.5), eta1), 1e-7)
  expect_close(grad(K_ij, eta_i, opstr = "Sum", var = y_j$formula, index = "j"), wrt_y, 1e-7)
  expect_close(grad(K_ij, eta_i, "Sum", Vj(y), "j"), wrt_y, 1e-7)
  expect_close(grad(K_ij, eta_i, "Sum", 1, "j"), wrt_x, 1e-7)
  expect_close(grad(K_ij, eta_i, "LogSumExp", x_i, "j"),
               numeric_gradient(function(v) log(rowSums(exp(exp(-0.5 * squared_distances(v, y))))), x, eta1), 1e-7)
  eta_j <- random_matrix(6, 1, 8)
  expect_close(grad(K_ij, Vj(eta_j), "Sum", x_i, "i"),
               numeric_gradient(function(v) colSums(exp(-0.5 * squared_distances(v, y))), x, eta_j), 1e-7)
  vector_valued <- x_i * y_j
  expect_close(grad(vector_valued, Vi(x + 1), "Sum", x_i, "j"), (x + 1) * rep(colSums(y), each = 4))
})

test_that("grad() refuses what it cannot mean", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  f <- sqdist(x_i, y_j)
  eta_i <- Vi(matrix(1, 4, 1))
  expect_error(grad(3, eta_i, "Sum", x_i, "j"), class = "rkeops_error_argument")
  expect_error(grad(f, eta_i, 3, x_i, "j"), class = "rkeops_error_argument")
  expect_error(grad(f, eta_i, "Sum", x_i, "k"), class = "rkeops_error_argument")
  expect_error(grad(f, Vj(matrix(1, 6, 1)), "Sum", x_i, "j"), "gradin", class = "rkeops_error_argument")
  expect_error(grad(f, eta_i, "Sum", Vi(x + 1), "j"), "does not occur", class = "rkeops_error_argument")
  expect_error(grad(f, eta_i, "Sum", x_i + 1, "j"), "one variable", class = "rkeops_error_argument")
  expect_error(grad(f, eta_i, "Sum", 2, "j"), class = "rkeops_error_argument")
  expect_error(grad(f, Vi(matrix(1, 5, 1)), "Sum", x_i, "j"), class = "rkeops_error_dimension")
  expect_error(grad(f, Vi(matrix(1, 4, 2)), "Sum", x_i, "j"), class = "rkeops_error")
})
