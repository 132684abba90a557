package main

import (
	"crypto/x509/pkix"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
)

// writeBenchCases writes what is measured: each key and envelope, a chain of
// three with P-256 authorities, a named identity, no revocation check.
func writeBenchCases(root string) error {
	r := mrand.New(mrand.NewPCG(1, 2))
	subject := func(name string) pkix.Name {
		return pkix.Name{
			Country:      []string{"US"},
			Province:     []string{"WA"},
			Organization: []string{"Acme Rockets"},
			CommonName:   name,
		}
	}
	for _, kind := range keyKinds {
		c, err := newChain(chainPlan{
			leaf:      kind,
			length:    3,
			subjects:  []pkix.Name{subject("Signer"), subject("Issuing CA"), subject("Root CA")},
			notBefore: time.Now().Add(-24 * time.Hour),
			notAfter:  time.Now().Add(24 * 365 * time.Hour),
		}, keyring{})
		if err != nil {
			return err
		}
		for _, format := range formats {
			id := fmt.Sprintf("bench-%s-%s", strings.ToLower(string(kind)), shortName(format, signature.SigningSchemeX509))
			target := randomTarget(r)
			plan := signPlan{
				mediaType:   format,
				scheme:      signature.SigningSchemeX509,
				target:      target,
				signingTime: time.Now().Truncate(time.Second),
				expiry:      time.Now().Add(24 * time.Hour).Truncate(time.Second),
				agent:       "interop/1.0",
			}
			envelope, err := signEnvelope(plan, c)
			if err != nil {
				return err
			}
			w := newWorld(filepath.Join(root, "cases", id), id, id, plan, target)
			skip := map[trustpolicy.ValidationType]trustpolicy.ValidationAction{
				trustpolicy.TypeRevocation: trustpolicy.ActionSkip,
			}
			w.file.TrustPolicy = policyFor(scope, "ca:fresh", []string{"x509.subject: C=US, ST=WA, O=Acme Rockets"}, skip)
			w.file.TrustStores = map[string][]string{"ca:fresh": {"anchor.pem"}}
			if err := w.save(c, c.certs[2], envelope); err != nil {
				return err
			}
		}
	}
	return nil
}

// bench measures verifications of one envelope in this process.
func (s *server) bench(req request) (answer, error) {
	mode := storeOnDisk
	if req.Memory {
		mode = storeInMemory
	}
	w, err := s.world(req.Case, mode)
	if err != nil {
		return answer{}, err
	}
	if req.Iterations < 1 {
		return answer{}, errors.New("iterations must be positive")
	}
	mediaType, envelope := req.MediaType, req.Envelope
	if v := w.verify(mediaType, envelope); v.Overall != "pass" {
		return answer{}, fmt.Errorf("the envelope does not verify: %s", v.Error)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range req.Iterations {
		if v := w.verify(mediaType, envelope); v.Overall != "pass" {
			return answer{}, errors.New("a verification failed")
		}
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	n := float64(req.Iterations)
	return answer{
		Nanos:  float64(elapsed.Nanoseconds()) / n,
		Allocs: float64(after.Mallocs-before.Mallocs) / n,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, nil
}
