// SPDX-License-Identifier: MIT

// A library in Go for a program in C.
package main

import "C"

import "runtime"

type record struct{ values [100]int }

func recovered(r *record) (caught bool) {
	defer func() { caught = recover() != nil }()
	return r.values[3] == 0
}

//export shared_work
func shared_work() C.int {
	for n := 0; n < 20; n++ {
		if !recovered(nil) {
			return 1
		}
		runtime.GC()
	}
	return 0
}

func main() {}
