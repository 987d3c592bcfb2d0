# Complex LazyTensors: construction, arithmetic, parts, vectors, reductions.

random_complex <- function(rows, cols, seed) {
  matrix(complex(real = random_matrix(rows, cols, seed), imaginary = random_matrix(rows, cols, seed + 100)), rows)
}

x <- random_matrix(4, 2, 1)
z <- random_complex(4, 2, 2)
w <- random_complex(3, 2, 3)
s <- random_complex(3, 1, 4)
r <- random_matrix(3, 1, 5)
x_i <- Vi(x)
z_i <- Vi(z)
w_j <- Vj(w)
s_j <- Vj(s)
r_j <- Vj(r)

# The formulas agree with f(i, j) for all pairs; all of them are one kernel.
expect_pairs <- function(tensors, f, tolerance = 1e-10) {
  actual <- as.array(Reduce(concat, tensors))
  expected <- array(0i, dim(actual))
  for (i in seq_len(dim(actual)[1])) for (j in seq_len(dim(actual)[2])) expected[i, j, ] <- f(i, j)
  expect_equal(actual + 0i, expected, tolerance = tolerance)
}

test_that("complex data make complex LazyTensors", {
  expect_identical(class(z_i), c("ComplexLazyTensor", "LazyTensor"))
  expect_equal(z_i$dimres, 2)
  expect_match(z_i$args, "=Vi\\(4\\)$")
  expect_identical(z_i$data, list(cbind(Re(z[, 1]), Im(z[, 1]), Re(z[, 2]), Im(z[, 2]))))
  p <- Pm(c(1i, 2))
  expect_match(p$args, "=Pm\\(4\\)$")
  expect_identical(p$data, list(c(0, 1, 2, 0)))
  expect_equal(LazyTensor(z, "j")$dimres, 2)
  expect_equal(as.matrix(Vi(z[, 1])), z[, 1, drop = FALSE])
  expect_error(LazyTensor(z), "index", class = "rkeops_error_argument")
  expect_error(Pm(z), class = "rkeops_error_argument")
  expect_error(Pm(complex()), "length 1 or more", class = "rkeops_error_input")
})

test_that("is_complex takes real data as complex", {
  expect_identical(values_of(Vi(x, is_complex = TRUE)), x + 0i)
  expect_identical(Vj(matrix(1:2), is_complex = TRUE)$data, list(cbind(1:2, 0)))
  expect_true(is.ComplexLazyParameter(Pm(2, is_complex = TRUE)))
  expect_error(Vi(x, is_complex = NA), class = "rkeops_error_argument")
})

test_that("predicates", {
  for (x in list(z_i, Pm(1i), z_i * x_i, 2i * x_i, exp1j(x_i), Conj(z_i))) expect_true(is.ComplexLazyTensor(x))
  for (x in list(Re(z_i), Im(z_i), Mod(z_i), abs(z_i), Arg(z_i), sqnorm2(z_i))) expect_false(is.ComplexLazyTensor(x))
  expect_true(is.LazyTensor(z_i))
  expect_true(is.ComplexLazyParameter(Pm(1i)))
  expect_false(is.ComplexLazyParameter(Pm(c(1i, 2))))
  expect_false(is.ComplexLazyParameter(Pm(1i) + 1))
  expect_false(is.LazyParameter(Pm(1i)))
  expect_true(is.LazyVector(Pm(1i)))
  expect_true(is.LazyMatrix(z_i))
})

test_that("complex and real tensors of the same data are different variables", {
  both <- Vi(x) + Vi(x, is_complex = TRUE)
  expect_length(both$args, 2)
  expect_close(values_of(both), 2 * x + 0i)
})

