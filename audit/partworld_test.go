package audit_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// actLetter may carry a payload.
var actLetter = &troth.Act{
	Name: "test.letter", Version: 1, Doc: "A letter was written.",
	Parts: []troth.PartSpec{{Name: "text", Doc: "what it said"}, {Name: "address", Doc: "where it went"}},
}

// letter is about 17 and says something to 17 and to 18.
func letter(tenant troth.Tenant) troth.Entry {
	part := func(s string) troth.Sensitive[[]byte] { return troth.Protect([]byte(s)) }
	return troth.Entry{
		Act: actLetter, Tenant: tenant, SubjectID: "17",
		Parts: []troth.Part{
			{Name: "text", Content: part("dear canary of " + string(tenant)), Compartment: "letters"},
			{Name: "text", SubjectID: "18", Content: part("dear eighteen")},
			{Name: "address", Content: part("")},
		},
	}
}

// actShred tells of a shredding as the vault does.
var actShred = &troth.Act{
	Name: troth.ShredAct, Version: 1, Doc: "Keys were destroyed.",
	Fields: []troth.Field{
		{Name: "scope", Kind: troth.WordFact, Doc: "what"},
		{Name: "compartments", Kind: troth.WordsFact, Optional: true, Doc: "which"},
		{Name: "spared", Kind: troth.WordsFact, Optional: true, Doc: "which not"},
	},
}

func shredding(tenant troth.Tenant, subject, scope string, facts troth.Facts) troth.Entry {
	e := troth.Entry{Act: actShred, Tenant: tenant, SubjectID: subject, Facts: troth.Facts{"scope": troth.Word(scope)}}
	maps.Copy(e.Facts, facts)
	return e
}

func (w *world) open(tenant troth.Tenant, id troth.EntryID, n int, subject string) ([]byte, error) {
	return w.trail.OpenPart(w.as(kim), audit.PartRef{Tenant: tenant, Entry: id, Part: n, SubjectID: subject}, "access-request")
}

func (w *world) parts(tenant troth.Tenant, id troth.EntryID) []audit.PartInfo {
	w.Helper()
	infos, err := w.trail.Parts(w.Context(), tenant, id)
	require.NoError(w, err)
	return infos
}

// states are those of the parts, in order, with "by" where an entry is named.
func (w *world) states(tenant troth.Tenant, id troth.EntryID) string {
	w.Helper()
	var all []string
	for n, info := range w.parts(tenant, id) {
		require.Equal(w, n, info.Part)
		text := string(info.State)
		if !info.By.IsZero() {
			text += " by"
		}
		all = append(all, text)
	}
	return strings.Join(all, " / ")
}

func (w *world) gone(err error) *audit.PartGoneError {
	w.Helper()
	gone, ok := errors.AsType[*audit.PartGoneError](err)
	require.True(w, ok, "%v", err)
	return gone
}

// toLog moves what waits into log 1, as a sequencer does but for the tree.
func (w *world) toLog() {
	w.Helper()
	require.NoError(w, w.db.Atomically(w.Context(), func(ctx context.Context) error {
		taken, err := w.store.TakeInbox(ctx, 1<<20)
		require.NoError(w, err)
		for _, row := range taken {
			require.NoError(w, w.store.AppendLog(ctx, []audit.LogRow{w.next(row)}))
		}
		return nil
	}))
}

func (w *world) next(row audit.InboxRow) audit.LogRow {
	w.Helper()
	env, err := audit.ParseEnvelope(row.Envelope)
	require.NoError(w, err)
	l := audit.Leaf{
		Index: w.size, Number: w.numbers[row.Tenant] + 1, Prev: w.prev[row.Tenant],
		SequencedAt: time.UnixMicro(row.RecordedAt), Envelope: row.Envelope,
	}
	leaf := l.Append(nil)
	hash := audit.HashLeaf(leaf)
	w.size++
	w.numbers[row.Tenant], w.prev[row.Tenant] = l.Number, hash
	return audit.LogRow{
		Log: 1, Index: l.Index, Tenant: row.Tenant, ID: row.ID, Number: l.Number, Hash: hash, Leaf: leaf,
		RecordedAt: row.RecordedAt, Act: env.Act, Subject: env.Subject,
	}
}
