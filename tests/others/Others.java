// SPDX-License-Identifier: MIT

/**
 * A Java program with modules. The virtual machine makes null checks and
 * safepoints of SIGSEGV, and finds the end of its stacks by it.
 */
public final class Others {
	private static native void start();

	private static native int callGood();

	private static native int callBad();

	private static final int OK = 0;
	private static final int FAULT = -13;

	private int value = 3;
	private static volatile Object garbage;

	private static void check(String when, boolean good) {
		if (!good) {
			System.out.println(when);
			System.exit(1);
		}
	}

	private static void use(String when) {
		check(when + ": a good call", callGood() == OK);
		check(when + ": a call that faults", callBad() == FAULT);
	}

	/* Compiled code has no test for null here: it lets the access fault. */
	private static int read(Others others) {
		return others.value;
	}

	private static boolean nullIsFound() {
		try {
			return read(null) == 1;
		} catch (NullPointerException expected) {
			return true;
		}
	}

	private static int recurse(int depth) {
		return recurse(depth + 1) + 1;
	}

	private static boolean overflowIsFound() {
		try {
			return recurse(0) == 1;
		} catch (StackOverflowError expected) {
			return true;
		}
	}

	private static void work() {
		Others others = new Others();
		int sum = 0;
		for (int round = 0; round < 200; round++) {
			use("in round " + round);
			for (int i = 0; i < 20000; i++)
				sum += read(others);
			check("a null pointer", nullIsFound());
			garbage = new byte[1 << 20];
			if (round % 50 == 49) {
				check("a deep recursion", overflowIsFound());
				System.gc();
			}
		}
		check("a sum", sum == 3 * 20000 * 200);
	}

	public static void main(String[] arguments) throws Exception {
		System.load(arguments[0]);
		check("before: a null pointer", nullIsFound());
		start();
		use("on the main thread");
		check("a null pointer", nullIsFound());
		check("a deep recursion", overflowIsFound());
		use("after a deep recursion");
		Thread[] threads = new Thread[4];
		for (int i = 0; i < threads.length; i++) {
			threads[i] = new Thread(Others::work);
			threads[i].start();
		}
		for (Thread thread : threads)
			thread.join();
		use("at the end");
	}
}
