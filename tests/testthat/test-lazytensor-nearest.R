# The K nearest for large K, where candidates are selected instead of kept sorted (tests/cpp/test_nearest.cpp has the
# cases).
x <- random_matrix(5, 2, 1)
y <- random_matrix(700, 2, 2)
D <- squared_distances(x, y)
D_ij <- sqdist(Vi(x), Vj(y))

test_that("many nearest values and positions, over both indices, in both precisions", {
  expected <- t(apply(D, 1, order))
  for (K in c(47, 48, 300, 700)) {
    expect_equal(argKmin(D_ij, K, "j"), expected[, 1:K], ignore_attr = TRUE)
    expect_equal(argKmin(t(D_ij), K, "i"), expected[, 1:K], ignore_attr = TRUE)
    expect_close(Kmin(D_ij, K, "j"), t(apply(D, 1, sort))[, 1:K])
    both <- Kmin_argKmin(D_ij, K, "j")
    expect_equal(both[[2]], expected[, 1:K], ignore_attr = TRUE)
  }
  local_rkeops_options(precision = "float32")
  whole <- Vi(matrix(c(0, 10))) - Vj(matrix(700:1))
  expected <- t(apply(abs(outer(c(0, 10), 700:1, "-")), 1, order))
  expect_equal(argKmin(abs(whole), 60, "j"), expected[, 1:60], ignore_attr = TRUE)
})

test_that("ties are in the order of the rows, NaN counts as no value", {
  v <- c(rep(c(3, 1, 2, NaN), 100), 1)
  got <- Kmin_argKmin(Vi(matrix(0)) + Vj(matrix(v)), 350, "j")
  expect_equal(as.vector(got[[2]]), c(order(v)[1:301], rep(NA, 49)))
  expect_equal(as.vector(got[[1]]), c(sort(v), rep(NaN, 49)))
  expect_equal(as.vector(argKmin(Vi(matrix(0)) * Vj(matrix(v[1:100] * 0)), 60, "j")), which(!is.nan(v))[1:60])
})

test_that("vectors: the nearest of each component", {
  got <- argKmin(abs(Vi(x) - Vj(y)), 60, "j")
  for (d in 1:2) expect_equal(got[, , d], t(apply(abs(outer(x[, d], y[, d], "-")), 1, order))[, 1:60], ignore_attr = TRUE)
})

test_that("gradients go through many nearest values", {
  e <- random_matrix(5, 60, 3)
  gradient <- keops_grad(keops_kernel("KMin_Reduction(SqDist(x,y),60,1)", c("x=Vi(2)", "y=Vj(2)")), "x")(list(x, y, e))
  at <- argKmin(D_ij, 60, "j")
  expect_close(gradient, t(vapply(1:5, function(i) colSums(2 * e[i, ] * (rep(x[i, ], each = 60) - y[at[i, ], ])), c(0, 0))))
})
