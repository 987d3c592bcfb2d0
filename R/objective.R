# Numbers that depend on variables, with their gradients, for optim() and the like.

#' Objective functions for optimisation
#'
#' `objective()` turns a reduction of a LazyTensor into a pair of functions, value and gradient, of one numeric vector
#' that holds all variables in `wrt`: what [stats::optim()] and [stats::nlminb()] want. Value and gradient are
#' computed together and remembered until the vector changes. Kernels are compiled once.
#'
#' @details The objective is `sum(e * A)` or `sum(e * loss(A))`, with A the result of the reduction; see [gradients()]
#' for all arguments. Objectives can be combined: `+`, `-`, `*`, `/` with each other and with numbers, `^` with a
#' number, `exp()`, `log()` and `sqrt()` give objectives of all variables of their parts; variables with the same name
#' are the same variable. Names are those in `wrt`, as in `wrt = list(x = x_i, s = s)`; else those of the data, x for
#' `Vi(x)`; else those of the LazyTensors.
#'
#' Optimisers minimise: `-objective(...)` maximises. For parameters that have to be positive, take their logarithm as
#' the variable and `exp()` of it in the formula.
#'
#' `fn` and `gr` are ordinary functions, to which terms that need no LazyTensor, such as penalties, can be added:
#' `function(par) o$fn(par) + sum(par^2)`.
#'
#' @inheritParams gradients
#' @return An object of class `rkeops_objective`, a list of
#'   * `par`: the numbers that the variables have now, as one vector (matrices column by column), where to start from;
#'   * `fn`, `gr`: functions of such a vector, which give the value and the gradient;
#'   * `relist`: a function of such a vector, which gives a named list of the variables in their shapes.
#'
#'   Errors: as [gradients()]; of class `rkeops_error_argument` if a vector of another length is given, or if objectives
#'   are combined in which variables of one name have different values.
#' @seealso [gradients()], [stats::optim()], [stats::nlminb()]; `vignette("gradients")`.
#' @concept optimisation
#' @concept optimization
#' @concept maximum likelihood
#' @concept bandwidth selection
#' @concept maximum mean discrepancy
#' @concept energy distance
#' @concept automatic differentiation
#' @examples
#' # bandwidth of a kernel density by maximum likelihood of other data
#' x <- matrix(rnorm(100))
#' y <- matrix(rnorm(200))
#' log_h <- Pm(-0.5)
#' log_density_ij <- -sqdist(Vi(x), Vj(y)) * exp(-2 * log_h) / 2 - log_h
#' o <- -objective(log_density_ij, log_h, reduction = "LogSumExp")
#' fit <- optim(o$par, o$fn, o$gr, method = "BFGS")
#' exp(fit$par)
#'
#' # points that move towards y: maximum mean discrepancy
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(30) + 1, 15)
#' k <- function(u, v) exp(-sqdist(u, v))
#' x_i <- Vi(x)
#' x_j <- Vj(x)
#' mmd <- objective(k(x_i, x_j), list(x = list(x_i, x_j))) / 10^2 -
#'   2 * objective(k(x_i, Vj(y)), list(x = x_i)) / (10 * 15)
#' fit <- nlminb(mmd$par, mmd$fn, mmd$gr)
#' colMeans(mmd$relist(fit$par)$x)
#' @export
objective <- function(f, wrt, e = 1, index = "j", reduction = "Sum", opt_arg = NULL, loss = NULL, derivative = NULL) {
  call <- sys.call()
  fold <- new_fold(f, index, reduction, opt_arg, call)
  variables <- find_variables(fold, wrt, call)
  e <- as_adjoint(e, fold, call)
  loss <- check_loss(loss, derivative, call)
  names(variables$ids) <- objective_names(fold, wrt, substitute(wrt), variables, call)
  places <- lapply(variables$ids, match, identifier(fold$args))
  start <- lapply(places, function(k) start_values(fold, k, call))
  complex <- stats::setNames(variables$complex, names(start))
  new_objective(start, complex, function(values) {
    for (name in names(places)) {
      for (k in places[[name]]) fold$data[[k]] <- values[[name]]
      fold$tokens[places[[name]]] <- list(new_token())
    }
    found <- value_and_adjoints(fold, variables, e, loss)
    list(value = found$value, gradient = lapply(variables$ids, function(ids) Reduce(`+`, found$adjoints[ids])))
  })
}

# Names in `wrt`, else of the data, else of the LazyTensors in the call.
objective_names <- function(fold, wrt, expression, variables, call) {
  labels <- fold$labels[match(vapply(variables$ids, `[`, "", 1L), identifier(fold$args))]
  count <- length(labels)
  written <- if (!variables$many) list(expression)
             else if (is.call(expression) && length(expression) == count + 1L) as.list(expression)[-1L]
             else list()
  symbols <- vapply(seq_len(count), function(k) if (k <= length(written)) label_of(written[[k]]) else "", "")
  names <- if (variables$many && !is.null(names(wrt))) names(wrt) else character(count)
  for (known in list(labels, symbols)) {
    names <- ifelse.default(!nzchar(names) & known == make.names(known), known, names)
  }
  if (all(nzchar(names)) && !anyDuplicated(names)) return(names)
  rkeops_abort("argument", "variables of an objective need different names", call = call, argument = "wrt",
               got = paste("got", paste0("\"", names, "\"", collapse = ", ")),
               hint = "Write wrt = list(x = x_i, s = s).")
}

