# Pairs that are skipped by geometry change nothing: with geometry = "always" extrema, positions and counts are those of
# "never", bit for bit; sums are within rounding, and the same bits for any number of threads. On the data sets of
# helper-data-sets.R, for all families of reductions and distances of all kinds.

# What the formulas below are made of. Weights and tangents belong to rows; lengths are those of the data.
make_variables <- function(data) {
  x <- data$x
  y <- data$y
  spread <- max(apply(y, 2, function(v) stats::sd(v[is.finite(v)])), 0, na.rm = TRUE)
  if (spread == 0) spread <- 1
  # As parameters: one kernel for all of them.
  lengths <- list(small = 0.02 * spread, moderate = 0.3 * spread)
  one_index <- function(variable, points) {
    n <- nrow(points)
    weights <- list(signed = stats::rnorm(n), positive = stats::runif(n), vectors = matrix(stats::rnorm(2 * n), n))
    list(number = n, variable = variable(points), weights = weights,
         weight = lapply(weights, function(w) variable(as.matrix(w))), size = variable(matrix(abs(weights$signed))),
         tangent = matrix(stats::rnorm(length(points)), n))
  }
  i <- one_index(Vi, x)
  j <- one_index(Vj, y)
  D <- sqdist(i$variable, j$variable)
  list(x = i$variable, y = j$variable, dim = ncol(x), data = list(x, y), i = i, j = j, D = D, lengths = lengths,
       K = lapply(lengths, function(h) exp(-D / h^2)))
}

# ---- families -------------------------------------------------------------------------------------------------------
# f(v, index): any nest of lists of matrices, of variables v as above. `error` is what the error of sums is relative to:
# nothing (they must be identical), each value itself, or the largest of a matrix; "logarithm": 1 and the value; "steep": the value,
# of which errors of an exponent make more.
family <- function(error, f, index = c("j", "i")) list(error = error, f = f, index = index)
exact <- function(f, index = c("j", "i")) family("none", f, index)

folded <- function(v, index) v[[index]]
# K, or 1 where there are not so many.
at_most <- function(K, side) if (K <= side$number) K else 1
nearest <- function(D, K) function(v, index) argKmin(D(v), at_most(K, folded(v, index)), index)

core_families <- list(
  "min and argmin" = exact(function(v, index) min_argmin(v$D, index)),
  "max" = exact(function(v, index) max(v$D, index = index)),
  "10 nearest" = exact(nearest(function(v) v$D, 10)),
  "count within a radius" = exact(function(v, index) sum(norm2(v$x - v$y) <= 0.5 * v$lengths$moderate, index = index)),
  "Gaussian sum, small h" = family("value", function(v, index) sum(v$K$small, index = index)),
  "log-sum-exp" = family("logarithm", function(v, index) logsumexp(-v$D / v$lengths$small^2, index)),
  "gradients" = family("largest", function(v, index) gradients(v$K$small, list(v$x, v$y), index = index)[1:2])
)

extrema_families <- list(
  "min" = exact(function(v, index) min(v$D, index = index)),
  "min of what is not missing" = exact(function(v, index) min(v$D, index = index, na.rm = TRUE)),
  "argmin" = exact(function(v, index) argmin(v$D, index)),
  "argmax" = exact(function(v, index) argmax(v$D, index)),
  "max and argmax" = exact(function(v, index) max_argmax(-norm2(v$x - v$y), index)),
  "Kmin" = exact(function(v, index) Kmin(v$D, at_most(10, folded(v, index)), index)),
  "nearest" = exact(nearest(function(v) v$D, 1)),
  "60 nearest" = exact(nearest(function(v) v$D, 60)),
  "10 nearest, not at the same place" = exact(nearest(function(v) ifelse(v$D > 0, v$D, Inf), 10)),
  "10 nearest, not itself" = exact(function(v, index) {
    argKmin(off_diagonal(sqdist(v$y, Vi(v$data[[2]]))), at_most(10, v$j), index)
  }),
  "nearest of each component" = exact(function(v, index) {
    Kmin_argKmin(abs(v$x - v$y), at_most(10, folded(v, index)), index)
  }),
  "position over both indices" = exact(function(v, index) argmin(v$D, index = "ij")),
  "position of the largest density" = exact(function(v, index) argmax(v$K$small, index)),
  "weighted minimum" = exact(function(v, index) min_argmin(v$D + folded(v, index)$size, index))
)

