# Solutions and log-determinants as objectives: functions of the variables of the matrix, for optim() and the like.

#' Objectives of linear systems
#'
#' `solve_objective()` is `sum(e * x)` or `sum(e * loss(x))` with `x = solve(a, b, ridge = ridge)`, and `logdet_objective()` is
#' `logdet(a, ridge = ridge)`, as functions of the variables in `wrt`, with gradients: objects as [objective()] makes them, which
#' can be added to, and combined with, any other. Half their sum, with `e = b`, is the negative log-likelihood of a Gaussian process.
#'
#' `a` and `ridge` are LazyTensors (`ridge` may be a number) whose variables take new values in each call; `b` stays.
#'
#' @inheritParams solve_gradients
#' @inheritParams logdet
#' @inheritParams objective
#' @param a,ridge as for [solve()][solve.LazyTensor()]; a LazyTensor `ridge` may have variables in `wrt`.
#' @param e weights of the solution: a number or numbers of the shape of `b`; `e = b` gives the quadratic form `b' x`.
#' @param loss a function of x that is applied entry by entry; `NULL`: x itself.
#' @param derivative its derivative; `NULL`: by the rules of [stats::D()], if `loss` is one expression.
#' @return An object of class `rkeops_objective`, see [objective()]. Errors: as [solve_gradients()] and [logdet_gradients()].
#' @seealso [objective()], [solve_gradients()], [logdet_gradients()]
#' @concept marginal likelihood
#' @concept Gaussian process
#' @concept hyperparameters
#' @concept implicit differentiation
#' @concept optimisation
#' @examples
#' # a Gaussian process: length and noise by maximum likelihood
#' x <- matrix(runif(100))
#' y <- sin(6 * x[, 1]) + rnorm(100) / 10
#' log_h <- Pm(-1)
#' log_s <- Pm(-1)
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) * exp(-2 * log_h) / 2)
#' noise <- exp(2 * log_s)
#' minus_loglik <- 0.5 * (solve_objective(K_ij, y, list(log_h, log_s), e = y, ridge = noise) +
#'   logdet_objective(K_ij, list(log_h, log_s), ridge = noise))
#' fit <- nlminb(minus_loglik$par, minus_loglik$fn, minus_loglik$gr)
#' exp(fit$par)
#' @export
solve_objective <- function(a, b, wrt, e = 1, ridge = 0, loss = NULL, derivative = NULL, tol = 1e-6, max_iterations = 1000,
                            rank = NULL) {
  call <- sys.call()
  if (missing(b)) abort_missing("b", call)
  check_square(check_lazytensor(a, "a", call), call)
  rhs <- unname(right_hand_side(b, "b", dim(a)[1L], call))
  e <- adjoint_of_solution(e, NULL, rhs, call)
  loss <- check_loss(loss, derivative, call)
  of_solution <- function(found, x) if (length(found) == 1L) rep_len(found, length(x)) else as.vector(found)
  objective_of_form(a, ridge, wrt, substitute(wrt), call, function(a, ridge, variables) {
    system <- new_system(a, ridge, tol, max_iterations, rank, call)
    x <- solve_system(system, rhs)$x
    value <- if (is.null(loss)) x else loss$value(x)
    slopes <- if (is.null(loss)) e else adjoint_of_solution(as.vector(e) * of_solution(loss$derivative(x), x), NULL, rhs, call)
    w <- if (identical(slopes, rhs)) x else solve_system(system, slopes)$x
    list(value = sum(as.vector(e) * value), gradient = gradients_of_form(a, ridge, x, -w, variables, call, raw = TRUE)$gradient)
  })
}

#' @rdname solve_objective
#' @export
logdet_objective <- function(a, wrt, ridge = 0, probes = NULL, tol = 1e-3, max_iterations = 1000, rank = NULL, seed = 1) {
  call <- sys.call()
  check_square(check_lazytensor(a, "a", call), call)
  objective_of_form(a, ridge, wrt, substitute(wrt), call, function(a, ridge, variables) {
    system <- logdet_system(a, ridge, probes, tol, max_iterations, rank, seed, call)
    found <- differentiated_logdet(system, a, ridge, variables, raw = TRUE)
    list(value = as.numeric(found$value), gradient = found$gradient)
  })
}

# `evaluate(a, ridge, variables)` gives list(value, gradient) for a and ridge with other values of their variables.
objective_of_form <- function(a, ridge, wrt, expression, call, evaluate) {
  if (missing(wrt)) abort_missing("wrt", call, "Give what Vi(), Vj() or Pm() returned, or a list of that.")
  variables <- variables_of_form(a, ridge, wrt, call)
  folds <- parts_of_form(a, ridge, NULL, call)
  ids <- lapply(seq_along(variables$groups), function(k) {
    lapply(variables$parts, function(part) part$ids[match(k, part$places, nomatch = 0L)])
  })
  both <- lapply(stats::setNames(nm = c("args", "data", "labels")), function(name) do.call(c, lapply(folds, `[[`, name)))
  all_ids <- lapply(ids, function(of_parts) unlist(of_parts))
  complex <- vapply(seq_along(ids), function(k) {
    any(unlist(lapply(variables$parts, function(part) part$complex[match(k, part$places, nomatch = 0L)])))
  }, TRUE)
  names <- objective_names(both, wrt, expression, list(ids = all_ids, many = variables$many), call)
  start <- stats::setNames(lapply(all_ids, function(ids) start_values(both, which(identifier(both$args) %in% ids), call)), names)
  parts <- list(a, ridge)
  variables$many <- TRUE
  new_objective(start, stats::setNames(complex, names), function(values) {
    for (k in seq_along(folds)) {
      part <- unclass(parts[[k]])
      for (m in seq_along(names)) {
        for (place in which(identifier(part$args) %in% unlist(ids[[m]][k]))) {
          part$data[[place]] <- values[[m]]
          part$tokens[place] <- list(new_token())
        }
      }
      class(part) <- class(parts[[k]])
      parts[[k]] <- if (needs_s4_bit) asS4(part) else part
    }
    found <- evaluate(parts[[1L]], parts[[2L]], variables)
    list(value = found$value, gradient = stats::setNames(found$gradient, names))
  })
}
