# The addon for packages: built for the oldest release a package installs on, whatever this machine runs. C library and
# the libraries it links come from a folder that sysroot.sh unpacks; the C++ library, whose version differs most between
# releases, is the compiler's own and linked in.
#   cmake -DCMAKE_TOOLCHAIN_FILE=image-build/deb/portable.cmake -DVIGIE_PORTABLE=arm64 -DVIGIE_SYSROOT=DIR …
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VIGIE_PORTABLE VIGIE_SYSROOT)
set(CMAKE_SYSTEM_NAME Linux)
if(VIGIE_PORTABLE STREQUAL arm64)
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(triplet aarch64-linux-gnu)
  set(prefix aarch64-linux-gnu-)
  set(cxx_headers /usr/aarch64-linux-gnu/include/c++)
elseif(VIGIE_PORTABLE STREQUAL amd64)
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
  set(triplet x86_64-linux-gnu)
  set(prefix x86_64-linux-gnu-)
  set(cxx_headers /usr/include/c++)
else()
  message(FATAL_ERROR "VIGIE_PORTABLE is amd64 or arm64, not '${VIGIE_PORTABLE}'")
endif()
set(CMAKE_C_COMPILER ${prefix}gcc)
set(CMAKE_CXX_COMPILER ${prefix}g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_SYSROOT ${VIGIE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH ${VIGIE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpversion OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=include OUTPUT_VARIABLE own OUTPUT_STRIP_TRAILING_WHITESPACE)
# Debian's cross-compiler looks for the C library in a folder of its own before it looks into any sysroot: it is told each
# folder instead, for headers and for libraries.
set(c_headers "-isystem ${own} -isystem ${VIGIE_SYSROOT}/usr/include/${triplet} -isystem ${VIGIE_SYSROOT}/usr/include")
set(arch_headers ${cxx_headers}/${version}/${triplet})
if(NOT EXISTS ${arch_headers})
  set(arch_headers /usr/include/${triplet}/c++/${version})
endif()
# A path of this machine in the binary would make two builds differ.
get_filename_component(source ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
# libjpeg-turbo before 2.1 has no name for this flag and ignores it.
set(common "-nostdinc -ffile-prefix-map=${source}=. -DTJFLAG_LIMITSCANS=32768")
set(CMAKE_C_FLAGS_INIT "${common} ${c_headers}")
set(CMAKE_CXX_FLAGS_INIT "${common} -isystem ${cxx_headers}/${version} -isystem ${arch_headers} -isystem ${cxx_headers}/${version}/backward ${c_headers}")
set(link "-B${VIGIE_SYSROOT}/usr/lib/${triplet} -L${VIGIE_SYSROOT}/usr/lib/${triplet} -L${VIGIE_SYSROOT}/lib/${triplet} -Wl,-rpath-link,${VIGIE_SYSROOT}/lib/${triplet}:${VIGIE_SYSROOT}/usr/lib/${triplet}")
# What is linked in stays inside: the Node.js process has a C++ library of its own.
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${link} ${VIGIE_SYSROOT}/older-libc.o -pthread -static-libstdc++ -Wl,--exclude-libs,ALL -Wl,-z,relro -Wl,-z,now")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${link}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${link}")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${VIGIE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${VIGIE_SYSROOT}/usr/lib/${triplet}/pkgconfig:${VIGIE_SYSROOT}/usr/share/pkgconfig)
