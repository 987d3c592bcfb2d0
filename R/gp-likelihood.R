# Gaussian processes: the marginal likelihood and its gradient, by dense matrices or by solve() and logdet().
#
# With R = K + ratio I, where K are correlations and ratio is nugget / variance: minus the log-likelihood is
# (n log(2 pi variance) + logdet R + r' R^-1 r / variance) / 2 with r = y - basis * coefficients by generalised least
# squares. The variance is the given one, or follows from a given nugget, or is r' R^-1 r / n.

# Numbers between which lengthscales, in units of the range of a column, and the ratio are looked for.
length_limits <- c(1e-4, 1e3)
ratio_limits <- c(1e-8, 1e6)
smallest_ratio <- 1e-10  # where there is no nugget

# A problem with `rows` of its observations, chosen at random.
part_of_problem <- function(problem, rows) {
  if (rows >= nrow(problem$x)) return(problem)
  chosen <- sample.int(nrow(problem$x), rows)
  problem$x <- problem$x[chosen, , drop = FALSE]
  problem$y <- problem$y[chosen]
  problem$basis <- problem$basis[chosen, , drop = FALSE]
  problem
}

# Estimates on `rows` observations; if that is not `dense`, on all by `steps` more steps. Then what predictions need.
estimate_covariance <- function(problem, dense, rows, steps) {
  span <- apply(problem$x, 2L, function(column) diff(range(column)))
  free <- c(if (is.null(problem$lengthscale)) rep("length", ncol(problem$x)), if (is.null(fixed_ratio(problem))) "ratio")
  convergence <- TRUE
  par <- numeric()
  if (length(free) > 0L) {
    limits <- log(cbind(c(if ("length" %in% free) length_limits[1L] * span, if ("ratio" %in% free) ratio_limits[1L]),
                        c(if ("length" %in% free) length_limits[2L] * span, if ("ratio" %in% free) ratio_limits[2L])))
    first <- part_of_problem(problem, min(rows, 250L))
    par <- best_start(first, span, free)
    for (size in unique(c(if (rows > 500L) 250L, rows))) {
      part <- if (size <= 250L) first else part_of_problem(problem, size)
      found <- maximise(part, par, marginal_dense, limits, 200L)
      par <- found$par
      convergence <- found$convergence
    }
    if (!dense && steps > 0) {
      all <- nrow(problem$x)
      for (size in c(rows * 5^seq_len(max(0, ceiling(log(all / 2 / rows, 5)) - 1)), all)) {  # the smaller, the cheaper a step
        found <- refine(part_of_problem(problem, size), part, par, limits, steps)
        par <- found$par
        convergence <- found$convergence
      }
    }
  }
  estimated <- length(free) + (is.null(problem$variance) && !("ratio" %in% free && isTRUE(problem$nugget > 0)))
  solution <- c(solution_at(problem, par, dense), list(convergence = convergence, estimated = estimated))
  if (!isTRUE(convergence)) {
    rkeops_warn(sprintf("the likelihood has not converged: %s\n%s %s", convergence, cli::symbol$info,
                        "More `steps` help, or fewer parameters: give `nugget` or `lengthscale`."), problem$call)
  }
  solution
}

fixed_ratio <- function(problem) {
  nugget <- problem$nugget
  if (identical(nugget, 0)) return(0)
  if (!is.null(nugget) && !is.null(problem$variance)) nugget / problem$variance
}

# Lengthscales and ratio for a vector of logarithms.
parameters_at <- function(problem, par) {
  columns <- ncol(problem$x)
  free <- is.null(problem$lengthscale)
  list(lengthscale = if (free) exp(par[seq_len(columns)]) else rep_len(problem$lengthscale, columns),
       ratio = fixed_ratio(problem) %||% exp(par[length(par)]))
}

variance_at <- function(problem, ratio, square) {
  profiled <- is.null(problem$nugget) || problem$nugget == 0
  problem$variance %||% (if (profiled) square / length(problem$y) else problem$nugget / ratio)
}

best_start <- function(problem, span, free) {
  grid <- expand.grid(length = c(0.1, 0.3, 1), ratio = c(1e-3, 0.03, 0.5))
  if (!"length" %in% free) grid <- grid[!duplicated(grid$ratio), ]
  if (!"ratio" %in% free) grid <- grid[!duplicated(grid$length), ]
  starts <- lapply(seq_len(nrow(grid)), function(k) {
    log(c(if ("length" %in% free) span * grid$length[k] * sqrt(length(span)) / 1.5, if ("ratio" %in% free) grid$ratio[k]))
  })
  starts[[which.min(vapply(starts, function(par) marginal_dense(problem, par, FALSE)$value, 0))]]
}

