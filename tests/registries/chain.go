package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"path/filepath"

	"github.com/notaryproject/notation-go/verifier/trustpolicy"
)

// signingKeys are the keys of the reference command: name, algorithm, and whether
// the trust store has their root.
var signingKeys = []struct {
	name, algorithm string
	trusted         bool
}{
	{"ec", "ES384", true},
	{"rsa", "PS256", true},
	{"stranger", "ES256", false},
}

// writeNotation writes a configuration folder for the reference command: keys to
// sign with, a policy, a trust store.
func writeNotation(folder string) error {
	type keyEntry struct {
		Name string `json:"name"`
		Key  string `json:"keyPath"`
		Cert string `json:"certPath"`
	}
	var keys []keyEntry
	var roots []*x509.Certificate
	for _, wanted := range signingKeys {
		certs, key, err := newChain(wanted.algorithm)
		if err != nil {
			return err
		}
		if wanted.trusted {
			roots = append(roots, certs[len(certs)-1])
		}
		entry := keyEntry{
			Name: wanted.name,
			Key:  filepath.Join(folder, "localkeys", wanted.name+".key"),
			Cert: filepath.Join(folder, "localkeys", wanted.name+".crt"),
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := writeFile(entry.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
			return err
		}
		var chain [][]byte
		for _, cert := range certs {
			chain = append(chain, encodeCertificate(cert))
		}
		if err := writeFile(entry.Cert, bytes.Join(chain, nil)); err != nil {
			return err
		}
		keys = append(keys, entry)
	}
	data, err := json.Marshal(map[string]any{"default": keys[0].Name, "keys": keys})
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, "signingkeys.json"), data); err != nil {
		return err
	}
	return writeTrust(folder, roots...)
}

// newChain is a signer, an issuing authority and a root.
func newChain(algorithm string) ([]*x509.Certificate, crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		key, err = newECKey()
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "PS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "PS384":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		err = fmt.Errorf("no chain for %q", algorithm)
	}
	if err != nil {
		return nil, nil, err
	}
	name := func(common string) pkix.Name {
		return pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"Acme Rockets"}, CommonName: common}
	}
	issuer := func(common string) *x509.Certificate {
		return &x509.Certificate{Subject: name(common), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	rootKey, err := newECKey()
	if err != nil {
		return nil, nil, err
	}
	root := issuer("Root CA")
	if root, err = certify(root, root, rootKey, rootKey); err != nil {
		return nil, nil, err
	}
	middleKey, err := newECKey()
	if err != nil {
		return nil, nil, err
	}
	middle, err := certify(issuer("Issuing CA"), root, middleKey, rootKey)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := certify(&x509.Certificate{
		Subject:     name("Signer"),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, middle, key, middleKey)
	if err != nil {
		return nil, nil, err
	}
	return []*x509.Certificate{leaf, middle, root}, key, nil
}

// writeTrust writes a policy and a trust store with these roots.
func writeTrust(folder string, roots ...*x509.Certificate) error {
	policy, err := json.Marshal(trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:                  "tests",
			RegistryScopes:        []string{"*"},
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
			TrustStores:           []string{"ca:tests"},
			TrustedIdentities:     []string{"x509.subject: C=US, ST=WA, O=Acme Rockets"},
		}},
	})
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, "trustpolicy.json"), policy); err != nil {
		return err
	}
	for i, root := range roots {
		path := filepath.Join(folder, "truststore", "x509", "ca", "tests", fmt.Sprintf("root-%d.pem", i))
		if err := writeFile(path, encodeCertificate(root)); err != nil {
			return err
		}
	}
	return nil
}
