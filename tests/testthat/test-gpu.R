# What R sees of GPUs: clear errors where there is none, and, through a fake driver that tools/test.sh builds (named by
# RKEOPS_FAKE_CUDA), the whole way there and back. Drivers are opened once per process, so this runs in processes of its own.

# Runs R code in which `holds(condition)` counts. Fails unless the process ended well, came to the end, and all `checks` held.
expect_session <- function(code, checks, ...) {
  fake <- Sys.getenv("RKEOPS_FAKE_CUDA")
  skip_if(!nzchar(fake), "RKEOPS_FAKE_CUDA is not set: tools/test.sh builds the fake driver")
  counting <- c("held <- 0",
                "holds <- function(x) if (isTRUE(x)) held <<- held + 1 else cat('does not hold:', deparse(substitute(x)), '\n')")
  out <- in_new_session(c(counting, code, "cat('held:', held, '\n')"),
                        paste0(c("RKEOPS_CUDA_DRIVER=", "RKEOPS_NVRTC="), fake), ...)
  text <- paste(out, collapse = "\n")
  status <- attr(out, "status")
  problem <- c(if (!is.null(status) && status != 0) sprintf("the session ended with status %s", status),
               if (!grepl(sprintf("held: %d ", checks), text, fixed = TRUE)) sprintf("%d checks should have held", checks))
  expect(length(problem) == 0L, paste(c(problem, text), collapse = "\n"))
  invisible(text)
}

refused <- "cat(tryCatch({ rkeops_use_gpu(); 'no error' }, error = function(e) paste(class(e)[1], conditionMessage(e))))"

test_that("without a driver the error says so, and the CPU goes on", {
  out <- paste(in_new_session(c(refused, "cat(sum(Vi(matrix(1:3)) * Vj(matrix(1:2)), index = 'j'))"),
                              "RKEOPS_CUDA_DRIVER=/nowhere/libcuda.so"), collapse = "\n")
  skip_if(grepl("no error", out), "this machine has a GPU")
  expect_match(out, "rkeops_error_gpu")
  expect_match(out, "NVIDIA driver")
  expect_match(out, "3 6 9")
})

test_that("wrong devices are refused", {
  expect_error(rkeops_use_gpu(device = -2), "device", class = "rkeops_error_argument")
  expect_error(rkeops_use_gpu(device = "first"), "device", class = "rkeops_error_argument")
})

test_that("formulas and LazyTensors run on the fake GPU and give what the CPU gives", {
  out <- expect_session(c(
    "set.seed(1); x <- matrix(rnorm(600), 200); y <- matrix(rnorm(450), 150); b <- matrix(rnorm(300), 150)",
    "works <- function() {",
    "  K <- exp(-sqdist(Vi(x), Vj(y)))",
    "  op <- keops_kernel('Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),x,e)', c('x=Vi(3)', 'y=Vj(3)', 'b=Vj(2)', 'e=Vi(2)'))",
    "  list(sum(K * Vj(b), index = 'j'), argKmin(-K, 3, index = 'j'), logsumexp(K, index = 'i'), op(list(x, y, b, x[, 1:2])))",
    "}",
    "cpu <- works()",
    "rkeops_use_gpu()",
    "holds(all.equal(cpu, works(), tolerance = 1e-12))",
    "rkeops_use_gpu(device = c(1, 0))",
    "holds(all.equal(cpu, works(), tolerance = 1e-12))",
    "rkeops_use_float32()",
    "holds(all.equal(cpu[-2], works()[-2], tolerance = 1e-5))",
    "rkeops_use_tensor_cores()",
    "u <- matrix(rnorm(2000), 200); v <- matrix(rnorm(1500), 150)",
    "distances <- function() sum(sqdist(Vi(u), Vj(v)), index = 'j')",
    "products <- distances()",
    "rkeops_use_tensor_cores(FALSE)",
    "holds(!identical(products, distances()))",
    "holds(all.equal(products, distances(), tolerance = 1e-5))",
    "holds(inherits(tryCatch(rkeops_use_gpu(7), error = identity), 'rkeops_error_argument'))",
    "check_rkeops()",
    "rkeops_use_cpu()"), checks = 6, "FAKE_CUDA_DEVICES=2")
  expect_match(out, "fake GPU", fixed = TRUE)
})

test_that("a GPU that another program has to itself is in nobody's way", {
  expect_session(c(
    "rkeops_use_gpu()",
    "holds(all.equal(sum(Vi(matrix(1:3)) * Vj(matrix(1:2)), index = 'j'), matrix(c(3, 6, 9))))",
    "failed <- tryCatch(rkeops_use_gpu(1), error = identity)",
    "holds(inherits(failed, 'rkeops_error_gpu') && grepl('opening GPU 1', conditionMessage(failed)))",
    "holds(get_rkeops_options('device_id') == -1)"), checks = 3,
    "FAKE_CUDA_DEVICES=2", "FAKE_CUDA_CONTEXT=46", "FAKE_CUDA_BUSY=1")
})

test_that("sessions that end badly or early are noticed", {
  expect_failure(expect_session("holds(TRUE)", checks = 2), "2 checks")
  expect_failure(expect_session("holds(1 == 2)", checks = 1), "does not hold")
  expect_failure(expect_session("holds(TRUE); reg.finalizer(environment(), function(e) q(status = 3), onexit = TRUE)", checks = 1),
                 "status 3")
})

test_that("the GPU keeps the data of a LazyTensor while it lives, and no longer", {
  expect_session(c(
    "rkeops_use_gpu()",
    "resident <- function() rkeops:::rk_statistics()$resident_bytes",
    "x <- matrix(c(1, 2, 3, 5), 4); y <- matrix(c(0.5, 1), 2)",
    "D_ij <- sqdist(Vi(x), Vj(y)); x_i <- Vi(x)",
    "sums <- function() sum(D_ij, index = 'j')",
    "holds(resident() == 0)",
    "before <- sums()",
    "holds(resident() > 0)",
    "holds(all.equal(before, as.matrix((x - 0.5)^2 + (x - 1)^2)))",
    "size <- resident()",
    "x[1] <- 100; y[] <- 0",
    "holds(identical(sums(), before))",
    "holds(resident() == size)",
    "invisible(sum(Vi(matrix(1:4)) * Vj(matrix(1:2)), index = 'j'))",
    "invisible(gc())",
    "holds(resident() == size)",
    "invisible(sum(x_i, index = 'i')); rm(D_ij); invisible(gc())",
    "holds(resident() > 0 && resident() < size && sum(x_i, index = 'i') == 11)",
    "rm(x_i); invisible(gc())",
    "holds(resident() == 0)"), checks = 8)
})

test_that("systems, log-determinants and operators go the same way", {
  expect_session(c(
    "set.seed(1); x <- matrix(runif(200), 100); b <- matrix(rnorm(200), 100); h <- Pm(0.5)",
    "K <- exp(-sqdist(Vi(x), Vj(x)) / h)",
    "works <- function() {",
    "  list(solve(K, b, ridge = 0.1, rank = 20, tol = 1e-10), solve(K, b, ridge = 0.1, method = 'minres', tol = 1e-10),",
    "       as.numeric(logdet(K, ridge = 0.1, probes = 5)), logdet_gradients(K, h, ridge = 0.1)$gradient, operator(K) %*% b)",
    "}",
    "cpu <- works()",
    "rkeops_use_gpu()",
    "holds(all.equal(cpu, works(), tolerance = 1e-7))",
    "rkeops_use_float32()",
    "holds(all.equal(cpu[3:5], works()[3:5], tolerance = 1e-3))"), checks = 2)
})
