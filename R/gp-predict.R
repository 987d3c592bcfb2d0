# Gaussian processes: predictions and their errors, simulation, leave-one-out.

#' @rdname gp
#' @importFrom stats predict
#' @export
predict.rkeops_gp <- function(object, newdata = NULL, se.fit = FALSE, interval = "none", level = 0.95, neighbours = 30, ...) {
  call <- call_of("predict", sys.call())
  check_known(names(list(...)), c("newdata", "se.fit", "interval", "level", "neighbours"), ...length(), call)
  check_flag(se.fit, "se.fit", call)
  check_choice(interval, c("none", "confidence", "prediction"), "interval", call)
  if (!is.numeric(level) || length(level) != 1L || !is.finite(level) || level <= 0 || level >= 1) {
    abort_argument("level", "a number between 0 and 1", level, call)
  }
  if (!identical(neighbours, Inf)) check_whole(neighbours, "neighbours", call, min = 1)
  new <- new_points(object, newdata, call)
  fit <- mean_at(object, new)
  if (!se.fit && interval == "none") return(fit)
  variance <- object$variance * variance_of_function(object, new, neighbours)
  if (interval != "none") {
    reach <- stats::qnorm((1 + level) / 2) * sqrt(variance + if (interval == "prediction") object$nugget else 0)
    fit <- cbind(fit = fit, lwr = fit - reach, upr = fit + reach)
  }
  if (!se.fit) return(fit)
  list(fit = fit, se.fit = stats::setNames(sqrt(variance), rownames(new$x)), residual.scale = unname(sqrt(object$nugget)))
}

# Points and trend of new data.
new_points <- function(fit, newdata, call) {
  if (is.null(newdata)) return(fit[c("x", "basis")])
  if (!is.null(fit$terms)) {
    if (!is.data.frame(newdata)) abort_argument("newdata", "a data frame, as `data` was", newdata, call)
    check_variables(fit$terms, newdata, "newdata", call)
    frame <- frame_of(fit$terms, newdata, fit$xlevels, call)
    x <- points_of(without_intercept(stats::model.matrix(fit$terms, frame)), "newdata", call)
  } else {
    x <- points_of(newdata, "newdata", call)
    names <- colnames(fit$x)
    if (ncol(x) > 1L && all(names %in% colnames(x))) x <- x[, names, drop = FALSE]
    if (ncol(x) != length(names) || !is.null(colnames(x)) && ncol(x) > 1L && !setequal(colnames(x), names)) {
      rkeops_abort("input", "`newdata` must have the columns of `x`", call = call, argument = "newdata",
                   got = sprintf("got %s", if (is.null(colnames(x))) paste(ncol(x), "columns") else toString(colnames(x))),
                   hint = paste("The columns are", toString(names)))
    }
    colnames(x) <- names
    newdata <- as.data.frame(x)
  }
  check_variables(fit$trend, newdata, "newdata", call)
  frame <- frame_of(fit$trend_terms, newdata, fit$trend_levels, call)
  basis <- stats::model.matrix(fit$trend_terms, frame)
  if (length(basis) > 0L) points_of(basis, "newdata", call)
  list(x = x, basis = basis)
}

# Variables of new data, of the types that they had, and none from elsewhere.
frame_of <- function(terms, newdata, levels, call) {
  tryCatch(
    {
      frame <- stats::model.frame(terms, newdata, na.action = stats::na.pass, xlev = levels)
      stats::.checkMFClasses(attr(terms, "dataClasses"), frame)
    },
    error = function(error) {
      rkeops_abort("input", paste0("`newdata` does not have the variables of `data`: ", conditionMessage(error)), call = call,
                   argument = "newdata")
    }
  )
  frame
}

mean_at <- function(fit, new) {
  process <- exactly(kernel_between(fit, new$x, fit$x) %*% fit$alpha)
  stats::setNames(drop(new$basis %*% fit$coefficients) + drop(process), rownames(new$x))
}

kernel_between <- function(fit, x, y) fit$kernel(Vi(unname(x)), Vj(unname(y)), Pm(unname(fit$lengthscale)))

correlations_of <- function(fit, x, y) correlations(fit$kernel, x, y, unname(fit$lengthscale))

# In units of the variance: k(t, t) - k(t)' R^-1 k(t), by all observations or by those of a neighbourhood, and what the
# estimated trend adds.
variance_of_function <- function(fit, new, neighbours) {
  prior <- exactly(as.vector(diag(kernel_between(fit, new$x, new$x))))
  explained <- if (!is.null(fit$upper)) explained_by_all(fit, new$x)
               else if (neighbours == Inf) explained_by_systems(fit, new$x)
               else explained_by_neighbours(fit, new$x, neighbours)
  pmax(prior - explained, 0) + colSums(trend_errors(fit, new)^2)
}

# Columns whose squares add up to the variance that comes from the trend.
trend_errors <- function(fit, new) {
  if (ncol(fit$basis) == 0L) return(matrix(0, 1L, nrow(new$x)))
  unexplained <- new$basis - exactly(kernel_between(fit, new$x, fit$x) %*% fit$weights)
  backsolve(fit$gram_root, t(unname(unexplained)), transpose = TRUE)
}

# Of a vector of positions as long as `count`, parts of at most `size`.
in_parts <- function(count, size) split(seq_len(count), (seq_len(count) - 1L) %/% size)

explained_by_all <- function(fit, x) {
  unlist(lapply(in_parts(nrow(x), 1000L), function(part) {
    colSums(backsolve(fit$upper, correlations_of(fit, fit$x, x[part, , drop = FALSE]), transpose = TRUE)^2)
  }), use.names = FALSE)
}

