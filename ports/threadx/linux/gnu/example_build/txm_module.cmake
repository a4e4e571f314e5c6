# SPDX-License-Identifier: MIT
#
# txm_module(NAME SOURCE...) - a module: NAME.elf for gdb, NAME.bin to load, for
# the ThreadX tree TREE. TXM_INCLUDES are the directories of the kernel port.
set(txm_example_build ${CMAKE_CURRENT_LIST_DIR})
file(GLOB module_lib
    ${TREE}/common_modules/module_lib/src/*.c
    ${txm_example_build}/../module_lib/src/*.c
)
find_program(GNU_OBJCOPY objcopy REQUIRED) # LLVM's does not take --emit-relocs
function(txm_module name)
    add_executable(${name}.elf ${ARGN} ${module_lib}
        ${txm_example_build}/txm_module_preamble.S)
    target_include_directories(${name}.elf PRIVATE ${TXM_INCLUDES}
        ${txm_example_build}/../inc ${TREE}/common/inc
        ${TREE}/common_modules/inc)
    target_compile_definitions(${name}.elf PRIVATE _GNU_SOURCE TX_MODISO_MODULES)
    target_compile_options(${name}.elf PRIVATE -O2 -g -fPIE -fvisibility=hidden
        -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables
        -mno-red-zone)
    target_link_options(${name}.elf PRIVATE -nostdlib -static-pie
        -Wl,--no-dynamic-linker,--build-id=sha1,--emit-relocs,-z,norelro
        -Wl,-T,${txm_example_build}/module.ld)
    add_custom_command(OUTPUT ${name}.bin DEPENDS ${name}.elf
        COMMAND ${GNU_OBJCOPY} -O binary -j .text -j .rodata -j .eh_frame
            -j .note.gnu.build-id -j .names -j .dynamic -j .rela.dyn -j .data
            $<TARGET_FILE:${name}.elf> ${name}.bin)
    add_custom_target(${name} ALL DEPENDS ${name}.bin)
endfunction()
