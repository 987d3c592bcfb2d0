# Leading eigenvectors of kernel matrices, by products alone.

#' Leading eigenvectors of kernel matrices
#'
#' `spectral()` gives the `k` largest eigenvalues of the normalised kernel matrix `D^-1/2 K D^-1/2` and their eigenvectors; K
#' has the kernel of each pair of points, and D the row sums of K. They are the coordinates of spectral clustering, Laplacian
#' eigenmaps and diffusion maps. `kernel_pca()` gives principal components in the space of features of the kernel:
#' [stats::prcomp()] for `kernel = function(x, y) x | y`, and curved ones for others.
#'
#' The matrix is never stored. The span of a block of vectors and its products with the matrix grows by one product after the
#' other, each with all columns of the block, until the residuals of the `k` pairs that are best in it are at most `tol` times
#' the largest eigenvalue. The farther the eigenvalues are apart, the fewer products. Memory is needed for up to 22 (k + 2)
#' vectors.
#'
#' The largest eigenvalue of `spectral()` is 1 for kernels that are not negative, its eigenvector the square root of the
#' degrees; it is there as often as there are groups of points that the kernel does not connect.
#'
#' @param x a matrix or data frame with a point in each row, or a vector of numbers.
#' @param k how many.
#' @param kernel a symmetric function of points as LazyTensors, for example `function(x, y) exp(-sqdist(x, y) / 2)`.
#' @param tol largest residual, relative to the largest eigenvalue.
#' @param max_products largest number of products with the matrix.
#' @param object,newdata for `predict()`: what these functions gave, and points; without them those of the data.
#' @param ... not used.
#' @return `spectral()`: an object of class `rkeops_spectral`, a list of `values`, in decreasing order; `vectors`, in columns
#'   of length 1; `degree`, the row sums of K; `residual`, the norms of `A v - value v`; `products` and `converged`.
#'   `predict()` continues the vectors to other points (Nystroem's formula); it gives NaN where the eigenvalue is not above
#'   rounding.
#'
#'   `kernel_pca()`: an object of class `rkeops_kernel_pca`, a list of `sdev`, standard deviations; `x`, the scores of the
#'   points, one column for each component; `proportion`, of the variance in feature space; and `values`, `vectors`,
#'   `residual`, `products`, `converged` of the centred kernel matrix. `predict()` gives scores of other points.
#'
#'   Signs are such that the largest entry of each vector is positive. Errors: of class `rkeops_error_argument` if `k` is
#'   larger than the number of points, if the kernel is not symmetric, a degree is not positive, or all points are the same;
#'   `rkeops_error_input` for missing values, and kernels that give any. A warning of class `rkeops_warning` tells the residual
#'   if `tol` was not reached.
#' @references A. Y. Ng, M. I. Jordan, Y. Weiss (2001), On spectral clustering: analysis and an algorithm, *NeurIPS*.
#' @references B. Schoelkopf, A. Smola, K.-R. Mueller (1998), Nonlinear component analysis as a kernel eigenvalue problem,
#'   *Neural Computation* 10.
#' @seealso [operator()] for other eigenvalue methods, [kmeans_lazy()]; `vignette("transport-and-spectral")`.
#' @concept spectral clustering
#' @concept eigenvectors
#' @concept eigenvalues
#' @concept kernel PCA
#' @concept principal components
#' @concept diffusion map
#' @concept Laplacian eigenmaps
#' @concept Nystroem
#' @concept Lanczos
#' @examples
#' angle <- runif(200, 0, 2 * pi)
#' x <- cbind(cos(angle), sin(angle)) * rep(c(1, 2), 100) + rnorm(400) / 20
#' fit <- spectral(x, 2, function(x, y) exp(-sqdist(x, y) / (2 * 0.2^2)))
#' fit
#' # spectral clustering: two rings
#' table(kmeans_lazy(fit$vectors / sqrt(rowSums(fit$vectors^2)), 2, nstart = 5)$cluster, rep(1:2, 100))
#'
#' pca <- kernel_pca(x, 2, function(x, y) exp(-sqdist(x, y) / 2))
#' pca
#' predict(pca, x[1:3, ])
#' @export
spectral <- function(x, k, kernel, tol = 1e-6, max_products = 100) {
  call <- sys.call()
  task <- kernel_task(x, k, kernel, tol, max_products, call)
  degree <- as.vector(multiply_prepared(task$multiply, rep(1, nrow(task$x)), call))
  check_degree(degree, call)
  scale <- 1 / sqrt(degree)
  found <- leading_eigenvectors(task, function(v) scale * multiply_prepared(task$multiply, scale * v, call), sqrt(degree))
  rownames(found$vectors) <- names(degree) <- rownames(task$x)
  structure(c(found[c("values", "vectors")], list(degree = degree), found[c("residual", "products", "converged")]),
            class = "rkeops_spectral", parts = task[c("x", "kernel")])
}

