# Functions of R that take matrices: what they do with LazyTensors, or what to write instead.

#' Functions of base R and LazyTensors
#'
#' A LazyTensor answers [dim()], [nrow()], [ncol()], [length()] and [is.matrix()] as a matrix does, but its entries are
#' not stored. What functions of R do with it:
#'
#' | functions | with a LazyTensor |
#' |:----------|:------------------|
#' | operators, `exp()` and other functions of numbers, `is.na()`, `pmin()`, `pmax()`, `t()` | build a LazyTensor |
#' | `sum()`, `mean()`, `min()`, `max()`, `range()`, `any()`, `all()` with `index` | reduce, see [lazytensor_reductions] |
#' | `%*%`, from R 4.4 on `crossprod()`, `tcrossprod()` | reduce, see [lazytensor_product] |
#' | `x[i, j]`, `diag()`, `head()`, `as.matrix()`, `as.array()`, `as.vector()`, `as.numeric()`, `as.integer()`, `as.logical()`, `as.complex()`, `as.data.frame()`, `apply()`, `scale()`, `%o%`, `sd()` | compute entries, and ordinary numbers from them |
#' | `sort()`, `order()`, `rank()`, `unique()`, `duplicated()`, `rev()`, `rep()`, `median()`, `quantile()`, `prod()`, `cumsum()`, `c()`, `cbind()`, `lapply()`, `aperm()`, ... | error of class `rkeops_error_unsupported` with what to write |
#' | `rowSums()`, `colSums()`, `rowMeans()`, `colMeans()` | the same |
#' | `x$a <- v`, `x[i] <- v`, `names(x) <- v`, `dim(x) <- v`, ... | the same: a LazyTensor follows from its formula |
#'
#' Some functions ask nothing of their argument that a package could answer, and stop with an error of their own.
#' Write instead:
#'
#' * `var(x)`: `mean(square(x - mu), index = "j")`, where `mu` is `Vi(mean(x, index = "j"))`;
#' * `crossprod(x, y)` before R 4.4: `t(x) %*% y`;
#' * `max(1, x)`, where a number comes first: `ifelse(x > 1, x, 1)`; `sum(index = "j", x = x)`: `sum(x, index = "j")`,
#'   since R chooses the method by what comes first;
#' * `cor(x)`, `norm(x)`, `which(x)`: give them `as.matrix(x)`.
#'
#' @name lazytensor_base
#' @aliases rowSums.LazyTensor colSums.LazyTensor as.data.frame.LazyTensor
#' @seealso [lazytensor_reductions], [lazytensor_entries].
#' @concept row sums
#' @concept column sums
#' @examples
#' x <- matrix(runif(20), 10)
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)))
#' sum(K_ij, index = "j")               # instead of rowSums(K_ij)
#' sum(K_ij, index = "i")               # instead of colSums(K_ij)
#' try(rowSums(K_ij))
#' quantile(as.matrix(K_ij))
NULL

# ---- functions that are not generic, but ask the argument something before they fail

by_entries <- function(name) sprintf("%s(as.matrix(x)) works on ordinary numbers.", name)

callers <- list(
  base = c(
    rowSums = "sum(x, index = \"j\") gives the sums over j, one per row i.",
    colSums = "sum(x, index = \"i\") gives the sums over i, one per row j.",
    rowMeans = "mean(x, index = \"j\") gives the means over j, one per row i.",
    colMeans = "mean(x, index = \"i\") gives the means over i, one per row j.",
    rank = by_entries("rank"), tabulate = by_entries("tabulate")
  ),
  stats = c(cor = by_entries("cor"), cov = by_entries("cov"))
)

# An error if a question about a LazyTensor comes from one of these functions, in frame `parent`.
refuse_inside <- function(parent) {
  if (parent == 0L) return(invisible())
  caller <- sys.function(parent)
  home <- environment(caller)
  if (!isNamespace(home)) return(invisible())
  hints <- callers[[getNamespaceName(home)]]
  for (name in names(hints)) {
    if (identical(caller, get(name, home))) refuse_function(name, sys.call(parent), hints[[name]])
  }
}

#' @export
is.array.LazyTensor <- function(x) {
  parent <- sys.parent()
  refuse_inside(parent)
  TRUE
}

#' @export
is.numeric.LazyTensor <- function(x) {
  parent <- sys.parent()
  refuse_inside(parent)
  FALSE
}

# pmin() and pmax() are not generic, but ask each argument for its length first. A LazyTensor that they ask, in frame `parent`,
# gives the LazyTensor to the caller of theirs.
answer_inside <- function(parent) {
  if (parent == 0L) return(invisible())
  caller <- sys.function(parent)
  larger <- identical(caller, base::pmax)
  if (!larger && !identical(caller, base::pmin)) return(invisible())
  frame <- sys.frame(parent)
  operands <- eval(quote(list(...)), frame)
  na_rm <- check_flag(frame$na.rm, "na.rm", sys.call(parent))
  extreme <- function(x, y) {
    if (!is.LazyTensor(x) && !is.LazyTensor(y)) return(caller(x, y, na.rm = na_rm))
    missing <- is_nan(if (na_rm) y else x)
    ifelse.LazyTensor(if (larger) x >= y else x <= y, x, ifelse.LazyTensor(missing, x, y))
  }
  do.call(return, list(Reduce(extreme, operands)), envir = frame)
}

