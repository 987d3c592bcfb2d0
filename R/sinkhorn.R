# Entropic optimal transport: Sinkhorn's algorithm in logarithms, from coarse to fine, on log-sum-exp reductions.

#' Optimal transport by Sinkhorn's algorithm
#'
#' Moves the masses `a` at the points `x` to the masses `b` at `y`, at the least cost: the plan P with row sums `a` and column
#' sums `b` for which `sum(P * C) + eps * KL` is smallest, where C are the costs and KL is the divergence of P from the plan
#' that spreads every mass over all of `y`. `eps` smoothes the plan; with costs |x - y|^2 / 2 over lengths of about
#' `sqrt(eps)`. As it goes to 0 the plan becomes that of optimal transport proper, and takes longer to find.
#'
#' With `debias = TRUE`, `divergence` is that of Sinkhorn, the cost less half the costs of transporting `x` to itself and `y`
#' to itself. It is 0 for equal measures, and never negative for the default cost, so that it is a distance to be minimised;
#' the cost itself shrinks points when it is minimised.
#'
#' The potentials f and g are iterated in logarithms, with `eps` coming down from the largest cost and with Anderson's
#' acceleration. More than 2,000 points are first merged, eight to one or more often, and the potentials of these are where
#' iterations with all of them begin; so a few are enough. All is reductions over pairs, and no plan is stored. The smaller
#' `eps` and the fewer columns, the fewer pairs matter.
#'
#' @param x,y matrices or data frames with a point in each row, or vectors of numbers.
#' @param a,b masses at `x` and `y`: one number for each point, not negative, with the same sum. `NULL`: equal ones, of sum 1.
#' @param eps a positive number in units of the cost. A hundredth of the mean cost is a start.
#' @param cost a function of points x and y as LazyTensors that gives the cost, for example `function(x, y) norm2(x - y)`.
#'   `NULL`: half the squared distance. For `debias` it has to be symmetric.
#' @param debias `TRUE`: compute the divergence, too. This takes half to three times as long again.
#' @param tol the iteration ends when `sum(abs(colSums(P) - b))` is at most `tol` times the mass (row sums are always right).
#' @param max_iterations largest number of iterations with all points and the final `eps`.
#' @param gradient `TRUE`: compute the gradient in x, too.
#' @param object,newdata for `predict()`: what `sinkhorn()` gave, and points; without them `x`.
#' @param ... not used.
#' @return An object of class `rkeops_sinkhorn`, a list of
#'   * `cost`: the smallest value; `divergence`: Sinkhorn's, or `NULL`;
#'   * `gradient`: a matrix like `x`, the gradient of `divergence`, or of `cost` where there is none; or `NULL`;
#'   * `f`, `g`: potentials, one number for each point of `x` and `y`;
#'   * `plan`: P, a LazyTensor. `plan %*% v` takes values from `y` to `x`, `sum(plan, index = "i")` is `b`;
#'   * `error`, `iterations`, `converged`: the largest marginal error that is left, relative to the mass (with `debias`, of all
#'     three problems), the number of iterations at the end, and whether `tol` was reached;
#'   * `eps`.
#'
#'   `predict()` gives the barycentric map, the means of what points are sent to by the plan: a matrix with the columns of `y`.
#'
#'   Errors: of class `rkeops_error_argument` for negative masses, masses with different sums, and an `eps` that is not
#'   positive; `rkeops_error_dimension` where shapes do not fit; `rkeops_error_input` for missing values, and costs that give
#'   any. A warning of class `rkeops_warning` tells the marginal error if `tol` was not reached.
#' @references M. Cuturi (2013), Sinkhorn distances: lightspeed computation of optimal transport, *NeurIPS*.
#' @references J. Feydy, T. Sejourne, F.-X. Vialard, S. Amari, A. Trouve, G. Peyre (2019), Interpolating between optimal
#'   transport and MMD using Sinkhorn divergences, *AISTATS*.
#' @references B. Schmitzer (2019), Stabilized sparse scaling algorithms for entropy regularized transport problems, *SIAM
#'   Journal on Scientific Computing* 41.
#' @seealso [logsumexp()], [sumsoftmaxweight()]; `vignette("transport-and-spectral")`.
#' @concept optimal transport
#' @concept Sinkhorn
#' @concept Wasserstein distance
#' @concept earth mover's distance
#' @concept entropic regularisation
#' @concept matching
#' @concept domain adaptation
#' @examples
#' x <- matrix(rnorm(200), 100)
#' y <- matrix(rnorm(300), 150) + 2
#' fit <- sinkhorn(x, y, eps = 0.1)
#' fit
#' moved <- predict(fit)
#' colMeans(moved) - colMeans(y)                  # nearly 0
#' sum(fit$plan, index = "j")[1:3]                # the masses at x
#'
#' # x as it walks towards y
#' for (step in 1:3) x <- x - nrow(x) * sinkhorn(x, y, eps = 0.1, gradient = TRUE)$gradient
#' @export
sinkhorn <- function(x, y, a = NULL, b = NULL, eps, cost = NULL, debias = TRUE, tol = 1e-3, max_iterations = 500,
                     gradient = FALSE) {
  call <- sys.call()
  x <- points_of(x, "x", call)
  y <- points_beside(y, x, "y", "x", call)
  masses <- check_masses(a, b, nrow(x), nrow(y), call)
  eps <- check_positive(eps, "eps", call)
  check_flag(debias, "debias", call)
  check_flag(gradient, "gradient", call)
  if (!is.null(cost) && !is.function(cost)) abort_argument("cost", "a function of points x and y, or NULL", cost, call)
  task <- list(cost = cost %||% function(x, y) sqdist(x, y) / 2, tol = check_number(tol, "tol", call, 0), call = call,
               limit = check_whole(max_iterations, "max_iterations", call, min = 1))
  p <- new_measure(x, masses$a / masses$sum)
  q <- new_measure(y, masses$b / masses$sum)
  task$largest <- largest_cost(task, p, q)
  if (debias && !is.null(cost)) check_symmetric_cost(cost, x, call)
  found <- list(solve_transport(task, p, q, eps))
  if (debias) found <- c(found, lapply(list(p, q), function(one) solve_transport(task, one, NULL, eps)))
  values <- masses$sum * vapply(found, `[[`, 0, "value")
  errors <- vapply(found, `[[`, 0, "error")
  if (any(errors > task$tol)) {
    rkeops_warn(sprintf(
      "no convergence after %.0f iterations: the marginal error is %s\n%s A larger `eps` or `max_iterations` helps.",
      task$limit, number_text(max(errors), 2L), cli::symbol$info
    ), call)
  }
  best <- found[[1L]]
  structure(list(
    cost = values[1L], divergence = if (debias) values[1L] - (values[2L] + values[3L]) / 2,
    gradient = if (gradient) {
      masses$sum * (transport_gradient(best, p, q, eps) - if (debias) transport_gradient(found[[2L]], p, p, eps) else 0)
    },
    f = stats::setNames(best$f, rownames(x)), g = stats::setNames(best$g, rownames(y)),
    plan = plan_of(best, p, q, eps, masses$sum),
    error = max(errors), iterations = best$iterations, converged = all(errors <= task$tol), eps = eps
  ), class = "rkeops_sinkhorn", parts = list(p = p, q = q, cost = task$cost))
}

