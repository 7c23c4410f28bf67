# How everything here is compiled, and the two functions that rooms declare themselves with.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(LONGHAUL_TESTS "Build the tests" ON)
option(LONGHAUL_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(LONGHAUL_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined or thread")

find_package(Threads REQUIRED)

find_program(LONGHAUL_CCACHE ccache)
if(LONGHAUL_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LONGHAUL_CCACHE})
endif()
find_program(LONGHAUL_MOLD mold)
if(LONGHAUL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes the unset half of a std::optional for an uninitialized value.
  add_compile_options(-fno-semantic-interposition -Wno-maybe-uninitialized)
endif()
if(CMAKE_UNITY_BUILD)
  add_compile_options(-Wno-subobject-linkage)  # to GCC an included .cc is a header
endif()
if(LONGHAUL_SANITIZE)
  add_compile_options(-fsanitize=${LONGHAUL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LONGHAUL_SANITIZE})
  if(LONGHAUL_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # TSan does not see Asio's fences, nor need them: Asio's locks do the ordering
  endif()
endif()

# longhaul_library(NAME SOURCES a.cc ... [DEPENDS public targets] [PRIVATE private targets])
# A room, included from the root of the repository: #include "base/bytes.h".
function(longhaul_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
endfunction()

# longhaul_test(NAME SOURCES a_test.cc ... [DEPENDS targets]): one GoogleTest program, run by ctest.
function(longhaul_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/leaks.txt")
endfunction()
