// How results are stored, and the layers without weights: windows, moves, and two inputs element by element.
#pragma once
#include "lanes.h"

namespace {

// Four channels at a time. `zero` is added so that a signed number becomes an unsigned byte.
template <int zero> struct StoreBytes {
  using Word = I32;
  using Value = I32;
  static INLINE void put(I32* out, int channel, int, const I32* v) {
    out[channel / 4] = (v[0] + zero) | (v[1] + zero) << 8 | (v[2] + zero) << 16 | (v[3] + zero) << 24;
  }
};
struct StoreWords {
  using Word = I32;
  using Value = I32;
  static INLINE void put(I32* out, int channel, int channels, const I32* v) {
    out[channel / 2] = (v[0] & 0xffff) | v[1] << 16;
    if (channel + 2 < channels) out[channel / 2 + 1] = (v[2] & 0xffff) | v[3] << 16;
  }
};
template <class V> struct StoreWhole {
  using Word = V;
  using Value = V;
  static INLINE void put(V* out, int channel, int channels, const V* v) {
    const int count = channels - channel < 4 ? channels - channel : 4;
    for (int c = 0; c < count; ++c) out[channel + c] = v[c];
  }
};

template <class Post, class Store, class Fetch>
INLINE void by_fours(typename Store::Word* out, int channels, Fetch fetch) {
  for (int channel = 0; channel < channels; channel += 4) {
    typename Store::Value values[4] = {};
    const int count = channels - channel < 4 ? channels - channel : 4;
    for (int c = 0; c < count; ++c) values[c] = fetch(channel + c);
    Store::put(out, channel, channels, values);
  }
}

INLINE I32 widened(I32 v, I32) { return v; }
template <class V> INLINE I64 widened(V v, I64) { return to_i64(v); }

// Maximum or sum of windows that all have the same shape.
struct Windows {
  const int32_t *positions, *places, *offsets;
  int outputs, terms, channels;
};
template <bool maximum, class Sum, class Post, class Store, class In>
void windows(const In* __restrict in, typename Store::Word* __restrict out, const Windows t) {
  for (int output = 0; output < t.outputs; ++output) {
    const In* at = in + t.positions[output];
    by_fours<Post, Store>(out + t.places[output], t.channels, [&](int channel) FORCED {
      Sum sum = widened(at[t.offsets[0] + channel], Sum{});
      for (int k = 1; k < t.terms; ++k) {
        const Sum next = widened(at[t.offsets[k] + channel], Sum{});
        sum = maximum ? largest(sum, next) : sum + next;
      }
      return Post::apply(sum, channel);
    });
  }
}

// Each result is one element of an input: `first[index]`, `second[-2 - index]`, or zero at -1.
struct Moves {
  const int32_t *index, *places;
  int pixels, channels;
};
template <class First, class Second, class Store, class A, class B>
void moves(const A* __restrict a, const B* __restrict b, typename Store::Word* __restrict out, const Moves t) {
  for (int pixel = 0; pixel < t.pixels; ++pixel) {
    const int32_t* index = t.index + pixel * t.channels;
    by_fours<First, Store>(out + t.places[pixel], t.channels, [&](int channel) FORCED {
      const int32_t i = index[channel];
      if (i <= -2) return Second::apply(b[-2 - i], channel);
      return First::apply(i == -1 ? A{} : a[i], channel);
    });
  }
}

// Two inputs, element by element.
struct Pairs {
  const int32_t *first, *second, *places;
  int pixels, channels;
};
template <class Post, class Store, class A, class B>
void pairs(const A* __restrict a, const B* __restrict b, typename Store::Word* __restrict out, const Pairs t) {
  for (int pixel = 0; pixel < t.pixels; ++pixel) {
    const int32_t *i = t.first + pixel * t.channels, *j = t.second + pixel * t.channels;
    by_fours<Post, Store>(out + t.places[pixel], t.channels,
                          [&](int channel) FORCED { return Post::apply(a[i[channel]], b[j[channel]], channel); });
  }
}

}  // namespace
