// Vectors with one event per lane. The same text is compiled once per instruction set; everything is in an unnamed
// namespace, since equal names with other widths must never meet in the linker.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
#define FORCED __attribute__((always_inline))
#define INLINE inline FORCED

typedef int32_t I32 __attribute__((vector_size(4 * kLanes)));
typedef uint32_t U32 __attribute__((vector_size(4 * kLanes)));
typedef float F32 __attribute__((vector_size(4 * kLanes)));
// 64-bit lanes come in two halves, since a register holds half as many of them.
typedef int32_t HalfI32 __attribute__((vector_size(2 * kLanes)));
typedef int64_t HalfI64 __attribute__((vector_size(4 * kLanes)));
typedef double HalfF64 __attribute__((vector_size(4 * kLanes)));

template <class H> struct Pair { H half[2]; };
typedef Pair<HalfI64> I64;
typedef Pair<HalfF64> F64;

template <class H> INLINE Pair<H> operator+(Pair<H> a, Pair<H> b) { return {a.half[0] + b.half[0], a.half[1] + b.half[1]}; }

template <class V> INLINE V largest(V a, V b) { return a > b ? a : b; }
template <class V> INLINE V smallest(V a, V b) { return a < b ? a : b; }
template <class H> INLINE Pair<H> largest(Pair<H> a, Pair<H> b) {
  return {largest(a.half[0], b.half[0]), largest(a.half[1], b.half[1])};
}
template <class H> INLINE Pair<H> smallest(Pair<H> a, Pair<H> b) {
  return {smallest(a.half[0], b.half[0]), smallest(a.half[1], b.half[1])};
}
template <class V, class T> INLINE V clamp(V v, T low, T high) { return smallest(largest(v, V{} + low), V{} + high); }
template <class V, class T> INLINE V zero_outside(V v, T low, T high) {
  return ((v < V{} + low) | (v > V{} + high)) ? V{} : v;
}

// --- conversions; every one is exact for the values that the generator lets through ---

INLINE HalfI32 half_of(I32 v, int which) {
  HalfI32 h;
  std::memcpy(&h, reinterpret_cast<const char*>(&v) + which * sizeof h, sizeof h);
  return h;
}
INLINE I32 joined(HalfI32 a, HalfI32 b) {
  I32 v;
  std::memcpy(&v, &a, sizeof a);
  std::memcpy(reinterpret_cast<char*>(&v) + sizeof a, &b, sizeof b);
  return v;
}

INLINE I32 to_i32(I32 v) { return v; }
INLINE I32 to_i32(F32 v) { return __builtin_convertvector(v, I32); }
template <class H> INLINE I32 to_i32(Pair<H> v) {
  return joined(__builtin_convertvector(v.half[0], HalfI32), __builtin_convertvector(v.half[1], HalfI32));
}
INLINE F32 to_f32(I32 v) { return __builtin_convertvector(v, F32); }

template <class H> INLINE Pair<H> to_pair(I32 v) {
  return {__builtin_convertvector(half_of(v, 0), H), __builtin_convertvector(half_of(v, 1), H)};
}
template <class H> INLINE Pair<H> to_pair(F32 v) { return to_pair<H>(to_i32(v)); }
template <class H, class From> INLINE Pair<H> to_pair(Pair<From> v) {
  return {__builtin_convertvector(v.half[0], H), __builtin_convertvector(v.half[1], H)};
}
template <class V> INLINE I64 to_i64(V v) { return to_pair<HalfI64>(v); }
template <class V> INLINE F64 to_f64(V v) { return to_pair<HalfF64>(v); }

// Applies a function to both halves.
template <class H, class V, class Function> INLINE Pair<H> by_halves(V v, Function function) {
  Pair<H> p = to_pair<H>(v);
  return {function(p.half[0]), function(p.half[1])};
}

// --- rounding of floating-point lanes, of any magnitude ---

