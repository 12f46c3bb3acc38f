# SIGTAPE_CUDA chooses where CUDA kernels run:
#   OFF    nowhere: the program says so when it is asked for a GPU
#   ON     on GPUs: needs nvcc (CUDA 12 or 13) and cuBLAS
#   AUTO   ON where nvcc is found, else OFF
#   HOST   on the CPU, for tests: the same .cu files compiled as C++, the
#          threads of a block one after another, device "cuda" in main memory
# sigtape_cuda_mode is what it comes to: OFF, ON or HOST.
set(SIGTAPE_CUDA "AUTO" CACHE STRING "CUDA kernels: AUTO, ON, OFF or HOST")
set_property(CACHE SIGTAPE_CUDA PROPERTY STRINGS AUTO ON OFF HOST)
option(SIGTAPE_KERNEL_COVERAGE
       "With HOST, count how often each line of the .cu files runs" OFF)
set(sigtape_cuda_mode ${SIGTAPE_CUDA})

# Where nvcc is: on the path, or where NVIDIA's packages put it.
if(sigtape_cuda_mode MATCHES "^(AUTO|ON)$" AND NOT CMAKE_CUDA_COMPILER)
  find_program(SIGTAPE_NVCC nvcc
    PATHS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
  if(SIGTAPE_NVCC)
    set(CMAKE_CUDA_COMPILER ${SIGTAPE_NVCC})
  elseif(sigtape_cuda_mode STREQUAL "AUTO")
    set(sigtape_cuda_mode OFF)
  endif()
endif()
if(sigtape_cuda_mode STREQUAL "AUTO")
  # Sanitizers do not know GPU code.
  if(SIGTAPE_SANITIZE)
    set(sigtape_cuda_mode OFF)
  else()
    set(sigtape_cuda_mode ON)
  endif()
endif()

if(sigtape_cuda_mode STREQUAL "ON")
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90)
  endif()
  if(SIGTAPE_CCACHE)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
  enable_language(CUDA)
  # CMake before 3.25.2 does not know that nvcc has C++20.
  foreach(kind STANDARD EXTENSION)
    if(NOT CMAKE_CUDA20_${kind}_COMPILE_OPTION)
      set(CMAKE_CUDA20_${kind}_COMPILE_OPTION "-std=c++20")
    endif()
  endforeach()
  find_package(CUDAToolkit REQUIRED)
elseif(sigtape_cuda_mode STREQUAL "HOST")
  # The emulator, framework/cuda/host, comes with the tests.
  if(NOT SIGTAPE_TESTS)
    message(FATAL_ERROR "SIGTAPE_CUDA=HOST needs SIGTAPE_TESTS")
  endif()
elseif(NOT sigtape_cuda_mode STREQUAL "OFF")
  message(FATAL_ERROR "SIGTAPE_CUDA: expected AUTO, ON, OFF or HOST, got "
                      "'${SIGTAPE_CUDA}'")
endif()
message(STATUS "sigtape: CUDA ${sigtape_cuda_mode}")

# sigtape_cuda_sources(TARGET): this folder's .cu files, and of the files named
# X_device.cpp, X_host.cpp and X_none.cpp those of the mode; X_cuda.cpp belongs
# to ON and HOST.
function(sigtape_cuda_sources target)
  file(GLOB_RECURSE kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cu)
  file(GLOB_RECURSE both CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_cuda.cpp)
  file(GLOB_RECURSE device CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/*_device.cpp)
  file(GLOB_RECURSE host CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/*_host.cpp)
  file(GLOB_RECURSE none CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/*_none.cpp)
  if(sigtape_cuda_mode STREQUAL "ON")
    target_sources(${target} PRIVATE ${kernels} ${both} ${device})
    target_link_libraries(${target} PRIVATE
      CUDA::cudart_static)
    target_compile_definitions(${target} PUBLIC SIGTAPE_CUDA=1)
    target_compile_options(${target} PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:-O3;-Xcompiler=-Wall,-Wextra>")
  elseif(sigtape_cuda_mode STREQUAL "HOST")
    set(options -xc++ -Wno-unknown-pragmas)
    if(SIGTAPE_KERNEL_COVERAGE)
      list(APPEND options --coverage -O0)
      target_link_options(${target} PUBLIC --coverage)
    endif()
    set_source_files_properties(${kernels} PROPERTIES LANGUAGE CXX
      COMPILE_OPTIONS "${options}")
    target_sources(${target} PRIVATE ${kernels} ${both} ${host})
    target_link_libraries(${target} PUBLIC
      $<BUILD_INTERFACE:sigtape_cuda_host>)
    target_compile_definitions(${target} PUBLIC SIGTAPE_CUDA=1)
  else()
    target_sources(${target} PRIVATE ${none})
  endif()
endfunction()