test_that("arithmetic with complex and real sides", {
  expect_pairs(
    list(z_i + w_j, z_i - s_j, s_j * z_i, z_i / w_j, -z_i, z_i + x_i, x_i - w_j, z_i * x_i, w_j * r_j, x_i * s_j),
    function(i, j) {
      c(z[i, ] + w[j, ], z[i, ] - s[j], s[j] * z[i, ], z[i, ] / w[j, ], -z[i, ], z[i, ] + x[i, ], x[i, ] - w[j, ],
        z[i, ] * x[i, ], w[j, ] * r[j], x[i, ] * s[j])
    }
  )
  expect_pairs(
    list(z_i / r_j, w_j / x_i, x_i / w_j, z_i * 2, 2 - z_i, 0.1 * z_i, 1i * z_i, x_i * 1i, (2 + 1i) / z_i,
         x_i + c(1i, 2), z_i * c(1, 2)),
    function(i, j) {
      c(z[i, ] / r[j], w[j, ] / x[i, ], x[i, ] / w[j, ], z[i, ] * 2, 2 - z[i, ], 0.1 * z[i, ], 1i * z[i, ], x[i, ] * 1i,
        (2 + 1i) / z[i, ], x[i, ] + c(1i, 2), z[i, ] * c(1, 2))
    }
  )
})

test_that("a real divisor is not squared", {
  tiny <- matrix(c(1e-200, 1e200))
  expect_close(values_of(Vi(matrix(1i, 2, 1)) / Vi(tiny)) * tiny, matrix(1i, 2, 1))
  expect_close(values_of(Vi(matrix(1i, 2, 2)) / Vi(cbind(tiny, tiny))) * c(tiny), matrix(1i, 2, 2))
})

test_that("powers, roots, logarithms and exponentials are principal values", {
  expect_pairs(
    list(z_i^2, z_i^3, z_i^-2, z_i^0, z_i^0.5, z_i^-0.5, z_i^70, z_i^x_i, z_i^w_j, x_i^w_j, 2^w_j),
    function(i, j) {
      c(z[i, ]^2, z[i, ]^3, z[i, ]^-2, 1, 1, sqrt(z[i, ]), 1 / sqrt(z[i, ]), z[i, ]^70, z[i, ]^x[i, ], z[i, ]^w[j, ],
        (x[i, ] + 0i)^w[j, ], 2^w[j, ])
    }
  )
  expect_pairs(
    list(exp(z_i), log(z_i), log(w_j, 10), log2(z_i), sqrt(w_j), square(z_i), inv(w_j), rsqrt(z_i), exp1j(x_i)),
    function(i, j) {
      c(exp(z[i, ]), log(z[i, ]), log(w[j, ], 10), log(z[i, ], 2), sqrt(w[j, ]), z[i, ]^2, 1 / w[j, ], 1 / sqrt(z[i, ]),
        exp(1i * x[i, ]))
    }
  )
})

test_that("sines, cosines and equality", {
  expect_pairs(
    list(sin(z_i), cos(z_i), sinh(w_j), cosh(w_j), z_i == x_i, z_i != z[1, ], z_i == z[1, ]),
    function(i, j) {
      c(sin(z[i, ]), cos(z[i, ]), sinh(w[j, ]), cosh(w[j, ]), z[i, ] == x[i, ], z[i, ] != z[1, ], z[i, ] == z[1, ])
    }
  )
  expect_false(is.ComplexLazyTensor(z_i == w_j))
})

test_that("parts of complex numbers, and complex numbers of parts", {
  expect_pairs(
    list(Re(z_i), Im(z_i), Mod(z_i), abs(w_j), Arg(z_i), Re(z_i) + 1),
    function(i, j) c(Re(z[i, ]), Im(z[i, ]), Mod(z[i, ]), Mod(w[j, ]), Arg(z[i, ]), Re(z[i, ]) + 1)
  )
  expect_pairs(
    list(Conj(z_i), real2complex(x_i), imag2complex(x_i)),
    function(i, j) c(Conj(z[i, ]), x[i, ], 1i * x[i, ])
  )
  expect_equal(Re(z_i)$dimres, 2)
  expect_warning(real2complex(x_i), NA)
})

