# Bandwidths of Gaussian kernels: as they are given, and as the leave-one-out likelihood chooses them.

# A bandwidth as coordinates in which it is 1: `scale(points)` gives them, from the middle of the points x on;
# `log_volume` is the logarithm of the determinant that a density is divided by. `h`: a number, one for each column, or a
# covariance matrix.
bandwidth_of <- function(h, x, arg, call) {
  d <- ncol(x)
  middle <- colMeans(x)
  if (!is.matrix(h)) {
    h <- check_positive(h, arg, call, d)
    return(list(log_volume = sum(log(rep_len(h, d))), scale = function(points) {
      (points - rep(middle, each = nrow(points))) / rep(rep_len(h, d), each = nrow(points))
    }))
  }
  h <- plain_numbers(h, arg, call)
  if (!identical(dim(h), c(d, d))) {
    rkeops_abort("dimension", sprintf("`%s` is a matrix with %d rows and %d columns, the points have %d columns", arg,
                                      nrow(h), ncol(h), d), call = call, argument = arg)
  }
  check_finite(h, arg, call)
  factor <- if (isSymmetric(unname(h))) tryCatch(chol(h), error = function(e) NULL)
  if (is.null(factor)) abort_argument(arg, "symmetric and positive definite, as a covariance matrix is", h, call)
  list(log_volume = sum(log(diag(factor))), scale = function(points) {
    t(backsolve(factor, t(points) - middle, transpose = TRUE))
  })
}

bandwidth_text <- function(h) {
  numbers <- paste(vapply(h, number_text, "", 4L), collapse = ", ")
  if (is.matrix(h)) sprintf("covariance of the kernel, by columns: %s\n", numbers) else sprintf("bandwidth: %s\n", numbers)
}

# What Silverman's rule gives for a normal density, for each column; NA for columns that are constant.
silverman <- function(x) {
  spread <- apply(x, 2L, function(column) {
    candidates <- c(stats::sd(column), stats::IQR(column) / 1.34)
    if (any(candidates > 0, na.rm = TRUE)) min(candidates[candidates > 0], na.rm = TRUE) else NA
  })
  spread * (4 / ((ncol(x) + 2) * nrow(x)))^(1 / (ncol(x) + 4))
}

# How many rows a criterion of a bandwidth is computed at, NULL for all.
criterion_size <- function(rows, sample_size, call) {
  size <- check_whole(if (identical(sample_size, Inf)) rows else sample_size, "sample_size", call, min = 1)
  if (size < rows) size
}

# Rows for a first, rough search; NULL where it is not worth while.
rough_rows <- function(rows, size) if ((size %||% rows) > 1000) round(seq(1, rows, length.out = 1000))

# f(x_i, x_j) for the points x, i in `chosen` (NULL: all), without the pairs of a point with itself.
between_others <- function(f, x, chosen) {
  if (is.null(chosen)) return(off_diagonal(f(Vi(x), Vj(x))))
  only_where(f(Vi(x[chosen, , drop = FALSE]), Vj(x)), Vi(as.numeric(chosen)) != Vj(as.numeric(seq_len(nrow(x)))))
}

# The bandwidth where a criterion is smallest: `score`, as functions of the logarithms of factors of `unit`, list(fn, gr,
# unit). `rough`: the same at few rows, where that is cheaper, to look for the best of the minima to which `starts` lead.
# `lowest`: factors whose logarithm is below are too small to be meant.
search_bandwidth <- function(score, rough, starts, lowest, names, call) {
  descents <- lapply(starts, function(start) descend(rough %||% score, start))
  found <- descents[[which.min(vapply(descents, `[[`, 0, "objective"))]]
  if (!is.null(rough)) found <- descend(score, found$par, 1e-6)  # far less than the noise of so many points
  if (found$convergence != 0 && max(abs(score$gr(found$par))) > 1e-3 * max(1, abs(found$objective))) {
    rkeops_warn(sprintf("the search for a bandwidth ended without convergence: %s\n%s Give `h` yourself.", found$message,
                        cli::symbol$info), call)
  }
  h <- score$unit * exp(found$par)
  if (any(found$par < lowest)) {
    rkeops_warn(sprintf("the bandwidth %s is very small: the criterion wants it to go to 0\n%s %s", number_text(min(h), 3L),
                        cli::symbol$info, "Points that coincide do that, or data without noise. Give `h` yourself."), call)
  }
  if (length(h) == 1L) h[[1L]] else stats::setNames(h, names)
}

