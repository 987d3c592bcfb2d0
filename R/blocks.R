# Blocks of pairs (i, j): a reduction visits those that are kept, and no others. They are a list of class rkeops_blocks:
#   i, j     number of the group of each row, NA where it is in none
#   kept     integer vectors i, from, to: group i of the rows i keeps the groups from, ..., to of the rows j; in order, and apart
#            from each other
#   between  NULL, or two numbers: only pairs with j - i between them count, which a mask sees to
#   held     an environment, for what is made of them when it is needed
# A LazyTensor carries a list of blocks (`blocks`), as it carries a mask: a pair counts if all of them keep it.

#' Reductions of blocks of pairs
#'
#' With `blocks = ` a reduction takes the pairs (i, j) that are kept and no others, in a time that is proportional to their
#' number: clusters that are near each other, neighbours within a radius, a band or a triangle of the matrix. Pairs that are
#' not kept are left out as those of [off_diagonal()] are.
#'
#' * `blocks()`: rows are in groups, those with the same label, and `keep` says which groups of i go with which groups of j. Rows
#'   need no order.
#' * `blocks_within()`: all pairs of points whose (Euclidean) distance is at most `radius`, and some others that are not much
#'   farther from each other, as clusters are kept or left out as a whole.
#' * `blocks_diagonal()`: pairs of rows with the same label.
#' * `blocks_band()`: pairs of rows with `-before <= j - i <= after`, whatever their data.
#' * `blocks_triangle()`: pairs of rows with j <= i, or j < i without the diagonal; `upper = TRUE`: j >= i, or j > i.
#'
#' `in_blocks(x, blocks)` is a LazyTensor that has these blocks in every reduction. So have all that are computed from it, also in
#' `%*%`, [solve()][solve.LazyTensor()], [operator()] and [gradients()], which have no argument `blocks`. Of several blocks those
#' pairs count that all of them keep.
#'
#' Groups are visited as a whole, so those of some tens of rows and more are best. The others cost as much as if they had some
#' tens of rows; on a GPU, as if they had 128 (256 where vectors have more than 32 components).
#'
#' @param i,j labels of the rows i and of the rows j, one for each: a factor, numbers or strings. Or a matrix with two columns,
#'   the first and last row of each group, for groups that are ranges of rows; other rows are in no group.
#' @param keep which groups are kept: a matrix of truth values, with a row for each label i and a column for each label j, in
#'   the order of the labels (of levels, numbers, letters) or with row and column names that are labels. Or a function of two
#'   vectors, a label i and a label j in each place, that gives `TRUE` for those that are kept; levels of factors are strings.
#' @param ni,nj numbers of rows i and j. With labels they need not be given.
#' @param x,y for `blocks_within()` matrices, data frames or vectors of points, the rows i and the rows j; for `in_blocks()` a
#'   LazyTensor with indices i and j.
#' @param radius a positive number.
#' @param width,before,after how far j may be from i, in rows.
#' @param upper,diagonal `TRUE` or `FALSE`.
#' @param blocks what one of the other functions gave.
#' @param ... not used.
#' @return An object of class `rkeops_blocks`; `in_blocks()`: a LazyTensor. Errors: of class `rkeops_error_input` for labels that
#'   are missing, ranges that overlap or leave the matrix, and points that are not finite; `rkeops_error_dimension` if `keep` or
#'   points have the wrong shape, or the blocks are those of other numbers of rows; `rkeops_error_argument` for other arguments.
#' @seealso [lazytensor_reductions], [off_diagonal()]; `vignette("recipes")`.
#' @concept block-sparse
#' @concept sparse
#' @concept clusters
#' @concept cutoff
#' @concept neighbours within a radius
#' @concept band matrix
#' @examples
#' x <- matrix(runif(2000), 1000)
#' D_ij <- sqdist(Vi(x), Vj(x))
#'
#' # a compactly supported kernel: only points that are near each other matter
#' near <- blocks_within(x, x, radius = 0.1)
#' near
#' K_ij <- ifelse(D_ij < 0.1^2, (1 - sqrt(D_ij) / 0.1)^4, 0)
#' density <- sum(K_ij, index = "j", blocks = near)
#'
#' # clusters, of which neighbours are kept
#' cluster <- cut(x[, 1], 20)
#' side <- blocks(as.integer(cluster), keep = function(a, b) abs(a - b) <= 1)
#' argKmin(D_ij, K = 2, index = "j", blocks = side)
#'
#' # pairs i < j
#' sum(1 / sqrt(D_ij), index = "ij", blocks = blocks_triangle(1000, upper = TRUE, diagonal = FALSE))
#'
#' # products and gradients
#' S_ij <- in_blocks(K_ij, near)
#' head(S_ij %*% rnorm(1000))
#' @export
blocks <- function(i, j = i, keep, ni = NULL, nj = NULL) {
  call <- sys.call()
  require_given(call, i = missing(i), keep = missing(keep))
  groups <- list(i = row_groups(i, ni, c("i", "ni"), call),
                 j = row_groups(j, if (missing(j)) nj %||% ni else nj, c(if (missing(j)) "i" else "j", "nj"), call))
  kept <- if (is.function(keep)) kept_by_function(keep, groups, call) else kept_by_matrix(keep, groups, call)
  new_blocks(groups$i$group, groups$j$group, kept)
}

