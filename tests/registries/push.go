package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	artifactTypeNotation = "application/vnd.cncf.notary.signature"
	artifactTypeSBOM     = "application/spdx+json"
	dockerManifest       = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList           = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig         = "application/vnd.docker.container.image.v1+json"
	dockerLayer          = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// remoteFlags is how every client of this program reaches a registry.
type remoteFlags struct {
	registry, ca string
	account      bool
}

func (f *remoteFlags) flags(set *flag.FlagSet) {
	set.StringVar(&f.registry, "registry", "", "host and port")
	set.StringVar(&f.ca, "ca", "", "file of the authority; without it, plain HTTP")
	set.BoolVar(&f.account, "account", false, "use the account")
}

// client is one client to share: connections, tokens.
func (f *remoteFlags) client(connections int) (*auth.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	if f.ca != "" {
		data, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s: no certificates", f.ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client := &auth.Client{Client: &http.Client{Transport: transport}, Cache: auth.NewCache()}
	if f.account {
		client.Credential = auth.StaticCredential(f.registry, auth.Credential{Username: username, Password: password})
	}
	return client, nil
}

func (f *remoteFlags) repository(client *auth.Client, name string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(f.registry + "/" + name)
	if err != nil {
		return nil, err
	}
	repository.Client = client
	repository.PlainHTTP = f.ca == ""
	repository.SkipReferrersGC = true
	return repository, nil
}

// order is one line of input of push.
type order struct {
	Op         string `json:"op"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	// Docker's media types in place of those of OCI.
	Docker bool `json:"docker"`
	// What makes an image differ from the others.
	Text string `json:"text"`
	// The manifests of an index, or those in a list of referrers.
	Manifests []digest.Digest `json:"manifests"`
	// The image whose signatures are packed again, and where to.
	Digest digest.Digest `json:"digest"`
	To     string        `json:"to"`
	Form   string        `json:"form"`
	// Another image in To that the signatures are attached to.
	Subject digest.Digest `json:"subject"`
	// The digest begins with zeros, so that registries that sort have it first.
	First bool `json:"first"`
}

type answer struct {
	Failure string          `json:"failure,omitempty"`
	Digests []digest.Digest `json:"digests"`
}

// push answers orders, one JSON object a line.
func push(args []string, in io.Reader, out io.Writer) error {
	set := flag.NewFlagSet("push", flag.ContinueOnError)
	var to remoteFlags
	to.flags(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	client, err := to.client(4)
	if err != nil {
		return err
	}
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var next order
		if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		pusher := pusher{ctx: context.Background(), remote: to, client: client, order: next}
		digests, err := pusher.run()
		reply := answer{Digests: digests}
		if err != nil {
			reply.Failure = err.Error()
		}
		if err := encoder.Encode(reply); err != nil {
			return err
		}
	}
}

type pusher struct {
	order
	ctx    context.Context
	remote remoteFlags
	client *auth.Client
}

func (p *pusher) run() ([]digest.Digest, error) {
	repository, err := p.remote.repository(p.client, p.Repository)
	if err != nil {
		return nil, err
	}
	var pushed ocispec.Descriptor
	switch p.Op {
	case "image":
		pushed, err = p.image(repository)
	case "index":
		pushed, err = p.index(repository)
	case "list":
		pushed, err = p.list(repository)
	case "sbom":
		pushed, err = p.sbom(repository)
	case "repack":
		return p.repack(repository)
	default:
		err = fmt.Errorf("there is no operation %q", p.Op)
	}
	return []digest.Digest{pushed.Digest}, err
}

// blob pushes a blob and gives its descriptor.
func (p *pusher) blob(to *remote.Repository, mediaType string, data []byte) (ocispec.Descriptor, error) {
	descriptor := content.NewDescriptorFromBytes(mediaType, data)
	exists, err := to.Blobs().Exists(p.ctx, descriptor)
	if err != nil || exists {
		return descriptor, err
	}
	return descriptor, to.Blobs().Push(p.ctx, descriptor, bytes.NewReader(data))
}

// manifest pushes a manifest, under a tag if there is one.
func (p *pusher) manifest(to *remote.Repository, mediaType, tag string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	descriptor := content.NewDescriptorFromBytes(mediaType, data)
	if tag == "" {
		return descriptor, to.Manifests().Push(p.ctx, descriptor, bytes.NewReader(data))
	}
	return descriptor, to.Manifests().PushReference(p.ctx, descriptor, bytes.NewReader(data), tag)
}

func (p *pusher) image(to *remote.Repository) (ocispec.Descriptor, error) {
	configType, layerType, mediaType := ocispec.MediaTypeImageConfig, ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageManifest
	if p.Docker {
		configType, layerType, mediaType = dockerConfig, dockerLayer, dockerManifest
	}
	config, err := p.blob(to, configType, fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%q]}}`, digest.FromString(p.Text)))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := p.blob(to, layerType, []byte(p.Text))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return p.manifest(to, mediaType, p.Tag, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: mediaType,
		Config:    config,
		Layers:    []ocispec.Descriptor{layer},
	})
}

