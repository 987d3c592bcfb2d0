# Derivatives where a mask hides what is undefined, and where points coincide. The engine's own tests (test_singular.cpp) go
# through many more formulas.

every_precision <- function(code) {
  code <- substitute(code)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    eval(code, parent.frame())
  }
}

p <- matrix(c(0, 3, 0, 4), 2)

test_that("a branch that is not taken contributes nothing", {
  every_precision({
    a <- Vi(p)
    b <- Vj(p)
    D <- norm2(a - b)
    inverse <- ifelse(D == 0, 0, 1 / D)
    right <- rbind(c(0.048, 0.064), -c(0.048, 0.064))
    expect_equal(gradients(inverse, list(x = list(a, b)))$gradient$x, right, tolerance = 1e-6)
    expect_equal(gradients(ifelse(D > 0, 1 / D, 0), list(x = list(a, b)))$gradient$x, right, tolerance = 1e-6)
    expect_equal(vjp(inverse, a, index = "j"), right / 2, tolerance = 1e-6)
    expect_true(all(is.finite(hvp(inverse, a, p))))
    expect_equal(jvp(inverse, list(a, b), list(p, p), "j"), matrix(-0.2, 2), tolerance = 1e-6)

    t <- matrix(c(0, 1, 800))
    be <- Pm(1.5)
    hawkes <- ifelse(Vj(t) < Vi(t), exp(-be * (Vi(t) - Vj(t))), 0)
    expect_equal(gradients(hawkes, be)$gradient, -exp(-1.5), tolerance = 1e-6)
    expect_equal(hvp(hawkes, be, 1), exp(-1.5), tolerance = 1e-6)

    lennard_jones <- ifelse(D == 0, 0, (1 / D)^12 - (1 / D)^6)
    slope <- (-12 / 5^13 + 6 / 5^7) * 2
    expect_equal(gradients(lennard_jones, list(list(a, b)))$gradient[[1]], -slope * rbind(c(3, 4), -c(3, 4)) / 5,
                 tolerance = 1e-6)
    energy <- ifelse(D == 0, 0, log(D))
    expect_equal(gradients(energy, list(list(a, b)))$gradient[[1]], -2 * rbind(c(3, 4), -c(3, 4)) / 25, tolerance = 1e-6)
    q <- Vi(matrix(c(0, 0.5, 1)))
    expect_equal(gradients(ifelse(q > 0, -q * log(q), 0) + 0 * Vj(matrix(1)), q)$gradient, matrix(c(0, log(2) - 1, -1)),
                 tolerance = 1e-6)
  })
})

test_that("formula text, objective() and LazyTensors agree", {
  x <- matrix(c(0, 3, 0, 4), 2)
  eta <- matrix(1, 2)
  args <- c("x=Vi(2)", "y=Vj(2)", "e=Vi(1)")
  right <- rbind(c(0.024, 0.032), -c(0.024, 0.032))
  f <- "Sum_Reduction(IfElse(Norm2(x-y)-1e-9,1/Norm2(x-y),0),1)"
  expect_close(keops_grad(keops_kernel(f, args[1:2]), "x")(list(x, x, eta)), right, 1e-12)
  expect_close(keops_kernel(sprintf("Grad(%s,x,e)", f), args)(list(x, x, eta)), right, 1e-12)
  a <- Vi(x)
  D <- norm2(a - Vj(x))
  energy <- objective(ifelse(D == 0, 0, 1 / D), a)
  expect_close(matrix(energy$gr(energy$par), 2), right, 1e-12)
  expect_close(grad(ifelse(D == 0, 0, 1 / D), 1, "Sum", a, "j"), right, 1e-12)
})

test_that("at coinciding points derivatives are their limits, or 0", {
  x <- matrix(c(0.5, -1, 2), 1)
  u <- matrix(c(1, -2, 0.5), 1)
  a <- Vi(x)
  b <- Vj(x)
  D <- norm2(a - b)
  every_precision({
    for (f in list(xlogx(sqdist(a, b)), sqdist(a, b)^0.75, sum(abs(a - b)^3)^(1 / 3), exp(-D), D^3, exp(-D^1.5), sqdist(a, b)^1.5,
                   exp(-abs(a - b)), D)) {
      expect_equal(gradients(f, a)$gradient, 0 * x)
      expect_equal(hvp(f, a, u), 0 * x)
      expect_equal(max(abs(jvp(f, a, u, "j"))), 0)
    }
    curved <- list(list((1 + D) * exp(-D), -1), list((1 + D + D^2 / 3) * exp(-D), -1 / 3), list(exp(-D^2), -2),
                   list((1 + sqrt(3) * D / 0.7) * exp(-sqrt(3) * D / 0.7), -3 / 0.49), list(sinxdivx(D), -1 / 3),
                   list((1 + sqrt(5) * D + 5 * D^2 / 3) * exp(-sqrt(5) * D), -5 / 3), list(besselj0(D), -1 / 2))
    for (case in curved) {
      expect_equal(gradients(case[[1]], a)$gradient, 0 * x)
      expect_equal(hvp(case[[1]], a, u), case[[2]] * u, tolerance = 1e-5)
    }
  })
})

test_that("the index of the adjoint decides; keops_grad() gives it that of the result", {
  x <- random_matrix(4, 3, 1)
  y <- random_matrix(6, 3, 2)
  args <- c("x=Vi(3)", "y=Vj(3)")
  op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),0)", args)
  e <- random_matrix(6, 1, 3)
  by_hand <- keops_kernel("Grad(Sum_Reduction(Exp(-SqDist(x,y)),0),x,e)", c(args, "e=Vj(1)"))
  expect_close(keops_grad(op, "x")(list(x, y, e)), by_hand(list(x, y, e)), 1e-12)
  other <- keops_kernel("Grad(Sum_Reduction(Exp(-SqDist(x,y)),0),x,e)", c(args, "e=Vi(1)"))
  over_j <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),1)", args)
  expect_close(other(list(x, y, matrix(1, 4))), keops_grad(over_j, "x")(list(x, y, matrix(1, 4))), 1e-12)
  expect_error(keops_grad(op, "x")(list(x, y, matrix(1, 4))), class = "rkeops_error")
})
