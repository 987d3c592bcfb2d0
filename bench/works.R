# The six works of the benchmark: one row each, read by run.R and handed as text to the peer.
works <- function(scale = 1) {
  n <- as.integer(round(3e4 * scale))
  m <- as.integer(round(1e5 * scale))
  work <- function(name, reduction, formula, arguments, i, j, axis = 1L, k = NA) {
    list(name = name, reduction = reduction, formula = formula, arguments = arguments, i = i, j = j, axis = axis, k = k)
  }
  list(
    work("Gaussian sum, D = 15, b in R^15", "Sum", "Exp(-SqDist(x,y))*b", c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)"), n, n),
    work("its gradient in y", "Sum", "Grad(Exp(-SqDist(x,y))*b,y,e)",
         c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"), n, n, axis = 0L),
    work("Gaussian sum, D = 3", "Sum", "Exp(-SqDist(x,y))", c("x=Vi(3)", "y=Vj(3)"), n, n),
    work("log-sum-exp, D = 3", "LogSumExp", "-SqDist(x,y)", c("x=Vi(3)", "y=Vj(3)"), n, n),
    work("10 nearest neighbours, D = 3", "ArgKMin", "SqDist(x,y)", c("x=Vi(3)", "y=Vj(3)"), n, n, k = 10L),
    work("argmin over 50 centroids, D = 2", "ArgMin", "SqDist(x,y)", c("x=Vi(2)", "y=Vj(2)"), m, 50L)
  )
}

formula_text <- function(work) {
  parts <- c(work$formula, if (!is.na(work$k)) work$k, work$axis)
  sprintf("%s_Reduction(%s)", work$reduction, paste(parts, collapse = ","))
}

# The same numbers in R and in the peer: entry k (row-major) of argument p is frac((k+1) * g + (p+1) * h), less 1/2.
data_for <- function(work) {
  lapply(seq_along(work$arguments), function(p) {
    declaration <- regmatches(work$arguments[p], regexec("V([ij])\\((\\d+)\\)", work$arguments[p]))[[1]]
    rows <- if (declaration[2] == "i") work$i else work$j
    dim <- as.integer(declaration[3])
    k <- seq_len(rows * dim)
    matrix((k * 0.7548776662466927 + p * 0.5698402909980532) %% 1 - 0.5, rows, dim, byrow = TRUE)
  })
}
