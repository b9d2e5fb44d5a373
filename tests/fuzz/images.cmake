# SPDX-License-Identifier: MIT
# Disk image formats. Clang's libFuzzer, where it is there, makes fuzz_image_FORMAT the real thing; else
# standalone.c replays the corpus and mutates it for some seconds.
foreach(format qcow2 vhd vmdk vdi)
    set(name fuzz_image_${format})
    if(VITRO_LIBFUZZER)
        add_executable(${name} fuzz_image.c)
        target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} fuzz_image.c standalone.c)
        add_test(NAME fuzz/image/${format} COMMAND ${name} --seconds=5 ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${format})
        set_tests_properties(fuzz/image/${format} PROPERTIES LABELS fuzz TIMEOUT 600)
    endif()
    target_compile_definitions(${name} PRIVATE FUZZ_FORMAT="${format}")
    target_link_libraries(${name} vitro_iodev)
endforeach()
