# Evaluates each argument, which must fail with an error of the package, and prints its code, its class and all that the
# user reads: for expect_snapshot_output(), which then says the same under any version of testthat.
show_errors <- function(..., env = parent.frame()) {
  for (code in eval(substitute(alist(...)))) {
    error <- tryCatch({
      eval(code, env)
      stop("no error: ", deparse(code)[1])
    }, rkeops_error = identity)
    cat("> ", paste(trimws(deparse(code, width.cutoff = 500L)), collapse = " "), "\n", sep = "")
    cat("<", class(error)[1], ">\n", conditionMessage(error), "\n\n", sep = "")
  }
}
