package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
)

func (f *faulty) person() troth.Subject { return troth.Subject{Tenant: f.tenant, ID: "1"} }

// unlessCommit demands that what failed did nothing. Of a commit that failed
// nobody can say.
func (f *faulty) unlessCommit(i faultstore.Injection, err error, done int) {
	f.Helper()
	switch {
	case err == nil:
		require.Equal(f, 1, done, "what succeeded did nothing")
	case i.Method != faultstore.Commit:
		require.Zero(f, done, "what failed took effect")
	}
	require.LessOrEqual(f, done, 1)
}

// TestFault_AMoveIsWholeOrNothing moves a tenant to a key of its own.
func TestFault_AMoveIsWholeOrNothing(t *testing.T) {
	move := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.MoveTenant(service(ctx, "desk"), f.tenant, kekNames[0])
		return err
	}
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      move,
		check: func(f *faulty, i faultstore.Injection, err error) {
			whole := func() int {
				moved := f.rows("troth_vault_root", "kek = '"+kekNames[0]+"'")
				require.Contains(f, []int{0, 2}, moved, "half a move")
				require.Len(f, f.recorded("vault.move"), moved/2, "a move and its evidence")
				return moved / 2
			}
			f.unlessCommit(i, err, whole())
			got, _ := f.open(service(f.Context(), "mailer"), orders)
			require.Equal(f, ok, got)
			require.NoError(f, move(f, f.Context()), "retry")
			require.Equal(f, 1, whole())
			got, _ = f.open(service(f.Context(), "mailer"), orders)
			require.Equal(f, ok, got)
		},
	})
}

// TestFault_AGenerationBeginsWithItsEvidence renews a key.
func TestFault_AGenerationBeginsWithItsEvidence(t *testing.T) {
	renew := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.NewGeneration(service(ctx, "desk"), f.person(), profile)
		return err
	}
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      renew,
		check: func(f *faulty, i faultstore.Injection, err error) {
			begun := func() int {
				n := f.rows("troth_vault_key", "compartment = 'profile' AND generation > 1")
				require.Len(f, f.recorded("vault.renew"), n)
				return n
			}
			before := begun()
			f.unlessCommit(i, err, before)
			require.NoError(f, renew(f, f.Context()), "retry")
			require.Equal(f, before+1, begun())
			got, _ := f.open(service(f.Context(), "mailer"), orders)
			require.Equal(f, ok, got)
		},
	})
}

// TestFault_AGenerationIsLetGoOnce retires the first of two.
func TestFault_AGenerationIsLetGoOnce(t *testing.T) {
	retire := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.RetireKey(service(ctx, "desk"), erasure, vault.Retirement{
			Subject: f.person(), Compartment: profile, Generation: 1,
			NothingLeft: func(context.Context, uint32) (bool, error) { return true, nil },
		})
		return err
	}
	eachFault(t, operation{
		prepare: func(f *faulty) {
			f.sealHonestly()
			_, err := f.honest.Vault.NewGeneration(service(f.Context(), "desk"), f.person(), profile)
			require.NoError(f, err)
			f.sealed, err = f.honest.Vault.AppendSeal(service(f.Context(), "desk"), nil, f.email(), plaintextOf("1"))
			require.NoError(f, err)
			_, err = f.db.Exec("UPDATE troth_vault_key SET created_at = created_at - 86400000000") // a day passes
			require.NoError(f, err)
		},
		do: retire,
		check: func(f *faulty, i faultstore.Injection, err error) {
			gone := func() int {
				n := f.rows("troth_vault_key", "generation = 1 AND compartment = 'profile' AND sealed IS NULL AND retired = 1")
				require.Len(f, f.recorded("vault.retire"), n)
				return n
			}
			f.unlessCommit(i, err, gone())
			require.NoError(f, retire(f, f.Context()), "retry")
			require.Equal(f, 1, gone())
			require.NoError(f, retire(f, f.Context()), "once more")
			require.Equal(f, 1, gone())
			got, _ := f.open(service(f.Context(), "mailer"), orders)
			require.Equal(f, ok, got)
		},
	})
}

// TestFault_NoKeyLeavesUnrecorded gives a key away.
func TestFault_NoKeyLeavesUnrecorded(t *testing.T) {
	export := func(f *faulty, ctx context.Context) (vault.Keyset, error) {
		k, err := f.vault.InsecureExportCleartextKeyset(service(ctx, "desk"), vault.SecretAccess{}, vault.KeysetExport{
			Tenant: f.tenant, SubjectID: "1", Compartment: profile, Ground: "portability",
		})
		if err != nil {
			require.Empty(f, k, "keys beside an error")
		} else {
			require.NotEmpty(f, f.recorded("vault.export"), "keys without evidence")
			require.NotZero(f, f.rows("troth_vault_export", "subject = '1'"))
		}
		return k, err
	}
	do := func(f *faulty, ctx context.Context) error { _, err := export(f, ctx); return err }
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      do,
		check: func(f *faulty, _ faultstore.Injection, err error) {
			noted := f.rows("troth_vault_export", "subject = '1'")
			require.Len(f, f.recorded("vault.export"), noted)
			// What was noted and did not leave, for want of the journal, does no harm.
			require.LessOrEqual(f, noted, 1)
			if err == nil {
				require.Equal(f, 1, noted, "what succeeded did nothing")
			}
			require.NoError(f, do(f, f.Context()), "retry")
			state, err := f.keys.JournalState(f.Context())
			require.NoError(f, err)
			require.Zero(f, state.Waiting, "keys left before the journal had it")
		},
		shared: true,
	})
}

// TestFault_AKeysetIsTakenInOnce takes a key in.
func TestFault_AKeysetIsTakenInOnce(t *testing.T) {
	h := aKeyset(t)
	take := func(f *faulty, ctx context.Context) error {
		_, err := f.vault.ImportKeyset(service(ctx, "desk"), vault.SecretAccess{}, vault.KeysetImport{
			Subject: f.person(), Compartment: profile, Keyset: h, Ground: "migration",
		})
		return err
	}
	eachFault(t, operation{
		prepare: (*faulty).sealHonestly,
		do:      take,
		check: func(f *faulty, i faultstore.Injection, err error) {
			taken := func() int {
				n := f.rows("troth_vault_key", "compartment = 'profile' AND key_id = 7")
				require.Len(f, f.recorded("vault.import"), n)
				require.Equal(f, n, f.rows("troth_vault_export", "subject = '1'"))
				require.Equal(f, 1+2*n, f.rows("troth_vault_key", "compartment = 'profile'"), "with a fresh one behind it")
				return n
			}
			f.unlessCommit(i, err, taken())
			require.NoError(f, take(f, f.Context()), "retry")
			require.Equal(f, 1, taken())
			got, _ := f.open(service(f.Context(), "mailer"), orders)
			require.Equal(f, ok, got)
		},
	})
}

// aKeyset is one of a single random AES-256-GCM key, whose id is 7.
func aKeyset(t *testing.T) *keyset.Handle {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	text := fmt.Sprintf(`{"primaryKeyId": 7, "key": [{"keyData": {
		"typeUrl": "type.googleapis.com/google.crypto.tink.AesGcmKey", "keyMaterialType": "SYMMETRIC", "value": %q
	}, "outputPrefixType": "TINK", "keyId": 7, "status": "ENABLED"}]}`,
		base64.StdEncoding.EncodeToString(append([]byte{0x1a, 32}, key...)))
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewBufferString(text)))
	require.NoError(t, err)
	return h
}
