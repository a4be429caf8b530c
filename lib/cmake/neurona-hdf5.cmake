# HDF5's C library as neurona::hdf5. (CMake's own module needs the C language, which neither this project nor its users need enable.)
if(NOT TARGET neurona::hdf5)
  find_path(NEURONA_HDF5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial)
  find_library(NEURONA_HDF5_LIBRARY NAMES hdf5_serial hdf5)
  if(NOT NEURONA_HDF5_INCLUDE_DIR OR NOT NEURONA_HDF5_LIBRARY)
    message(FATAL_ERROR "HDF5 was not found (Debian: libhdf5-dev). Run './run setup', or build without it: -DNEURONA_HDF5=OFF.")
  endif()
  add_library(neurona::hdf5 UNKNOWN IMPORTED)
  set_target_properties(neurona::hdf5 PROPERTIES
    IMPORTED_LOCATION ${NEURONA_HDF5_LIBRARY}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${NEURONA_HDF5_INCLUDE_DIR}
    INTERFACE_INCLUDE_DIRECTORIES ${NEURONA_HDF5_INCLUDE_DIR})
endif()