// descriptors resolves the manifests that the order names.
func (p *pusher) descriptors(in *remote.Repository) ([]ocispec.Descriptor, error) {
	all := make([]ocispec.Descriptor, 0, len(p.Manifests))
	for _, name := range p.Manifests {
		descriptor, err := in.Resolve(p.ctx, name.String())
		if err != nil {
			return nil, err
		}
		all = append(all, descriptor)
	}
	return all, nil
}

func (p *pusher) index(to *remote.Repository) (ocispec.Descriptor, error) {
	children, err := p.descriptors(to)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	architectures := []string{"amd64", "arm64", "s390x"}
	for i := range children {
		children[i].Platform = &ocispec.Platform{OS: "linux", Architecture: architectures[i%len(architectures)]}
	}
	mediaType := ocispec.MediaTypeImageIndex
	if p.Docker {
		mediaType = dockerList
	}
	return p.manifest(to, mediaType, p.Tag, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: mediaType,
		Manifests: children,
	})
}

// list writes the list of referrers of the tag schema by hand, whatever the
// manifests in it name as their subject.
func (p *pusher) list(to *remote.Repository) (ocispec.Descriptor, error) {
	manifests, err := p.descriptors(to)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for i := range manifests {
		manifests[i].ArtifactType = artifactTypeNotation
	}
	tag := strings.ReplaceAll(p.Subject.String(), ":", "-")
	return p.manifest(to, ocispec.MediaTypeImageIndex, tag, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests,
	})
}

// sbom attaches what is no signature.
func (p *pusher) sbom(to *remote.Repository) (ocispec.Descriptor, error) {
	subject, err := to.Resolve(p.ctx, p.Subject.String())
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := p.blob(to, artifactTypeSBOM, []byte(`{"spdxVersion":"SPDX-2.3"}`))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	config, err := p.blob(to, artifactTypeSBOM, []byte("{}"))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return p.manifest(to, ocispec.MediaTypeImageManifest, "", ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: artifactTypeSBOM,
		Config:       config,
		Layers:       []ocispec.Descriptor{layer},
		Subject:      &subject,
	})
}

// repack copies an image to another repository, and its signatures in another
// form: the envelopes stay those that the reference made.
func (p *pusher) repack(from *remote.Repository) ([]digest.Digest, error) {
	to, err := p.remote.repository(p.client, p.To)
	if err != nil {
		return nil, err
	}
	target, err := oras.Copy(p.ctx, from, p.Digest.String(), to, p.Digest.String(), oras.DefaultCopyOptions)
	if err != nil {
		return nil, err
	}
	if p.Tag != "" {
		if err := to.Tag(p.ctx, target, p.Tag); err != nil {
			return nil, err
		}
	}
	subject := target
	if p.Subject != "" {
		if subject, err = to.Resolve(p.ctx, p.Subject.String()); err != nil {
			return nil, err
		}
	}
	signatures, err := p.signatures(from, target)
	if err != nil {
		return nil, err
	}
	var pushed []digest.Digest
	for _, signature := range signatures {
		descriptor, err := p.attach(from, to, signature, subject)
		if err != nil {
			return nil, err
		}
		pushed = append(pushed, descriptor.Digest)
	}
	return pushed, nil
}

