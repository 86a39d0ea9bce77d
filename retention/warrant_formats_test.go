package retention_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

func TestFormats_DetailOfAWarrant(t *testing.T) {
	all := vectors(t)
	i := slices.IndexFunc(all, func(l string) bool { return strings.HasPrefix(l, `{"copies":`) })
	require.GreaterOrEqual(t, i, 0)
	w := newSpread(t)
	row := retention.WarrantRow{
		Tenant: ours, ID: "1", Handle: "h", Type: "file", Class: "content", End: retention.Destroy, Version: 1,
		At: day(t, "2026-02-28").UnixMicro(), NextAt: retention.Parked, Detail: []byte(all[i]),
	}
	require.NoError(t, w.store.InsertWarrant(w.ctx, row))
	w.now = day(t, "2026-03-01")
	states, err := w.k.Gone(w.ctx, ours, "h")
	require.NoError(t, err)
	search := stateOf(t, states, "search")
	require.Equal(t, retention.CopyGone, search.Status)
	require.True(t, search.Shown)
	require.Equal(t, "019ca0a1-2c00-7000-8000-000000000000", search.Entry.String())
	require.Equal(t, retention.CopyLeaving, stateOf(t, states, "backups").Status)
	require.Equal(t, endOf(t, "2026-03-29"), stateOf(t, states, "backups").By)

	// What a keeper writes has the form that the page gives.
	h := w.purged("2", "p")
	require.NoError(t, w.works.run(t, w.k))
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	var page, written struct{ Copies []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(all[i]), &page))
	require.NoError(t, json.Unmarshal(rows[0].Detail, &written))
	names := func(copies []map[string]any, name string) (keys []string) {
		for _, c := range copies {
			if c["copy"] == name {
				for key := range c {
					keys = append(keys, key)
				}
			}
		}
		slices.Sort(keys)
		return keys
	}
	for _, name := range []string{"primary", "search", "backups"} {
		require.Equal(t, names(page.Copies, name), names(written.Copies, name), name)
	}
}

func TestFormats_WorkSaysWhatTheWarrantSays(t *testing.T) {
	w := newSpread(t)
	h := w.purged("1", "p")
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	for _, q := range w.works.all(t) {
		require.JSONEq(t, `{"warrant":"`+rows[0].ID+`","copy":"`+q.Line+`","handle":"`+h+`","type":"file","id":"1"}`, string(q.Payload))
		require.Equal(t, rows[0].ID+"/"+q.Line, q.Key)
		require.NotContains(t, q.Key, "p@", "nothing of a person stands in the clear")
	}
	require.Len(t, w.works.all(t), 3)
}

// A canary goes through everything that is about copies.
func TestCanary_WarrantsNameNobody(t *testing.T) {
	const canary = "jane.canary@example.org"
	w := newSpread(t, retention.WithCertificates(1<<53))
	h := w.purged("1", canary)
	w.ads.fails = &retention.CopyError{Copy: canary, Err: canaryError(canary)}
	err := w.works.run(t, w.k)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
	w.after(20)
	w.tend()
	w.ads.fails = nil
	require.NoError(t, w.works.run(t, w.k))
	require.NoError(t, w.confirm(h))
	w.after(40)
	w.tend()
	c, err := w.k.Certify(w.ctx, ours, h)
	require.NoError(t, err)
	file, err := c.Marshal()
	require.NoError(t, err)
	report := w.report()
	rows, err := w.store.WarrantsOf(w.ctx, ours, h)
	require.NoError(t, err)
	require.Len(t, rows, 1, "it is kept for certificates")
	shown, err := json.Marshal([]any{w.told.list, report, rows})
	require.NoError(t, err)
	for what, text := range map[string]string{
		"certificate": string(file), "report": report.String(), "what was told, and rows": string(shown),
	} {
		require.NotContains(t, text, canary, what)
	}
	for _, act := range []string{"retention.warrant", "retention.copy", "retention.gone", "retention.late", "retention.certificate"} {
		entries := w.notes.of(t, act)
		require.NotEmpty(t, entries, act)
		for _, e := range entries {
			for name, fact := range e.Facts {
				require.NotContains(t, fact.Text()+strings.Join(fact.Words(), " "), canary, name)
			}
			require.True(t, e.SubjectID == "" || e.SubjectID == canary, "the trail makes a pseudonym of it")
		}
	}
}

type canaryError string

func (e canaryError) Error() string { return string(e) }
