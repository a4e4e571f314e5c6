#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-cc.sh - modiso-cc as the compiler of other people's builds: it never
# calls itself, answers what a compiler is asked, and says the truth about what
# a module would not find. others/group-packages.sh has whole builds.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
MODISO_RECODE=$top_srcdir/tools/recode.sh
export MODISO_RUNTIME MODISO_RECODE
mkdir "$scratch/bin"
for name in modiso-cc x86_64-module-linux-gnu-gcc; do
	ln -s "$top_builddir/tools/modiso-cc" "$scratch/bin/$name"
done
cc=$scratch/bin/modiso-cc
nm=$(command -v nm) || skip_all "no nm"
cd "$scratch" || exit 1

# status_of EXPECTED TEXT COMMAND... - what it says goes to output
status_of() {
	tap_expected=$1
	tap_text=$2
	shift 2
	"$@" >output 2>&1 </dev/null
	tap_status=$?
	if [ "$tap_status" -eq "$tap_expected" ]; then
		ok "$tap_text"
	else
		echo "status $tap_status" >>output
		not_ok "$tap_text" <output
	fi
}

# says PATTERN TEXT
says() {
	has output "$1" "$2"
}

cat >module.c <<'END'
long print(const char *text, unsigned long length);
long twice(long value);
long shout(void);
long twice(long value)
{
	return 2 * value;
}
__attribute__((visibility("default"))) long shout(void)
{
	return print("!", 1);
}
END
echo 'char nothing_has_this(void);
int main(void) { return nothing_has_this(); }' >conftest.c
printf '# what this host has\nprint\n' >services

status_of 0 "--show prints the command" "$cc" --show -c x.c
says '-fPIC .*-c x\.c .*-fPIC' "a module's options come first and last"
status_of 0 "-h" "$cc" -h
status_of 0 "--version" "$cc" --version
says '^modiso-cc \(libmodiso\) [0-9]' "of the library"
says 'Free Software|clang' "and of the compiler"

status_of 0 "CC=modiso-cc is not called by itself" \
	env CC="$cc" "$cc" -c module.c
status_of 0 "nor with options" env CC="$cc --services=x" "$cc" -c module.c
status_of 2 "MODISO_CC=modiso-cc is refused" \
	env MODISO_CC=modiso-cc "$cc" -c module.c
says 'is modiso-cc itself: say in MODISO_CC' "in words"
status_of 2 "and under another name as well" \
	env CC="$scratch/bin/x86_64-module-linux-gnu-gcc" "$cc" -c module.c
says 'x86_64-module-linux-gnu-gcc' "which is told"

status_of 0 "what is asked of a compiler goes there" "$cc" -dumpmachine
says '^x86_64-' "and is answered"
status_of 0 "what is asked of the linker too" "$cc" -Wl,--version
status_of 2 "no argument" "$cc"
says 'no input files' "is wrong usage"
status_of 1 "no input" "$cc" -O2 -o x.so
says 'no input files' "is the compiler's to say"
status_of 2 "an option without its value" "$cc" --abi
status_of 2 "a tag that is none" "$cc" --abi 'a b' module.c
status_of 2 "exports that are no names" "$cc" --export 'a;b' module.c
status_of 2 "services that are not there" "$cc" --services no module.c

status_of 0 "host programs' options do no harm" "$cc" -O2 -fPIE -pie \
	-D_FORTIFY_SOURCE=2 -fcf-protection -o pie.so module.c -lc
status_of 0 "no library comes of -lc" sh -c '! objdump -p pie.so | grep NEEDED'
status_of 0 "parts of a module are joined" "$cc" -r -o joined.o module.o

status_of 0 "a name that nobody has is a service's" "$cc" -o c.so conftest.c
status_of 1 "with --services it is an error" \
	"$cc" --services services -o none.so conftest.c
says 'nothing_has_this' "it is named"
status_of 1 "there is no such module" test -e none.so
status_of 0 "one that is listed is none" \
	"$cc" --services services -o m.so module.c
