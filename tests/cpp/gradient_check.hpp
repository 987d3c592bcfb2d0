// Derivatives by the interpreter against central differences of fourth order, also by the interpreter: what the tests of
// gradients and of the differential operators share.
#pragma once

#include "interpret.hpp"

namespace check {

struct Domain {
  double low, high;
  bool both_signs;
};

inline Domain domain_named(const std::string& name) {
  if (name == "positive") return {0.4, 2, false};
  if (name == "nonzero") return {0.6, 2, true};
  if (name == "above one") return {1.3, 3, false};
  if (name == "unit") return {-0.85, 0.85, false};
  return {-1.5, 1.5, false};
}

constexpr std::int64_t rows_i = 3, rows_j = 4;  // of all data

inline std::vector<Matrix> draw_data(const std::vector<rkeops::Argument>& arguments, const Domain& domain,
                                     std::mt19937_64& random) {
  std::vector<Matrix> data;
  for (const rkeops::Argument& a : arguments) {
    data.push_back(random_matrix(a.category == Category::i   ? rows_i
                                 : a.category == Category::j ? rows_j
                                                             : 1,
                                 a.dim, random, domain.low, domain.high));
    if (!domain.both_signs) continue;
    for (double& x : data.back().values) x = random() % 2 ? -x : x;
  }
  return data;
}

inline std::size_t position_of(const std::vector<rkeops::Argument>& arguments, const std::string& name) {
  for (const rkeops::Argument& a : arguments) {
    if (a.name == name) return static_cast<std::size_t>(a.position);
  }
  throw std::logic_error("no argument " + name);
}

// All rows of a formula of reductions, as one list per row.
inline std::vector<Values> all_rows(Interpreter& interpreter, Expr root) {
  const Expr last = check::stages(root).back();
  std::vector<Values> rows;
  for (std::int64_t r = 0; r < interpreter.size(result_category(last)); ++r) rows.push_back(interpreter.row(last, r)[0]);
  return rows;
}

inline double inner(const std::vector<Values>& a, const std::vector<Values>& b) {
  double total = 0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    for (std::size_t k = 0; k < a[r].size(); ++k) total += a[r][k] * b[r][b[r].size() == 1 ? 0 : k];
  }
  return total;
}

// Grad(f, v, e) against differences of <f, e>; v and e are names of arguments.
inline void check_gradient(const std::string& f, const std::string& v, const std::string& e,
                           const std::vector<std::string>& declared, const Domain& domain = domain_named("real"),
                           double tolerance = 2e-6) {
  const std::string formula = "Grad(" + f + "," + v + "," + e + ")";
  std::string what = formula + " with";
  for (const std::string& d : declared) what += " " + d;
  try {
    Parsed value(f, declared), gradient(formula, declared);
    std::mt19937_64 random(std::hash<std::string>()(formula));
    std::vector<Matrix> data = draw_data(value.arguments, domain, random);
    const std::size_t at_v = position_of(value.arguments, v), at_e = position_of(value.arguments, e);
    Interpreter interpreter(data, rows_i, rows_j);
    const std::vector<Values> got = all_rows(interpreter, gradient.root);
    const auto pairing = [&](std::size_t k, double x) {
      Interpreter moved(data, rows_i, rows_j);
      moved.data(at_v).values[k] = x;
      std::vector<Values> weights(static_cast<std::size_t>(data[at_e].rows));
      // e may be the variable itself: it stays where it was.
      for (std::size_t r = 0; r < weights.size(); ++r) {
        for (std::int64_t c = 0; c < data[at_e].cols; ++c) weights[r].push_back(data[at_e].at(static_cast<std::int64_t>(r), c));
      }
      const std::vector<Values> rows = all_rows(moved, value.root);
      if (weights.size() == 1 && rows.size() > 1) weights.assign(rows.size(), weights[0]);
      return inner(rows, weights);
    };
    CHECK_THAT(
        got.size() == static_cast<std::size_t>(data[at_v].rows) && got[0].size() == static_cast<std::size_t>(data[at_v].cols),
        what + ": wrong shape");
    if (got.size() != static_cast<std::size_t>(data[at_v].rows)) return;
    double worst = 0, scale = 1, shown = 0, wanted = 0;
    for (std::size_t k = 0; k < data[at_v].values.size(); ++k) {
      const double x = data[at_v].values[k], h = 2e-5;
      const double difference =
          (8 * (pairing(k, x + h) - pairing(k, x - h)) - (pairing(k, x + 2 * h) - pairing(k, x - 2 * h))) / (12 * h);
      const double found = got[k % got.size()][k / got.size()];
      scale = std::max(scale, std::fabs(difference));
      const double error = std::isfinite(found) ? std::fabs(found - difference) : 1e300;
      if (error > worst) worst = error, shown = found, wanted = difference;
    }
    CHECK_THAT(worst <= tolerance * scale, what + ": " + show(shown) + " instead of " + show(wanted));
  } catch (const std::exception& error) {
    CHECK_THAT(false, what + ": " + error.what());
  }
}

