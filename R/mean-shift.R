# Modes of kernel densities, and the clusters that belong to them.

#' Mean shift: clusters as hills of a density
#'
#' Each point climbs the Gaussian kernel density of all points, by steps to the weighted mean of the points around it,
#' until it reaches a top, a mode of the density. Points that end at the same mode are a cluster. The number of clusters
#' follows from the bandwidth.
#'
#' @param x points: a matrix or data frame of numbers with one row for each, or a vector.
#' @param h bandwidth: as in [kde()].
#' @param tol a point has arrived when a step is shorter than `tol` bandwidths.
#' @param max_iterations largest number of steps.
#' @return An object of class `rkeops_mean_shift`, a list of
#'   * `cluster`: for each point the number of its mode, from 1, in the order of decreasing `size`;
#'   * `modes`: a matrix with one row for each mode, in the unit of `x`;
#'   * `size`: numbers of points; `iterations`: steps that the slowest point took; `h`: the bandwidth.
#'
#'   Ends less than 0.3 bandwidths apart are one mode. A warning of class `rkeops_warning` tells how many points had not
#'   arrived.
#'
#'   Errors: as [kde()].
#' @references K. Fukunaga, L. D. Hostetler (1975), The estimation of the gradient of a density function, *IEEE
#'   Transactions on Information Theory*, 21, 32-40.
#' @seealso [kde()], [stats::kmeans()]; `vignette("densities-and-tests")`.
#' @concept mean shift
#' @concept clustering
#' @concept mode seeking
#' @concept density estimation
#' @examples
#' found <- mean_shift(faithful, h = c(0.4, 6))
#' found
#' plot(faithful, col = found$cluster)
#' @export
mean_shift <- function(x, h, tol = 1e-5, max_iterations = 1000) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  bandwidth <- bandwidth_of(if (missing(h)) abort_missing("h", call) else h, x, "h", call)
  tol <- check_number(tol, "tol", call, 0)
  max_iterations <- check_whole(max_iterations, "max_iterations", call, min = 1)
  points <- unname(bandwidth$scale(x))
  ends <- points
  to <- Vj(points)
  open <- seq_len(nrow(x))
  iterations <- 0
  while (length(open) > 0L && iterations < max_iterations) {
    from <- ends[open, , drop = FALSE]
    ends[open, ] <- sumsoftmaxweight(-sqdist(Vi(from), to) / 2, index = "j", to)
    open <- open[rowSums((ends[open, , drop = FALSE] - from)^2) > tol^2]
    iterations <- iterations + 1
  }
  if (length(open) > 0L) {
    rkeops_warn(sprintf("%.0f of %.0f points had not arrived after %.0f steps\n%s A larger `max_iterations` or `tol` helps.",
                        length(open), nrow(x), iterations, cli::symbol$info), call)
  }
  cluster <- connected(ends, 0.3)
  size <- tabulate(cluster)
  falling <- order(-size)
  cluster <- match(cluster, falling)
  # In the unit of x: one more step of one point of each cluster.
  first <- match(seq_along(size), cluster)
  modes <- unname(sumsoftmaxweight(-sqdist(Vi(ends[first, , drop = FALSE]), to) / 2, index = "j", Vj(unname(x))))
  colnames(modes) <- colnames(x)
  structure(list(cluster = stats::setNames(cluster, rownames(x)), modes = modes, size = size[falling],
                 iterations = iterations, h = h), class = "rkeops_mean_shift")
}

# Numbers of the components of points that chains of steps below `radius` connect.
connected <- function(points, radius) {
  near_ij <- sqdist(Vi(points), Vj(points)) < radius^2
  label <- as.numeric(seq_len(nrow(points)))
  repeat {
    smallest <- as.vector(min(ifelse(near_ij, Vj(label), nrow(points) + 1), index = "j"))
    if (identical(smallest, label)) return(match(label, unique(label)))
    label <- smallest
  }
}

#' @export
print.rkeops_mean_shift <- function(x, ...) {
  cat(sprintf("Mean shift: %s points, %s %s, %.0f steps\n", whole_text(length(x$cluster)), whole_text(length(x$size)),
              if (length(x$size) == 1L) "mode" else "modes", x$iterations))
  cat(bandwidth_text(x$h))
  shown <- seq_len(min(10L, length(x$size)))
  print(cbind(x$modes[shown, , drop = FALSE], size = x$size[shown]), digits = 4L)
  if (length(x$size) > 10L) cat(sprintf("... and %s smaller ones\n", whole_text(length(x$size) - 10)))
  invisible(x)
}
