package retention_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata" // the tests name zones

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// day reads a day that the test itself has typed, and gives its noon.
func day(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.DateOnly, s)
	require.NoError(tb, err)
	return t.Add(12 * time.Hour)
}

// endOf is the instant at which a day is over, UTC.
func endOf(tb testing.TB, s string) time.Time {
	tb.Helper()
	return day(tb, s).Add(12 * time.Hour)
}

func days(n int) deadline.Period { return deadline.Period{Days: n} }

func date(tb testing.TB, s string) deadline.Date {
	tb.Helper()
	d, err := deadline.ParseDate(s)
	require.NoError(tb, err)
	return d
}

// content is the policy of one class with a trash can and an account that can be
// closed: 25 + 30 days, backups of 30, and promises of 90 and 60.
func content(tb testing.TB) *retention.Policy {
	tb.Helper()
	return &retention.Policy{
		Format: retention.Format, Name: "test", Version: 1, Title: "A test",
		Effective: date(tb, "2020-01-01"), Zone: "UTC", Sweep: days(1),
		Events: []retention.Event{
			{Name: "trashed"},
			{Name: "restored"},
			{Name: "account.closed", Scope: retention.OfAccount},
			{Name: "invoice.issued"},
		},
		Copies: []retention.Copy{
			{Name: "primary", Kind: retention.Primary},
			{Name: "search", Kind: retention.SearchIndex, Of: "primary", Lag: days(1)},
			{Name: "backups", Kind: retention.Backup, Of: "primary", Rotation: days(30)},
		},
		Classes: []retention.Class{{
			Name: "content", Title: "Content", Records: []string{"file"}, Copies: []string{"primary"},
			Lifecycle: retention.Lifecycle{
				Stages: []retention.Stage{
					{Name: "active", Visible: retention.VisibleAll, Until: "account.closed", Then: "closed"},
					{Name: "trashed", Visible: retention.VisibleOwner, Restorable: true, For: days(25)},
					{Name: "inaccessible", Visible: retention.VisibleNone, For: days(30), Then: retention.Purged},
					{Name: "closed", Visible: retention.VisibleNone, For: days(25)},
				},
				On: []retention.Transition{
					{Event: "trashed", From: []string{"active"}, Goto: "trashed"},
					{Event: "restored", From: []string{"trashed"}, Goto: "active"},
					{Event: "account.closed", From: []string{"trashed", "inaccessible"}, Goto: "closed"},
				},
			},
		}},
		Promises: []retention.Promise{
			{Name: "trash", Classes: []string{"content"}, From: "trashed", Within: days(90), Unless: []string{"restored"}, Cite: "policy 1"},
			{Name: "account", Classes: []string{"content"}, From: "account.closed", Within: days(60), Cite: "policy 2"},
		},
	}
}

func history(tb testing.TB, policies ...*retention.Policy) *retention.History {
	tb.Helper()
	h, err := retention.NewHistory(policies...)
	require.NoError(tb, err)
	return h
}

// changed is a policy with one change; the policy given stays as it is.
func changed(tb testing.TB, p *retention.Policy, change func(*retention.Policy)) *retention.Policy {
	tb.Helper()
	text, err := json.Marshal(p)
	require.NoError(tb, err)
	c := new(retention.Policy)
	require.NoError(tb, json.Unmarshal(text, c))
	change(c)
	return c
}

// examples are the worked policies, by name.
func examples(tb testing.TB) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob("../examples/policies/*.yaml")
	require.NoError(tb, err)
	require.Len(tb, paths, 4)
	all := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(tb, err)
		all[filepath.Base(path)] = text
	}
	return all
}