check_masses <- function(a, b, n, m, call) {
  a <- if (is.null(a)) rep(1 / n, n) else check_weights(a, n, "a", call)
  b <- if (is.null(b)) rep(1 / m, m) else check_weights(b, m, "b", call)
  if (abs(sum(a) - sum(b)) <= 1e-6 * sum(a)) return(list(a = a, b = b * (sum(a) / sum(b)), sum = sum(a)))
  rkeops_abort("argument", "`a` and `b` must have the same sum", call = call, argument = "b",
               got = sprintf("sums are %s and %s", number_text(sum(a)), number_text(sum(b))),
               hint = "a / sum(a) and b / sum(b) have. (Without weights the sum is 1.)")
}

# ---- measures: points x with weights w of sum 1, and those that they are merged to

new_measure <- function(x, w) list(x = x, w = w, coarse = if (nrow(x) > 2000L) merge_points(x, w))

# Means of clusters, an eighth of the points. `spread`: which part of their variance is lost.
merge_points <- function(x, w) {
  task <- list(x = x, x_i = Vi(x), metric = clustering_metric("euclidean", NULL), iter.max = 2L, call = NULL)
  cluster <- lloyd(task, x[thinned(nrow(x), nrow(x) %/% 8L), , drop = FALSE])$cluster
  present <- match(cluster, sort(unique(cluster[w > 0])))
  weights <- as.vector(rowsum(w[!is.na(present)], present[!is.na(present)]))
  means <- rowsum((x * w)[!is.na(present), , drop = FALSE], present[!is.na(present)]) / weights
  total <- sum(w * (x - rep(colSums(x * w), each = nrow(x)))^2)
  lost <- sum((w * (x - means[present, , drop = FALSE])^2)[w > 0, ])
  c(new_measure(unname(means), weights), spread = if (total > 0) lost / total else 0)
}

