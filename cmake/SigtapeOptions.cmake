# Language standard, warnings, sanitizers and the functions that make the
# project's libraries and programs.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# A sanitized build compiles faster, and reports better, with less optimisation.
if(SIGTAPE_SANITIZE STREQUAL "fuzzer")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
elseif(SIGTAPE_SANITIZE STREQUAL "coverage")
  set(CMAKE_CXX_FLAGS_RELEASE "-O1")
elseif(SIGTAPE_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
else()
  set(CMAKE_CXX_FLAGS_RELEASE "-O2")
endif()

find_program(SIGTAPE_CCACHE ccache)
if(SIGTAPE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${SIGTAPE_CCACHE})
endif()

add_library(sigtape_flags INTERFACE)
target_compile_options(sigtape_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall$<SEMICOLON>-Wextra$<SEMICOLON>-Werror>)
if(SIGTAPE_SANITIZE STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(SIGTAPE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(SIGTAPE_SANITIZE STREQUAL "fuzzer")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined
                      -fno-sanitize-recover=all -fno-omit-frame-pointer
                      -include ${CMAKE_SOURCE_DIR}/tests/fuzz/clang_shuffle.h)
  add_link_options(-fsanitize=address,undefined)
elseif(SIGTAPE_SANITIZE STREQUAL "coverage")
  # Threads count the same lines.
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
elseif(SIGTAPE_SANITIZE)
  message(FATAL_ERROR "SIGTAPE_SANITIZE: expected address+undefined, thread, fuzzer or "
                      "coverage, got '${SIGTAPE_SANITIZE}'")
endif()

# sigtape_library(NAME): every .cpp of this folder, its public headers as
# "sigtape/...". Shared where BUILD_SHARED_LIBS is on, else static.
function(sigtape_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_simd\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_main\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(cuda|device|host|none)\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/cuda/host/")
  add_library(${name} ${sources})
  # The kernels' loops: what -O2 of GCC 12 leaves unvectorised.
  set(kernels ${sources})
  list(FILTER kernels INCLUDE REGEX "_cpu\\.cpp$")
  if(NOT SIGTAPE_SANITIZE)
    set_source_files_properties(${kernels} PROPERTIES
      COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
  endif()
  # Every branch of the source is one of the program, but in the loops.
  if(SIGTAPE_SANITIZE STREQUAL "coverage")
    list(REMOVE_ITEM sources ${kernels})
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -O0)
  endif()
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:sigtape_flags>)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  sigtape_cuda_sources(${name})
  file(GLOB_RECURSE simd CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/*_simd.cpp)
  foreach(source IN LISTS simd)
    sigtape_isa_unit(${name} ${source})
  endforeach()
endfunction()
