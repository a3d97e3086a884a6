"""Words that a name cannot be in generated C++, Verilog or VHDL, or in hls4ml."""

from __future__ import annotations

import errno

# IEEE 1364-2005, annex B.
_VERILOG = (
    "always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam "
    "design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify "
    "endtable endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include "
    "initial inout input instance integer join large liblist library localparam macromodule medium module nand "
    "negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 "
    "pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran "
    "rtranif0 rtranif1 scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table "
    "task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 "
    "weak1 while wire wor xnor xor"
)
# IEEE 1076-2008, with PSL.
_VHDL = (
    "abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body "
    "buffer bus case component configuration constant context cover default disconnect downto else elsif end entity "
    "exit fairness file for force function generate generic group guarded if impure in inertial inout is label library "
    "linkage literal loop map mod nand new next nor not null of on open or others out package parameter port postponed "
    "procedure process property protected pure range record register reject release rem report restrict "
    "restrict_guarantee return rol ror select sequence severity shared signal sla sll sra srl strong subtype then to "
    "transport type unaffected units until use variable vmode vprop vunit wait when while with work xnor xor"
)
_CPP = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class "
    "co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template "
    "this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile "
    "wchar_t while xor xor_eq"
)
# Of SystemVerilog, and names in what hls4ml writes.
_OTHERS = "defines final hls logic main nnet package parameters std weights"

# Of the headers that a project includes: macros, which stand for something else wherever their name occurs.
_MACROS = (
    "alloca ap_bigint ap_biguint assert assert_perror be16toh be32toh be64toh errno htobe16 htobe32 htobe64 htole16 "
    "htole32 htole64 issubnormal le16toh le32toh le64toh linux math_errhandling offsetof sched_priority stderr "
    "stdin stdout strdupa strndupa unix BIAS BUFSIZ CSIGNAL EHWPOISON EOF INFINITY INLINE MAX MAXFLOAT MIN NAN "
    "NFDBITS NULL SNAN SNANF SNANF128 SNANF32 SNANF32X SNANF64 SNANF64X SNANL STRINGIFY WCONTINUED WEOF WEXITED "
    "WEXITSTATUS WIFCONTINUED WIFEXITED WIFSIGNALED WIFSTOPPED WNOHANG WNOWAIT WSTOPPED WSTOPSIG WTERMSIG WUNTRACED"
)
MACRO_PREFIXES = tuple(
    "ADJ_ AF_ ALL_ APFX_ AP_ BIG_ BIT_ BYTE_ CLOCKS_ CLOCK_ CLONE_ CONCAT_ CPU_ DATA_ DIV_ DOUBLE_ EXIT_ EXPAND_ "
    "FD_ FE_ FILENAME_ FLOAT_ FOPEN_ FP_ HALF_ HUGE_ INT8_ INT16_ INT32_ INT64_ INTMAX_ INTPTR_ INT_ LC_ LITTLE_ "
    "LLVM_ L_ MATH_ MAX_ MB_ MOD_ M_ NNET_ OP_ PDP_ PRAGMA_ PTHREAD_ PTRDIFF_ P_ RAND_ REF_ RENAME_ SCHED_ SC_ "
    "SEEK_ SIG_ SIZE_ STA_ TIMER_ TIME_ TMP_ UINT8_ UINT16_ UINT32_ UINT64_ UINTMAX_ UINTPTR_ UINT_ WCHAR_ "
    "WEIGHTS_ WINT_ X_HLS_ pthread_".split()
)
"""What other macros of those headers begin with."""

# Types of those headers, which end in `_t`.
_TYPES = (
    "add_const add_cv add_lvalue_reference add_pointer add_rvalue_reference add_volatile align_val aligned_storage "
    "aligned_union allocator_arg blkcnt64 blkcnt blksize caddr char16 char32 char8 clock clockid common_type "
    "comparison_fn conditional const_mem_fun1_ref const_mem_fun1 const_mem_fun_ref const_mem_fun "
    "cookie_close_function cookie_io_functions cookie_read_function cookie_seek_function cookie_write_function cpu_set "
    "daddr decay dev div double enable_if error femode fenv fexcept float fpos64 fpos fsblkcnt64 fsblkcnt fsfilcnt64 "
    "fsfilcnt fsid gid id imaxdiv in_place_index in_place in_place_type ino64 ino int16 int32 int64 int8 int_fast16 "
    "int_fast32 int_fast64 int_fast8 int_least16 int_least32 int_least64 int_least8 intmax intptr invoke_result key "
    "ldiv lldiv locale loff make_signed make_unsigned max_align mbstate mem_fun1_ref mem_fun1 mem_fun_ref mem_fun mode "
    "nlink nothrow nullptr off64 off pid piecewise_construct pthread_attr pthread_barrier pthread_barrierattr "
    "pthread_cond pthread_condattr pthread_key pthread_mutex pthread_mutexattr pthread_once pthread_rwlock "
    "pthread_rwlockattr pthread_spinlock pthread ptrdiff quad register remove_all_extents remove_const remove_cv "
    "remove_extent remove_pointer remove_reference remove_volatile result_of sig_atomic sigset size socklen ssize "
    "stack suseconds time timer tuple_element u_int16 u_int32 u_int64 u_int8 u_quad uid uint16 uint32 uint64 uint8 "
    "uint_fast16 uint_fast32 uint_fast64 uint_fast8 uint_least16 uint_least32 uint_least64 uint_least8 uintmax uintptr "
    "underlying_type useconds value void wchar wctrans wctype wint"
)

# Attributes of hls4ml's layers, which share one dictionary with the layer's results by name; and types within its C++
# configurations.
_HLS4ML = (
    "accum activation algorithm align_corners attributes axis bfpad bias class_name config_cpp conv_implementation "
    "count_pad data_format depth depth_multiplier dim exp_table filt_height filt_width function_cpp "
    "height height_factor impl_filt_height impl_filt_width implementation in_height in_width include_header index "
    "input input_shape inputs inv_table keepdims line_buffer_codegen n_chan n_filt n_in n_out n_partitions name op "
    "out_height out_width output outputs pad_bottom pad_left pad_right pad_top parallelization "
    "parallelization_factor perm perm_str pool_height pool_op pool_width precision result "
    "reuse_factor rfpad scale size strategy stream_function_cpp stride_height stride_width table "
    "table_data table_size target_cycles target_shape task_sequence_cpp trace use_bias use_beta use_gamma weight "
    "weight_data weight_quantizer width width_factor"
)

VHDL_WORDS = frozenset(_VHDL.split())
HARDWARE_WORDS = frozenset(f"{_VERILOG} {_VHDL} clk logic rst valid".split())
"""Words that a port cannot be, those of generated designs included."""
CPP_WORDS = frozenset(_CPP.split())
HLS4ML_WORDS = frozenset(_HLS4ML.split())
RESERVED_WORDS = frozenset(f"{_VERILOG} {_CPP} {_OTHERS}".split())
"""Words that a run's name cannot be: it becomes a function of the C++ project and a module of the Verilog."""
MACROS = frozenset(_MACROS.split()) | frozenset(name for name in vars(errno) if name.startswith("E"))
TYPES = frozenset(f"{name}_t" for name in _TYPES.split())