sum_families <- list(
  "count of equal points" = exact(function(v, index) sum(norm2(v$x - v$y) <= 0, index = index)),
  "is there one" = exact(function(v, index) any(v$D < v$lengths$small^2, index = index)),
  "compact support" = family("value", function(v, index) sum(relu(1 - v$D / v$lengths$moderate^2)^2, index = index)),
  "Gaussian sum, moderate h" = family("value", function(v, index) sum(v$K$moderate, index = index)),
  "Gaussian sum over all pairs" = family("value", function(v, index) sum(v$K$small, index = "ij")),
  "Gaussian product, signed" = family("largest", function(v, index) {
    sum(v$K$small * folded(v, index)$weight$signed, index = index)
  }),
  "Gaussian product, vectors" = family("largest", function(v, index) {
    sum(v$K$small * folded(v, index)$weight$vectors, index = index)
  }),
  "Laplacian kernel" = family("value", function(v, index) sum(exp(-norm2(v$x - v$y) / v$lengths$small), index = index)),
  "quotient of sums" = family("largest", function(v, index) {
    w <- folded(v, index)$weight$positive
    sum(v$K$moderate * w, index = index) / sum(v$K$moderate, index = index)
  }),
  "log-sum-exp, weighted" = family("logarithm", function(v, index) {
    logsumexp(-v$D / v$lengths$moderate^2, index, folded(v, index)$weights$positive)
  }),
  "soft-max, weighted" = family("largest", function(v, index) {
    sumsoftmaxweight(-v$D / v$lengths$moderate^2, index, folded(v, index)$weights$signed)
  }),
  "soft-max, vectors" = family("largest", function(v, index) {
    sumsoftmaxweight(-v$D / v$lengths$small^2, index, folded(v, index)$weights$vectors)
  })
)

# Through other entries: text, several results of one program, stages, derivatives of higher order.
in_text <- function(text, take) function(v, index) {
  axis <- if (index == "j") 1 else 0
  op <- keops_kernel(gsub("AXIS", axis, text, fixed = TRUE), c(sprintf(c("x=Vi(%d)", "y=Vj(%d)"), v$dim), "s=Pm(1)"))
  op(c(v$data, list(1 / v$lengths$small^2)))[take]
}
several <- "K = Exp(-s * SqDist(x,y)); Sum_Reduction(K,AXIS); Max_Reduction(K,AXIS); ArgMin_Reduction(SqDist(x,y),AXIS)"

derived_families <- list(
  "several results: sum" = family("value", in_text(several, 1)),
  "several results: extrema" = exact(in_text(several, 2:3)),
  "sum over j of what is a sum over i" = family("value", function(v, index) {
    in_text("Sum_Reduction(Exp(-s*SqDist(x,y)) / (1 + Sum_Reduction(Exp(-s*SqDist(x,y)),AXIS)),AXIS)", TRUE)(v, index)
  }),
  "gradient of log-sum-exp" = family("largest", function(v, index) {
    gradients(-v$D / v$lengths$moderate^2, list(v$x, v$y), index = index, reduction = "LogSumExp")[1:2]
  }),
  "gradient of minima" = family("largest", function(v, index) {
    gradients(v$D, list(v$x, v$y), index = index, reduction = "Min")[1:2]
  }),
  "Hessian products" = family("largest", function(v, index) {
    hvp(v$K$moderate, list(v$x, v$y), list(v$i$tangent, v$j$tangent), index = index)
  })
)

# ---- distances ------------------------------------------------------------------------------------------------------
# Each gives neighbours over j and a sum over i. Some of the data sets are what the periodic ones are meant for.
distances <- list(
  "Manhattan" = function(v) sum(abs(v$x - v$y)),
  "Chebyshev" = function(v) max(abs(v$x - v$y)),
  "Mahalanobis" = function(v) weightedsqdist(v$x, v$y, diag(v$dim) + 0.4),
  "scaled columns" = function(v) weightedsqdist(v$x, v$y, 10^(0:-(v$dim - 1))),
  "expanded square" = function(v) sqnorm2(v$x) - 2 * (v$x | v$y) + sqnorm2(v$y),
  "cosine" = function(v) 1 - (v$x | v$y) / (norm2(v$x) * norm2(v$y)),
  "scalar product" = function(v) -(v$x | v$y),
  "periodic" = function(v) sum(((v$x - v$y) - round(v$x - v$y))^2),
  "chord" = function(v) sum(sin(pi * (v$x - v$y))^2),
  "great circle" = function(v) {
    half <- sin((v$x - v$y) / 2)^2
    latitude <- v$dim
    2 * asin(sqrt(elem(half, latitude) + cos(elem(v$x, latitude)) * cos(elem(v$y, latitude)) * elem(half, 1)))
  },
  "useless bounds" = function(v) cos(1000 * v$D) * sin(300 * (v$x | v$y)) + besselj0(100 * v$D),
  "not a distance" = function(v) sqnorm2(v$x) * sum(v$y) - sum(v$x) * sqnorm2(v$y),
  "one index only" = function(v) sum(abs(v$y)) + 0 * sum(v$x)
)

distance_families <- unlist(lapply(distances, function(distance) list(
  nearest = exact(nearest(distance, 10), "j"),
  sum = family("steep", function(v, index) sum(exp(-distance(v) / v$lengths$small), index = index), "i")
)), recursive = FALSE)

# ---- comparison -----------------------------------------------------------------------------------------------------
leaves <- function(result) if (is.list(result)) unlist(lapply(unname(result), leaves), recursive = FALSE) else list(result)
same_bits <- function(a, b) identical(a, b, num.eq = FALSE)

