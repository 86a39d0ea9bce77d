package kit_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var shipped = &troth.Act{Name: "shop.ship", Version: 1, Doc: "A parcel was handed to the carrier."}

func TestWithTx_ActAndEvidenceShareAFate(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		_, err := h.db.ExecContext(t.Context(), "CREATE TABLE parcel (customer TEXT NOT NULL)")
		require.NoError(t, err)
		for _, c := range []struct {
			name   string
			commit bool
			want   int
		}{{"rolled back", false, 0}, {"committed", true, 1}} {
			h.inTx(asPerson(t), t, c.commit, func(ctx context.Context, tx *sql.Tx) {
				_, err := tx.ExecContext(ctx, "INSERT INTO parcel (customer) VALUES ('c-1')")
				require.NoError(t, err)
				_, err = h.Trail.Record(ctx, troth.Entry{Act: shipped, Tenant: tenant, SubjectID: "c-1"})
				require.NoError(t, err)
			})
			var parcels int
			require.NoError(t, h.db.QueryRowContext(t.Context(), "SELECT count(*) FROM parcel").Scan(&parcels))
			require.Equal(t, c.want, parcels, c.name)
			require.Equal(t, c.want, h.count(t, shipped.Name), c.name)
		}
	})
}

func TestWithTx_KeysOfARolledBackTransactionAreGone(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		var lost []byte
		h.inTx(ctx, t, false, func(ctx context.Context, _ *sql.Tx) { lost = h.seal(ctx, t, "c-1") })
		_, err := h.Vault.Open(ctx, nil, email("c-1"), purpose, lost)
		require.ErrorIs(t, err, vault.ErrOpen)
		h.requireOpens(ctx, t, "c-1", h.seal(ctx, t, "c-1"))

		var kept []byte
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) { kept = h.seal(ctx, t, "c-2") })
		h.requireOpens(ctx, t, "c-2", kept)
		d.host(t).requireOpens(ctx, t, "c-2", kept)
	})
}

func TestWithTx_ARolledBackShreddingDidNotHappen(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, other := d.host(t), d.host(t)
		ctx := asService(t)
		sealed := h.seal(ctx, t, "c-1")
		h.inTx(ctx, t, false, func(ctx context.Context, _ *sql.Tx) {
			_, err := h.Vault.Shred(ctx, erasure(), person("c-1"))
			require.NoError(t, err)
			_, err = h.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
			require.ErrorIs(t, err, vault.ErrShredPending)
		})
		h.requireOpens(ctx, t, "c-1", sealed)
		h.requireOpens(ctx, t, "c-1", h.seal(ctx, t, "c-1"))
		other.requireOpens(ctx, t, "c-1", sealed)
		require.Zero(t, h.count(t, "vault.shred"))
	})
}

func TestWithTx_ACommittedShreddingIsOnRecordAndForEver(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		sealed := h.seal(ctx, t, "c-1")
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) {
			receipt, err := h.Vault.Shred(ctx, erasure(), person("c-1"))
			require.NoError(t, err)
			require.Len(t, receipt.Keys, 1)
		})
		for _, at := range []host{h, d.host(t)} {
			_, err := at.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
			require.ErrorIs(t, err, vault.ErrShredded)
			_, err = at.Vault.Seal(ctx, nil, email("c-1"), []byte("back again"))
			require.ErrorIs(t, err, vault.ErrShredded)
		}
		require.Equal(t, 1, h.count(t, "vault.shred"))
	})
}
