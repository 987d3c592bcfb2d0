# B-splines against package splines, which comes with R; soft dynamic time warping against published values.

# Values, or derivatives, of all B-splines at x, also left and right of the inner knots.
spline_design <- function(knots, x, degree, derivs = 0L) {
  skip_if_not_installed("splines")
  design <- getExportedValue("splines", "splineDesign")
  value <- matrix(0, length(x), length(knots) - degree - 1)
  inside <- x >= min(knots) & x < max(knots)
  value[inside, ] <- design(knots, x[inside], ord = degree + 1, derivs = derivs, outer.ok = TRUE)
  value
}

knots <- c(-1, -0.5, 0, 0.25, 1, 1.5, 2.5, 3)
x <- c(-2, -1, -0.75, 0.125, 0.5, 1.25, 2, 2.875, 3, 4)

test_that("B-splines of every degree", {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    for (degree in 0:4) {
      op <- keops_kernel(sprintf("Sum_Reduction(BSpline(t,x,%d),1)", degree), c("t=Pm(8)", "x=Vi(1)"))
      expect_close(op(list(knots, x)), spline_design(knots, x, degree), if (precision == "float32") 1e-6 else 1e-12)
    }
  }
})

test_that("B-splines on knots that coincide", {
  local_rkeops_options(precision = "float64")
  clamped <- c(0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3)
  at <- c(-1, 0, 0.25, 1, 1.75, 2, 2.5, 3)
  op <- keops_kernel("Sum_Reduction(BSpline(t,x,3),1)", c("t=Pm(11)", "x=Vi(1)"))
  expect_close(op(list(clamped, at)), spline_design(clamped, at, 3), 1e-12)
  expect_equal(rowSums(op(list(clamped, at))), c(0, 1, 1, 1, 1, 1, 1, 0))
})

test_that("derivatives of B-splines", {
  local_rkeops_options(precision = "float64")
  between <- c(-0.75, 0.125, 0.5, 1.25, 2, 2.875)
  eta <- random_matrix(6, 5, 1)
  op <- keops_kernel("Sum_Reduction(BSpline(t,x,2),1)", c("t=Pm(8)", "x=Vi(1)"))
  expect_close(keops_grad(op, "x")(list(knots, between, eta)),
               matrix(rowSums(eta * spline_design(knots, between, 2, 1L))), 1e-12)
  total <- function(t) spline_design(t, between, 2)
  expect_close(keops_grad(op, "t")(list(knots, between, eta)), t(numeric_gradient(total, knots, eta)), 1e-6)
})

test_that("soft dynamic time warping has the published values", {
  local_rkeops_options(precision = "float64")
  op <- keops_kernel("Sum_Reduction(SoftDTW_SqDist(x,y,g),1)", c("x=Vi(3)", "y=Vj(2)", "g=Pm(1)"))
  values <- vapply(c(0.5, 5), function(g) drop(op(list(t(c(1, 2, 4)), t(c(1.5, 3)), g))), 0)
  expect_equal(values, c(1.3467932, -4.5488069), tolerance = 1e-7)
})
