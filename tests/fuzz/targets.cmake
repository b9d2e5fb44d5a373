# SPDX-License-Identifier: MIT
# Targets in libFuzzer's form, one program each, with corpus/NAME. Preset `fuzz` (clang) makes fuzzers of
# them; elsewhere driver.c replays the corpus and mutates it for a while.
#     build/fuzz/tests/fuzz/fuzz_ata -max_len=400 NEW-CORPUS tests/fuzz/corpus/ata
if(NOT TARGET vitro_bench)
    return()
endif()
if(VITRO_LIBFUZZER)
    # the bench is not what is to be covered
    set(bare "-fno-sanitize=all;-fno-sanitize-coverage=inline-8bit-counters,pc-table")
    set_source_files_properties(../unit/fake_board.c TARGET_DIRECTORY vitro_bench PROPERTIES COMPILE_OPTIONS "${bare}")
    set_source_files_properties(host_files.c host_folder.c PROPERTIES COMPILE_OPTIONS "${bare}")
endif()

# runs: mutations in a test
function(fuzz_target name runs)
    if(VITRO_LIBFUZZER)
        add_executable(fuzz_${name} ${ARGN})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        set(replay -runs=0)
    else()
        add_executable(fuzz_${name} ${ARGN} driver.c)
        set(replay --runs ${runs})
    endif()
    target_link_libraries(fuzz_${name} vitro_bench)
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${replay} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 600 ENVIRONMENT ASAN_OPTIONS=abort_on_error=1)
endfunction()

# The image room with the host's files in memory: see host_files.h. These objects come before the bench's.
file(GLOB image_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/iodev/image/*.c)
add_library(fuzz_images OBJECT ${image_sources} host_files.c host_folder.c)
set_source_files_properties(${image_sources} PROPERTIES COMPILE_OPTIONS
    "-include;${CMAKE_CURRENT_SOURCE_DIR}/host_files.h;-DHOST_FILES_IN_MEMORY;-D_GNU_SOURCE=")
target_link_libraries(fuzz_images PUBLIC PkgConfig::ZLIB)

foreach(format qcow2 vhd vmdk vdi undoable raw)
    fuzz_target(${format} 10000 fuzz_image.c $<TARGET_OBJECTS:fuzz_images>)
    target_compile_definitions(fuzz_${format} PRIVATE FUZZ_FORMAT="${format}")
endforeach()
fuzz_target(fat 15000 fuzz_fat.c $<TARGET_OBJECTS:fuzz_images>)
fuzz_target(disc 50000 fuzz_disc.c $<TARGET_OBJECTS:fuzz_images>)
fuzz_target(dma 100000 fuzz_dma.c)
fuzz_target(i8042 100000 fuzz_i8042.c)
fuzz_target(vga 50000 fuzz_vga.c)
fuzz_target(fdc 40000 fuzz_fdc.c $<TARGET_OBJECTS:fuzz_images>)
fuzz_target(ata 20000 fuzz_ata.c $<TARGET_OBJECTS:fuzz_images>)
fuzz_target(atapi 20000 fuzz_atapi.c $<TARGET_OBJECTS:fuzz_images>)
