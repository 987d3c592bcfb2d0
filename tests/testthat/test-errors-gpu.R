# What goes wrong with GPUs, by the fake driver (see test-gpu.R), in processes of their own.

test_that("drivers and GPUs that cannot be used", {
  fake <- Sys.getenv("RKEOPS_FAKE_CUDA")
  skip_if(!nzchar(fake), "RKEOPS_FAKE_CUDA is not set: tools/test.sh builds the fake driver")
  code <- c(
    "options(cli.unicode = FALSE)",
    paste("tell <- function(code) tryCatch({ code; cat('no error\\n') }, rkeops_error = function(e)",
          "cat('<', class(e)[1], '>\\n', conditionMessage(e), '\\n\\n', sep = ''))"),
    "tell({ rkeops_use_gpu(); sum(Vi(matrix(1:64 / 3)) * Vj(matrix(1:2)), 'j') })",
    "if (nzchar(Sys.getenv('IN_FORK'))) {",
    "  writeLines(parallel::mccollect(parallel::mcparallel(capture.output(tell(sum(Vi(matrix(1:9 / 3)) * Vj(matrix(1:2)), 'j')))))[[1]])",
    "}"
  )
  message_with <- function(...) {
    own <- c(paste0(c("RKEOPS_CUDA_DRIVER=", "RKEOPS_NVRTC="), fake), paste0("RKEOPS_CACHE_DIR=", withr::local_tempdir()))
    lines <- in_new_session(code, own, ...)
    cat("> ", paste(..., sep = ", "), "\n", paste(lines, collapse = "\n"), "\n", sep = "")
  }
  expect_snapshot_output({
    message_with("FAKE_CUDA_INIT=100")
    message_with("FAKE_CUDA_INIT=3")
    message_with("FAKE_CUDA_DEVICES=0")
    message_with("FAKE_CUDA_CONTEXT=46")
    message_with("FAKE_CUDA_LAUNCH=702")
    message_with("FAKE_CUDA_LAUNCH=719")
    message_with("FAKE_CUDA_LAUNCH=1")
    message_with("FAKE_CUDA_MEMORY=100")
    message_with("FAKE_NVRTC=1")
    message_with("IN_FORK=1")
  })
})