# The data of variables that are one and the same matrix, as double.
start_values <- function(fold, places, call) {
  data <- lapply(fold$data[places], function(values) {
    storage.mode(values) <- "double"
    if (startsWith(declared_as(fold$args[places[1L]]), "Pm")) as.vector(values) else values
  })
  if (all(vapply(data, identical, TRUE, data[[1L]]))) return(data[[1L]])
  rkeops_abort("argument", "variables that are one and the same matrix have different values", call = call,
               argument = "wrt",
               hint = "list(x_i, s) are two variables, list(list(x_i, x_j)) is one that occurs twice.")
}

# `start` holds the variables by name as formulas do: re, im, re, im, ... for complex ones. `evaluate` gives
# list(value, gradient) for such a list.
new_objective <- function(start, complex, evaluate) {
  last <- found <- NULL
  at <- function(par, call) {
    if (!missing(par) && identical(par, last)) return(found)
    values <- unflatten(par, start, call)
    found <<- evaluate(values)
    last <<- par + 0  # a copy: optimisers may write into theirs
    found
  }
  structure(list(
    par = unlist(start),
    fn = function(par) at(par, sys.call())$value,
    gr = function(par) unlist(at(par, sys.call())$gradient[names(start)], use.names = FALSE),
    relist = function(par) Map(as_given, unflatten(par, start, sys.call()), complex[names(start)])
  ), class = "rkeops_objective", parts = list(start = start, complex = complex, evaluate = evaluate))
}

unflatten <- function(par, start, call) {
  if (missing(par)) abort_missing("par", call)
  if (!is.numeric(par) || length(par) != sum(lengths(start))) {
    abort_argument("par", sprintf("a numeric vector of length %d", sum(lengths(start))), par, call)
  }
  last <- cumsum(lengths(start))
  Map(function(shape, from, to) {
    values <- as.double(par[seq.int(from, to)])
    dim(values) <- dim(shape)
    values
  }, start, last - lengths(start) + 1, last)
}

as_given <- function(values, complex) {
  if (!complex) return(values)
  if (is.matrix(values)) deinterleave(values) else as.vector(deinterleave(matrix(values, 1L)))
}

#' @export
print.rkeops_objective <- function(x, ...) {
  start <- attr(x, "parts")$start
  shapes <- vapply(start, function(values) paste(if (is.null(dim(values))) length(values) else dim(values),
                                                 collapse = " x "), "")
  cat("<rkeops_objective> of ", paste0(names(start), " (", shapes, ")", collapse = ", "), "\n", sep = "")
  invisible(x)
}

# ---- arithmetic

# Derivatives of operations in their operands.
slopes <- list(
  `+` = function(a, b) c(1, 1), `-` = function(a, b) c(1, -1), `*` = function(a, b) c(b, a),
  `/` = function(a, b) c(1 / b, -a / b^2), `^` = function(a, b) c(b * a^(b - 1), 0),
  exp = exp, log = function(a) 1 / a, sqrt = function(a) 0.5 / sqrt(a)
)

#' @export
Ops.rkeops_objective <- function(e1, e2) {
  call <- sys.call()
  if (missing(e2)) {
    if (.Generic == "+") return(e1)
    if (.Generic == "-") return(combine_objectives("-", as_objective(0, "e1", call), e1, call))
  }
  if (!.Generic %in% names(slopes)) refuse_objective(.Generic, call)
  if (.Generic == "^" && inherits(e2, "rkeops_objective")) {
    abort_argument("e2", "a number", e2, call, hint = "exp(y * log(x)) is x^y.")
  }
  combine_objectives(.Generic, as_objective(e1, "e1", call), as_objective(e2, "e2", call), call)
}

#' @export
Math.rkeops_objective <- function(x, ...) {
  call <- sys.call()
  if (!.Generic %in% names(slopes) || ...length() > 0L) refuse_objective(.Generic, call)
  combine_objectives(.Generic, x, NULL, call)
}

refuse_objective <- function(operation, call) {
  rkeops_abort("unsupported", sprintf("`%s` is not available for objectives", operation), call = call,
               hint = "There are + - * / ^, exp(), log() and sqrt(); `loss` is for any function of a reduction.")
}

as_objective <- function(x, arg, call) {
  if (inherits(x, "rkeops_objective")) return(x)
  if (!is.numeric(x) || length(x) != 1L || is.object(x)) abort_argument(arg, "an objective or a number", x, call)
  new_objective(list(), logical(), function(values) list(value = x, gradient = list()))
}

combine_objectives <- function(operation, a, b, call) {
  parts <- lapply(Filter(Negate(is.null), list(a, b)), attr, "parts")
  starts <- lapply(parts, `[[`, "start")
  start <- Reduce(function(one, two) {
    for (name in intersect(names(one), names(two))) {
      if (!identical(one[[name]], two[[name]])) {
        rkeops_abort("argument", sprintf("`%s` has different values in the two objectives", name), call = call,
                     hint = "Variables with the same name are the same variable; name them in `wrt`.")
      }
    }
    c(one, two[setdiff(names(two), names(one))])
  }, starts)
  complex <- unlist(lapply(parts, `[[`, "complex"))[names(start)]
  new_objective(start, complex, function(values) {
    found <- lapply(parts, function(part) part$evaluate(values[names(part$start)]))
    numbers <- lapply(found, `[[`, "value")
    slope <- do.call(slopes[[operation]], unname(numbers))
    gradient <- list()
    for (k in seq_along(found)) {
      for (name in names(found[[k]]$gradient)) {
        part <- slope[k] * found[[k]]$gradient[[name]]
        gradient[[name]] <- if (is.null(gradient[[name]])) part else gradient[[name]] + part
      }
    }
    list(value = do.call(operation, unname(numbers)), gradient = gradient)
  })
}
