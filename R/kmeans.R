# k-means and its relatives: the nearest centre is an argmin over centres, the rest is plain R.

#' k-means of many points and many clusters
#'
#' `kmeans_lazy()` gives what [stats::kmeans()] gives, by Lloyd's algorithm: each point goes to its nearest centre, each centre
#' to the mean of its points, until nothing changes. From the same start it takes the same steps as `kmeans(algorithm =
#' "Lloyd")`, in less time the more clusters there are.
#'
#' The default of [stats::kmeans()] is another algorithm, that of Hartigan and Wong, which also moves single points where that
#' lowers the sum of squares. Where it ends, Lloyd's algorithm ends too, but not the other way round: its sums of squares can be
#' a little larger. Both find local minima that depend on the start, so take several (`nstart`), or the default of `init`.
#'
#' **Start.** `init = "++"` is k-means++: each centre is a point drawn with a probability in proportion to its cost (the square
#'   of its distance) to the nearest of those before it. Candidates are drawn in batches, and thinned out so that this is their
#'   distribution exactly; all points are passed over about `log2(centers)` times. `"random"` draws points as [stats::kmeans()]
#'   does. Both follow [set.seed()].
#'
#' **Empty clusters.** A centre that is nearest to no point moves to the point that is farthest from its own centre, as often as
#' needed, and a warning names the cluster. ([stats::kmeans()] leaves `NaN` there, or stops.) Where all points are at centres
#' already, as with more centres than distinct points, the centre stays where it is, and its cluster is empty.
#'
#' **Metrics.** `"manhattan"` takes sums of absolute differences, for which medians are best: k-medians. A function of points
#'   and centres as LazyTensors gives any other cost, and centres are means, which is best for squared distances and all
#'   Bregman divergences, such as Kullback and Leibler's: `function(x, c) sum(x * log(x / c) - x + c)`. For others costs can go
#'   up from one step to the next.
#'
#' @param x a matrix or data frame with a point in each row, or a vector of numbers.
#' @param centers the number of clusters, or a matrix of centres to start from.
#' @param iter.max largest number of steps.
#' @param nstart how many starts to try; the best result is taken. With a matrix of centres there is one.
#' @param init `"++"` or `"random"`, how centres are drawn.
#' @param metric `"euclidean"`, `"manhattan"`, or a function that gives the cost of points and centres.
#' @param object,newdata for `predict()`: what `kmeans_lazy()` gave, and points whose clusters are asked for; without them those
#'   of the data.
#' @param ... not used.
#' @return An object of classes `kmeans_lazy` and `kmeans`, with the components of [stats::kmeans()]: `cluster`, `centers`,
#'   `totss`, `withinss`, `tot.withinss`, `betweenss`, `size`, `iter`, and `ifault`, 0 or 2 if `iter.max` steps did not
#'   suffice. Sums of squares are sums of costs for other metrics; `totss` is that of one cluster. Besides, `metric`.
#'   `print()`, `fitted()` and `predict()` have methods.
#'
#'   Errors: of class `rkeops_error_argument` for more centres than points or distinct points, and centres that are not
#'   distinct; `rkeops_error_input` for missing values, and metrics that give any; `rkeops_error_dimension` if centres have
#'   other columns. Warnings of class `rkeops_warning` for empty clusters, and where the algorithm did not converge.
#' @references S. P. Lloyd (1982), Least squares quantization in PCM, *IEEE Transactions on Information Theory* 28.
#' @references D. Arthur, S. Vassilvitskii (2007), k-means++: the advantages of careful seeding, *SODA*.
#' @references A. Banerjee, S. Merugu, I. S. Dhillon, J. Ghosh (2005), Clustering with Bregman divergences, *JMLR* 6.
#' @seealso [argmin()], [spectral()] for clusters of other shapes; `vignette("neighbours-and-clusters")`.
#' @concept k-means
#' @concept k-means++
#' @concept k-medians
#' @concept clustering
#' @concept vector quantization
#' @concept Lloyd's algorithm
#' @examples
#' x <- as.matrix(iris[1:4])
#' fit <- kmeans_lazy(x, 3, nstart = 5)
#' fit
#' table(iris$Species, fit$cluster)
#' predict(fit, x[1:3, ] + 0.1)
#'
#' # the same start, the same steps
#' same <- kmeans(x, x[c(1, 51, 101), ], algorithm = "Lloyd")
#' all.equal(kmeans_lazy(x, x[c(1, 51, 101), ])$centers, same$centers)
#'
#' kmeans_lazy(x, 3, metric = "manhattan")$centers      # medians
#' @export
kmeans_lazy <- function(x, centers, iter.max = 10, nstart = 1, init = "++", metric = "euclidean") {
  call <- sys.call()
  x <- points_of(x, "x", call)
  if (missing(centers)) abort_missing("centers", call, "Give the number of clusters, or a matrix of centres.")
  given <- length(centers) != 1L
  start <- if (given) check_centers(centers, x, call)
  k <- if (given) nrow(start) else check_whole(centers, "centers", call, min = 1, max = nrow(x))
  iter.max <- check_whole(iter.max, "iter.max", call, min = 1)
  nstart <- check_whole(nstart, "nstart", call, min = 1)
  check_choice(init, c("++", "random"), "init", call)
  task <- list(x = x, x_i = Vi(x), metric = clustering_metric(metric, call), iter.max = iter.max, call = call)
  best <- NULL
  for (attempt in seq_len(if (given) 1L else nstart)) {
    if (!given) start <- x[if (init == "++") draw_seeds(task, k) else draw_points(x, k, call), , drop = FALSE]
    found <- lloyd(task, start)
    if (is.null(best) || sum(found$withinss) < sum(best$withinss)) best <- found
  }
  warn_of_clusters(best, iter.max, call)
  total <- sum(nearest_centre(task, task$metric$centres(x, rep(1L, nrow(x)), nrow(x)))$cost)
  dimnames(best$centres) <- list(seq_len(k), colnames(x))
  within <- sum(best$withinss)
  structure(list(
    cluster = stats::setNames(best$cluster, rownames(x)), centers = best$centres, totss = total, withinss = best$withinss,
    tot.withinss = within, betweenss = total - within, size = best$size, iter = best$iter,
    ifault = if (best$iter > iter.max) 2L else 0L, metric = metric
  ), class = c("kmeans_lazy", "kmeans"))
}