test_that("vectors", {
  local_rkeops_options()
  expect_pairs(
    list(sum(z_i * w_j), mean(z_i), normalize(z_i), elem(z_i, 2), extract(w_j, 2, 1), extract(z_i, 1, 2),
         elemT(s_j, 2, 3), extractT(z_i, 2, 4), concat(z_i, x_i), concat(r_j, s_j)),
    function(i, j) {
      c(sum(z[i, ] * w[j, ]), mean(z[i, ]), z[i, ] / sqrt(sum(Mod(z[i, ])^2)), z[i, 2], w[j, 2], z[i, ], 0, s[j], 0,
        0, z[i, ], 0, z[i, ], x[i, ], r[j], s[j])
    }
  )
  expect_equal(sum(z_i)$dimres, 1)
  expect_equal(elemT(s_j, 2, 3)$dimres, 3)
  expect_equal(extractT(z_i, 2, 4)$dimres, 4)
  weights <- c(0.5, 2)
  expect_pairs(
    list(sqnorm2(z_i), norm2(z_i), sqdist(z_i, w_j), sqdist(z_i, x_i), sqdist(z_i, s_j), weightedsqnorm(z_i, 0.5),
         weightedsqnorm(z_i, weights), weightedsqdist(z_i, w_j, weights)),
    function(i, j) {
      squares <- function(v) sum(Mod(v)^2)
      c(squares(z[i, ]), sqrt(squares(z[i, ])), squares(z[i, ] - w[j, ]), squares(z[i, ] - x[i, ]),
        squares(z[i, ] - s[j]), squares(z[i, ]) / 2, sum(weights * Mod(z[i, ])^2),
        sum(weights * Mod(z[i, ] - w[j, ])^2))
    }
  )
  expect_error(elem(z_i, 3), "from 1 to 2", class = "rkeops_error_argument")
  expect_error(elemT(z_i, 1, 3), class = "rkeops_error_dimension")
})

test_that("ifelse() chooses between complex values", {
  expect_pairs(
    list(ifelse(x_i > 0, w_j, s_j), ifelse(r_j, z_i, 1i), ifelse(r_j < 0, 1, s_j)),
    function(i, j) {
      c(ifelse(x[i, ] > 0, w[j, ], s[j]), if (r[j] >= 0) z[i, ] else c(1i, 1i), if (r[j] < 0) 1 else s[j])
    }
  )
  expect_error(ifelse(z_i, 1, 2), class = "rkeops_error_unsupported")
})

test_that("sums and means over i and j are complex matrices", {
  product <- function(i, j) z[i, ] * w[j, ]
  values <- array(0i, c(4, 3, 2))
  for (i in 1:4) for (j in 1:3) values[i, j, ] <- product(i, j)
  expect_close(sum(z_i * w_j, "j"), apply(values, c(1, 3), sum))
  expect_close(sum(z_i * w_j, index = "i"), apply(values, c(2, 3), sum))
  expect_close(mean(z_i * w_j, "j"), apply(values, c(1, 3), mean))
  expect_identical(sum_reduction(z_i * w_j, "j"), sum(z_i * w_j, "j"))
  expect_identical(values_of(z_i), z)
  expect_identical(values_of(Pm(1i)), matrix(1i))
  expect_identical(dim(sum(Vi(z[0, ]) + Vj(z), "j")), c(0L, 2L))
  infinite <- matrix(complex(real = 1, imaginary = Inf))
  expect_identical(sum(Vi(infinite), "i"), infinite)
  D_ij <- sqdist(x_i, Vj(Re(w)))
  p <- exp(squared_distances(x, Re(w)))
  expect_close(sumsoftmaxweight(D_ij, "j", w_j), p %*% w / rowSums(p))
})

