# Derivatives as LazyTensors, against formulas done by hand and against gradients() and jvp().

x <- random_matrix(4, 3, 1)
y <- random_matrix(5, 3, 2)
x_i <- Vi(x)
y_j <- Vj(y)
K_ij <- exp(-sqdist(x_i, y_j) / 2)
K <- exp(-squared_distances(x, y) / 2)
# The vectors of a LazyTensor of one index as a matrix with one row for each; of both, their sums over j.
rows <- function(f) if (anyNA(c(f$ni, f$nj))) matrix(as.array(f) + 0, max(dim(f))) else sum(f, index = "j")

test_that("Laplacians and divergences", {
  expect_close(rows(laplacian(K_ij, x_i)), matrix(rowSums(K * (squared_distances(x, y) - 3))))
  expect_close(sum(laplacian(K_ij, y_j), "i"), matrix(colSums(K * (squared_distances(x, y) - 3))))
  divergences <- 3 * K - K * (rowSums(x^2) - x %*% t(y))
  expect_close(rows(divergence(x_i * K_ij, x_i)), matrix(rowSums(divergences)))
  expect_equal(laplacian(K_ij, x_i)$dimres, 1)
  s <- Pm(c(0.5, 2.5))
  expect_close(rows(laplacian(sum(s^3) + 0 * K_ij, s)), matrix(5 * 6 * 3, 4, 1))
})

test_that("differentials and adjoints", {
  f <- x_i^2 * K_ij
  u <- c(1, 2, 3)
  expect_close(rows(differential(f, x_i, u)), jvp(f, x_i, matrix(u, 4, 3, byrow = TRUE), "j"))
  expect_close(rows(differential(f, x_i)), jvp(f, x_i, 1, "j"))
  expect_close(rows(differential(f, x_i, x_i)), jvp(f, x_i, x, "j"))
  expect_close(rows(adjoint(K_ij, x_i)), gradients(K_ij, x_i)$gradient)
  expect_close(rows(adjoint(f, x_i)), gradients(f, x_i)$gradient)
  expect_close(rows(adjoint(f, x_i, u)), gradients(f | u, x_i)$gradient)
  expect_close(sum(adjoint(f, y_j, u), "i"), gradients(f | u, y_j)$gradient)
  expect_equal(adjoint(f, x_i)$dimres, 3)
  # of any order, as parts of formulas, and with the same data wrapped anew
  tangent <- matrix(c(1, 0, 0), 4, 3, byrow = TRUE)
  expect_close(rows(differential(adjoint(K_ij, x_i), x_i, c(1, 0, 0))), hvp(K_ij, x_i, tangent))
  again_i <- Vi(x)
  expect_close(rows(adjoint(K_ij, again_i) + again_i), gradients(K_ij, x_i)$gradient + 5 * x)
  expect_close(gradients(laplacian(K_ij, x_i), x_i)$gradient,
               numeric_gradient(function(x) {
                 v_i <- Vi(x)
                 sum(rows(laplacian(exp(-sqdist(v_i, y_j) / 2), v_i)))
               }, x), 1e-7)
})

test_that("Jacobian matrices", {
  f <- x_i^2 * K_ij
  expect_close(rows(grad_matrix(x_i^2, x_i))[2, ], as.vector(diag(2 * x[2, ])))
  expect_close(rows(matvecmult(grad_matrix(f, x_i), c(1, 2, 3))), rows(differential(f, x_i, c(1, 2, 3))))
  expect_close(rows(vecmatmult(c(1, 2, 3), grad_matrix(f, x_i))), rows(adjoint(f, x_i, c(1, 2, 3))))
  expect_equal(grad_matrix(concat(f, K_ij), x_i)$dimres, 12)
})

test_that("complex variables and values", {
  z <- x + 1i * x^2
  z_i <- Vi(z)
  expect_close(rows(adjoint(Mod(z_i)^2, z_i)), 2 * z)
  expect_close(rows(adjoint(z_i^2, z_i, 1i)), Conj(2 * z) * 1i)
  expect_close(rows(differential(z_i^2, z_i, 1i)), 2i * z)
  expect_close(rows(differential(Mod(z_i)^2, z_i, 1 + 1i)), 2 * Re(Conj(z) * (1 + 1i)))
  expect_close(rows(differential(x_i * z_i, x_i, 2)), 2 * z)
})

test_that("wrong variables, shapes and operations are refused", {
  z_i <- Vi(x + 1i)
  expect_snapshot_output(show_errors(
    laplacian(x_i, x_i),
    laplacian(K_ij, K_ij),
    laplacian(K_ij, Vj(x)),
    laplacian(K_ij, "x"),
    laplacian(3, x_i),
    laplacian(K_ij),
    divergence(K_ij, x_i),
    divergence(z_i, z_i),
    grad_matrix(x_i),
    differential(K_ij, x_i, c(1, 2)),
    differential(K_ij, x_i, 1i),
    differential(K_ij, x_i, x),
    adjoint(x_i * y_j, x_i, c(1, 2)),
    adjoint(K_ij, x_i, "a"),
    diff(x_i)
  ))
  expect_error(diff(x_i, lag = 2), "differential", class = "rkeops_error_unsupported")
  expect_identical(diff(c(1, 3, 6)), c(2, 3))
})
