# Neighbours within a radius, and clusters of points that have many of them.

#' Neighbours within a radius, and clusters by density
#'
#' `frnn()` finds all rows of `x` within the distance `eps` of each row of `query`, or of each row of `x` among the
#' others. `dbscan_lazy()` finds clusters by the algorithm DBSCAN: *core points* are those with at least `minPts` points
#' within `eps`, themselves included; core points within `eps` of each other are in the same cluster; other points
#' within `eps` of a core point, the *border*, are in its cluster; all else is noise.
#'
#' They are shaped like `frNN()` and `dbscan()` of the package dbscan and give the same results: `frnn()` up to the
#' order of neighbours at equal distances, which is that of their row numbers here, and `dbscan_lazy()` with the same
#' numbers of clusters, which are in the order of their first core points. A border point near several clusters is in
#' the one with the smallest number. What they return can be given to the functions of that package.
#'
#' The pairs within `eps` are stored, for `dbscan_lazy()` those of core points. Where these are more than `max_pairs`,
#' `dbscan_lazy()` works without storing them, which takes a few passes over the neighbours instead.
#'
#' @param x points as rows: a numeric matrix or data frame, or a vector for one column.
#' @param eps radius, a positive number, in units of the distance (metres for `"haversine"`). Points at exactly this
#'   distance are neighbours, as far as rounding tells.
#' @param query points whose neighbours are wanted. `NULL`: those of `x`, each without itself.
#' @param sort `TRUE`: neighbours are in the order of their distances; else in that of their row numbers.
#' @param metric the distance, as for [knn()].
#' @param max_pairs at most so many pairs are stored: see [pairs_where()].
#' @param minPts how many points within `eps` make a point a core point, itself included.
#' @param borderPoints `FALSE`: border points are noise.
#' @return `frnn()`: a list of class `frNN` with the lists `id` and `dist`, which have an integer and a numeric vector
#'   for each point; `eps` and `sort`. `dbscan_lazy()`: a list of class `dbscan` with the integer vector `cluster` (0 is
#'   noise), `eps`, `minPts`, `dist` (the name of the distance) and `borderPoints`.
#'
#'   Errors: of class `rkeops_error_argument` if `eps` is not positive; `rkeops_error_input` for missing or infinite
#'   values; `rkeops_error_memory` if there are more pairs than `max_pairs`.
#' @seealso [knn()], [pairs_where()]; `vignette("neighbours-and-clusters")`.
#' @references M. Ester, H.-P. Kriegel, J. Sander and X. Xu (1996), A density-based algorithm for discovering clusters
#'   in large spatial databases with noise, *Proceedings of KDD-96*, 226-231.
#' @concept fixed radius
#' @concept clustering
#' @concept DBSCAN
#' @concept density-based clustering
#' @concept connected components
#' @examples
#' x <- rbind(matrix(rnorm(60, sd = 0.3), 30), matrix(rnorm(60, mean = 2, sd = 0.3), 30), c(5, 5))
#' near <- frnn(x, eps = 0.5)
#' lengths(near$id)
#' near$id[[1]]
#' dbscan_lazy(x, eps = 0.5, minPts = 5)
#' @export
frnn <- function(x, eps, query = NULL, sort = TRUE, metric = "euclidean", max_pairs = 1e8) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  eps <- check_positive(eps, "eps", call)
  check_flag(sort, "sort", call)
  named <- if (is.null(query)) x else points_beside(query, x, "query", "x", call)
  metric <- metric_of(metric, call)
  points <- metric$points(x, "x", call)
  from <- if (is.null(query)) points else metric$points(named, "query", call)
  values <- search_pairs(metric, from, points, !is.null(query), call)
  found <- find_pairs(values <= metric$value(eps), values, 1L, "metric", NULL, max_pairs, call)
  row <- rep.int(seq_len(nrow(from)), diff(found$first))
  distance <- metric$distance(found$value)
  if (sort) {
    order <- order(row, distance, method = "radix")
    found$column <- found$column[order]
    distance <- distance[order]
  }
  by_row <- structure(row, levels = as.character(seq_len(nrow(from))), class = "factor")
  parts <- lapply(list(dist = distance, id = found$column), function(v) stats::setNames(split(v, by_row), rownames(named)))
  structure(c(parts, list(eps = eps, sort = sort)), class = c("rkeops_frnn", "frNN", "NN"))
}

