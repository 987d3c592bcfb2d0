# Functions of complex LazyTensors against base R, on random points and on the branch cuts.

numbers <- c(
  random_matrix(100, 1, 1, -4, 4) + 1i * random_matrix(100, 1, 2, -4, 4),
  complex(real = c(2, 2, -2, -2, 0.5, 0.5, -0.5, -0.5, 0, 0, -0.0, -0.0, 1, -1, 0, 0, 0, 0, 3),
          imaginary = c(0, -0.0, 0, -0.0, 0, -0.0, 0, -0.0, 2, -2, 2, -2, 0, 0, 1, -1, 0.5, -0.5, 400)),
  complex(real = c(2, 2, -2, -2, 1e-12, -1e-12, 1e-9, 1e5, 1),
          imaginary = c(1e-12, -1e-12, 1e-12, -1e-12, 2, 2, 1e-9, 1, 1e5))
)
# The vectors of a LazyTensor of one index as a matrix with one row for each; of both, their sums over j.
rows <- function(f) if (anyNA(c(f$ni, f$nj))) matrix(as.array(f) + 0, max(dim(f))) else sum(f, index = "j")
row_values <- function(f) rows(f)[, 1]

# (waldo and all.equal() look at sums of differences; this looks at each number.)
expect_complex <- function(object, expected, tolerance = 1e-14, info = NULL) {
  expect_identical(is.nan(Re(object)), is.nan(Re(expected)), info = info)
  size <- Mod(expected)
  error <- Mod(object - expected) / ifelse(size == 0, 1, size)
  expect_lt(max(error, na.rm = TRUE), tolerance)
}

test_that("values are those of base R, on branch cuts too", {
  z_i <- Vi(matrix(numbers))
  for (name in c("sqrt", "log", "log2", "log10", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
                 "asinh", "acosh", "atanh", "signif")) {
    f <- get(name, baseenv())
    expected <- suppressWarnings(f(numbers))
    finite <- is.finite(expected)
    expect_complex(row_values(f(z_i))[finite], expected[finite], info = name)
  }
  expect_identical(row_values(atan(Vi(matrix(1i)))), complex(real = 0, imaginary = Inf))
  expect_complex(row_values(round(z_i, 2)), round(numbers, 2))
  expect_complex(row_values(signif(z_i, 3)), signif(numbers, 3))
  proper <- numbers != 0
  expect_complex(row_values(log(z_i, -2))[proper], log(numbers, -2 + 0i)[proper])
  expect_complex(row_values(log(Vi(matrix(c(2, -3))), 2i)), log(c(2, -3) + 0i, 2i))
  expect_complex(row_values(rsqrt(z_i)), ifelse(proper, 1 / sqrt(numbers), 0i))
  expect_complex(row_values(z_i^-0.5), ifelse(proper, 1 / sqrt(numbers), 0i))
  expect_complex(row_values(xlogx(z_i)), ifelse(proper, numbers * log(numbers), 0i))
  expect_complex(row_values(sinxdivx(z_i)), ifelse(proper, sin(numbers) / numbers, 1 + 0i))
  expect_equal(row_values(z_i & 1), as.numeric(proper))
})

test_that("atan2() is that of base R", {
  y <- c(rev(numbers), 1i, -1, 0)
  x <- c(numbers, 0, 0, 2)
  y[x == 0 & y == 0] <- 1
  x[abs(y) == abs(x)] <- 3 - 1i
  expect_complex(row_values(atan2(Vi(matrix(y)), Vi(matrix(x)))), atan2(y, x))
  expect_complex(row_values(atan2(Vi(matrix(c(1, -2))), 1i + 1)), atan2(c(1, -2) + 0i, 1 + 1i))
  expect_error(atan2(Vi(cbind(y, y)), Vi(cbind(x, x, x))), "atan2", class = "rkeops_error_dimension")
})

test_that("float32", {
  local_rkeops_options(precision = "float32")
  z <- numbers[1:100]
  z_i <- Vi(matrix(z))
  for (f in list(sqrt, tan, tanh, asin, acosh, atan)) expect_complex(row_values(f(z_i)), f(z), 1e-5)
})

