# Identifiers of variables stay apart, and LazyTensors stay what they are, wherever they go.

column <- function(value) matrix(value, 3, 1)

test_that("variables made in two processes are two variables", {
  file <- withr::local_tempfile(fileext = ".rds")
  in_new_session(sprintf("saveRDS(Vi(matrix(1, 3, 1)), '%s')", file))
  expect_equal(sum(readRDS(file) + Vi(column(2)), "i"), matrix(9))
  other <- withr::local_tempfile(fileext = ".rds")
  in_new_session(sprintf("set.seed(1); saveRDS(Vi(matrix(5, 3, 1)), '%s')", other))
  expect_equal(sum(readRDS(file) * readRDS(other), "i"), matrix(15))
  expect_equal(sum(readRDS(file) + readRDS(file), "i"), matrix(6))
  expect_length((readRDS(file) + readRDS(file))$args, 1)
  expect_match((readRDS(file) - readRDS(other))$args, "^A0x[0-9a-f]+i=Vi\\(1\\)$")
})

test_that("forked children do not share identifiers", {
  skip_on_os("windows")
  made <- parallel::mclapply(1:4, function(k) Vi(column(10^k)), mc.cores = 2)
  own <- Vi(column(1))
  total <- own + made[[1]] + made[[2]] + made[[3]] + made[[4]]
  expect_length(total$args, 5)
  expect_equal(sum(total, "i"), matrix(3 * 11111))
})

test_that("workers that have not loaded rkeops can use LazyTensors and operators", {
  withr::local_envvar(R_LIBS = paste(.libPaths(), collapse = .Platform$path.sep))
  cluster <- parallel::makePSOCKcluster(1)
  withr::defer(parallel::stopCluster(cluster))
  x <- random_matrix(5, 2)
  K <- exp(-sqdist(Vi(x), Vj(x)))
  expected <- exp(-squared_distances(x, x))
  expect_close(parallel::clusterCall(cluster, function(K) sum(K, index = "j"), K)[[1]], matrix(rowSums(expected)))
  expect_close(parallel::clusterCall(cluster, function(K) K %*% 1:5, K)[[1]], expected %*% 1:5)
  op <- keops_kernel("Sum_Reduction(x - y, 1)", c("x=Vi(1)", "y=Vj(1)"))
  expect_equal(parallel::clusterCall(cluster, function(op) op(list(1:2, 3)), op)[[1]], matrix(c(-2, -1)))
  # one exported to the worker, added to one that is made there
  there <- parallel::clusterCall(cluster, function(a) a + rkeops::Vi(matrix(2, 3, 1)), Vi(column(1)))[[1]]
  expect_equal(sum(there, "i"), matrix(9))
  expect_equal(sum(there + Vi(column(4)), "i"), matrix(21))
})

test_that("reloading the package does not start identifiers again", {
  printed <- in_new_session(c(
    "a <- Vi(matrix(1, 3, 1))", "unloadNamespace('rkeops')", "suppressPackageStartupMessages(library(rkeops))",
    "cat(sum(a + Vi(matrix(2, 3, 1)), 'i'))"
  ))
  expect_identical(printed, "9")
})

test_that("R's random numbers have no part in it", {
  set.seed(1)
  before <- .Random.seed
  one <- Vi(column(1))$formula
  set.seed(1)
  expect_false(Vi(column(1))$formula == one)
  expect_identical(.Random.seed, before)
})

test_that("what was saved is small, and finds its variables again", {
  x <- random_matrix(50, 2)
  y <- random_matrix(40, 2)
  saved <- list(K = exp(-sqdist(Vi(x), Vj(y)) / 2), x_i = Vi(x), y_j = Vj(y))
  back <- unserialize(serialize(saved, NULL))
  expect_equal(gradients(back$K, back$x_i), gradients(saved$K, saved$x_i))
  expect_equal(gradients(back$K, list(back$x_i, saved$y_j)), gradients(saved$K, list(saved$x_i, saved$y_j)))
  expect_lt(length(serialize(saved$K, NULL)), 8 * length(c(x, y)) + 2000)
  twice <- unserialize(serialize(Vi(x) * Vi(x + 0) * Vj(y), NULL))
  expect_error(gradients(twice, back$x_i), "does not occur", class = "rkeops_error_argument")
})

test_that("data exchanged inside of a LazyTensor are other data", {
  a <- Vi(column(1))
  fields <- unclass(a)
  fields$data[[1]] <- column(2)
  b <- structure(fields, class = class(a))
  if (isS4(a)) b <- asS4(b)
  expect_equal(sum(a + b, "i"), matrix(9))
  expect_equal(sum(b + a * b, "i"), matrix(12))
  expect_equal(sum(a + a, "i"), matrix(6))
})

test_that("data of variables are not copied", {
  skip_if_not(capabilities("profmem"), "R does not trace copies")
  local_rkeops_options()
  x <- random_matrix(1e4, 3)
  copies <- capture.output({
    tracemem(x)
    x_i <- Vi(x)
    for (k in 1:2) sum(sqdist(x_i, Vj(x[1:9, ])), index = "j")
    image <- operator(exp(-sqdist(x_i, Vj(x))), "i")(x)
  })
  untracemem(x)
  expect_false(any(grepl("->", copies)), info = copies)
})