echo 'long print(const char *text, unsigned long length)
{ return text[length - 1]; }' >part.c
${CC:-cc} -fPIC -shared -o libpart.so part.c
"$cc" -O2 --export print -c part.c && ar rc libpart.a part.o
status_of 0 "-l takes an archive, as no library can be needed" "$cc" \
	--services /dev/null -o a.so module.c -L. -lpart
status_of 1 "a library that is named is an error" "$cc" \
	--services services -o none.so module.c ./libpart.so
says 'libpart\.so' "it is named"
status_of 1 "nor does it help to insist" "$cc" --services services -o none.so \
	-Wl,--no-as-needed,-Bdynamic module.c -L. -lpart
says 'needs library .*libpart' "it is named"

echo 'void *malloc(unsigned long size);
void free(void *block);
void *pair(void); void *pair(void) { free(malloc(1)); return malloc(2); }' \
	>pair.c
echo malloc >heap
status_of 0 "--heap: blocks many at a time, and a service more" \
	"$cc" --heap --services heap --export pair -o pair.so pair.c
status_of 0 "it is asked for" sh -c "'$nm' -D pair.so | grep -w \
	'U modiso_heap_batch' && ! '$nm' -D pair.so | grep -w free"
mkdir lib && : >lib/libc.a
status_of 2 "not with --libc" env MODISO_LIBC="$scratch" \
	"$cc" --heap --libc -o none.so pair.c
says 'a malloc of its own' "in words"

mkdir include
echo 'struct some { int of(int); }; int some::of(int x) { return x; }' >some.cc
status_of 0 "C++ that needs no library, where there is none" \
	env MODISO_LIBC="$scratch" "$top_builddir/tools/modiso-c++" --libc -c some.cc
echo '#include <string>' >needs.cc
status_of 1 "and one that does" \
	env MODISO_LIBC="$scratch" "$top_builddir/tools/modiso-c++" --libc -c needs.cc
says 'there is no C\+\+ library in .* modiso-libc build-c\+\+ makes' \
	"is told what makes it"

status_of 0 "an archive alone" "$cc" --services /dev/null --export print \
	-o b.so -L. -lpart

# exports FILE NAME... - exactly these, and the stack protector's variable
exports() {
	"$nm" -D --defined-only "$1" | awk '{ print $3 }' |
		grep -vxE '__stack_chk_guard' | sort | tr '\n' ' ' >output
	shift
	[ "$(cat output)" = "$* " ]
}
status_of 0 "hidden unless it says otherwise" exports m.so shout
status_of 0 "--export says what is exported" \
	"$cc" --export twice -o e.so module.c
status_of 0 "that, and no more" exports e.so twice
"$cc" --export=twice,shout -fstack-protector-all -o e.so module.c
status_of 0 "several" exports e.so shout twice
status_of 0 "the stack protector's variable stays the loader's" \
	sh -c "'$nm' -D e.so | grep -q __stack_chk_guard"
# In an archive nothing but the list asks for it.
"$cc" --export=x -c module.c && ar rc libmodule.a module.o
status_of 0 "out of an archive" "$cc" --export=twice -o e.so libmodule.a
status_of 0 "that as well" exports e.so twice
status_of 1 "what is not there cannot be exported" \
	"$cc" --export=twice,thrice -o none.so module.c
says 'thrice is to be exported, and' "it is named"
# Compiled to be hidden.
"$cc" -c module.c && rm libmodule.a && ar rc libmodule.a module.o
status_of 0 "what was compiled to be hidden can be" \
	"$cc" --export=twice,shout -o e.so module.o
status_of 0 "by its name" exports e.so shout twice
status_of 0 "out of an archive as well" \
	"$cc" --export=twice -o e.so libmodule.a
status_of 0 "and no more of it" exports e.so twice
# What is its own C library's, which is hidden as a whole.
mkdir -p libc/lib libc/include
cat >libc.c <<'END'
int modiso_syscall(int), called(int word), __modiso_libc, main;
int called(int word)
{
	return modiso_syscall(word);
}
int asked(int word)
{
	return called(word) + 1;
}
END
"$cc" -w -c libc.c && ar rc libc/lib/libc.a libc.o
echo 'int own(int word) { return 2 * word; }' >own.c
status_of 0 "and functions of the C library" env MODISO_LIBC="$PWD/libc" \
	"$cc" --libc --export=own,asked,called -o e.so own.c
