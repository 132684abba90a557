package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
)

// signFiles is a signing service that signs files in place, as one that gets a
// folder and knows nothing of registries: each payload becomes an envelope (COSE).
func signFiles(args []string) error {
	set := flag.NewFlagSet("sign-files", flag.ContinueOnError)
	keys := set.String("keys", "", "localkeys of a configuration folder of notation")
	name := set.String("key", "ec", "name of the key")
	if err := set.Parse(args); err != nil {
		return err
	}
	chain, key, err := readSigner(*keys, *name)
	if err != nil {
		return err
	}
	signer, err := signature.NewLocalSigner(chain, key)
	if err != nil {
		return err
	}
	for _, folder := range set.Args() {
		files, err := filepath.Glob(filepath.Join(folder, "*.payload.json"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := signFile(file, signer); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		fmt.Println(len(files), "files signed in place")
	}
	return nil
}

func signFile(file string, signer signature.Signer) error {
	payload, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	envelope, err := signature.NewEnvelope(cose.MediaTypeEnvelope)
	if err != nil {
		return err
	}
	signed, err := envelope.Sign(&signature.SignRequest{
		Payload: signature.Payload{
			ContentType: "application/vnd.cncf.notary.payload.v1+json",
			Content:     payload,
		},
		Signer:        signer,
		SigningTime:   time.Now(),
		SigningScheme: signature.SigningSchemeX509,
		SigningAgent:  "signing service",
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, signed, 0o644)
}

func readSigner(folder, name string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	data, err := os.ReadFile(filepath.Join(folder, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, err
		}
		chain = append(chain, certificate)
	}
	data, err = os.ReadFile(filepath.Join(folder, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil, fmt.Errorf("%s: no key", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	return chain, key, err
}