INLINE HalfF64 to_even(HalfF64 y) {
#if defined(__AVX512F__)
  return (HalfF64)_mm512_roundscale_pd((__m512d)y, _MM_FROUND_TO_NEAREST_INT);
#elif defined(__AVX2__)
  return (HalfF64)_mm256_round_pd((__m256d)y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  // Above 2**51 the sum itself would round; numbers above 2**52 are whole.
  const HalfF64 magnitude = y < HalfF64{} ? -y : y, big = HalfF64{} + 4503599627370496.0;
  const HalfF64 rounded = (magnitude + big) - big;
  return magnitude < big ? (y < HalfF64{} ? -rounded : rounded) : y;
#endif
}
INLINE F32 to_even(F32 y) {
#if defined(__AVX512F__)
  return (F32)_mm512_roundscale_ps((__m512)y, _MM_FROUND_TO_NEAREST_INT);
#elif defined(__AVX2__)
  return (F32)_mm256_round_ps((__m256)y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  const F32 magnitude = y < F32{} ? -y : y, big = F32{} + 8388608.0f;
  const F32 rounded = (magnitude + big) - big;
  return magnitude < big ? (y < F32{} ? -rounded : rounded) : y;
#endif
}
// Half to even below 2**51, in two additions.
INLINE HalfF64 small_to_even(HalfF64 y) {
  constexpr double shift = 6755399441055744.0;
  return (y + shift) - shift;
}
#if defined(__AVX512F__)
INLINE F32 floor_of(F32 y) { return (F32)_mm512_roundscale_ps((__m512)y, _MM_FROUND_TO_NEG_INF); }
INLINE HalfF64 floor_of(HalfF64 y) { return (HalfF64)_mm512_roundscale_pd((__m512d)y, _MM_FROUND_TO_NEG_INF); }
#elif defined(__AVX2__)
INLINE F32 floor_of(F32 y) { return (F32)_mm256_floor_ps((__m256)y); }
INLINE HalfF64 floor_of(HalfF64 y) { return (HalfF64)_mm256_floor_pd((__m256d)y); }
#else
template <class V> INLINE V floor_of(V y) {
  const V near = to_even(y);
  return near - (near > y ? V{} + 1 : V{});
}
#endif
template <class V> INLINE V ceil_of(V y) { return -floor_of(-y); }

// The modes of ap_fixed, in the order of the generator's table of names.
enum Rounding { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };
enum Overflow { WRAP, SAT, SAT_ZERO };

template <int mode, class V> INLINE V rounded(V y) {
  if constexpr (mode == TRN) return floor_of(y);
  if constexpr (mode == RND_CONV) return to_even(y);
  if constexpr (mode == TRN_ZERO) return y < V{} ? ceil_of(y) : floor_of(y);
  // Not floor(y + 1/2), whose sum may round where y needs all of its bits.
  const V floor = floor_of(y), rest = y - floor, one = V{} + 1;
  if constexpr (mode == RND) return floor + (rest >= V{} + 0.5f ? one : V{});
  if constexpr (mode == RND_MIN_INF) return floor + (rest > V{} + 0.5f ? one : V{});
  const V up = floor + (rest >= V{} + 0.5f ? one : V{}), down = floor + (rest > V{} + 0.5f ? one : V{});
  return y < V{} ? (mode == RND_INF ? down : up) : (mode == RND_INF ? up : down);
}

// Entries of a table at the low bits of each lane; it has a power of two of them.
template <class T> INLINE I32 lookup(I32 v, const T* table, int32_t mask, I32*) {
  I32 found;
  for (int lane = 0; lane < kLanes; ++lane) found[lane] = table[v[lane] & mask];
  return found;
}
template <class T> INLINE I64 lookup(I32 v, const T* table, int32_t mask, I64*) {
  I64 found;
  for (int lane = 0; lane < kLanes; ++lane) {
    found.half[lane / (kLanes / 2)][lane % (kLanes / 2)] = table[v[lane] & mask];
  }
  return found;
}
// The low 32 bits.
INLINE I32 low_bits(I32 v) { return v; }
INLINE I32 low_bits(I64 v) { return to_i32(v); }
INLINE I32 low_bits(F32 v) { return to_i32(v); }
INLINE I32 low_bits(F64 v) { return low_bits(to_i64(v)); }

// v / divisor, rounded; the divisor is positive.
template <int mode> INLINE HalfI64 quotient(HalfI64 v, int64_t divisor) {
  HalfI64 result;
  for (int lane = 0; lane < kLanes / 2; ++lane) {
    int64_t floor = v[lane] / divisor, rest = v[lane] % divisor;
    if (rest < 0) {
      --floor;
      rest += divisor;
    }
    const bool above = 2 * rest > divisor, tie = 2 * rest == divisor, below_zero = v[lane] < 0;
    const bool up = mode == TRN           ? false
                    : mode == TRN_ZERO    ? rest > 0 && below_zero
                    : mode == RND         ? above || tie
                    : mode == RND_ZERO    ? above || (tie && below_zero)
                    : mode == RND_INF     ? above || (tie && !below_zero)
                    : mode == RND_MIN_INF ? above
                                          : above || (tie && floor % 2 != 0);
    result[lane] = floor + up;
  }
  return result;
}

}  // namespace
