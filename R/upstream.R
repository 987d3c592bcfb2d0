# What RKeOps 2 exports besides, kept so that its scripts run.

#' A greeting
#'
#' Shows that the package is attached; [check_rkeops()] shows that it works.
#'
#' @return The greeting, invisibly.
#' @examples
#' helloWorld()
#' @export
helloWorld <- function() {
  greeting <- "Hello from rkeops!"
  print(greeting)
  invisible(greeting)
}

#' Installation as in RKeOps 2
#'
#' RKeOps 2 needed Python packages, which this function installed. rkeops needs none, so there is nothing to do; the
#' function says so, and lets scripts that call it go on. [check_rkeops()] tells whether a C compiler is there.
#'
#' @param ... not used.
#' @return `NULL`, invisibly.
#' @examples
#' install_rkeops()
#' @export
install_rkeops <- function(...) {
  message("rkeops needs no Python: there is nothing to install.")
  invisible()
}
