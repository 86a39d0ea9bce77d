package retention_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// vectors are the lines of docs/formats/retention.md that are set apart.
func vectors(t *testing.T) (lines []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/formats/retention.md")
	require.NoError(t, err)
	for i, part := range strings.Split(string(page), "```") {
		if i%2 == 1 {
			lines = append(lines, strings.TrimSpace(part))
		}
	}
	require.GreaterOrEqual(t, len(lines), 2)
	return lines
}

func TestFormats_Detail(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p", "b", "a", "b")
	w.after(1)
	w.happened("1", "trashed")
	row, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, vectors(t)[0], string(row.Detail))

	// Nothing else is read: a row that somebody changed is neither moved nor destroyed.
	w.after(90)
	for _, change := range []func(row *retention.RecordRow){
		func(row *retention.RecordRow) { row.Detail = append([]byte(" "), row.Detail...) },
		func(row *retention.RecordRow) {
			row.Detail = bytes.Replace(row.Detail, []byte(`"at"`), []byte(`"At"`), 1)
		},
		func(row *retention.RecordRow) { row.Detail = row.Detail[1:] },
		func(row *retention.RecordRow) { row.Detail = nil },
	} {
		bad := row
		bad.Detail = bytes.Clone(row.Detail)
		change(&bad)
		require.NoError(t, w.store.PutRecord(w.ctx, bad))
		s := w.sweep()
		require.Len(t, s.Failed, 1)
		require.ErrorIs(t, s.Failed[0].Err, retention.ErrRecord)
		require.NotEmpty(t, w.sees("1"))
	}
}

func TestFormats_Proposer(t *testing.T) {
	w := newKept(t, content(t))
	w.hold(retention.Hold{ID: "h"})
	require.NoError(t, w.k.ProposeRelease(person(w.ctx, "lawyer", "counsel"), ours, "h"))
	row, _, err := w.store.Hold(w.ctx, ours, "h")
	require.NoError(t, err)
	hash := func(salt []byte) []byte {
		sum := sha256.Sum256(append(bytes.Clone(salt), "~platform\x00lawyer"...))
		return sum[:]
	}
	require.Len(t, row.Proposer, 48)
	require.Equal(t, hash(row.Proposer[:16]), row.Proposer[16:])
	require.Equal(t, vectors(t)[1], hex.EncodeToString(hash([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})))
	require.NotContains(t, string(row.Proposer), "lawyer")
}

func TestFormats_Plan(t *testing.T) {
	p := retention.Plan{
		Made: day(t, "2026-03-01"), At: day(t, "2026-04-01"),
		Base:    retention.PlanVersion{Number: 1, Policy: [32]byte{1}},
		Version: retention.PlanVersion{Number: 2, Policy: [32]byte{2}},
		Changes: []retention.Change{{Class: "content", Stage: "trashed", Effect: retention.Earlier, Before: 55, After: 45, Records: 9, DueNow: 1}},
		Rules:   []retention.RuleChange{{Kind: retention.ByPromise, Name: "trash", Change: "changed"}},
		Buckets: []retention.Bucket{{
			Class: "content", Stage: "trashed", Action: retention.ActDestroy, Records: 1, Earlier: 1,
			Samples: []retention.Sample{{Handle: "H", Why: "file/H: content trashed: destroy"}},
		}},
	}
	hash := p.Hash()
	require.Equal(t, vectors(t)[3], hex.EncodeToString(hash[:]))
	w := newKept(t, nil)
	_, err := w.store.InsertPlan(w.ctx, retention.PlanRow{Tenant: troth.Platform, Hash: hash, Text: []byte(vectors(t)[2])})
	require.NoError(t, err)
	plans, err := w.k.Plans(w.ctx) // reads nothing but what it would write
	require.NoError(t, err)
	require.Equal(t, p, plans[0].Plan)
}
