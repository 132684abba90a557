package main

import (
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	mediaTypeCOSE    = "application/cose"
	mediaTypeJWS     = "application/jose+json"
	mediaTypePayload = "application/vnd.cncf.notary.payload.v1+json"
	scope            = "registry.example/fresh/app"
)

var (
	formats = []string{mediaTypeCOSE, mediaTypeJWS}
	schemes = []signature.SigningScheme{signature.SigningSchemeX509, signature.SigningSchemeX509SigningAuthority}
)

// signPlan says what one fresh signature is like.
type signPlan struct {
	mediaType   string
	scheme      signature.SigningScheme
	target      ocispec.Descriptor
	signingTime time.Time
	expiry      time.Time
	agent       string
}

// signEnvelope signs with the reference's own envelope code.
func signEnvelope(plan signPlan, c *chain) ([]byte, error) {
	payload, err := json.Marshal(map[string]any{"targetArtifact": plan.target})
	if err != nil {
		return nil, err
	}
	signer, err := signature.NewLocalSigner(c.certs, c.keys[0])
	if err != nil {
		return nil, err
	}
	envelope, err := signature.NewEnvelope(plan.mediaType)
	if err != nil {
		return nil, err
	}
	return envelope.Sign(&signature.SignRequest{
		Payload:       signature.Payload{ContentType: mediaTypePayload, Content: payload},
		Signer:        signer,
		SigningTime:   plan.signingTime,
		Expiry:        plan.expiry,
		SigningScheme: plan.scheme,
		SigningAgent:  plan.agent,
	})
}

// flaw is what a fresh case has wrong, if anything.
type flaw struct {
	name     string
	category string
}

var flaws = []flaw{
	{"signature-expired", "signature-expired"},
	{"other-root", "not-trusted"},
	{"other-identity", "identity-not-trusted"},
	{"other-target", "target-mismatch"},
	{"missing-metadata", "user-metadata-mismatch"},
}

