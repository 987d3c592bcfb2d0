# Tests by permutation: what depends on labels are products of one matrix, and permuted labels are its right-hand sides.

#' Two-sample and independence tests
#'
#' `mmd_test()` and `energy_test()` ask whether two samples come from the same distribution, `hsic_test()` whether two
#' variables that were observed together are independent. They see differences and dependence of any kind, in any number of
#' columns. The distribution under the null hypothesis is that of permuted labels: p-values are exact for any sample size.
#'
#' @details
#' * `mmd_test()`: the unbiased estimate of the squared maximum mean discrepancy: the mean of the kernel over pairs within
#'   `x` plus that within `y`, less twice that between them. `estimate` is the biased one, not squared.
#' * `energy_test()`: n m / (n + m) times the energy distance, twice the mean distance between the samples less the mean
#'   distances within them, as `energy::eqdist.etest()` has it.
#' * `hsic_test()`: n times the Hilbert-Schmidt independence criterion, trace(KHLH) / n, with Gaussian kernels K of `x` and
#'   L of `y`, and the centring H.
#'
#' The default kernel is Gaussian, exp(-r^2 / (2 s^2)), with the median distance of points for the bandwidth s; of more
#' than 1,000 points a random sample of 1,000 is taken for that.
#'
#' The p-value is (1 + number of permutations whose statistic is at least as large) / (B + 1). [set.seed()] makes it
#' reproducible. A permutation costs one product of the matrix of all pairs with a vector, many at a time; for
#' `hsic_test()` it costs one evaluation of L.
#'
#' @param x,y samples: matrices or data frames of numbers with one row for each point, or vectors. For the two-sample tests
#'   they have as many columns, for `hsic_test()` as many rows.
#' @param B number of permutations; 0: only the statistic.
#' @param bandwidth,bandwidth_x,bandwidth_y bandwidths of the kernels: a positive number, or one for each column. `NULL`:
#'   median distances.
#' @param kernel a symmetric positive definite function of two LazyTensors, such as `function(u, v) matern(u, v, 0.5)`,
#'   instead of the Gaussian kernel.
#' @return An object of class `htest`, with `statistic`; `p.value`, from 1 / (B + 1) to 1, `NA` if `B` is 0; `parameter`,
#'   the bandwidths; and `replicates`, the `B` statistics with permuted labels.
#'
#'   Errors: of class `rkeops_error_input` for missing or infinite values, or fewer than two points in a sample;
#'   `rkeops_error_argument` for bandwidths that are not positive, or if the median distance is 0;
#'   `rkeops_error_dimension` for shapes that do not go together.
#' @references A. Gretton, K. Borgwardt, M. Rasch, B. Schoelkopf, A. Smola (2012), A kernel two-sample test, *Journal of
#'   Machine Learning Research*, 13, 723-773. A. Gretton, O. Bousquet, A. Smola, B. Schoelkopf (2005), Measuring
#'   statistical dependence with Hilbert-Schmidt norms, *Algorithmic Learning Theory*, 63-77. G. J. Szekely, M. L. Rizzo
#'   (2004), Testing for equal distributions in high dimension, *InterStat*, 5. B. Phipson, G. K. Smyth (2010), Permutation
#'   p-values should never be zero, *Statistical Applications in Genetics and Molecular Biology*, 9, 39.
#' @seealso [stats::ks.test()] for one column; `vignette("densities-and-tests")`.
#' @concept two-sample test
#' @concept maximum mean discrepancy
#' @concept energy distance
#' @concept independence test
#' @concept HSIC
#' @concept permutation test
#' @concept kernel test
#' @examples
#' x <- matrix(rnorm(100), 50)
#' y <- matrix(rnorm(120, sd = 2), 60)
#' mmd_test(x, y)
#' energy_test(x, y)$p.value
#' hsic_test(cars$speed, cars$dist)$p.value
#' @export
mmd_test <- function(x, y, B = 999, bandwidth = NULL, kernel = NULL) {
  call <- sys.call()
  name <- paste(deparse1(substitute(x)), "and", deparse1(substitute(y)))
  z <- pooled(x, y, call, centre = is.null(kernel))
  B <- check_whole(B, "B", call, min = 0)
  if (is.null(kernel)) {
    bandwidth <- given_or_median(bandwidth, z$points, "bandwidth", call)
    kernel <- gaussian_of(bandwidth)
  } else if (!is.null(bandwidth)) {
    rkeops_abort("argument", "`bandwidth` is that of the Gaussian kernel, but a `kernel` is given", call = call,
                 argument = "bandwidth")
  } else if (!is.function(kernel)) {
    abort_argument("kernel", "a function of two LazyTensors", kernel, call)
  }
  K_ij <- kernel(Vi(z$points), Vj(z$points))
  if (!is.LazyTensor(K_ij) || K_ij$dimres != 1 || !all(dim(K_ij)[1:2] == nrow(z$points))) {
    abort_argument("kernel", "a function whose result is a LazyTensor of dimension 1 with the indices of both arguments",
                   K_ij, call)
  }
  found <- two_sample_sums(K_ij, z$n, B, call)
  n <- z$n
  m <- nrow(z$points) - n
  unbiased <- (found$xx - found$trace_x) / (n * (n - 1)) + (found$yy - found$trace_y) / (m * (m - 1)) - 2 * found$xy / (n * m)
  biased <- found$xx[1L] / n^2 + found$yy[1L] / m^2 - 2 * found$xy[1L] / (n * m)
  permutation_test(unbiased, "MMD^2", "Maximum mean discrepancy test of equal distributions", name,
                   "the distributions differ", parameter = bandwidths(bandwidth),
                   estimate = c("MMD (biased)" = sqrt(max(biased, 0))))
}

