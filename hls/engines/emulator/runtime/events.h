// Events in, outputs out: rows of one event after another, against vectors of one event per lane.
#pragma once
#include "lanes.h"

namespace {

template <class V> struct Scalar;
template <> struct Scalar<F32> { using type = float; };
template <> struct Scalar<HalfF64> { using type = double; };

template <class V> struct ElementOf;
template <> struct ElementOf<I32> { using type = int32_t; };
template <> struct ElementOf<I64> { using type = int64_t; };

// Casts real lanes, of any magnitude, to a number format with at most 22 (F32) or 50 (HalfF64) bits; the result is
// whole but still of type V. A format has: `scale` (1 / LSB), `width`, `low`, `high`, `is_signed`, `rounding` (an
// enumerator of Rounding) and `overflow` (of Overflow).
template <class Format, class V> INLINE V cast_lanes(V x) {
  using T = typename Scalar<V>::type;
  constexpr T span = static_cast<T>(1ull << Format::width), half = span / 2, low = Format::low, high = Format::high;
  V y = x * static_cast<T>(Format::scale);
  if constexpr (Format::overflow == WRAP) {
    // All bits of so large a number are above the format's; and it may be infinite by now.
    y = ((y > V{} + T(1e30)) | (y < V{} - T(1e30))) ? V{} : y;
  }
  // A tiny number may have become zero; it still has a sign.
  if constexpr (Format::scale < 1) y = (y == V{}) ? x : y;
  const V r = rounded<Format::rounding>(y);
  if constexpr (Format::overflow == SAT) return clamp(r, low, high);
  if constexpr (Format::overflow == SAT_ZERO) return zero_outside(r, low, high);
  const V bits = r - floor_of(r * (1 / span)) * span;
  return Format::is_signed ? (bits >= V{} + half ? bits - span : bits) : bits;
}

// The same for up to 63 bits, which a double does not hold.
template <class Format> INLINE HalfI64 cast_wide(HalfF64 x) {
  constexpr int64_t low = Format::low, high = Format::high;
  constexpr double limit = 4611686018427387904.0, most = 1e60;
  HalfF64 y = x * Format::scale;
  if constexpr (Format::scale < 1) y = (y == HalfF64{}) ? x : y;
  if constexpr (Format::overflow == SAT) y = clamp(y, -limit, limit);
  if constexpr (Format::overflow == SAT_ZERO) y = zero_outside(y, -limit, limit);
  if constexpr (Format::overflow == WRAP) y = zero_outside(y, -most, most);
  HalfF64 r = rounded<Format::rounding>(y);
  if constexpr (Format::overflow == WRAP) r = r - to_even(r * (0.5 / limit)) * (2 * limit);
  const HalfI64 bits = __builtin_convertvector(r, HalfI64);
  if constexpr (Format::overflow == SAT) return clamp(bits, low, high);
  if constexpr (Format::overflow == SAT_ZERO) return zero_outside(bits, low, high);
  constexpr int unused = 64 - Format::width;
  if (Format::is_signed) return bits << unused >> unused;
  return bits & high;
}

INLINE HalfF64 load_half(const float* x) {
  typedef float HalfF32 __attribute__((vector_size(2 * kLanes)));
  HalfF32 v;
  std::memcpy(&v, x, sizeof v);
  return __builtin_convertvector(v, HalfF64);
}
INLINE HalfF64 load_half(const double* x) {
  HalfF64 v;
  std::memcpy(&v, x, sizeof v);
  return v;
}
INLINE bool any(I32 mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
  bool found = false;
  for (int i = 0; i < kLanes; ++i) found |= mask[i] != 0;
  return found;
#endif
}

// Casts kLanes numbers, one event's neighbours; `bad` gathers where they are not finite.
template <class Format> INLINE I32 cast_row(const float* x, I32& bad, I32*) {
  if constexpr (Format::width <= 22 && Format::scale >= 1) {
    F32 v;
    std::memcpy(&v, x, sizeof v);
    if constexpr (Format::overflow == WRAP) {
      // As long as integers hold the numbers, they wrap more easily; nearly all do.
      const F32 y = v * static_cast<float>(Format::scale), limit = F32{} + 1e9f;
      if (!any(~((y < limit) & (y > -limit)))) {
        constexpr int unused = 32 - Format::width;
        const I32 bits = to_i32(rounded<Format::rounding>(y));
        return Format::is_signed ? bits << unused >> unused : bits & static_cast<int32_t>(Format::high);
      }
    }
    bad |= (v - v) != F32{};
    return to_i32(cast_lanes<Format>(v));
  } else {
    const HalfF64 a = load_half(x), b = load_half(x + kLanes / 2);
    bad |= to_i32(I64{{(a - a) != HalfF64{}, (b - b) != HalfF64{}}});
    return to_i32(F64{{cast_lanes<Format>(a), cast_lanes<Format>(b)}});
  }
}
template <class Format> INLINE I32 cast_row(const double* x, I32& bad, I32*) {
  const HalfF64 a = load_half(x), b = load_half(x + kLanes / 2);
  bad |= to_i32(I64{{(a - a) != HalfF64{}, (b - b) != HalfF64{}}});
  return to_i32(F64{{cast_lanes<Format>(a), cast_lanes<Format>(b)}});
}
template <class Format, class Real> INLINE I64 cast_row(const Real* x, I32& bad, I64*) {
  const HalfF64 a = load_half(x), b = load_half(x + kLanes / 2);
  bad |= to_i32(I64{{(a - a) != HalfF64{}, (b - b) != HalfF64{}}});
  return {{cast_wide<Format>(a), cast_wide<Format>(b)}};
}

// Turns kLanes rows into vectors, `kColumnsAtOnce` of them.
#if defined(__AVX512F__)
constexpr int kColumnsAtOnce = 16;
#else
constexpr int kColumnsAtOnce = 4;
#endif
INLINE void transpose(const int32_t* rows, int stride, I32* columns) {
#if defined(__AVX512F__)
  __m512i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(rows + i * stride);
  // Pairs of 32-bit numbers, then of 64, 128 and 256 bits.
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    b[2 * i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
    b[2 * i + 1] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a[4 * i] = _mm512_unpacklo_epi64(b[4 * i], b[4 * i + 2]);
    a[4 * i + 1] = _mm512_unpackhi_epi64(b[4 * i], b[4 * i + 2]);
    a[4 * i + 2] = _mm512_unpacklo_epi64(b[4 * i + 1], b[4 * i + 3]);
    a[4 * i + 3] = _mm512_unpackhi_epi64(b[4 * i + 1], b[4 * i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    columns[i] = (I32)_mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
    columns[i + 4] = (I32)_mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88);
    columns[i + 8] = (I32)_mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
    columns[i + 12] = (I32)_mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd);
  }
#elif defined(__SSE2__)
  int32_t* out = reinterpret_cast<int32_t*>(columns);
  for (int lane = 0; lane < kLanes; lane += 4) {
    __m128 a = _mm_loadu_ps(reinterpret_cast<const float*>(rows + lane * stride));
    __m128 b = _mm_loadu_ps(reinterpret_cast<const float*>(rows + (lane + 1) * stride));
    __m128 c = _mm_loadu_ps(reinterpret_cast<const float*>(rows + (lane + 2) * stride));
    __m128 d = _mm_loadu_ps(reinterpret_cast<const float*>(rows + (lane + 3) * stride));
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(reinterpret_cast<float*>(out + lane), a);
    _mm_storeu_ps(reinterpret_cast<float*>(out + kLanes + lane), b);
    _mm_storeu_ps(reinterpret_cast<float*>(out + 2 * kLanes + lane), c);
    _mm_storeu_ps(reinterpret_cast<float*>(out + 3 * kLanes + lane), d);
  }
#else
  int32_t* out = reinterpret_cast<int32_t*>(columns);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int column = 0; column < 4; ++column) out[column * kLanes + lane] = rows[lane * stride + column];
#endif
}
INLINE void transpose(const int64_t* rows, int stride, I64* columns) {
  int64_t* out = reinterpret_cast<int64_t*>(columns);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int column = 0; column < kColumnsAtOnce; ++column) out[column * kLanes + lane] = rows[lane * stride + column];
}