#' @export
print.rkeops_frnn <- function(x, ...) {
  sizes <- lengths(x$id)
  cat(sprintf("Neighbours within %s of %s points: %s in all, from %s to %s for a point\n", number_text(x$eps),
              whole_text(length(sizes)), whole_text(sum(sizes)), whole_text(min(sizes)), whole_text(max(sizes))))
  invisible(x)
}

#' @rdname frnn
#' @export
dbscan_lazy <- function(x, eps, minPts = 5, borderPoints = TRUE, metric = "euclidean", max_pairs = 1e8) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  eps <- check_positive(eps, "eps", call)
  minPts <- check_whole(minPts, "minPts", call, min = 1)
  check_flag(borderPoints, "borderPoints", call)
  chosen <- metric_of(metric, call)
  points <- chosen$points(x, "x", call)
  near <- function(i, j) {
    search_pairs(chosen, points[i, , drop = FALSE], points[j, , drop = FALSE], TRUE, call) <= chosen$value(eps)
  }
  all <- seq_len(nrow(x))
  count <- sum(near(all, all), index = "j")[, 1L]
  core <- which(count >= minPts)
  cluster <- integer(nrow(x))
  if (length(core) > 0L) {
    is_near <- near(core, core)
    component <- if (sum(count[core]) > max_pairs) components_in_passes(is_near, length(core)) else
      components_of(find_pairs(is_near, NULL, 1L, "metric", NULL, max_pairs, call))
    cluster[core] <- match(component, sort(unique(component)))
    border <- if (borderPoints) setdiff(all, core)
    if (length(border) > 0L) {
      first <- min(ifelse.LazyTensor(near(border, core), Vj(matrix(cluster[core])), Inf), index = "j")[, 1L]
      cluster[border] <- as.integer(ifelse.default(is.finite(first), first, 0))
    }
  }
  structure(list(cluster = cluster, eps = eps, minPts = minPts, dist = if (is.function(metric)) "function" else metric,
                 borderPoints = borderPoints), class = c("rkeops_dbscan", "dbscan_fast", "dbscan"))
}

#' @export
print.rkeops_dbscan <- function(x, ...) {
  sizes <- table(x$cluster, dnn = NULL)
  cat(sprintf("DBSCAN of %s points: eps = %s, minPts = %s\n%s clusters, %s points are noise (cluster 0)\n",
              whole_text(length(x$cluster)), number_text(x$eps), whole_text(x$minPts), whole_text(max(0L, x$cluster)),
              whole_text(sum(x$cluster == 0L))))
  print(sizes)
  invisible(x)
}

# The smallest number in the connected component of each row of a graph, all edges of which are given. Trees of rows whose
# numbers decrease towards the root: edges between trees hang one root below the other, then all rows go below their roots. At
# first each row hangs below its smallest neighbour, or itself.
components_of <- function(pairs) {
  rows <- seq_len(length(pairs$first) - 1L)
  root <- hung(rows, rows, pairs$column[pairs$first[rows] + 1])
  from <- rep.int(rows, diff(pairs$first))
  to <- pairs$column
  repeat {
    apart <- which(root[from] != root[to])
    if (length(apart) == 0L) return(root)
    from <- from[apart]
    to <- to[apart]
    root <- hung(root, pmax(root[from], root[to]), pmin(root[from], root[to]))
  }
}

# The same, without the edges: each pass gives every row the smallest root among its neighbours.
components_in_passes <- function(is_near, rows) {
  root <- seq_len(rows)
  repeat {
    smallest <- as.integer(min(ifelse.LazyTensor(is_near, Vj(matrix(as.double(root))), Inf), index = "j")[, 1L])
    apart <- smallest < root
    if (!any(apart)) return(root)
    root <- hung(root, root[apart], smallest[apart])
  }
}

hung <- function(root, upper, lower) {
  root[upper] <- lower
  while (any(root[root] != root)) root <- root[root]
  root
}
