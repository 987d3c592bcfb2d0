x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
D_ij <- sqdist(Vi(x), Vj(y))
D <- squared_distances(x, y)
P_ij <- Vi(x) * Vj(y)                     # dimension 2
P <- array(c(outer(x[, 1], y[, 1]), outer(x[, 2], y[, 2])), c(6, 9, 2))
large_ij <- Vi(matrix(1, 1e5, 1)) * Vj(matrix(2, 1e5, 1))

test_that("all entries", {
  expect_close(as.matrix(D_ij), D)
  expect_identical(dim(as.matrix(D_ij)), c(6L, 9L))
  expect_close(as.array(P_ij), P)
  expect_identical(dim(as.array(P_ij)), c(6L, 9L, 2L))
  expect_identical(as.array(D_ij), as.matrix(D_ij))
  expect_close(as.matrix(t(D_ij)), t(D))
  expect_identical(rowSums(as.matrix(D_ij)), rowSums(D_ij[, ]))
})

test_that("entries of tensors with one index or none", {
  expect_identical(as.array(Vi(x)), array(x, c(6, 1, 2)))
  expect_identical(as.array(Vj(y)), array(y, c(1, 9, 2)))
  expect_identical(as.matrix(Pm(0.5) * 2), matrix(1))
  expect_identical(as.array(Pm(c(1, 2.5))), array(c(1, 2.5), c(1, 1, 2)))
  expect_identical(as.matrix(LazyTensor(3)), matrix(3))
  expect_identical(as.matrix(elem(Vi(x[0, ]), 1) * elem(Vj(y), 1)), matrix(numeric(), 0, 9))
})

test_that("entries are logical for truth values, complex for complex tensors", {
  expect_identical(as.matrix(elem(Vi(x), 1) < elem(Vj(y), 1)), outer(x[, 1], y[, 1], "<"))
  z <- matrix(c(1i, 2, 3 - 1i))
  expect_identical(as.matrix(Vi(z) * Vj(z)), z %*% t(z))
  expect_identical((Vi(z) * Vj(z))[2, ], 2 * z[, 1])
})

test_that("integer and missing data", {
  counts <- matrix(c(1L, NA, 3L))
  expect_equal(as.matrix(Vi(counts) + Vj(counts)), outer(counts[, 1], counts[, 1], "+"))
})

test_that("K[i, j] selects as matrices do", {
  expect_close(D_ij[2, 3], D[2, 3])
  expect_close(D_ij[2:3, c(1, 1, 9)], D[2:3, c(1, 1, 9)])
  expect_close(D_ij[, 4], D[, 4])
  expect_close(D_ij[5, ], D[5, ])
  expect_close(D_ij[-1, -(2:3)], D[-1, -(2:3)])
  expect_close(D_ij[c(TRUE, FALSE), rep(c(FALSE, TRUE), c(7, 2))], D[c(TRUE, FALSE), 8:9])
  expect_close(D_ij[c(0, 2.9), 1], D[2, 1])
  expect_close(D_ij[], D)
  expect_identical(dim(D_ij[1, , drop = FALSE]), c(1L, 9L))
  expect_identical(dim(D_ij[0, ]), c(0L, 9L))
  expect_identical(dim(D_ij[D[, 1] > 100, 1:2]), c(0L, 2L))
  expect_close(P_ij[1:2, 3], P[1:2, 3, ])
  expect_identical(dim(P_ij[1, 3, drop = FALSE]), c(1L, 1L, 2L))
})

test_that("K[k] selects single entries, and diag() works", {
  expect_close(D_ij[c(1, 10, 54)], D[c(1, 10, 54)])
  expect_close(D_ij[cbind(1:3, 9:7)], D[cbind(1:3, 9:7)])
  expect_close(D_ij[D > 1], D[D > 1])
  expect_close(diag(D_ij), diag(D))
  expect_close(diag(P_ij), cbind(diag(P[, , 1]), diag(P[, , 2])))
  expect_close(P_ij[3], P[3, 1, ])
})

test_that("bad indices are refused", {
  for (bad in list(7, -1:1, NA, "a", factor(1), c(TRUE, NA), rep(TRUE, 7), list(1), D_ij)) {
    expect_error(D_ij[bad, 1], class = "rkeops_error_argument")
  }
  for (bad in list(55, -1, "a", cbind(7, 1), cbind(1, 10), D_ij > 1, TRUE)) {
    expect_error(D_ij[bad], class = "rkeops_error_argument")
  }
  expect_error(D_ij[1, 1, 1], "two indices", class = "rkeops_error_argument")
  expect_snapshot(error = TRUE, {
    D_ij[7, 1]
    P_ij[1, 10]
    D_ij["a", ]
    D_ij[D_ij > 1]
    D_ij[1, 1] <- 0
  })
})

test_that("results beyond a limit are refused, parts of large tensors are not", {
  expect_error(as.matrix(large_ij), class = "rkeops_error_memory")
  expect_error(large_ij[], class = "rkeops_error_memory")
  expect_error(as.vector(large_ij), class = "rkeops_error_memory")
  expect_error(as.matrix(D_ij, max_entries = 53), class = "rkeops_error_memory")
  expect_close(as.matrix(D_ij, max_entries = 54), D)
  expect_error(as.array(P_ij, max_entries = 107), class = "rkeops_error_memory")
  expect_error(as.matrix(D_ij, max_entries = "all"), class = "rkeops_error_argument")
  expect_identical(large_ij[1:2, 1e5], c(2, 2))
  expect_identical(large_ij[1e10], 2)
  expect_snapshot(error = TRUE, as.matrix(large_ij))
  expect_snapshot(error = TRUE, as.matrix(P_ij))
})

test_that("results that need many blocks", {
  v <- seq_len(2100)
  sums <- (Vi(matrix(v)) * 3 + Vj(matrix(v)))[, ]
  expect_identical(sums, outer(v * 3, v, "+"))
})

test_that("float32", {
  local_rkeops_options(precision = "float32")
  expect_close(as.matrix(D_ij), D, tolerance = 1e-6)
})

test_that("functions of R that take matrices", {
  expect_identical(length(D_ij), 54L)
  expect_identical(length(large_ij), 1e10)
  expect_true(is.matrix(D_ij))
  expect_close(apply(D_ij, 1, max), apply(D, 1, max))
  expect_close(head(D_ij, 2), D[1:2, ])
  expect_close(as.vector(D_ij), as.vector(D))
  expect_close(as.numeric(D_ij), as.numeric(D))
  expect_error(lapply(D_ij, identity), "not a list", class = "rkeops_error_unsupported")
  for (f in list(c, cbind, rbind)) expect_error(f(D_ij, D_ij), "concat", class = "rkeops_error_unsupported")
  expect_error(pmax(D_ij, 0), class = "rkeops_error_unsupported")
})

test_that("image() draws a sample of rows and columns", {
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off())
  expect_identical(image(D_ij), D_ij)
  image(large_ij, size = 20, xlab = "columns", col = c("black", "white"))
  expect_equal(graphics::par("usr"), c(0.5, 1e5 + 0.5, 1e5 + 0.5, 0.5), tolerance = 0.1)
  image(elem(Vi(x), 1) < elem(Vj(y), 1))
  image(Vj(y[, 1, drop = FALSE]))
  expect_error(image(P_ij), "elem", class = "rkeops_error_dimension")
  expect_error(image(Vi(matrix(1i))), class = "rkeops_error_unsupported")
  expect_error(image(D_ij, size = 0), class = "rkeops_error_argument")
})
