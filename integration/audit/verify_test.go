package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// long says that the long forms of tests are wanted.
var long = os.Getenv("TROTH_LONG") != ""

// some is a step through bytes, 1 in the long form.
func some(step int) int {
	if long {
		return 1
	}
	return step * slowdown
}

// some is a step through what is changed: a longer one on PostgreSQL, where every
// change takes several times as long and the same code finds it.
func (l *smallLog) some(step int) int {
	if l.forge.dialect == sqlstore.Postgres {
		step *= 3
	}
	return some(step)
}

// letterAct may carry a payload.
var letterAct = &troth.Act{
	Name: "integration.letter", Version: 1, Doc: "A letter was written.",
	Parts: []troth.PartSpec{{Name: "text", Doc: "what it said"}},
}

// smallLog is a log of some 300 entries on a database, and who verifies it.
type smallLog struct {
	*testing.T
	forge *forger
	trail *audit.Trail
	// early is a checkpoint from about the middle.
	early []byte
	tried map[string]int
	// hidden is the entry that some index does not tell of.
	hidden troth.EntryID
}

func (b backend) smallLog(t *testing.T) *smallLog {
	t.Helper()
	db := b.open(t)
	store := b.store(t, db)
	signer, err := audit.GenerateSigningKey("troth.example/tamper")
	require.NoError(t, err)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	l := &smallLog{T: t, tried: make(map[string]int)}
	l.trail = audittest.NewTrail(t, store, audit.WithSigner(signer), audit.Unmanaged("test"),
		audit.WithClock(func() time.Time { return at }))
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	tenants := []troth.Tenant{"acme", "globex", "initech"}
	var letters []troth.EntryID
	for batch := range 6 {
		require.NoError(t, store.Transactor().Atomically(ctx, func(ctx context.Context) error {
			for i := range 49 {
				at = at.Add(time.Millisecond)
				e := troth.Entry{Act: act, Tenant: tenants[i%3], SubjectID: "17"}
				if i == 7 {
					e.Act = letterAct
					e.Parts = []troth.Part{{Name: "text", Content: troth.Protect([]byte("dear canary"))}}
				}
				id, err := l.trail.Record(ctx, e)
				if err != nil {
					return err
				}
				if i == 7 {
					letters = append(letters, id)
				}
			}
			return nil
		}))
		_, err := l.trail.Sequence(ctx)
		require.NoError(t, err)
		note, err := l.trail.Checkpoint(ctx)
		require.NoError(t, err)
		switch batch {
		case 2:
			_, err := l.trail.Redact(ctx, troth.UnmanagedPermit("test"), "globex", letters[1])
			require.NoError(t, err)
			l.early = note
		case 3:
			_, err := l.trail.DropParts(ctx, troth.UnmanagedPermit("test"), audit.OldParts{Tenant: "globex", Before: at, Limit: 1})
			require.NoError(t, err)
		}
	}
	l.forge = b.forger(t, db)
	l.fits()
	return l
}

func (l *smallLog) fits() {
	l.Helper()
	r, err := l.trail.Verify(l.Context(), audit.VerifyParams{})
	require.NoError(l, err)
	require.Len(l, r.Logs, 1)
	require.Greater(l, r.Logs[0].Size, uint64(256))
	require.Equal(l, 6, r.Logs[0].Checkpoints)
	require.Equal(l, 1, r.Logs[0].Redacted)
	require.Equal(l, 2, r.Logs[0].Dropped)
	require.Greater(l, r.Logs[0].Parts, 1)
}

// found requires that verification finds that a table was changed, and names it.
func (l *smallLog) found(t *forgedTable, what string) {
	l.Helper()
	l.tried[t.name]++
	_, err := l.trail.Verify(l.Context(), audit.VerifyParams{})
	if damage, ok := errors.AsType[*audit.DamageError](err); ok {
		// Entries without a head are of no log.
		if "troth_audit_"+damage.Table != t.name && !strings.HasPrefix(what, "head ") {
			l.Errorf("found as %v: %s", err, what)
		}
		return
	}
	if _, ok := errors.AsType[*audit.RolledBackError](err); !ok {
		l.Errorf("not found: %s: %v", what, err)
	}
}

// verified are the tables that verification is about; the rest are what waits,
// who people are, and what was taken aside.
var verified = map[string]bool{
	"troth_audit_head": true, "troth_audit_entry": true, "troth_audit_tile": true, "troth_audit_tenant": true,
	"troth_audit_checkpoint": true, "troth_audit_part": true,
	"troth_audit_inbox": false, "troth_audit_pseudonym": false, "troth_audit_managed": false, "troth_audit_quarantine": false,
}

// TestVerify_FindsEveryChange changes every column of every row of the log, as
// the schema lists them, takes every row away, puts forged ones beside it and
// exchanges rows with each other; verification must find each. TROTH_LONG does all
// of that; without it bytes are changed at steps, and on PostgreSQL rows too.
func TestVerify_FindsEveryChange(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		t.Parallel() // the one waits for its server, and the other computes
		l := b.smallLog(t)
		for name := range l.forge.tables {
			wanted, known := verified[name]
			require.True(t, known, "table %s is new: is it verified?", name)
			if wanted {
				l.table(l.forge.tables[name])
			}
		}
		t.Logf("changes: %v", l.tried)
	})
}