test_that("products with complex sides", {
  K_ij <- exp(-sqdist(x_i, Vj(Re(w))))
  K <- exp(-squared_distances(x, Re(w)))
  expect_close(K_ij %*% w, K %*% w)
  expect_close(K_ij %*% s[, 1], K %*% s)
  expect_close(Conj(t(z)) %*% K_ij, Conj(t(z)) %*% K)
  expect_close((1i * K_ij) %*% r, 1i * K %*% r)
  expect_close((1i * K_ij) %*% s, 1i * K %*% s)
  expect_close(t(1i * K_ij) %*% z, 1i * t(K) %*% z)
})

test_that("float32", {
  local_rkeops_options(precision = "float32")
  expect_close(sum(z_i * w_j, "j"), z * rep(colSums(w), each = 4), tolerance = 1e-5)
})

test_that("what has no meaning for complex numbers is refused", {
  refused <- list(
    quote(z_i < 1), quote(!z_i), quote(z_i | w_j), quote(z_i %% 2), quote(expm1(z_i)), quote(log1p(z_i)),
    quote(ceiling(z_i)), quote(sign(z_i)), quote(min(z_i)), quote(max(z_i, "j")),
    quote(argmin(z_i, "j")), quote(argmax(z_i)), quote(Kmin(z_i, 1, "i")), quote(logsumexp(z_i, "j")),
    quote(logsumexp(x_i, "j", z_i)), quote(clamp(z_i, 0, 1)), quote(mod(z_i, 2)), quote(relu(z_i)), quote(erf(z_i)),
    quote(weightedsqnorm(x_i, 1i)), quote(lookup(1:3, s_j)), quote(one_hot(s_j, 2)), quote(step(z_i)),
    quote(bspline(s_j, 1:9)), quote(softdtw(z_i, w_j)), quote(laplacian(z_i, z_i)), quote(lgamma(z_i))
  )
  for (expression in refused) expect_error(eval(expression), class = "rkeops_error_unsupported")
  expect_error(Re(x_i), class = "rkeops_error_argument")
  expect_error(Conj(x_i), class = "rkeops_error_argument")
  for (f in list(real2complex, imag2complex, exp1j)) {
    expect_error(f(z_i), "complex already", class = "rkeops_error_argument")
    expect_error(f(3), "LazyTensor", class = "rkeops_error_argument")
  }
  expect_error(Vi(z) + Vi(cbind(z, z)), "dimensions 2 and 4", class = "rkeops_error_dimension")
  expect_error(z_i^Vi(cbind(z, z)), class = "rkeops_error_dimension")
  expect_snapshot_output(show_errors(
    z_i < 1,
    z_i | w_j,
    max(z_i, index = "j"),
    Re(x_i),
    real2complex(z_i),
    z_i + Vi(cbind(z, z))
  ))
})

test_that("names of operations for builders", {
  expect_pairs(
    list(unaryop.LazyTensor(z_i, "Conj"), unaryop.LazyTensor(x_i, "ComplexExp1j"), unaryop.LazyTensor(z_i, "Exp")),
    function(i, j) c(Conj(z[i, ]), exp(1i * x[i, ]), exp(z[i, ]))
  )
  expect_false(is.ComplexLazyTensor(unaryop.LazyTensor(z_i, "ComplexAbs")))
})

test_that("operators take complex data for variables of twice the dimension", {
  op <- keops_kernel("Sum_Reduction(ComplexMult(p, ComplexMult(z, w)), 1)", c("z=Vi(4)", "w=Vj(4)", "p=Pm(2)"))
  result <- op(list(z, w, 2i))
  expect_close(result[, c(1, 3)] + 1i * result[, c(2, 4)], 2i * z * rep(colSums(w), each = 4))
  expect_identical(op(list(t(z), t(w), 2i), inner_dim = "row"), result)
  expect_error(op(list(z[, 1], w, 2i)), "z", class = "rkeops_error_input")
  expect_error(op(list(z, w)), "3", class = "rkeops_error_input")
  real <- keops_kernel("Sum_Reduction(x, 1)", "x=Vi(2)")
  expect_snapshot_output(show_errors(real(list(z))))
})
