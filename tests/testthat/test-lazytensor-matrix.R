# Matrix products, crossprod(), t(): sizes, names, what has no meaning.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
b <- random_matrix(9, 3, 3)
a <- random_matrix(4, 6, 4)
K_ij <- exp(-sqdist(Vi(x), Vj(y)))
K <- exp(-squared_distances(x, y))

test_that("%*% with plain vectors and matrices", {
  expect_close(K_ij %*% b, K %*% b)
  expect_close(K_ij %*% b[, 1], K %*% b[, 1])
  expect_identical(dim(K_ij %*% b[, 1]), c(6L, 1L))
  expect_close(a %*% K_ij, a %*% K)
  expect_close(a[1, ] %*% K_ij, a[1, ] %*% K)
  expect_close(K_ij %*% matrix(1:9, 9), K %*% 1:9)
})

# Everything that can stand on either side, with the ordinary matrix that it is by dim().
u <- random_matrix(6, 1, 5)
v <- random_matrix(9, 1, 6)
sides <- list(
  K_ij = list(K_ij, K), u_i = list(Vi(u), u), v_i = list(Vi(v), v), u_j = list(Vj(u), t(u)), v_j = list(Vj(v), t(v)),
  p = list(Pm(2.5), matrix(2.5)), transposed = list(t(K_ij), t(K)), square_ij = list(exp(-sqdist(Vi(x), Vj(x))),
                                                                                    exp(-squared_distances(x, x))),
  u = list(u, u), v = list(v, v), row = list(t(v), t(v)), vector = list(v[, 1], v[, 1]), number = list(2, 2),
  wide = list(matrix(1:18 / 9, 9), matrix(1:18 / 9, 9)), frame = list(as.data.frame(b), b)
)
is_lazy <- function(side) is.LazyTensor(side[[1]])

test_that("%*% is the product of what dim() says, or an error", {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    tried <- 0
    for (left in sides) for (right in sides) {
      if (!is_lazy(left) && !is_lazy(right)) next
      result <- tryCatch(left[[1]] %*% right[[1]], rkeops_error = identity)
      if (inherits(result, "error")) next
      tried <- tried + 1
      upstream <- is_lazy(right) && is.na(right[[1]]$ni)  # K %*% Vj(b), as in RKeOps 2
      expected <- left[[2]] %*% (if (upstream) t(right[[2]]) else right[[2]])
      expect_close(result, expected, if (precision == "float64") 1e-10 else 1e-5)
    }
    expect_gt(tried, 25)
  }
})

test_that("%*% has an error for each product that has no meaning", {
  works <- function(left, right) !inherits(tryCatch(left %*% right, rkeops_error = identity), "error")
  for (name in names(sides)) {
    side <- sides[[name]][[1]]
    with_j <- if (is.LazyTensor(side)) side$nj
    expect_false(works(sides$u_i[[1]], side), info = name)      # no j
    expect_false(works(sides$p[[1]], side), info = name)
    expect_identical(works(K_ij, side), name %in% c("v_i", "v_j", "v", "vector", "wide", "frame"), info = name)
    expect_identical(works(side, K_ij), name %in% c("u_j"), info = name)
  }
  expect_snapshot_output(show_errors(
    K_ij %*% K_ij,
    K_ij %*% t(K_ij),
    K_ij %*% K_ij %*% 1:3,
    Vi(x) %*% Vj(y),
    Vi(x) %*% 1:6,
    Vi(x) %*% K_ij,
    Pm(2.5) %*% K_ij,
    1:6 %*% Vj(y),
    K_ij %*% Vi(x),
    K_ij %*% Vj(x),
    K_ij %*% Pm(2.5),
    K_ij %*% 2,
    K_ij %*% b[-1, ],
    K_ij %*% "a",
    K_ij %*% list(1),
    1:9 %*% K_ij
  ))
})

test_that("products of more than two", {
  L_ij <- exp(-sqdist(Vi(y), Vj(x)))
  L <- exp(-squared_distances(y, x))
  expect_close(K_ij %*% (L_ij %*% 1:6), K %*% L %*% 1:6)
  expect_close(1:6 %*% K_ij %*% L, t(1:6) %*% K %*% L)
})

