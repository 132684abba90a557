// Command interop is the reference implementation (notation-go) as the tests
// and benches of this project need it: fresh signatures, verdicts over a pipe,
// timings in one process, and the demo data.
package main

import (
	"fmt"
	"os"
)

const usage = `usage:
  interop sign DIR [COUNT]   write COUNT case folders (default: every combination once) to DIR
  interop bench-cases DIR    write one case for each key and envelope, chain of three, to DIR
  interop server             answer requests, one JSON object a line, on standard input
  interop crl FILE SERIALS   time reading a CRL and looking serial numbers up in it
  interop demo DIR           write the demo layouts, trust store and policies to DIR`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) >= 2 && len(args) <= 3 && args[0] == "sign":
		return writeCases(args[1:])
	case len(args) == 2 && args[0] == "bench-cases":
		return writeBenchCases(args[1])
	case len(args) == 1 && args[0] == "server":
		return serve(os.Stdin, os.Stdout)
	case len(args) == 3 && args[0] == "crl":
		return measureList(args[1], args[2])
	case len(args) == 2 && args[0] == "demo":
		return writeDemo(args[1])
	default:
		return fmt.Errorf("wrong arguments\n%s", usage)
	}
}
