# image(), points() and lines() of LazyTensors.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
D_ij <- sqdist(Vi(x), Vj(y))
large_ij <- Vi(matrix(1, 1e5, 1)) * Vj(matrix(2, 1e5, 1))

local_picture <- function(env = parent.frame()) {
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off(), envir = env)
}

test_that("image() draws a sample of rows and columns", {
  local_picture()
  expect_identical(image(D_ij), D_ij)
  image(large_ij, size = 20, xlab = "columns", col = c("black", "white"))
  expect_equal(graphics::par("usr"), c(0.5, 1e5 + 0.5, 1e5 + 0.5, 0.5), tolerance = 0.1)
  image(elem(Vi(x), 1) < elem(Vj(y), 1))
  image(Vj(y[, 1, drop = FALSE]))
  named <- matrix(1:4, 2, dimnames = list(c("a", "b"), NULL))
  image(sqdist(Vi(named), Vj(named)), main = "two")
  image(D_ij, breaks = c(0, 1, 2, 9), col = 1:3, asp = 1, legend = TRUE)
  image(D_ij, zlim = c(0, 1), add = TRUE)
  expect_identical(plot(D_ij, main = "a title"), D_ij)
  image(Vi(matrix(c(1, NA, Inf))) + Vj(matrix(1)))
})

test_that("parameters of the device stay as they are, whatever its margins", {
  local_picture()
  for (mar in list(c(5, 4, 4, 2), c(0, 0, 0, 0), c(2, 2, 2, 2))) {
    graphics::par(mar = mar, mfrow = c(1, 2))
    image(D_ij)
    before <- graphics::par(c("mar", "xpd", "las", "cex"))
    image(D_ij, main = "again", size = 3)
    expect_identical(graphics::par(c("mar", "xpd", "las", "cex")), before)
    expect_identical(graphics::par("usr"), c(0.5, 9.5, 6.5, 0.5))
  }
})

test_that("ticks are whole numbers, the first one included", {
  expect_equal(rkeops:::whole_ticks(1, 3), 1:3)
  expect_equal(rkeops:::whole_ticks(1, 1), 1)
  expect_equal(rkeops:::whole_ticks(1, 200), c(1, 50, 100, 150, 200))
  expect_equal(rkeops:::whole_ticks(1, 1e5), c(1, 2e4, 4e4, 6e4, 8e4, 1e5))
})

test_that("points() and lines() do not draw column 2 against column 1", {
  local_picture()
  plot(1)
  expect_error(points(D_ij), "image", class = "rkeops_error_unsupported")
  expect_error(lines(D_ij), "image", class = "rkeops_error_unsupported")
})

test_that("bad arguments are refused", {
  local_picture()
  nothing <- Vi(matrix(NaN)) + Vj(matrix(1))
  expect_snapshot_output(show_errors(
    image(Vi(x) * Vj(y)), image(Vi(matrix(1i))), image(sqdist(Vi(x[0, ]), Vj(y))), image(nothing),
    image(D_ij, size = 0), image(D_ij, size = NA), image(D_ij, size = "large"), image(D_ij, size = c(1, 2)),
    image(D_ij, col = "no colour"), image(D_ij, col = character()), image(D_ij, col = NA), image(D_ij, col = list("red")),
    image(D_ij, zlim = 1), image(D_ij, zlim = c(2, 1)), image(D_ij, zlim = c(0, NA)), image(D_ij, zlim = "all"),
    image(D_ij, breaks = 1:3), image(D_ij, col = 1:2, breaks = c(1, 1, 2)), image(D_ij, col = 1, breaks = "a"),
    image(D_ij, main = 3),
    image(D_ij, legend = NA), image(D_ij, legend = "right"), image(D_ij, axes = 1), image(D_ij, add = c(TRUE, FALSE)),
    image(D_ij, xlim = "all"), image(D_ij, ylim = c(1, Inf)), image(D_ij, colour = "red"), image(D_ij, 5),
    image(D_ij, titel = "a"),
    plot(D_ij, 1:3), plot(Vi(x)), plot(Vi(matrix(1i))), plot(D_ij, size = -1), points(D_ij), lines(D_ij)
  ))
})
