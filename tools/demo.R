# The main job, end to end, on one machine: Rscript tools/demo.R [output directory]
# Each part is timed and checked against dense base R on a subset; a difference is an error.
suppressPackageStartupMessages({
  library(rkeops)
  library(ggplot2)
})

output <- commandArgs(trailingOnly = TRUE)
output <- if (length(output) > 0L) output[1] else "build/demo"
dir.create(output, recursive = TRUE, showWarnings = FALSE)
output <- normalizePath(output)
set.seed(1)

timed <- function(title, expr) {
  seconds <- system.time(value <- expr)[["elapsed"]]
  cat(sprintf("%-66s %8.2f s\n", title, seconds))
  value
}

# Stops unless the two agree.
check <- function(what, actual, expected, tolerance) {
  error <- max(abs(actual - expected)) / max(abs(expected), 1e-300)
  if (!is.finite(error) || error > tolerance) {
    stop(sprintf("%s differs from base R: relative error %.2g, allowed are %.2g", what, error, tolerance), call. = FALSE)
  }
  cat(sprintf("    agrees with dense base R on a subset: relative error %.1e\n", error))
}

save_plot <- function(name, plot) {
  file <- file.path(output, name)
  ggsave(file, plot, width = 8, height = 5.2, dpi = 120)
  cat("    plot:", file, "\n")
}
look <- theme_minimal(base_size = 12) +
  theme(panel.grid.minor = element_blank(), plot.title = element_text(face = "bold"), plot.title.position = "plot")

# Squared distances between the rows of x and of y, dense.
distances <- function(x, y) outer(rowSums(x^2), rowSums(y^2), "+") - 2 * tcrossprod(x, y)
some <- function(n, k = 200L) sort(sample.int(n, k))

cat(sprintf("rkeops %s, %s\n\n", packageVersion("rkeops"), R.version.string))
total <- proc.time()[["elapsed"]]

# ---- 1. Gaussian sum: 1e10 pairs, never stored -------------------------------------------------------------------
n <- 1e5
d <- 15
x <- matrix(runif(n * d), n)
y <- matrix(runif(n * d), n)
b <- matrix(runif(n * d), n)
rows <- some(n)

gaussian_sum <- function() {
  x_i <- LazyTensor(x, "i")
  y_j <- LazyTensor(y, "j")
  b_j <- LazyTensor(b, "j")
  K_ij <- exp(-sum((x_i - y_j)^2))
  sum(K_ij * b_j, index = "j")
}
dense <- exp(-distances(x[rows, ], y)) %*% b

rkeops_use_float32()
a <- timed("Gaussian sum, N = 1e5, D = 15, float32", gaussian_sum())
check("the Gaussian sum", a[rows, ], dense, 1e-5)
rkeops_use_float64()
a <- timed("Gaussian sum, N = 1e5, D = 15, float64", gaussian_sum())
check("the Gaussian sum", a[rows, ], dense, 1e-12)