check_centers <- function(centers, x, call) {
  centers <- points_beside(centers, x, "centers", "x", call)
  if (nrow(centers) > nrow(x)) {
    rkeops_abort("argument", sprintf("`centers` has %d rows, `x` has only %d", nrow(centers), nrow(x)), call = call,
                 argument = "centers")
  }
  twice <- which(duplicated(centers))
  if (length(twice) == 0L) return(centers)
  rkeops_abort("argument", "`centers` must be distinct", call = call, argument = "centers",
               got = sprintf("row %d is equal to one before it", twice[1L]))
}

# `cost` of points and centres as LazyTensors; `centres(x, cluster, size)`: the best ones for the clusters, one row each.
clustering_metric <- function(metric, call) {
  if (is.function(metric)) return(list(cost = metric, centres = cluster_means))
  switch(check_choice_or_function(metric, c("euclidean", "manhattan"), "metric", call),
    euclidean = list(cost = sqdist, centres = cluster_means),
    manhattan = list(cost = function(x, c) sum(abs(x - c)), centres = cluster_medians)
  )
}

check_choice_or_function <- function(x, choices, arg, call) {
  if (is.character(x) && length(x) == 1L && x %in% choices) return(x)
  abort_argument(arg, paste(paste0("\"", choices, "\"", collapse = ", "), "or a function of points and centres"), x, call)
}

# Rows of empty clusters are NaN.
cluster_means <- function(x, cluster, size) {
  sums <- matrix(0, length(size), ncol(x))
  sums[size > 0, ] <- rowsum(x, cluster)
  sums / size
}

cluster_medians <- function(x, cluster, size) {
  last <- cumsum(size)
  low <- pmax(last - size %/% 2, 1)
  high <- pmin(last - (size + 1) %/% 2 + 1, nrow(x))
  medians <- vapply(seq_len(ncol(x)), function(column) {
    sorted <- x[order(cluster, x[, column]), column]
    (sorted[low] + sorted[high]) / 2
  }, numeric(length(size)))
  medians <- matrix(medians, length(size))
  medians[size == 0, ] <- NaN
  medians
}

# The cost of each point to its nearest centre, and the number of that.
nearest_centre <- function(task, centres) {
  cost_ij <- cost_of(task, Vj(centres))
  found <- reduce_lazytensor(cost_ij, "Min_ArgMin", "j", call = task$call)
  cluster <- as.vector(found$position) + (1L - index_base())
  if (anyNA(cluster)) {
    rkeops_abort("input", sprintf("`metric` gives no number for row %d of `x`", which(is.na(cluster))[1L]), call = task$call,
                 argument = "metric", hint = "For the logarithm, for example, all values have to be positive.")
  }
  list(cost = as.vector(found$value), cluster = as.integer(cluster))
}

cost_of <- function(task, centres) {
  cost <- task$metric$cost(task$x_i, centres)
  if (is.LazyTensor(cost) && !is.ComplexLazyTensor(cost) && cost$dimres == 1) return(cost)
  abort_argument("metric", "a function that gives a real LazyTensor of dimension 1", cost, task$call,
                 hint = "metric(x, c) is the cost of points x and centres c: function(x, c) sum(abs(x - c)).")
}

