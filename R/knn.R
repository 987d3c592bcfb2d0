# The K nearest neighbours, and what is predicted from them.

#' Nearest neighbours, classification and regression by them
#'
#' `knn()` finds the k nearest rows of `data` for each row of `query`, or for each row of `data` among the others,
#' exactly and for any distance. `knn_class()` gives each row of `test` the class that most of its k nearest neighbours
#' in `train` have, `knn_cv()` each row of `train` that of the others (leave-one-out cross-validation), and `knn_reg()`
#' the mean of their values `y`.
#'
#' They are shaped like `get.knnx()`, `get.knn()` and `knn.reg()` of the package FNN and `knn()` and `knn.cv()` of the
#' package class, and give the same results, with three differences: any `metric`; no limit of the dimension; and ties,
#' which are broken the same way in every run:
#' * of neighbours at the same distance, the one with the smaller row number comes first, and exactly k are taken;
#' * of classes with equally many votes, that of the nearest neighbour among these wins.
#'
#' Nothing of the size of all pairs is stored, and boxes of points that are too far away are not visited.
#'
#' @param data,train points as rows: a numeric matrix or data frame, or a vector for one column.
#' @param query,test points whose neighbours are wanted. `NULL`: those of `data` (of `train`) themselves.
#' @param k number of neighbours.
#' @param metric the distance: `"euclidean"`, `"manhattan"`, `"chebyshev"`, `"cosine"` (1 minus the cosine of the
#'   angle), `"haversine"` (of longitude and latitude in degrees, along the great circle, in metres on a sphere of
#'   radius 6371008.8 m); or a function of two LazyTensors `x_i` and `y_j` whose value is a LazyTensor of dimension 1,
#'   such as `function(x, y) sum(abs(x - y)^3)`.
#' @param self without `query`: may a point be its own neighbour? Points that coincide with it always may.
#' @param cl classes of the rows of `train`: a factor, or what [factor()] makes one of.
#' @param prob `TRUE`: the share of the votes that the class won is the attribute `prob`.
#' @param y values of the rows of `train`: a numeric vector.
#' @return `knn()`: a list of `nn.index`, an integer matrix with k columns of row numbers of `data` from 1 on, and
#'   `nn.dist`, the distances, in increasing order. `knn_class()`, `knn_cv()`: a factor with the levels of `cl`.
#'   `knn_reg()`: an object of class `rkeops_knn_reg`, a list of `k`, `n`, the predictions `pred` and, without `test`,
#'   the leave-one-out `residuals`, their sum of squares `PRESS` and `R2Pred`, 1 minus its share of the sum of squares
#'   of `y` about its mean.
#'
#'   Errors: of class `rkeops_error_argument` if k is larger than the number of neighbours that there are, or `metric`
#'   unknown; `rkeops_error_input` for missing or infinite values; `rkeops_error_dimension` if `query` has other columns
#'   than `data`, or `cl` and `y` not one value for each row. A warning (`rkeops_warning`) if all classes are the same.
#' @seealso [frnn()] for all neighbours within a radius, [argKmin()] for any LazyTensor;
#'   `vignette("neighbours-and-clusters")`.
#' @references T. M. Cover and P. E. Hart (1967), Nearest neighbor pattern classification, *IEEE Transactions on
#'   Information Theory* 13, 21-27.
#' @concept k nearest neighbours
#' @concept nearest neighbor
#' @concept classification
#' @concept leave-one-out
#' @concept cross-validation
#' @concept great-circle distance
#' @examples
#' x <- as.matrix(iris[, 1:4])
#' str(knn(x, k = 3))
#' knn(x, rbind(c(5, 3, 2, 1)), k = 3, metric = "manhattan")
#'
#' train <- seq(1, 150, by = 2)
#' class <- knn_class(x[train, ], x[-train, ], iris$Species[train], k = 5)
#' table(class, iris$Species[-train])
#' mean(knn_cv(x, iris$Species, k = 5) == iris$Species)
#'
#' knn_reg(x[, 2:4], y = x[, 1], k = 5)
#' @export
knn <- function(data, query = NULL, k = 10, metric = "euclidean", self = FALSE) {
  call <- sys.call()
  nearest(points_of(data, "data", call), query, c("data", "query"), k, metric, check_flag(self, "self", call), call)
}

#' @rdname knn
#' @export
knn_class <- function(train, test, cl, k = 1, prob = FALSE, metric = "euclidean") {
  call <- sys.call()
  if (missing(test) || is.null(test)) {
    abort_missing("test", call, hint = "knn_cv() classifies the points of `train` by the others.")
  }
  vote(points_of(train, "train", call), test, cl, k, prob, metric, call)
}

