# cmake -DSOURCE=DIR -DBUILD=DIR -DCOMPILER=CXX -P run.cmake: installs the
# build tree BUILD into a fresh prefix, then builds and runs this consumer
# against that prefix.
cmake_minimum_required(VERSION 3.22)

set(folder ${BUILD}/consumer)
set(prefix ${folder}/prefix)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})

function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE failed
                  OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
step(${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE} -B ${folder}/build
     -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER})
step(${CMAKE_COMMAND} --build ${folder}/build)
step(${folder}/build/consumer)
message(STATUS "${output}")
