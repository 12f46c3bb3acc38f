# Every experiment of benchmarks/reproduce on a few cases. Skipped where there is
# no Python.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_Interpreter_FOUND AND SIGTAPE_BENCHMARKS AND NOT SIGTAPE_SANITIZE)
  add_test(NAME benchmarks.reproduce
           COMMAND ${Python3_EXECUTABLE} benchmarks/reproduce all --quick --fresh
                   --build ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  add_test(NAME benchmarks.reproduce_peers
           COMMAND tests/benchmarks/reproduce_peers.sh ${Python3_EXECUTABLE}
                   ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  add_test(NAME benchmarks.reproduce_jobs
           COMMAND tests/benchmarks/reproduce_jobs.sh ${Python3_EXECUTABLE}
                   ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(benchmarks.reproduce benchmarks.reproduce_peers
                       benchmarks.reproduce_jobs PROPERTIES TIMEOUT 600)
endif()
