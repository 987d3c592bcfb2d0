# Names of rows and columns that go from data to results. A LazyTensor knows the names of its components where they are
# columns of data, as in K * b; data keep the names of their rows.

# Names of the rows of data of one category ("Vi", "Vj"), of the first that have some.
row_names_of <- function(data, categories, category, by_rows = FALSE) {
  for (k in which(categories == category)) {
    names <- dimnames(data[[k]])
    if (!is.null(names)) names <- names[[if (by_rows) 2L else 1L]]
    if (!is.null(names)) return(names)
  }
}

# A result: a matrix, an array for K nearest values, or a list of two.
with_row_names <- function(result, rows, columns = NULL) {
  if (is.null(rows) && is.null(columns)) return(result)
  if (is.list(result)) {
    result[] <- lapply(result, with_row_names, rows, columns)
    return(result)
  }
  shape <- dim(result)
  names <- vector("list", length(shape))
  if (length(rows) == shape[1L]) names[1L] <- list(rows)
  if (length(columns) == shape[length(shape)]) names[length(shape)] <- list(columns)
  if (any(lengths(names) > 0L)) dimnames(result) <- names
  result
}

# `columns`: names of the components of what is reduced, or of its weight.
named_reduction <- function(result, merged, axis, columns) {
  has_names <- any(lengths(lapply(merged$data, dimnames)) > 0L)
  rows <- if (has_names) row_names_of(merged$data, categories_of(merged$args), c("Vj", "Vi")[axis + 1L])
  with_row_names(result, rows, columns)
}
