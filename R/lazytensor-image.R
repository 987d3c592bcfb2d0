# Pictures of LazyTensors.

#' Picture of a LazyTensor
#'
#' Draws the symbolic matrix with a colour for each entry: row 1 on top, column 1 on the left, and above the picture the
#' colours with the values that they stand for. Of large matrices evenly spaced rows and columns are drawn, so that few
#' entries are computed. `plot()` does the same.
#'
#' Nothing of [graphics::par()] is changed: pictures can be arranged with `par(mfrow = )`, and `points()`, `lines()` and
#' the like add to them at column numbers x and row numbers y.
#'
#' @param x a LazyTensor of dimension 1, real or logical.
#' @param y not used, kept for the generic.
#' @param ... further arguments of [graphics::image()], such as `asp`, `breaks` or `cex.axis`.
#' @param size at most so many rows and columns are drawn, evenly spaced ones of larger matrices.
#' @param col colours, those of small values first.
#' @param zlim the smallest and the largest value that colours stand for; `NULL`: those that are there. Entries beyond,
#'   NaN and infinite ones are left blank.
#' @param legend `TRUE`: draw the colours with their values above the picture, where the margin has room for two lines.
#' @param main title.
#' @param xlab,ylab,xlim,ylim labels and limits of the axes. Ticks are at row and column numbers; where the data have
#'   row names, and not more than 30, these stand there instead of numbers and labels.
#' @param axes `FALSE`: no axes and no frame.
#' @param add `TRUE`: draw into an existing plot, without axes, labels and legend.
#' @return `x`, invisibly. Errors: of class `rkeops_error_dimension` for dimensions above 1 (`elem(x, m)` is one
#'   component), `rkeops_error_unsupported` for complex tensors, `rkeops_error_argument` for arguments that cannot be.
#' @seealso [as.matrix.LazyTensor()] for the entries as numbers.
#' @concept heat map
#' @concept distance matrix
#' @examples
#' x <- matrix(sort(runif(100)))
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) / 0.02)
#' image(K_ij, main = "Gaussian kernel")
#' @importFrom graphics image
#' @export
image.LazyTensor <- function(x, ..., size = 200, col = grDevices::hcl.colors(64), zlim = NULL, legend = TRUE, main = "",
                             xlab = NULL, ylab = NULL, xlim = c(0, dim(x)[2L]) + 0.5, ylim = c(dim(x)[1L], 0) + 0.5,
                             axes = TRUE, add = FALSE) {
  call <- call_of("image", sys.call())
  size <- check_whole(size, "size", call, min = 1)
  check_style(list(...), names(formals()), call)
  check_colours(col, call)
  if (!is.null(zlim)) check_limits(zlim, "zlim", call)
  check_limits(xlim, "xlim", call)
  check_limits(ylim, "ylim", call)
  check_breaks(list(...)$breaks, length(col), call)
  if (!is.null(main) && !is.character(main) && !is.language(main)) abort_argument("main", "a string", main, call)
  for (flag in c("legend", "axes", "add")) check_flag(get(flag), flag, call)
  check_drawable(x, call)
  shown <- lapply(dim(x), function(n) round(seq(1, n, length.out = min(n, size))))
  values <- dense(x, if (!is.na(x$ni)) shown[[1L]], if (!is.na(x$nj)) shown[[2L]], Inf, call)
  names <- dimnames(values)
  named <- Map(function(names, n) length(names) == n && n <= 30L, names %||% list(NULL, NULL), dim(x))
  if (x$logical) {
    col <- col[c(1L, length(col))]
    values <- values + 0
    zlim <- zlim %||% c(0, 1)
  }
  zlim <- zlim %||% finite_range(values, call)
  edges <- lapply(1:2, function(axis) seq(0, dim(x)[axis], length.out = dim(values)[axis] + 1L) + 0.5)
  graphics::image(
    edges[[2L]], edges[[1L]], t(values), zlim = zlim, col = col, xlim = xlim, ylim = ylim, axes = FALSE, add = add,
    xlab = xlab %||% if (named[[2L]]) "" else "j", ylab = ylab %||% if (named[[1L]]) "" else "i", ...
  )
  if (add) return(invisible(x))
  if (axes) {
    draw_axis(1L, dim(x)[2L], if (named[[2L]]) names[[2L]], xlim, ...)
    draw_axis(2L, dim(x)[1L], if (named[[1L]]) names[[1L]], ylim, ...)
    graphics::box()
  }
  # Above the legend, which takes two lines.
  has_legend <- legend && graphics::par("mar")[3L] >= 2
  if (has_legend) {
    breaks <- list(...)$breaks %||% seq(zlim[1L], zlim[2L], length.out = length(col) + 1L)
    draw_legend(col, breaks, x$logical)
  }
  graphics::title(main, line = if (has_legend) 2.2 else NA)
  invisible(x)
}

