# Reductions of LazyTensors and their derivatives as formulas of one program. The engine differentiates, and folds together what
# folds the same pairs (i, j).
#
# A fold is a list that stands for a reduction:
#   name, axis, family   the reduction; how it is differentiated, see reduction_table()
#   f, weight            formulas, weight "" where there is none
#   dim                  dimension of f
#   k                    number of nearest values
#   rows, columns        shape of the result as a matrix
#   args, data, tokens, definitions, blocks   as of a LazyTensor, see lazytensor.R
#   call                 the user's
# Variables that are added are called A0x_..., which no LazyTensor is and no identifier begins with; the result of the reduction
# is called D0x_result in formulas.

adjoint_id <- "A0x_e"
result_id <- "D0x_result"
change_id <- "D0x_change"
tangent_id <- function(k) sprintf("A0x_t%dt", k)

fold_categories <- function(fold, ids) {
  substr(declared_as(fold$args), 1L, 2L)[match(ids, identifier(fold$args))]
}

fold_dims <- function(fold, ids) {
  declared <- declared_as(fold$args)[match(ids, identifier(fold$args))]
  as.numeric(substr(declared, 4L, nchar(declared) - 1L))
}

# The category of variables that have the index of the result.
own_category <- function(fold) if (fold$axis == 1L) "Vi" else "Vj"

with_variable <- function(fold, id, values, category) {
  dim <- if (category == "Pm") length(values) else ncol(values)
  fold$args <- c(fold$args, sprintf("%s=%s(%.0f)", id, category, dim))
  fold$data <- c(fold$data, list(values))
  fold$tokens <- c(fold$tokens, list(new_token()))
  fold
}

reduction_text <- function(fold, name = fold$name) {
  sprintf("%s_Reduction(%s,%d)", name, paste(c(fold$f, if (nzchar(fold$weight)) fold$weight, whole(fold$k)), collapse = ","),
          fold$axis)
}

# The change of the result, to first order, where the tangents are among the variables of the fold.
change_text <- function(ids) {
  paste(sprintf("Diff(%s,%s,%s)", result_id, ids, tangent_id(seq_along(ids))), collapse = "+")
}

gradient_text <- function(of, ids, e) sprintf("Grad(%s,%s,%s)", of, ids, e)

with_definitions <- function(fold) {
  fold$definitions <- c(fold$definitions, paste0(result_id, "=", reduction_text(fold)), fold$change)
  fold
}

# Values of formulas of the result, as a list.
outputs <- function(fold, formulas) {
  values <- evaluate(paste(formulas, collapse = ";"), with_definitions(fold), fold$call)
  if (is.list(values)) values else list(values)
}

# Adjoints are multiplied by a number outside of the formulas.
scaled_by <- function(adjoints, fold, ids, e) {
  parameters <- fold_categories(fold, ids) == "Pm"
  if (!identical(e, 1)) adjoints <- lapply(adjoints, `*`, e)
  adjoints[parameters] <- lapply(adjoints[parameters], as.vector)
  stats::setNames(adjoints, ids)
}

# Reverse mode: list(value, adjoints). `e` is the adjoint of the result, a number or a matrix with one row for each of
# its rows; or a function that gives it for a value. value = FALSE: the value is not asked for. `of`: what is differentiated.
reverse <- function(fold, ids, e, value = TRUE, of = result_id) {
  if (fold$family == "selected") return(reverse_selected(fold, ids, e))
  if (fold$family == "position") return(reverse_position(fold, ids, value))
  if (is.function(e)) return(reverse_late(fold, ids, e))
  number <- !is.matrix(e)
  if (!number) fold <- with_variable(fold, adjoint_id, e, own_category(fold))
  found <- outputs(fold, c(if (value) result_id, gradient_text(of, ids, if (number) "IntCst(1)" else adjoint_id)))
  list(value = if (value) found[[1L]],
       adjoints = scaled_by(if (value) found[-1L] else found, fold, ids, if (number) e else 1))
}