// Diff(f, v, u) of a formula of reductions against differences along u, all rows together.
inline void check_differential(const std::string& f, const std::string& v, const std::string& u,
                               const std::vector<std::string>& declared, double tolerance = 2e-6) {
  const std::string formula = "Diff(" + f + "," + v + "," + u + ")";
  try {
    Parsed value(f, declared), differential(formula, declared);
    std::mt19937_64 random(std::hash<std::string>()(formula));
    const std::vector<Matrix> data = draw_data(value.arguments, domain_named("real"), random);
    const std::size_t at_v = position_of(value.arguments, v);
    const Matrix direction = data[position_of(value.arguments, u)];
    Interpreter interpreter(data, rows_i, rows_j);
    const std::vector<Values> got = all_rows(interpreter, differential.root);
    const auto moved = [&](double h) {
      Interpreter other(data, rows_i, rows_j);
      for (std::int64_t c = 0; c < data[at_v].cols; ++c) {
        for (std::int64_t r = 0; r < data[at_v].rows; ++r) {
          other.data(at_v).at(r, c) += h * direction.at(direction.rows == 1 ? 0 : r, direction.cols == 1 ? 0 : c);
        }
      }
      return all_rows(other, value.root);
    };
    const double h = 1e-4;
    const std::vector<Values> up = moved(h), down = moved(-h), up2 = moved(2 * h), down2 = moved(-2 * h);
    CHECK_THAT(got.size() == up.size() && got[0].size() == up[0].size(), formula + ": wrong shape");
    if (got.size() != up.size() || got[0].size() != up[0].size()) return;
    double scale = 1, worst = 0;
    for (std::size_t r = 0; r < up.size(); ++r) {
      for (std::size_t k = 0; k < up[r].size(); ++k) {
        const double expected = (8 * (up[r][k] - down[r][k]) - (up2[r][k] - down2[r][k])) / (12 * h);
        scale = std::max(scale, std::fabs(expected));
        worst = std::max(worst, std::isfinite(got[r][k]) ? std::fabs(got[r][k] - expected) : inf);
      }
    }
    CHECK_THAT(worst <= tolerance * scale, formula + ": off by " + show(worst));
  } catch (const std::exception& error) {
    CHECK_THAT(false, formula + ": " + error.what());
  }
}

// A formula of (i, j) and its Jacobian by differences, at one pair; against these, formulas with differential operators.
class Pairwise {
 public:
  Pairwise(const std::string& f, const std::string& v, const std::vector<std::string>& declared, const std::string& domain,
           std::uint64_t seed)
      : declared_(declared), parsed_(f, declared), dim_(static_cast<std::size_t>(parsed_.root->dim)) {
    std::mt19937_64 random(seed);
    data_ = draw_data(parsed_.arguments, domain_named(domain), random);
    at_ = position_of(parsed_.arguments, v);
    size_ = static_cast<std::size_t>(data_[at_].cols);
  }

  std::size_t dim() const { return dim_; }
  std::size_t size() const { return size_; }

