package audit

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TestSequence_TakesAsideWhatSomebodyWroteIntoTheInbox writes rows with SQL, as
// somebody who can only write to the database.
func TestSequence_TakesAsideWhatSomebodyWroteIntoTheInbox(t *testing.T) {
	eachSite(t, func(t *testing.T, s site) {
		p := s.signing(t)
		do := func(statement string, args ...any) {
			t.Helper()
			_, err := p.handle.Querier(t.Context()).Exec(t.Context(), p.handle.Dialect().Rebind(statement), args...)
			require.NoError(t, err)
		}
		const columns = `(tenant, id, recorded_at, envelope, tag)`
		copied := p.record(kim(t.Context()), t, "acme")
		do(`CREATE TABLE kept AS SELECT tenant, id, recorded_at, envelope, tag FROM troth_audit_inbox`)
		p.drain(t)
		p.record(kim(t.Context()), t, "acme")

		// Put back, put under another tenant, too long, empty of sense.
		do(`INSERT INTO troth_audit_inbox `+columns+` SELECT tenant, id, recorded_at, envelope, tag FROM kept WHERE id = ?`, copied[:])
		do(`INSERT INTO troth_audit_inbox `+columns+` SELECT 'globex', id, recorded_at, envelope, tag FROM kept WHERE id = ?`, copied[:])
		id := func(n byte) []byte { return append(make([]byte, 15), n) }
		tag := make([]byte, 32)
		do(`INSERT INTO troth_audit_inbox `+columns+` VALUES (?, ?, ?, ?, ?)`, "acme", id(1), -5, make([]byte, audit.MaxEnvelope+1), tag)
		do(`INSERT INTO troth_audit_inbox `+columns+` VALUES (?, ?, ?, ?, ?)`, "acme", id(2), 0, []byte{}, tag)
		do(`INSERT INTO troth_audit_inbox `+columns+` VALUES (?, ?, ?, ?, ?)`, "", id(3), 0, []byte("x"), tag)
		do(`INSERT INTO troth_audit_inbox `+columns+` VALUES (?, ?, ?, ?, ?)`, `a"b\c,{}`, id(4), 0, []byte("x"), tag)
		do(`INSERT INTO troth_audit_inbox `+columns+` VALUES (?, ?, ?, ?, ?)`, strings.Repeat("t", 5000), id(5), 0, []byte("x"), tag)

		p.drain(t)
		backlog, err := p.trail.Backlog(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 7, backlog.Quarantined)
		told := 0
		for r, err := range p.trail.Entries(t.Context(), troth.Platform, audit.Query{Act: "audit.quarantine"}) {
			require.NoError(t, err)
			told += int(r.Facts[0].Fact.Number())
		}
		assert.Equal(t, 7, told)
		_, err = p.trail.Checkpoint(t.Context())
		require.NoError(t, err)
		_, err = p.trail.Verify(t.Context(), audit.VerifyParams{})
		require.NoError(t, err)
		n, err := p.trail.Sequence(t.Context())
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

// TestSequence_TakesAsideWhatCannotBeRead puts rows into the inbox whose values
// are of another type or length than any that is stored.
func TestSequence_TakesAsideWhatCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		store := b.store(t, db)
		signer, err := audit.GenerateSigningKey("troth.example/unread")
		require.NoError(t, err)
		trail := audittest.NewTrail(t, store, audit.WithSigner(signer))
		f := b.forger(t, db, "troth_audit_inbox")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "importer"})
		id := func(n byte) []byte { return bytes.Repeat([]byte{n}, 16) }
		rows := [][]any{
			{"acme", id(1)[:15], 5}, {"acme", []byte{}, 6}, {"acme", bytes.Repeat([]byte{7}, 1000), 7}, {"acme", id(2)[:1], -1 << 62},
		}
		if b.dialect == sqlstore.SQLite {
			rows = append(rows, [][]any{
				{"acme", id(3), "yesterday"},
				{"acme", id(4), []byte{1}},
				{"acme", id(5), 1.5},
				{"acme", "sixteen letters.", 9},
				{"acme", 12345, 10},
				{[]byte("acme"), id(6), "now"},
				{12, id(7)[:3], "now"},
				{"acme", id(8), ""},
			}...)
		} else {
			rows = append(rows, [][]any{{nil, id(3), 1}, {"acme", nil, 1}, {"acme", id(4), nil}, {nil, nil, nil}}...)
		}
		good := func() troth.EntryID {
			id, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme"})
			require.NoError(t, err)
			return id
		}
		first := good()
		for n, row := range rows {
			require.NoError(t, f.try("INSERT INTO troth_audit_inbox (tenant, id, recorded_at, envelope, tag) VALUES (?, ?, ?, ?, ?)",
				row[0], row[1], row[2], []byte("x"), make([]byte, 32)), "row %d", n)
		}
		second := good()
		waits, err := trail.Backlog(ctx)
		require.NoError(t, err)
		require.Equal(t, len(rows)+2, waits.Count)
		for _, id := range []troth.EntryID{first, second} {
			_, err := trail.Await(ctx, "acme", id)
			require.NoError(t, err)
		}
		for range 3 {
			_, err = trail.Sequence(ctx)
			require.NoError(t, err)
		}
		waits, err = trail.Backlog(ctx)
		require.NoError(t, err)
		require.Zero(t, waits.Count)
		require.Equal(t, len(rows), waits.Quarantined)
		told := 0
		for r, err := range trail.Entries(ctx, troth.Platform, audit.Query{Act: "audit.quarantine"}) {
			require.NoError(t, err)
			told += int(r.Facts[0].Fact.Number())
		}
		require.Equal(t, len(rows), told, "an entry says so")
		_, err = trail.Verify(ctx, audit.VerifyParams{})
		require.NoError(t, err)
	})
}