#' @rdname image.LazyTensor
#' @export
plot.LazyTensor <- function(x, y, ...) {
  call <- call_of("plot", sys.call())
  if (!missing(y)) {
    rkeops_abort("argument", "plot() of a LazyTensor draws its entries and takes no `y`", call = call, argument = "y",
                 got = paste("got", describe(y)), hint = "plot(as.matrix(x)) and the like draw ordinary numbers.")
  }
  check_drawable(x, call)
  image.LazyTensor(x, ...)
}

# Without these methods, column 2 would be drawn against column 1.

#' @importFrom graphics points
#' @export
points.LazyTensor <- function(x, ...) refuse_drawing("points")

#' @importFrom graphics lines
#' @export
lines.LazyTensor <- function(x, ...) refuse_drawing("lines")

refuse_drawing <- function(name) {
  refuse_function(name, NULL, "Draw numbers: a reduction, x[i, j], or the data; image(x) draws all entries.")
}

# ---- checks

# Further arguments of graphics::image(), by name.
check_style <- function(style, known, call) {
  known <- c(setdiff(known, c("x", "...")), "breaks", "useRaster", "asp", "sub", names(graphics::par()))
  for (k in seq_along(style)) {
    name <- names(style)[k] %||% ""
    if (name %in% known) next
    hint <- if (nzchar(name)) sprintf("Did you mean `%s`?", known[which.min(utils::adist(name, known))])
            else "Write their names, as in image(x, main = \"a title\")."
    message <- if (nzchar(name)) sprintf("`%s` is not an argument of image() of a LazyTensor", name)
               else "arguments of image() of a LazyTensor need names"
    rkeops_abort("argument", message, call = call, argument = name, hint = hint)
  }
}

check_drawable <- function(x, call) {
  generic <- as.character(call[[1L]])
  if (is.ComplexLazyTensor(x)) refuse_complex(generic, call)
  if (x$dimres != 1) {
    rkeops_abort("dimension", sprintf("%s() needs dimension 1, this LazyTensor has dimension %.0f", generic, x$dimres),
                 call = call, argument = "x", hint = "elem(x, m) is component m, of dimension 1.")
  }
  if (any(dim(x) == 0L)) {
    size <- paste(dim(x), collapse = " x ")
    rkeops_abort("input", sprintf("%s(): there are no entries, the LazyTensor is %s", generic, size), call = call,
                 argument = "x")
  }
}

check_colours <- function(col, call) {
  are_colours <- function(x) tryCatch(is.matrix(grDevices::col2rgb(x)), error = function(e) FALSE)
  if (!is.atomic(col) || length(col) == 0L || anyNA(col) || !are_colours(col)) {
    abort_argument("col", "a vector of colours, such as hcl.colors(64)", col, call)
  }
}

check_limits <- function(limits, arg, call) {
  rising <- arg == "zlim"
  good <- is.numeric(limits) && length(limits) == 2L && all(is.finite(limits)) && !(rising && limits[1L] > limits[2L])
  if (!good) abort_argument(arg, if (rising) "two numbers, the smaller one first" else "two numbers", limits, call)
}

