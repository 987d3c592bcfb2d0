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

# Steps of an iteration whose number is not known: a line from the second second on, where a bar would be shown.
steps_progress <- function() {
  nothing <- function(...) invisible()
  if (is.null(progress_functions(current_options()))) return(list(show = nothing, remove = nothing))
  start <- proc.time()[[3L]]
  bar <- NULL
  last <- start
  list(
    show = function(step, residual, of = NULL) {
      now <- proc.time()[[3L]]
      if (now - start < 2 || now - last < if (cli::is_dynamic_tty()) 0.1 else 5) return(invisible())
      last <<- now
      text <- if (is.null(of)) sprintf("step %.0f, relative residual %s", step, number_text(residual, 2L))
              else sprintf("preconditioner %.0f of %.0f", step, of)
      if (is.null(bar)) {
        bar <<- cli::cli_progress_bar(format = "rkeops solve() {cli::pb_extra$text}", total = NA, clear = TRUE,
                                      auto_terminate = FALSE, extra = list(text = text), .auto_close = FALSE,
                                      .envir = topenv())
      }
      cli::cli_progress_update(extra = list(text = text), id = bar, .envir = topenv(), force = TRUE)
    },
    remove = function() if (!is.null(bar)) cli::cli_progress_done(id = bar, .envir = topenv())
  )
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
