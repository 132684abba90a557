package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// keyKind names a signing key by the algorithm that the specification derives
// from it.
type keyKind string

var keyKinds = []keyKind{"PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

// newKey makes a fresh key of kind.
func newKey(kind keyKind) (crypto.Signer, error) {
	switch kind {
	case "PS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "PS384":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "PS512":
		return rsa.GenerateKey(rand.Reader, 4096)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	return nil, fmt.Errorf("unknown key kind %q", kind)
}

// keyring makes keys once: generating RSA keys is most of the time of a run.
type keyring map[keyKind]crypto.Signer

func (k keyring) get(kind keyKind) (crypto.Signer, error) {
	if key, ok := k[kind]; ok {
		return key, nil
	}
	key, err := newKey(kind)
	if err == nil {
		k[kind] = key
	}
	return key, err
}

// chain is an ordered certificate chain, signer first, with its keys.
type chain struct {
	certs []*x509.Certificate
	keys  []crypto.Signer
}

// chainPlan says what newChain makes.
type chainPlan struct {
	leaf     keyKind
	length   int
	subjects []pkix.Name
	// authorities lists the kinds of the issuing keys, nearest first; missing
	// ones are P-256.
	authorities         []keyKind
	notBefore, notAfter time.Time
}

// newChain makes a chain to the certificate rules of the specification. Keys
// of the leaf come from the ring, keys of authorities are always fresh: two
// certificates never share one.
func newChain(plan chainPlan, ring keyring) (*chain, error) {
	c := &chain{
		certs: make([]*x509.Certificate, plan.length),
		keys:  make([]crypto.Signer, plan.length),
	}
	for i := plan.length - 1; i >= 0; i-- {
		key, err := planKey(plan, ring, i)
		if err != nil {
			return nil, err
		}
		c.keys[i] = key
		template := certificateTemplate(plan, i)
		issuer, issuerKey := template, key
		if i < plan.length-1 {
			issuer, issuerKey = c.certs[i+1], c.keys[i+1]
		}
		der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
		if err != nil {
			return nil, err
		}
		if c.certs[i], err = x509.ParseCertificate(der); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func planKey(plan chainPlan, ring keyring, i int) (crypto.Signer, error) {
	if i == 0 {
		return ring.get(plan.leaf)
	}
	kind := keyKind("ES256")
	if i-1 < len(plan.authorities) {
		kind = plan.authorities[i-1]
	}
	return newKey(kind)
}

func certificateTemplate(plan chainPlan, i int) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      plan.subjects[i],
		NotBefore:    plan.notBefore,
		NotAfter:     plan.notAfter,
	}
	if i == 0 {
		template.KeyUsage = x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		return template
	}
	template.BasicConstraintsValid = true
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign
	template.MaxPathLen = -1
	return template
}

// randomPlan is a chain of 1 to 4 certificates with random subjects, issuing
// keys, path lengths and validity.
func randomPlan(leaf keyKind, r *mrand.Rand) chainPlan {
	plan := chainPlan{
		leaf:      leaf,
		length:    1 + r.IntN(4),
		notBefore: time.Now().Add(-time.Duration(1+r.IntN(3*365*24)) * time.Hour).Truncate(time.Second),
		notAfter:  time.Now().Add(time.Duration(24+r.IntN(30*365*24)) * time.Hour).Truncate(time.Second),
	}
	authorities := []keyKind{"ES256", "ES384", "ES512", "PS256"}
	for i := range plan.length {
		plan.subjects = append(plan.subjects, randomSubject(r, i))
		plan.authorities = append(plan.authorities, authorities[r.IntN(len(authorities))])
	}
	return plan
}

var words = []string{"Acme", "Rockets", "Signing", "Authority", "Bolt, Nut & Co", "a=b", "Ünïcode", "日本", "#1", " lead", "plus+plus", "Wabbit \"Networks\"", "back\\slash", "x"}

func randomSubject(r *mrand.Rand, position int) pkix.Name {
	word := func() string { return words[r.IntN(len(words))] }
	name := pkix.Name{
		Country:      []string{[]string{"US", "DE", "JP"}[r.IntN(3)]},
		Province:     []string{word()},
		Organization: []string{word()},
		CommonName:   fmt.Sprintf("%s %d %08x", word(), position, r.Uint32()),
	}
	if r.IntN(2) == 0 {
		name.Locality = []string{word()}
	}
	if r.IntN(2) == 0 {
		name.OrganizationalUnit = []string{word()}
	}
	if r.IntN(4) == 0 {
		name.SerialNumber = fmt.Sprint(r.IntN(1000))
	}
	return name
}

// writeCertificates writes certificates to one PEM file.
func writeCertificates(path string, certs ...*x509.Certificate) error {
	var out []byte
	for _, cert := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return writeFile(path, out)
}

// writeKey writes a private key in PKCS #8.
func writeKey(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func readKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: not a signing key", path)
	}
	return signer, nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
