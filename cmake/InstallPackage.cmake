# What `cmake --install` leaves: the C library (vmlift::vmlift, vmlift.pc) and the C++ one
# (vmlift::core, vmlift-core.pc). A wheel takes the Python module and nothing else.
if(SKBUILD)
  install(TARGETS _core LIBRARY DESTINATION vmlift COMPONENT python)
  return()
endif()

include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/vmlift)

# Two export sets: who uses the C library needs none of the core's dependencies.
install(TARGETS vmlift_core EXPORT vmlift-core-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/vmlift
                  ${PROJECT_BINARY_DIR}/include/vmlift
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def")
install(EXPORT vmlift-core-targets NAMESPACE vmlift:: DESTINATION ${config_folder}
        COMPONENT development)

install(TARGETS vmlift EXPORT vmlift-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
                NAMELINK_COMPONENT development)
install(FILES ${PROJECT_SOURCE_DIR}/capi/vmlift.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT vmlift-targets NAMESPACE vmlift:: DESTINATION ${config_folder}
        COMPONENT development)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/vmlift-config.cmake.in ${PROJECT_BINARY_DIR}/vmlift-config.cmake
  INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/vmlift-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vmlift-config.cmake
              ${PROJECT_BINARY_DIR}/vmlift-config-version.cmake
        DESTINATION ${config_folder} COMPONENT development)

# The prefix is told from the .pc file's own place, so that an installed tree can be moved.
file(RELATIVE_PATH prefix_from_pc
     /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
foreach(name vmlift vmlift-core)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
