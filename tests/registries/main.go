// Command registries is what the tests need around real registries: two of them
// that are Go libraries, a token server, and a client that pushes images and
// signatures of every form.
package main

import (
	"fmt"
	"os"
)

const usage = `usage:
  registries authority DIR    write certificates, keys and an htpasswd file to DIR
  registries notation DIR     write a configuration folder of notation, with keys, to DIR
  registries serve [flags]    run a registry: olareg, or that of go-containerregistry
  registries token [flags]    run a token server
  registries push [flags]     push what standard input asks for, one JSON object a line
  registries sign-files [flags] DIR...   sign the payload files of DIR in place
  registries bench-push [flags]     push signed images, many
  registries bench-verify [flags]   verify them with notation-go in this process`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "registries:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "authority":
			if len(args) == 2 {
				return writeAuthority(args[1])
			}
		case "notation":
			if len(args) == 2 {
				return writeNotation(args[1])
			}
		case "serve":
			return serveRegistry(args[1:])
		case "token":
			return serveTokens(args[1:])
		case "push":
			return push(args[1:], os.Stdin, os.Stdout)
		case "sign-files":
			return signFiles(args[1:])
		case "bench-push":
			return benchPush(args[1:])
		case "bench-verify":
			return benchVerify(args[1:])
		}
	}
	return fmt.Errorf("wrong arguments\n%s", usage)
}
