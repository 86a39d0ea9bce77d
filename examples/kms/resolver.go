package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/trothdev/troth/vault"
)

// resolver gives tenants' own keys by the scheme of their URI. What it needs to
// reach them is the host's: credentials, addresses, timeouts. It never asks
// whether a tenant may use a key: the host checked that before it moved the
// tenant there, and the vault asks for no other.
type resolver struct {
	// aws holds credentials; its region is that of each key.
	aws aws.Config
	// gcp is made on first use, with these options.
	gcpOptions []gcpkms.Option
	// transit is a client of a HashiCorp Vault with a token.
	transit *api.Client

	mu  sync.Mutex
	gcp *gcpkms.Client
}

var errURI = errors.New("kms: no key of a known kind")

// KEK implements vault.KEKResolver.
func (r *resolver) KEK(ctx context.Context, uri string) (vault.KEK, error) {
	switch scheme, name, _ := strings.Cut(uri, "://"); scheme {
	case "aws-kms":
		return r.amazon(ctx, name)
	case "gcp-kms":
		return r.google(uri)
	case "hcvault":
		return r.hashicorp(name)
	default:
		return nil, errURI
	}
}

// amazon takes arn:aws:kms:<region>:<account>:key/<id>. The associated data
// shows in CloudTrail as the encryption context, and a key policy can demand it.
func (r *resolver) amazon(ctx context.Context, arn string) (vault.KEK, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return nil, errURI
	}
	client := kms.NewFromConfig(r.aws, func(o *kms.Options) { o.Region = parts[3] })
	return awskms.NewAEADWithContext(ctx, arn, awskms.WithKMS(client))
}

// google takes gcp-kms://projects/…/cryptoKeys/<key>. One client serves all keys.
func (r *resolver) google(uri string) (vault.KEK, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gcp == nil {
		// The client outlives the call that happens to need it first.
		client, err := gcpkms.NewClient(context.Background(), "gcp-kms://", r.gcpOptions...)
		if err != nil {
			return nil, err
		}
		r.gcp = client
	}
	aead, err := r.gcp.GetAEAD(uri)
	if err != nil {
		return nil, err
	}
	kek, ok := aead.(tink.AEADWithContext)
	if !ok {
		return nil, fmt.Errorf("kms: gcp: %w", errors.ErrUnsupported)
	}
	return kek, nil
}

// hashicorp takes hcvault://<host>/<mount>/keys/<key>. The key must be of a kind
// that authenticates associated data, such as aes256-gcm96. The host of the URI
// is not looked at: the client knows the address, and the tenant does not choose
// it.
func (r *resolver) hashicorp(name string) (vault.KEK, error) {
	if r.transit == nil {
		return nil, errURI
	}
	_, path, found := strings.Cut(name, "/")
	if !found {
		return nil, errURI
	}
	aead, err := hcvault.NewAEAD("/"+path, r.transit.Logical())
	if err != nil {
		return nil, err
	}
	return patient{aead}, nil
}

// patient is an AEAD that cannot be told to give up. It need not be: the vault
// stops waiting by itself.
type patient struct{ tink.AEAD }

func (p patient) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.Encrypt(plaintext, associatedData)
}

func (p patient) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.Decrypt(ciphertext, associatedData)
}

func (r *resolver) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gcp == nil {
		return nil
	}
	return r.gcp.Close()
}