# The best `par` after at most `steps` steps of L-BFGS-B.
maximise <- function(problem, par, marginal, limits, steps) {
  last <- found <- NULL
  at <- function(par) {
    if (!identical(par, last)) {
      found <<- marginal(problem, par)
      last <<- par + 0  # a copy: optim() may write into its own
    }
    found
  }
  par <- pmin(pmax(par, limits[, 1L]), limits[, 2L])
  result <- stats::optim(par, function(par) at(par)$value, function(par) at(par)$gradient, method = "L-BFGS-B",
                         lower = limits[, 1L], upper = limits[, 2L], control = list(maxit = steps, factr = 1e5))
  gradient <- at(result$par)$gradient
  inside <- result$par > limits[, 1L] & result$par < limits[, 2L]
  converged <- result$convergence == 0L || all(abs(gradient[inside]) < 1e-2)
  list(par = result$par, convergence = if (converged) TRUE else result$message)
}

correlations <- function(kernel, x, y, lengthscale) {
  values <- exactly(as.matrix(kernel(Vi(unname(x)), Vj(unname(y)), Pm(lengthscale)), max_entries = Inf))
  unname(values)
}

# Minus the log-likelihood of a problem and its gradient in `par`. Where R is singular in rounding it is very large.
marginal_dense <- function(problem, par, gradient = TRUE) {
  at <- parameters_at(problem, par)
  upper <- cholesky_of(problem, at)
  if (is.null(upper)) return(list(value = 1e100, gradient = 0 * par))
  left <- least_squares(problem, backsolve(upper, backsolve(upper, cbind(problem$y, problem$basis), transpose = TRUE)))
  logdet <- 2 * sum(log(diag(upper)))
  variance <- variance_at(problem, at$ratio, left$square)
  value <- minus_log_likelihood(problem, variance, logdet, left$square)
  if (!gradient) return(list(value = value))
  weight <- chol2inv(upper) - tcrossprod(left$alpha) / variance
  slopes <- function(lengthscale) {
    number <- matrix(seq_along(left$alpha) - 1 + index_base())
    K_ij <- problem$kernel(Vi(unname(problem$x)), Vj(unname(problem$x)), lengthscale)
    exactly(all_pairs(gradients(K_ij * lookup(weight, Vi(number), Vj(number)), lengthscale)$gradient))
  }
  list(value = value, gradient = likelihood_gradient(problem, par, at, variance, left$square, slopes, sum(diag(weight))))
}

# Without a search for pairs that can be left out: a table has no bounds that could tell, and they are expensive.
all_pairs <- function(value) {
  changed <- current_options()
  changed$geometry <- "never"
  old <- options(rkeops = changed)
  on.exit(options(old))
  value
}

cholesky_of <- function(problem, at) {
  K <- correlations(problem$kernel, problem$x, problem$x, at$lengthscale)
  diag(K) <- diag(K) + max(at$ratio, smallest_ratio)
  tryCatch(chol(K), error = function(e) NULL)
}

minus_log_likelihood <- function(problem, variance, logdet, square) {
  (length(problem$y) * log(2 * pi * variance) + logdet + square / variance) / 2
}

# `slopes(lengthscale)`: the derivatives of the sum of weight * K in the lengthscales; `trace`: that of the sum of weight * I.
likelihood_gradient <- function(problem, par, at, variance, square, slopes, trace) {
  lengths <- if (is.null(problem$lengthscale)) slopes(Pm(at$lengthscale)) * at$lengthscale / 2
  if (!is.null(fixed_ratio(problem))) return(lengths)
  by_nugget <- is.null(problem$variance) && !is.null(problem$nugget)  # the variance follows from the ratio then
  c(lengths, (trace * at$ratio + if (by_nugget) square / variance - length(problem$y) else 0) / 2)
}

# Generalised least squares, from R^-1 (y, basis).
least_squares <- function(problem, solved) {
  weights <- solved[, -1L, drop = FALSE]
  gram_root <- if (ncol(weights) > 0L) chol(crossprod(problem$basis, weights)) else matrix(0, 0L, 0L)
  half <- crossprod(weights, problem$y)
  coefficients <- numeric()
  if (ncol(weights) > 0L) coefficients <- drop(backsolve(gram_root, backsolve(gram_root, half, transpose = TRUE)))
  names(coefficients) <- colnames(problem$basis)
  alpha <- solved[, 1L] - drop(weights %*% coefficients)
  left <- problem$y - drop(problem$basis %*% coefficients)
  list(coefficients = coefficients, alpha = alpha, weights = weights, gram_root = gram_root, square = sum(left * alpha))
}

