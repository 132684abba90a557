package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	corecrl "github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/plugin"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/crl"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// caseFile is case.json of the conformance corpus, kind `oci`.
type caseFile struct {
	ID                string                `json:"id"`
	Title             string                `json:"title"`
	Category          string                `json:"category"`
	Kind              string                `json:"kind"`
	EnvelopeMediaType string                `json:"envelope_media_type"`
	Signature         string                `json:"signature"`
	ArtifactReference string                `json:"artifact_reference"`
	Target            ocispec.Descriptor    `json:"target"`
	TrustPolicy       *trustpolicy.Document `json:"trust_policy"`
	TrustStores       map[string][]string   `json:"trust_stores"`
	UserMetadata      map[string]string     `json:"user_metadata,omitempty"`
	Evidence          map[string]string     `json:"evidence,omitempty"`
	Expected          verdict               `json:"expected"`
	Reference         string                `json:"reference"`
	Spec              string                `json:"spec"`
}

// verdict is the member `expected` of a case, and the answer to a request.
type verdict struct {
	Overall       string       `json:"overall"`
	Skipped       bool         `json:"skipped"`
	Validations   []validation `json:"validations,omitempty"`
	Error         string       `json:"error,omitempty"`
	ErrorCategory string       `json:"error_category,omitempty"`
}

type validation struct {
	Type    string `json:"type"`
	Action  string `json:"action"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
}

// world is a case with everything that its verification needs, loaded once.
type world struct {
	file     caseFile
	verifier notation.Verifier
	folder   string
}

// storeMode says how the reference reads trust stores.
type storeMode int

const (
	// storeOnDisk is what notation-go has: files, read at each verification.
	storeOnDisk storeMode = iota
	// storeInMemory reads through storeOnDisk once and keeps the answer.
	storeInMemory
)

// loadWorld reads a case folder, which it does not change: root is where the
// trust stores are laid out.
func loadWorld(folder, root string, mode storeMode) (*world, error) {
	data, err := os.ReadFile(filepath.Join(folder, "case.json"))
	if err != nil {
		return nil, err
	}
	w := &world{folder: folder}
	if err := json.Unmarshal(data, &w.file); err != nil {
		return nil, err
	}
	return w, w.open(root, mode)
}

// open lays the trust stores out below root, as the reference expects them, and
// makes the verifier.
func (w *world) open(root string, mode storeMode) error {
	for name, files := range w.file.TrustStores {
		kind, store, _ := strings.Cut(name, ":")
		target := filepath.Join(root, "truststore", "x509", kind, store)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(w.folder, file))
			if err != nil {
				return err
			}
			if err := writeFile(filepath.Join(target, filepath.Base(file)), data); err != nil {
				return err
			}
		}
	}
	store := truststore.NewX509TrustStore(dir.NewSysFS(root))
	if mode == storeInMemory {
		store = &rememberingStore{inner: store, known: map[string]storeAnswer{}}
	}
	var options verifier.VerifierOptions
	if len(w.file.Evidence) > 0 {
		if err := cacheEvidence(&options, filepath.Join(root, "crl")); err != nil {
			return err
		}
	}
	var err error
	w.verifier, err = verifier.NewWithOptions(w.file.TrustPolicy, store, noPlugins{}, options)
	return err
}

// cacheEvidence makes the verifier keep CRLs in folder, as the notation command
// does. There is no cache for OCSP answers.
func cacheEvidence(options *verifier.VerifierOptions, folder string) error {
	fetcher, err := corecrl.NewHTTPFetcher(&http.Client{Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	if fetcher.Cache, err = crl.NewFileCache(folder); err != nil {
		return err
	}
	validator := func(use purpose.Purpose) (revocation.Validator, error) {
		return revocation.NewWithOptions(revocation.Options{
			OCSPHTTPClient:   &http.Client{Timeout: 2 * time.Second},
			CRLFetcher:       fetcher,
			CertChainPurpose: use,
		})
	}
	if options.RevocationCodeSigningValidator, err = validator(purpose.CodeSigning); err != nil {
		return err
	}
	options.RevocationTimestampingValidator, err = validator(purpose.Timestamping)
	return err
}

// verify asks the reference about an envelope.
func (w *world) verify(mediaType string, envelope []byte) verdict {
	outcome, err := w.verifier.Verify(context.Background(), w.file.Target, envelope, notation.VerifierVerifyOptions{
		ArtifactReference:  w.file.ArtifactReference,
		SignatureMediaType: mediaType,
		UserMetadata:       w.file.UserMetadata,
	})
	v := verdict{Overall: "pass"}
	if err != nil {
		v.Overall = "fail"
		v.Error = err.Error()
	}
	if outcome == nil {
		return v
	}
	if outcome.VerificationLevel != nil && outcome.VerificationLevel.Name == trustpolicy.LevelSkip.Name {
		v.Skipped = true
	}
	for _, result := range outcome.VerificationResults {
		entry := validation{Type: string(result.Type), Action: string(result.Action), OK: result.Error == nil}
		if result.Error != nil {
			entry.Message = result.Error.Error()
		}
		v.Validations = append(v.Validations, entry)
	}
	return v
}

type storeAnswer struct {
	certs []*x509.Certificate
	err   error
}

// rememberingStore keeps the answers of another store. It is not safe for
// concurrent use.
type rememberingStore struct {
	inner truststore.X509TrustStore
	known map[string]storeAnswer
}

func (s *rememberingStore) GetCertificates(ctx context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	key := fmt.Sprintf("%s:%s", kind, name)
	answer, ok := s.known[key]
	if !ok {
		answer.certs, answer.err = s.inner.GetCertificates(ctx, kind, name)
		s.known[key] = answer
	}
	return answer.certs, answer.err
}

// noPlugins is a plugin manager of a machine without plugins.
type noPlugins struct{}

func (noPlugins) Get(_ context.Context, name string) (plugin.Plugin, error) {
	return nil, fmt.Errorf("plugin %q is not installed", name)
}

func (noPlugins) List(context.Context) ([]string, error) { return nil, nil }