#' @rdname knn
#' @export
knn_cv <- function(train, cl, k = 1, prob = FALSE, metric = "euclidean") {
  call <- sys.call()
  vote(points_of(train, "train", call), NULL, cl, k, prob, metric, call)
}

#' @rdname knn
#' @export
knn_reg <- function(train, test = NULL, y, k = 3, metric = "euclidean") {
  call <- sys.call()
  train <- points_of(train, "train", call)
  if (missing(y)) abort_missing("y", call)
  values <- as.double(plain_numbers(y, "y", call))
  check_length(values, nrow(train), "y", call)
  check_finite(values, "y", call)
  index <- nearest(train, test, c("train", "test"), k, metric, FALSE, call)$nn.index
  pred <- rowMeans(matrix(values[index], nrow(index)))
  result <- list(call = call, k = ncol(index), n = nrow(index), pred = pred)
  if (is.null(test)) {
    result$residuals <- values - pred
    result$PRESS <- sum(result$residuals^2)
    result$R2Pred <- 1 - result$PRESS / sum((values - mean(values))^2)
  }
  structure(result, class = "rkeops_knn_reg")
}

#' @export
print.rkeops_knn_reg <- function(x, ...) {
  cat(sprintf("Means of the %d nearest neighbours, for %s points\n", x$k, whole_text(x$n)))
  if (!is.null(x$PRESS)) {
    cat(sprintf("leave-one-out: sum of squares %s, R^2 %s\n", number_text(x$PRESS), number_text(x$R2Pred, 4L)))
  }
  invisible(x)
}

#' @export
predict.rkeops_knn_reg <- function(object, ...) object$pred

#' @export
residuals.rkeops_knn_reg <- function(object, ...) object$residuals

# The nearest neighbours in `data` of `query`, or if that is NULL, of `data`. `names`: what the user calls them.
nearest <- function(data, query, names, k, metric, self, call) {
  k <- check_whole(k, "k", call, min = 1)
  metric <- metric_of(metric, call)
  others <- is.null(query) && !self
  points <- metric$points(data, names[1L], call)
  from <- if (is.null(query)) points else metric$points(points_beside(query, data, names[2L], names[1L], call), names[2L], call)
  if (k > nrow(data) - others) {
    rkeops_abort("argument", sprintf("`k` is %s, but there are only %s neighbours", whole_text(k),
                                     whole_text(nrow(data) - others)), call = call, argument = "k",
                 hint = sprintf("`%s` has %s rows.", names[1L], whole_text(nrow(data))))
  }
  found <- Kmin_argKmin(search_pairs(metric, from, points, !others, call), k, "j")
  index <- matrix(found$position + 1L - index_base(), nrow(from))
  if (anyNA(index)) {
    rkeops_abort("input", sprintf("for row %d there are fewer than %s distances that are numbers", which(is.na(index), TRUE)[1L],
                                  whole_text(k)), call = call, argument = "metric", hint = "`metric` gave NaN for the others.")
  }
  list(nn.index = index, nn.dist = matrix(metric$distance(found$value), nrow(from)))
}

# Of each row of `test` the class that has most votes. Of several the first in the order of the neighbours.
vote <- function(train, test, cl, k, prob, metric, call) {
  if (missing(cl)) abort_missing("cl", call)
  check_flag(prob, "prob", call)
  if (!is.atomic(cl) || length(dim(cl)) > 1L) abort_argument("cl", "a factor, or a vector of classes", cl, call)
  cl <- as.factor(cl)
  check_length(cl, nrow(train), "cl", call)
  if (anyNA(cl)) {
    rkeops_abort("input", "`cl` has missing values", call = call, argument = "cl",
                 got = sprintf("NA for row %d", which(is.na(cl))[1L]), hint = "Leave such rows out.")
  }
  if (length(unique(cl)) < 2L) rkeops_warn(sprintf("all classes are the same: %s", cl[1L]), call)
  index <- nearest(train, test, c("train", "test"), k, metric, FALSE, call)$nn.index
  classes <- matrix(as.integer(cl)[index], nrow(index))
  agreeing <- function(s) rowSums(classes == classes[, s])
  votes <- matrix(vapply(seq_len(ncol(classes)), agreeing, numeric(nrow(classes))), nrow(classes))
  best <- cbind(seq_len(nrow(classes)), max.col(votes, "first"))
  result <- factor(levels(cl)[classes[best]], levels(cl))
  if (prob) attr(result, "prob") <- votes[best] / ncol(classes)
  result
}

check_length <- function(x, rows, arg, call) {
  if (length(x) == rows) return(invisible())
  rkeops_abort("dimension", sprintf("`%s` has length %d, there are %d points", arg, length(x), rows), call = call, argument = arg)
}