// signatures are the manifests that the order names, or all that the registry
// lists.
func (p *pusher) signatures(from *remote.Repository, target ocispec.Descriptor) ([]ocispec.Manifest, error) {
	descriptors, err := p.descriptors(from)
	if err != nil {
		return nil, err
	}
	if len(descriptors) == 0 {
		err = from.Referrers(p.ctx, target, artifactTypeNotation, func(page []ocispec.Descriptor) error {
			descriptors = append(descriptors, page...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var manifests []ocispec.Manifest
	for _, descriptor := range descriptors {
		data, err := content.FetchAll(p.ctx, from.Manifests(), descriptor)
		if err != nil {
			return nil, err
		}
		var manifest ocispec.Manifest
		if err := json.Unmarshal(data, &manifest); err != nil {
			return nil, err
		}
		if manifest.ArtifactType == artifactTypeNotation || manifest.Config.MediaType == artifactTypeNotation {
			manifests = append(manifests, manifest)
		}
	}
	if len(manifests) == 0 {
		return nil, fmt.Errorf("%s has no signatures in %s", target.Digest, p.Repository)
	}
	return manifests, nil
}

func (p *pusher) attach(from, to *remote.Repository, signature ocispec.Manifest, subject ocispec.Descriptor) (ocispec.Descriptor, error) {
	envelope, err := content.FetchAll(p.ctx, from.Blobs(), signature.Layers[0])
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	mediaType := signature.Layers[0].MediaType
	configType, artifactType := artifactTypeNotation, ""
	copies := 1
	switch p.Form {
	case "config-type":
	case "artifact-type":
		configType, artifactType = ocispec.MediaTypeEmptyJSON, artifactTypeNotation
	case "two-layers":
		copies = 2
	case "no-layers":
		copies = 0
	case "tampered":
		envelope = bytes.Clone(envelope)
		tamper(envelope)
	case "garbage":
		envelope = []byte("this is no envelope")
	case "other-format":
		mediaType = "application/octet-stream"
	default:
		return ocispec.Descriptor{}, fmt.Errorf("there is no form %q", p.Form)
	}
	layers := []ocispec.Descriptor{}
	for range copies {
		layer, err := p.blob(to, mediaType, envelope)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		layers = append(layers, layer)
	}
	config, err := p.blob(to, configType, []byte("{}"))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	manifest := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: artifactType,
		Config:       config,
		Layers:       layers,
		Subject:      &subject,
		Annotations:  signature.Annotations,
	}
	if p.First {
		if err := sortFirst(&manifest); err != nil {
			return ocispec.Descriptor{}, err
		}
	}
	return p.manifest(to, ocispec.MediaTypeImageManifest, "", manifest)
}

// tamper changes a bit of the signature: in a COSE envelope it is at the end, in
// a JWS envelope what is at the end is JSON, so there a letter of it.
func tamper(envelope []byte) {
	if at := bytes.Index(envelope, []byte(`"signature":"`)); at >= 0 {
		at += len(`"signature":"`) + 3
		if envelope[at] == 'A' {
			envelope[at] = 'B'
		} else {
			envelope[at] = 'A'
		}
		return
	}
	envelope[len(envelope)-1] ^= 1
}

// sortFirst finds an annotation with which the digest begins with zeros.
func sortFirst(manifest *ocispec.Manifest) error {
	annotations := map[string]string{}
	for key, value := range manifest.Annotations {
		annotations[key] = value
	}
	manifest.Annotations = annotations
	for nonce := range 1 << 20 {
		annotations["example.nonce"] = fmt.Sprint(nonce)
		data, err := json.Marshal(manifest)
		if err != nil {
			return err
		}
		if strings.HasPrefix(digest.FromBytes(data).Encoded(), "000") {
			return nil
		}
	}
	return errors.New("no digest begins with zeros")
}