thinned <- function(rows, count) unique(round(seq(1, rows, length.out = min(rows, count))))

# Of some of the points.
check_symmetric_cost <- function(cost, x, call) {
  some <- utils::head(x, 30L)
  costs <- as.matrix(cost(Vi(some), Vj(some)))
  if (max(abs(costs - t(costs))) <= 1e-5 * max(abs(costs))) return(invisible())
  rkeops_abort("argument", "`cost` is not symmetric", call = call, argument = "cost",
               hint = "debias = FALSE takes other costs, too.")
}

# Of some pairs: where eps begins.
largest_cost <- function(task, p, q) {
  some <- lapply(list(p$x, q$x), function(x) x[thinned(nrow(x), 500L), , drop = FALSE])
  largest <- max(abs(reduce_over(costs(task, some[[1L]], some[[2L]])$C, "Max", 1L, call = task$call)))
  if (is.finite(largest)) return(largest)
  rkeops_abort("input", "`cost` gives values that are missing or infinite", call = task$call, argument = "cost")
}

costs <- function(task, x, y) {
  x_i <- Vi(x)
  C <- task$cost(x_i, Vj(y))
  if (is.LazyTensor(C) && !is.ComplexLazyTensor(C) && C$dimres == 1) return(list(C = C, x_i = x_i))
  abort_argument("cost", "a function that gives a real LazyTensor of dimension 1", C, task$call,
                 hint = "cost(x, y) is the cost of points x and y: function(x, y) norm2(x - y).")
}

# ---- potentials

# -eps log sum w exp((g - C) / eps), over the index of g.
softmin <- function(C, g, w, index, eps, call) {
  -eps * as.vector(reduce_over(exponent(C, g, w, index, eps), "LogSumExp", if (index == "i") 0L else 1L, call = call))
}

exponent <- function(C, g, w, index, eps) {
  logarithms <- g / eps + log(w)
  logarithms[w == 0] <- -1e30                       # -Inf for all purposes
  new_variable(matrix(logarithms), index, "g") - C / eps
}

# `q` is NULL for a transport of `p` to itself, which has one potential.
solve_transport <- function(task, p, q, eps) {
  problem <- costs(task, p$x, (q %||% p)$x)
  problem$w <- (q %||% p)$w
  problem$step <- if (is.null(q)) function(f, eps) {
    own <- softmin(problem$C, f, p$w, "j", eps, task$call)
    list(f = f, g = f, following = (f + own) / 2, gap = (f - own) / eps)
  } else function(g, eps) {
    f <- softmin(problem$C, g, q$w, "j", eps, task$call)
    own <- softmin(problem$C, f, p$w, "i", eps, task$call)
    list(f = f, g = g, following = own, gap = (g - own) / eps)
  }
  start <- coarse_start(task, p, q, eps)
  found <- with_tolerance(min(task$tol / 10, 0.01), anneal(task, problem, start$g, start$eps, eps), task$call)
  # The dual value; P has the mass sum(w * exp(gap)).
  both <- if (is.null(q)) 2 * sum(p$w * found$f) else sum(p$w * found$f) + sum(q$w * found$g)
  found$value <- both - if (is.null(q)) eps * sum(p$w * expm1(found$gap)) else 0
  c(found, problem[c("C", "x_i")])
}

