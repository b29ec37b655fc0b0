# vmlift_compile(TARGET): the flags that every target of the project shares.
function(vmlift_compile target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wnull-dereference
    # A designated initializer names what it sets; the rest has its default.
    -Wno-missing-field-initializers
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
  # Symbols are three quarters of a build tree; compressed they are a third of that.
  target_compile_options(${target} PRIVATE -gz)
  target_link_options(${target} PRIVATE -gz)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports false positives in its own headers under these once it inlines.
    target_compile_options(${target} PRIVATE
      -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict)
  endif()
  if(VMLIFT_SANITIZE)
    # A C program that links the sanitized library needs the sanitizers' C++ runtime, which only
    # the C++ driver adds.
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
  if(VMLIFT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

if(VMLIFT_SANITIZE)
  add_compile_options(-fsanitize=${VMLIFT_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VMLIFT_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