// Values of an input layer.
struct Load {
  const int32_t* places;
  int pixels, channels;
};

// Casts `kLanes` rows of events, of which the first `valid` are there. Gives whether all numbers are finite.
template <class Format, class Whole, class Post, class Store, class Real>
bool load(const Real* rows, long stride, int valid, typename Store::Word* out, const Load t) {
  using Element = typename ElementOf<Whole>::type;
  constexpr int kColumns = 256;
  alignas(64) static thread_local Element row[kLanes][kColumns];
  alignas(64) static thread_local Whole columns[kColumns];
  I32 bad{};
  // Some pixels at once, or some channels of one pixel.
  const int across = t.channels < kColumns ? t.channels : kColumns;
  const int down = kColumns / across;
  for (int pixel = 0; pixel < t.pixels; pixel += down) {
    for (int channel = 0; channel < t.channels; channel += across) {
      const int wide = t.channels - channel < across ? t.channels - channel : across;
      const int high = t.pixels - pixel < down ? t.pixels - pixel : down;
      const int count = wide * high;
      for (int lane = 0; lane < kLanes; ++lane) {
        const Real* x = rows + stride * (lane < valid ? lane : valid - 1) + long(pixel) * t.channels + channel;
        int i = 0;
        for (; i + kLanes <= count; i += kLanes) {
          // The same event's next numbers: by themselves, so many rows at once are too much for the processor.
          __builtin_prefetch(x + i + kColumns);
          const Whole v = cast_row<Format>(x + i, bad, static_cast<Whole*>(nullptr));
          std::memcpy(&row[lane][i], &v, sizeof v);
        }
        if (i < count) {
          Real last[kLanes] = {};
          std::memcpy(last, x + i, sizeof(Real) * (count - i));
          const Whole v = cast_row<Format>(last, bad, static_cast<Whole*>(nullptr));
          std::memcpy(&row[lane][i], &v, sizeof v);
        }
      }
      for (int i = 0; i < count; i += kColumnsAtOnce) transpose(&row[0][i], kColumns, columns + i);
      for (int p = 0; p < high; ++p) {
        for (int c = 0; c < wide; c += 4) {
          typename Store::Value values[4] = {};
          for (int k = 0; k < 4 && c + k < wide; ++k) values[k] = Post::apply(columns[p * wide + c + k], channel + c + k);
          Store::put(out + t.places[pixel + p], channel + c, t.channels, values);
        }
      }
    }
  }
  return !any(bad);
}

// Writes the values of one layer as real numbers.
template <class V>
void unload(const V* in, const int32_t* index, int count, double lsb, int valid, double* rows, long stride) {
  for (int i = 0; i < count; ++i) {
    alignas(64) double real[kLanes];
    const F64 y = to_f64(in[index[i]]);
    std::memcpy(real, &y, sizeof real);
    for (int lane = 0; lane < valid; ++lane) rows[lane * stride + i] = real[lane] * lsb;
  }
}

}  // namespace
