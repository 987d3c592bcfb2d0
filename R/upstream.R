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
