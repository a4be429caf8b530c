# Libraries for pictures that stb_image cannot read, where they are installed: neurona::webp, neurona::tiff.
foreach(format webp tiff)
  if(NOT TARGET neurona::${format})
    string(TOUPPER ${format} upper)
    set(header tiffio.h)
    if(format STREQUAL webp)
      set(header webp/decode.h)
    endif()
    find_path(NEURONA_${upper}_INCLUDE_DIR ${header})
    find_library(NEURONA_${upper}_LIBRARY ${format})
    set(is_new_enough ON)
    if(format STREQUAL tiff AND NEURONA_TIFF_INCLUDE_DIR)  # 4.5 has TIFFOpenOptions
      file(STRINGS ${NEURONA_TIFF_INCLUDE_DIR}/tiffvers.h version REGEX "define TIFFLIB_VERSION ")
      if(NOT version MATCHES "([0-9]+)" OR CMAKE_MATCH_1 LESS 20221213)
        set(is_new_enough OFF)
      endif()
    endif()
    if(is_new_enough AND NEURONA_${upper}_INCLUDE_DIR AND NEURONA_${upper}_LIBRARY)
      add_library(neurona::${format} UNKNOWN IMPORTED)
      set_target_properties(neurona::${format} PROPERTIES
        IMPORTED_LOCATION ${NEURONA_${upper}_LIBRARY}
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${NEURONA_${upper}_INCLUDE_DIR}
        INTERFACE_INCLUDE_DIRECTORIES ${NEURONA_${upper}_INCLUDE_DIR})
    endif()
  endif()
endforeach()