# All that predictions need.
solution_at <- function(problem, par, dense) {
  at <- parameters_at(problem, par)
  upper <- if (dense) cholesky_of(problem, at)
  if (dense && is.null(upper)) {
    rkeops_abort("input", "the covariance matrix of the observations is singular in rounding", call = problem$call,
                 argument = "nugget", hint = "Points are too close for their lengthscale: a positive `nugget` helps.")
  }
  b <- cbind(problem$y, problem$basis)
  solved <- if (dense) backsolve(upper, backsolve(upper, b, transpose = TRUE)) else solve_covariance(problem, at, b)
  left <- least_squares(problem, solved)
  variance <- variance_at(problem, at$ratio, left$square)
  names(at$lengthscale) <- colnames(problem$x)
  c(at, left, list(
    variance = variance, nugget = at$ratio * variance, upper = upper,
    logLik = if (dense) -minus_log_likelihood(problem, variance, 2 * sum(log(diag(upper))), left$square)
  ))
}

# ---- without dense matrices

solve_covariance <- function(problem, at, b, tol = problem$tol) {
  K_ij <- kernel_between(list(kernel = problem$kernel, lengthscale = at$lengthscale), problem$x, problem$x)
  as.matrix(solve(K_ij, unname(b), ridge = max(at$ratio, smallest_ratio), tol = tol))
}

# Newton steps on all observations, with the second derivatives on a part of them, brought up to date by what gradients say
# (BFGS). They stop when the next one would add little to the log-likelihood: that of the true parameters is below the largest one
# by half their number on average.
refine <- function(problem, part, par, limits, steps) {
  second <- second_derivatives(part, par) * sqrt(nrow(problem$x) / nrow(part$x))
  best <- NULL
  for (step in seq_len(steps)) {
    here <- marginal_by_systems(problem, par)
    if (!is.null(best) && here$value > best$value + 1) {  # too far
      move <- move / 4
      par <- best$par + move
      next
    }
    if (!is.null(best)) second <- updated(second, move, here$gradient - best$gradient)
    best <- c(list(par = par), here)
    move <- -solve(second, here$gradient)
    gain <- -sum(move * here$gradient) / 2
    if (gain < length(par) / 4) return(list(par = par, convergence = TRUE))
    par <- pmin(pmax(par + move / max(1, abs(move) / 0.7), limits[, 1L]), limits[, 2L])
    move <- par - best$par
  }
  list(par = par, convergence = if (gain < length(par)) TRUE
                                else sprintf("the last of %d steps was to raise it by %s", steps, number_text(gain, 2L)))
}

second_derivatives <- function(problem, par, h = 1e-3) {
  slope <- function(par) marginal_dense(problem, par)$gradient
  here <- slope(par)
  found <- vapply(seq_along(par), function(k) (slope(replace(par, k, par[k] + h)) - here) / h, here)
  found <- eigen((found + t(found)) / 2, symmetric = TRUE)
  found$vectors %*% (pmax(found$values, 1) * t(found$vectors))
}

# With Powell's damping: curvature does not fall to less than a fifth at once.
updated <- function(second, move, change) {
  image <- drop(second %*% move)
  before <- sum(move * image)
  along <- sum(move * change)
  if (before == 0) return(second)
  if (along < 0.2 * before) change <- change + (0.8 * before / (before - along) - 1) * (change - image)
  second - tcrossprod(image) / before + tcrossprod(change) / sum(move * change)
}

# As marginal_dense(), with the log-determinant and its gradient from random vectors, which are the same in each call.
marginal_by_systems <- function(problem, par, probes = 10) {
  at <- parameters_at(problem, par)
  lengthscale <- Pm(at$lengthscale)
  K_ij <- problem$kernel(Vi(unname(problem$x)), Vj(unname(problem$x)), lengthscale)
  estimate <- logdet_gradients(K_ij, if (is.null(problem$lengthscale)) lengthscale,
                               ridge = max(at$ratio, smallest_ratio), probes = probes)
  left <- least_squares(problem, solve_covariance(problem, at, cbind(problem$y, problem$basis), tol = 1e-4))
  variance <- variance_at(problem, at$ratio, left$square)
  slopes <- function(lengthscale) {
    alpha <- matrix(left$alpha)
    K_ij <- problem$kernel(Vi(unname(problem$x)), Vj(unname(problem$x)), lengthscale)
    estimate$gradient - gradients(K_ij * Vi(alpha) * Vj(alpha), lengthscale)$gradient / variance
  }
  trace <- estimate$ridge - sum(left$alpha^2) / variance
  list(value = minus_log_likelihood(problem, variance, as.numeric(estimate$value), left$square),
       gradient = likelihood_gradient(problem, par, at, variance, left$square, slopes, trace))
}

# The log-likelihood of a fit; its standard error where it is an estimate.
marginal_likelihood <- function(fit) {
  ratio <- max(fit$ratio, smallest_ratio)
  found <- logdet(kernel_between(fit, fit$x, fit$x), ridge = ratio)
  left <- fit$y - drop(fit$basis %*% fit$coefficients)
  structure(-minus_log_likelihood(fit, fit$variance, as.numeric(found), sum(left * fit$alpha)), se = attr(found, "se") / 2)
}