#' @rdname blocks
#' @export
blocks_within <- function(x, y = x, radius) {
  call <- sys.call()
  require_given(call, x = missing(x), radius = missing(radius))
  x <- block_points(x, "x", call)
  y <- block_points(y, "y", call)
  if (ncol(x) != ncol(y)) {
    rkeops_abort("dimension", sprintf("`x` and `y` have %d and %d columns", ncol(x), ncol(y)), call = call, argument = "y")
  }
  if (!is.numeric(radius) || length(radius) != 1L || !is.finite(radius) || radius <= 0) {
    abort_argument("radius", "a positive number", radius, call)
  }
  groups <- unwrap(rk_groups_within(x, y, as.double(radius)), call)
  columns <- max(0L, groups$j)
  new_blocks(groups$i, groups$j, runs_of(sort((groups$kept_i - 1) * columns + groups$kept_from), columns))
}

#' @rdname blocks
#' @export
blocks_diagonal <- function(i, j = i) {
  call <- sys.call()
  require_given(call, i = missing(i))
  groups <- list(i = row_groups(i, NULL, "i", call), j = row_groups(j, NULL, if (missing(j)) "i" else "j", call))
  same <- match(groups$i$labels, groups$j$labels)
  at <- which(!is.na(same))
  new_blocks(groups$i$group, groups$j$group, list(i = at, from = same[at], to = same[at]))
}

#' @rdname blocks
#' @export
blocks_band <- function(ni, nj = ni, width = 0, before = width, after = width) {
  call <- sys.call()
  check_whole(width, "width", call, 0)
  blocks_between(ni, nj, -check_whole(before, "before", call, 0), check_whole(after, "after", call, 0), call)
}

#' @rdname blocks
#' @export
blocks_triangle <- function(ni, nj = ni, upper = FALSE, diagonal = TRUE) {
  call <- sys.call()
  end <- if (check_flag(diagonal, "diagonal", call)) 0 else 1
  if (check_flag(upper, "upper", call)) blocks_between(ni, nj, end, Inf, call) else blocks_between(ni, nj, -Inf, -end, call)
}

#' @rdname blocks
#' @export
in_blocks <- function(x, blocks) {
  call <- sys.call()
  check_lazytensor(x, "x", call)
  if (missing(blocks) || is.null(blocks)) abort_missing("blocks", call)
  with_blocks(x, blocks, call)
}

#' @rdname blocks
#' @export
print.rkeops_blocks <- function(x, ...) {
  writeLines(sprintf("blocks of %s rows i and %s rows j, of which %s of the pairs are kept", whole_text(length(x$i)),
                     whole_text(length(x$j)), share_text(list(x))))
  invisible(x)
}

