package main

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// Issuer and service of the tokens, as the registries are configured with them.
const (
	tokenIssuer  = "token.registry.example"
	tokenService = "registry.example"
)

// Repositories below this are for everybody to pull.
const publicPrefix = "public/"

// access is one entry of the claim of that name in the token specification of
// the distribution project.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

type tokenClaims struct {
	jwt.RegisteredClaims
	// One string: older registries read nothing else.
	Audience string   `json:"aud"`
	Access   []access `json:"access"`
}

// tokenServer issues bearer tokens; GET and POST as the specification has them.
type tokenServer struct {
	check  accounts
	pair   tls.Certificate
	life   time.Duration
	issued atomic.Int64
}

func serveTokens(args []string) error {
	set := flag.NewFlagSet("token", flag.ContinueOnError)
	var at listener
	at.flags(set)
	file := set.String("htpasswd", "", "htpasswd file")
	certificate := set.String("sign-cert", "", "certificate of the key that signs tokens")
	key := set.String("sign-key", "", "key that signs tokens")
	life := set.Duration("life", 5*time.Minute, "how long a token is valid")
	if err := set.Parse(args); err != nil {
		return err
	}
	check, err := readAccounts(*file)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return err
	}
	server := &tokenServer{check: check, pair: pair, life: *life}
	mux := http.NewServeMux()
	mux.HandleFunc("/token", server.token)
	mux.HandleFunc("/-/issued", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, server.issued.Swap(0))
	})
	return at.serve(mux)
}

func (s *tokenServer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "UNSUPPORTED", err.Error())
		return
	}
	name, secret, given := r.BasicAuth()
	if r.Method == http.MethodPost {
		name, secret, given = r.PostForm.Get("username"), r.PostForm.Get("password"), true
	}
	if given && !s.check(name, secret) {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "wrong name or password")
		return
	}
	granted := []access{}
	for _, list := range r.Form["scope"] {
		for scope := range strings.FieldsSeq(list) {
			kind, rest, _ := strings.Cut(scope, ":")
			split := strings.LastIndex(rest, ":")
			if split < 0 {
				refuse(w, http.StatusBadRequest, "UNSUPPORTED", "a scope has three parts")
				return
			}
			entry := access{Type: kind, Name: rest[:split], Actions: strings.Split(rest[split+1:], ",")}
			if !given {
				entry.Actions = slices.DeleteFunc(entry.Actions, func(action string) bool {
					return action != "pull" || !strings.HasPrefix(entry.Name, publicPrefix)
				})
			}
			if len(entry.Actions) > 0 {
				granted = append(granted, entry)
			}
		}
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    tokenIssuer,
			Subject:   name,
			ExpiresAt: jwt.NewNumericDate(now.Add(s.life)),
			NotBefore: jwt.NewNumericDate(now.Add(-10 * time.Second)),
			IssuedAt:  jwt.NewNumericDate(now),
			ID:        fmt.Sprint(s.issued.Add(1)),
		},
		Audience: r.Form.Get("service"),
		Access:   granted,
	})
	token.Header["x5c"] = []string{base64.StdEncoding.EncodeToString(s.pair.Certificate[0])}
	signed, err := token.SignedString(s.pair.PrivateKey)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"token":        signed,
		"access_token": signed,
		"expires_in":   int(s.life.Seconds()),
		"issued_at":    now.UTC().Format(time.RFC3339),
	})
}

// tokenCheck stands in front of a registry that knows no tokens.
type tokenCheck struct {
	realm, roots string
	key          *ecdsa.PublicKey
}

func (t *tokenCheck) load() error {
	data, err := os.ReadFile(t.roots)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return fmt.Errorf("%s: no certificate", t.roots)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return errors.New("the token server's key is not an EC key")
	}
	t.key = key
	return nil
}

func (t *tokenCheck) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, action := repositoryOf(r.URL.Path), "pull"
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			action = "pull,push"
		}
		if t.allows(r.Header.Get("Authorization"), name, action) {
			next.ServeHTTP(w, r)
			return
		}
		challenge := fmt.Sprintf("Bearer realm=%q,service=%q", t.realm, tokenService)
		if name != "" {
			challenge += fmt.Sprintf(",scope=%q", "repository:"+name+":"+action)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	})
}

func (t *tokenCheck) allows(header, name, actions string) bool {
	kind, raw, _ := strings.Cut(header, " ")
	if !strings.EqualFold(kind, "bearer") {
		return false
	}
	var claims tokenClaims
	_, err := jwt.ParseWithClaims(raw, &claims, func(*jwt.Token) (any, error) { return t.key, nil },
		jwt.WithValidMethods([]string{"ES256"}))
	if err != nil || claims.Issuer != tokenIssuer || claims.Audience != tokenService {
		return false
	}
	if name == "" {
		return true
	}
	for action := range strings.SplitSeq(actions, ",") {
		if !slices.ContainsFunc(claims.Access, func(entry access) bool {
			return entry.Type == "repository" && entry.Name == name && slices.Contains(entry.Actions, action)
		}) {
			return false
		}
	}
	return true
}

// repositoryOf is the name in /v2/NAME/(manifests|blobs|referrers|tags)/…, empty
// for /v2/.
func repositoryOf(path string) string {
	rest := strings.TrimPrefix(path, "/v2/")
	for _, part := range []string{"/manifests/", "/blobs/", "/referrers/", "/tags/"} {
		if at := strings.LastIndex(rest, part); at > 0 {
			return rest[:at]
		}
	}
	return ""
}