  // Of an argument at the pair.
  Values argument(const std::string& name) const {
    const std::size_t at = position_of(parsed_.arguments, name);
    Values row;
    for (std::int64_t c = 0; c < data_[at].cols; ++c) row.push_back(data_[at].at(row_of(at), c));
    return row;
  }

  Values value(const std::string& formula) const {
    Parsed other(formula, declared_);
    Interpreter interpreter(data_, rows_i, rows_j);
    return interpreter.value(other.root, i, j);
  }

  // Row k: derivatives of component k.
  std::vector<Values> jacobian(double h) {
    std::vector<Values> rows(dim_, Values(size_));
    Interpreter interpreter(data_, rows_i, rows_j);
    double* const x = &interpreter.data(at_).at(row_of(at_), 0);
    for (std::size_t l = 0; l < size_; ++l) {
      double& moving = x[l * static_cast<std::size_t>(data_[at_].rows)];
      const double from = moving;
      const auto at = [&](double steps) {
        moving = from + steps * h;
        interpreter.forget();
        return interpreter.value(parsed_.root, i, j);
      };
      const Values up = at(1), down = at(-1), up2 = at(2), down2 = at(-2);
      moving = from;
      for (std::size_t k = 0; k < dim_; ++k) rows[k][l] = (8 * (up[k] - down[k]) - (up2[k] - down2[k])) / (12 * h);
    }
    return rows;
  }

 private:
  static constexpr std::int64_t i = 1, j = 2;  // the pair
  std::int64_t row_of(std::size_t at) const {
    const Category category = parsed_.arguments[at].category;
    return category == Category::i ? i : category == Category::j ? j : 0;
  }

  std::vector<std::string> declared_;
  Parsed parsed_;
  std::size_t dim_, at_ = 0, size_ = 0;
  std::vector<Matrix> data_;
};