explained_by_systems <- function(fit, x) {
  unlist(lapply(in_parts(nrow(x), max(1, 1e7 %/% nrow(fit$x))), function(part) {
    columns <- correlations_of(fit, fit$x, x[part, , drop = FALSE])
    colSums(columns * solve_covariance(fit, fit, columns, fit$tol / 100))
  }), use.names = FALSE)
}

# Points near each other share their neighbourhoods: one decomposition serves them all.
explained_by_neighbours <- function(fit, x, neighbours, size = 32L) {
  near <- exactly(argKmin(-kernel_between(fit, x, fit$x), min(neighbours, nrow(fit$x)), index = "j"))
  near <- matrix(near + (1 - index_base()), nrow(x))
  explained <- numeric(nrow(x))
  for (part in near_parts(sweep(x, 2L, fit$lengthscale, "/"), size)) {
    chosen <- unique(as.vector(near[part, ]))
    columns <- correlations_of(fit, fit$x[chosen, , drop = FALSE], x[part, , drop = FALSE])
    explained[part] <- colSums(backsolve(local_root(fit, chosen), columns, transpose = TRUE)^2)
  }
  explained
}

local_root <- function(fit, chosen) {
  near <- fit$x[chosen, , drop = FALSE]
  cholesky_of(list(kernel = fit$kernel, x = near), fit) %||%
    rkeops_abort("input", "covariances of near observations are singular in rounding", call = fit$call, argument = "nugget",
                 hint = "A positive `nugget` helps.")
}

# Parts of at most `size` points: halves by the widest coordinate, again and again.
near_parts <- function(x, size, rows = seq_len(nrow(x))) {
  if (length(rows) <= size) return(list(rows))
  span <- apply(x[rows, , drop = FALSE], 2L, function(column) diff(range(column)))
  rows <- rows[order(x[rows, which.max(span)])]
  half <- length(rows) %/% 2L
  c(near_parts(x, size, rows[seq_len(half)]), near_parts(x, size, rows[-seq_len(half)]))
}

#' @rdname gp
#' @importFrom stats residuals
#' @export
residuals.rkeops_gp <- function(object, type = "response", neighbours = 30, ...) {
  call <- call_of("residuals", sys.call())
  check_choice(type, c("response", "loo", "standard"), "type", call)
  if (type == "response") return(max(object$ratio, smallest_ratio) * object$alpha)
  leave_one_out(object, check_whole(neighbours, "neighbours", call, min = 1))[[type]]
}

# By the inverse Q of R without what the trend explains: the i-th residual is (Q y)_i / Q_ii, and its variance that of the process
# over Q_ii.
leave_one_out <- function(fit, neighbours) {
  precision <- if (is.null(fit$upper)) precision_by_neighbours(fit, neighbours) else diag(chol2inv(fit$upper))
  if (ncol(fit$basis) > 0L) precision <- precision - colSums(backsolve(fit$gram_root, t(fit$weights), transpose = TRUE)^2)
  loo <- fit$alpha / precision
  list(loo = loo, standard = loo / sqrt(fit$variance / precision))
}

# The diagonal of R^-1, by the neighbourhoods of the observations.
precision_by_neighbours <- function(fit, neighbours, size = 32L) {
  precision <- numeric(nrow(fit$x))
  near <- exactly(argKmin(-kernel_between(fit, fit$x, fit$x), min(neighbours, nrow(fit$x)), index = "j"))
  near <- matrix(near + (1 - index_base()), nrow(fit$x))
  for (part in near_parts(sweep(fit$x, 2L, fit$lengthscale, "/"), size)) {
    chosen <- unique(c(part, near[part, ]))
    root <- local_root(fit, chosen)
    precision[part] <- colSums(backsolve(root, diag(length(chosen))[, seq_along(part)], transpose = TRUE)^2)
  }
  precision
}

#' @rdname gp
#' @importFrom stats simulate
#' @export
simulate.rkeops_gp <- function(object, nsim = 1, seed = NULL, newdata = NULL, ...) {
  call <- call_of("simulate", sys.call())
  nsim <- check_whole(nsim, "nsim", call, min = 1)
  if (!is.null(seed)) {
    if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) stats::runif(1L)
    state <- get(".Random.seed", envir = globalenv())
    on.exit(assign(".Random.seed", state, envir = globalenv()))
    set.seed(seed)
  }
  conditional <- !is.null(newdata)
  new <- new_points(object, newdata, call)
  rows <- nrow(new$x)
  if (rows > max(object$exact, 2000)) {
    rkeops_abort("unsupported", sprintf("simulate() needs a dense matrix of %d x %d", rows, rows), call = call,
                 argument = "newdata", hint = "Draw at fewer points.")
  }
  covariance <- correlations_of(object, new$x, new$x)
  if (conditional) {
    columns <- correlations_of(object, object$x, new$x)
    solved <- if (is.null(object$upper)) solve_covariance(object, object, columns, object$tol / 100)
              else backsolve(object$upper, backsolve(object$upper, columns, transpose = TRUE))
    covariance <- covariance - crossprod(columns, solved) + crossprod(trend_errors(object, new))
    centre <- mean_at(object, new)
  } else {
    diag(covariance) <- diag(covariance) + object$ratio
    centre <- drop(new$basis %*% object$coefficients)
  }
  spectrum <- eigen((covariance + t(covariance)) / 2, symmetric = TRUE)
  root <- spectrum$vectors %*% (sqrt(pmax(spectrum$values, 0)) * t(spectrum$vectors))
  draws <- centre + sqrt(object$variance) * root %*% matrix(stats::rnorm(rows * nsim), rows)
  stats::setNames(as.data.frame(draws, row.names = rownames(new$x)), paste0("sim_", seq_len(nsim)))
}
