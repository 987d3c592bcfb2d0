# Distances by name, for methods that search for neighbours.

earth_radius <- 6371008.8  # metres, the mean of the IUGG

# What a method searches by is a value that grows with the distance and has tight bounds: squared distances instead of
# distances, and of points on a sphere, chords instead of arcs.
#   points(x, arg, call)   the points that are searched
#   search(x_i, y_j)       what is searched by
#   distance(v), value(d)  the distance that belongs to such a value, and the value that belongs to a distance
metric_table <- list(
  euclidean = list(search = function(x, y) sqdist(x, y), distance = sqrt, value = function(d) d^2),
  manhattan = list(search = function(x, y) sum(abs(x - y))),
  chebyshev = list(search = function(x, y) max(abs(x - y))),
  cosine = list(points = function(x, arg, call) unit_rows(x, arg, call), search = function(x, y) sqdist(x, y),
                distance = function(v) v / 2, value = function(d) 2 * d),
  haversine = list(points = function(x, arg, call) on_sphere(x, arg, call), search = function(x, y) sqdist(x, y),
                   distance = function(v) 2 * earth_radius * asin(pmin(1, sqrt(v) / 2)),
                   value = function(d) 4 * sin(pmin(d / (2 * earth_radius), pi / 2))^2)
)

# A row of the table, complete, for a name or a function of two LazyTensors.
metric_of <- function(metric, call) {
  plain <- list(points = function(x, arg, call) x, distance = identity, value = identity)
  if (is.function(metric)) return(utils::modifyList(plain, list(search = metric)))
  if (!is.character(metric) || length(metric) != 1L || !metric %in% names(metric_table)) {
    abort_argument("metric", paste0("one of ", paste0("\"", names(metric_table), "\"", collapse = ", "),
                                    ", or a function of two LazyTensors"), metric, call)
  }
  utils::modifyList(plain, metric_table[[metric]])
}

# The LazyTensor that neighbours are searched by, without pairs i = j if `self` is FALSE.
search_pairs <- function(metric, x, y, self, call) {
  values <- metric$search(Vi(x), Vj(y))
  if (!is.LazyTensor(values) || values$dimres != 1 || is.na(values$ni) || is.na(values$nj)) {
    abort_argument("metric", "a function whose value is a LazyTensor of dimension 1 with both indices", values, call)
  }
  if (self) values else off_diagonal(values)
}

unit_rows <- function(x, arg, call) {
  length <- sqrt(rowSums(x^2))
  zero <- which(length == 0)[1L]
  if (is.na(zero)) return(x / length)
  rkeops_abort("input", sprintf("row %d of `%s` is 0, and has no direction", zero, arg), call = call, argument = arg,
               hint = "Cosine distances are those of directions: leave such rows out.")
}

on_sphere <- function(x, arg, call) {
  if (ncol(x) != 2L) {
    rkeops_abort("dimension", sprintf("`%s` must have two columns, longitude and latitude in degrees", arg), call = call,
                 argument = arg, got = paste("got", describe(x)))
  }
  bad <- which(abs(x[, 2L]) > 90)[1L]
  if (!is.na(bad)) {
    rkeops_abort("input", sprintf("row %d of `%s` has latitude %s", bad, arg, number_text(x[bad, 2L])), call = call, argument = arg,
                 hint = "Longitude comes first, then latitude, from -90 to 90 degrees.")
  }
  radians <- x * pi / 180
  cbind(cos(radians[, 2L]) * cos(radians[, 1L]), cos(radians[, 2L]) * sin(radians[, 1L]), sin(radians[, 2L]))
}