test_that("crossprod() and tcrossprod(), of R >= 4.4", {
  product <- function(generic, x, y = NULL) rkeops:::matrix_product(generic, x, y, quote(f(x, y)))
  a <- u[, 1]
  expect_close(product("crossprod", K_ij, a), crossprod(K, a))
  expect_close(product("crossprod", K_ij, u), crossprod(K, u))
  expect_close(product("crossprod", u, K_ij), crossprod(u, K))
  expect_close(product("crossprod", a, K_ij), crossprod(a, K))
  expect_close(product("crossprod", Vi(u)), crossprod(u))
  expect_close(product("crossprod", Vi(u), K_ij), crossprod(u, K))
  expect_close(product("tcrossprod", K_ij, t(v)), tcrossprod(K, t(v)))
  expect_close(product("tcrossprod", t(u), t(K_ij)), tcrossprod(t(u), t(K)))
  expect_close(product("tcrossprod", Vj(v)), tcrossprod(t(v)))
  expect_close(product("tcrossprod", as.data.frame(t(v)), K_ij), tcrossprod(t(v), K))
  expect_error(product("crossprod", K_ij), "three indices", class = "rkeops_error_unsupported")
  expect_error(product("tcrossprod", K_ij), "three indices", class = "rkeops_error_unsupported")
  if (getRversion() >= "4.4.0") {
    expect_close(crossprod(K_ij, u), crossprod(K, u))
    expect_close(tcrossprod(K_ij, t(v)), tcrossprod(K, t(v)))
    expect_error(crossprod(K_ij), "three indices", class = "rkeops_error_unsupported")
  }
})

test_that("the S3 method of R >= 4.3 does the same", {
  matrixOps.LazyTensor <- rkeops:::matrixOps.LazyTensor
  environment(matrixOps.LazyTensor) <- list2env(list(.Generic = "%*%"), parent = asNamespace("rkeops"))
  expect_identical(matrixOps.LazyTensor(K_ij, b), K_ij %*% b)
})

test_that("names go to rows and columns of the result", {
  named <- matrix(1:18 / 9, 9, dimnames = list(letters[1:9], c("A", "B")))
  N_ij <- exp(-sqdist(Vi(x), Vj(named)))
  expect_identical(colnames(N_ij %*% named), c("A", "B"))
  expect_identical(rownames(t(N_ij) %*% x), letters[1:9])
  ones <- matrix(1, 2, 6, dimnames = list(c("p", "q"), NULL))
  expect_identical(dimnames(ones %*% N_ij), list(c("p", "q"), letters[1:9]))
  expect_identical(dimnames(sum(N_ij, "i")), list(letters[1:9], NULL))
  expect_identical(dimnames(Kmin(concat(N_ij, N_ij), 2, "i")), list(letters[1:9], NULL, NULL))
  expect_identical(lapply(min_argmin(N_ij, "i"), rownames), list(value = letters[1:9], position = letters[1:9]))
  expect_null(dimnames(sum(N_ij, "j")))
  frame <- as.data.frame(named)
  expect_identical(dimnames(t(N_ij) %*% as.data.frame(x)), list(letters[1:9], c("V1", "V2")))
  expect_identical(rownames(sum(sqdist(Vi(frame), Vj(x)), "j")), letters[1:9])
  expect_null(rownames(sum(sqdist(Vi(data.frame(a = 1:3)), Vj(data.frame(a = 1:2))), "j")))
  expect_close(as.data.frame(a) %*% K_ij, a %*% K)
})

test_that("t() exchanges the indices", {
  expect_identical(dim(t(K_ij)), c(9L, 6L))
  expect_close(t(K_ij) %*% t(a), t(K) %*% t(a))
  expect_close(sum(t(Vi(x) - 2 * Vj(y)), "i"), sum(Vi(x) - 2 * Vj(y), "j"))
  both <- Vi(x) + Vj(x) * 2
  expect_close(sum(t(both), "i"), sum(both, "j"))
})

test_that("sizes are checked", {
  expect_error(K_ij %*% b[-1, ], "9 columns.*8 rows", class = "rkeops_error_dimension")
  expect_error(a[, -1] %*% K_ij, class = "rkeops_error_dimension")
  expect_error(K_ij %*% "a", class = "rkeops_error_input")
  error <- tryCatch(K_ij %*% b[-1, ], error = identity)
  if (getRversion() < "4.3.0") expect_identical(conditionCall(error), quote(K_ij %*% b[-1, ]))
})

test_that("ordinary products are not touched", {
  if (getRversion() < "4.3.0") expect_true(is.primitive(`%*%`))
  expect_identical(b %*% t(b), base::`%*%`(b, t(b)))
  expect_false("%*%" %in% ls("package:rkeops", all.names = TRUE) && !is.primitive(`%*%`))
})
