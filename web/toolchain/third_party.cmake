# Targets for the third-party libraries, the same names natively and under Emscripten:
#   third_party::eigen third_party::zlib third_party::sdl2 third_party::imgui
#   third_party::doctest third_party::json third_party::cli11 third_party::stb       (headers only)
# They exist where their sources do: test with if(TARGET third_party::imgui).
#
# Needs web/toolchain/setup.sh to have run: it writes neurona-deps.cmake, which says where things are. Under
# Emscripten, where CMake must find no system package, the static libraries that setup.sh compiled once are used;
# NEURONA_THIRD_PARTY_FROM_SOURCE=ON compiles them in this build instead.
include_guard(GLOBAL)

if(NOT DEFINED NEURONA_SRC_DIR)
  if(DEFINED ENV{NEURONA_CACHE})
    set(_cache "$ENV{NEURONA_CACHE}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_cache "$ENV{XDG_CACHE_HOME}/neurona")
  else()
    set(_cache "$ENV{HOME}/.cache/neurona")
  endif()
  include("${_cache}/neurona-deps.cmake" OPTIONAL RESULT_VARIABLE _deps)
  if(NOT _deps)
    message(STATUS "third_party: ${_cache}/neurona-deps.cmake is missing; run web/toolchain/setup.sh (or ./run setup)")
  endif()
  unset(_cache)
  unset(_deps)
endif()

option(NEURONA_THIRD_PARTY_FROM_SOURCE "Compile SDL2, zlib and Dear ImGui in this build (Emscripten only)" OFF)
option(NEURONA_WEB_THREADS "WebAssembly with threads: every library needs -pthread" OFF)

if(NEURONA_WEB_THREADS)
  set(_prebuilt "${NEURONA_WASM_THREADS_LIB_DIR}")
else()
  set(_prebuilt "${NEURONA_WASM_LIB_DIR}")
endif()

# --- headers only -----------------------------------------------------------------------------------------------
function(_third_party_headers name directory)
  if(NOT TARGET third_party::${name} AND EXISTS "${directory}")
    add_library(third_party::${name} INTERFACE IMPORTED GLOBAL)
    target_include_directories(third_party::${name} SYSTEM INTERFACE "${directory}")
  endif()
endfunction()
_third_party_headers(eigen "${NEURONA_EIGEN_DIR}")
if(NOT NEURONA_HEADERS_DIR STREQUAL "")
  foreach(_pair doctest:doctest json:nlohmann cli11:CLI stb:stb)
    string(REPLACE ":" ";" _pair "${_pair}")
    list(GET _pair 0 _name)
    list(GET _pair 1 _folder)
    if(EXISTS "${NEURONA_HEADERS_DIR}/${_folder}")
      _third_party_headers(${_name} "${NEURONA_HEADERS_DIR}")
    endif()
  endforeach()
endif()

# --- how Dear ImGui is configured: library and users must agree --------------------------------------------------
# No default font: the page brings its own typefaces. 32-bit indices: one draw list may hold a whole plot or network.
set(THIRD_PARTY_IMGUI_DEFINITIONS
    IMGUI_DISABLE_OBSOLETE_FUNCTIONS IMGUI_DISABLE_DEFAULT_FONT IMGUI_DISABLE_DEMO_WINDOWS
    IMGUI_DISABLE_DEBUG_TOOLS "ImDrawIdx=unsigned int")
if(EMSCRIPTEN)
  list(APPEND THIRD_PARTY_IMGUI_DEFINITIONS IMGUI_IMPL_OPENGL_ES3)
endif()

function(_third_party_imgui)
  add_library(third_party_imgui STATIC EXCLUDE_FROM_ALL
    "${NEURONA_IMGUI_DIR}/imgui.cpp" "${NEURONA_IMGUI_DIR}/imgui_draw.cpp" "${NEURONA_IMGUI_DIR}/imgui_tables.cpp"
    "${NEURONA_IMGUI_DIR}/imgui_widgets.cpp" "${NEURONA_IMGUI_DIR}/misc/cpp/imgui_stdlib.cpp"
    "${NEURONA_IMGUI_DIR}/backends/imgui_impl_sdl2.cpp" "${NEURONA_IMGUI_DIR}/backends/imgui_impl_opengl3.cpp")
  target_compile_features(third_party_imgui PUBLIC cxx_std_17)
  target_include_directories(third_party_imgui SYSTEM PUBLIC
    "${NEURONA_IMGUI_DIR}" "${NEURONA_IMGUI_DIR}/backends" "${NEURONA_IMGUI_DIR}/misc/cpp")
  target_compile_definitions(third_party_imgui PUBLIC ${THIRD_PARTY_IMGUI_DEFINITIONS})
  target_link_libraries(third_party_imgui PUBLIC third_party::sdl2)
  set_target_properties(third_party_imgui PROPERTIES OUTPUT_NAME imgui EXPORT_COMPILE_COMMANDS OFF CXX_CLANG_TIDY "")
  target_compile_options(third_party_imgui PRIVATE -w)
  add_library(third_party::imgui ALIAS third_party_imgui)
endfunction()

# --- native: the system's SDL2 and zlib, Dear ImGui from its source ----------------------------------------------
if(NOT EMSCRIPTEN)
  find_package(ZLIB QUIET)
  if(ZLIB_FOUND AND NOT TARGET third_party::zlib)
    add_library(third_party::zlib ALIAS ZLIB::ZLIB)
  endif()
  find_package(SDL2 QUIET CONFIG)
  if(TARGET SDL2::SDL2 AND NOT TARGET third_party::sdl2)
    add_library(third_party::sdl2 INTERFACE IMPORTED GLOBAL)
    target_link_libraries(third_party::sdl2 INTERFACE SDL2::SDL2)
    find_package(OpenGL QUIET)
    if(TARGET OpenGL::GL)
      target_link_libraries(third_party::sdl2 INTERFACE OpenGL::GL)
    endif()
  endif()
  if(TARGET third_party::sdl2 AND EXISTS "${NEURONA_IMGUI_DIR}/imgui.h")
    _third_party_imgui()
    target_link_libraries(third_party_imgui PUBLIC ${CMAKE_DL_LIBS})
  endif()
  return()
endif()

# --- Emscripten, compiled once by setup.sh -----------------------------------------------------------------------
function(_third_party_prebuilt name file)
  add_library(third_party::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(third_party::${name} PROPERTIES IMPORTED_LOCATION "${_prebuilt}/${file}")
endfunction()
# What a page with SDL2 and WebGL2 must be linked with.
set(_webgl_link -sMIN_WEBGL_VERSION=2 -sMAX_WEBGL_VERSION=2)

if(NOT NEURONA_THIRD_PARTY_FROM_SOURCE AND EXISTS "${_prebuilt}/libSDL2.a")
  _third_party_prebuilt(zlib libz.a)
  target_include_directories(third_party::zlib SYSTEM INTERFACE "${NEURONA_ZLIB_DIR}")
  _third_party_prebuilt(sdl2 libSDL2.a)
  target_include_directories(third_party::sdl2 SYSTEM INTERFACE "${NEURONA_SDL2_DIR}/include")
  target_link_options(third_party::sdl2 INTERFACE ${_webgl_link})
  _third_party_prebuilt(imgui libimgui.a)
  target_include_directories(third_party::imgui SYSTEM INTERFACE
    "${NEURONA_IMGUI_DIR}" "${NEURONA_IMGUI_DIR}/backends" "${NEURONA_IMGUI_DIR}/misc/cpp")
  target_compile_definitions(third_party::imgui INTERFACE ${THIRD_PARTY_IMGUI_DEFINITIONS})
  target_link_libraries(third_party::imgui INTERFACE third_party::sdl2)
  return()
endif()

# --- Emscripten, from source -------------------------------------------------------------------------------------
set(_wasm_flags -msimd128 -fwasm-exceptions -w)
set(_thread_flags "")
if(NEURONA_WEB_THREADS)
  set(_thread_flags -pthread)
endif()

if(EXISTS "${NEURONA_ZLIB_DIR}/zlib.h")
  add_library(third_party_zlib STATIC EXCLUDE_FROM_ALL)
  foreach(_file adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees
          uncompr zutil)
    target_sources(third_party_zlib PRIVATE "${NEURONA_ZLIB_DIR}/${_file}.c")
  endforeach()
  target_include_directories(third_party_zlib SYSTEM PUBLIC "${NEURONA_ZLIB_DIR}")
  target_compile_definitions(third_party_zlib PRIVATE HAVE_UNISTD_H)
  target_compile_options(third_party_zlib PRIVATE ${_wasm_flags} ${_thread_flags})
  set_target_properties(third_party_zlib PROPERTIES OUTPUT_NAME z)
  add_library(third_party::zlib ALIAS third_party_zlib)
endif()

if(EXISTS "${NEURONA_SDL2_DIR}/include/SDL.h")
  # The file list of Emscripten's own port without sound, sensors and the renderers; Dear ImGui's backend refers to
  # the joystick functions, so they stay, without being started.
  add_library(third_party_sdl2 STATIC EXCLUDE_FROM_ALL)
  if(NEURONA_WEB_THREADS)
    set(_threads pthread)
  else()
    set(_threads generic)
  endif()
  foreach(_file
      SDL SDL_assert SDL_dataqueue SDL_error SDL_guid SDL_hints SDL_list SDL_log SDL_utils
      atomic/SDL_atomic atomic/SDL_spinlock cpuinfo/SDL_cpuinfo dynapi/SDL_dynapi
      events/SDL_clipboardevents events/SDL_displayevents events/SDL_dropevents events/SDL_events events/SDL_gesture
      events/SDL_keyboard events/SDL_keysym_to_scancode events/SDL_scancode_tables events/SDL_mouse events/SDL_quit
      events/SDL_touch events/SDL_windowevents file/SDL_rwops
      joystick/controller_type joystick/SDL_gamecontroller joystick/SDL_joystick joystick/SDL_steam_virtual_gamepad
      joystick/emscripten/SDL_sysjoystick joystick/dummy/SDL_sysjoystick
      render/SDL_render render/SDL_yuv_sw
      stdlib/SDL_crc16 stdlib/SDL_crc32 stdlib/SDL_getenv stdlib/SDL_iconv stdlib/SDL_malloc stdlib/SDL_qsort
      stdlib/SDL_stdlib stdlib/SDL_string stdlib/SDL_strtokr thread/SDL_thread timer/SDL_timer
      video/SDL_RLEaccel video/SDL_blit video/SDL_blit_0 video/SDL_blit_1 video/SDL_blit_A video/SDL_blit_N
      video/SDL_blit_auto video/SDL_blit_copy video/SDL_blit_slow video/SDL_bmp video/SDL_clipboard video/SDL_egl
      video/SDL_fillrect video/SDL_pixels video/SDL_rect video/SDL_shape video/SDL_stretch video/SDL_surface
      video/SDL_video video/SDL_yuv video/yuv2rgb/yuv_rgb_std
      video/emscripten/SDL_emscriptenevents video/emscripten/SDL_emscriptenframebuffer
      video/emscripten/SDL_emscriptenmouse video/emscripten/SDL_emscriptenopengles
      video/emscripten/SDL_emscriptenvideo
      loadso/dlopen/SDL_sysloadso power/SDL_power power/emscripten/SDL_syspower
      filesystem/emscripten/SDL_sysfilesystem timer/unix/SDL_systimer main/dummy/SDL_dummy_main
      locale/SDL_locale locale/emscripten/SDL_syslocale misc/SDL_url misc/emscripten/SDL_sysurl
      thread/${_threads}/SDL_syscond thread/${_threads}/SDL_sysmutex thread/${_threads}/SDL_syssem
      thread/${_threads}/SDL_systhread thread/${_threads}/SDL_systls)
    target_sources(third_party_sdl2 PRIVATE "${NEURONA_SDL2_DIR}/src/${_file}.c")
  endforeach()
  target_include_directories(third_party_sdl2 SYSTEM PUBLIC "${NEURONA_SDL2_DIR}/include")
  target_compile_definitions(third_party_sdl2 PRIVATE
    SDL_AUDIO_DISABLED=1 SDL_JOYSTICK_DISABLED=1 SDL_SENSOR_DISABLED=1 SDL_RENDER_DISABLED=1)
  # -Os: events and window handling are not hot, and every byte is downloaded.
  target_compile_options(third_party_sdl2 PRIVATE ${_wasm_flags} ${_thread_flags} -sUSE_SDL=0 -Os)
  target_link_options(third_party_sdl2 INTERFACE ${_webgl_link})
  set_target_properties(third_party_sdl2 PROPERTIES OUTPUT_NAME SDL2)
  add_library(third_party::sdl2 ALIAS third_party_sdl2)

  if(EXISTS "${NEURONA_IMGUI_DIR}/imgui.h")
    _third_party_imgui()
    target_compile_options(third_party_imgui PRIVATE ${_wasm_flags} ${_thread_flags})
  endif()
endif()