# Potentials of the merged points, at the eps that suits their distances, and what they say about all points.
coarse_start <- function(task, p, q, eps) {
  other <- q %||% p
  if (is.null(p$coarse) && is.null(other$coarse)) return(list(g = numeric(length(other$w)), eps = task$largest))
  few <- p$coarse %||% p
  eps <- max(eps, task$largest * max(p$coarse$spread, other$coarse$spread))
  found <- solve_transport(task, few, if (!is.null(q)) q$coarse %||% q, eps)
  list(g = softmin(costs(task, few$x, other$x)$C, found$f, few$w, "i", eps, task$call), eps = eps)
}

anneal <- function(task, problem, g, from, eps) {
  repeat {
    from <- max(eps, from / 4)
    if (from == eps) return(fixed_point(problem, g, eps, task$tol, task$limit))
    g <- fixed_point(problem, g, from, max(task$tol, 0.02), 50)$following
  }
}

# Anderson's acceleration with ten differences: the combination of past steps with the smallest residual.
fixed_point <- function(problem, g, eps, tol, limit) {
  best <- changes <- followings <- NULL
  for (iteration in seq_len(limit)) {
    now <- problem$step(g, eps)
    now$error <- sum(problem$w * abs(expm1(pmin(now$gap, 500))))
    now$iterations <- iteration
    if (is.null(best) || isTRUE(now$error < best$error)) best <- now
    if (best$error <= tol || iteration == limit) return(best)
    residual <- now$following - g
    lost <- !isTRUE(now$error <= 100 * best$error)
    if (lost || iteration == 1L) {
      changes <- followings <- NULL
      g <- best$following
    } else {
      changes <- utils::tail(cbind(changes, residual - last$residual), c(NA, 10L))
      followings <- utils::tail(cbind(followings, now$following - last$following), c(NA, 10L))
      share <- qr.coef(qr(sqrt(problem$w) * changes, tol = 1e-8), sqrt(problem$w) * residual)
      share[is.na(share)] <- 0
      g <- now$following - as.vector(followings %*% share)
    }
    last <- list(residual = residual, following = now$following)
  }
}

# ---- what is made of them

# Costs C depend on x directly; potentials are stationary.
transport_gradient <- function(found, p, q, eps) {
  gradients(exponent(found$C, found$g, q$w, "j", eps), found$x_i, e = -eps * p$w, reduction = "LogSumExp")$gradient
}

plan_of <- function(found, p, q, eps, mass) {
  exp((Vi(found$f) + Vj(found$g) - found$C) / eps) * Vi(mass * p$w) * Vj(q$w)
}

#' @rdname sinkhorn
#' @export
predict.rkeops_sinkhorn <- function(object, newdata, ...) {
  call <- call_of("predict", sys.call())
  parts <- attr(object, "parts")
  q <- parts$q
  x <- if (missing(newdata)) parts$p$x else points_beside(newdata, q$x, "newdata", "y", call)
  sumsoftmaxweight(exponent(parts$cost(Vi(x), Vj(q$x)), object$g, q$w, "j", object$eps), "j", q$x)
}

#' @export
print.rkeops_sinkhorn <- function(x, ...) {
  cat("<rkeops_sinkhorn> ", whole_text(length(x$f)), " points to ", whole_text(length(x$g)), ", eps = ", number_text(x$eps), "\n",
      "  cost ", number_text(x$cost, 6L), if (!is.null(x$divergence)) c(", divergence ", number_text(x$divergence, 6L)), "\n",
      "  ", if (x$converged) "converged" else "not converged", ": marginal error ", number_text(x$error, 2L), ", ",
      x$iterations, if (x$iterations == 1) " iteration\n" else " iterations\n", sep = "")
  invisible(x)
}