descend <- function(score, start, precision = 1e-9) {
  stats::nlminb(rep_len(start, length(score$unit)), score$fn, score$gr, lower = -14, upper = 7,
                control = list(rel.tol = precision, x.tol = 1e-5))
}

#' Bandwidths of kernel densities by leave-one-out likelihood
#'
#' `bw_lcv()` gives the bandwidth of a Gaussian kernel density with the largest leave-one-out likelihood: the mean over the
#' points of the logarithm of the density that the other points give there. It is maximised with its gradient, from
#' Silverman's rule on.
#'
#' Points that coincide with others would make the likelihood grow without bound as the bandwidth goes to 0. So all points
#' of one place are left out together where the density at that place is estimated, and a warning says how many there are.
#' With one bandwidth for each column the same happens when every value of a column occurs more than once, as in columns
#' that were rounded: that is an error, and a warning where most values do.
#'
#' Outliers have a say in this likelihood: a point far from all others wants a bandwidth to match.
#'
#' @param x points: a matrix or data frame of numbers with one row for each, or a vector.
#' @param w weights of the points, not negative; `NULL`: all the same.
#' @param per_column `TRUE`: one bandwidth for each column; `FALSE`: one for all, for columns in the same unit.
#' @param sample_size largest number of points at which the likelihood is computed, from all others; of more it takes those
#'   that are farthest from others, which matter most, and a random sample (see [set.seed()]). `Inf`: all of them.
#' @return The bandwidth, a standard deviation in the unit of `x`: positive, one number or one for each column, with its name.
#'   Warnings of class `rkeops_warning`: points coincide; the search did not converge.
#'
#'   Errors: of class `rkeops_error_input` if values are missing or infinite, if fewer than two places are left, or if the
#'   likelihood has no maximum.
#' @references R. P. W. Duin (1976), On the choice of smoothing parameters for Parzen estimators of probability density
#'   functions,
#'   *IEEE Transactions on Computers*, 25, 1175-1179.
#' @seealso [kde()]; [stats::bw.nrd0()] and [stats::bw.SJ()] for one column.
#' @concept bandwidth selection
#' @concept kernel density estimation
#' @concept likelihood cross-validation
#' @concept leave-one-out
#' @examples
#' x <- scale(faithful)
#' suppressWarnings(bw_lcv(x)) # some eruptions are the same
#' bw_lcv(rnorm(200))
#' @export
bw_lcv <- function(x, w = NULL, per_column = TRUE, sample_size = 10000) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  lcv_bandwidth(x, if (!is.null(w)) check_weights(w, nrow(x), "w", call), check_flag(per_column, "per_column", call),
                sample_size, call)
}

lcv_bandwidth <- function(x, w, per_column, sample_size, call) {
  places <- places_of(x, w %||% rep(1, nrow(x)))
  check_places(places, per_column, call)
  unit <- silverman(places$x)
  if (!per_column || ncol(x) == 1L) unit <- exp(mean(log(unit), na.rm = TRUE))
  u <- bandwidth_of(unname(unit), places$x, "h", call)$scale(unname(places$x))
  weights <- places$w / sum(places$w)
  size <- criterion_size(nrow(u), sample_size, call)
  few <- rough_rows(nrow(u), size)
  rough <- if (!is.null(few)) likelihood_score(u, weights, unit, few, weights[few])
  score <- if (is.null(size)) likelihood_score(u, weights, unit, NULL, weights) else {
    chosen <- likelihood_sample(u, size)
    likelihood_score(u, weights, unit, chosen$rows, weights[chosen$rows] * chosen$stands_for)
  }
  h <- search_bandwidth(score, rough, 0, -13.9, colnames(x), call)
  if (length(h) > 1L) check_rounding(places$x, h, call)
  h
}

