# Entries of LazyTensors as R arrays: as.array(), K[i, j], diag(), in blocks and tiles.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
D_ij <- sqdist(Vi(x), Vj(y))
D <- squared_distances(x, y)
P_ij <- Vi(x) * Vj(y)                     # dimension 2
P <- array(c(outer(x[, 1], y[, 1]), outer(x[, 2], y[, 2])), c(6, 9, 2))
named_rows <- function(names, values = seq_len(2 * length(names))) matrix(values, length(names), dimnames = list(names, NULL))
named_ij <- sqdist(Vi(named_rows(c("a", "b"))), Vj(named_rows(LETTERS[1:3])))
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
  expect_snapshot_output(show_errors(
    D_ij[7, 1], P_ij[1, 10], D_ij["a", ], named_ij["z", ], named_ij[, NA_character_], D_ij[D_ij > 1], D_ij[1, 1] <- 0,
    D_ij[1, NULL, drop = NA], D_ij[1, 1, drop = 2], D_ij[list(1), ], D_ij[1, c(1, NA)], D_ij[1, 1, 1],
    Vi(x)[, 1], Vi(x)[, -1], Vj(y)[2, ], Pm(c(1, 2))[1, 1]
  ))
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
  expect_snapshot_output(show_errors(
    as.matrix(large_ij), as.matrix(P_ij), as.matrix(D_ij, max_entries = NA), as.array(D_ij, max_entries = c(1, 2)),
    as.matrix(D_ij, 1e9), as.array(D_ij, max_entry = 5)
  ))
})

test_that("results that need many blocks", {
  v <- seq_len(2100)
  sums <- (Vi(matrix(v)) * 3 + Vj(matrix(v)))[, ]
  expect_identical(sums, outer(v * 3, v, "+"))
  wide <- random_matrix(150, 70, 3)
  expect_identical((Vi(wide) + Vj(wide[1:77, ]))[, , drop = FALSE][150, 77, ], wide[150, ] + wide[77, ])
})

test_that("tiles of any size, for any number of threads", {
  for (m in c(1, 2, 31, 65, 257)) for (n in c(1, 3, 1030)) {
    u <- random_matrix(m, 3, m)
    v <- random_matrix(n, 3, n + 500)
    K <- sqdist(Vi(u), Vj(v))
    expect_close(as.matrix(K), squared_distances(u, v))
    expect_close(as.array(Vi(u) * Vj(v))[m, n, ], u[m, ] * v[n, ])
  }
  one <- { set_rkeops_options(list(threads = 1)); as.array(Vi(u) * Vj(v)) }
  set_rkeops_options(list(threads = 2))
  expect_identical(as.array(Vi(u) * Vj(v)), one)
  set_rkeops_options()
})

test_that("parameters, constants and formulas of one index", {
  p <- c(2, 3)
  expect_close(as.array(Vi(x) * Pm(p) + 1)[, 1, ], sweep(x, 2, p, "*") + 1)
  expect_identical(as.matrix(sum(Pm(p))), matrix(5))
  expect_close(as.matrix(sum(Vj(y) * Pm(p))), matrix(colSums(t(y) * p), 1))
  expect_identical(Vi(x)[c(3, 3, 1), ], x[c(3, 3, 1), ])
  expect_identical(Vj(y)[, -1], y[-1, ])
  expect_identical(Vi(x)[3], x[3, ])
  one <- x[, 1, drop = FALSE]
  expect_identical(Vi(one)[, 1], x[, 1])           # of dimension 1: component and column are the same
  expect_identical(Vi(one)[2:3, c(1, 1)], cbind(x[2:3, 1], x[2:3, 1]))
  expect_identical(LazyTensor(3)[c(1, 1), ], c(3, 3))
})

test_that("special numbers and repeated, negative, logical rows", {
  z <- matrix(c(1, NA, Inf, -Inf, NaN))
  # (which of NA and NaN a sum of both is, the processor decides)
  known <- function(values) replace(values, is.na(values), NA)
  expect_identical(known(as.matrix(Vi(z) + Vj(z))), known(outer(z[, 1], z[, 1], "+")))
  i <- c(5, 5, 1)
  j <- c(TRUE, FALSE, TRUE)
  expect_close(P_ij[i, j], P[i, j, ])
  expect_close(P_ij[i, -2, drop = FALSE], P[i, -2, , drop = FALSE])
  w <- matrix(c(1i, 2, 3 - 1i, 4), 2)
  expect_identical((Vi(w) * Vj(w))[2:1, c(1, 1, 2), drop = FALSE][1, 3, ], w[2, ] * w[2, ])
})

test_that("names of rows come back", {
  expect_identical(dimnames(as.matrix(named_ij)), list(c("a", "b"), LETTERS[1:3]))
  expect_identical(named_ij["b", c("C", "A")], named_ij[2, c(3, 1)])
  expect_identical(names(named_ij[1, ]), LETTERS[1:3])
  expect_identical(dimnames(named_ij[c(2, 2), -1]), list(c("b", "b"), c("B", "C")))
  expect_identical(dimnames(t(named_ij)[, ]), list(LETTERS[1:3], c("a", "b")))
  expect_identical(dimnames((Vi(x) * Vj(named_rows("q")))[, , drop = FALSE]), list(NULL, "q", NULL))
  expect_identical(rownames((Vi(named_rows(c("a", "b"), 1i)) * 2)[, , drop = FALSE]), c("a", "b"))
  expect_null(dimnames(as.matrix(D_ij)))
})

test_that("Entries as a formula", {
  op <- keops_kernel("Entries_Reduction(x*y, 1)", c("x=Vi(2)", "y=Vj(2)"))
  expect_close(op(list(x, y)), P)
  expect_close(keops_kernel("Entries_Reduction(SqDist(x,y), 0)", c("x=Vi(2)", "y=Vj(2)"))(list(x, y)), t(D))
  expect_identical(dim(op(list(x[0, ], y))), c(0L, 9L, 2L))
  args <- c("x=Vi(2)", "y=Vj(2)")
  expect_snapshot_output(show_errors(
    keops_grad(op, "x"), keops_kernel("2*Entries_Reduction(x|y, 1)", args), keops_kernel("Entries_Reduction(x|y)", args),
    keops_kernel("Sum_Reduction(Entries_Reduction(x|y, 1), 1)", args), op(list(x, y[, 1]))
  ))
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
})