# ---- 2. its gradient ---------------------------------------------------------------------------------------------
e <- matrix(runif(n * d), n)
gradient <- keops_kernel("Grad(Sum_Reduction(Exp(-SqDist(x,y))*b,1),y,e)",
                         c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"))
rkeops_use_float32()
g <- timed("its gradient in y through keops_kernel(\"Grad(...)\"), float32", gradient(list(x, y, b, e)))
cols <- some(n, 100L)
# sum_i exp(-|x_i - y_j|^2) (b_j . e_i) 2 (x_i - y_j)
weight <- exp(-distances(x, y[cols, ])) * tcrossprod(e, b[cols, ])
check("the gradient", g[cols, ], 2 * (crossprod(weight, x) - colSums(weight) * y[cols, ]), 1e-5)
rkeops_use_float64()

# ---- 3. nearest neighbours ---------------------------------------------------------------------------------------
n <- 1e5
cloud <- matrix(rnorm(n * 3), n)
nearest <- timed("10 nearest neighbours of each of 1e5 points, D = 3", {
  x_i <- LazyTensor(cloud, "i")
  y_j <- LazyTensor(cloud, "j")
  argKmin(sum((x_i - y_j)^2), K = 10, index = "j")
})
rows <- some(n)
difference <- function(i) colSums((t(cloud) - cloud[i, ])^2)
dense <- t(vapply(rows, function(i) order(difference(i))[1:10], numeric(10)))
check("the nearest neighbours", nearest[rows, ], dense, 0)

# ---- 4. k-means --------------------------------------------------------------------------------------------------
k <- 50
middle <- matrix(rnorm(2 * k, sd = 3), k)
points <- middle[sample.int(k, n, replace = TRUE), ] + matrix(rnorm(2 * n, sd = 0.45), n)
start <- points[sample.int(n, k), ]

assign_rkeops <- function(points, centroids) {
  p_i <- LazyTensor(points, "i")
  c_j <- LazyTensor(centroids, "j")
  drop(argmin(sum((p_i - c_j)^2), index = "j"))
}
assign_dense <- function(points, centroids) max.col(-distances(points, centroids), ties.method = "first")

lloyd <- function(points, centroids, iterations, assign) {
  for (step in seq_len(iterations)) {
    cluster <- assign(points, centroids)
    sizes <- tabulate(cluster, nrow(centroids))
    sums <- rowsum(points, cluster)
    filled <- sizes > 0
    centroids[filled, ] <- sums / sizes[filled]
  }
  list(centroids = centroids, cluster = cluster)
}
fit <- timed("k-means: N = 1e5, D = 2, K = 50, 10 Lloyd iterations", lloyd(points, start, 10, assign_rkeops))
rows <- some(n, 5000L)
check("the k-means assignment", fit$cluster[rows], {
  before <- lloyd(points, start, 9, assign_rkeops)$centroids
  assign_dense(points[rows, ], before)
}, 0)

# One colour for each cluster, far from those of its neighbours: clusters that are the two nearest of some point.
distinct_colours <- function(points, centroids) {
  k <- nrow(centroids)
  two <- argKmin(sum((Vi(points) - Vj(centroids))^2), 2, index = "j")
  touch <- matrix(FALSE, k, k)
  touch[two] <- touch[two[, 2:1]] <- TRUE
  hues <- seq(15, 375, length.out = k %/% 2 + 1)[-1]
  palette <- c(hcl(hues, 80, 75), hcl(hues, 65, 45), if (k %% 2) "grey40")
  apart <- as.matrix(dist(convertColor(t(col2rgb(palette)) / 255, "sRGB", "Lab")))
  taken <- rep(NA_integer_, k)
  for (cluster in order(-rowSums(touch))) {
    left <- setdiff(seq_len(k), taken)
    near <- taken[touch[cluster, ] & !is.na(taken)]
    taken[cluster] <- left[if (length(near)) which.max(apply(apart[left, near, drop = FALSE], 1, min)) else 1]
  }
  palette[taken]
}

shown <- some(n, 20000L)
clusters <- data.frame(x = points[shown, 1], y = points[shown, 2], cluster = factor(fit$cluster[shown], seq_len(k)))
centres <- data.frame(x = fit$centroids[, 1], y = fit$centroids[, 2])
save_plot("clusters.png", ggplot(clusters, aes(x, y)) +
  geom_point(aes(colour = cluster), size = 0.35, show.legend = FALSE) +
  geom_point(data = centres, shape = 21, size = 2.4, fill = "white", colour = "black", stroke = 0.8) +
  scale_colour_manual(values = distinct_colours(points, fit$centroids)) + coord_equal() + look +
  labs(title = "k-means with 50 clusters on 100,000 points", x = "first coordinate", y = "second coordinate",
       subtitle = "10 Lloyd iterations; 20,000 of the points and all centroids shown"))

# ---- 5. kernel interpolation by conjugate gradient ---------------------------------------------------------------
n <- 1e4
t_train <- matrix(runif(n), n)
signal <- function(t) t + 0.5 * sin(6 * t) + 0.1 * sin(20 * t)
noisy <- signal(t_train) + 0.05 * rnorm(n)
sigma <- 0.1
ridge <- 1

# Solves A z = right for symmetric positive A, given as a function, to the given relative residual.
conjugate_gradient <- function(A, right, tolerance = 1e-6, precondition = identity, most = 1000L) {
  z <- 0 * right
  residual <- right
  direction <- scaled <- precondition(residual)
  size <- sum(residual * scaled)
  steps <- 0L
  while (sum(residual^2) > tolerance^2 * sum(right^2)) {
    if (steps == most) stop("conjugate gradient did not converge", call. = FALSE)
    image <- A(direction)
    step <- size / sum(direction * image)
    z <- z + step * direction
    residual <- residual - step * image
    scaled <- precondition(residual)
    new_size <- sum(residual * scaled)
    direction <- scaled + (new_size / size) * direction
    size <- new_size
    steps <- steps + 1L
  }
  attr(z, "steps") <- steps
  z
}

gaussian_kernel <- keops_kernel("Sum_Reduction(Exp(-g*SqDist(x,y))*b,1)", c("x=Vi(1)", "y=Vj(1)", "b=Vj(1)", "g=Pm(1)"))
smooth <- function(at, weights) gaussian_kernel(list(at, t_train, weights, 1 / (2 * sigma^2)))
weights <- timed("kernel interpolation, N = 1e4, 1-D, conjugate gradient to 1e-6",
                 conjugate_gradient(function(v) ridge * v + smooth(t_train, v), noisy))
cat(sprintf("    %d iterations\n", attr(weights, "steps")))
rows <- some(n, 300L)
K_dense <- exp(-distances(t_train[rows, , drop = FALSE], t_train) / (2 * sigma^2))
check("the interpolation's linear system", K_dense %*% weights + ridge * weights[rows], noisy[rows, , drop = FALSE], 1e-5)

grid <- matrix(seq(0, 1, length.out = 400))
curve <- data.frame(t = grid, fit = smooth(grid, weights), truth = signal(grid))
dots <- data.frame(t = t_train[shown <- some(n, 2500L)], y = noisy[shown])
save_plot("interpolation.png", ggplot(curve, aes(t)) +
  geom_point(aes(y = y), dots, size = 0.4, alpha = 0.35, colour = "grey45") +
  geom_line(aes(y = truth, colour = "truth"), linewidth = 1.6, alpha = 0.5) +
  geom_line(aes(y = fit, colour = "kernel fit"), linewidth = 0.8) +
  scale_colour_manual(NULL, values = c("truth" = "#E69F00", "kernel fit" = "#0072B2")) + look +
  theme(legend.position = "top", legend.justification = "left") +
  labs(title = "Kernel interpolation of 10,000 noisy points", x = "t", y = "value",
       subtitle = sprintf("Gaussian kernel, conjugate gradient to 1e-6 in %d iterations", attr(weights, "steps"))))

# ---- 6. kernel regression on real data ---------------------------------------------------------------------------
features <- c("carat", "depth", "table", "x", "y", "z")
data <- as.data.frame(diamonds)
price <- matrix(log(data$price))
held_out <- sample.int(nrow(data), 5000L)
train <- setdiff(seq_len(nrow(data)), held_out)
raw <- as.matrix(data[features])
centre <- colMeans(raw[train, ])
spread <- apply(raw[train, ], 2, sd)
z <- pmax(pmin(scale(raw, centre, spread), 5), -5)      # a few rows are typing errors, such as y = 58.9 mm
mean_price <- mean(price[train])

inputs <- z[train, ]
target <- price[train, , drop = FALSE] - mean_price
root_mean_square <- function(fit) sqrt(mean((price[held_out] - fit)^2))

# Nadaraya-Watson: a weighted mean of the neighbours' prices, in one reduction.
average <- timed(sprintf("diamonds: Nadaraya-Watson from %d stones", length(train)), {
  x_i <- Vi(z[held_out, ])
  x_j <- Vj(inputs)
  mean_price + sumsoftmaxweight(-sum((x_i - x_j)^2) / (2 * 0.15^2), "j", Vj(target))
})

# Kernel ridge regression: (K + ridge I) w = target on all training rows. The preconditioner replaces K by its best
# approximation through 300 of the stones, whose inverse is cheap.
width <- 1
ridge <- 0.3
gauss <- function(squares) exp(-squares / (2 * width^2))
product <- keops_kernel("Sum_Reduction(Exp(-g*SqDist(x,y))*b,1)", c("x=Vi(6)", "y=Vj(6)", "b=Vj(1)", "g=Pm(1)"))
K <- function(at, w) product(list(at, inputs, w, 1 / (2 * width^2)))

approximate_inverse <- function(m = 300L) {
  chosen <- inputs[sample.int(nrow(inputs), m), ]
  thin <- gauss(distances(inputs, chosen))
  inner <- ridge * gauss(distances(chosen, chosen)) + crossprod(thin)
  root <- chol(inner + 1e-9 * max(diag(inner)) * diag(m))
  function(v) (v - thin %*% backsolve(root, backsolve(root, crossprod(thin, v), transpose = TRUE))) / ridge
}

rkeops_use_float32()
w <- timed(sprintf("diamonds: kernel ridge regression on %d stones, to 1e-3", length(train)),
           conjugate_gradient(function(v) ridge * v + K(inputs, v), target, 1e-3, approximate_inverse()))
rkeops_use_float64()
cat(sprintf("    %d iterations\n", attr(w, "steps")))
ridge_fit <- mean_price + K(z[held_out, ], w)
rows <- seq_len(200L)
check("the regression", ridge_fit[rows] - mean_price,
      drop(gauss(distances(z[held_out[rows], ], inputs)) %*% w), 1e-10)
dense <- exp(-distances(z[held_out[rows], ], inputs) / (2 * 0.15^2))
check("the weighted mean", average[rows], drop(dense %*% target / rowSums(dense)) + mean_price, 1e-8)

linear <- lm(price ~ ., data.frame(price = price[train], z[train, ]))
errors <- c(
  "lm(), linear" = root_mean_square(predict(linear, data.frame(z[held_out, ]))),
  "Nadaraya-Watson" = root_mean_square(average),
  "kernel ridge" = root_mean_square(ridge_fit)
)
cat("    held-out error (root mean square of log price, 5,000 stones):\n")
cat(sprintf("      %-18s %.4f\n", names(errors), errors), sep = "")
if (errors[["kernel ridge"]] > errors[["lm(), linear"]]) stop("kernel ridge is worse than lm()", call. = FALSE)

fits <- data.frame(
  truth = exp(price[held_out]),
  fit = exp(c(predict(linear, data.frame(z[held_out, ])), ridge_fit)),
  model = rep(sprintf("%s: error %.3f", c("lm()", "kernel ridge regression"), errors[c(1, 3)]), each = length(held_out))
)
fits$model <- factor(fits$model, unique(fits$model))
dollars <- function(x) paste0("$", format(x, big.mark = ",", trim = TRUE, scientific = FALSE))
save_plot("diamonds.png", ggplot(fits, aes(truth, fit)) +
  geom_point(size = 0.5, alpha = 0.25, colour = "#0072B2") + geom_abline(colour = "#D55E00", linewidth = 0.7) +
  facet_wrap(~model) + coord_equal(xlim = range(fits$truth), ylim = range(fits$truth)) +
  scale_x_log10(labels = dollars) + scale_y_log10(labels = dollars) + look +
  theme(strip.text = element_text(face = "bold"), panel.spacing = unit(1.5, "lines")) +
  labs(title = "Price of 5,000 diamonds not seen in training", x = "price, US dollars", y = "predicted price, US dollars",
       subtitle = "from carat, depth, table and the three lengths"))

cat(sprintf("\nAll checks passed, %.0f s in all. Plots are in %s\n", proc.time()[["elapsed"]] - total, output))
