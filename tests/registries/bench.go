package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	notationregistry "github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
)

// How many images share a repository: registries that keep an index of each slow
// down with its length, and a build has many.
const imagesInRepository = 20

// benchPush pushes images, each with one signature of one chain, and as many unsigned ones as asked for; writes their references to
// files, and a configuration that trusts the chain.
func benchPush(args []string) error {
	set := flag.NewFlagSet("bench-push", flag.ContinueOnError)
	var to remoteFlags
	to.flags(set)
	signed := set.Int("signed", 1000, "signed images")
	unsigned := set.Int("unsigned", 0, "unsigned images")
	algorithm := set.String("algorithm", "ES384", "ES384 or PS384")
	out := set.String("out", "", "folder for signed.txt, unsigned.txt and notation/")
	if err := set.Parse(args); err != nil {
		return err
	}
	client, err := to.client(8)
	if err != nil {
		return err
	}
	chain, key, err := newChain(*algorithm)
	if err != nil {
		return err
	}
	if err := writeTrust(filepath.Join(*out, "notation"), chain[len(chain)-1]); err != nil {
		return err
	}
	signer, err := signature.NewLocalSigner(chain, key)
	if err != nil {
		return err
	}
	p := &pusher{ctx: context.Background(), remote: to, client: client}
	references := make([]string, *signed+*unsigned)
	err = parallel(4, len(references), func(i int) error {
		name := fmt.Sprintf("bench/app-%d", i/imagesInRepository)
		repository, err := to.repository(client, name)
		if err != nil {
			return err
		}
		image, err := benchImage(p, repository, fmt.Sprintf("%s %d", *algorithm, i))
		if err != nil {
			return err
		}
		references[i] = to.registry + "/" + name + "@" + image.Digest.String()
		if i >= *signed {
			return nil
		}
		return benchSign(p, repository, image, signer)
	})
	if err != nil {
		return err
	}
	for name, list := range map[string][]string{"signed.txt": references[:*signed], "unsigned.txt": references[*signed:]} {
		if err := writeFile(filepath.Join(*out, name), []byte(strings.Join(list, "\n")+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// parallel calls work with each number below count.
func parallel(workers, count int, work func(int) error) error {
	numbers := make(chan int)
	var group sync.WaitGroup
	var mutex sync.Mutex
	var failure error
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range numbers {
				if err := work(i); err != nil {
					mutex.Lock()
					failure = errors.Join(failure, fmt.Errorf("%d: %w", i, err))
					mutex.Unlock()
				}
			}
		}()
	}
	for i := range count {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	return failure
}

func benchImage(p *pusher, to *remote.Repository, text string) (ocispec.Descriptor, error) {
	one := &pusher{ctx: p.ctx, remote: p.remote, client: p.client, order: order{Text: text}}
	return one.image(to)
}

func benchSign(p *pusher, to *remote.Repository, image ocispec.Descriptor, signer signature.Signer) error {
	payload, err := json.Marshal(map[string]any{"targetArtifact": image})
	if err != nil {
		return err
	}
	const mediaType = "application/cose"
	envelope, err := signature.NewEnvelope(mediaType)
	if err != nil {
		return err
	}
	data, err := envelope.Sign(&signature.SignRequest{
		Payload:       signature.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json", Content: payload},
		Signer:        signer,
		SigningTime:   time.Now().Truncate(time.Second),
		SigningScheme: signature.SigningSchemeX509,
		SigningAgent:  "bench/1.0",
	})
	if err != nil {
		return err
	}
	layer, err := p.blob(to, mediaType, data)
	if err != nil {
		return err
	}
	config, err := p.blob(to, ocispec.MediaTypeEmptyJSON, []byte("{}"))
	if err != nil {
		return err
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: artifactTypeNotation,
		Config:       config,
		Layers:       []ocispec.Descriptor{layer},
		Subject:      &image,
	})
	if err != nil {
		return err
	}
	_, err = p.manifest(to, ocispec.MediaTypeImageManifest, "", json.RawMessage(manifest))
	return err
}

// benchVerify verifies the references of a file: goroutines, one client, one
// verifier, as a program would that embeds notation-go.
func benchVerify(args []string) error {
	set := flag.NewFlagSet("bench-verify", flag.ContinueOnError)
	var from remoteFlags
	from.flags(set)
	list := set.String("from", "", "file of references")
	configuration := set.String("config", "", "configuration folder of notation")
	workers := set.Int("workers", 8, "goroutines")
	if err := set.Parse(args); err != nil {
		return err
	}
	dir.UserConfigDir = *configuration
	references, err := readLines(*list)
	if err != nil {
		return err
	}
	policy, err := trustpolicy.LoadDocument()
	if err != nil {
		return err
	}
	judge, err := verifier.New(policy, truststore.NewX509TrustStore(dir.ConfigFS()), nil)
	if err != nil {
		return err
	}
	client, err := from.client(*workers)
	if err != nil {
		return err
	}
	start := time.Now()
	err = parallel(*workers, len(references), func(i int) error {
		name := strings.TrimPrefix(references[i], from.registry+"/")
		name, _, _ = strings.Cut(name, "@")
		repository, err := from.repository(client, name)
		if err != nil {
			return err
		}
		_, _, err = notation.Verify(context.Background(), judge, notationregistry.NewRepository(repository), notation.VerifyOptions{
			ArtifactReference:    references[i],
			MaxSignatureAttempts: 100,
		})
		return err
	})
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"images":  len(references),
		"seconds": elapsed.Seconds(),
		"cpu":     cpu.Seconds(),
		"peak":    usage.Maxrss,
	})
}

func readLines(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []string
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, scanner.Err()
}
