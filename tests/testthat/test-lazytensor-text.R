# Formulas are shown in R's own syntax.

x <- random_matrix(4, 3)
x_i <- Vi(x)
y <- random_matrix(5, 3)
y_j <- Vj(y)
b <- matrix(1:5)
b_j <- Vj(b)
z <- x + 1i
z_i <- Vi(z)
w <- c(1, 2, 3)
w <- Pm(w)
shown <- function(x) rkeops:::readable_formula(x)

test_that("expressions are shown as they are written", {
  written <- alist(
    exp(-sum((x_i - y_j)^2)) * b_j, exp(-sqdist(x_i, y_j)/2), x_i - (y_j - 1), (x_i + y_j) * 2, -x_i^2, (-x_i)^2, x_i^-1,
    x_i^y_j, -2 * x_i, (-2)^x_i, x_i%%2, x_i%/%y_j, x_i | y_j, x_i < 1 | y_j <= 2, !(x_i == 1 & y_j != 2), sqrt(x_i),
    ifelse(x_i < y_j, 1, -1), ifelse(x_i - 1, x_i, 0), elem(x_i, 2), elemT(b_j, 2, 3), extract(x_i, 2, 2), concat(x_i, y_j),
    one_hot(b_j, 4), lookup(w, b_j), argmin(x_i), argmax(x_i) * 2, max(x_i), round(x_i, 2), log1p(x_i), rsqrt(x_i),
    normalize(y_j), clamp(x_i, 0, 1), clampint(x_i, 0, 1), mod(x_i, 2, 1), atan2(x_i, y_j), weightedsqdist(x_i, y_j, w),
    weightedsqnorm(x_i, w), tensorprod(x_i, w), kron(x_i, w, c(3, 1), 3), tensordot(x_i, w, 3, 3, 1, 1),
    bspline(b_j, w, 1), softdtw(x_i, y_j, 0.5), step(x_i), relu(x_i), exp(z_i) * y_j, Mod(z_i), Re(z_i) * Arg(z_i), Conj(z_i),
    real2complex(x_i), exp1j(x_i), laplacian(exp(-sqdist(x_i, y_j)), x_i), grad_matrix(x_i * y_j, x_i)
  )
  for (expression in written) expect_identical(shown(eval(expression)), deparse(expression))
})

test_that("so are those that have no function of their own", {
  expect_identical(shown(unaryop.LazyTensor(x_i, "Reverse")), "Reverse(x_i)")
  expect_identical(shown(x_i > y_j), "y_j < x_i")
  expect_identical(shown(x_i * c(0.5, 1, 2)), "x_i * p")
  expect_identical(shown(tensordot(x_i, w, 3, 3, perm = c(2, 1))), "tensordot(x_i, w, 3, 3, numeric(0), numeric(0), c(2, 1))")
  local_rkeops_options(index_base = 0)
  expect_identical(shown(elem(x_i, 0) + argmin(x_i)), "elem(x_i, 0) + argmin(x_i)")
})

test_that("definitions are written out where that is short", {
  k <- exp(-sqdist(x_i, y_j))
  k <- k * k
  expect_identical(shown(k), "exp(-sqdist(x_i, y_j)) * exp(-sqdist(x_i, y_j))")
  for (n in 1:20) k <- k * k
  expect_snapshot_output(print(k))
  k1 <- c(0.5, 1)
  p <- Pm(k1)
  for (n in 1:9) p <- cos(p * p)
  expect_match(format(p), "part1 <- cos(k1 * k1)", fixed = TRUE, all = FALSE)
  expect_lt(sum(nchar(format(p, width = 100))), 250)
})
