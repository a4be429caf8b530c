# What the project builds with. Sources set up by ./run lie in a cache folder and are found through neurona-deps.cmake
# there; without it, natively, the system's packages are used.
if(NOT DEFINED NEURONA_CACHE)
  if(DEFINED ENV{NEURONA_CACHE})
    set(NEURONA_CACHE $ENV{NEURONA_CACHE})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(NEURONA_CACHE $ENV{XDG_CACHE_HOME}/neurona)
  else()
    set(NEURONA_CACHE $ENV{HOME}/.cache/neurona)
  endif()
endif()
include(${NEURONA_CACHE}/neurona-deps.cmake OPTIONAL)

# Flags that every target shares.
add_library(neurona_flags INTERFACE)
target_compile_options(neurona_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wno-psabi $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(NEURONA_DEVELOPER)
  target_compile_options(neurona_flags INTERFACE -Werror)
endif()

# A header-only package as a target. A cross compiler must not see the rest of the system's include folder: the package's
# folder alone is linked into the build tree.
function(neurona_header_only target header)
  get_filename_component(folder ${header} DIRECTORY)
  find_path(${target}_DIR ${header} PATHS /usr/include /usr/local/include NO_CMAKE_FIND_ROOT_PATH)
  if(NOT ${target}_DIR)
    message(FATAL_ERROR "${header} was not found. Run './run setup', or install the package that has it.")
  endif()
  set(stage ${CMAKE_BINARY_DIR}/headers/${target})
  file(MAKE_DIRECTORY ${stage})
  file(CREATE_LINK ${${target}_DIR}/${folder} ${stage}/${folder} SYMBOLIC)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${stage})
endfunction()

neurona_header_only(neurona_json nlohmann/json.hpp)
neurona_header_only(neurona_stb stb/stb_image.h)

# Eigen 5 where it was set up (its SSE code also serves WASM), else the system's.
add_library(neurona_eigen INTERFACE)
if(NEURONA_EIGEN_DIR)
  target_include_directories(neurona_eigen SYSTEM INTERFACE ${NEURONA_EIGEN_DIR})
else()
  find_package(Eigen3 REQUIRED NO_MODULE)
  target_link_libraries(neurona_eigen INTERFACE Eigen3::Eigen)
endif()

# zlib: built from source for WASM, the system's elsewhere.
if(EMSCRIPTEN)
  set(neurona_wasm_libraries ${NEURONA_WASM_LIB_DIR})
  if(NEURONA_WEB_THREADS)
    set(neurona_wasm_libraries ${NEURONA_WASM_THREADS_LIB_DIR})
  endif()
  add_library(neurona_zlib STATIC IMPORTED)
  set_target_properties(neurona_zlib PROPERTIES
    IMPORTED_LOCATION ${neurona_wasm_libraries}/libz.a
    INTERFACE_INCLUDE_DIRECTORIES ${NEURONA_ZLIB_DIR})
else()
  find_package(ZLIB REQUIRED)
  add_library(neurona_zlib ALIAS ZLIB::ZLIB)
endif()
