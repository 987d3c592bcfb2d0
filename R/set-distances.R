#' Distances of sets of points
#'
#' The Hausdorff distance of two sets is the largest distance from a point of either to the nearest of the other. The
#' chamfer distance is the mean of these distances over the points of one set plus that over the other. Both are computed
#' from all pairs, exactly.
#'
#' @param x,y points: matrices or data frames of numbers with one row for each point and as many columns, or vectors.
#' @param directed `TRUE`: only from the points of `x` to their nearest of `y`.
#' @param squared `TRUE`: means of squared distances.
#' @return A number, at least 0, in the unit of the points (or its square). Errors: of class `rkeops_error_input` for
#'   missing or infinite values, `rkeops_error_dimension` if there are not as many columns.
#' @seealso [argmin()] for where the nearest points are; `vignette("densities-and-tests")`.
#' @concept Hausdorff distance
#' @concept chamfer distance
#' @concept point clouds
#' @concept shapes
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(30), 15)
#' hausdorff(x, y)
#' chamfer(x, y)
#' @export
hausdorff <- function(x, y, directed = FALSE) {
  call <- sys.call()
  nearest <- nearest_squares(x, y, directed, call)
  sqrt(max(vapply(nearest, max, 0)))
}

#' @rdname hausdorff
#' @export
chamfer <- function(x, y, directed = FALSE, squared = FALSE) {
  call <- sys.call()
  check_flag(squared, "squared", call)
  nearest <- nearest_squares(x, y, directed, call)
  sum(vapply(nearest, function(squares) mean(if (squared) squares else sqrt(squares)), 0))
}

# Squared distances to the nearest points, from x and, unless `directed`, from y.
nearest_squares <- function(x, y, directed, call) {
  x <- points_of(x, "x", call)
  y <- points_beside(y, x, "y", "x", call)
  check_flag(directed, "directed", call)
  middle <- colMeans(x)
  D_ij <- sqdist(Vi(x - rep(middle, each = nrow(x))), Vj(y - rep(middle, each = nrow(y))))
  c(list(min(D_ij, index = "j")), if (!directed) list(min(D_ij, index = "i")))
}