#' @rdname spectral
#' @export
kernel_pca <- function(x, k, kernel, tol = 1e-6, max_products = 100) {
  call <- sys.call()
  task <- kernel_task(x, k, kernel, tol, max_products, call)
  n <- nrow(task$x)
  means <- as.vector(multiply_prepared(task$multiply, rep(1 / n, n), call))
  if (!all(is.finite(means))) abort_kernel_values(call)
  trace <- sum(as.array(task$kernel(Vi(task$x), Vi(task$x))))
  total <- trace - n * mean(means)
  if (total <= rounding() * abs(trace)) {
    rkeops_abort("argument", "there is no variance: all points are the same to the kernel", call = call, argument = "x")
  }
  centred <- function(v) v - rep(colMeans(v), each = n)
  multiply <- function(v) centred(multiply_prepared(task$multiply, centred(v), call))
  found <- leading_eigenvectors(task, multiply, means - mean(means))
  values <- pmax(found$values, 0)
  scores <- found$vectors * rep(sqrt(values), each = n)
  dimnames(scores) <- list(rownames(task$x), paste0("PC", seq_along(values)))
  structure(c(list(sdev = sqrt(values / (n - 1)), x = scores, proportion = values / total), found),
            class = "rkeops_kernel_pca", parts = c(task[c("x", "kernel")], list(means = means)))
}

# Checked arguments, and the operator of the kernel matrix.
kernel_task <- function(x, k, kernel, tol, max_products, call) {
  x <- points_of(x, "x", call)
  k <- check_whole(k, "k", call, min = 1, max = nrow(x))
  if (missing(kernel)) abort_missing("kernel", call)
  if (!is.function(kernel)) abort_argument("kernel", "a function of points x and y", kernel, call)
  K <- kernel(Vi(x), Vj(x))
  if (!is.LazyTensor(K) || is.ComplexLazyTensor(K) || K$dimres != 1) {
    abort_argument("kernel", "a function that gives a real LazyTensor of dimension 1", K, call,
                   hint = "kernel(x, y): function(x, y) exp(-sqdist(x, y) / 2).")
  }
  list(x = x, k = k, kernel = kernel, multiply = new_operator(K, 1L, call), tol = check_number(tol, "tol", call, 0),
       max_products = check_whole(max_products, "max_products", call, min = 1), call = call)
}

check_degree <- function(degree, call) {
  bad <- which(!(is.finite(degree) & degree > 0))[1L]
  if (is.na(bad)) return(invisible())
  if (!is.finite(degree[bad])) abort_kernel_values(call)
  rkeops_abort("argument", "every point needs a positive degree, the sum of its row of the kernel matrix", call = call,
               argument = "kernel", got = sprintf("%s in row %d", number_text(degree[bad]), bad),
               hint = "Leave out points that no other is near, or take a larger lengthscale.")
}

abort_kernel_values <- function(call) {
  rkeops_abort("input", "`kernel` gives values that are missing or infinite", call = call, argument = "kernel")
}

# The k largest eigenvalues of a symmetric matrix, of which `multiply` gives products with a few columns: block Lanczos with the
# whole basis kept orthogonal, Rayleigh-Ritz in it, and a restart where it grows large. `first` is a good guess.
leading_eigenvectors <- function(task, multiply, first) {
  n <- nrow(task$x)
  block <- cbind(first, noise_columns(n, min(n, task$k + 2) - 1L))
  width <- ncol(block)
  basis <- images <- matrix(0, n, 0L)
  inner <- matrix(0, 0L, 0L)
  block <- new_directions(block, basis)
  for (products in seq_len(task$max_products)) {
    image <- multiply(block)
    if (!all(is.finite(image))) abort_kernel_values(task$call)
    across <- crossprod(basis, image)
    own <- crossprod(block, image)
    if (products == 1L) check_symmetric_block(own, task$call)
    inner <- rbind(cbind(inner, across), cbind(t(across), (own + t(own)) / 2))
    basis <- cbind(basis, block)
    images <- cbind(images, image)
    pairs <- eigen(inner, symmetric = TRUE)
    take <- seq_len(min(task$k, ncol(basis)))
    vectors <- basis %*% pairs$vectors[, take, drop = FALSE]
    residuals <- images %*% pairs$vectors[, take, drop = FALSE] - vectors * rep(pairs$values[take], each = n)
    residual <- sqrt(colSums(residuals^2))
    converged <- length(take) == task$k && all(residual <= task$tol * abs(pairs$values[1L]))
    if (converged) break
    block <- new_directions(image, basis)
    if (ncol(block) == 0L) break
    if (ncol(basis) > 10L * width) {                # go on from the best ones
      kept <- pairs$vectors[, seq_len(3L * width)]
      basis <- basis %*% kept
      images <- images %*% kept
      inner <- diag(pairs$values[seq_len(3L * width)])
    }
  }
  if (!converged) {
    rkeops_warn(sprintf(
      "no convergence after %d products: the largest residual is %s\n%s A larger `max_products` or `tol` helps.",
      products, number_text(max(residual), 2L), cli::symbol$info
    ), task$call)
  }
  largest <- vectors[cbind(max.col(t(abs(vectors)), ties.method = "first"), take)]
  list(values = pairs$values[take], vectors = vectors * rep(sign(largest), each = n), residual = residual, products = products,
       converged = converged)
}