func (l *smallLog) table(t *forgedTable) {
	l.Helper()
	l.forge.keep(t)
	for n, row := range t.rows {
		if l.thorough(t, n, row) {
			for i := range t.columns {
				l.column(t, row, i)
			}
			l.fits()
		}
		// Thinning takes checkpoints away.
		if n%l.some(1) == 0 && t.name != "troth_audit_checkpoint" && !l.ofRedacted(t, row) {
			l.forge.remove(t, row)
			l.found(t, t.place(row)+" is gone")
			require.NoError(l, l.forge.insert(t, row))
		}
		l.added(t, n, row)
		if n > 0 && n%l.some(5) == 0 {
			l.exchanged(t, t.rows[n-1], row)
		}
	}
	l.forge.restore(t)
	l.fits()
}

// thorough says which rows are changed byte by byte: all but most entries, and on
// PostgreSQL a third of the others.
func (l *smallLog) thorough(t *forgedTable, n int, row []any) bool {
	if t.name == "troth_audit_entry" {
		return long || n%149 == 1 || n == len(t.rows)-1 || t.value(row, "leaf") == nil
	}
	return n%l.some(1) == 0
}

func (t *forgedTable) value(row []any, column string) any {
	for i, c := range t.columns {
		if c == column {
			return row[i]
		}
	}
	return nil
}

// ofRedacted reports whether the row is a part of the entry that was redacted:
// nothing tells that there was one.
func (l *smallLog) ofRedacted(t *forgedTable, row []any) bool {
	if t.name != "troth_audit_part" {
		return false
	}
	n := l.forge.strings("SELECT 'yes' FROM troth_audit_entry WHERE leaf IS NULL AND tenant = ? AND id = ?",
		t.value(row, "tenant"), t.value(row, "entry"))
	return len(n) > 0
}

// beyond reports whether nothing could tell that the column was changed: what a
// dropped part says beside its place.
func (l *smallLog) beyond(t *forgedTable, row []any, column string) bool {
	if t.name != "troth_audit_part" || t.value(row, "dropped_by") == nil {
		return false
	}
	lost := " name subject compartment "
	if l.ofRedacted(t, row) {
		lost += "tenant entry part recorded_at "
	}
	return strings.Contains(lost, " "+column+" ")
}

// column changes one column of one row.
func (l *smallLog) column(t *forgedTable, row []any, i int) {
	l.Helper()
	column := t.columns[i]
	if l.beyond(t, row, column) {
		return
	}
	isKey := strings.Contains(" "+strings.Join(t.key, " ")+" ", " "+column+" ")
	change := func(expression string, args ...any) {
		l.Helper()
		if l.forge.update(t, row, column, expression, args...) != nil {
			return // the database refuses
		}
		if l.forge.same(t, row, column) {
			return // as it was, to the database
		}
		l.found(t, fmt.Sprintf("%s: %s is %s %.40v", t.place(row), column, expression, args))
		if isKey {
			l.forge.restore(t)
		} else {
			require.NoError(l, l.forge.update(t, row, column, "?", row[i]))
		}
	}
	step := 1
	switch b, _ := row[i].([]byte); {
	case len(b) > 1000:
		step = l.some(97)
	case len(b) > 32:
		step = l.some(11)
	}
	for _, v := range changesOf(row[i], step) {
		if v == nil && isKey && t.name == "troth_audit_checkpoint" {
			continue // as if it were taken away
		}
		change("?", v)
	}
	if l.forge.dialect == sqlstore.SQLite {
		change("CAST(" + column + " AS BLOB)")
		change("CAST(" + column + " AS TEXT)")
	}
}

// added puts forged rows beside one: the same in places where there is none.
func (l *smallLog) added(t *forgedTable, n int, row []any) {
	l.Helper()
	if n%some(40) != 0 {
		return
	}
	for i, column := range t.columns {
		number, ok := row[i].(int64)
		if t.name == "troth_audit_part" || !ok || !slices.Contains([]string{"log", "idx", "place", "level", "n", "size"}, column) {
			continue
		}
		for _, at := range []int64{-1, 0, number + 1, number + 256, 1 << 40, number + 1<<48} {
			forged := append([]any(nil), row...)
			forged[i] = at
			for j, c := range t.columns {
				switch {
				case c == "id":
					forged[j] = []byte("0123456789abcdef")
				case c == "number" && t.name == "troth_audit_entry":
					forged[j] = int64(1 << 41)
				case c == "log" && column == "place":
					forged[j] = at >> 48
				}
			}
			if l.forge.insert(t, forged) == nil {
				l.found(t, "beside "+t.place(row)+" one at "+column)
				l.forge.restore(t)
			}
		}
	}
}

// exchanged gives two rows each other's content.
func (l *smallLog) exchanged(t *forgedTable, a, b []any) {
	l.Helper()
	x, y := append([]any(nil), a...), append([]any(nil), b...)
	differ := false
	for i, c := range t.columns {
		if !strings.Contains(" "+strings.Join(t.key, " ")+" ", " "+c+" ") {
			differ = differ || !equal(a[i], b[i])
			x[i], y[i] = b[i], a[i]
		}
	}
	if !differ || l.ofRedacted(t, a) || l.ofRedacted(t, b) {
		return
	}
	l.forge.remove(t, a)
	l.forge.remove(t, b)
	require.NoError(l, l.forge.insert(t, x))
	require.NoError(l, l.forge.insert(t, y))
	l.found(t, t.place(a)+" and "+t.place(b)+" exchanged")
	l.forge.restore(t)
}
