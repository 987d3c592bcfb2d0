# sum(), mean() and what else R has as generic summaries of numbers.

#' @rdname lazytensor_reductions
#' @export
Summary.LazyTensor <- function(..., na.rm = FALSE) {
  name <- reductions_of_r[[.Generic]]
  if (isFALSE(na.rm) && !is.null(name)) {
    if (...length() == 1L) {
      x <- .Call(`_rkeops_rk_apply`, name, list(x = ..1), NULL, NULL)
      return(if (is.object(x)) x else apply_operation(name, list(x = ..1), call = summary_call(.Generic, list())))
    }
    values <- .Call(`_rkeops_rk_reduce`, list(...), name)
    if (is.double(values)) return(values)
    if (!is.null(values)) return(evaluated(values, ..1, summary_call(.Generic, list(...)[-1L])))
  }
  summarise(.Generic, list(...), na.rm, summary_call(.Generic, list(...)[-1L]))
}

reductions_of_r <- list(sum = "Sum", min = "Min", max = "Max")

summary_call <- function(generic, others) {
  shown <- lapply(others, function(a) if (is.atomic(a) && length(a) < 2L) a else quote(y))
  as.call(c(list(as.name(generic), quote(x)), shown))
}

summarise <- function(generic, arguments, na_rm, call) {
  if (generic == "sum" && "tol" %in% names(arguments)) {
    given <- arguments$tol
    arguments$tol <- NULL
    if (!is.null(given)) return(with_tolerance(given, summarise(generic, arguments, na_rm, call), call))
  }
  x <- arguments[[1L]]
  x <- with_pairs(x, arguments$blocks, if ("self" %in% names(arguments)) arguments$self else TRUE, call)
  arguments[c("blocks", "self")] <- NULL
  index <- if (length(arguments) > 1L) summary_index(generic, arguments[-1L], call) else NA
  switch(generic,
    sum = ,
    min = ,
    max = inside_or_reduce(x, reductions_of_r[[generic]], index, na_rm, call),
    range = reduce_range(x, index, na_rm, call),
    any = , all = reduce_truth(x, generic, index, na_rm, call),
    refuse_function(generic, call, "exp(sum(log(x), index)) is the product of positive numbers.")
  )
}

# `index` out of the arguments that follow x.
summary_index <- function(generic, others, call) {
  name <- names(others) %||% ""
  if (length(others) > 1L || !name[1L] %in% c("", "index")) {
    wrong <- setdiff(name, c("", "index"))
    rkeops_abort("argument", sprintf("%s() of a LazyTensor takes the LazyTensor, `index`, `na.rm`, `blocks` and `self`", generic),
                 call = call, argument = wrong[1L],
                 got = if (length(wrong) > 0L) sprintf("got an argument `%s`", wrong[1L]) else "got more arguments",
                 hint = "index = \"j\" reduces over the rows j (axis 1 of formulas), \"i\" over the rows i (axis 0).")
  }
  index <- others[[1L]]
  if (is.LazyTensor(index) || is.numeric(index)) {
    rkeops_abort(
      "argument", sprintf("%s() takes one LazyTensor and `index`, \"i\", \"j\" or \"ij\"", generic), call = call,
      got = paste("got", describe(index), "as the second argument"),
      hint = switch(generic, sum = "x + y adds two LazyTensors.", max = "ifelse(x > y, x, y) is the larger one of two.",
                    min = "ifelse(x < y, x, y) is the smaller one of two.")
    )
  }
  index
}