// writeCases writes fresh case folders below DIR/cases: each combination of key, envelope and
// scheme in turn, each second round with one thing wrong.
func writeCases(args []string) error {
	combinations := len(keyKinds) * len(formats) * len(schemes)
	count := combinations
	if len(args) == 2 {
		var err error
		if count, err = strconv.Atoi(args[1]); err != nil || count < 1 {
			return fmt.Errorf("COUNT is a positive number, not %q", args[1])
		}
	}
	r := mrand.New(mrand.NewPCG(randomSeed(), randomSeed()))
	ring := keyring{}
	for i := range count {
		var wrong *flaw
		if round := i / combinations; round%2 == 1 {
			wrong = &flaws[(i+round)%len(flaws)]
		}
		n := i % combinations
		kind := keyKinds[n%len(keyKinds)]
		format := formats[n/len(keyKinds)%len(formats)]
		scheme := schemes[n/len(keyKinds)/len(formats)]
		id := fmt.Sprintf("fresh-%04d-%s-%s", i, strings.ToLower(string(kind)), shortName(format, scheme))
		if err := writeCase(filepath.Join(args[0], "cases", id), id, kind, format, scheme, wrong, r, ring); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

func shortName(format string, scheme signature.SigningScheme) string {
	name := "cose"
	if format == mediaTypeJWS {
		name = "jws"
	}
	if scheme == signature.SigningSchemeX509SigningAuthority {
		return name + "-sa"
	}
	return name + "-x509"
}

func writeCase(folder, id string, kind keyKind, format string, scheme signature.SigningScheme, wrong *flaw, r *mrand.Rand, ring keyring) error {
	c, err := newChain(randomPlan(kind, r), ring)
	if err != nil {
		return err
	}
	has := func(name string) bool { return wrong != nil && wrong.name == name }

	target := randomTarget(r)
	plan := signPlan{
		mediaType:   format,
		scheme:      scheme,
		target:      target,
		signingTime: time.Now().Add(-time.Duration(r.IntN(3000)) * time.Second).Truncate(time.Second),
		agent:       "interop/1.0",
	}
	if r.IntN(2) == 0 {
		plan.expiry = time.Now().Add(time.Duration(1+r.IntN(1000)) * time.Hour).Truncate(time.Second)
	}
	if has("signature-expired") {
		plan.expiry = plan.signingTime.Add(time.Second)
		plan.signingTime = plan.signingTime.Add(-time.Second)
	}
	metadata := map[string]string{}
	if r.IntN(2) == 0 || has("missing-metadata") {
		metadata["io.example.build"] = strconv.Itoa(r.IntN(1000))
		plan.target.Annotations = map[string]string{"io.example.other": "yes"}
		for key, value := range metadata {
			plan.target.Annotations[key] = value
		}
	}
	envelope, err := signEnvelope(plan, c)
	if err != nil {
		return err
	}

	if has("other-target") {
		target.Digest = digest.FromString("something else")
	}
	if has("missing-metadata") {
		metadata["io.example.build"] = "unexpected"
	}
	anchor := c.certs[len(c.certs)-1]
	// Any certificate of the chain that is an authority may be the anchor.
	if len(c.certs) > 2 && r.IntN(3) == 0 {
		anchor = c.certs[1+r.IntN(len(c.certs)-1)]
	}
	if has("other-root") {
		other, err := newChain(randomPlan("ES256", r), keyring{})
		if err != nil {
			return err
		}
		anchor = other.certs[len(other.certs)-1]
	}
	identities := []string{"*"}
	if r.IntN(2) == 0 || has("other-identity") {
		identity := "x509.subject:C=US, ST=WA, O=Somebody Else"
		if !has("other-identity") {
			identity = "x509.subject:" + identityOf(c)
		}
		identities = []string{identity}
	}
	store := "ca:fresh"
	if scheme == signature.SigningSchemeX509SigningAuthority {
		store = "signingAuthority:fresh"
	}
	title := fmt.Sprintf("fresh %s, chain of %d", shortName(format, scheme), len(c.certs))
	if wrong != nil {
		title += ", " + wrong.name
	}
	w := newWorld(folder, id, title, plan, target)
	w.file.TrustPolicy = policyFor(scope, store, identities, nil)
	w.file.TrustStores = map[string][]string{store: {"anchor.pem"}}
	w.file.UserMetadata = metadata
	if wrong != nil {
		w.file.Expected.ErrorCategory = wrong.category
	}
	return w.save(c, anchor, envelope)
}

// newWorld is a case before its policy and stores.
func newWorld(folder, id, title string, plan signPlan, target ocispec.Descriptor) *world {
	return &world{folder: folder, file: caseFile{
		ID:                id,
		Title:             title,
		Category:          "fresh",
		Kind:              "oci",
		EnvelopeMediaType: plan.mediaType,
		Signature:         "signature.bin",
		ArtifactReference: scope + "@" + target.Digest.String(),
		Target:            target,
		Reference:         "notation-go v1.3.2",
		Spec:              "signature-specification.md",
	}}
}

// save writes the case folder with what the reference says: it must pass where
// no category of failure is expected.
func (w *world) save(c *chain, anchor *x509.Certificate, envelope []byte) error {
	if err := writeCertificates(filepath.Join(w.folder, "anchor.pem"), anchor); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(w.folder, w.file.Signature), envelope); err != nil {
		return err
	}
	for i, key := range c.keys {
		if err := writeKey(filepath.Join(w.folder, fmt.Sprintf("key-%d.pem", i)), key); err != nil {
			return err
		}
	}
	root, err := os.MkdirTemp("", "interop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := w.open(root, storeOnDisk); err != nil {
		return err
	}
	category := w.file.Expected.ErrorCategory
	w.file.Expected = w.verify(w.file.EnvelopeMediaType, envelope)
	if passed := w.file.Expected.Overall == "pass"; passed != (category == "") {
		return fmt.Errorf("the reference says %s: %s", w.file.Expected.Overall, w.file.Expected.Error)
	}
	w.file.Expected.ErrorCategory = category
	data, err := json.MarshalIndent(w.file, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(w.folder, "case.json"), append(data, '\n'))
}

func policyFor(scope, store string, identities []string, override map[trustpolicy.ValidationType]trustpolicy.ValidationAction) *trustpolicy.Document {
	return &trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:           "fresh",
			RegistryScopes: []string{scope},
			SignatureVerification: trustpolicy.SignatureVerification{
				VerificationLevel: trustpolicy.LevelStrict.Name,
				Override:          override,
			},
			TrustStores:       []string{store},
			TrustedIdentities: identities,
		}},
	}
}

// identityOf writes the mandatory attributes of the leaf's subject as an
// RFC 4514 string.
func identityOf(c *chain) string {
	subject := c.certs[0].Subject
	escape := func(value string) string {
		var out strings.Builder
		for i, char := range value {
			if strings.ContainsRune(`,+"\<>;=`, char) || i == 0 && (char == ' ' || char == '#') || i == len(value)-1 && char == ' ' {
				out.WriteByte('\\')
			}
			out.WriteRune(char)
		}
		return out.String()
	}
	return fmt.Sprintf("CN=%s,O=%s,ST=%s,C=%s", escape(subject.CommonName), escape(subject.Organization[0]), escape(subject.Province[0]), escape(subject.Country[0]))
}

func randomTarget(r *mrand.Rand) ocispec.Descriptor {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, r.Uint64()))
	return ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest,
		Digest:    digest.NewDigestFromBytes(digest.SHA256, sum[:]),
		Size:      int64(r.IntN(1 << 20)),
	}
}

func randomSeed() uint64 {
	var seed [8]byte
	if _, err := crand.Read(seed[:]); err != nil {
		panic(err)
	}
	return binary.LittleEndian.Uint64(seed[:])
}
