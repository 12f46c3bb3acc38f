# The install tree: libraries, public headers as <sigtape/...>, sigtrain and
# the package files behind find_package(sigtape CONFIG).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# sigtape::sigtape, the one target that users link.
add_library(sigtape INTERFACE)
add_library(sigtape::sigtape ALIAS sigtape)
target_link_libraries(sigtape INTERFACE sigtape_training sigtape_layers
                      sigtape_framework)

set(sigtape_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sigtape)
install(TARGETS sigtape sigtape_framework sigtape_layers sigtape_training
        EXPORT sigtapeTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT sigtapeTargets NAMESPACE sigtape::
        DESTINATION ${sigtape_package_dir})
if(TARGET sigtrain)
  # Where the libraries are shared, the program finds them beside itself.
  file(RELATIVE_PATH sigtape_libraries /${CMAKE_INSTALL_BINDIR}
       /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(sigtrain PROPERTIES
    INSTALL_RPATH "$ORIGIN/${sigtape_libraries}")
  install(TARGETS sigtrain RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# simd/vec.h and X_simd.h serve only units that are compiled per instruction
# set.
foreach(folder framework layers training)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${folder}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sigtape
          FILES_MATCHING PATTERN "*.h" PATTERN "simd/vec*.h" EXCLUDE
          PATTERN "*_simd.h" EXCLUDE
          PATTERN "*_cuda.h" EXCLUDE PATTERN "cuda/host" EXCLUDE)
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/sigtape.h OPTIONAL
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sigtape)

configure_package_config_file(
  ${CMAKE_SOURCE_DIR}/cmake/sigtapeConfig.cmake.in
  ${CMAKE_BINARY_DIR}/sigtapeConfig.cmake
  INSTALL_DESTINATION ${sigtape_package_dir})
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/sigtapeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sigtapeConfig.cmake
              ${CMAKE_BINARY_DIR}/sigtapeConfigVersion.cmake
        DESTINATION ${sigtape_package_dir})