#' @rdname lazytensor_reductions
#' @export
mean.LazyTensor <- function(x, index = NA, ..., na.rm = FALSE, trim = 0, blocks = NULL, self = TRUE) {
  call <- call_of("mean", sys.call())
  check_dots("mean", c("index", "na.rm", "blocks", "self"), ..., call = call)
  x <- with_pairs(x, blocks, self, call)
  if (!identical(as.numeric(trim), 0)) {
    rkeops_abort("unsupported", "`trim` is not available for LazyTensors: a trimmed mean needs all values in order",
                 call = call, argument = "trim", hint = "Reduce ordinary numbers: mean(as.matrix(x), trim = ).")
  }
  na_rm <- check_flag(na.rm, "na.rm", call)
  axis <- check_index(index, call, na_ok = TRUE, both = TRUE)
  if (is.na(axis)) {
    if (!na_rm) return(apply_operation("Sum", list(x = x), call = call) / x$dimres)
    return(inside_or_reduce(x, "Sum", NA, TRUE, call) / sum(!is.na(x)))
  }
  keep <- what_counts(x, NULL, na_rm)
  if (is.null(keep)) {
    rows <- if (has_blocks(x)) kept_count(x$blocks, axis) else check_occurs(x, axis, call)
    return(reduce_lazytensor(x, "Sum", index, call = call) / rows)
  }
  allowed <- current_options()$tolerance  # of both the sum and the count, so that their ratio is off by no more than that
  sums <- with_tolerance(allowed / (2 + allowed),
                         reduce_lazytensor(concat(filled(x, keep, 0), keep), "Sum", index, call = call), call)
  values <- seq_len(x$dimres)
  if (axis == 2L) return(sums[values] / sums[-values])
  sums[, values, drop = FALSE] / as.vector(sums[, -values])
}

inside_or_reduce <- function(x, name, index, na_rm, call) {
  check_lazytensor(x, "x", call)
  axis <- check_index(index, call, na_ok = TRUE, both = TRUE)
  if (!is.na(axis)) return(reduce_over(x, name, axis, call = call, na_rm = na_rm))
  position <- startsWith(name, "Arg")
  result <- if (check_flag(na_rm, "na.rm", call)) inside_numbers(x, name, position, call)
            else apply_operation(name, list(x = x), call = call)
  if (position && index_base() != 0L) result + index_base() else result
}

# Of the components that are not NaN.
inside_numbers <- function(x, name, position, call) {
  inside <- function(name, x) apply_operation(name, list(x = x), call = call)
  if (!position) return(inside(name, ifelse.LazyTensor(!is.na(x), x, of_reduction(name, "neutral"))))
  best <- !is.na(x) & x == inside_or_reduce(x, sub("Arg", "", name), NA, TRUE, call)
  ifelse.LazyTensor(any(best), inside("ArgMax", best), NaN)
}

# Minimum and maximum, in one pass.
reduce_range <- function(x, index, na_rm, call) {
  check_lazytensor(x, "x", call)
  if (is.ComplexLazyTensor(x)) refuse_complex("range", call)
  axis <- check_index(index, call, na_ok = TRUE, both = TRUE)
  if (is.na(axis)) {
    return(concat(inside_or_reduce(x, "Min", NA, na_rm, call), inside_or_reduce(x, "Max", NA, na_rm, call)))
  }
  both <- reduce_lazytensor(concat(x, -x), "Min", index, call = call, na_rm = na_rm)
  d <- seq_len(x$dimres)
  if (axis == 2L) return(if (x$dimres == 1) c(both[1L], -both[2L]) else rbind(both[d], -both[-d]))
  if (x$dimres == 1) {
    both[, 2L] <- -both[, 2L]
    return(both)
  }
  values <- array(c(both[, d], -both[, -d]), c(nrow(both), x$dimres, 2L))
  with_row_names(aperm(values, c(1L, 3L, 2L)), rownames(both))
}

# Truth values: is any, are all not 0.
reduce_truth <- function(x, generic, index, na_rm, call) {
  check_lazytensor(x, "x", call)
  check_flag(na_rm, "na.rm", call)
  test <- if (holds_truth(x)) x else if (is.ComplexLazyTensor(x)) Re(x) != 0 | Im(x) != 0 else x != 0
  if (na_rm) test <- if (generic == "any") test & !is.na(x) else test | is.na(x)
  name <- if (generic == "any") "Max" else "Min"
  if (!is.na(check_index(index, call, na_ok = TRUE, both = TRUE))) {
    return(reduce_lazytensor(test, name, index, call = call) > 0)
  }
  result <- apply_operation(name, list(x = test), call = call)
  result$logical <- TRUE
  result
}