# ---- ordinary numbers

#' @export
as.logical.LazyTensor <- function(x, ...) as.logical(as.array(x))

#' @export
as.integer.LazyTensor <- function(x, ...) as.integer(as.array(x))

#' @export
as.complex.LazyTensor <- function(x, ...) as.complex(as.array(x))

#' @export
as.data.frame.LazyTensor <- function(x, row.names = NULL, optional = FALSE, ..., max_entries = 1e8) {
  as.data.frame(as.matrix(x, max_entries = max_entries), row.names = row.names, optional = optional, ...)
}

# ---- what needs all entries in order, or would make something else of a LazyTensor

refuse_generic <- function(name, call, hint = by_entries(name)) refuse_function(name, call_of(name, call), hint)

#' @export
sort.LazyTensor <- function(x, decreasing = FALSE, ...) {
  refuse_generic("sort", sys.call(),
                 paste("Kmin(x, K, index) gives the K smallest values in order.", by_entries("sort")))
}

# What order() asks for.
#' @export
xtfrm.LazyTensor <- function(x) {
  refuse_function("order", NULL,
                  paste("argKmin(x, K, index) tells where the K smallest values are.", by_entries("order")))
}

#' @export
unique.LazyTensor <- function(x, incomparables = FALSE, ...) refuse_generic("unique", sys.call())

#' @export
duplicated.LazyTensor <- function(x, incomparables = FALSE, ...) refuse_generic("duplicated", sys.call())

#' @export
anyDuplicated.LazyTensor <- function(x, incomparables = FALSE, ...) refuse_generic("anyDuplicated", sys.call())

#' @export
rev.LazyTensor <- function(x) refuse_generic("rev", sys.call())

#' @export
rep.LazyTensor <- function(x, ...) {
  refuse_generic("rep", sys.call(),
                 "Repeat rows of the data, before Vi() or Vj(), or ordinary numbers, as in rep(as.matrix(x), 2).")
}

#' @importFrom stats median
#' @export
median.LazyTensor <- function(x, na.rm = FALSE, ...) refuse_generic("median", sys.call())

#' @importFrom stats quantile
#' @export
quantile.LazyTensor <- function(x, ...) refuse_generic("quantile", sys.call())

#' @importFrom stats weighted.mean
#' @export
weighted.mean.LazyTensor <- function(x, w, ...) {
  refuse_generic("weighted.mean", sys.call(), "x %*% w / sum(w) is the mean over j with weights w.")
}

#' @export
aperm.LazyTensor <- function(a, perm, ...) refuse_generic("aperm", sys.call(), "t(x) exchanges i and j.")

#' @export
split.LazyTensor <- function(x, f, drop = FALSE, ...) {
  refuse_generic("split", sys.call(), "Split the data, before Vi() or Vj().")
}

#' @export
cut.LazyTensor <- function(x, ...) refuse_generic("cut", sys.call())

#' @export
as.character.LazyTensor <- function(x, ...) {
  refuse_generic("as.character", sys.call(), "format(x) describes x in a few lines.")
}

# Elements by name are what the package knows of x; mapply() and the like ask for entries by number.
#' @export
`[[.LazyTensor` <- function(x, i, ...) if (is.character(i)) .subset2(x, i) else x[i, ...]

# ---- assignments

refuse_change <- function(name, call) {
  rkeops_abort("unsupported", sprintf("`%s` is not available for LazyTensors, which follow from their formula", name),
               call = call_of(name, call),
               hint = "Make a new one with Vi(), Vj() and Pm(); as.matrix(x) gives an ordinary matrix.")
}

#' @export
`names<-.LazyTensor` <- function(x, value) refuse_change("names<-", sys.call())

#' @export
`dim<-.LazyTensor` <- function(x, value) refuse_change("dim<-", sys.call())

#' @export
`dimnames<-.LazyTensor` <- function(x, value) refuse_change("dimnames<-", sys.call())

#' @export
`length<-.LazyTensor` <- function(x, value) refuse_change("length<-", sys.call())

#' @export
`levels<-.LazyTensor` <- function(x, value) refuse_change("levels<-", sys.call())

# (The package itself may.)
#' @export
`$<-.LazyTensor` <- function(x, name, value) {
  if (!identical(topenv(parent.frame()), topenv())) refuse_change("$<-", sys.call())
  NextMethod()
}

#' @export
`[[<-.LazyTensor` <- function(x, i, value) {
  if (!identical(topenv(parent.frame()), topenv())) refuse_change("[[<-", sys.call())
  NextMethod()
}
