package main

import (
	"bufio"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// request is one line of standard input. Every request names a case folder,
// which is loaded once.
type request struct {
	Op   string `json:"op"`
	Case string `json:"case"`
	// MediaType and Envelope (base64) are for `verify` and `bench`; without
	// them `bench` takes those of the case.
	MediaType string `json:"media_type"`
	Envelope  []byte `json:"envelope"`
	// Message and Key (position in the chain) are for `sign` and
	// `sign-certificate`, Message is for `parse-certificate`.
	Message []byte `json:"message"`
	Key     int    `json:"key"`
	// Iterations and Memory are for `bench`.
	Iterations int  `json:"iterations"`
	Memory     bool `json:"memory"`
}

// answer is one line of standard output, in the order of the requests.
type answer struct {
	*verdict
	Crash      string  `json:"crash,omitempty"`
	Signature  []byte  `json:"signature,omitempty"`
	ParseError string  `json:"parse_error,omitempty"`
	Nanos      float64 `json:"nanos,omitempty"`
	Allocs     float64 `json:"allocs,omitempty"`
	Bytes      float64 `json:"bytes,omitempty"`
	// Failure is about the request itself.
	Failure string `json:"failure,omitempty"`
}

// hangTime is when a verification counts as hung.
const hangTime = 20 * time.Second

type server struct {
	scratch string
	worlds  map[string]*world
	keys    map[string]crypto.Signer
}

func serve(in io.Reader, out io.Writer) error {
	scratch, err := os.MkdirTemp("", "interop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	s := &server{scratch: scratch, worlds: map[string]*world{}, keys: map[string]crypto.Signer{}}
	lines := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var req request
		var reply answer
		if err := json.Unmarshal(line, &req); err != nil {
			reply.Failure = err.Error()
		} else {
			reply = s.answer(req)
		}
		if err := encoder.Encode(reply); err != nil {
			return err
		}
		// Answers may wait only while another request is at hand.
		if lines.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}

func (s *server) answer(req request) answer {
	var reply answer
	var err error
	switch req.Op {
	case "verify":
		reply, err = s.verify(req)
	case "sign":
		reply.Signature, err = s.sign(req)
	case "sign-certificate":
		reply.Signature, err = s.signCertificate(req)
	case "parse-certificate":
		reply.ParseError = parseCertificate(req.Message)
	case "bench":
		reply, err = s.bench(req)
	default:
		err = fmt.Errorf("unknown op %q", req.Op)
	}
	if err != nil {
		reply.Failure = err.Error()
	}
	return reply
}

func (s *server) world(folder string, mode storeMode) (*world, error) {
	key := fmt.Sprint(mode, folder)
	if w, ok := s.worlds[key]; ok {
		return w, nil
	}
	w, err := loadWorld(folder, filepath.Join(s.scratch, strconv.Itoa(len(s.worlds))), mode)
	if err == nil {
		s.worlds[key] = w
	}
	return w, err
}

func (s *server) verify(req request) (answer, error) {
	w, err := s.world(req.Case, storeInMemory)
	if err != nil {
		return answer{}, err
	}
	done := make(chan answer, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- answer{Crash: fmt.Sprint("panic: ", cause)}
			}
		}()
		v := w.verify(req.MediaType, req.Envelope)
		done <- answer{verdict: &v}
	}()
	select {
	case reply := <-done:
		return reply, nil
	case <-time.After(hangTime):
		// The hung goroutine may still use this world's store.
		err = w.open(filepath.Join(s.scratch, fmt.Sprintf("again-%d", time.Now().UnixNano())), storeInMemory)
		return answer{Crash: "hang"}, err
	}
}

func (s *server) key(req request) (crypto.Signer, error) {
	path := filepath.Join(req.Case, fmt.Sprintf("key-%d.pem", req.Key))
	if key, ok := s.keys[path]; ok {
		return key, nil
	}
	key, err := readKey(path)
	if err == nil {
		s.keys[path] = key
	}
	return key, err
}

// sign signs the message with a key of the case, so that a changed envelope
// can carry a good signature.
func (s *server) sign(req request) ([]byte, error) {
	key, err := s.key(req)
	if err != nil {
		return nil, err
	}
	return rawSignature(key, req.Message)
}

// parseCertificate is Go's word on a certificate: the reference does not pass
// it on for the signing certificate.
func parseCertificate(der []byte) string {
	if _, err := x509.ParseCertificate(der); err != nil {
		return err.Error()
	}
	return ""
}

// signCertificate makes a certificate of a changed TBSCertificate (the
// message), so that the change is all that is wrong with it.
func (s *server) signCertificate(req request) ([]byte, error) {
	key, err := s.key(req)
	if err != nil {
		return nil, err
	}
	oid, hash, err := certificateAlgorithm(key)
	if err != nil {
		return nil, err
	}
	signature, err := key.Sign(rand.Reader, digestOf(hash, req.Message), hash)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		asn1.RawValue{FullBytes: req.Message},
		oid,
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
}
