// All families of reductions.
#pragma once

#include "entries.hpp"
#include "extremum.hpp"
#include "nearest.hpp"
#include "softmax.hpp"
#include "sum.hpp"
#include "two_sided.hpp"
#include "where.hpp"