#' @rdname mmd_test
#' @export
energy_test <- function(x, y, B = 999) {
  call <- sys.call()
  name <- paste(deparse1(substitute(x)), "and", deparse1(substitute(y)))
  z <- pooled(x, y, call)
  B <- check_whole(B, "B", call, min = 0)
  found <- two_sample_sums(norm2(Vi(z$points) - Vj(z$points)), z$n, B, call)
  n <- z$n
  m <- nrow(z$points) - n
  statistic <- n * m / (n + m) * (2 * found$xy / (n * m) - found$xx / n^2 - found$yy / m^2)
  permutation_test(statistic, "E-statistic", "Energy test of equal distributions", name, "the distributions differ")
}

#' @rdname mmd_test
#' @export
hsic_test <- function(x, y, B = 999, bandwidth_x = NULL, bandwidth_y = NULL) {
  call <- sys.call()
  name <- paste(deparse1(substitute(x)), "and", deparse1(substitute(y)))
  x <- sample_of(x, "x", call)
  y <- sample_of(y, "y", call)
  n <- nrow(x)
  if (nrow(y) != n) {
    rkeops_abort("dimension", sprintf("`x` has %d points, `y` has %d", n, nrow(y)), call = call, argument = "y",
                 hint = "Row i of `x` and row i of `y` were observed together.")
  }
  B <- check_whole(B, "B", call, min = 0)
  h_x <- given_or_median(bandwidth_x, x, "bandwidth_x", call)
  h_y <- given_or_median(bandwidth_y, y, "bandwidth_y", call)
  u <- bandwidth_of(h_x, x, "bandwidth_x", call)$scale(x)
  v <- bandwidth_of(h_y, y, "bandwidth_y", call)$scale(y)
  K_ij <- exp(-sqdist(Vi(u), Vj(u)) / 2)
  k <- as.vector(sum(K_ij, index = "j"))
  l <- as.vector(sum(exp(-sqdist(Vi(v), Vj(v)) / 2), index = "j"))
  # Several permutations at a time: component p of the vector belongs to number p.
  statistics <- in_columns(B + 1, 16L, function(count, first) {
    places <- vapply(seq_len(count), function(p) if (first && p == 1L) seq_len(n) else sample.int(n), integer(n))
    places <- places[, pmin(seq_len(16L), count), drop = FALSE]
    D_ij <- Reduce(`+`, lapply(seq_len(ncol(v)), function(column) {
      permuted <- matrix(v[places, column], n)
      square(Vi(permuted) - Vj(permuted))
    }))
    traces <- as.vector(sum(K_ij * exp(-D_ij / 2), index = "ij"))
    both <- colSums(k * matrix(l[places], n))
    ((traces - 2 * both / n + sum(k) * sum(l) / n^2) / n)[seq_len(count)]
  })
  permutation_test(statistics, "n HSIC", "Hilbert-Schmidt test of independence", name, "the variables depend on each other",
                   parameter = c(bandwidths(h_x, "bandwidth of x"), bandwidths(h_y, "bandwidth of y")))
}

sample_of <- function(x, arg, call) {
  points <- points_of(x, arg, call)
  if (nrow(points) >= 2L) return(points)
  rkeops_abort("input", sprintf("`%s` must have at least two points", arg), call = call, argument = arg, got = "got 1")
}

