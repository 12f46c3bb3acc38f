# cmake -DSOURCE=DIR -DOUTPUT=FILE -P SigtapeCommit.cmake: defines
# SIGTAPE_COMMIT in FILE as the source tree's commit, with "-dirty" after it
# where tracked files differ from it, or as "unknown". A FILE that would not
# change keeps its time.
cmake_minimum_required(VERSION 3.22)

execute_process(
  COMMAND git --no-optional-locks -C ${SOURCE} describe --always --dirty
          --abbrev=40 --exclude=*
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT}
     CONTENT "#pragma once\n\n#define SIGTAPE_COMMIT \"@commit@\"\n" @ONLY)
