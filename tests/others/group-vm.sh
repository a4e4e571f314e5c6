# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-vm.sh - what the groups before this one have built and fits into the
# virtual machine, there, with protection keys.

jobs=$scratch/vm.jobs
set -- --dir "$scratch" --no-skip \
	--env MODISO_BACKEND=pkey --env LD_LIBRARY_PATH=/t

# job PROGRAM [ARGUMENT]... - if it was built.
job() {
	[ ! -x "$scratch/$1" ] || echo "status $*" >>"$jobs"
}

: >"$jobs"
for when in first between last last-global; do
	[ ! -e "$scratch/libreporter.so" ] ||
		job reporter $when libreporter.so reporter_install 77
done
job jump
job alarms
job indirect_linked
job indirect libplugin.so
job cxx
job threads
job threads spawn
job policy nothing
job policy closed
job go_static
[ ! -x "$scratch/seccomp" ] || for call in $("$scratch/seccomp"); do
	job seccomp "$call"
done

# A test program of cargo's, by the name of its file.
for name in gates services memory; do
	found=$(find "$top_builddir/tests/rust/target/debug/deps" -maxdepth 1 \
		-name "$name-*" -type f -perm -u+x 2>/dev/null |
		xargs -r ls -t 2>/dev/null | head -n 1)
	[ -n "$found" ] || continue
	cp "$found" "$scratch/rust-$name"
	echo "status MODISO_TEST_IMAGE=/t/image.so rust-$name" >>"$jobs"
done

# CPython with the modules of its library that the tests load, found by running
# them here.
if [ -n "$PYTHON" ] && [ -d "$scratch" ]; then
	python_tests='test_gate test_image test_region test_service'
	cat >"$scratch/listing.py" <<'END'
import os, sys, unittest
sys.path.insert(0, sys.argv[1])
import support
if sys.argv[2:]:
    support.build(sys.argv[2])
    os.environ["MODISO_TEST_BUILT"] = sys.argv[2]
names = "test_gate test_image test_region test_service".split()
suite = unittest.defaultTestLoader.loadTestsFromNames(names)
good = unittest.TextTestRunner(sys.stderr).run(suite).wasSuccessful()
import encodings.ascii, encodings.latin_1, importlib.util, runpy, subprocess
print(os.path.join(os.path.dirname(unittest.__file__), "__main__.py"))
for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None)
    if path and path.startswith(sys.base_prefix + "/lib/"):
        print(path)
sys.exit(not good)
END
	python=$("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys.executable))')
	home=$("$PYTHON" -c 'import sys; print(sys.base_prefix)')
	if in_python "$PYTHON" "$scratch/listing.py" \
		"$top_srcdir/bindings/python/tests" "$scratch" \
		>"$scratch/listing" 2>"$scratch/output"; then
		while read -r file; do
			set -- "$@" --file "$file"
		done <"$scratch/listing"
		set -- "$@" --dir "$top_srcdir/bindings/python" \
			--dir "$top_srcdir/bindings/python/tests" --dir "$here" \
			--file native.so --file image.so --file support.py
		for file in "$top_srcdir"/bindings/python/modiso/*.py; do
			set -- "$@" --file "modiso/${file##*/}"
		done
		for name in $python_tests; do
			set -- "$@" --file "$name.py"
		done
		words="status PYTHONHOME=$home PYTHONPATH=/t"
		words="$words PYTHONDONTWRITEBYTECODE=1 MODISO_TEST_BUILT=/t $python"
		echo "$words -m unittest $python_tests" >>"$jobs"
		for when in first last; do
			echo "$words faulthandler_host.py $when" >>"$jobs"
		done
	else
		not_ok "CPython for the virtual machine" <"$scratch/output"
	fi
fi

for kernel in ${MODISO_OTHERS_KERNELS-6.1 6.12}; do
	"$top_srcdir/tests/vm/run.sh" --kernel "$kernel" "$@" --jobs "$jobs" \
		>"$scratch/vm.tap" 2>"$scratch/vm.err"
	status=$?
	# Its results become results of this run.
	: >"$scratch/said"
	while read -r line; do
		case $line in
		'ok '*) ok "Linux $kernel: ${line#ok * - }" ;;
		'not ok '*)
			not_ok "Linux $kernel: ${line#not ok * - }" \
				<"$scratch/said"
			;;
		*)
			echo "$line" >>"$scratch/said"
			continue
			;;
		esac
		: >"$scratch/said"
	done <"$scratch/vm.tap"
	if [ ! -s "$jobs" ] || ! grep -q '^ok' "$scratch/vm.tap"; then
		not_ok "Linux $kernel: the virtual machine ($status)" \
			<"$scratch/vm.err"
	fi
done