share_text <- function(blocks) {
  all <- Reduce(common_blocks, blocks)
  count <- if (length(blocks) == 1L) kept_pairs(all) else unwrap(rk_kept_pairs(engine_blocks(blocks)))
  paste(number_text(100 * count / max(1, length(all$i) * as.numeric(length(all$j))), 3L), "%")
}

new_blocks <- function(i, j, kept, between = NULL) {
  structure(list(i = as.integer(i), j = as.integer(j), kept = lapply(kept[c("i", "from", "to")], as.integer), between = between,
                 held = new.env(parent = emptyenv())), class = "rkeops_blocks")
}

# ---- from arguments to groups

# list(group, labels): the number of each row's group, and the label of each group.
row_groups <- function(labels, rows, args, call) {
  if (is.matrix(labels) && is.numeric(labels) && ncol(labels) == 2L) return(groups_of_ranges(labels, rows, args, call))
  plain <- is.atomic(labels) && !is.object(labels) && (is.numeric(labels) || is.character(labels) || is.logical(labels))
  if (!(plain || is.factor(labels)) || length(dim(labels)) > 1L) {
    abort_argument(args[1L], "labels, one for each row: a factor, numbers or strings", labels, call, kind = "input")
  }
  if (!is.null(rows) && !identical(as.numeric(rows), as.numeric(length(labels)))) {
    rkeops_abort("dimension", sprintf("`%s` has %d labels, `%s` is %s", args[1L], length(labels), args[2L], describe(rows)),
                 call = call, argument = args[1L])
  }
  if (anyNA(labels)) {
    rkeops_abort("input", sprintf("`%s` has missing labels", args[1L]), call = call, argument = args[1L],
                 got = sprintf("NA in row %d", which(is.na(labels))[1L]))
  }
  known <- if (is.factor(labels)) levels(labels) else sort(unique(as.vector(labels)), method = "radix")
  list(group = if (is.factor(labels)) as.integer(labels) else match(labels, known), labels = known)
}

groups_of_ranges <- function(ranges, rows, args, call) {
  rows <- if (is.null(rows)) max(0, ranges) else check_whole(rows, args[2L], call, 0)
  refuse <- function(what, k) {
    rkeops_abort("input", sprintf("range %d in `%s` %s", k, args[1L], what), call = call, argument = args[1L],
                 got = sprintf("rows %s to %s", describe(ranges[k, 1L]), describe(ranges[k, 2L])),
                 hint = if (!is.na(rows)) sprintf("Ranges are first and last rows, from 1 to %.0f.", rows))
  }
  bad <- which(rowSums(is.na(ranges) | ranges != trunc(ranges)) > 0 | ranges[, 1L] > ranges[, 2L])
  if (length(bad) > 0L) refuse("is none", bad[1L])
  bad <- which(ranges[, 1L] < 1 | ranges[, 2L] > rows)
  if (length(bad) > 0L) refuse("leaves the matrix", bad[1L])
  order <- order(ranges[, 1L])
  bad <- which(ranges[order, 1L][-1L] <= ranges[order, 2L][-length(order)])
  if (length(bad) > 0L) refuse("overlaps another one", order[bad[1L] + 1L])
  group <- rep(NA_integer_, rows)
  sizes <- ranges[, 2L] - ranges[, 1L] + 1
  group[sequence(sizes, ranges[, 1L])] <- rep(seq_along(sizes), sizes)
  list(group = group, labels = seq_along(sizes))
}

kept_by_matrix <- function(keep, groups, call) {
  if (!is.matrix(keep) || !(is.logical(keep) || is.numeric(keep))) {
    abort_argument("keep", "a matrix of truth values, or a function of two labels", keep, call)
  }
  for (axis in 1:2) {
    labels <- groups[[axis]]$labels
    names <- dimnames(keep)[[axis]]
    at <- if (is.null(names)) seq_along(labels) else match(as.character(labels), names)
    if (dim(keep)[axis] != length(labels) || anyNA(at)) {
      rkeops_abort("dimension", sprintf("`keep` must have one %s for each of the %d labels %s", c("row", "column")[axis],
                                        length(labels), c("i", "j")[axis]), call = call, argument = "keep",
                   got = if (dim(keep)[axis] == length(labels)) sprintf("no name \"%s\"", labels[is.na(at)][1L])
                         else paste("got", describe(keep)))
    }
    keep <- if (axis == 1L) keep[at, , drop = FALSE] else keep[, at, drop = FALSE]
  }
  runs_of(which(t(check_keep(keep, call))), ncol(keep))
}