lloyd <- function(task, centres) {
  cluster <- 0L
  emptied <- integer()
  converged <- FALSE
  for (iter in seq_len(task$iter.max)) {
    nearest <- nearest_centre(task, centres)
    size <- tabulate(nearest$cluster, nrow(centres))
    if (any(size == 0L)) {
      emptied <- union(emptied, which(size == 0L))
      nearest$cluster <- fill_clusters(nearest, size)
      size <- tabulate(nearest$cluster, nrow(centres))
    }
    converged <- identical(nearest$cluster, cluster)
    if (converged) break
    cluster <- nearest$cluster
    best <- task$metric$centres(task$x, cluster, size)
    centres[size > 0L, ] <- best[size > 0L, ]
  }
  own <- as.vector(as.array(cost_of(task, Vi(centres[cluster, , drop = FALSE]))))
  size <- tabulate(cluster, nrow(centres))
  within <- numeric(nrow(centres))
  within[size > 0L] <- rowsum(own, cluster)
  list(cluster = cluster, centres = centres, withinss = within, size = size, emptied = emptied,
       iter = iter + !converged)
}

# Points that are farthest from their centres, one for each empty cluster; no cluster is emptied for it.
fill_clusters <- function(nearest, size) {
  empty <- which(size == 0L)
  for (point in order(nearest$cost, decreasing = TRUE)) {
    if (length(empty) == 0L || nearest$cost[point] <= 0) break
    from <- nearest$cluster[point]
    if (size[from] < 2L) next
    size[from] <- size[from] - 1L
    nearest$cluster[point] <- empty[1L]
    empty <- empty[-1L]
  }
  nearest$cluster
}

warn_of_clusters <- function(found, iter.max, call) {
  if (length(found$emptied) > 0L) {
    rkeops_warn(sprintf(
      "%s %s empty on the way, and got the farthest point as centre%s", if (length(found$emptied) > 1L) "clusters" else "cluster",
      paste(paste(found$emptied, collapse = ", "), if (length(found$emptied) > 1L) "were" else "was"),
      if (any(found$size == 0L)) {
        sprintf("; empty at the end: %s, since all points are at centres", paste(which(found$size == 0L), collapse = ", "))
      } else ""
    ), call)
  }
  if (found$iter > iter.max) {
    rkeops_warn(sprintf("no convergence in %.0f %s\n%s A larger `iter.max` helps.", iter.max,
                        if (iter.max == 1) "step" else "steps", cli::symbol$info), call)
  }
}

# ---- starts

# Rows of x, different ones if there are enough.
draw_points <- function(x, k, call) {
  rows <- sample.int(nrow(x), k)
  if (!anyDuplicated(x[rows, , drop = FALSE])) return(rows)
  distinct <- which(!duplicated(x))
  if (length(distinct) < k) abort_distinct(length(distinct), call)
  distinct[sample.int(length(distinct), k)]
}

abort_distinct <- function(distinct, call) {
  rkeops_abort("argument", "there are more centres than distinct points", call = call, argument = "centers",
               got = sprintf("%.0f distinct points", distinct))
}

# k-means++. Candidates are drawn by the costs at the beginning of a batch; one whose cost has gone down since is kept with the
# probability (cost now) / (cost then), which makes it a draw by the costs now. A batch is one pass over the points.
draw_seeds <- function(task, k) {
  seeds <- fresh <- sample.int(nrow(task$x), 1L)
  cost <- Inf
  while (length(seeds) < k) {
    cost <- pmin(cost, pmax(nearest_centre(task, task$x[fresh, , drop = FALSE])$cost, 0))
    if (!any(cost > 0)) abort_distinct(length(seeds), task$call)
    drawn <- sample.int(nrow(task$x), min(length(seeds), 1000L), replace = TRUE, prob = cost)
    fresh <- utils::head(drawn[thin_out(task, drawn, cost[drawn])], k - length(seeds))
    seeds <- c(seeds, fresh)
  }
  seeds
}

thin_out <- function(task, drawn, cost) {
  points <- task$x[drawn, , drop = FALSE]
  between <- as.matrix(task$metric$cost(Vi(points), Vj(points)))
  bar <- stats::runif(length(drawn)) * cost
  kept <- logical(length(drawn))
  for (one in seq_along(drawn)) {
    kept[one] <- bar[one] < cost[one]
    if (kept[one]) cost <- pmin(cost, between[, one])
  }
  kept
}

# ---- methods

#' @rdname kmeans_lazy
#' @export
predict.kmeans_lazy <- function(object, newdata, ...) {
  call <- call_of("predict", sys.call())
  if (missing(newdata)) return(object$cluster)
  x <- points_beside(newdata, object$centers, "newdata", "centers", call)
  task <- list(x_i = Vi(x), metric = clustering_metric(object$metric, call), call = call)
  stats::setNames(nearest_centre(task, object$centers)$cluster, rownames(x))
}

#' @export
print.kmeans_lazy <- function(x, ...) {
  if (identical(x$metric, "euclidean")) return(NextMethod())
  cat("Clustering (", if (is.function(x$metric)) "own metric" else x$metric, ") with ", length(x$size), " clusters of sizes ",
      paste(x$size, collapse = ", "), "\n\nCluster centers:\n", sep = "")
  print(x$centers, ...)
  cat("\nClustering vector:\n")
  print(x$cluster, ...)
  cat("\nWithin cluster sum of costs by cluster:\n")
  print(x$withinss, ...)
  cat(sprintf(" (between / total = %.1f %%)\n", 100 * x$betweenss / x$totss))
  invisible(x)
}
