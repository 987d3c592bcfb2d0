// Reference answers of an independent implementation, tests/testthat/golden/*.jsonl: formula, inputs, output, one JSON object a
// line.
#pragma once

#include <cctype>
#include <fstream>
#include <map>

#include "check.hpp"

namespace check {

// As much of JSON as the files have.
struct Json {
  enum class Type { null, number, text, list, object } type = Type::null;
  double number = 0;
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  const Json& operator[](const std::string& key) const {
    static const Json none;
    const auto found = object.find(key);
    return found == object.end() ? none : found->second;
  }
  bool is_null() const { return type == Type::null; }

  // Numbers of nested lists, in order.
  void flatten(std::vector<double>& out) const {
    if (type == Type::number) out.push_back(number);
    for (const Json& part : list) part.flatten(out);
  }
  std::vector<double> numbers() const {
    std::vector<double> out;
    flatten(out);
    return out;
  }

  static Json parse(const std::string& line) {
    const char* at = line.c_str();
    return value(at);
  }

 private:
  static void skip(const char*& at) {
    while (std::isspace(static_cast<unsigned char>(*at)) || *at == ',' || *at == ':') ++at;
  }
  static Json value(const char*& at) {
    Json v;
    skip(at);
    if (*at == '"') {
      v.type = Type::text;
      for (++at; *at && *at != '"'; ++at) v.text += *at == '\\' ? *++at : *at;
      ++at;
    } else if (*at == '[') {
      v.type = Type::list;
      for (skip(++at); *at && *at != ']'; skip(at)) v.list.push_back(value(at));
      ++at;
    } else if (*at == '{') {
      v.type = Type::object;
      for (skip(++at); *at && *at != '}'; skip(at)) {
        const std::string key = value(at).text;
        v.object.emplace(key, value(at));
      }
      ++at;
    } else if (*at == 'n') {
      at += 4;
    } else {
      char* end;
      v.type = Type::number;
      v.number = std::strtod(at, &end);
      if (end == at) ++end;
      at = end;
    }
    return v;
  }
};

inline std::vector<Json> golden_cases(const std::string& folder) {
  std::vector<Json> cases;
  for (const char* name : {"core.jsonl", "rest.jsonl"}) {
    std::ifstream file(folder + "/" + name);
    for (std::string line; std::getline(file, line);) cases.push_back(Json::parse(line));
  }
  return cases;
}

inline std::string golden_formula(const Json& c) {
  std::string text = c["reduction"].text;
  if (text == "LogSumExp" && !c["formula2"].is_null()) text = "LogSumExpWeight";
  text += "_Reduction(" + c["formula"].text;
  if (!c["opt_arg"].is_null()) text += "," + show(static_cast<std::int64_t>(c["opt_arg"].number));
  if (!c["formula2"].is_null()) text += "," + c["formula2"].text;
  return text + "," + show(static_cast<std::int64_t>(c["axis"].number)) + ")";
}

// Numbers row by row to a matrix; of three dimensions, rows x K x components, column k + K * c.
inline Matrix golden_matrix(const std::vector<double>& values, const std::vector<double>& shape) {
  const auto size = [&](std::size_t d) { return d < shape.size() ? static_cast<std::int64_t>(shape[d]) : 1; };
  Matrix m{size(0), size(1) * size(2), values};
  std::size_t next = 0;
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t k = 0; k < size(1); ++k) {
      for (std::int64_t c = 0; c < size(2); ++c) m.at(r, k + size(1) * c) = values.at(next++);
    }
  }
  return m;
}

inline void compare_golden(const Json& c, rkeops::RunOptions options) {
  const std::string formula = golden_formula(c),
                    name = "golden " + show(static_cast<std::int64_t>(c["id"].number)) + ", " + formula;
  std::vector<std::string> declarations;
  for (const Json& text : c["args"].list) declarations.push_back(text.text);
  std::vector<Matrix> data;
  for (std::size_t k = 0; k < declarations.size(); ++k) {
    const Json& input = c["inputs"].list.at(k);
    const auto rows = static_cast<double>(input.list.size());
    const bool parameter = declarations[k].find("Pm(") != std::string::npos;
    const std::vector<double> values = input.numbers();
    data.push_back(parameter ? golden_matrix(values, {1, static_cast<double>(values.size())})
                             : golden_matrix(values, {rows, static_cast<double>(values.size()) / rows}));
  }
  const bool several = c["shape"].list.at(0).type == Json::Type::list;
  std::vector<Matrix> expected;
  for (std::size_t p = 0; p < (several ? c["output"].list.size() : 1); ++p) {
    const Json &output = several ? c["output"].list[p] : c["output"], &shape = several ? c["shape"].list[p] : c["shape"];
    expected.push_back(golden_matrix(output.numbers(), shape.numbers()));
  }
  options.index_base = 0;
  std::vector<Matrix> got;
  try {
    got = run(formula, declarations, data, options);
  } catch (const rkeops::Error& error) {
    return CHECK_THAT(false, name + ": " + error.what() + " " + error.log.substr(0, 400));
  }
  if (got.size() != expected.size()) return CHECK_THAT(false, name + ": " + show(got.size()) + " results");
  double worst = 0;
  for (std::size_t p = 0; p < got.size(); ++p) {
    if (got[p].values.size() != expected[p].values.size()) return CHECK_THAT(false, name + ": other dimensions");
    double size = 1e-3;
    for (double x : expected[p].values) size = std::max(size, std::fabs(x));
    for (std::size_t k = 0; k < got[p].values.size(); ++k) {
      const double a = got[p].values[k], b = expected[p].values[k];
      const double allowed = options.precision == rkeops::Precision::float64 ? std::max(1e-9 * std::fabs(b), 1e-12) : 5e-6 * size;
      if (!equal(a, b)) worst = std::max(worst, std::isnan(a - b) ? HUGE_VAL : std::fabs(a - b) / allowed);
    }
  }
  CHECK_THAT(worst <= 1, name + ": error is " + show(worst) + " times what is allowed");
}

}  // namespace check