check_breaks <- function(breaks, colours, call) {
  if (is.null(breaks)) return(invisible())
  if (is.numeric(breaks) && length(breaks) == colours + 1L && all(is.finite(breaks)) && all(diff(breaks) > 0)) {
    return(invisible())
  }
  abort_argument("breaks", sprintf("%d increasing numbers, one more than colours", colours + 1L), breaks, call)
}

finite_range <- function(values, call) {
  finite <- values[is.finite(values)]
  if (length(finite) > 0L) return(range(finite))
  rkeops_abort("input", "no entry that would be drawn is a finite number", call = call, argument = "x")
}

# ---- drawing

# Ticks at numbers of rows or columns within the limits, or at each of a few names.
draw_axis <- function(side, n, names, limits, ...) {
  from <- max(1, ceiling(min(limits)))
  to <- min(n, floor(max(limits)))
  style <- list(...)
  style <- style[grepl("axis$|^(las|tck|tcl|family|font)$", names(style))]
  if (!is.null(names)) {
    at <- seq_len(n)
    labels <- names
    if (is.null(style$las)) style$las <- if (side == 1L && sum(nchar(names)) > 60L) 2 else 1
  } else {
    labels <- at <- whole_ticks(from, to)
  }
  do.call(graphics::axis, c(list(side, at = at, labels = labels), style))
}

# The first number, and round ones beyond it.
whole_ticks <- function(from, to) {
  ticks <- unique(round(pretty(c(from, to))))
  step <- if (length(ticks) > 1L) ticks[2L] - ticks[1L] else 1
  c(from, ticks[ticks <= to & ticks - from > step / 2])
}

# The colours above the plot, on the right, between values `breaks`.
draw_legend <- function(col, breaks, logical) {
  usr <- graphics::par("usr")
  line <- diff(graphics::grconvertY(0:1, "lines", "user"))
  if (usr[3L] > usr[4L]) line <- -abs(line)
  low <- usr[4L] + 0.4 * line
  high <- usr[4L] + 1 * line
  width <- usr[2L] - usr[1L]
  # Half of the width, but at least ten lines.
  share <- max(0.5, min(1, 10 * diff(graphics::grconvertX(0:1, "lines", "user")) / width))
  left <- usr[2L] - share * width
  first <- breaks[1L]
  range <- breaks[length(breaks)] - first
  if (range == 0) {
    col <- col[(length(col) + 1L) %/% 2L]
    edges <- 0:1
    labels <- first
    at <- 0.5
  } else if (logical) {
    edges <- c(0, 0.5, 1)
    labels <- c(FALSE, TRUE)
    at <- c(0.25, 0.75)
  } else {
    edges <- (breaks - first) / range
    labels <- pretty(breaks[c(1L, length(breaks))], 4L)
    at <- (labels - first) / range
    labels <- labels[at > -0.01 & at < 1.01]
    at <- pmin(pmax(at[at > -0.01 & at < 1.01], 0), 1)
  }
  size <- 0.8 * graphics::par("cex.axis")
  text <- format(labels, digits = 4L, trim = TRUE)
  while (length(at) > 2L && sum(graphics::strwidth(paste0(text, "  "), cex = size)) > share * width) {
    kept <- seq(1L, length(at), by = 2L)
    at <- at[kept]
    text <- text[kept]
  }
  place <- function(shares) left + shares * share * width
  graphics::rect(place(edges[-length(edges)]), low, place(edges[-1L]), high, col = col, border = NA, xpd = NA)
  graphics::rect(left, low, usr[2L], high, xpd = NA, lwd = 0.5)
  graphics::segments(place(at), high, place(at), high + 0.2 * line, xpd = NA, lwd = 0.5)
  graphics::text(place(at), high + 0.6 * line, text, cex = size, xpd = NA)
}
