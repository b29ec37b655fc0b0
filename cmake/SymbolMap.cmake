# vmlift_symbol_map(TARGET HEADER): what TARGET exports is what HEADER declares. Each declaration
# begins with VMLIFT_API(MAJOR_MINOR), the version that brought it in; the marks become the nodes
# of a linker version script. Hidden visibility alone would still let the standard library's
# templates out, some of which keep the library from being unloaded.
function(vmlift_symbol_map target header)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
  # One line for each declaration, and no semicolons: they would split a list.
  file(READ ${header} text)
  string(REGEX REPLACE "\n[ \t]+" " " text "${text}")
  string(REPLACE ";" "" text "${text}")
  string(REGEX MATCHALL "\nVMLIFT_API\\([^\n]*" declarations "${text}")

  set(versions "")
  foreach(declaration IN LISTS declarations)
    # The name is the first vmlift_... before an opening bracket.
    if(NOT declaration MATCHES "VMLIFT_API\\(([0-9]+)_([0-9]+)\\)[^(]*[ *](vmlift_[a-z0-9_]+)\\(")
      message(FATAL_ERROR "${header}: no function in '${declaration}'")
    endif()
    set(version ${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
    list(APPEND versions ${version})
    list(APPEND symbols_${version} ${CMAKE_MATCH_3})
  endforeach()
  if(NOT versions)
    message(FATAL_ERROR "${header}: no VMLIFT_API mark found")
  endif()
  list(REMOVE_DUPLICATES versions)
  list(SORT versions COMPARE NATURAL)

  set(script "")
  set(before "")
  foreach(version IN LISTS versions)
    list(SORT symbols_${version})
    string(REPLACE ";" ";\n    " names "${symbols_${version}}")
    string(APPEND script "VMLIFT_${version} {\n  global:\n    ${names};\n")
    if(NOT before)
      string(APPEND script "  local:\n    *;\n")
    endif()
    string(APPEND script "}${before};\n")
    set(before " VMLIFT_${version}")
  endforeach()

  set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
  file(CONFIGURE OUTPUT ${map} CONTENT "${script}" @ONLY)
  target_link_options(${target} PRIVATE LINKER:--version-script=${map}
                      LINKER:--no-undefined-version)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
endfunction()
