# Derivatives of minima, maxima and nearest values. They depend on the pairs (i, j) that are selected and on no
# others, so that one pass finds the pairs, and the rest is a sum over them alone. Positions are piecewise constant.

# The selected pairs as a fold: a sum of single terms, for rows that are pairs.
#   i, j          their row numbers
#   at            their places in the result, as a matrix rows x columns
#   component     the component of f that was selected
select_pairs <- function(fold) {
  nearest <- fold$name %in% c("KMin", "KMin_ArgKMin")
  name <- if (nearest) "KMin_ArgKMin" else if (grepl("^Max", fold$name)) "Max_ArgMax" else "Min_ArgMin"
  found <- reduce_fold(fold, name)
  position <- found[[2L]] + (1L - index_base())
  fold$value <- found[[1L]]
  if (!is.null(fold$blocks)) {  # of nothing, without its position
    fold$value[rep(kept_count(fold$blocks, fold$axis) == 0, length.out = length(fold$value))] <- of_reduction(fold$name, "neutral")
  }
  fold$at <- which(!is.na(position))
  row <- (fold$at - 1) %% fold$rows + 1
  column <- position[fold$at]
  fold$i <- if (fold$axis == 1L) row else column
  fold$j <- if (fold$axis == 1L) column else row
  fold$component <- (fold$at - 1) %/% (fold$rows * (if (nearest) fold$k else 1)) + 1
  fold
}

on_pairs <- function(fold) {
  categories <- fold_categories(fold, identifier(fold$args))
  fold$data <- Map(function(values, category) {
    switch(category, Vi = values[fold$i, , drop = FALSE], Vj = values[fold$j, , drop = FALSE], values)
  }, fold$data, categories)
  fold$args <- sub("=Vj(", "=Vi(", fold$args, fixed = TRUE)
  fold$tokens <- lapply(fold$data, function(values) new_token())
  fold[c("name", "family", "axis", "rows", "columns")] <- list("Sum", "sum", 1L, length(fold$at), fold$dim)
  fold[c("k", "blocks")] <- NULL
  fold
}

reverse_selected <- function(fold, ids, e, of_forward = FALSE) {
  whole <- select_pairs(fold)
  if (is.function(e)) e <- e(whole$value)
  pairs <- on_pairs(whole)
  of_pairs <- adjoint_of_pairs(whole, e)
  adjoints <- if (of_forward) reverse_of_forward(pairs, ids, of_pairs) else reverse(pairs, ids, of_pairs, value = FALSE)$adjoints
  for (id in ids) {
    category <- fold_categories(whole, id)
    if (category == "Pm") next
    rows <- nrow(whole$data[[match(id, identifier(whole$args))]])
    adjoints[[id]] <- scatter(adjoints[[id]], if (category == "Vi") whole$i else whole$j, rows)
  }
  list(value = whole$value, adjoints = adjoints)
}

# The adjoint of f in each pair: that of the result, for the component that was selected.
adjoint_of_pairs <- function(fold, e) {
  of_pair <- if (!is.matrix(e)) rep_len(e, length(fold$at)) else if (ncol(e) > 1L) e[fold$at]
             else e[(fold$at - 1) %% fold$rows + 1]
  if (fold$dim == 1) return(if (is.matrix(e)) matrix(of_pair) else e)
  values <- matrix(0, length(fold$at), fold$dim)
  values[cbind(seq_along(fold$at), fold$component)] <- of_pair
  values
}

# Sums of the rows of `values` that belong to the same row of a matrix.
scatter <- function(values, row, rows) {
  total <- matrix(0, rows, ncol(values))
  sums <- rowsum(values, row, reorder = FALSE)
  total[as.integer(rownames(sums)), ] <- sums
  total
}

forward_selected <- function(fold, ids) {
  pairs <- select_pairs(fold)
  result <- 0 * pairs$value
  result[!is.finite(result)] <- 0
  differentials <- forward(on_pairs(pairs), ids)
  result[pairs$at] <- differentials[cbind(seq_along(pairs$at), pairs$component)]
  result
}

reverse_position <- function(fold, ids, value) {
  zeros <- lapply(ids, function(id) {
    data <- fold$data[[match(id, identifier(fold$args))]]
    if (fold_categories(fold, id) == "Pm") numeric(length(data)) else matrix(0, nrow(data), ncol(data))
  })
  list(value = if (value) reduce_fold(fold, fold$name), adjoints = stats::setNames(zeros, ids))
}