within_rounding <- function(got, expected, error, precision) {
  if (precision == "float32") {  # parts of larger sums overflow, or do not
    overflow <- function(x) ifelse(abs(x) > 1e38, sign(x) * Inf, x)
    got <- overflow(got)
    expected <- overflow(expected)
  }
  size <- switch(error,
    value = abs(expected),
    logarithm = 1 + abs(expected),
    largest = max(abs(expected)[is.finite(expected)], 0),
    steep = 30 * abs(expected)
  )
  # Where something overflows, NaN or an infinite value depends on the order of terms.
  same <- got == expected | (is.na(expected) & !is.finite(got)) | (is.na(got) & !is.finite(expected))
  close <- abs(got - expected) <= size * if (precision == "float32") 1e-5 else 1e-13
  identical(dim(got), dim(expected)) && all(same | close, na.rm = TRUE) && all(is.na(got) <= !is.finite(expected))
}

# Threads that this process may have, also where there are fewer cores and under R CMD check.
local_cores <- function(n, env = parent.frame()) {
  withr::local_envvar(OMP_THREAD_LIMIT = n, `_R_CHECK_LIMIT_CORES_` = "false", .local_envir = env)
  replace <- function(f) {
    old <- rkeops:::available_threads
    utils::assignInNamespace("available_threads", f, "rkeops")
    old
  }
  old <- replace(function() n)
  withr::defer(replace(old), envir = env)
}

agree <- function(got, expected, error, precision) {
  if (error == "none") same_bits(got, expected) else within_rounding(got, expected, error, precision)
}

# All families by one choice of options, since a change of them takes longer than a small reduction.
compute_all <- function(families, v, indices, ...) {
  set_rkeops_options(list(...))
  lapply(families, function(family) {
    indices <- intersect(indices, family$index)
    lapply(stats::setNames(indices, indices), function(index) leaves(family$f(v, index)))
  })
}

# Families of `thorough` are computed with two threads and by geometry = "auto", too, and in both precisions.
expect_all_same <- function(families, data, indices = c("j", "i"), thorough = names(core_families), others_in = "float32") {
  local_rkeops_options(verbosity = 0)
  local_cores(3)
  v <- make_variables(data)
  all_families <- families
  for (precision in c("float64", "float32")) {
    set_rkeops_options(list(precision = precision))
    families <- all_families[names(all_families) %in% thorough | precision == others_in]
    results <- function(geometry, threads, chosen = names(families)) {
      compute_all(families[chosen], v, indices, geometry = geometry, threads = threads)
    }
    never <- results("never", 2)
    always <- results("always", 1)
    others <- list(results("always", 3), results("always", 2, intersect(names(families), thorough)))
    auto <- results("auto", 2, intersect(names(families), thorough))
    compare <- function(got, expected, same, what) {
      for (name in names(got)) for (index in names(got[[name]])) for (k in seq_along(got[[name]][[index]])) {
        a <- got[[name]][[index]][[k]]
        b <- expected[[name]][[index]][[k]]
        if (same(a, b, families[[name]]$error, precision)) {
          succeed()
          next
        }
        at <- c(which(!mapply(identical, a, b, num.eq = FALSE)), NA)[1]
        where <- sprintf("%s, index %s, %s", name, index, precision)
        fail(sprintf("%s: %s, such as [%d] %.17g instead of %.17g", where, what, at, a[at], b[at]))
      }
    }
    compare(always, never, agree, "not what exhaustive computation gives")
    compare(auto, never, agree, "auto gives something else")
    for (other in others) compare(other, always, function(a, b, ...) same_bits(a, b), "depends on threads")
  }
}

# ---- tests ----------------------------------------------------------------------------------------------------------
# All families in the plane; elsewhere, where each would be a kernel of its own, those that differ in how pairs are skipped.
for (name in names(data_sets())) {
  test_that(paste("nothing changes:", name), {
    data <- withr::with_seed(1, data_sets()[[name]](400))
    families <- c(
      core_families,
      if (ncol(data$y) == 2L) c(extrema_families, sum_families, derived_families),
      if (ncol(data$y) == 2L && nrow(data$y) >= 10L) distance_families
    )
    in_turn <- c("float32", "float64")[1L + match(name, names(data_sets())) %% 2L]
    withr::with_seed(2, expect_all_same(families, data, if (ncol(data$y) < 8L) c("j", "i") else "j", others_in = in_turn))
  })
}

test_that("nothing changes with many leaves, and ties between them", {
  sets <- data_sets()[c("uniform, D = 3", "integer grid", "half of them duplicates", "clusters of different density")]
  for (set in sets) withr::with_seed(3, expect_all_same(core_families, set(2000)))
})

test_that("periodic distances on a circle and great circles on a sphere", {
  with_seed <- function(name) withr::with_seed(4, data_sets()[[name]](1500))
  withr::with_seed(5, {
    expect_all_same(distance_families[c("periodic.nearest", "periodic.sum", "chord.nearest")], with_seed("circle"))
    expect_all_same(distance_families[c("great circle.nearest", "great circle.sum")], with_seed("sphere"))
  })
})