# A sample of rows: the quarter of it that is farthest from others, as far as a thousand points tell, for the likelihood
# depends on those most, and some of the rest, each of which stands for several.
likelihood_sample <- function(u, size) {
  pilot <- u[round(seq(1, nrow(u), length.out = min(1000, nrow(u)))), , drop = FALSE]
  distance <- Kmin(sqdist(Vi(u), Vj(pilot)), 2, index = "j")[, 2L]
  far <- order(-distance)[seq_len(size %/% 4)]
  rest <- setdiff(seq_len(nrow(u)), far)
  drawn <- rest[sample.int(length(rest), size - length(far))]
  list(rows = c(far, drawn), stands_for = rep(c(1, length(rest) / length(drawn)), c(length(far), length(drawn))))
}

# Minus the mean logarithm of the density that the others give at the rows `chosen`, weighted by `e`, up to a constant.
likelihood_score <- function(u, weights, unit, chosen, e) {
  log_h <- Pm(numeric(length(unit)))
  f <- between_others(function(a, b) {
    log_kernel <- if (length(unit) == 1L) -sqdist(a, b) * exp(-2 * log_h) / 2 else -sum(square((a - b) * exp(-log_h))) / 2
    if (diff(range(weights)) == 0) log_kernel else log_kernel + Vj(log(weights))
  }, u, chosen)
  o <- objective(f, list(log_h = log_h), e = e / sum(e), reduction = "LogSumExp")
  each <- ncol(u) / length(unit)
  list(fn = function(par) each * sum(par) - o$fn(par), gr = function(par) each - o$gr(par), unit = unit)
}

# Different rows of positive weight, in an order of their own if some coincide, with the sum of weights of each.
places_of <- function(x, w) {
  x <- x[w > 0, , drop = FALSE]
  w <- w[w > 0]
  rows <- do.call(order, lapply(seq_len(ncol(x)), function(k) x[, k]))
  sorted <- x[rows, , drop = FALSE]
  new <- c(TRUE, rowSums(sorted[-1L, , drop = FALSE] != sorted[-nrow(x), , drop = FALSE]) > 0)
  if (all(new)) return(list(x = x, w = w, coinciding = 0))
  place <- cumsum(new)
  list(x = sorted[new, , drop = FALSE], w = as.vector(rowsum(w[rows], place)), coinciding = sum(tabulate(place)[place] > 1L))
}

check_places <- function(places, per_column, call) {
  x <- places$x
  if (nrow(x) < 2L) {
    rkeops_abort("input", "all points of `x` coincide", call = call, argument = "x",
                 hint = "There is no density of a single point.")
  }
  if (per_column && ncol(x) > 1L) {
    for (k in which(vapply(seq_len(ncol(x)), function(k) all(repeated(x[, k])), TRUE))) {
      rkeops_abort(
        "input", sprintf("each value in column %s occurs more than once, so its best bandwidth is 0", column_text(x, k)),
        call = call, argument = "x",
        hint = "jitter() undoes rounding; per_column = FALSE takes one bandwidth for all columns."
      )
    }
  }
  if (places$coinciding == 0) return(invisible())
  rkeops_warn(sprintf("%.0f points coincide with others; those of one place are left out together\n%s %s", places$coinciding,
                      cli::symbol$info, "unique(x) has one point for each place, jitter(x) undoes rounding."), call)
}

repeated <- function(values) duplicated(values) | duplicated(values, fromLast = TRUE)

column_text <- function(x, k) {
  name <- colnames(x)[k]
  if (length(name) == 0L || !nzchar(name)) sprintf("%d of `x`", k) else sprintf("`%s` of `x`", name)
}

# Of columns that were rounded most values occur more than once, and then the likelihood wants bandwidths that see the
# rounding.
check_rounding <- function(x, h, call) {
  for (k in seq_along(h)) {
    if (mean(repeated(x[, k])) < 0.5 || h[k] >= min(diff(sort(unique(x[, k]))))) next
    rkeops_warn(sprintf("the bandwidth of column %s is %s, less than the steps between its values\n%s %s", column_text(x, k),
                        number_text(h[k], 3L), cli::symbol$info,
                        "jitter() undoes rounding; per_column = FALSE takes one bandwidth for all columns."), call)
  }
}
