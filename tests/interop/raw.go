package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// rawSignature signs a message as both envelope formats do it: PSS with a salt
// as long as the hash, ECDSA as r and s of the curve's size.
func rawSignature(signer crypto.Signer, message []byte) ([]byte, error) {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		hash := map[int]crypto.Hash{256: crypto.SHA256, 384: crypto.SHA384, 512: crypto.SHA512}[key.Size()]
		if hash == 0 {
			return nil, fmt.Errorf("no algorithm for an RSA key of %d octets", key.Size())
		}
		return rsa.SignPSS(rand.Reader, key, hash, digestOf(hash, message), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case *ecdsa.PrivateKey:
		size := (key.Curve.Params().BitSize + 7) / 8
		hash := map[int]crypto.Hash{32: crypto.SHA256, 48: crypto.SHA384, 66: crypto.SHA512}[size]
		r, s, err := ecdsa.Sign(rand.Reader, key, digestOf(hash, message))
		if err != nil {
			return nil, err
		}
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out, nil
	}
	return nil, fmt.Errorf("no algorithm for %T", signer)
}

func digestOf(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// certificateAlgorithm is the algorithm that x509.CreateCertificate takes for
// an issuer's key.
func certificateAlgorithm(signer crypto.Signer) (pkix.AlgorithmIdentifier, crypto.Hash, error) {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		return pkix.AlgorithmIdentifier{
			Algorithm:  asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11},
			Parameters: asn1.NullRawValue,
		}, crypto.SHA256, nil
	case *ecdsa.PrivateKey:
		// ecdsa-with-SHA256, -SHA384 and -SHA512 end in 2, 3 and 4.
		last, hash := 2, crypto.SHA256
		switch key.Curve.Params().BitSize {
		case 384:
			last, hash = 3, crypto.SHA384
		case 521:
			last, hash = 4, crypto.SHA512
		}
		return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, last}}, hash, nil
	}
	return pkix.AlgorithmIdentifier{}, 0, fmt.Errorf("no algorithm for %T", signer)
}
