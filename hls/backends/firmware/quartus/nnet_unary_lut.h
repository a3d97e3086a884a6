#ifndef NNET_UNARY_LUT_H_
#define NNET_UNARY_LUT_H_

#include "nnet_common.h"
#include "nnet_types.h"

// A table of one entry for each bit pattern of a value, which hls4ml has for other back ends only.

namespace nnet {

template <class data_T> inline unsigned unary_lut_index(const data_T &x) {
    return x.template slc<data_T::width>(0).to_uint() & ((1u << data_T::width) - 1u);
}

template <class data_T, class res_T, typename CONFIG_T, class table_T>
void unary_lut(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_in], const table_T table[CONFIG_T::table_size]) {
UnaryLUTLoop:
    #pragma unroll
    for (int i = 0; i < CONFIG_T::n_in; i++) {
        res[i] = table[unary_lut_index(data[i])];
    }
}

template <class data_T, class res_T, typename CONFIG_T, class table_T>
void unary_lut(stream<data_T> &data, stream<res_T> &res, const table_T table[CONFIG_T::table_size]) {
UnaryLUTLoop:
    #pragma ii 1
    for (int i = 0; i < CONFIG_T::n_in / res_T::size; i++) {
        data_T in_data = data.read();
        res_T out_data;

    UnaryLUTPack:
        #pragma unroll
        for (int j = 0; j < res_T::size; j++) {
            out_data[j] = table[unary_lut_index(in_data[j])];
        }

        res.write(out_data);
    }
}

} // namespace nnet

#endif
