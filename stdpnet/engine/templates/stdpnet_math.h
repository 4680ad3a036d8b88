// What statements at synapses call, in a form that the compiler can do for several
// synapses at a time.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "stdpnet_run.h"

namespace stdpnet {

// exp, log and pow of float are polynomials without branches (coefficients of Cephes, Moshier
// 1992: expf, logf); the relative error is about 1e-7, or that times |log of the result|
// where this is more. Everything else is the standard library's.
template <typename To, typename From>
To same_bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof(To));
  return result;
}
// Without a branch whatever the compiler thinks: branches do not vectorize.
inline float choose(bool condition, float yes, float no) {
  const int32_t mask = -static_cast<int32_t>(condition);
  return same_bits<float>((same_bits<int32_t>(yes) & mask) | (same_bits<int32_t>(no) & ~mask));
}
// Instead of what a float cannot hold: its smallest and largest normal numbers.
inline float bounded_exp(float x) {
  const float bounded = std::min(std::max(x, -87.3f), 88.72f);
  const float n = std::min(std::rint(bounded * 1.44269504f), 127.0f);
  const float r = bounded - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return same_bits<float>((static_cast<int32_t>(n) + 127) << 23) * (1 + r + r * r * p);
}
inline float exp(float x) {
  const float y = bounded_exp(x);
  return choose(x != x, x, choose(x > 88.72f, HUGE_VALF, choose(x < -87.3f, 0, y)));
}
inline float log_of_positive(float x) {
  const int32_t bits = same_bits<int32_t>(x);
  const int32_t n = (bits - 0x3f3504f3) >> 23;  // sqrt(1/2) <= x / 2^n < sqrt(2)
  const float m = same_bits<float>(bits - n * (1 << 23)) - 1;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  return n * 0.693147181f + (m - m * m * (0.5f - m * p));
}
inline float pow(float x, float y) {
  const float r = bounded_exp(y * log_of_positive(std::fabs(x))), half = y / 2;
  const bool whole = std::rint(y) == y, even = std::rint(half) == half;
  const float sign = choose(even, 1, choose(whole, -1, NAN));
  const float at_zero = choose(y > 0, 0, choose(y == 0, 1, HUGE_VALF));
  return choose(x == 0, at_zero, choose(x != x, x, r * choose(x < 0, sign, 1)));
}
inline double exp(double x) { return std::exp(x); }
template <typename X>
auto exp(X x) {
  return std::exp(x);
}
template <typename X, typename Y>
auto pow(X x, Y y) {
  return std::pow(x, y);
}

// Scalar on purpose: gather instructions are slower on processors with mitigations.
#if defined(__clang__)
#define STDPNET_SCALAR __attribute__((noinline))
#define STDPNET_SCALAR_LOOP _Pragma("clang loop vectorize(disable)")
#else
#define STDPNET_SCALAR __attribute__((noinline, optimize("no-tree-vectorize")))
#define STDPNET_SCALAR_LOOP
#endif
template <typename T>
STDPNET_SCALAR void gather(T* near, const T* far, const int32_t* list, int32_t n) {
  STDPNET_SCALAR_LOOP
  for (int32_t i = 0; i < n; i++) near[i] = far[list[i]];
}
template <typename T>
STDPNET_SCALAR void scatter(const T* near, T* far, const int32_t* list, int32_t n) {
  STDPNET_SCALAR_LOOP
  for (int32_t i = 0; i < n; i++) far[list[i]] = near[i];
}

// In the type of the value; Brian2 compares in double.
template <typename T, typename Low, typename High>
T clip(T value, Low low, High high) {
  return std::min(std::max(value, static_cast<T>(low)), static_cast<T>(high));
}

// Random numbers in [0, 1), many at a time: LANES generators xoshiro128++ (Blackman and
// Vigna, doi:10.1145/3460772) side by side, each with a state of its own.
template <typename T>
class Uniforms {
 public:
  explicit Uniforms(uint64_t seed) : numbers_(BLOCK), next_(BLOCK) {
    for (auto& word : state_)
      for (uint32_t& lane : word) {
        seed += 0x9e3779b97f4a7c15;  // splitmix64
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        lane = static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
      }
  }
  // Returns n numbers that no other call returns.
  const T* take(size_t n) {
    if (next_ + n > numbers_.size()) {
      if (n > numbers_.size()) numbers_.resize((n / BLOCK + 1) * BLOCK);
      fill();
    }
    next_ += n;
    return numbers_.data() + next_ - n;
  }

 private:
  static constexpr size_t LANES = 16, BLOCK = 2048;
  static uint32_t rotated(uint32_t x, int bits) { return (x << bits) | (x >> (32 - bits)); }
  void fill() {
    for (size_t i = 0; i < numbers_.size(); i += LANES)
      for (size_t lane = 0; lane < LANES; lane++) {
        uint64_t bits = draw(lane);
        if constexpr (sizeof(T) == 8) {
          bits = (bits << 32 | draw(lane)) >> 11;
          numbers_[i + lane] = static_cast<double>(bits) * 0x1p-53;
        } else {
          numbers_[i + lane] = static_cast<float>(static_cast<int32_t>(bits >> 8)) * 0x1p-24f;
        }
      }
    next_ = 0;
  }
  uint32_t draw(size_t lane) {
    uint32_t& a = state_[0][lane];
    uint32_t& b = state_[1][lane];
    uint32_t& c = state_[2][lane];
    uint32_t& d = state_[3][lane];
    const uint32_t result = rotated(a + d, 7) + a, shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return result;
  }
  uint32_t state_[4][LANES];
  std::vector<T> numbers_;
  size_t next_;
};
template <typename T>
const T* uniforms(size_t n) {
  static Uniforms<T> all(seed());
  return all.take(n);
}

}  // namespace stdpnet
