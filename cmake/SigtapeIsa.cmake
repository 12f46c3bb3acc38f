# sigtape_isa_unit(TARGET SOURCE): compiles SOURCE once for each instruction
# set of this processor family, as objects of their own with their own flags.
# Inside, SIGTAPE_ISA_NAME is the namespace (scalar, avx2, avx512 or neon) and
# SIGTAPE_VECTOR_BYTES the width of a vector.
# SIGTAPE_SCALAR_ONLY leaves out all sets but the scalar one: builds where the
# CPU's kernels are only what others are compared with.
option(SIGTAPE_SCALAR_ONLY "No vector kernels, for tests that need none" OFF)
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" sigtape_processor)
if(SIGTAPE_SCALAR_ONLY)
  set(SIGTAPE_ISAS scalar)
  add_compile_definitions(SIGTAPE_SCALAR_ONLY=1)
elseif(sigtape_processor MATCHES "x86_64|amd64")
  set(SIGTAPE_ISAS scalar avx2 avx512)
elseif(sigtape_processor MATCHES "aarch64|arm64")
  set(SIGTAPE_ISAS scalar neon)
else()
  set(SIGTAPE_ISAS scalar)
endif()

set(SIGTAPE_FLAGS_scalar "")
set(SIGTAPE_FLAGS_neon "")
set(SIGTAPE_FLAGS_avx2 -mavx2 -mfma)
set(SIGTAPE_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2
    -mfma -mprefer-vector-width=512)
set(SIGTAPE_BYTES_scalar 16)
set(SIGTAPE_BYTES_neon 16)
set(SIGTAPE_BYTES_avx2 32)
set(SIGTAPE_BYTES_avx512 64)

# Instrumented code is not timed, and takes minutes to compile at -O3.
if(SIGTAPE_SANITIZE)
  set(SIGTAPE_ISA_OPTIMISATION -O1)
else()
  set(SIGTAPE_ISA_OPTIMISATION -O3)
endif()

function(sigtape_isa_unit target source)
  get_filename_component(stem ${source} NAME_WE)
  foreach(isa IN LISTS SIGTAPE_ISAS)
    set(unit ${target}_${stem}_${isa})
    add_library(${unit} OBJECT ${source})
    target_include_directories(${unit} PRIVATE ${CMAKE_BINARY_DIR}/include)
    target_compile_options(${unit} PRIVATE -Wall -Wextra -Werror
      ${SIGTAPE_ISA_OPTIMISATION}
      -ffp-contract=fast -fno-math-errno -fno-trapping-math
      ${SIGTAPE_FLAGS_${isa}})
    target_compile_definitions(${unit} PRIVATE SIGTAPE_ISA_NAME=${isa}
      SIGTAPE_VECTOR_BYTES=${SIGTAPE_BYTES_${isa}})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${unit}>)
  endforeach()
endfunction()
