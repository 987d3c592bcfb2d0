# What R sees of GPUs: clear errors where there is none, and, through a fake driver that tools/test.sh builds (named by
# RKEOPS_FAKE_CUDA), the whole way there and back. Drivers are opened once per process, so this runs in processes of its own.

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
  fake <- Sys.getenv("RKEOPS_FAKE_CUDA")
  skip_if(!nzchar(fake), "RKEOPS_FAKE_CUDA is not set: tools/test.sh builds the fake driver")
  variables <- paste0(c("RKEOPS_CUDA_DRIVER=", "RKEOPS_NVRTC="), fake)
  out <- in_new_session(c(
    "set.seed(1); x <- matrix(rnorm(600), 200); y <- matrix(rnorm(450), 150); b <- matrix(rnorm(300), 150)",
    "works <- function() {",
    "  K <- exp(-sqdist(Vi(x), Vj(y)))",
    "  op <- keops_kernel('Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),x,e)', c('x=Vi(3)', 'y=Vj(3)', 'b=Vj(2)', 'e=Vi(2)'))",
    "  list(sum(K * Vj(b), index = 'j'), argKmin(-K, 3, index = 'j'), logsumexp(K, index = 'i'), op(list(x, y, b, x[, 1:2])))",
    "}",
    "cpu <- works()",
    "rkeops_use_gpu()",
    "stopifnot(isTRUE(all.equal(cpu, works(), tolerance = 1e-12)))",
    "rkeops_use_gpu(device = c(1, 0))",
    "stopifnot(isTRUE(all.equal(cpu, works(), tolerance = 1e-12)))",
    "rkeops_use_float32()",
    "stopifnot(isTRUE(all.equal(cpu[-2], works()[-2], tolerance = 1e-5)))",
    "rkeops_use_tensor_cores()",
    "u <- matrix(rnorm(2000), 200); v <- matrix(rnorm(1500), 150)",
    "distances <- function() sum(sqdist(Vi(u), Vj(v)), index = 'j')",
    "products <- distances()",
    "rkeops_use_tensor_cores(FALSE)",
    "stopifnot(!identical(products, distances()), isTRUE(all.equal(products, distances(), tolerance = 1e-5)))",
    "cat(tryCatch({ rkeops_use_gpu(7); 'no error' }, error = function(e) class(e)[1]), '\\n')",
    "check_rkeops()",
    "rkeops_use_cpu()",
    "cat('came to the end\\n')"), variables, "FAKE_CUDA_DEVICES=2")
  out <- paste(out, collapse = "\n")
  expect_match(out, "came to the end", fixed = TRUE)
  expect_match(out, "rkeops_error_argument", fixed = TRUE)
  expect_match(out, "fake GPU", fixed = TRUE)
})

test_that("the GPU keeps the data of a LazyTensor while it lives, and no longer", {
  fake <- Sys.getenv("RKEOPS_FAKE_CUDA")
  skip_if(!nzchar(fake), "RKEOPS_FAKE_CUDA is not set: tools/test.sh builds the fake driver")
  out <- in_new_session(c(
    "rkeops_use_gpu()",
    "resident <- function() rkeops:::rk_statistics()$resident_bytes",
    "x <- matrix(c(1, 2, 3, 5), 4); y <- matrix(c(0.5, 1), 2)",
    "D_ij <- sqdist(Vi(x), Vj(y)); x_i <- Vi(x)",
    "sums <- function() sum(D_ij, index = 'j')",
    "stopifnot(resident() == 0)",
    "before <- sums()",
    "stopifnot(resident() > 0, isTRUE(all.equal(before, as.matrix((x - 0.5)^2 + (x - 1)^2))))",
    "held <- resident()",
    "x[1] <- 100; y[] <- 0",
    "stopifnot(identical(sums(), before), resident() == held)",
    "invisible(sum(Vi(matrix(1:4)) * Vj(matrix(1:2)), index = 'j'))",
    "invisible(gc())",
    "stopifnot(resident() == held)",
    "invisible(sum(x_i, index = 'i')); rm(D_ij); invisible(gc())",
    "stopifnot(resident() > 0, resident() < held, sum(x_i, index = 'i') == 11)",
    "rm(x_i); invisible(gc())",
    "stopifnot(resident() == 0)",
    "cat('came to the end\\n')"), paste0(c("RKEOPS_CUDA_DRIVER=", "RKEOPS_NVRTC="), fake))
  expect_match(paste(out, collapse = "\n"), "came to the end", fixed = TRUE)
})
