package main

import (
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	demoScope             = "registry.example/demo/app"
	mediaTypeNotation     = "application/vnd.cncf.notary.signature"
	annotationThumbprints = "io.cncf.notary.x509chain.thumbprint#S256"
)

// writeDemo writes two OCI layouts, a blob with its detached signature, and a
// Notation configuration directory that trusts the first layout and the blob. Keys are made for this run and not kept.
func writeDemo(root string) error {
	c, err := newChain(chainPlan{
		leaf:        "ES384",
		length:      3,
		authorities: []keyKind{"ES384", "ES384"},
		subjects: []pkix.Name{
			demoSubject("Demo Release Signing"),
			demoSubject("Demo Issuing CA"),
			demoSubject("Demo Root CA"),
		},
		notBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		notAfter:  time.Date(2070, 1, 1, 0, 0, 0, 0, time.UTC),
	}, keyring{})
	if err != nil {
		return err
	}
	if err := writeDemoConfig(filepath.Join(root, "config"), c); err != nil {
		return err
	}

	good := newLayout()
	image := good.image("hello from the demo image\n", "v1")
	envelope, err := signEnvelope(signPlan{
		mediaType: mediaTypeCOSE,
		scheme:    signature.SigningSchemeX509,
		target: ocispec.Descriptor{
			MediaType:   image.MediaType,
			Digest:      image.Digest,
			Size:        image.Size,
			Annotations: map[string]string{"io.example.build": "42"},
		},
		signingTime: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC),
		agent:       "demo/1.0",
	}, c)
	if err != nil {
		return err
	}
	good.attach(image, envelope, c)
	if err := good.write(filepath.Join(root, "layout")); err != nil {
		return err
	}

	if err := writeDemoBlob(filepath.Join(root, "blob"), c); err != nil {
		return err
	}

	// The same tag with other content, and the genuine signature hung on it.
	tampered := newLayout()
	other := tampered.image("hello from somebody who changed the image\n", "v1")
	tampered.attach(other, envelope, c)
	return tampered.write(filepath.Join(root, "tampered"))
}

// writeDemoBlob writes a file and its detached signature. The digest is made with
// the hash of the signing key's algorithm.
func writeDemoBlob(root string, c *chain) error {
	blob := []byte("release notes of the demo\n")
	envelope, err := signEnvelope(signPlan{
		mediaType: mediaTypeJWS,
		scheme:    signature.SigningSchemeX509,
		target: ocispec.Descriptor{
			MediaType:   "text/plain",
			Digest:      digest.SHA384.FromBytes(blob),
			Size:        int64(len(blob)),
			Annotations: map[string]string{"io.example.release": "1.2.3"},
		},
		signingTime: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC),
		agent:       "demo/1.0",
	}, c)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(root, "notes.txt"), blob); err != nil {
		return err
	}
	return writeFile(filepath.Join(root, "notes.txt.jws.sig"), envelope)
}

func demoSubject(name string) pkix.Name {
	return pkix.Name{
		Country:      []string{"US"},
		Province:     []string{"WA"},
		Locality:     []string{"Seattle"},
		Organization: []string{"Demo Rockets"},
		CommonName:   name,
	}
}

func writeDemoConfig(root string, c *chain) error {
	policy := policyFor(demoScope, "ca:demo", []string{"x509.subject: C=US, ST=WA, O=Demo Rockets, CN=Demo Release Signing"}, nil)
	policy.TrustPolicies[0].Name = "demo-images"
	data, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(root, "trustpolicy.json"), append(data, '\n')); err != nil {
		return err
	}
	blobPolicy := map[string]any{
		"version": "1.0",
		"trustPolicies": []map[string]any{{
			"name":                  "demo-blobs",
			"globalPolicy":          true,
			"signatureVerification": map[string]string{"level": "strict"},
			"trustStores":           []string{"ca:demo"},
			"trustedIdentities":     policy.TrustPolicies[0].TrustedIdentities,
		}},
	}
	data, err = json.MarshalIndent(blobPolicy, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(root, "trustpolicy.blob.json"), append(data, '\n')); err != nil {
		return err
	}
	return writeCertificates(filepath.Join(root, "truststore", "x509", "ca", "demo", "demo-root-ca.pem"), c.certs[len(c.certs)-1])
}

// layout is an OCI image layout in memory.
type layout struct {
	blobs map[digest.Digest][]byte
	index ocispec.Index
}

func newLayout() *layout {
	return &layout{
		blobs: map[digest.Digest][]byte{},
		index: ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex},
	}
}

func (l *layout) blob(mediaType string, data []byte) ocispec.Descriptor {
	descriptor := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	l.blobs[descriptor.Digest] = data
	return descriptor
}

func (l *layout) json(mediaType string, value any) ocispec.Descriptor {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return l.blob(mediaType, data)
}

// image adds an image of one small layer under a tag.
func (l *layout) image(text, tag string) ocispec.Descriptor {
	manifest := l.json(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config: l.json(ocispec.MediaTypeImageConfig, map[string]any{
			"architecture": "amd64",
			"os":           "linux",
			"rootfs":       map[string]any{"type": "layers", "diff_ids": []digest.Digest{digest.FromString(text)}},
		}),
		Layers: []ocispec.Descriptor{l.blob(ocispec.MediaTypeImageLayer, []byte(text))},
	})
	tagged := manifest
	tagged.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
	l.index.Manifests = append(l.index.Manifests, tagged)
	return manifest
}

// attach adds a signature manifest in the older of the two forms, the one that
// the reference finds in a layout too.
func (l *layout) attach(subject ocispec.Descriptor, envelope []byte, c *chain) {
	config := l.blob(mediaTypeNotation, []byte("{}"))
	thumbprints := make([]string, len(c.certs))
	for i, cert := range c.certs {
		thumbprints[i] = digest.FromBytes(cert.Raw).Encoded()
	}
	list, err := json.Marshal(thumbprints)
	if err != nil {
		panic(err)
	}
	annotations := map[string]string{
		annotationThumbprints:     string(list),
		ocispec.AnnotationCreated: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).Format(time.RFC3339),
	}
	manifest := l.json(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Config:      config,
		Layers:      []ocispec.Descriptor{l.blob(mediaTypeCOSE, envelope)},
		Subject:     &subject,
		Annotations: annotations,
	})
	manifest.Annotations = annotations
	l.index.Manifests = append(l.index.Manifests, manifest)
}

func (l *layout) write(root string) error {
	for name, data := range l.blobs {
		if err := writeFile(filepath.Join(root, "blobs", "sha256", name.Encoded()), data); err != nil {
			return err
		}
	}
	index, err := json.MarshalIndent(l.index, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(root, "index.json"), append(index, '\n')); err != nil {
		return err
	}
	return writeFile(filepath.Join(root, "oci-layout"), fmt.Appendf(nil, "{\"imageLayoutVersion\":%q}\n", ocispec.ImageLayoutVersion))
}
