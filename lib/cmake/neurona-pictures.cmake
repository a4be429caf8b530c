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
    if(NEURONA_${upper}_INCLUDE_DIR AND NEURONA_${upper}_LIBRARY)
      add_library(neurona::${format} UNKNOWN IMPORTED)
      set_target_properties(neurona::${format} PROPERTIES
        IMPORTED_LOCATION ${NEURONA_${upper}_LIBRARY}
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${NEURONA_${upper}_INCLUDE_DIR}
        INTERFACE_INCLUDE_DIRECTORIES ${NEURONA_${upper}_INCLUDE_DIR})
    endif()
  endif()
endforeach()
