package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// fake is a KMS of one key on loopback, which can be taken away.
type fake struct {
	aead    cipher.AEAD
	revoked atomic.Bool
	calls   atomic.Int64
}

func newFake(t *testing.T) *fake {
	t.Helper()
	block, err := aes.NewCipher([]byte("a key of the tenant's own KMS..."))
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return &fake{aead: aead}
}

func (f *fake) denies() bool {
	f.calls.Add(1)
	return f.revoked.Load()
}

// amazonBody is what AWS's JSON protocol carries, in both directions.
type amazonBody struct {
	KeyID             string            `json:"KeyId,omitempty"`
	Plaintext         []byte            `json:",omitempty"`
	CiphertextBlob    []byte            `json:",omitempty"`
	EncryptionContext map[string]string `json:",omitempty"`
	Type              string            `json:"__type,omitempty"`
}

// amazon answers as AWS KMS does, for one key.
func (f *fake) amazon(t *testing.T, arn string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in, out amazonBody
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.KeyID != arn || f.denies() {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(amazonBody{Type: "AccessDeniedException"})
			return
		}
		aad := []byte(in.EncryptionContext["associatedData"])
		out.KeyID = arn
		var err error
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.Encrypt":
			out.CiphertextBlob = f.aead.Seal(nil, nil, in.Plaintext, aad)
		case "TrentService.Decrypt":
			out.Plaintext, err = f.aead.Open(nil, nil, in.CiphertextBlob, aad)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			out = amazonBody{Type: "InvalidCiphertextException"}
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(s.Close)
	return s
}

// transit answers as HashiCorp Vault's transit engine does, for one key.
func (f *fake) transit(t *testing.T, key string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if json.NewDecoder(r.Body).Decode(&in) != nil || r.Header.Get("X-Vault-Token") != "a token" || f.denies() {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors": ["permission denied"]}`))
			return
		}
		aad, _ := base64.StdEncoding.DecodeString(in["associated_data"])
		out := map[string]string{}
		switch strings.TrimPrefix(r.URL.Path, "/v1/transit/") {
		case "encrypt/" + key:
			plain, _ := base64.StdEncoding.DecodeString(in["plaintext"])
			out["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(f.aead.Seal(nil, nil, plain, aad))
		case "decrypt/" + key:
			box, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(in["ciphertext"], "vault:v1:"))
			plain, err := f.aead.Open(nil, nil, box, aad)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			out["plaintext"] = base64.StdEncoding.EncodeToString(plain)
		default:
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": out})
	}))
	t.Cleanup(s.Close)
	return s
}

// google answers as Google Cloud's KMS does, for one key.
type google struct {
	kmspb.UnimplementedKeyManagementServiceServer
	*fake
	key string
}

func (f *fake) google(t *testing.T, key string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(s, &google{fake: f, key: key})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func sum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func (g *google) Encrypt(_ context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	if r.GetName() != g.key || g.denies() {
		return nil, status.Error(codes.PermissionDenied, "denied")
	}
	box := g.aead.Seal(nil, nil, r.GetPlaintext(), r.GetAdditionalAuthenticatedData())
	return &kmspb.EncryptResponse{
		Name: g.key + "/cryptoKeyVersions/1", Ciphertext: box, CiphertextCrc32C: sum(box),
		VerifiedPlaintextCrc32C: true, VerifiedAdditionalAuthenticatedDataCrc32C: true,
	}, nil
}

func (g *google) Decrypt(_ context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	if r.GetName() != g.key || g.denies() {
		return nil, status.Error(codes.PermissionDenied, "denied")
	}
	plain, err := g.aead.Open(nil, nil, r.GetCiphertext(), r.GetAdditionalAuthenticatedData())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "not of this key")
	}
	return &kmspb.DecryptResponse{Plaintext: plain, PlaintextCrc32C: sum(plain)}, nil
}
