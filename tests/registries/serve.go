package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	"golang.org/x/crypto/bcrypt"
)

// listener is what every server of this program has on its command line.
type listener struct {
	address, certificate, key string
}

func (l *listener) flags(set *flag.FlagSet) {
	set.StringVar(&l.address, "listen", "127.0.0.1:0", "address")
	set.StringVar(&l.certificate, "cert", "", "certificate file, for TLS")
	set.StringVar(&l.key, "key", "", "key file, for TLS")
}

// serve says on standard output where it listens, and ends when standard input
// does: then the test that started it is gone.
func (l *listener) serve(handler http.Handler) error {
	socket, err := net.Listen("tcp", l.address)
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("listening on %s\n", socket.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	if l.certificate == "" {
		return server.Serve(socket)
	}
	return server.ServeTLS(socket, l.certificate, l.key)
}

// serveRegistry runs one of the two registries that are Go libraries. Neither
// knows accounts, so that stands in front of them.
func serveRegistry(args []string) error {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	var at listener
	at.flags(set)
	kind := set.String("kind", "", "olareg or ggcr")
	accounts := set.String("htpasswd", "", "htpasswd file, for basic authentication")
	var tokens tokenCheck
	set.StringVar(&tokens.realm, "token-realm", "", "URL of the token server, for bearer authentication")
	set.StringVar(&tokens.roots, "token-roots", "", "certificate of the token server")
	page := set.Int64("referrers-page", 0, "largest page of referrers in bytes, olareg only")
	if err := set.Parse(args); err != nil {
		return err
	}

	var handler http.Handler
	switch *kind {
	case "olareg":
		conf := config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}}
		conf.API.Referrer.Limit = *page
		conf.Storage.GC.Frequency = -1
		yes := true
		conf.API.DeleteEnabled = &yes
		handler = olareg.New(conf)
	case "ggcr":
		handler = registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	default:
		return fmt.Errorf("there is no registry %q", *kind)
	}
	switch {
	case *accounts != "":
		check, err := readAccounts(*accounts)
		if err != nil {
			return err
		}
		handler = basic(handler, check)
	case tokens.realm != "":
		if err := tokens.load(); err != nil {
			return err
		}
		handler = tokens.guard(handler)
	}
	return at.serve(newCounter(handler))
}

// accounts tells whether a name and password are right.
type accounts func(name, secret string) bool

// readAccounts reads an htpasswd file with bcrypt hashes.
func readAccounts(path string) (accounts, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	hashes := map[string][]byte{}
	for line := range strings.Lines(string(data)) {
		name, hash, found := strings.Cut(strings.TrimSpace(line), ":")
		if !found {
			return nil, fmt.Errorf("%s: not an htpasswd file", path)
		}
		hashes[name] = []byte(hash)
	}
	return func(name, secret string) bool {
		hash, known := hashes[name]
		return known && bcrypt.CompareHashAndPassword(hash, []byte(secret)) == nil
	}, nil
}

func basic(next http.Handler, check accounts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, secret, given := r.BasicAuth()
		if !given || !check(name, secret) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Registry"`)
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers as the distribution specification has errors.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{
		"errors": []map[string]string{{"code": code, "message": message}},
	})
}

// counter counts requests by what they ask for; GET /-/counts tells and resets.
type counter struct {
	next   http.Handler
	mutex  sync.Mutex
	counts map[string]int
}

func newCounter(next http.Handler) *counter {
	return &counter{next: next, counts: map[string]int{}}
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mutex.Lock()
	if r.URL.Path == "/-/counts" {
		counts := c.counts
		c.counts = map[string]int{}
		c.mutex.Unlock()
		json.NewEncoder(w).Encode(counts)
		return
	}
	c.counts[r.Method+" "+kindOf(r.URL.Path)]++
	c.mutex.Unlock()
	c.next.ServeHTTP(w, r)
}

func kindOf(path string) string {
	for _, kind := range []string{"referrers", "manifests", "blobs", "tags"} {
		if strings.Contains(path, "/"+kind+"/") {
			return kind
		}
	}
	return "other"
}
