# SPDX-License-Identifier: MIT
#
# libc++.a for modules, of LLVM's libcxx, libcxxabi and libunwind in SOURCES.
# modiso-libc runs it, with compilers that make modules, MODULE_CC and
# MODULE_CXX, and its own files in PARTS. GNU make.
#
# A module is one thread to its libraries, so what is a thread's are variables,
# and no lock of the run-time part stays locked when a call ends by a fault.

cxx = $(SOURCES)/libcxx/src
abi = $(SOURCES)/libcxxabi/src
unwind = $(SOURCES)/libunwind/src

sources = \
	$(filter-out %/debug.cpp,$(wildcard $(cxx)/*.cpp)) \
	$(wildcard $(cxx)/filesystem/*.cpp $(cxx)/ryu/*.cpp) \
	$(filter-out %/cxa_noexception.cpp,$(wildcard $(abi)/*.cpp)) \
	$(unwind)/libunwind.cpp \
	$(unwind)/UnwindLevel1.c \
	$(unwind)/UnwindLevel1-gcc-ext.c \
	$(unwind)/UnwindRegistersRestore.S \
	$(unwind)/UnwindRegistersSave.S
objects = $(sources:$(SOURCES)/%=%.o)
.DEFAULT_GOAL = libc++.a

common = -O2 -w -DNDEBUG -ffunction-sections -fdata-sections
libcxx = -std=c++20 -fvisibility-inlines-hidden -D_LIBCPP_BUILDING_LIBRARY \
	-DLIBCXX_BUILDING_LIBCXXABI -I$(cxx)
libcxxabi = -std=c++20 -fvisibility-inlines-hidden \
	-D_LIBCXXABI_BUILDING_LIBRARY -D_LIBCXXABI_HAS_NO_THREADS \
	-D_LIBCPP_BUILDING_LIBRARY \
	-D_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS \
	-I$(SOURCES)/libcxxabi/include -I$(cxx)
libunwind = -D_LIBUNWIND_IS_BAREMETAL -D_LIBUNWIND_IS_NATIVE_ONLY \
	-D_LIBUNWIND_HAS_NO_THREADS -D_LIBUNWIND_HIDE_SYMBOLS \
	-I$(SOURCES)/libunwind/include -include $(PARTS)/cxx_unwind.h
# The destructors of thread-local variables are kept for each of the host's.
libcxxabi/src/cxa_thread_atexit.cpp.o: libcxxabi += \
	-U_LIBCXXABI_HAS_NO_THREADS

# getentropy(3) is declared there, and not where others have it.
libcxx/src/random.cpp.o: libcxx += -include unistd.h

# The kernel's header, of which it wants two numbers, is none of musl's.
libcxx/src/atomic.cpp.o: linux/futex.h
libcxx/src/atomic.cpp.o: libcxx += -I.
linux/futex.h:
	mkdir -p linux
	echo 'enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE };' >$@

libc++.a: $(objects)
	rm -f $@
	ar rc $@ $(objects)

flags = $(common) $($(firstword $(subst /, ,$@)))

libunwind/src/libunwind.cpp.o: libunwind += -std=c++17 -fno-exceptions \
	-fno-rtti

$(objects): %.o: $(SOURCES)/%
	@mkdir -p $(@D)
	$(if $(filter %.cpp,$<),$(MODULE_CXX),$(MODULE_CC)) $(flags) -c -o $@ \
		$(SOURCES)/$*