check_keep <- function(keep, call) {
  if (!anyNA(keep)) return(keep != 0)
  rkeops_abort("input", "`keep` has missing values", call = call, argument = "keep")
}

# Some labels i with all labels j at a time.
kept_by_function <- function(keep, groups, call) {
  i <- groups$i$labels
  j <- groups$j$labels
  each <- max(1, 2^20 %/% max(1L, length(j)))
  parts <- lapply(seq_len(ceiling(length(i) / each)), function(part) {
    own <- seq.int((part - 1) * each + 1, min(part * each, length(i)))
    kept <- keep(rep(i[own], each = length(j)), rep(j, length(own)))
    if (!(is.logical(kept) || is.numeric(kept)) || length(kept) != length(own) * length(j)) {
      rkeops_abort("dimension", "`keep` must give a truth value for each pair of labels", call = call, argument = "keep",
                   got = sprintf("%s for %.0f pairs", describe(kept), length(own) * as.numeric(length(j))))
    }
    which(check_keep(kept, call)) + (own[1L] - 1) * length(j)
  })
  runs_of(unlist(parts), length(j))
}

# Runs of sorted keys (row - 1) * columns + column, row by row.
runs_of <- function(keys, columns) {
  keys <- keys - 1
  starts <- which(c(TRUE, diff(keys) != 1 | keys[-1L] %% columns == 0)[seq_along(keys)])
  list(i = keys[starts] %/% columns + 1, from = keys[starts] %% columns + 1,
       to = keys[c(starts[-1L] - 1L, length(keys))[seq_along(starts)]] %% columns + 1)
}

block_points <- function(x, arg, call) {
  x <- plain_numbers(x, arg, call)
  if (length(dim(x)) > 2L) abort_argument(arg, "a matrix of points", x, call, kind = "input")
  x <- as.matrix(x)
  check_finite(x, arg, call)
  storage.mode(x) <- "double"
  x
}

# Groups of neighbouring rows, of as many as a tile has. Pairs j - i that are not between `low` and `high` are in no group, or are
# left out by a mask.
blocks_between <- function(ni, nj, low, high, call) {
  ni <- check_whole(ni, "ni", call, 0)
  nj <- check_whole(nj, "nj", call, 0)
  each <- 64
  i <- as.numeric(seq_len(ceiling(ni / each)))
  from <- pmax(1, (i - 1) * each + 1 + low)
  to <- pmin(nj, i * each + high)
  some <- from <= to
  groups <- function(rows) rep(seq_len(ceiling(rows / each)), each = each)[seq_len(rows)]
  kept <- lapply(list(i = i, from = ceiling(from / each), to = ceiling(to / each)), `[`, some)
  new_blocks(groups(ni), groups(nj), kept, c(low, high))
}

# Truth values: is j - i between these numbers. Exact: row numbers beyond 2^24 are two numbers.
row_difference_between <- function(ni, nj, between, limit = 2^24) {
  numbers <- lapply(c(ni, nj), function(rows) {
    known <- row_numbers(rows, limit)
    if (max(ni, nj) > limit && ncol(known) == 1L) cbind(0L, known) else known
  })
  difference <- row_variable(numbers[[2L]], "Vj") - row_variable(numbers[[1L]], "Vi")
  if (difference$dimres == 2) difference <- sum(difference * c(limit, 1))
  tests <- list(if (between[1L] > -Inf) difference >= between[1L], if (between[2L] < Inf) difference <= between[2L])
  Reduce(`&`, Filter(Negate(is.null), tests))
}
