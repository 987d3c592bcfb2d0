# Defects of RKeOps 2 beyond those in the tests of the function at hand; vignette("from-rkeops-2") lists them.

x <- random_matrix(4, 3, 1)
y <- random_matrix(6, 3, 2)

test_that("Grad of a reduction is the adjoint, with the shape of the variable", {
  args <- c("x=Vi(0,3)", "y=Vj(1,3)")
  eta_i <- random_matrix(4, 1, 3)
  eta_j <- random_matrix(6, 1, 4)
  over_j <- function(x, y) cbind(rowSums(squared_distances(x, y)))
  over_i <- function(x, y) cbind(colSums(squared_distances(x, y)))
  run <- function(formula, eta, category) {
    keops_kernel(formula, c(args, sprintf("eta=%s(2,1)", category)))(list(x, y, eta))
  }
  for (v in c("x", "y")) {
    wrt <- function(f, eta) {
      numeric_gradient(function(z) if (v == "x") f(z, y) else f(x, z), if (v == "x") x else y, eta)
    }
    expect_close(run(sprintf("Grad(Sum_Reduction(SqNorm2(x-y),1),%s,eta)", v), eta_i, "Vi"), wrt(over_j, eta_i), 1e-7)
    expect_close(run(sprintf("Grad(Sum_Reduction(SqNorm2(x-y),0),%s,eta)", v), eta_j, "Vj"), wrt(over_i, eta_j), 1e-7)
  }
  # The published example writes axis 0 with an eta indexed by i: eta decides.
  expect_close(run("Grad(Sum_Reduction(SqNorm2(x-y),0),x,eta)", eta_i, "Vi"),
               numeric_gradient(function(z) over_j(z, y), x, eta_i), 1e-7)
})

test_that("second-order gradients written by hand", {
  op <- keops_kernel("Grad(Grad(Sum_Reduction(Square(SqNorm2(x-y)),1),x,e),x,f)",
                     c("x=Vi(3)", "y=Vj(3)", "e=Vi(1)", "f=Vi(3)"))
  first <- function(z, e) {
    d <- squared_distances(z, y)
    t(vapply(1:4, function(i) e[i] * 4 * colSums(d[i, ] * (rep(z[i, ], each = 6) - y)), numeric(3)))
  }
  e <- random_matrix(4, 1, 5)
  f <- random_matrix(4, 3, 6)
  expect_close(op(list(x, y, e, f)), numeric_gradient(function(z) first(z, e), x, f), 1e-6)
})

test_that("gradients of positions are zero or refused", {
  gradient <- keops_kernel("Grad(ArgMin_Reduction(SqDist(x,y),1),x,e)", c("x=Vi(3)", "y=Vj(3)", "e=Vi(1)"))
  expect_equal(gradient(list(x, y, rep(1, 4))), matrix(0, 4, 3))
})

test_that("gradients of broadcast and of IfElse", {
  op <- keops_kernel("Grad(Sum_Reduction(Powf(x,p),1),p,e)", c("x=Vi(3)", "p=Pm(1)", "e=Vi(3)"))
  positive <- abs(x) + 0.5
  expect_close(op(list(positive, 1.5, x)), matrix(sum(x * log(positive) * positive^1.5)))
  choice <- keops_kernel("Grad(Sum_Reduction(IfElse(x,MatVecMult(m,x),x),1),x,e)", c("x=Vi(2)", "m=Pm(4)", "e=Vi(2)"))
  expect_close(choice(list(t(c(1, -2)), c(1, 2, 3, 4), t(c(1, 10)))), t(c(1, 12)))
})

test_that("constants and powers in full precision", {
  op <- keops_kernel("Sum_Reduction(Concat(x/3,Concat(IntCst(16777217)*x,Powf(x,x))),1)", "x=Vi(1)")
  expect_equal(op(list(0.1)), t(c(0.1 / 3, 16777217 * 0.1, 0.1^0.1)), tolerance = 1e-14)
})

test_that("-Inf is a value like others for log-sum-exp", {
  op <- keops_kernel("LogSumExp_Reduction(y,1)", c("x=Vi(1)", "y=Vj(1)"))
  expect_equal(op(list(1, c(-Inf, 0, 0))), matrix(log(2)))
  expect_equal(op(list(1, c(0, -Inf, 0))), matrix(log(2)))
  expect_equal(op(list(1, c(-Inf, -Inf))), matrix(-Inf))
  expect_equal(op(list(1, c(Inf, Inf))), matrix(Inf))
})

test_that("positions outside of a vector are refused", {
  for (f in c("Elem(x,3)", "Elem(x,-1)", "ElemT(Sum(x),3,3)", "Extract(x,2,2)", "Extract(x,-1,1)", "ExtractT(x,1,3)")) {
    expect_error(keops_kernel(sprintf("Sum_Reduction(%s,1)", f), "x=Vi(3)"), class = "rkeops_error")
  }
})

test_that("weighted reductions", {
  op <- keops_kernel("LogSumExpWeight_Reduction(SqDist(x,y),y,1)", c("x=Vi(3)", "y=Vj(3)"))
  positive <- abs(y)
  expect_close(op(list(x, positive)), log(exp(squared_distances(x, positive)) %*% positive))
  for (f in c("LogSumExpWeight_Reduction(SqDist(x,y),1)", "SumSoftMaxWeight_Reduction(SqDist(x,y),1)",
              "KMin_Reduction(x,1)", "KMin_Reduction(x,0,1)", "KMin_Reduction(x,1.5,1)", "Sum_Reduction(x,-1)",
              "Sum_Reduction(x)")) {
    expect_error(keops_kernel(f, c("x=Vi(3)", "y=Vj(3)")), class = "rkeops_error")
  }
})
