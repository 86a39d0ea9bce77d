package vault_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// ownKEKs resolves every name to a key that follows from it, in any process.
type ownKEKs struct{}

var kekNames = []string{"kms://a", "kms://b", ""}

func (ownKEKs) KEK(_ context.Context, uri string) (vault.KEK, error) {
	key := sha256.Sum256([]byte(uri))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return ownKEK{aead}, err
}

type ownKEK struct{ aead cipher.AEAD }

func (k ownKEK) EncryptWithContext(_ context.Context, plain, aad []byte) ([]byte, error) {
	return k.aead.Seal(nil, nil, plain, aad), nil
}

func (k ownKEK) DecryptWithContext(_ context.Context, sealed, aad []byte) ([]byte, error) {
	return k.aead.Open(nil, nil, sealed, aad)
}

// ownVault is a vault beside the kit's, for tenants that bring their own keys.
func ownVault(ctx context.Context, d database, k *kit.Kit, opts ...vault.Option) (*vault.Vault, error) {
	store, err := vaultsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	secrets, err := secretsOf(d)
	if err != nil {
		return nil, err
	}
	rows, err := auditsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	l := &late{v: k.Vault} // the trail seals pseudonyms under the tenants' keys too
	trail, err := audit.New(ctx, rows, l, l)
	if err != nil {
		return nil, err
	}
	l.v, err = vault.Open(ctx, vault.Config{Store: store, KEK: secrets.KEK, KEKs: ownKEKs{}, Epochs: secrets.Epochs, Journal: secrets.Journal, Recorder: trail},
		append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	return l.v, err
}

// letters is a host's own table of sealed e-mails.
type letters struct {
	d database
	h *sqlstore.Handle
	v *vault.Vault
}

func (l *letters) rebind(q string) string { return l.d.dialect().Rebind(q) }

func makeLetters(t *testing.T, d database, db *sql.DB) {
	t.Helper()
	blob := map[bool]string{true: "BLOB", false: "BYTEA"}[d.dialect() == sqlstore.SQLite]
	_, err := db.Exec("CREATE TABLE letter (id TEXT PRIMARY KEY, sealed " + blob + " NOT NULL)")
	require.NoError(t, err)
}

// fill seals a letter for each subject.
func (l *letters) fill(ctx context.Context, subjects []string) error {
	return l.h.Atomically(ctx, func(ctx context.Context) error {
		for _, s := range subjects {
			sealed, err := l.v.AppendSeal(ctx, nil, emailOf(shop, s), plaintextOf(s))
			if err != nil {
				return err
			}
			if _, err := l.h.Querier(ctx).Exec(ctx, l.rebind("INSERT INTO letter (id, sealed) VALUES (?, ?)"), s, sealed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *letters) page(ctx context.Context, after string) (items []vault.Item, next string, err error) {
	rows, err := l.h.Querier(ctx).Query(ctx, l.rebind("SELECT id, sealed FROM letter WHERE id > ? ORDER BY id LIMIT 5"), after)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return nil, "", err
		}
		items, next = append(items, vault.Item{At: emailOf(shop, id), Data: sealed}), id
	}
	return items, next, rows.Err()
}

func (l *letters) reencryption() vault.Reencryption {
	return vault.Reencryption{Purpose: "key-renewal", Page: l.page, WriteBack: l.writeBack}
}

func (l *letters) writeBack(ctx context.Context, at troth.Context, old, anew []byte) (bool, error) {
	res, err := l.h.Querier(ctx).Exec(ctx, l.rebind("UPDATE letter SET sealed = ? WHERE id = ? AND sealed = ?"), anew, at.Cell.Row, old)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