# The points of both samples, around their middle for kernels of differences, and the number of those of x.
pooled <- function(x, y, call, centre = TRUE) {
  x <- sample_of(x, "x", call)
  y <- sample_of(points_beside(y, x, "y", "x", call), "y", call)
  points <- unname(rbind(x, y))
  list(points = if (centre) points - rep(colMeans(points), each = nrow(points)) else points, n = nrow(x))
}

gaussian_of <- function(h) {
  if (length(h) == 1L) function(u, v) exp(-sqdist(u, v) / (2 * h^2)) else function(u, v) exp(-sum(square((u - v) / h)) / 2)
}

given_or_median <- function(bandwidth, points, arg, call) {
  if (!is.null(bandwidth)) return(check_positive(bandwidth, arg, call, ncol(points)))
  if (nrow(points) > 1000L) points <- points[sample.int(nrow(points), 1000L), , drop = FALSE]
  distance <- stats::median(as.vector(stats::dist(points)))
  if (distance > 0) return(distance)
  rkeops_abort("argument", "most points coincide: their median distance is 0", call = call, argument = arg,
               hint = sprintf("Give `%s`.", arg))
}

bandwidths <- function(h, name = "bandwidth") {
  if (length(h) > 0L) stats::setNames(h, if (length(h) == 1L) name else paste(name, seq_along(h)))
}

# Sums of K over the pairs within x, between x and y, within y, for the labels as they are and for B permutations, and of
# its diagonal over x and over y. Only K times indicators of x has to be computed: the others follow from the sums of its
# rows.
two_sample_sums <- function(K_ij, n, B, call) {
  rows <- dim(K_ij)[1L]
  multiply <- new_operator(K_ij, 1L, call)
  entries <- as.vector(diag(K_ij))
  total <- NULL
  sums <- in_columns(B + 2, 64L, function(count, first) {
    labels <- matrix(0, rows, 64L)
    for (column in seq_len(count)) {
      members <- if (!first || column > 2L) sample.int(rows, n) else if (column == 1L) seq_len(rows) else seq_len(n)
      labels[members, column] <- 1
    }
    products <- multiply_prepared(multiply, labels, call)
    if (first) {
      total <<- products[, 1L]
      check_two_sample(products, labels, call)
    }
    used <- seq_len(count)
    cbind(xx = colSums(labels * products)[used], x_all = colSums(labels * total)[used],
          trace = colSums(labels * entries)[used])
  }, rbind)[-1L, , drop = FALSE]
  list(xx = sums[, "xx"], xy = sums[, "x_all"] - sums[, "xx"], yy = sum(total) - 2 * sums[, "x_all"] + sums[, "xx"],
       trace_x = sums[, "trace"], trace_y = sum(entries) - sums[, "trace"])
}

check_two_sample <- function(products, labels, call) {
  if (!all(is.finite(products))) {
    rkeops_abort("input", "the kernel has values that are not finite", call = call, argument = "kernel")
  }
  asymmetry <- max(abs(colSums(products) - colSums(labels * products[, 1L])))
  if (asymmetry <= 1e-4 * max(colSums(abs(products)))) return(invisible())
  rkeops_abort("argument", "`kernel` is not symmetric", call = call, argument = "kernel",
               hint = "kernel(u, v) must be kernel(v, u).")
}

# What `f(count, first)` gives for `size` columns in blocks of at most `width`, put together.
in_columns <- function(size, width, f, combine = c) {
  counts <- c(rep(width, size %/% width), if (size %% width > 0) size %% width)
  do.call(combine, lapply(seq_along(counts), function(k) f(counts[k], k == 1L)))
}

# `statistics`: that of the data, and those of the permutations. What differs by rounding is the same.
permutation_test <- function(statistics, label, method, name, alternative, parameter = NULL, estimate = NULL) {
  replicates <- statistics[-1L]
  rounding <- 1e-9 * max(abs(statistics))
  B <- length(replicates)
  p <- if (B > 0L) (1 + sum(replicates >= statistics[1L] - rounding)) / (B + 1) else NA_real_
  method <- sprintf("%s (%s permutations)", method, whole_text(B))
  structure(c(list(statistic = stats::setNames(statistics[1L], label)), if (!is.null(parameter)) list(parameter = parameter),
              list(p.value = p), if (!is.null(estimate)) list(estimate = estimate),
              list(alternative = alternative, method = method, data.name = name, replicates = replicates)), class = "htest")
}
