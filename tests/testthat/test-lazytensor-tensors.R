# Matrices and arrays in vectors: R's own ones as parameters, products of tensors.

x <- random_matrix(4, 3, 1)
y <- random_matrix(5, 3, 2)
p <- random_matrix(2, 6, 3)
q <- random_matrix(3, 12, 4)
A <- random_matrix(2, 3, 5)
S <- random_matrix(3, 3, 6)
x_i <- Vi(x)
y_j <- Vj(y)
# The vectors of a LazyTensor of one index as a matrix with one row for each; of both, their sums over j.
rows <- function(f) if (anyNA(c(f$ni, f$nj))) matrix(as.array(f) + 0, max(dim(f))) else sum(f, index = "j")
by_row <- function(v, rows) matrix(v, rows, byrow = TRUE)
as_stored <- function(array) as.vector(aperm(array))

test_that("plain matrices are parameters", {
  expect_close(rows(matvecmult(A, x_i)), x %*% t(A))
  expect_close(rows(vecmatmult(Vi(x[, 1:2]), A)), x[, 1:2] %*% A)
  expect_close(rows(vecmatmult(m = A, v = Vi(x[, 1:2]))), x[, 1:2] %*% A)
  expect_close(rows(weightedsqnorm(x_i, S)), matrix(rowSums((x %*% S) * x)))
  squares <- outer(1:4, 1:5, Vectorize(function(i, j) drop((x[i, ] - y[j, ]) %*% S %*% (x[i, ] - y[j, ]))))
  expect_close(rows(weightedsqdist(x_i, y_j, S)), matrix(rowSums(squares)))
  expect_close(rows(weightedsqdist(0, x_i, S)), matrix(rowSums((x %*% S) * x)))
  expect_close(rows(matvecmult(as.data.frame(A), x_i)), x %*% t(A))
  expect_close(rows(matvecmult(A > 0, x_i)), x %*% t(A > 0))
  expect_close(rows(weightedsqnorm(Vi(x[, 1, drop = FALSE]), matrix(2))), matrix(2 * x[, 1]^2))
  expect_identical(rows(matvecmult(as.vector(t(A)), x_i)), rows(matvecmult(A, x_i)))
  expect_match(format(matvecmult(A, x_i))[2], "matvecmult(A, x_i)", fixed = TRUE)
  expect_equal(matvecmult(A, c(1, 2, 3))$dimres, 2)
})

test_that("Kronecker products", {
  expect_close(rows(kron(Vi(p), A, dims_x = c(2, 3)))[2, ], as_stored(kronecker(by_row(p[2, ], 2), A)))
  expect_close(rows(kron(A, S) * Vi(random_matrix(2, 1, 7)))[1, ], as_stored(kronecker(A, S)) * random_matrix(2, 1, 7)[1])
  expect_close(rows(kron(x_i, c(1, 10)))[3, ], as.vector(c(1, 10) %o% x[3, ]))
  expect_equal(kron(Vi(p), Vj(q))$dimres, 72)
})

test_that("contractions", {
  product <- function(i) Reduce(`+`, lapply(1:3, function(j) by_row(p[i, ], 2) %*% by_row(q[j, ], 3)))
  of_rows <- tensordot(Vi(p), Vj(q), c(2, 3), c(3, 4), axes_x = 2, axes_y = 1)
  expect_close(rows(of_rows)[2, ], as_stored(product(2)))
  expect_close(rows(tensordot(Vi(p), Vj(q), c(2, 3), c(3, 4), 2, 1, perm = c(2, 1)))[2, ], as_stored(t(product(2))))
  array <- array(random_matrix(24, 1, 8), c(2, 3, 4))
  w <- random_matrix(2, 4, 9)
  expect_close(rows(tensordot(array, Vi(w), axes_x = 3, axes_y = 1))[2, ],
               as_stored(apply(array, 1:2, function(v) sum(v * w[2, ]))))
  for (perm in list(1:4, c(4, 2, 1, 3))) {
    expect_close(rows(tensordot(array, Vi(w[, 1:2]), perm = perm))[1, ], as_stored(aperm(outer(array, w[1, 1:2]), perm)))
  }
  expect_close(rows(tensordot(x_i, y_j, axes_x = 1, axes_y = 1)), matrix(rowSums(x %*% t(y))))
  local_rkeops_options(index_base = 0L)
  expect_close(rows(tensordot(Vi(p), Vj(q), c(2, 3), c(3, 4), 1, 0, perm = c(1, 0)))[2, ], as_stored(t(product(2))))
  p_i <- Vi(p)
  q_j <- Vj(q)
  f <- tensordot(p_i, q_j, c(2, 3), c(3, 4), 1, 0)
  total <- Reduce(`+`, lapply(1:3, function(j) by_row(q[j, ], 3)))
  expect_close(gradients(f, p_i)$gradient[1, ], as_stored(matrix(1, 2, 4) %*% t(total)))
})

test_that("wrong shapes are refused", {
  p_i <- Vi(p)
  expect_snapshot_output(show_errors(
    matvecmult(S[, 1:2], x_i),
    vecmatmult(x_i, A),
    weightedsqnorm(x_i, A),
    weightedsqdist(x_i, y_j, S[1:2, 1:2]),
    matvecmult(matrix("a", 2, 3), x_i),
    matvecmult(x_i, A),
    matvecmult(A),
    kron(p_i, A, dims_x = c(2, 2)),
    kron(p_i, A, dims_x = "2"),
    kron(p_i, A, dims_y = c(3, 2)),
    kron(p_i),
    tensordot(p_i, A, c(2, 3), axes_x = 1, axes_y = 2),
    tensordot(p_i, A, c(2, 3), axes_x = 3, axes_y = 2),
    tensordot(p_i, A, c(2, 3), axes_x = c(1, 1), axes_y = c(1, 2)),
    tensordot(p_i, A, c(2, 3), axes_x = 1),
    tensordot(p_i, A, c(2, 3), axes_x = 1, axes_y = 1, perm = c(1, 1)),
    tensordot(p_i, A, c(2, 3), axes_x = 1:2, axes_y = 1:2, perm = 1),
    tensordot(p_i, "a")
  ))
})
