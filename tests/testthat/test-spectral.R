# spectral() and kernel_pca() against eigen() of dense matrices, and prcomp().

x <- random_matrix(300, 3, seed = 1, min = 0, max = 2)
gaussian_kernel <- function(h) function(x, y) exp(-sqdist(x, y) / (2 * h^2))
dense_kernel <- function(x, y, h) exp(-squared_distances(x, y) / (2 * h^2))

expect_eigenvectors <- function(vectors, expected) expect_close(abs(colSums(vectors * expected)), rep(1, ncol(vectors)), 1e-6)

test_that("eigenvectors of the normalised kernel matrix are those of eigen()", {
  local_rkeops_options()
  for (h in c(1, 0.4)) {
    K <- dense_kernel(x, x, h)
    degree <- rowSums(K)
    expected <- eigen(K / sqrt(outer(degree, degree)), symmetric = TRUE)
    found <- expect_no_warning_of(spectral(x, 5, gaussian_kernel(h), tol = 1e-8))
    expect_close(found$values, expected$values[1:5])
    expect_eigenvectors(found$vectors, expected$vectors[, 1:5])
    expect_close(found$degree, degree)
    expect_true(found$converged && all(found$residual <= 1e-8))
    expect_close(crossprod(found$vectors), diag(5))
    expect_close(predict(found, x), found$vectors, 1e-6)
  }
  expect_output(print(found), "eigenvalues: 1, ")
})

test_that("groups that are not connected have eigenvalue 1 each, and all vectors can be asked for", {
  local_rkeops_options()
  groups <- rbind(x[1:30, ], x[31:70, ] + 50, x[71:120, ] + 100)
  found <- spectral(groups, 4, gaussian_kernel(1))
  expect_close(found$values[1:3], rep(1, 3))
  expect_lt(found$values[4], 0.99)
  directions <- found$vectors[, 1:3] / sqrt(rowSums(found$vectors[, 1:3]^2))
  expect_identical(sort(withr::with_seed(1, kmeans_lazy(directions, 3))$size), c(30L, 40L, 50L))
  expect_close(spectral(x[1:10, ], 10, gaussian_kernel(1))$values, {
    K <- dense_kernel(x[1:10, ], x[1:10, ], 1)
    eigen(K / sqrt(outer(rowSums(K), rowSums(K))))$values
  })
})

test_that("kernel principal components are those of the dense centred matrix", {
  local_rkeops_options()
  K <- dense_kernel(x, x, 1)
  centre <- diag(300) - 1 / 300
  expected <- eigen(centre %*% K %*% centre, symmetric = TRUE)
  found <- kernel_pca(x, 4, gaussian_kernel(1), tol = 1e-8)
  expect_close(found$values, expected$values[1:4])
  expect_eigenvectors(found$vectors, expected$vectors[, 1:4])
  expect_close(found$proportion, expected$values[1:4] / sum(expected$values))
  expect_close(apply(found$x, 2, stats::sd), found$sdev)
  expect_close(predict(found, x), found$x, 1e-6)
  expect_identical(predict(found), found$x)
  new <- x[1:4, ] + 0.1
  K_new <- dense_kernel(new, x, 1)
  centred <- (K_new - matrix(1 / 300, 4, 300) %*% K) %*% centre
  expect_close(abs(predict(found, new)), abs(centred %*% expected$vectors[, 1:4] / rep(sqrt(expected$values[1:4]), each = 4)), 1e-6)
  expect_output(print(found), "proportions of variance")
})

test_that("with the linear kernel it is prcomp()", {
  local_rkeops_options()
  data <- as.matrix(iris[c(1:20, 60:80, 120:140), 1:4])
  found <- kernel_pca(data, 4, function(x, y) x | y)
  expected <- stats::prcomp(data)
  expect_close(found$sdev, expected$sdev, 1e-6)
  expect_close(abs(found$x), abs(expected$x), 1e-5)
  expect_close(abs(predict(found, data[1:3, ] + 1)), abs(predict(expected, data[1:3, ] + 1)), 1e-5)
  expect_identical(dimnames(found$x), dimnames(expected$x))
  line <- cbind(data[, 1], 2 * data[, 1])
  expect_identical(is.nan(predict(kernel_pca(line, 2, function(x, y) x | y), line[1:2, ])[1, ]), c(PC1 = FALSE, PC2 = TRUE))
})

test_that("a restart keeps what was found, and what does not converge is told", {
  local_rkeops_options()
  slow <- gaussian_kernel(0.15)
  K <- dense_kernel(x, x, 0.15)
  expected <- eigen(K / sqrt(outer(rowSums(K), rowSums(K))), symmetric = TRUE)$values[1:2]
  found <- spectral(x, 2, slow, tol = 1e-9, max_products = 1000)
  expect_gt(found$products, 21)
  expect_close(found$values, expected, 1e-8)
  expect_warning(found <- spectral(x, 2, slow, max_products = 3), "residual", class = "rkeops_warning")
  expect_false(found$converged)
})

test_that("it is the same each time, does not touch random numbers, and works in float32", {
  local_rkeops_options()
  withr::with_seed(1, {
    exact <- spectral(x, 5, gaussian_kernel(1))
    seed <- .Random.seed
    expect_identical(spectral(x, 5, gaussian_kernel(1))$vectors, exact$vectors)
    expect_identical(.Random.seed, seed)
  })
  rkeops_use_float32()
  expect_close(spectral(x, 5, gaussian_kernel(1), tol = 1e-3)$values, exact$values, 1e-4)
})

test_that("RSpectra finds the same", {
  skip_if_not_installed("RSpectra")
  local_rkeops_options()
  multiply <- operator(gaussian_kernel(0.4)(Vi(x), Vj(x)))
  root <- sqrt(as.vector(multiply(rep(1, 300))))
  expected <- RSpectra::eigs_sym(function(v, args) as.vector(multiply(v / root)) / root, 5, n = 300)
  expect_close(spectral(x, 5, gaussian_kernel(0.4), tol = 1e-8)$values, expected$values)
})

test_that("bad input is a classed error", {
  local_rkeops_options()
  for (f in list(spectral, kernel_pca)) {
    refused <- function(..., kind = "argument") expect_error(f(...), class = paste0("rkeops_error_", kind))
    refused(x, 301, gaussian_kernel(1))
    refused(x, 0, gaussian_kernel(1))
    refused(x, 2)
    refused(x, 2, "gaussian")
    refused(x, 2, function(x, y) x - y)
    refused(x, 2, function(x, y) exp(sum(x) - sum(y)))
    refused(replace(x, 7, NA), 2, gaussian_kernel(1), kind = "input")
    refused(x, 2, function(x, y) log(sum(x - y)), kind = "input")
  }
  expect_error(spectral(x, 2, function(x, y) sum(x) * 0 - 1 + 0 * sum(y)), "degree", class = "rkeops_error_argument")
  expect_error(kernel_pca(rep(1, 5), 2, gaussian_kernel(1)), "no variance", class = "rkeops_error_argument")
  expect_error(predict(spectral(x, 2, gaussian_kernel(1)), x[, 1:2]), class = "rkeops_error_dimension")
  expect_error(predict(kernel_pca(x, 2, gaussian_kernel(1)), replace(x, 1, NA)), class = "rkeops_error_input")
})
