# The bar of a long computation. The C++ side calls draw_progress() now and then from the second second on, and
# remove_progress() when the computation ends, in whatever way.

draw_progress <- function(done, seconds) {
  if (is.null(session$bar)) {
    session$bar <- cli::cli_progress_bar(
      total = 1, format = "rkeops {cli::pb_bar} {cli::pb_percent} | {cli::pb_extra$left} left", clear = TRUE,
      auto_terminate = FALSE, extra = list(left = ""), .auto_close = FALSE, .envir = topenv()
    )
    session$bar_done <- -1
  }
  # Where a line cannot be written over, ten of them are enough.
  if (!cli::is_dynamic_tty() && done < session$bar_done + 0.1) return()
  session$bar_done <- done
  left <- time_left(seconds * (1 - done) / done)
  cli::cli_progress_update(set = done, extra = list(left = left), id = session$bar, .envir = topenv(), force = TRUE)
}

remove_progress <- function() {
  bar <- session$bar
  session$bar <- NULL
  if (!is.null(bar)) cli::cli_progress_done(id = bar, .envir = topenv())
}

# 3725 -> "1 h 2 min"
time_left <- function(seconds) {
  if (seconds < 60) return(sprintf("%.0f s", ceiling(seconds)))
  if (seconds < 3600) return(sprintf("%.0f min %.0f s", seconds %/% 60, seconds %% 60 %/% 1))
  sprintf("%.0f h %.0f min", seconds %/% 3600, seconds %% 3600 %/% 60)
}

# Verbosity 1 asks for a bar where somebody looks at it, 2 for one in any case.
progress_functions <- function(options) {
  wanted <- options$verbosity == 2L || (options$verbosity == 1L && interactive())
  if (wanted) list(draw = draw_progress, remove = remove_progress)
}
