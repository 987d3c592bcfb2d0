# The package in inst/client, which uses the engine from C++.

test_that("a package that links to rkeops is installed and computes", {
  skip_on_cran()
  folder <- withr::local_tempdir()
  file.copy(system.file("client", package = "rkeops"), folder, recursive = TRUE)
  client <- file.path(folder, "client")
  Rcpp::compileAttributes(client)
  name <- read.dcf(file.path(client, "DESCRIPTION"), "Package")[1]
  library <- file.path(folder, "library")
  dir.create(library)
  # What is tested is that it compiles, not how fast it is.
  flags <- file.path(folder, "Makevars")
  writeLines(c("CXXFLAGS = -O0", "CXX17FLAGS = -O0"), flags)
  log <- suppressWarnings(system2(
    file.path(R.home("bin"), "R"), c("CMD", "INSTALL", "--no-test-load", paste0("--library=", library), client),
    stdout = TRUE, stderr = TRUE,
    env = c(paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep)), "MAKEFLAGS=", paste0("R_MAKEVARS_USER=", flags))
  ))
  expect_true(dir.exists(file.path(library, name)), info = paste(log, collapse = "\n"))
  gaussian_sum <- loadNamespace(name, lib.loc = library)$gaussian_sum
  withr::defer(unloadNamespace(name))
  x <- random_matrix(7, 3, 1)
  y <- random_matrix(5, 3, 2)
  b <- random_matrix(5, 2, 3)
  compiler <- rkeops:::find_compiler()
  expect_close(gaussian_sum(x, y, b, matrix(0.5), compiler), exp(-squared_distances(x, y) / 0.5) %*% b)
  expect_error(gaussian_sum(x, y[, 1:2], b, matrix(0.5), compiler), "SqDist: operands have dimensions 3 and 2")
  expect_error(gaussian_sum(x, y, b[1:4, ], matrix(0.5), compiler), "has 4 rows, but 'y=Vj(3)' has 5", fixed = TRUE)
})