test_that("derivatives are those of holomorphic functions, on the real axis too", {
  z <- c(0.3 + 0.2i, -0.4 + 1.3i, 2 + 0.5i, -3 - 0.2i, 0.2 - 2i, 0.1 + 2i, 0.5 + 0i, 0.7i)
  slopes <- list(
    sqrt = 0.5 / sqrt(z), tan = 1 + tan(z)^2, tanh = 1 - tanh(z)^2, asin = 1 / sqrt(1 - z^2), acos = -1 / sqrt(1 - z^2),
    atan = 1 / (1 + z^2), asinh = 1 / sqrt(1 + z^2), acosh = 1i * -1 / sqrt(1 - z^2), atanh = 1 / (1 - z^2)
  )
  z_i <- Vi(matrix(z))
  for (name in names(slopes)) {
    gradient <- gradients(Re(get(name, baseenv())(z_i)), z_i, index = "i")$gradient[, 1]
    expect_complex(gradient, Conj(slopes[[name]]), 1e-12, info = name)
  }
  at_zero <- Vi(matrix(0i))
  expect_identical(gradients(Re(sqrt(at_zero)), at_zero, index = "i")$gradient, matrix(0i))
})

test_that("products of matrices and tensors", {
  z <- matrix(complex(real = 1:12, imaginary = 12:1), 2)
  x <- random_matrix(2, 3, 1)
  w <- c(1i, 2, 3 - 1i)
  A <- matrix(complex(real = 1:6, imaginary = c(2, -1)), 2)
  matrix_of <- function(i) matrix(z[i, ], 2, byrow = TRUE)
  expect_close(rows(matvecmult(A, Vi(x))), x %*% t(A))
  expect_close(rows(matvecmult(Re(A), Vi(x + 1i * x^2))), (x + 1i * x^2) %*% t(Re(A)))
  expect_close(rows(matvecmult(Vi(z), Pm(w))), rbind(drop(matrix_of(1) %*% w), drop(matrix_of(2) %*% w)))
  expect_close(rows(vecmatmult(Vi(x[, 1:2]), A)), x[, 1:2] %*% A)
  expect_close(rows(tensorprod(Vi(x), Pm(w)))[1, ], as.vector(w %o% x[1, ]))
  expect_close(rows(kron(Vi(z), A, dims_x = c(2, 3)))[2, ], as.vector(t(kronecker(matrix_of(2), A))))
  expect_close(rows(tensordot(Vi(z), A, dims_x = c(2, 3), axes_x = 2, axes_y = 2))[2, ],
               as.vector(t(matrix_of(2) %*% t(A))))
  S <- crossprod(random_matrix(4, 3, 2))
  expect_close(rows(weightedsqnorm(Vi(x + 1i), S)), matrix(rowSums((x %*% S) * x) + sum(S)))
  z_i <- Vi(z)
  u <- Pm(w)
  expect_close(gradients(Re(sum(matvecmult(z_i, u))), list(z_i, u), index = "i")$gradient,
               list(Conj(matrix(w, 2, 6, byrow = TRUE)), Conj(colSums(matrix_of(1) + matrix_of(2)))))
})

test_that("tables may be complex", {
  A <- matrix(complex(real = 1:6, imaginary = c(2, -1)), 2)
  v <- c(1i, 2, -3)
  x_i <- Vi(matrix(c(1, 2)))
  y_j <- Vj(matrix(c(3, 1, 1.8)))
  expect_equal(row_values(lookup(v, Vi(matrix(c(3, 1.2))))), v[c(3, 1)])
  expect_equal(rows(lookup(A, x_i)), A)
  expect_equal(rows(lookup(A, j = y_j)), t(A)[c(3, 1, 2), ])
  expect_equal(sum(lookup(A, x_i, y_j), "j"), matrix(rowSums(A)))
  outside <- rows(lookup(A, Vi(matrix(c(1, 2, 0, 3, 1, 1))), Vi(matrix(c(1, 2, 1, 1, 4, 0)))))
  expect_identical(is.nan(Re(outside)[, 1]) & is.nan(Im(outside)[, 1]), c(FALSE, FALSE, TRUE, TRUE, TRUE, TRUE))
  table <- Pm(v)
  expect_close(gradients(Re(lookup(table, x_i) * 1i), table, index = "i")$gradient, c(-1i, -1i, 0))
  expect_close(rows(lookup(Pm(v), Vj(matrix(3)))), matrix(-3 + 0i))
})

test_that("what has no complex version says what to write", {
  z_i <- Vi(matrix(numbers[1:4], 2))
  w_i <- Vi(matrix(numbers[1:2]))
  expect_snapshot_output(show_errors(
    log1p(z_i), !z_i, erf(z_i), min(z_i), z_i %/% 2, ifelse(z_i, 1, 2), lookup(1:3, w_i), weightedsqnorm(z_i, 1i),
    laplacian(w_i, w_i), bspline(w_i, 1:6), softdtw(z_i, 1:3), logsumexp(z_i, "j"), round(z_i, "2")
  ))
})
