// Sums of products: what dense layers and convolutions are made of.
#pragma once
#include "lanes.h"

namespace {

// A layer's tables. Positions, offsets and places count vectors of the buffers that they point into.
struct Sums {
  const int32_t* positions;  // [outputs][window]: where the layer's window begins
  const int32_t* places;     // [outputs]: where the result goes
  int outputs, blocks, channels;
  const int32_t* starts;   // first term of each block of filters (Packed) or of each filter (the others)
  const int32_t* offsets;  // of each term, from the window's beginning
  const void* weights;     // of each term
  const void* bias;
};

// Four products of an unsigned and a signed byte, or two of signed 16-bit numbers, added to each 32-bit lane.
struct Bytes {
  static INLINE I32 add(I32 sum, I32 x, I32 w) {
#if defined(__AVX512VNNI__)
    return (I32)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
#else
    for (int bit = 0; bit < 32; bit += 8) sum += (I32)((U32)x << (24 - bit) >> 24) * (w << (24 - bit) >> 24);
    return sum;
#endif
  }
};
struct Words {
  static INLINE I32 add(I32 sum, I32 x, I32 w) {
#if defined(__AVX512VNNI__)
    return (I32)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
#elif defined(__AVX2__)
    return sum + (I32)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__SSE2__)
    return sum + (I32)_mm_madd_epi16((__m128i)x, (__m128i)w);
#else
    return sum + (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
  }
};

// Terms of several channels packed into 32 bits; zero weights take part.
template <int kPixels, int kFilters, class Dot> struct Packed {
  using Input = I32;
  using Sum = I32;
  static constexpr int pixels = kPixels, filters = kFilters;

  static INLINE void run(const Sums& t, const I32* const (&at)[kPixels], int block, Sum (&sum)[kPixels][kFilters]) {
    const int32_t* bias = static_cast<const int32_t*>(t.bias) + block * kFilters;
#pragma GCC unroll 16
    for (int f = 0; f < kFilters; ++f)
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; ++p) sum[p][f] = I32{} + bias[f];
    const int end = t.starts[block + 1];
    const int32_t* weights = static_cast<const int32_t*>(t.weights) + t.starts[block] * kFilters;
    for (int k = t.starts[block]; k < end; ++k, weights += kFilters) {
      I32 x[kPixels];
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; ++p) x[p] = at[p][t.offsets[k]];
#pragma GCC unroll 16
      for (int f = 0; f < kFilters; ++f) {
        const I32 weight = I32{} + weights[f];
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) sum[p][f] = Dot::add(sum[p][f], x[p], weight);
      }
    }
  }
};

// One term after another; zero weights are not in the tables. `Step` says how a term is added.
template <int kPixels, class Step> struct Single {
  using Input = typename Step::Input;
  using Sum = typename Step::Sum;
  using Weight = typename Step::Weight;
  static constexpr int pixels = kPixels, filters = 4;

  static INLINE void run(const Sums& t, const Input* const (&at)[kPixels], int block, Sum (&sum)[kPixels][4]) {
    for (int f = 0; f < 4; ++f) {
      const int filter = block * 4 + f;
      Sum s[kPixels];
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; ++p) s[p] = Step::start(static_cast<const Weight*>(t.bias)[filter]);
      for (int k = t.starts[filter]; k < t.starts[filter + 1]; ++k) {
        const Weight weight = static_cast<const Weight*>(t.weights)[k];
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) s[p] = Step::add(s[p], at[p][t.offsets[k]], weight);
      }
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; ++p) sum[p][f] = s[p];
    }
  }
};

struct FloatStep {
  using Input = I32;
  using Sum = F32;
  using Weight = float;
  static INLINE Sum start(Weight bias) { return F32{} + bias; }
  static INLINE Sum add(Sum sum, I32 x, Weight w) { return sum + to_f32(x) * w; }
};
// In float64 or int64, of which a vector has half as many.
template <class X, class H, class W> struct PairStep {
  using Input = X;
  using Sum = Pair<H>;
  using Weight = W;
  static INLINE Sum start(Weight bias) { return {H{} + bias, H{} + bias}; }
  static INLINE Sum add(Sum sum, X x, Weight w) {
    const Sum y = to_pair<H>(x);
    return {sum.half[0] + y.half[0] * w, sum.half[1] + y.half[1] * w};
  }
};
template <class X> using DoubleStep = PairStep<X, HalfF64, double>;
template <class X> using LongStep = PairStep<X, HalfI64, int64_t>;
// Each product is cast before it is added, and each sum after. `Casts` is generated.
template <class X, class Casts> struct CastStep32 {
  using Input = X;
  using Sum = I32;
  using Weight = int32_t;
  static INLINE Sum start(Weight bias) { return I32{} + bias; }
  static INLINE Sum add(Sum sum, X x, Weight w) { return Casts::sum(sum + Casts::product(to_i32(x) * w)); }
};
template <class X, class Casts> struct CastStep64 {
  using Input = X;
  using Sum = I64;
  using Weight = int64_t;
  static INLINE Sum start(Weight bias) { return {HalfI64{} + bias, HalfI64{} + bias}; }
  static INLINE Sum add(Sum sum, X x, Weight w) {
    const I64 y = to_i64(x);
    return {Casts::sum(sum.half[0] + Casts::product(y.half[0] * w)),
            Casts::sum(sum.half[1] + Casts::product(y.half[1] * w))};
  }
};

template <class Post, class Store, int count, class Sum>
INLINE void finish(typename Store::Word* out, int place, int channel, int channels, const Sum (&sum)[count]) {
#pragma GCC unroll 8
  for (int first = 0; first < count; first += 4) {
    if (channel + first >= channels) return;
    typename Store::Value values[4];
#pragma GCC unroll 4
    for (int f = 0; f < 4; ++f) values[f] = Post::apply(sum[first + f], channel + first + f);
    Store::put(out + place, channel + first, channels, values);
  }
}

// With a window, the result is the largest of its sums: a maximum that was moved before a monotone `Post`.
template <class Tile, int window, class Post, class Store>
void sums(const typename Tile::Input* __restrict in, typename Store::Word* __restrict out, const Sums t) {
  constexpr int P = Tile::pixels, F = Tile::filters;
  using Sum = typename Tile::Sum;
  for (int first = 0; first < t.outputs; first += window == 1 ? P : 1) {
    // The last tile may compute some outputs again.
    const int output = window == 1 && first + P > t.outputs ? t.outputs - P : first;
    const int32_t* positions = t.positions + output * window;
    for (int block = 0; block < t.blocks; ++block) {
      Sum sum[P][F];
      Sum best[F];
      for (int part = 0; part < window; part += P) {
        const typename Tile::Input* at[P];
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) at[p] = in + positions[part + p];
        Tile::run(t, at, block, sum);
        if (window == 1) break;
#pragma GCC unroll 16
        for (int f = 0; f < F; ++f) {
          Sum most = sum[0][f];
#pragma GCC unroll 16
          for (int p = 1; p < P; ++p) most = largest(most, sum[p][f]);
          best[f] = part == 0 ? most : largest(best[f], most);
        }
      }
      if (window > 1) {
        finish<Post, Store>(out, t.places[output], block * F, t.channels, best);
      } else {
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) finish<Post, Store>(out, t.places[output + p], block * F, t.channels, sum[p]);
      }
    }
  }
}

}  // namespace
