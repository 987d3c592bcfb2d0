# LazyTensors with blocks, see blocks.R: what the engine is given, and which pairs are kept.

# What the arguments `blocks` and `self` of reductions ask for.
with_pairs <- function(x, blocks, self, call) {
  if (!isTRUE(self) && !check_flag(self, "self", call)) x <- without_self(check_lazytensor(x, "x", call), call)
  with_blocks(x, blocks, call)
}

with_blocks <- function(x, blocks, call) {
  if (is.null(blocks)) return(x)
  if (!inherits(blocks, "rkeops_blocks")) {
    abort_argument("blocks", "what blocks(), blocks_within() or the like give", blocks, call)
  }
  if (!is.LazyTensor(x)) return(x)
  for (index in c("i", "j")) {
    rows <- x[[paste0("n", index)]]
    if (is.na(rows)) {
      rkeops_abort("argument", sprintf("there is no index %s in `x`, and so no blocks of pairs (i, j)", index), call = call,
                   argument = "blocks", hint = "Vi() makes variables with rows i, Vj() with rows j.")
    }
    if (rows == length(blocks[[index]])) next
    rkeops_abort("dimension", sprintf("`blocks` are those of %s rows %s, `x` has %s", whole_text(length(blocks[[index]])),
                                      index, whole_text(rows)), call = call, argument = "blocks",
                 hint = "blocks() takes one label for each row.")
  }
  if (!is.null(blocks$between)) x <- only_where(x, row_difference_between(x$ni, x$nj, blocks$between))
  x$blocks <- unique_blocks(c(x$blocks, list(blocks)))
  x
}

has_blocks <- function(x) !is.null(.subset2(x, "blocks"))

unique_blocks <- function(blocks) blocks[!duplicated(lapply(blocks, function(b) format(b$held)))]

# For the engine: an external pointer.
engine_blocks <- function(blocks) {
  if (is.null(blocks)) return(NULL)
  all <- Reduce(common_blocks, blocks)
  held <- all$held
  if (is.null(held$engine) || is.null(rk_kept_pairs(held$engine))) {
    held$engine <- unwrap(rk_blocks(all$i, all$j, all$kept$i, all$kept$from, all$kept$to))
  }
  held$engine
}

transposed_blocks <- function(blocks) {
  held <- blocks$held
  if (is.null(held$transposed)) {
    held$transposed <- if (!is.null(blocks$between)) {
      blocks_between(length(blocks$j), length(blocks$i), -blocks$between[2L], -blocks$between[1L])
    } else {
      kept <- blocks$kept
      sizes <- kept$to - kept$from + 1L
      rows <- max(0L, kept$i)
      new_blocks(blocks$j, blocks$i, runs_of(sort((sequence(sizes, kept$from) - 1) * rows + rep(kept$i, sizes)), rows))
    }
  }
  held$transposed
}

# The pairs that both keep. Their groups are those rows that are in the same groups of both.
common_blocks <- function(a, b) {
  if (identical(a$held$common$with, b$held)) return(a$held$common$blocks)
  both <- lapply(c(i = "i", j = "j"), function(index) joined_groups(a[[index]], b[[index]]))
  size <- tabulate(both$i$a, max(0L, a$kept$i))
  ends <- cumsum(tabulate(both$j$a, max(0L, a$kept$to)))
  first <- c(0, ends)[a$kept$from]
  found <- lapply(seq_along(a$kept$i), function(k) {  # groups of one group of a are neighbours
    i <- which(both$i$a == a$kept$i[k])
    j <- seq_len(ends[a$kept$to[k]] - first[k]) + first[k]
    kept <- outer(i, j, function(i, j) keeps_group(b, both$i$b[i], both$j$b[j]))
    (i[row(kept)[kept]] - 1) * length(both$j$a) + j[col(kept)[kept]]
  })
  result <- new_blocks(both$i$group, both$j$group, runs_of(sort(as.numeric(unlist(found))), length(both$j$a)))
  a$held$common <- list(with = b$held, blocks = result)
  result
}

joined_groups <- function(a, b) {
  columns <- max(0L, b, na.rm = TRUE)
  key <- (a - 1) * columns + b
  known <- sort(unique(key))
  list(group = match(key, known), a = (known - 1) %/% columns + 1, b = (known - 1) %% columns + 1)
}

# Do groups i of rows i keep groups j of rows j?
keeps_group <- function(blocks, i, j) {
  kept <- blocks$kept
  step <- max(0L, kept$to, blocks$j, na.rm = TRUE) + 1
  k <- findInterval(i * step + j, kept$i * step + kept$from)
  k > 0L & kept$i[pmax(k, 1L)] == i & kept$to[pmax(k, 1L)] >= j
}

# Are the pairs of these rows kept? Masks are not looked at.
keeps <- function(blocks, i, j) {
  kept <- rep(TRUE, length(i))
  for (one in blocks) kept <- kept & keeps_group(one, one$i[i], one$j[j]) %in% TRUE
  kept
}

# How many pairs a row of the result is made of; axis 2: all of them.
kept_count <- function(blocks, axis) {
  all <- Reduce(common_blocks, blocks)
  kept <- all$kept
  count <- function(group, kept) tabulate(group, max(0L, group, kept, na.rm = TRUE))
  sizes <- list(i = count(all$i, kept$i), j = count(all$j, kept$to))
  ends <- c(0, cumsum(sizes$j))
  columns <- ends[kept$to + 1L] - ends[kept$from]
  if (axis == 2L) return(sum(sizes$i[kept$i] * columns))
  if (axis == 1L) {
    counts <- numeric(length(sizes$i))
    sums <- rowsum(columns, kept$i)
    counts[as.integer(rownames(sums))] <- sums
    group <- all$i
  } else {
    steps <- numeric(length(sizes$j) + 1L)
    for (end in list(list(kept$from, 1), list(kept$to + 1L, -1))) {
      sums <- rowsum(end[[2L]] * sizes$i[kept$i], end[[1L]])
      at <- as.integer(rownames(sums))
      steps[at] <- steps[at] + sums
    }
    counts <- cumsum(steps)
    group <- all$j
  }
  counts <- counts[group]
  counts[is.na(group)] <- 0
  counts
}

# Of one of the user's blocks, with what its mask leaves out.
kept_pairs <- function(blocks) {
  if (is.null(blocks$between)) return(unwrap(rk_kept_pairs(engine_blocks(list(blocks)))))
  i <- as.numeric(seq_along(blocks$i))
  sum(pmax(0, pmin(length(blocks$j), i + blocks$between[2L]) - pmax(1, i + blocks$between[1L]) + 1))
}
