// SPDX-License-Identifier: MIT

// A Go program with modules: its run time sends itself SIGURG to preempt
// goroutines, turns SIGSEGV into panics, and insists on its own signal stack.
package main

/*
#include "host.h"

static int call_good_in_go(void) { return call_good(); }
static int call_bad_in_go(void) { return call_bad(); }
static void start_in_go(void) { start(); }
*/
import "C"

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

type record struct{ values [100]int }

func check(when string) {
	if code := C.call_good_in_go(); code != C.MODISO_OK {
		fmt.Println(when, "a good call:", code,
			C.GoString(C.modiso_last_error_text()))
		os.Exit(1)
	}
	if code := C.call_bad_in_go(); code != C.MODISO_ERR_FAULT {
		fmt.Println(when, "a call that faults:", code,
			C.GoString(C.modiso_last_error_text()))
		os.Exit(1)
	}
}

// A nil pointer is a panic that can be recovered from.
func recovered(r *record) (caught bool) {
	defer func() { caught = recover() != nil }()
	return r.values[3] == 0
}

func checkPanic(when string) {
	if !recovered(nil) {
		fmt.Println(when, "a nil pointer was no panic")
		os.Exit(1)
	}
}

func collections() uint32 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.NumGC
}

func main() {
	C.start_in_go()
	runtime.LockOSThread()
	checkPanic("before")
	check("on the main thread:")
	checkPanic("on a thread that has been in a module")

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	<-signals

	var workers sync.WaitGroup
	for n := 0; n < 4; n++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			runtime.LockOSThread()
			sum := 0
			for round := 0; round < 300 || collections() < 100; round++ {
				// Long enough to be preempted.
				for i := 0; i < 1000000; i++ {
					sum ^= i
				}
				check("beside the collector:")
				checkPanic("beside the collector")
				_ = make([]byte, 1<<20)
			}
		}()
	}
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	workers.Wait()
	close(stop)
	check("at the end:")
}
