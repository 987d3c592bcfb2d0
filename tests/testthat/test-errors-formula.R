# What test-dimension-errors.R leaves out: texts that cannot be read, limits, derivatives that do not exist, reductions
# where they cannot be.

program <- function(formula) keops_kernel(formula, c("x=Vi(3)", "y=Vj(3)", "s=Vi(1)", "t=Vj(1)", "p=Pm(2)", "q=Pm(1)"))
sum_over_j <- function(formula) program(sprintf("Sum_Reduction(%s,1)", formula))

test_that("texts that cannot be read", {
  expect_snapshot_output(show_errors(
    program("Sum_Reduction(x+"),
    program("Sum_Reduction(x,1"),
    program("Sum_Reduction(x,1))"),
    sum_over_j("2x"),
    sum_over_j("1.2.3*x"),
    sum_over_j("x y"),
    sum_over_j("x @ y"),
    sum_over_j("Exp((x,y))"),
    sum_over_j(paste0(strrep("x+", 60), "zz", strrep("+y", 60)))
  ))
})

test_that("definitions that are none", {
  expect_snapshot_output(show_errors(
    program("K = Exp(s); L = K * t"),
    program("K = Sum_Reduction(s, 1); K; L = K / 2"),
    program("K = Exp(s) Sum_Reduction(K, 1)"),
    program("K == Exp(s); Sum_Reduction(K, 1)"),
    program("K := Exp(s); Sum_Reduction(K, 1)"),
    sum_over_j("K = Exp(s)")
  ))
})

test_that("what is too large", {
  expect_snapshot_output(show_errors(
    sum_over_j("TensorProd(SumT(s,100000),SumT(t,100000))"),
    sum_over_j("GradMatrix(SumT(s,2001),s)"),
    sum_over_j("BSpline(p,s,2001)"),
    sum_over_j("Round(x,400)"),
    sum_over_j("SoftDTW_SqDist(SumT(s,1500),SumT(t,1500),q)"),
    sum_over_j("Divergence(Reverse(Vi(6,2001)),Vi(6,2001))")
  ))
})

test_that("derivatives that do not exist", {
  expect_snapshot_output(show_errors(
    sum_over_j("Grad(s*q,q)"),
    sum_over_j("Grad(Polygamma(s,20),s,t)"),
    sum_over_j("Polygamma(s,-1)"),
    program("Divergence(Sum_Reduction(Reverse(y*Sum_Reduction(x*t,1)),1),x)"),
    program("Diff(Sum_Reduction(x*y,1),x,y)"),
    program("Diff(Sum_Reduction(x*y,1)*y,x,x)")
  ))
})

test_that("reductions where they cannot be", {
  expect_snapshot_output(show_errors(
    program("x"),
    program("x+y"),
    program("Sum_Reduction(x,1)+y"),
    program("Sum_Reduction(Min_ArgMin_Reduction(s*t,1)*x,0)"),
    program("Sum_Reduction(Sum_Reduction(s,0)*x*y,1)*y")
  ))
})

test_that("declarations", {
  expect_snapshot_output(show_errors(
    keops_kernel("Sum_Reduction(x,1)", "x=Vk(3)"),
    keops_kernel("Sum_Reduction(x,1)", "x=Vi(0)"),
    keops_kernel("Sum_Reduction(x,1)", c("x=Vi(3)", "x=Vj(3)")),
    keops_kernel("Sum_Reduction(x,1)", c("x=Vi(0,3)", "y=Vj(3)")),
    keops_kernel("Sum_Reduction(x,1)", c("x=Vi(0,3)", "y=Vj(0,3)")),
    keops_kernel("Sum_Reduction(x,1)", c("x=Vi(0,3)", "y=Vj(2,3)")),
    keops_kernel("Sum_Reduction(x,1)", 3),
    keops_kernel(3, "x=Vi(3)"),
    keops_kernel("Sum_Reduction(x,1)", "x=Vi(3)", sum_scheme = "fast"),
    keops_kernel("Min_Reduction(x,1)", "x=Vi(3)", sum_scheme = "kahan_scheme")
  ))
})