# Orthonormal columns of the span of `block`, less that of `basis`; what is only rounding is left out.
new_directions <- function(block, basis) {
  for (twice in 1:2) {
    if (ncol(basis) > 0L) block <- block - basis %*% crossprod(basis, block)
    found <- svd(block, nv = 0L)
    block <- found$u[, found$d > 1e-10 * max(found$d, 1e-300), drop = FALSE]
  }
  block
}

# Columns that have nothing to do with the data (and not with R's random numbers).
noise_columns <- function(rows, columns) {
  matrix((sin(seq_len(rows * columns) * 12.9898) * 43758.5453) %% 1 - 0.5, rows, columns)
}

# Eigenvalues below this part of the largest one are 0 for all that is known.
rounding <- function() if (current_options()$precision == "float64") 1e-10 else 1e-5
inverse_where_known <- function(values) ifelse.default(values > rounding() * max(values), 1 / values, NaN)

check_symmetric_block <- function(inner, call) {
  if (max(abs(inner - t(inner))) <= 100 * rounding() * max(abs(inner))) return(invisible())
  rkeops_abort("argument", "`kernel` is not symmetric", call = call, argument = "kernel",
               hint = "kernel(x, y) must be kernel(y, x).")
}

# ---- methods

#' @rdname spectral
#' @export
predict.rkeops_spectral <- function(object, newdata, ...) {
  call <- call_of("predict", sys.call())
  if (missing(newdata)) return(object$vectors)
  products <- new_products(object, newdata, cbind(1, object$vectors / sqrt(object$degree)), call)
  check_degree(products[, 1L], call)
  products[, -1L, drop = FALSE] / sqrt(products[, 1L]) * rep(inverse_where_known(object$values), each = nrow(products))
}

#' @rdname spectral
#' @export
predict.rkeops_kernel_pca <- function(object, newdata, ...) {
  call <- call_of("predict", sys.call())
  if (missing(newdata)) return(object$x)
  directions <- object$vectors * rep(sqrt(inverse_where_known(object$values)), each = nrow(object$vectors))
  scores <- new_products(object, newdata, directions, call)
  scores <- scores - rep(crossprod(attr(object, "parts")$means, directions), each = nrow(scores))
  colnames(scores) <- colnames(object$x)
  scores
}

# Products of the kernel matrix of new points (i) and those of the data (j).
new_products <- function(object, newdata, v, call) {
  parts <- attr(object, "parts")
  parts$kernel(Vi(points_beside(newdata, parts$x, "newdata", "x", call)), Vj(unname(parts$x))) %*% unname(v)
}

#' @export
print.rkeops_spectral <- function(x, ...) {
  print_eigenvalues("rkeops_spectral", x, x$values, "eigenvalues")
}

#' @export
print.rkeops_kernel_pca <- function(x, ...) {
  print_eigenvalues("rkeops_kernel_pca", x, x$proportion, "proportions of variance")
}

print_eigenvalues <- function(class, x, shown, what) {
  cat("<", class, "> of ", whole_text(nrow(x$vectors)), " points\n  ", what, ": ",
      paste(vapply(utils::head(shown, 10L), number_text, "", 4L), collapse = ", "), if (length(shown) > 10L) ", ...", "\n  ",
      if (x$converged) "converged" else "not converged", ": largest residual ", number_text(max(x$residual), 2L), ", ",
      x$products, if (x$products == 1) " product\n" else " products\n", sep = "")
  invisible(x)
}
