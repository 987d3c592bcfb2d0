# Distances that are compositions of operations.

#' Distances
#'
#' Distances of the points x and y, for nearest neighbours, kernels and whatever else is made of LazyTensors:
#'
#' | function | distance |
#' |:---------|:---------|
#' | `manhattan()` | sum of abs(x - y) |
#' | `chebyshev()` | largest abs(x - y) |
#' | `minkowski()` | p-th root of the sum of abs(x - y)^p |
#' | `mahalanobis_distance()` | square root of (x - y)' cov^-1 (x - y), the root of what [stats::mahalanobis()] gives |
#' | `cosine()` | 1 minus the cosine of the angle; 1 if x or y is 0 |
#' | `canberra()` | sum of abs(x - y) / (abs(x) + abs(y)), over the components that are not both 0, scaled up as in [stats::dist()] |
#' | `bray_curtis()` | sum of abs(x - y) / sum of abs(x + y); 0 if both are 0 |
#' | `hamming()` | number of components in which x and y differ |
#' | `haversine()` | great-circle distance on the earth, in metres |
#'
#' [sqdist()] and [norm2()]`(x - y)` are the Euclidean ones.
#'
#' @details `haversine()` takes degrees, longitude first. It compares unit vectors, which are made once for each point,
#'   and is right
#' to a centimetre in double precision (near antipodes to a decimetre), to a few metres in single precision.
#'
#' `mahalanobis_distance()` transforms each point once, and costs as much as a Euclidean distance. Nearest neighbours by any
#' of these distances leave out most pairs where that is faster, see the option `geometry`.
#'
#' Derivatives are 0 where a distance has a kink.
#'
#' @param x,y LazyTensors of the same dimension, the points.
#' @param p order, a positive number, `Inf` for the largest difference; below 1 it is not a metric.
#' @param cov covariance matrix, symmetric and positive definite.
#' @param radius radius of the sphere; its unit is that of the result. Default: mean radius of the earth in metres.
#' @return A LazyTensor of dimension 1. Errors: of class `rkeops_error_dimension` if dimensions do not go together,
#'   `rkeops_error_argument` for a `p` or `radius` that is not positive and a `cov` that is not positive definite.
#' @references R. W. Sinnott (1984), Virtues of the haversine, *Sky and Telescope* 68, 159.
#' @seealso [sqdist()], [argKmin()], [covariance].
#' @concept pairwise distances
#' @concept metric
#' @concept great circle distance
#' @concept longitude and latitude
#' @concept geographic distance
#' @concept dissimilarity
#' @concept nearest neighbours
#' @examples
#' x <- matrix(runif(15), 5)
#' y <- matrix(runif(12), 4)
#' argKmin(manhattan(Vi(x), Vj(y)), 2, index = "j")
#' as.matrix(canberra(Vi(x), Vj(y)))
#' as.matrix(mahalanobis_distance(Vi(x), Vj(y), cov(rbind(x, y))))
#' # Paris, London and Rome, in kilometres
#' cities <- rbind(c(2.352, 48.857), c(-0.128, 51.507), c(12.496, 41.903))
#' as.matrix(haversine(Vi(cities), Vj(cities))) / 1000
#' @name lazytensor_distances
NULL

# A distance of x and y; `from` makes it of the difference.
distance_by <- function(from) {
  force(from)
  function(x, y) {
    call <- sys.call()
    require_given(call, x = missing(x), y = missing(y))
    from(difference_of(x, y, call))
  }
}

#' @rdname lazytensor_distances
#' @export
manhattan <- distance_by(function(difference) sum(abs(difference)))

#' @rdname lazytensor_distances
#' @export
chebyshev <- distance_by(function(difference) max(abs(difference)))

#' @rdname lazytensor_distances
#' @export
minkowski <- function(x, y, p = 2) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  if (!is.numeric(p) || is.object(p) || length(p) != 1L || is.na(p) || p <= 0) abort_argument("p", "a positive number", p, call)
  difference <- difference_of(x, y, call)
  if (p == Inf) max(abs(difference))
  else if (p == 1) sum(abs(difference))
  else if (p == 2) norm2(difference)
  else sum(abs(difference)^p)^(1 / p)
}

#' @rdname lazytensor_distances
#' @export
mahalanobis_distance <- function(x, y, cov) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y), cov = missing(cov))
  points <- point_operands(x, y, call)
  root <- matrix_operand(t(covariance_root(cov, points$x$dimres, call)), "cov", call)
  white <- lapply(points, function(z) apply_operation("MatVecMult", list(cov = root, z = z), call = call))
  norm2(white$x - white$y)
}

# The R with R R' the inverse of `cov`.
covariance_root <- function(cov, dim, call) {
  cov <- plain_numbers(cov, "cov", call)
  if (length(cov) != dim^2) {
    rkeops_abort("dimension", "`cov` must have as many rows and columns as points have components", call = call,
                 argument = "cov", got = sprintf("got %s, the points have %.0f components", describe(cov), dim))
  }
  check_finite(cov, "cov", call)
  cov <- matrix(cov, dim)
  upper <- if (isSymmetric(cov, tol = 1e-8)) tryCatch(chol(cov), error = function(e) NULL)
  if (is.null(upper)) abort_argument("cov", "a symmetric, positive definite matrix", cov, call)
  backsolve(upper, diag(dim))
}

#' @rdname lazytensor_distances
#' @export
cosine <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  points <- lapply(point_operands(x, y, call), normalize)
  1 - sum(points$x * points$y)
}

#' @rdname lazytensor_distances
#' @export
canberra <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  points <- point_operands(x, y, call)
  difference <- abs(difference_of(x, y, call))
  size <- abs(points$x) + abs(points$y)
  sum(difference * inverse_or_zero(size)) * (difference$dimres * inverse_or_zero(sum(size != 0)))
}

#' @rdname lazytensor_distances
#' @export
bray_curtis <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  points <- point_operands(x, y, call)
  sum(abs(difference_of(x, y, call))) * inverse_or_zero(sum(abs(points$x + points$y)))
}

inverse_or_zero <- function(x) apply_operation("InvOrZero", list(x = x))

#' @rdname lazytensor_distances
#' @export
hamming <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  points <- point_operands(x, y, call)
  sum(points$x != points$y)
}

#' @rdname lazytensor_distances
#' @export
haversine <- function(x, y, radius = 6371008.8) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  check_lengthscale(radius, 1, call, "radius")
  points <- point_operands(x, y, call)
  for (arg in names(points)) {
    dim <- points[[arg]]$dimres
    if (dim != 2) {
      rkeops_abort("dimension", sprintf("`%s` has dimension %.0f, 2 is needed", arg, dim), call = call, argument = arg,
                   hint = "Points on the earth are a longitude and a latitude, in degrees.")
    }
  }
  on_sphere <- lapply(points, unit_vector)
  asin(clamp(norm2(on_sphere$x - on_sphere$y) / 2, 0, 1)) * (2 * radius)
}

unit_vector <- function(lonlat) {
  angles <- lonlat * (pi / 180)
  longitude <- apply_operation("Elem", list(x = angles), 0)
  latitude <- apply_operation("Elem", list(x = angles), 1)
  concat(cos(latitude) * concat(cos(longitude), sin(longitude)), sin(latitude))
}