// All differential operators on f and v, against the Jacobian of f. Adds arguments of its own. "" or what is wrong;
// `unsteady`: differences of two steps disagree, as they do near a kink, or the result is infinite or NaN.
inline std::string wrong_operator(const std::string& f, const std::string& v, std::vector<std::string> declared,
                                  const std::string& domain, std::uint64_t seed, double tolerance, bool& unsteady) {
  unsteady = false;
  const Parsed sizes(f, declared);
  const std::int64_t dim = sizes.root->dim;
  const rkeops::Argument& variable = sizes.arguments[position_of(sizes.arguments, v)];
  const std::int64_t size = variable.dim;
  // With reductions, a direction has the variable's index and an adjoint that of the result, which is the same here.
  const bool reduced = sizes.root->has_reduction;
  const std::string e_and_c = reduced ? name_of(variable.category) : "Vi", u_and_w = reduced ? e_and_c : "Vj";
  const std::string of_f = "(" + show(dim) + ")", of_v = "(" + show(size) + ")";
  for (const std::string& own : {"e_=" + e_and_c + of_f, "u_=" + u_and_w + of_v, "w_=" + u_and_w + of_v, "c_=" + e_and_c + "(1)"})
    declared.push_back(own);
  Pairwise pair(f, v, declared, domain, seed);
  const std::vector<Values> jacobian = pair.jacobian(1e-3), finer = pair.jacobian(2.5e-4);
  double scale = 1;
  for (std::size_t k = 0; k < jacobian.size(); ++k) {
    for (std::size_t l = 0; l < jacobian[k].size(); ++l) {
      if (!(std::fabs(jacobian[k][l] - finer[k][l]) <= 0.1 * tolerance * (1 + std::fabs(finer[k][l])))) unsteady = true;
      scale = std::max(scale, std::fabs(finer[k][l]));
    }
  }
  if (unsteady) return "";
  const Values e = pair.argument("e_"), u = pair.argument("u_"), w = pair.argument("w_"), ones(u.size(), 1);
  const Values c(e.size(), pair.argument("c_")[0]);
  const auto left = [&](const Values& weights) {  // times the Jacobian
    Values out(pair.size(), 0);
    for (std::size_t l = 0; l < out.size(); ++l) {
      for (std::size_t k = 0; k < weights.size(); ++k) out[l] += weights[k] * finer[k][l];
    }
    return out;
  };
  const auto right = [&](const Values& direction) {
    Values out(pair.dim(), 0);
    for (std::size_t k = 0; k < out.size(); ++k) {
      for (std::size_t l = 0; l < direction.size(); ++l) out[k] += finer[k][l] * direction[l];
    }
    return out;
  };
  const auto dot = [](const Values& a, const Values& b) {
    double total = 0;
    for (std::size_t k = 0; k < a.size(); ++k) total += a[k] * b[k];
    return Values{total};
  };
  const auto trace = [&](const Values& weights) {
    double total = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) total += weights[k] * finer[finer.size() == 1 ? 0 : k][k];
    return Values{total};
  };
  Values flat;
  for (const Values& row : finer) flat.insert(flat.end(), row.begin(), row.end());
  const std::string fv = f + "," + v, linear = "Diff(" + fv + ",u_),u_";
  std::vector<std::pair<std::string, Values>> cases{{"Grad(" + fv + ",e_)", left(e)},
                                                    {"Grad(" + fv + ",c_)", left(c)},
                                                    {"Diff(" + fv + ",u_)", right(u)},
                                                    {"GradMatrix(" + fv + ")", flat},
                                                    {"AdjointOperator(" + linear + ",e_)", left(e)},
                                                    {"SumLinOperator(" + linear + ",e_,w_)", dot(e, right(w))},
                                                    {"SumLinOperator(" + linear + ",c_)", dot(c, right(ones))},
                                                    {"SumLinOperator(" + linear + ")", dot(Values(e.size(), 1), right(ones))}};
  if (dim == size) cases.push_back({"Divergence(" + fv + ")", trace(ones)});
  if (dim == size || dim == 1) {
    cases.push_back({"TraceOperator(" + linear + ")", trace(ones)});
    cases.push_back({"TraceOperator(" + linear + ",w_)", trace(w)});
    cases.push_back({"TraceOperator(" + linear + ",c_)", trace(Values(u.size(), c[0]))});
  }
  if (dim == 1) {
    const std::string gradient = "Grad(" + fv + ",1)";
    Pairwise second(gradient, v, declared, domain, seed);
    const std::vector<Values> hessian = second.jacobian(1e-3), finest = second.jacobian(2.5e-4);
    double total = 0, size_of = 1;
    for (std::size_t k = 0; k < hessian.size(); ++k) {
      total += finest[k][k];
      size_of = std::max(size_of, std::fabs(finest[k][k]));
      unsteady |= !(std::fabs(hessian[k][k] - finest[k][k]) <= 0.1 * tolerance * (1 + std::fabs(finest[k][k])));
    }
    if (!unsteady && size_of < 1e6) cases.push_back({"Laplacian(" + fv + ")", {total}}), scale = std::max(scale, size_of);
    unsteady = false;
  }
  for (const auto& [formula, expected] : cases) {
    const Values got = pair.value(formula);
    if (got.size() != expected.size()) return formula + " has dimension " + show(got.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
      if (!std::isfinite(got[k])) return unsteady = true, "";
      if (!(std::fabs(got[k] - expected[k]) <= tolerance * scale * static_cast<double>(e.size() + u.size()))) {
        return formula + " gives " + show(got) + ", not " + show(expected);
      }
    }
  }
  return "";
}

// The same for a formula that is smooth where its arguments are drawn.
inline void check_operators(const std::string& f, const std::string& v, const std::vector<std::string>& declared,
                            const std::string& domain = "real", double tolerance = 1e-6) {
  std::string wrong;
  bool unsteady = false;
  try {
    wrong = wrong_operator(f, v, declared, domain, std::hash<std::string>()(f + v), tolerance, unsteady);
  } catch (const std::exception& error) {
    wrong = std::string("on ") + f + ": " + error.what();
  }
  CHECK_THAT(wrong.empty() && !unsteady, unsteady ? f + " by " + v + " is not smooth" : "by " + v + ": " + wrong);
}

}  // namespace check
