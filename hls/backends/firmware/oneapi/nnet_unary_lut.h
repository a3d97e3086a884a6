#ifndef NNET_UNARY_LUT_H_
#define NNET_UNARY_LUT_H_

#include "nnet_common.h"
#include "nnet_types.h"

// A table of one entry for each bit pattern of a value, which hls4ml has for other back ends only.

namespace nnet {

template <class value_T> inline unsigned unary_lut_index(const value_T &x) {
    return x.template slc<value_T::width>(0).to_uint() & ((1u << value_T::width) - 1u);
}

template <class data_T, class res_T, typename CONFIG_T>
void unary_lut(const data_T &data, res_T &res, const typename CONFIG_T::table_t &table) {
UnaryLUTLoop:
    #pragma unroll
    for (int i = 0; i < CONFIG_T::n_in; i++) {
        res[i] = table[unary_lut_index(data[i])];
    }
}

template <class data_pipe, class res_pipe, typename CONFIG_T>
void unary_lut_stream(const typename CONFIG_T::table_t table) {
    using res_T = typename ExtractPipeType<res_pipe>::value_type;
    constexpr unsigned words = CONFIG_T::n_in / std::tuple_size<res_T>{};

UnaryLUTLoop:
    [[intel::initiation_interval(1)]] for (unsigned i = 0; i < words; i++) {
        auto in_data = data_pipe::read();
        res_T out_data;

    UnaryLUTPack:
        #pragma unroll
        for (unsigned j = 0; j < std::tuple_size<res_T>{}; j++) {
            out_data[j] = table[unary_lut_index(in_data[j])];
        }

        res_pipe::write(out_data);
    }
}

} // namespace nnet

#endif
