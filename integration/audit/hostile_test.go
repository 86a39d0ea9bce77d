package audit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
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
