# bspline() and softdtw().

# The vectors of a LazyTensor of one index as a matrix with one row for each; of both, their sums over j.
rows <- function(f) if (anyNA(c(f$ni, f$nj))) matrix(as.array(f) + 0, max(dim(f))) else sum(f, index = "j")

test_that("B-splines are those of splines", {
  skip_if_not_installed("splines")
  knots <- c(0, 0, 0, 0, 0.3, 0.5, 1, 1, 1, 1)
  u <- random_matrix(6, 1, 1, 0, 1)
  for (degree in 0:3) {
    expect_close(rows(bspline(Vi(u), knots, degree)), splines::splineDesign(knots, u[, 1], degree + 1, outer.ok = TRUE))
  }
  expect_equal(bspline(Vi(u), knots)$dimres, 6)
  expect_identical(rows(bspline(Vi(matrix(c(-1, 1, 2))), knots)), matrix(0, 3, 6))
  u_i <- Vi(u)
  coefficients <- c(1, -2, 3, 0.5, 2, 1)
  slopes <- splines::splineDesign(knots, u[, 1], 4, derivs = rep(1, 6)) %*% coefficients
  expect_close(gradients(bspline(u_i, knots) | coefficients, u_i, index = "i")$gradient, slopes)
  expect_close(rows(bspline(knots = knots, degree = 2, x = Vi(u))), rows(bspline(Vi(u), Pm(knots), 2)))
})

test_that("soft dynamic time warping", {
  expect_equal(rows(softdtw(Vi(t(c(1, 2, 4))), c(1.5, 3), 0.5)), matrix(1.3467932), tolerance = 1e-7)
  expect_equal(rows(softdtw(Vi(t(c(1, 2, 4))), y = c(1.5, 3), gamma = Pm(5.5) - 0.5)), matrix(-4.5488069), tolerance = 1e-7)
  x <- random_matrix(2, 4, 1)
  x_i <- Vi(x)
  y_j <- Vj(random_matrix(3, 3, 2))
  value <- function(x) sum(sum(softdtw(Vi(x), y_j, 0.3), "j"))
  expect_close(gradients(softdtw(x_i, y_j, 0.3), x_i)$gradient, numeric_gradient(value, x), 1e-7)
})

test_that("wrong arguments are refused", {
  x_i <- Vi(random_matrix(2, 4, 1))
  u_i <- Vi(random_matrix(2, 1, 2))
  expect_snapshot_output(show_errors(
    bspline(x_i, 1:9), bspline(u_i, 9:1), bspline(u_i, c(1, NA, 3, 4, 5)), bspline(u_i, 1:4), bspline(u_i, 1:9, 1.5),
    bspline(u_i, "a"), bspline(u_i), bspline("a", 1:9), softdtw(x_i, 1:3, -1), softdtw(x_i, 1:3, NA),
    softdtw(x_i, 1:3, x_i), softdtw(x_i, "a"), softdtw(x_i)
  ))
})
