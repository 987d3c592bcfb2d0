# Functions of base R on LazyTensors: matrices where R makes them, errors elsewhere; base R is left as it was.
x <- random_matrix(5, 2, 1)
y <- random_matrix(7, 2, 2)
K_ij <- exp(-sqdist(Vi(x), Vj(y)))
K <- exp(-squared_distances(x, y))

test_that("what asks for a matrix gets one", {
  expect_true(is.matrix(K_ij))
  expect_true(is.array(K_ij))
  expect_false(is.numeric(K_ij))
  expect_identical(dim(K_ij), c(5L, 7L))
  expect_identical(c(nrow(K_ij), NROW(K_ij), ncol(K_ij), NCOL(K_ij)), c(5L, 5L, 7L, 7L))
  expect_close(as.numeric(K_ij), c(K))
  expect_identical(as.integer(K_ij > 0.5), as.integer(K > 0.5))
  expect_identical(as.logical(K_ij > 0.5), as.logical(K > 0.5))
  expect_close(as.complex(K_ij), as.complex(K))
  expect_equal(as.data.frame(K_ij), as.data.frame(K), tolerance = 1e-10)
  expect_equal(data.frame(id = 1:5, K_ij), data.frame(id = 1:5, K), ignore_attr = TRUE, tolerance = 1e-10)
  expect_close(K_ij %o% 1:2, K %o% 1:2)
  expect_close(scale(K_ij), scale(K))
  expect_close(apply(K_ij, 2, stats::median), apply(K, 2, stats::median))
  expect_close(stats::sd(K_ij), stats::sd(K))
  expect_close(mapply(function(a, b) a + b, K_ij, 1:35), c(K) + 1:35)
  expect_close(K_ij[[2, 3]], K[2, 3])
  expect_identical(K_ij[["dimres"]], 1)
  expect_error(max(K_ij, 0), class = "rkeops_error_argument")
})

test_that("other functions say what to write", {
  expect_snapshot_output(show_errors(
    rowSums(K_ij), colSums(K_ij), rowMeans(K_ij), colMeans(K_ij),
    rank(K_ij), stats::cor(K_ij), stats::cov(K_ij),
    sort(K_ij), order(K_ij), unique(K_ij), duplicated(K_ij), anyDuplicated(K_ij), rev(K_ij), rep(K_ij, 2),
    stats::median(K_ij), stats::quantile(K_ij), stats::weighted.mean(K_ij, 1:5), prod(K_ij), cumsum(K_ij),
    aperm(K_ij), split(K_ij, 1:35), cut(K_ij, 3), diff(K_ij), as.character(K_ij), paste(K_ij),
    lapply(K_ij, identity), vapply(K_ij, identity, 0), Reduce(`+`, K_ij),
    sweep(K_ij, 1, 1:5), as.matrix(K_ij, max = 3), as.array(K_ij, 7), summary(K_ij, digits = 3)
  ))
})

test_that("a LazyTensor cannot be changed in place", {
  changes <- alist(
    L$formula <- "A", L$ni <- 3, L$new <- 1, L[["data"]] <- list(), L[1, 1] <- 0, names(L) <- "a", dim(L) <- c(7, 5),
    dimnames(L) <- list(1:5, 1:7), rownames(L) <- 1:5, length(L) <- 3, levels(L) <- "a", diag(L) <- 0, is.na(L) <- 3
  )
  user <- list2env(list(L = K_ij), parent = globalenv())
  for (change in changes) {
    expect_error(eval(change, user), class = "rkeops_error_unsupported", info = deparse(change))
  }
  expect_identical(user$L, K_ij)
  expect_snapshot_output(show_errors(L$ni <- 3, names(L) <- "a", env = user))
})

test_that("functions of base R are as they were", {
  expect_identical(rowSums, base::rowSums)
  expect_identical(get("crossprod", globalenv()), base::crossprod)
  expect_identical(intersect(getNamespaceExports("rkeops"), c("rowSums", "crossprod", "pmin", "var", "sd", "median")),
                   character())
  expect_true(is.array(array(1, c(2, 2, 2))))
  expect_identical(is.na(c(1, NA)), c(FALSE, TRUE))
})

test_that("pmin() and pmax() of LazyTensors build one, without being masked", {
  x <- matrix(c(1, NA, -2, 0.5), 2)
  y <- matrix(c(0, 3, NA, 0.25, 5, 6), 3)
  x_i <- Vi(x)
  y_j <- Vj(y)
  entries <- function(f) sapply(1:3, function(j) sapply(1:2, function(i) f(x[i, 1], y[j, 1])))
  for (na_rm in c(FALSE, TRUE)) {
    expect_equal(as.matrix(pmin(elem(x_i, 1), elem(y_j, 1), na.rm = na_rm)) + 0, entries(function(a, b) pmin(a, b, na.rm = na_rm)))
    expect_equal(as.matrix(pmax(elem(x_i, 1), elem(y_j, 1), na.rm = na_rm)) + 0, entries(function(a, b) pmax(a, b, na.rm = na_rm)))
  }
  expect_equal(as.matrix(pmax(0.5, 0.75, elem(x_i, 1), elem(y_j, 1))), entries(function(a, b) pmax(0.75, a, b)))
  expect_equal(values_of(pmin(x_i, c(0, 1), 0.25)), pmin(x, rep(c(0, 0.25), each = 2)))
  expect_error(pmin(x_i, x), class = "rkeops_error_input")
  expect_error(pmin(x_i, 1, na.rm = NA), class = "rkeops_error_argument")
  expect_identical(pmin(c(a = 1, b = 3), 2), c(a = 1, b = 2))
})
