package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// kinds are the three clients, each with a KMS on loopback.
var kinds = map[string]struct {
	uri   string
	wires func(t *testing.T, f *fake, r *resolver)
}{
	"aws": {
		"aws-kms://arn:aws:kms:eu-central-1:111122223333:key/1",
		func(t *testing.T, f *fake, r *resolver) {
			s := f.amazon(t, "arn:aws:kms:eu-central-1:111122223333:key/1")
			r.aws = aws.Config{
				BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
				Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			}
		},
	},
	"gcp": {
		"gcp-kms://projects/p/locations/europe/keyRings/r/cryptoKeys/k",
		func(t *testing.T, f *fake, r *resolver) {
			r.gcpOptions = []gcpkms.Option{gcpkms.WithGoogleAPIClientOptions(
				option.WithEndpoint(f.google(t, "projects/p/locations/europe/keyRings/r/cryptoKeys/k")),
				option.WithoutAuthentication(),
				option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
			)}
		},
	},
	"hcvault": {
		"hcvault://vault.example/transit/keys/shop-17",
		func(t *testing.T, f *fake, r *resolver) {
			c := api.DefaultConfig()
			c.Address, c.MaxRetries = f.transit(t, "shop-17").URL, 0
			client, err := api.NewClient(c)
			require.NoError(t, err)
			client.SetToken("a token")
			r.transit = client
		},
	},
}

// Each client moves a tenant, and hears of it when the key is taken away and
// given back.
func TestKMS_MovesATenant(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			f, r := newFake(t), &resolver{}
			kind.wires(t, f, r)
			defer func() { require.NoError(t, r.close()) }()
			ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "test"})
			db := memory.Open()
			s := vaultmem.New(db)
			kek := vaulttest.InsecureKEK()
			v, err := open(ctx, db, s, kek, r)
			require.NoError(t, err)
			var out bytes.Buffer
			sealed, err := move(ctx, v, kind.uri, &out)
			require.NoError(t, err)
			require.Equal(t, "2 roots moved; opened: ada@shop-17.example\n", out.String())
			require.Positive(t, f.calls.Load())

			f.revoked.Store(true)
			cold, err := open(ctx, db, s, kek, r)
			require.NoError(t, err)
			_, err = cold.AppendOpen(ctx, nil, email, "order-fulfilment", sealed)
			require.ErrorIs(t, err, vault.ErrKEK)
			f.revoked.Store(false)
			require.Eventually(t, func() bool { // the same process, once its rest is over
				plain, err := cold.AppendOpen(ctx, nil, email, "order-fulfilment", sealed)
				return err == nil && string(plain) == "ada@shop-17.example"
			}, time.Minute, 20*time.Millisecond)
		})
	}
}

func TestResolver_RefusesWhatItDoesNotKnow(t *testing.T) {
	r := &resolver{}
	for _, uri := range []string{"", "file:///etc/passwd", "aws-kms://key/1", "hcvault://vault.example/transit/keys/k"} {
		_, err := r.KEK(t.Context(), uri)
		require.ErrorIs(t, err, errURI, uri)
	}
}
