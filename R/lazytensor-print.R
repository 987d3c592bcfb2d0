# How LazyTensors look, and their dimensions.

#' Printing LazyTensors, and their dimensions
#'
#' `dim()` is the number of rows i and of rows j, 1 where there is no such index; the dimension of the vectors is
#' `x$dimres`. `t()` exchanges i and j.
#'
#' @param x,object a LazyTensor.
#' @param width number of characters after which the formula is cut.
#' @param ... not used.
#' @return `dim()`: two numbers. `format()`: lines of text. `print()`: `x`, invisibly. `t()`: a LazyTensor.
#' @name lazytensor_print
#' @examples
#' K_ij <- sqdist(Vi(matrix(1:6, 3)), Vj(matrix(1:8, 4)))
#' K_ij
#' dim(K_ij)
#' dim(t(K_ij))
NULL

#' @rdname lazytensor_print
#' @export
dim.LazyTensor <- function(x) {
  rows <- c(x$ni, x$nj)
  rows[is.na(rows)] <- 1
  if (all(rows <= .Machine$integer.max)) as.integer(rows) else rows
}

#' @rdname lazytensor_print
#' @export
format.LazyTensor <- function(x, width = 10L * getOption("width"), ...) {
  formula <- readable_formula(x)
  if (nchar(formula) > width) formula <- paste0(substr(formula, 1L, width - 3L), "...")
  rows <- format(dim(x), big.mark = ",", trim = TRUE)
  c(
    sprintf("<LazyTensor> %s x %s, dim %s", rows[1L], rows[2L], format(x$dimres)),
    paste0("  formula: ", formula),
    sprintf("  never stored: %s as an ordinary matrix", human_bytes(prod(as.numeric(dim(x))) * x$dimres * 8))
  )
}

#' @rdname lazytensor_print
#' @export
print.LazyTensor <- function(x, ...) {
  writeLines(format(x, ...))
  invisible(x)
}

#' @rdname lazytensor_print
#' @importFrom utils str
#' @export
str.LazyTensor <- function(object, ...) {
  cat(" ", format(object)[1L], "\n", sep = "")
  invisible(NULL)
}

#' @rdname lazytensor_print
#' @export
t.LazyTensor <- function(x) {
  swapped <- chartr("ij", "ji", identifier(x$args))
  formula <- x$formula
  marks <- paste0("#", seq_along(swapped), "#")
  ids <- identifier(x$args)
  for (k in seq_along(ids)) formula <- gsub(ids[k], marks[k], formula, fixed = TRUE)
  for (k in seq_along(ids)) formula <- gsub(marks[k], swapped[k], formula, fixed = TRUE)
  declared <- declared_as(x$args)
  substr(declared, 2L, 2L) <- ifelse.default(substr(declared, 1L, 1L) == "V", chartr("ij", "ji", substr(declared, 2L, 2L)),
                                             substr(declared, 2L, 2L))
  new_lazytensor(formula, sprintf("%s=%s", swapped, declared), x$data, x$labels, x$dimres, x$nj, x$ni, x$logical,
                 x$tokens)
}

# The formula with the names that the user's data had, where they are known and different.
readable_formula <- function(x) {
  labels <- x$labels
  indexed <- is_indexed(x$args)
  suffix <- sub(".*=Pm.*", "", sub(".*=V([ij]).*", "_\\1", x$args))
  unknown <- !nzchar(labels)
  labels[unknown] <- ifelse.default(indexed, "v", "p")[unknown]
  has_suffix <- nzchar(suffix) & endsWith(labels, suffix)
  names <- make.unique(paste0(labels, ifelse.default(has_suffix, "", suffix)), sep = "")
  formula <- x$formula
  ids <- identifier(x$args)
  for (k in seq_along(ids)) formula <- gsub(ids[k], names[k], formula, fixed = TRUE)
  gsub(",", ", ", gsub("IntCst\\((-?[0-9]+)\\)", "\\1", formula), fixed = TRUE)
}

human_bytes <- function(bytes) {
  units <- c("bytes", "kB", "MB", "GB", "TB", "PB")
  power <- if (bytes < 1000) 0 else min(floor(log(bytes, 1000)), length(units) - 1)
  paste(format(signif(bytes / 1000^power, 3L), trim = TRUE), units[power + 1])
}