# The adjoint is known when the result is. Before that, derivatives are taken of a result of one component with respect to what
# has its index, or none: times the adjoint, row by row, they are what is looked for.
reverse_late <- function(fold, ids, e) {
  category <- fold_categories(fold, ids)
  few <- fold_dims(fold, ids) <= 8
  early <- fold$columns == 1 & fold$family != "softmax" & (category == own_category(fold) | category == "Pm" & few)
  first <- lapply(ids[early], function(id) {
    if (fold_categories(fold, id) != "Pm") return(gradient_text(result_id, id, "IntCst(1)"))
    dim <- fold_dims(fold, id)
    sprintf("Diff(%s,%s,ElemT(IntCst(1),%.0f,%.0f))", result_id, id, dim, seq_len(dim) - 1)
  })
  found <- outputs_in_turn(fold, c(result_id, unlist(first)), gradient_text(result_id, ids[!early], adjoint_id), e)
  of_first <- rep(seq_along(first), lengths(first))
  adjoints <- stats::setNames(vector("list", length(ids)), ids)
  adjoints[early] <- lapply(seq_along(first), function(k) {
    rows <- do.call(cbind, found$first[-1L][of_first == k]) * as.vector(found$e)
    if (category[early][k] == "Pm") colSums(rows) else rows
  })
  adjoints[!early] <- scaled_by(found$last, fold, ids[!early], 1)
  list(value = found$first[[1L]], adjoints = adjoints)
}

# Formulas of the result, and others, with an adjoint that is a function of the result. What the others need of the first ones is
# kept; sums need nothing.
outputs_in_turn <- function(fold, first, last, e) {
  if (length(last) == 0L || fold$family == "sum") {
    found <- outputs(fold, first)
    e <- e(found[[1L]])
    if (length(last) > 0L) last <- outputs(with_variable(fold, adjoint_id, e, own_category(fold)), last)
    return(list(first = found, e = e, last = last))
  }
  whole <- with_definitions(with_variable(fold, adjoint_id, matrix(0, fold$rows, fold$columns), own_category(fold)))
  prepared <- evaluated(rk_prepare(paste(c(first, last), collapse = ";"), whole$args, whole$definitions, whole$data,
                                   whole$tokens, engine_blocks(whole$blocks), length(whole$args) - 1L), fold, fold$call)
  on.exit(rk_release(prepared))
  later <- rep(c(FALSE, TRUE), c(length(first), length(last)))
  found <- evaluated(rk_run_prepared(prepared, NULL, !later), fold, fold$call)[!later]
  e <- e(found[[1L]])
  rest <- evaluated(rk_run_prepared(prepared, e, later), fold, fold$call)
  # (where `e` changed the options, nothing is prepared any more)
  last <- if (is.null(rest)) outputs(with_variable(fold, adjoint_id, e, own_category(fold)), last) else rest[later]
  list(first = found, e = e, last = last)
}

# Forward mode: the differential of the result, where the tangents are among the variables of the fold.
forward <- function(fold, ids) {
  if (fold$family == "position") return(0 * reduce_fold(fold, fold$name))
  if (fold$family == "selected") return(forward_selected(fold, ids))
  outputs(fold, change_text(ids))[[1L]]
}

# The Hessian of sum(e * result) times the tangents.
reverse_of_forward <- function(fold, ids, e) {
  if (fold$family == "position") return(reverse_position(fold, ids, FALSE)$adjoints)
  if (fold$family == "selected") return(reverse_selected(fold, ids, e, of_forward = TRUE)$adjoints)
  fold$change <- paste0(change_id, "=", change_text(ids))
  reverse(fold, ids, e, value = FALSE, of = change_id)$adjoints
}

reduce_fold <- function(fold, name) evaluate(reduction_text(fold, name), fold, fold$call)