status_of 0 "which is hidden but for these" exports e.so asked called own
echo 'int number __attribute__((visibility("hidden"))) = 1;' >data.c
status_of 1 "but not data" "$cc" --export=number -o none.so data.c
says 'number is to be exported, and is hidden where it is defined' \
	"which is told apart"
status_of 0 "what may be missing" "$cc" --export='?twice,?thrice' -o e.so module.c
status_of 0 "is exported if it is there" exports e.so twice
status_of 0 "and if it is hidden" "$cc" --export='shout,?twice' -o e.so module.o
status_of 0 "all the same" exports e.so shout twice

# Distances from code to data, of which some look like system calls.
cat >far.S <<'END'
	.globl	word
	.type	word, @function
word:
	.set	i, 0
	.rept	256
	lea	table + 0x50000 + i * 0x101(%rip), %rax
	.set	i, i + 1
	.endr
	mov	table + 0x50000(%rip), %rax
	ret
	.size	word, . - word
	.data
table:	.skip	0x50000
	.quad	4711
	.skip	0x20000
	.section .note.GNU-stack, "", @progbits
END
near=$("$cc" --export=word -c far.S && ld -shared -o near.so far.o &&
	"$top_builddir/tools/modiso-scan" near.so | sed -n '$s/ .*//p')
status_of 0 "code and data that lie badly to each other" test "$near" -gt 0
status_of 0 "are put where they do not" \
	"$top_builddir/tools/modiso-cc" --export=word -o far.so far.o
status_of 0 "no instruction is forbidden there" \
	"$top_builddir/tools/modiso-scan" far.so
status_of 0 "and it is the same module" \
	"$top_builddir/tools/modiso-run" --call word --expect 4711 far.so

# Distances from code to code that only the linker knows: of a call, a jump, a
# jump on a condition, and of a call whose own byte is the middle one.
cat >calls.S <<'END'
	.globl	calls, plus
	.type	calls, @function
	.type	plus, @function
calls:
	mov	%rdi, %rax
	push	%r13
	.rept	60
	call	plus
	.endr
	cmp	%rax, %rdi
	mov	%rdx, %r13
	call	other
from:	pop	%r13
	test	%rdi, %rdi
	je	plus
	.rept	60
	jmp	plus
	.endr
	.size	calls, . - calls
	.org	from - calls + 0x34005
	.globl	other
	.type	other, @function
other:	jmp	plus
	.size	other, . - other
	.org	0x510f9
	.section .text.plus, "ax", @progbits
plus:	inc	%rax
	ret
	.size	plus, . - plus
	.section .note.GNU-stack, "", @progbits
END
near=$("$cc" --export=calls -c calls.S && ld -shared -Bsymbolic -o near.so \
	calls.o && "$top_builddir/tools/modiso-scan" near.so | sed -n '$s/ .*//p')
status_of 0 "calls and jumps of bad distances" test "$near" -gt 40
for strip in -Wl,-O1 -s; do
	status_of 0 "$strip: go another way" "$top_builddir/tools/modiso-cc" \
		$strip --export=calls -o calls.so calls.o
	says 'calls\.so: .*\(0f 05\) goes by a jump' "which is told"
	status_of 0 "no instruction is forbidden there" \
		"$top_builddir/tools/modiso-scan" calls.so
	for value in 0 5; do
		status_of 0 "and it is the same module" \
			"$top_builddir/tools/modiso-run" --call calls $value \
			--expect $((value + 62)) calls.so
	done
done

echo 'void call(void); void call(void) { __asm__ ("syscall"); }' >call.c
status_of 0 "an instruction that is one stays" \
	"$top_builddir/tools/modiso-cc" --export=call -o call.so call.c
status_of 1 "and is found" "$top_builddir/tools/modiso-scan" call.so

finish
